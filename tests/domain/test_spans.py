"""A stretch touches each minute it overlaps, and one that lasts touches all that follow."""

import pytest

from domain.spans import Spans
from domain.units import Micros
from tests.domain.tape import at


@pytest.mark.parametrize(
    ("since", "until", "minutes"),
    [
        ("10:00:30", "10:00:31", ["10:00"]),
        ("10:00", "10:01", ["10:00"]),
        ("10:00:59.9", "10:02:00.1", ["10:00", "10:01", "10:02"]),
        ("10:01", "10:01", []),
    ],
)
def test_stretch_touches_the_minutes_it_overlaps(
    since: str, until: str, minutes: list[str]
) -> None:
    spans = Spans()
    spans.mark(at(since), at(until))
    asked = ["09:59", "10:00", "10:01", "10:02", "10:03"]
    assert [m for m in asked if spans.touch(at(m))] == minutes


def test_lasting_stretch_ends_where_the_next_mark_says() -> None:
    spans = Spans()
    spans.mark(at("10:00:58"), None)
    assert [spans.touch(at(m)) for m in ("09:59", "10:00", "14:00")] == [False, True, True]
    spans.mark(at("10:01:10"), at("10:02:05"))
    assert [spans.touch(at(m)) for m in ("10:00", "10:01", "10:02", "10:03")] == [
        True,
        True,
        True,
        False,
    ]


def test_lasting_stretch_begins_at_its_earliest_mark() -> None:
    spans = Spans()
    spans.mark(at("10:02"), None)
    spans.mark(at("10:00"), None)
    spans.mark(at("10:03"), None)
    assert [spans.touch(at(m)) for m in ("09:59", "10:00", "10:01")] == [False, True, True]


def test_added_stretch_leaves_the_lasting_one_alone() -> None:
    spans = Spans()
    spans.mark(at("10:00"), None)
    spans.add(at("09:50"), Micros(at("09:50") + 1))
    assert [spans.touch(at(m)) for m in ("09:50", "09:51", "12:00")] == [True, False, True]
