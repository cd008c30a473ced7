"""Conflated ticks keep what a bar keeps, and never reach across what a bar tells apart."""

import pytest

from domain.conflation import conflated
from domain.market import Source, Tick
from domain.units import Symbol
from tests.domain.building import trades
from tests.domain.tape import a_tick, an_index_tick


def test_first_tick_stays_and_the_others_become_one() -> None:
    told = trades(
        ("10:01:01", 10_000, 65),
        ("10:01:02", 10_300, 130),
        ("10:01:03", 9_900, 195),
        ("10:01:04", 10_100, 260),
    )
    one = a_tick("10:01:04", 10_100, 260, seq=3, low=9_900, high=10_300, volume=195)
    assert conflated(told) == (told[0], one)


def test_tick_that_may_be_an_echo_does_not_stand_for_the_first_trade() -> None:
    echoes = [a_tick(f"10:01:0{n}", 10_000, 65, seq=n) for n in range(3)]
    trade = a_tick("10:01:04", 10_200, 130, seq=4, volume=65)
    after = [a_tick(f"10:01:0{n}", 10_200 - n, 130 + n, seq=n, volume=1) for n in (5, 6)]
    one = a_tick("10:01:06", 10_194, 136, seq=6, low=10_194, high=10_195, volume=2)
    assert conflated([*echoes, trade, *after]) == (echoes[0], trade, one)


def test_stretch_of_echoes_keeps_the_age_of_its_last() -> None:
    echoes = [a_tick(f"10:01:0{n}", 10_000, 65, seq=n) for n in range(4)]
    assert conflated(echoes) == (echoes[0], echoes[3])


def test_ticks_conflated_before_keep_their_extremes() -> None:
    wide = a_tick("10:01:01", 10_000, 65, low=9_000, high=11_000)
    more = a_tick("10:01:02", 10_010, 66, seq=1, low=8_900, high=10_020, volume=1)
    assert conflated([wide, more]) == (wide, more)
    last = a_tick("10:01:03", 10_030, 67, seq=2, volume=1)
    one = a_tick("10:01:03", 10_030, 67, seq=2, low=8_900, high=10_030, volume=2)
    assert conflated([wide, more, last]) == (wide, one)


@pytest.mark.parametrize("few", [[], [a_tick()], trades(("10:01:01", 1, 65), ("10:01:02", 2, 66))])
def test_few_ticks_are_passed_on_as_they_are(few: list[Tick]) -> None:
    assert conflated(few) == tuple(few)


@pytest.mark.parametrize(
    "other",
    [
        a_tick("10:02:00", 10_000, 200, volume=5),
        a_tick("10:01:05", 10_000, 200, volume=5, epoch=2),
        a_tick("10:01:05", 10_000, 200, volume=5, source=Source.REST),
        a_tick("10:01:05", 10_000, 200, volume=5, gap=True),
        a_tick("10:01:05", 10_000, None),
        a_tick("10:01:05", 10_000, 200, volume=5, exch="10:01:04"),
        a_tick("10:01:05", 10_000, 200, volume=5, symbol=Symbol("OTHER")),
        a_tick("10:01:05", 10_000, 100),
    ],
)
def test_ticks_of_different_stretches_are_not_joined(other: Tick) -> None:
    before = trades(("10:01:01", 10_000, 65), ("10:01:02", 10_300, 130))
    told = (*before, other, *[a_tick("10:01:30", 10_000, 300, seq=9, volume=7)])
    assert conflated(told) == told


def test_gap_and_late_tick_stand_alone() -> None:
    gaps = [a_tick(f"10:01:0{n}", 10_000 + n, 65 + n, seq=n, gap=True) for n in range(3)]
    assert conflated(gaps) == tuple(gaps)
    late = [
        a_tick("10:01:01", 10_000, 65, exch="10:01:01", volume=65),
        a_tick("10:01:02", 10_000, 66, exch="10:01:00", volume=1),
    ]
    assert conflated([*late, *late]) == (*late, *late)


def test_index_has_no_volume_to_keep() -> None:
    told = [an_index_tick(f"10:01:0{n}", 2_600_000 + 5 * n, seq=n) for n in range(4)]
    assert [(tick.ltp, tick.low, tick.high) for tick in conflated(told)] == [
        (2_600_000,) * 3,
        (2_600_005,) * 3,
        (2_600_015, 2_600_010, 2_600_015),
    ]
