from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.pack import load
from domain.charges import ChargeRates
from domain.errors import RuleError
from domain.rules import Hours
from domain.rules.lpp import LppBand
from domain.rules.reading import build
from domain.units import Day, Paise
from tests.domain.rules.documents import a_row, a_rule, having, the_files, with_rule

PACK = load()
TODAY = Day("2026-11-19")


def day(text: str, plus: int = 0) -> Day:
    return Day((date.fromisoformat(text) + timedelta(days=plus)).isoformat())


def test_row_holds_from_its_day_until_the_next_begins() -> None:
    rows = (a_row(value=75), a_row(from_="2026-01-06", value=65), a_row(from_="2026-02-01"))
    pack = build(the_files(with_rule(a_rule("lot.NIFTY", *rows))))
    first = pack.lot("NIFTY", Day("2000-01-01"))
    assert first == pack.lot("NIFTY", Day("2026-01-05")) == 75
    assert pack.lot("NIFTY", Day("2026-01-06")) == pack.lot("NIFTY", Day("2026-01-31")) == 65


def test_day_before_the_first_row_is_an_error() -> None:
    with pytest.raises(RuleError, match=r"lot.NIFTY begins 2000-01-01, 1999-12-31 lies before it"):
        PACK.lot("NIFTY", Day("1999-12-31"))


def test_unknown_underlying_is_named_with_those_known() -> None:
    with pytest.raises(RuleError, match=r"lot.RELIANCE is not in the pack; it knows lot.NIFTY, "):
        PACK.lot("RELIANCE", TODAY)


def test_rule_not_known_on_a_day_is_an_error_and_not_a_guess() -> None:
    with pytest.raises(RuleError, match=r"lot.BANKNIFTY is not known on 2021-06-17"):
        PACK.lot("BANKNIFTY", Day("2021-06-17"))


@pytest.mark.incident("INC-48")
def test_prices_are_ticks_and_quantities_are_lots_up_to_the_freeze() -> None:
    largest = {
        name: PACK.freeze(name, TODAY) // PACK.lot(name, TODAY) * PACK.lot(name, TODAY)
        for name in ("NIFTY", "MIDCPNIFTY")
    }
    assert largest == {"NIFTY": 1755, "MIDCPNIFTY": 2760}
    assert PACK.tick(TODAY) == 5


def test_exchange_of_options_and_index_belong_together() -> None:
    assert (PACK.exchange("NIFTY", TODAY), PACK.index_exchange("NIFTY", TODAY)) == (
        "NFO",
        "NSE_INDEX",
    )
    assert (PACK.exchange("SENSEX", TODAY), PACK.index_exchange("SENSEX", TODAY)) == (
        "BFO",
        "BSE_INDEX",
    )


@pytest.mark.incident("INC-122")
@pytest.mark.parametrize(
    ("underlying", "today", "expiry"),
    [
        ("NIFTY", "2021-06-11", "2021-06-17"),
        ("NIFTY", "2025-08-28", "2025-08-28"),
        ("NIFTY", "2025-08-29", "2025-09-02"),
        ("NIFTY", "2026-01-30", "2026-02-03"),
        ("NIFTY", "2026-11-17", "2026-11-17"),
        ("NIFTY", "2026-11-19", "2026-11-23"),
        ("NIFTY", "2026-11-23", "2026-11-23"),
        ("NIFTY", "2026-11-24", "2026-12-01"),
        ("NIFTY", "2026-02-25", "2026-03-02"),
        ("NIFTY", "2026-03-25", "2026-03-30"),
        ("NIFTY", "2026-04-08", "2026-04-13"),
        ("NIFTY", "2026-10-14", "2026-10-19"),
        ("NIFTY", "2026-11-04", "2026-11-09"),
        ("BANKNIFTY", "2025-12-15", "2025-12-30"),
        ("BANKNIFTY", "2026-10-28", "2026-11-23"),
        ("SENSEX", "2026-11-19", "2026-11-19"),
        ("SENSEX", "2026-11-20", "2026-11-26"),
    ],
)
def test_rule_pack_and_master_must_agree_on_the_nearest_expiry(
    underlying: str, today: str, expiry: str
) -> None:
    assert PACK.nearest_expiry(underlying, Day(today)) == expiry


def test_next_expiries_ascend_weekly_or_monthly() -> None:
    assert PACK.expiries("NIFTY", TODAY, 3) == ("2026-11-23", "2026-12-01", "2026-12-08")
    assert PACK.expiries("BANKNIFTY", TODAY, 2) == ("2026-11-23", "2026-12-29")
    assert PACK.expiries("NIFTY", TODAY, 0) == ()


@given(st.dates(date(2025, 9, 1), date(2027, 6, 30)), st.sampled_from(["NIFTY", "FINNIFTY"]))
def test_expiry_is_a_trading_day_not_past_and_at_most_a_period_away(
    today: date, underlying: str
) -> None:
    expiries = PACK.expiries(underlying, Day(today.isoformat()), 3)
    assert list(expiries) == sorted(set(expiries))
    assert all(PACK.is_regular(expiry) for expiry in expiries)
    assert expiries[0] >= today.isoformat()
    assert expiries[0] <= day(today.isoformat(), 11 if underlying == "NIFTY" else 40)


def test_weekday_of_the_expiry_decides_not_that_of_the_trading_day() -> None:
    assert PACK.expiry_weekday("NIFTY", Day("2025-08-31")) == 3
    assert PACK.expiry_weekday("NIFTY", Day("2025-09-01")) == 1
    assert PACK.weekly("NIFTY", TODAY)
    assert not PACK.weekly("BANKNIFTY", TODAY)


def test_hours_end_ten_minutes_later_from_august_2026() -> None:
    assert PACK.hours(Day("2026-07-31")) == Hours(open="09:15", close="15:30")
    assert PACK.hours(Day("2026-08-02")) == Hours(open="09:15", close="15:30")
    assert PACK.hours(Day("2026-08-03")) == Hours(open="09:15", close="15:40")
    assert PACK.hours(Day("2026-08-04")) == Hours(open="09:15", close="15:40")


def test_calendar_of_2026_is_the_exchange_s() -> None:
    expected = (
        "01-15 01-26 03-03 03-26 03-31 04-03 04-14 05-01 05-28 06-26 09-14 10-02 10-20 11-10"
        " 11-24 12-25"
    )
    assert list(PACK.holidays) == [f"2026-{text}" for text in expected.split()]
    for text in PACK.holidays:
        assert not PACK.is_regular(text)
    assert PACK.is_regular(Day("2026-11-23"))
    assert not PACK.is_regular(Day("2026-11-21"))
    assert not PACK.is_regular(Day("2026-02-01"))
    muhurat, budget = PACK.special(Day("2026-11-08")), PACK.special(Day("2026-02-01"))
    assert muhurat is not None
    assert (muhurat.name, muhurat.open, muhurat.close) == ("Muhurat", "18:00", "19:15")
    assert budget is not None
    assert (budget.name, budget.open, budget.close) == ("Budget", "09:15", "15:30")
    assert PACK.special(TODAY) is None
    assert PACK.holiday(TODAY) is None


@pytest.mark.parametrize(
    ("broker", "square_off", "new_until"),
    [
        ("default", "15:15", "15:15"),
        ("nobody_ever_heard_of", "15:15", "15:15"),
        ("sandbox", "15:25", None),
        ("analyzer", "15:15", "15:15"),
        ("zerodha", "15:25", None),
        ("dhan", "15:20", None),
        ("upstox", "15:20", "15:12"),
        ("angel", "15:20", None),
        ("groww", "15:20", None),
        ("aliceblue", "15:25", None),
        ("geojit", "15:15", "15:15"),
    ],
)
def test_square_off_is_the_broker_s_and_early_where_unknown(
    broker: str, square_off: str, new_until: str | None
) -> None:
    assert PACK.square_off(broker, TODAY) == square_off
    assert PACK.mis_new_until(broker, TODAY) == new_until


def test_broker_without_a_square_off_has_none() -> None:
    none = a_rule("square_off.zerodha", a_row(value="none"))
    assert build(the_files(with_rule(none))).square_off("zerodha", TODAY) is None


def test_market_orders_are_refused_unless_the_broker_is_known_to_protect_them() -> None:
    assert PACK.market_orders("nobody", Day("2026-03-31")) == "allow"
    assert PACK.market_orders("nobody", Day("2026-04-01")) == "refuse"
    assert PACK.market_orders("zerodha", TODAY) == "protect"
    assert PACK.market_orders("dhan", TODAY) == "protect"
    assert PACK.market_orders("angel", TODAY) == "refuse"
    assert PACK.market_orders("sandbox", Day("2021-06-11")) == "refuse"


def test_modifications_are_counted_unless_no_limit_is_known() -> None:
    assert PACK.max_modifies("sandbox", TODAY) == 25
    unlimited = a_rule("max_modifies.default", a_row(value="none"))
    assert build(the_files(with_rule(unlimited))).max_modifies("sandbox", TODAY) is None


def test_stop_market_orders_on_options_ended_at_each_exchange() -> None:
    assert PACK.sl_m("NFO", Day("2021-09-26"))
    assert not PACK.sl_m("NFO", Day("2021-09-27"))
    assert PACK.sl_m("BFO", Day("2023-10-08"))
    assert not PACK.sl_m("BFO", Day("2023-10-09"))


def test_band_is_none_before_it_was_in_force() -> None:
    assert PACK.lpp(Day("2022-10-30")) is None
    assert PACK.lpp(Day("2022-10-31")) == LppBand(
        flat_up_to_p=Paise(5000), flat_p=Paise(2000), band_bps=4000, window_s=30, quiet_s=900
    )


def test_order_rate_is_limited_from_april_2026() -> None:
    assert PACK.order_rate(Day("2026-03-31")) is None
    assert PACK.order_rate(Day("2026-04-01")) == 10


def test_charges_are_those_of_the_trading_date() -> None:
    assert PACK.charges(TODAY) == ChargeRates(
        brokerage=Paise(2000),
        stt_sell=15_000,
        transaction=3553,
        sebi=10,
        stamp_buy=300,
        gst_bps=1800,
    )
    assert PACK.charges(TODAY, "BFO").transaction == 3250
    assert PACK.charges(Day("2020-06-30")).stamp_buy == 0
    assert PACK.charges(Day("2021-06-11")).stt_sell == 5000
    assert PACK.charges(Day("2025-08-29")).stt_sell == 10_000


@pytest.mark.parametrize(
    ("today", "reason"),
    [
        ("2026-12-31", ""),
        ("2027-01-01", "rules: holidays are known through 2026-12-31 only"),
    ],
)
def test_day_beyond_the_known_holidays_refuses_entries(today: str, reason: str) -> None:
    assert PACK.refusal(Day(today)) == reason


def test_overdue_pack_is_used_for_two_weeks_and_then_refuses_entries() -> None:
    pack = build(the_files(having(holidays_through="2027-12-31")))
    assert pack.days_left(Day("2026-12-01")) == 30
    assert pack.days_left(Day("2027-01-14")) == -14
    assert pack.refusal(Day("2027-01-14")) == ""
    assert pack.refusal(Day("2027-01-15")) == (
        "rules: the pack was valid through 2026-12-31; renew config/rules"
    )


def test_override_holds_on_every_day_and_leaves_the_pack_alone() -> None:
    other = PACK.override("lot.NIFTY=75", "weekly.NIFTY=false", "lpp.flat_p=none")
    assert other.lot("NIFTY", Day("2000-01-01")) == other.lot("NIFTY", TODAY) == 75
    assert not other.weekly("NIFTY", TODAY)
    assert other.lpp(TODAY) is None
    assert other.override("square_off.zerodha=15:20").square_off("zerodha", TODAY) == "15:20"
    assert PACK.lot("NIFTY", TODAY) == 65


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("lot.RELIANCE=500", "lot.RELIANCE is not in the pack"),
        ("color=red", "color is not in the pack; it knows charges, "),
        ("lot.NIFTY=65.5", "lot.NIFTY=65.5 is not allowed; allowed is a whole number of units"),
        ("lot.NIFTY", "lot.NIFTY= is not allowed"),
    ],
)
def test_override_of_nonsense_is_refused(text: str, fault: str) -> None:
    with pytest.raises(RuleError, match=fault.replace(".", r"\.")):
        PACK.override(text)
