"""Which paper sessions count before real money: the whole day, flat, and nothing went up."""

from typing import Any

import pytest

from domain import events as ev
from domain.reasons import Condition
from domain.session import instant
from domain.sessions import DAY_DONE, PARKED, Played, clean, played
from domain.units import Day, Micros
from tests.domain.tape import a_chain, a_plan

PLAN = a_plan()
DAY = PLAN.day


def at(wall: str) -> Micros:
    return instant(DAY, wall)


def planned(wall: str = "09:16:10") -> ev.Event:
    return ev.DayPlanned(at=at(wall), plan=PLAN, chain=a_chain())


def flat(wall: str = "15:15:09") -> ev.Event:
    return ev.ProvedFlat(at=at(wall), first="a", second="b")


def latched(name: str) -> ev.Event:
    return ev.LatchSet(at=at("11:00"), name=name, reason="why")


def judged(*events: ev.Event, code: int = DAY_DONE, mode: str = "analyze") -> Played:
    return played(events, DAY, mode, code, "0123abc")


def test_whole_day_that_ends_flat_is_clean() -> None:
    row = judged(planned(), latched("DAY_DONE"), flat())
    assert row == Played(day=DAY, mode="analyze", code=DAY_DONE, commit="0123abc")
    assert clean([row]) == (row,)


@pytest.mark.parametrize(
    ("events", "flaws"),
    [
        ((flat(),), ("it never traded",)),
        ((planned(),), ("not proved flat",)),
        ((planned("10:15:00.000001"), flat()), ("begun at 10:15:00 only",)),
        (
            (planned(), latched("DUPLICATE"), latched("FLATTEN"), flat()),
            ("latch DUPLICATE (why)", "latch FLATTEN (why)"),
        ),
        (
            (
                planned(),
                latched("FREEZE"),
                ev.LatchCleared(at=at("11:01"), name="FREEZE", reason="BY_HAND"),
                flat(),
            ),
            ("latch FREEZE (why)",),
        ),
        (
            (
                planned(),
                ev.FindingApplied(
                    at=at("09:10"), kind=Condition.JOURNAL_LOST, subject="", detail="set aside"
                ),
                flat(),
            ),
            ("JOURNAL_LOST (set aside)",),
        ),
    ],
)
def test_what_makes_a_session_unclean_is_said(
    events: tuple[ev.Event, ...], flaws: tuple[str, ...]
) -> None:
    row = judged(*events)
    assert row.flaws == flaws
    assert clean([row]) == ()


def test_session_begun_within_an_hour_has_seen_the_day() -> None:
    assert judged(planned("10:15:00"), flat()).flaws == ()


def test_parking_is_no_flaw_but_no_end_either() -> None:
    parked = judged(planned(), code=PARKED)
    assert (parked.flaws, clean([parked])) == ((), ())
    done = judged(planned(), flat())
    assert clean([parked, done]) == (done,)


def test_life_that_failed_spoils_its_day_whatever_comes_after() -> None:
    failed = judged(planned(), code=70)
    assert failed.flaws == ("a life of it ended with exit code 70",)
    assert clean([failed, judged(planned(), flat())]) == ()


def test_real_money_is_no_paper_session() -> None:
    assert clean([judged(planned(), flat(), mode="live")]) == ()


def a_row(day: str, **more: Any) -> Played:
    return Played(day=Day(day), mode="analyze", code=DAY_DONE, **more)


def test_days_count_once_and_in_their_order() -> None:
    first, second = a_row("2026-11-18"), a_row("2026-11-19", entries=4)
    assert clean([second, a_row("2026-11-18"), first]) == (first, second)


def test_day_after_day_done_was_started_again_stays_clean() -> None:
    rows = [a_row("2026-11-18", entries=2), a_row("2026-11-18", entries=2)]
    assert [row.day for row in clean(rows)] == ["2026-11-18"]
