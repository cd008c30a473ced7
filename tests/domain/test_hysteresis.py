"""How often a stream was left, how long it has to tick to be returned to, what an hour bears."""

import pytest

from domain.hysteresis import Flaps, agrees, is_steady, is_ticking
from domain.params import FeedParams
from domain.signs import RestVerdict
from domain.units import SECOND, Micros
from tests.domain.feed_day import a_sign
from tests.domain.tape import at

PARAMS = FeedParams()
PROVED = a_sign(canary_at=at("10:00"), since=at("09:59"), is_ready=True)


def falls(*walls: str) -> Flaps:
    """A stream that was left at these times, and not returned to by a switch that counts."""
    flaps = Flaps()
    for wall in walls:
        flaps = flaps.switched(at(wall), is_fall=True)
    return flaps


def test_dwell_doubles_with_each_flap_up_to_its_limit() -> None:
    walls = ["10:00", "10:10", "10:20", "10:30", "10:40", "10:50", "11:00"]
    dwells = [falls(*walls[:n]).dwell(at("11:00"), PARAMS) // SECOND for n in range(8)]
    assert dwells == [30, 30, 60, 120, 240, 300, 300, 300]


def test_return_doubles_no_dwell() -> None:
    flaps = falls("10:00").switched(at("10:05"), is_fall=False)
    assert flaps.dwell(at("10:06"), PARAMS) == 30 * SECOND
    assert flaps.switched(at("10:10"), is_fall=True).dwell(at("10:11"), PARAMS) == 60 * SECOND


def test_series_of_flaps_is_over_after_an_hour_without_a_switch() -> None:
    flaps = falls("10:00", "10:30", "11:20")
    assert flaps.dwell(at("12:19:59"), PARAMS) == 120 * SECOND
    assert flaps.dwell(at("12:20"), PARAMS) == 30 * SECOND
    assert flaps.switched(at("12:20"), is_fall=True).falls == 1


def test_dwell_is_never_shorter_than_a_first_return() -> None:
    params = FeedParams(return_s=60, dwell_max_s=30)
    assert falls("10:00", "10:01", "10:02").dwell(at("10:03"), params) == 60 * SECOND


def test_stream_is_taken_only_while_the_hour_bears_that_switch_and_the_next_fall() -> None:
    flaps = Flaps()
    for minute in range(5):
        assert flaps.has_budget(at(f"10:0{minute}"), PARAMS)
        flaps = flaps.switched(at(f"10:0{minute}"), is_fall=False)
    assert not flaps.has_budget(at("10:59:59"), PARAMS)
    assert flaps.has_budget(at("11:00"), PARAMS)


@pytest.mark.parametrize(
    ("wall", "ticking", "steady"),
    [("10:00", True, True), ("10:00:05", True, True), ("10:00:05.1", False, False)],
)
def test_stream_without_a_tick_for_5_s_is_not_steady(
    wall: str, ticking: bool, steady: bool
) -> None:
    assert is_ticking(PROVED, at(wall)) is ticking
    assert is_steady(PROVED, at(wall), Micros(60 * SECOND)) is steady
    assert not is_steady(PROVED, at(wall), Micros(66 * SECOND))


def test_stream_that_never_ticked_or_too_little_is_not_steady() -> None:
    now = at("10:00")
    assert not is_ticking(a_sign(is_ready=True), now)
    assert not is_ticking(a_sign(canary_at=now), now)
    assert not is_steady(a_sign(canary_at=now, is_ready=True), now, Micros(0))


@pytest.mark.parametrize("rest", RestVerdict)
def test_dead_polled_prices_have_no_say_about_a_stream(rest: RestVerdict) -> None:
    is_dead = rest in {RestVerdict.STALE, RestVerdict.UNUSABLE}
    assert agrees(a_sign(agrees=False), rest) is is_dead
    assert agrees(a_sign(agrees=True), rest)
