import os
import time
from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.pack import load
from domain.errors import ConfigError
from domain.params import SessionParams
from domain.rules.pack import RulePack
from domain.rules.reading import build
from domain.session import (
    Closed,
    DayPlan,
    cross_check,
    instant,
    last_trading_day,
    local,
    next_trading_day,
    plan,
    show,
    trading_day,
)
from domain.units import Day, Micros
from tests.domain.rules.documents import having, the_files

PACK = load()
THURSDAY = Day("2026-11-19")
MUHURAT = Day("2026-11-08")
ZONES = ("UTC", "Asia/Kolkata", "America/New_York")


def shown(planned: DayPlan | Closed) -> tuple[str, ...]:
    """Return last_entry, force_close, square_off and quiet as people read them."""
    assert isinstance(planned, DayPlan)
    instants = (planned.last_entry, planned.force_close, planned.square_off, planned.quiet)
    return tuple("-" if at is None else show(at) for at in instants)


def half_day(close: str = "13:00") -> RulePack:
    day = {"date": THURSDAY, "name": "Half day", "source": "a circular", "certainty": "exchange"}
    special = having(special=[day | {"open": "09:15", "close": close}])
    return build(the_files(special))


@pytest.fixture(params=ZONES)
def zone(request: pytest.FixtureRequest) -> Iterator[str]:
    before = os.environ.get("TZ")
    os.environ["TZ"] = request.param
    time.tzset()
    yield request.param
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    time.tzset()


def test_normal_day_is_planned_in_full() -> None:
    assert plan(THURSDAY, PACK, SessionParams(), "sandbox") == DayPlan(
        day=THURSDAY,
        open=instant(THURSDAY, "09:15"),
        close=instant(THURSDAY, "15:40"),
        last_entry=instant(THURSDAY, "15:10"),
        force_close=instant(THURSDAY, "15:15"),
        square_off=instant(THURSDAY, "15:25"),
        quiet=instant(THURSDAY, "15:24:30"),
    )


@pytest.mark.incident("INC-122")
@pytest.mark.parametrize(
    ("day", "broker", "expected"),
    [
        ("2026-11-19", "zerodha", ("15:10:00", "15:15:00", "15:25:00", "15:24:30")),
        ("2026-11-19", "default", ("15:08:00", "15:13:00", "15:15:00", "15:14:30")),
        ("2026-11-19", "analyzer", ("15:08:00", "15:13:00", "15:15:00", "15:14:30")),
        ("2026-11-19", "unheard_of", ("15:08:00", "15:13:00", "15:15:00", "15:14:30")),
        ("2026-11-19", "dhan", ("15:10:00", "15:15:00", "15:20:00", "15:19:30")),
        ("2026-11-19", "upstox", ("15:05:00", "15:10:00", "15:12:00", "15:11:30")),
        ("2026-07-31", "aliceblue", ("15:08:00", "15:13:00", "15:15:00", "15:14:30")),
        ("2026-08-03", "aliceblue", ("15:10:00", "15:15:00", "15:25:00", "15:24:30")),
        ("2026-07-31", "sandbox", ("15:10:00", "15:15:00", "15:25:00", "15:24:30")),
        ("2021-06-11", "sandbox", ("15:10:00", "15:15:00", "15:25:00", "15:24:30")),
    ],
)
def test_force_close_is_the_earliest_that_binds(
    day: str, broker: str, expected: tuple[str, ...]
) -> None:
    assert shown(plan(Day(day), PACK, SessionParams(), broker)) == expected


def test_close_follows_the_dated_hours() -> None:
    for day, close in (("2026-07-31", "15:30:00"), ("2026-08-03", "15:40:00")):
        planned = plan(Day(day), PACK, SessionParams(), "sandbox")
        assert isinstance(planned, DayPlan)
        assert (show(planned.open), show(planned.close)) == ("09:15:00", close)


def test_margins_are_the_configured_ones() -> None:
    params = SessionParams(close_margin_min=60, entry_stop_min=0)
    assert shown(plan(THURSDAY, PACK, params, "sandbox"))[:2] == ("14:40:00", "14:40:00")
    params = SessionParams(square_off_margin_s=900, entry_stop_min=30)
    assert shown(plan(THURSDAY, PACK, params, "sandbox"))[:2] == ("14:40:00", "15:10:00")
    assert shown(plan(THURSDAY, PACK, SessionParams(), "sandbox", quiet_s=60))[3] == "15:24:00"


def test_evening_session_is_traded_only_on_request() -> None:
    closed = plan(MUHURAT, PACK, SessionParams(), "sandbox")
    assert closed == Closed(
        day=MUHURAT,
        reason="special session Muhurat; session.trade_special is false",
        next_day=Day("2026-11-09"),
    )
    planned = plan(MUHURAT, PACK, SessionParams(trade_special=True), "sandbox")
    assert isinstance(planned, DayPlan)
    assert (show(planned.open), show(planned.close)) == ("18:00:00", "19:15:00")
    assert shown(planned) == ("18:55:00", "19:00:00", "-", "-")


def test_full_special_session_keeps_its_afternoon() -> None:
    planned = plan(Day("2026-02-01"), PACK, SessionParams(trade_special=True), "zerodha")
    assert shown(planned) == ("15:10:00", "15:15:00", "15:25:00", "15:24:30")


def test_half_day_is_bound_by_its_close() -> None:
    planned = plan(THURSDAY, half_day(), SessionParams(trade_special=True), "sandbox")
    assert shown(planned) == ("12:40:00", "12:45:00", "-", "-")


@pytest.mark.parametrize(
    ("day", "reason", "following"),
    [
        ("2026-11-24", "holiday: Guru Nanak Jayanti", "2026-11-25"),
        ("2026-11-21", "weekend", "2026-11-23"),
        ("2026-11-22", "weekend", "2026-11-23"),
        ("2026-12-25", "holiday: Christmas", "2026-12-28"),
        ("2026-04-03", "holiday: Good Friday", "2026-04-06"),
    ],
)
def test_closed_day_names_its_reason_and_the_next_session(
    day: str, reason: str, following: str
) -> None:
    expected = Closed(day=Day(day), reason=reason, next_day=Day(following))
    assert plan(Day(day), PACK, SessionParams(), "sandbox") == expected


def test_next_trading_day_may_be_special_and_ends_with_the_calendar() -> None:
    friday = Day("2026-11-06")
    assert next_trading_day(friday, PACK, SessionParams()) == "2026-11-09"
    assert next_trading_day(friday, PACK, SessionParams(trade_special=True)) == MUHURAT
    assert next_trading_day(Day("2026-12-30"), PACK, SessionParams()) == "2026-12-31"
    assert next_trading_day(Day("2026-12-31"), PACK, SessionParams()) is None


@pytest.mark.parametrize(
    ("day", "before"),
    [("2026-11-19", "2026-11-18"), ("2026-11-22", "2026-11-20"), ("2026-11-23", "2026-11-20")],
)
def test_last_trading_day_lies_before_the_weekend(day: str, before: str) -> None:
    assert last_trading_day(Day(day), PACK) == before


def test_last_trading_day_is_no_holiday() -> None:
    (holiday, *_) = (day for day in PACK.holidays if date.fromisoformat(day).weekday() == 1)
    following = date.fromisoformat(holiday) + timedelta(days=1)
    before = date.fromisoformat(holiday) - timedelta(days=1)
    assert last_trading_day(Day(following.isoformat()), PACK) == before.isoformat()


@pytest.mark.parametrize("wall", ["10:15", "10:15:00", "15:40:00"])
def test_force_close_may_lie_anywhere_from_an_hour_after_the_open(wall: str) -> None:
    planned = plan(THURSDAY, PACK, SessionParams(force_close=wall), "sandbox")
    assert isinstance(planned, DayPlan)
    assert planned.force_close == min(instant(THURSDAY, wall), instant(THURSDAY, "15:23"))


@pytest.mark.parametrize("wall", ["10:14:59", "15:40:01", "00:00"])
def test_force_close_outside_the_session_is_refused_with_its_range(wall: str) -> None:
    told = f"session.force_close: {wall} is not allowed on 2026-11-19; allowed is 10:15:00 to 15:40"
    with pytest.raises(ConfigError, match=told):
        plan(THURSDAY, PACK, SessionParams(force_close=wall), "sandbox")


@given(
    st.dates(date(2026, 1, 1), date(2026, 12, 31)),
    st.sampled_from(["default", "sandbox", "zerodha", "upstox", "geojit"]),
    st.booleans(),
)
def test_instants_of_every_day_stand_in_order(day: date, broker: str, special: bool) -> None:
    planned = plan(Day(day.isoformat()), PACK, SessionParams(trade_special=special), broker)
    if isinstance(planned, Closed):
        assert planned.reason
        return
    assert planned.open < planned.last_entry < planned.force_close < planned.close
    if planned.square_off is not None and planned.quiet is not None:
        assert planned.force_close < planned.quiet < planned.square_off < planned.close


def test_server_and_pack_must_agree_that_the_day_is_open() -> None:
    open_day = plan(THURSDAY, PACK, SessionParams(), "sandbox")
    closed_day = plan(Day("2026-11-24"), PACK, SessionParams(), "sandbox")
    assert cross_check(open_day, is_open=True) == ""
    assert cross_check(closed_day, is_open=False) == ""
    assert cross_check(open_day, is_open=False) == (
        "rules_mismatch: session 2026-11-19 pack=open timings=closed"
    )
    assert cross_check(closed_day, is_open=True) == (
        "rules_mismatch: session 2026-11-24 pack=closed timings=open"
    )


@pytest.mark.incident("INC-106")
def test_suite_passes_in_three_time_zones(zone: str) -> None:
    planned = plan(THURSDAY, PACK, SessionParams(), "sandbox")
    assert isinstance(planned, DayPlan), zone
    assert planned.force_close == Micros(1_795_081_500_000_000)
    assert planned.at("15:15:00") == planned.force_close
    assert show(planned.force_close) == "15:15:00"
    assert local(planned.open).isoformat() == "2026-11-19T09:15:00+05:30"


@pytest.mark.parametrize(
    ("wall", "plus_s", "day"),
    [
        ("00:00", 0, "2026-11-19"),
        ("00:00", -1, "2026-11-18"),
        ("05:29:59", 0, "2026-11-19"),
        ("05:30", 0, "2026-11-19"),
        ("23:59:59", 0, "2026-11-19"),
        ("23:59:59", 1, "2026-11-20"),
    ],
)
def test_day_begins_at_midnight_in_kolkata(zone: str, wall: str, plus_s: int, day: str) -> None:
    at = Micros(instant(THURSDAY, wall) + plus_s * 1_000_000)
    assert trading_day(at) == day, zone


def test_last_day_of_the_year_turns_at_midnight() -> None:
    midnight = instant(Day("2027-01-01"), "00:00")
    assert trading_day(Micros(midnight - 1)) == "2026-12-31"
    assert trading_day(midnight) == "2027-01-01"


@pytest.mark.parametrize("wall", ["25:00", "09:60", "soon", ""])
def test_wall_time_that_is_none_is_refused(wall: str) -> None:
    with pytest.raises(ValueError, match=r"isoformat|hour|minute"):
        instant(THURSDAY, wall)


@given(st.dates(date(2000, 1, 1), date(2099, 12, 31)), st.integers(0, 86_399))
def test_instant_and_show_undo_each_other(day: date, second: int) -> None:
    wall = str(timedelta(seconds=second)).zfill(8)
    at = instant(Day(day.isoformat()), wall)
    assert (trading_day(at), show(at)) == (day.isoformat(), wall)
