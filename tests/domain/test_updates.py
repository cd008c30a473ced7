"""Extremes are told at once, watched prices in measure."""

from msgspec.structs import replace

from domain.market import Forming
from domain.units import Paise
from domain.updates import Updates
from tests.domain.tape import CALL, at


def forming(wall: str, last: int = 100, low: int = 90, high: int = 110) -> Forming:
    return Forming(
        symbol=CALL,
        minute=at(wall[:5]),
        high=Paise(high),
        low=Paise(low),
        last=Paise(last),
        at=at(wall),
    )


def told(updates: Updates, *nows: Forming) -> list[bool]:
    return [updates.news(now) is not None for now in nows]


def test_first_tick_of_a_minute_and_new_extremes_are_told() -> None:
    assert told(
        Updates(),
        forming("10:00:01"),
        forming("10:00:02", last=95),
        forming("10:00:02.1", last=80, low=80),
        forming("10:00:02.2", last=120, low=80, high=120),
        forming("10:00:09", last=100, low=80, high=120),
        forming("10:01:00", last=100, low=100, high=100),
    ) == [True, False, True, True, False, True]


def test_watched_price_is_told_four_times_a_second_at_most() -> None:
    updates = Updates()
    updates.watch(on=True)
    walls = [f"10:00:01.{tenth}" for tenth in range(10)]
    changes = [forming(wall, last=95 + i) for i, wall in enumerate(walls)]
    assert told(updates, *changes) == [
        True, False, False, True, False, False, True, False, False, True,
    ]  # fmt: skip


def test_watched_price_that_stands_still_is_told_once_a_second() -> None:
    updates = Updates()
    updates.watch(on=True)
    walls = ["10:00:01", "10:00:01.5", "10:00:01.9", "10:00:02", "10:00:02.9", "10:00:03"]
    assert told(updates, *map(forming, walls)) == [True, False, False, True, False, True]


def test_price_held_back_is_told_when_no_tick_follows() -> None:
    updates = Updates()
    updates.watch(on=True)
    held = forming("10:00:01.1", last=96)
    assert told(updates, forming("10:00:01"), held) == [True, False]
    assert updates.rest(held) == held
    assert updates.rest(held) is None


def test_nothing_is_held_back_of_a_symbol_nobody_watches() -> None:
    updates = Updates()
    assert updates.rest(forming("10:00:01")) is None
    updates.news(forming("10:00:01"))
    assert updates.rest(forming("10:00:02", last=96)) is None
    updates.watch(on=True)
    assert updates.rest(None) is None
    assert updates.news(None) is None
    updates.watch(on=False)
    assert told(updates, forming("10:00:30", last=97)) == [False]


def test_told_is_what_was_told_last() -> None:
    updates = Updates()
    first = forming("10:00:01")
    assert updates.news(first) == first
    assert updates.news(replace(first, at=at("10:00:02"))) is None
