"""An answer of history is sifted row by row, and holes are asked for when they have settled."""

import pytest

from domain.history import NEVER, Answer, Audit, Holes, sift
from domain.market import HistoryBar
from domain.params import HistoryParams
from domain.units import SECOND, Micros, Paise
from tests.domain.tape import a_plan, a_row, at

TICK = Paise(5)


def sifted(rows: list[HistoryBar], asked_at: str = "10:14:30") -> Answer:
    return sift(rows, a_plan(), at(asked_at), TICK, settle_s=12)


@pytest.mark.incident("INC-19")
def test_history_loaded_mid_minute_ends_at_the_last_full_one() -> None:
    rows = [a_row(f"10:{minute:02}") for minute in range(10, 15)]
    answer = sifted(rows, "10:14:30")
    assert sorted(answer.rows) == [at(f"10:{minute}") for minute in (10, 11, 12, 13)]
    assert answer.final == at("10:13")


def test_minute_that_just_ended_is_not_final_yet() -> None:
    assert sifted([], "10:14:11.9").final == at("10:12")
    assert sifted([], "10:14:12").final == at("10:13")


def test_rows_are_kept_once_per_minute_in_order() -> None:
    newer = a_row("10:01", (10_000, 10_300, 9_800, 10_000))
    answer = sifted([a_row("10:02"), a_row("10:01"), newer])
    assert list(answer.rows.items()) == [(at("10:01"), newer), (at("10:02"), a_row("10:02"))]


@pytest.mark.parametrize(
    "bad",
    [
        a_row("10:01", (9_700, 10_200, 9_800, 10_000)),
        a_row("10:01", (10_000, 10_200, 9_800, 10_300)),
        a_row("10:01", (10_000, 9_700, 9_800, 10_000)),
        a_row("10:01", (10_000, 10_200, 0, 10_000)),
        a_row("10:01", (10_001, 10_200, 9_800, 10_000)),
        a_row("10:01", volume=-1),
    ],
)
def test_bad_rows_are_dropped_one_by_one(bad: HistoryBar) -> None:
    answer = sifted([a_row("10:00"), bad, a_row("10:02")])
    assert sorted(answer.rows) == [at("10:00"), at("10:02")]
    assert answer.bad == {at("10:01")}
    assert not answer.is_absent(at("10:01"))


def test_rows_outside_the_session_are_not_of_this_day() -> None:
    rows = [a_row("09:14"), a_row("15:40"), a_row("10:00:30")]
    assert sifted(rows, "15:45") == Answer({}, frozenset(), Micros(0), at("15:43"))


def test_minute_is_absent_if_nothing_was_said_of_it() -> None:
    answer = sifted([a_row("10:00"), a_row("10:02", volume=-1), a_row("10:14")], "10:14:30")
    absent = [answer.is_absent(at(wall)) for wall in ("10:00", "10:01", "10:02", "10:14")]
    assert absent == [False, True, False, True]
    assert answer.newest == at("10:02")


ROWS = [a_row("10:00", volume=990), a_row("10:02", volume=500)]


@pytest.mark.parametrize(
    ("heard", "audit"),
    [
        ({}, Audit(NEVER)),
        ({"10:00": 1000}, Audit(at("10:00"))),
        ({"10:00": 1001}, Audit(NEVER, short=True)),
        ({"10:00": 900, "10:02": 1505}, Audit(at("10:02"))),
        ({"10:00": 900, "10:02": 1506}, Audit(NEVER, short=True)),
        ({"10:02": 1490, "10:07": 1490}, Audit(at("10:07"))),
        ({"10:02": 1490, "10:07": 1491}, Audit(at("10:02"))),
        ({"10:07": 9000}, Audit(NEVER)),
        ({"10:13": 1490, "10:14": 1490}, Audit(at("10:13"))),
    ],
)
def test_rows_must_hold_the_volume_that_was_heard(heard: dict[str, int], audit: Audit) -> None:
    volumes = {at(wall): cum for wall, cum in heard.items()}
    assert sifted(ROWS, "10:14:30").audit(volumes, is_exact=True) == audit


def test_volume_of_a_counter_that_was_reset_proves_nothing_after_the_newest_row() -> None:
    heard = {at("10:02"): 1490, at("10:07"): 100}
    assert sifted(ROWS).audit(heard, is_exact=False) == Audit(at("10:02"))


def test_minute_is_lacking_once_it_is_due() -> None:
    early = sifted([a_row("10:00"), a_row("10:02")], "10:14:30")
    assert [early.lacks(at(wall)) for wall in ("10:00", "10:01", "10:05")] == [False, True, False]
    later = sifted([a_row("10:00"), a_row("10:02", volume=-1)], "10:30:30")
    walls = ("10:02", "10:13", "10:14", "10:30")
    assert [later.lacks(at(wall)) for wall in walls] == [False, True, False, False]


def test_row_that_repeats_the_close_without_volume_is_a_quiet_minute() -> None:
    flat = (10_000, 10_000, 10_000, 10_000)
    moved = (10_005, 10_005, 10_005, 10_005)
    rows = [a_row("10:00"), a_row("10:01", flat, 0), a_row("10:02", moved, 0)]
    answer = sifted([*rows, a_row("10:03", moved, 65)])
    assert sorted(answer.rows) == [at("10:00"), at("10:02"), at("10:03")]
    assert answer.is_absent(at("10:01"))


def test_hole_is_asked_for_when_its_minute_has_settled() -> None:
    holes = Holes(HistoryParams(settle_s=12))
    holes.dig(at("10:01"))
    holes.dig(at("10:00"))
    assert holes.wanted(at("10:01:11.9")) == ()
    assert holes.wanted(at("10:01:12")) == (at("10:00"),)
    assert holes.wanted(at("10:02:12")) == (at("10:00"), at("10:01"))
    assert holes.first == at("10:00")


def test_unanswered_hole_is_asked_for_again_and_then_more_patiently() -> None:
    holes = Holes(HistoryParams(settle_s=12, retry_s=60, retries=2))
    holes.dig(at("10:00"))
    asked = []
    now = at("10:01")
    while now < at("10:20"):
        if holes.wanted(now):
            asked.append(now)
            holes.postpone(now)
        now = Micros(now + SECOND)
    assert asked == [
        at(w) for w in ("10:01:12", "10:02:12", "10:03:12", "10:08:12", "10:13:12")
    ] + [at("10:18:12")]


def test_digging_again_does_not_start_over() -> None:
    holes = Holes(HistoryParams(settle_s=12, retry_s=60))
    holes.dig(at("10:00"))
    holes.postpone(at("10:01:12"))
    holes.dig(at("10:00"))
    assert holes.wanted(at("10:02:11")) == ()


def test_filled_hole_is_gone() -> None:
    holes = Holes(HistoryParams())
    holes.dig(at("10:00"))
    assert holes
    assert at("10:00") in holes
    holes.fill(at("10:00"))
    assert not holes
    assert holes.first is None
    assert holes.until(at("15:00")) == ()
