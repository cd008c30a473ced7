"""One day read from the dated rules."""

from domain.units import Day
from sandbox.facts import facts, holidays, timings
from sandbox.kinds import TimingLine
from tests.sandbox.pit import at, rules


def exchanges(day: str) -> list[str]:
    return [line.exchange for line in timings(rules(), Day(day))]


def test_normal_day_after_the_hours_changed() -> None:
    """15:40 from 2026-08-03 (NSE 74/2026)."""
    day = facts(rules(), "sandbox", Day("2026-11-19"))
    assert (day.open, day.close) == (at("09:15"), at("15:40"))
    assert (day.square_off, day.mis_until) == (at("15:25"), at("15:25"))
    assert day.is_open(at("09:15"))
    assert not day.is_open(at("15:40"))
    assert (day.session.seconds, day.session.minutes, day.session.open_minute) == (23_100, 385, 555)


def test_recorded_day_of_2021_keeps_its_own_rules() -> None:
    day = facts(rules(), "sandbox", Day("2021-06-11"))
    assert day.close == at("15:30", Day("2021-06-11"))
    assert day.band is None
    assert (day.window_s, day.quiet_s) == (30, 900)
    assert day.stop_market


def test_earlier_of_square_off_and_cut_binds_new_intraday_orders() -> None:
    day = facts(rules().override("mis_new_until.sandbox=15:12"), "sandbox", Day("2026-11-19"))
    assert day.mis_until == at("15:12")


def test_analyzer_squares_off_at_1515() -> None:
    day = facts(rules(), "analyzer", Day("2026-11-19"))
    assert (day.square_off, day.square_off_wall) == (at("15:15"), "15:15")


def test_holiday_opens_and_closes_at_once() -> None:
    day = facts(rules(), "sandbox", Day("2026-11-24"))
    assert day.open == day.close
    assert not day.is_open(day.open)
    assert day.session.minutes == 0
    assert exchanges("2026-11-24") == ["CRYPTO"]
    assert exchanges("2026-11-21") == ["CRYPTO"]


def test_special_session_has_hours_of_its_own() -> None:
    day = Day("2026-11-08")
    special = facts(rules(), "sandbox", day)
    assert special.open == at("18:00", day)
    lines = {line.exchange: line for line in timings(rules(), day)}
    assert lines["NFO"] == TimingLine(exchange="NFO", start=special.open, end=special.close)
    assert lines["NSE"].start == special.open


def test_cash_market_keeps_the_hours_of_openalgos_table() -> None:
    lines = {line.exchange: line for line in timings(rules(), Day("2026-11-19"))}
    assert (lines["NSE"].end, lines["NFO"].end) == (at("15:30"), at("15:40"))


def test_holidays_of_a_year_in_order_with_their_special_sessions() -> None:
    listed = holidays(rules(), 2026)
    days = [line.day for line in listed]
    assert days == sorted(days)
    assert {"2026-11-24", "2026-12-25"} <= set(days)
    assert next(line for line in listed if line.day == "2026-11-24").sessions == ()
    muhurat = next(line for line in listed if line.day == "2026-11-08")
    assert [line.exchange for line in muhurat.sessions] == ["NFO", "BFO"]
    assert holidays(rules(), 2031) == ()
