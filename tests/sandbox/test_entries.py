"""Rule I8: no entry is sent after the last entry time, outside ACTIVE or under a latch."""

from domain.contracts import Chain
from domain.events import DayPlanned, LatchCleared, LatchSet, ModeChanged
from domain.session import DayPlan
from domain.units import Day as TradingDay
from domain.units import Micros, Paise
from tests.sandbox.day import BUY, SELL, Day

NAME = "NIFTY23NOV2626000CE"


def an_entry(day: Day, at_s: float) -> Day:
    """An entry that is accepted and cancelled: it leaves no position behind."""
    day.order("e", SELL, 65, at_s)
    day.cancel("e", at_s + 1, units=65)
    return day


def planned(last_entry_s: float) -> Day:
    day = Day()
    plan = DayPlan(
        day=TradingDay("2026-11-19"), open=Micros(0), close=Micros(0),
        last_entry=Day.instant(last_entry_s), force_close=Day.instant(400), square_off=None,
        quiet=None,
    )  # fmt: skip
    chain = Chain(
        underlying="NIFTY", index_exchange="NSE_INDEX", expiry=plan.day, atm=Paise(0), contracts=()
    )
    day.write(DayPlanned(at=Day.instant(0), plan=plan, chain=chain))
    return day


def in_mode(day: Day, mode: str, at_s: float) -> Day:
    day.write(ModeChanged(at=Day.instant(at_s), mode=mode, reason=""))
    return day


def test_entry_at_the_last_entry_time_is_too_late() -> None:
    assert an_entry(planned(100), 100).judge().invariants_broken == [
        f"I8 {NAME}: journal 3: entry i-e sent at 10:01:40, after the last entry time 10:01:40"
    ]
    assert an_entry(planned(100), 99.9).broken() == []


def test_entry_after_force_close_is_too_late_even_without_a_plan() -> None:
    day = an_entry(Day(), 400)
    assert day.broken(force_close=Day.instant(300)) == ["I8"]
    assert day.broken() == []


def test_exit_is_never_too_late() -> None:
    day = planned(100)
    day.short(at_s=10)
    day.cover("c", 650, 401)
    day.prove_flat(403)
    assert "I8" not in day.broken()


def test_entry_outside_active_is_told_with_the_mode() -> None:
    day = an_entry(in_mode(Day(), "REDUCE_ONLY", 0), 5)
    assert day.judge().invariants_broken == [
        f"I8 {NAME}: journal 3: entry i-e sent in mode REDUCE_ONLY"
    ]
    assert an_entry(in_mode(Day(), "ACTIVE", 0), 5).broken() == []


def test_mode_journaled_behind_the_entry_at_the_same_instant_counts() -> None:
    day = in_mode(an_entry(in_mode(Day(), "WAIT_LOGIN", 0), 5), "ACTIVE", 5)
    assert day.broken() == []
    day = in_mode(an_entry(in_mode(Day(), "WAIT_LOGIN", 0), 5), "ACTIVE", 5.1)
    assert day.broken() == ["I8"]


def test_entry_under_a_latch_until_a_human_takes_it_down() -> None:
    day = Day()
    day.write(LatchSet(at=Day.instant(0), name="OWN_LONG", reason=""))
    an_entry(day, 1)
    assert day.judge().invariants_broken == [
        f"I8 {NAME}: journal 3: entry i-e sent under the latch OWN_LONG"
    ]
    day = Day()
    day.write(LatchSet(at=Day.instant(0), name="OWN_LONG", reason=""))
    day.write(LatchCleared(at=Day.instant(0.5), name="OWN_LONG", reason=""))
    assert an_entry(day, 1).broken() == []


def test_cover_under_a_latch_is_allowed() -> None:
    day = Day()
    day.short()
    day.write(LatchSet(at=Day.instant(1), name="OWN_LONG", reason=""))
    day.order("c", BUY, 650, 2, price=15_500)
    assert "I8" not in day.broken()
