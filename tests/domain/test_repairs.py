"""A symbol that does not deliver as asked is asked for again: soon, within bounds, until proved."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.repairs import Fault, Repairs
from domain.units import MINUTE, SECOND, Micros, Symbol
from tests.domain.tape import at

ONE, TWO = Symbol("ONE"), Symbol("TWO")


def tries(repairs: Repairs, minutes: int) -> list[int]:
    """The minutes after 10:00 in which something is asked for again."""
    seconds = range(minutes * 60)
    return [n // 60 for n in seconds if repairs.due(Micros(at("10:00") + n * SECOND))]


def test_price_without_volume_is_asked_for_again_at_once_and_healed_by_one_with_it() -> None:
    repairs = Repairs()
    assert not repairs.ticked(ONE, has_volume=False)
    assert repairs.due(at("10:00")) == {Fault.NO_VOLUME: (ONE,)}
    assert repairs.due(at("10:00:59")) == {}
    assert not repairs.ticked(ONE, has_volume=False)
    assert list(repairs.ill) == [ONE]
    assert repairs.ticked(ONE, has_volume=True)
    assert not repairs.ticked(ONE, has_volume=True)
    assert repairs.due(at("11:00")) == {}


def test_what_heals_before_anything_was_asked_is_no_repair() -> None:
    repairs = Repairs()
    repairs.note([ONE], Fault.MUTE)
    assert not repairs.ticked(ONE, has_volume=True)
    assert repairs.due(at("10:00")) == {}


@pytest.mark.parametrize("fault", list(Fault))
def test_asking_becomes_rare_after_three_tries(fault: Fault) -> None:
    repairs = Repairs()
    repairs.note([ONE], fault)
    assert tries(repairs, 35) == [0, 1, 2, 12, 22, 32]


def test_strike_that_is_merely_quiet_is_not_asked_for_afresh_after_each_tick() -> None:
    repairs = Repairs()
    asked = 0
    for minute in range(60):
        now = Micros(at("10:00") + minute * MINUTE)
        repairs.note([ONE], Fault.MUTE)
        asked += bool(repairs.due(now))
        repairs.ticked(ONE, has_volume=True)
    assert asked == 3 + 5


def test_repaired_symbol_that_loses_its_volume_again_is_asked_for_within_a_minute() -> None:
    repairs = Repairs()
    for minute in range(8):
        now = Micros(at("10:00") + minute * MINUTE)
        repairs.ticked(ONE, has_volume=False)
        assert repairs.due(now) == {Fault.NO_VOLUME: (ONE,)}
        assert repairs.ticked(ONE, has_volume=True)


def test_many_quiet_minutes_do_not_delay_the_repair_of_a_lost_volume() -> None:
    repairs = Repairs()
    repairs.note([ONE], Fault.MUTE)
    tries(repairs, 3)
    repairs.ticked(ONE, has_volume=False)
    assert repairs.due(at("10:03")) == {Fault.NO_VOLUME: (ONE,)}


def test_faults_are_told_apart_and_a_new_connection_forgets_them() -> None:
    repairs = Repairs()
    repairs.note([ONE], Fault.REFUSED)
    repairs.note([ONE, TWO], Fault.MUTE)
    assert repairs.due(at("10:00")) == {Fault.REFUSED: (ONE,), Fault.MUTE: (TWO,)}
    repairs.forget()
    assert repairs.due(at("11:00")) == {}


@given(st.lists(st.tuples(st.sampled_from(["tick", "bare", "mute", "wait"]), st.integers(1, 90))))
def test_no_symbol_is_asked_for_twice_within_a_minute_for_the_same_reason(
    events: list[tuple[str, int]],
) -> None:
    repairs, now = Repairs(), at("10:00")
    last: dict[Fault, Micros] = {}
    for event, waited in events:
        now = Micros(now + waited * SECOND)
        if event == "mute":
            repairs.note([ONE], Fault.MUTE)
        elif event != "wait":
            repairs.ticked(ONE, has_volume=event == "tick")
        for fault in repairs.due(now):
            assert fault not in last or now - last[fault] >= MINUTE
            last[fault] = now
