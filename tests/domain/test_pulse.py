"""Each whole second is told once, the newest only; bar actors hear the first past each grace."""

from domain.pulse import BAR_EVERY, PulsePlan
from domain.units import SECOND, Micros


def s(seconds: float) -> Micros:
    return Micros(round(seconds * SECOND))


def test_each_whole_second_is_told_once_and_a_late_teller_skips() -> None:
    plan = PulsePlan(1500)
    asked = [10.0, 10.4, 11.2, 11.9, 15.7, 15.8]
    assert [plan.due(s(at)) for at in asked] == [s(10), None, s(11), None, s(15), None]


def test_clock_that_goes_back_tells_nothing_twice() -> None:
    plan = PulsePlan(1500)
    assert [plan.due(s(at)) for at in (20.1, 18.1, 20.5, 21)] == [s(20), None, None, s(21)]


def test_clock_that_was_set_back_tells_the_time_at_once() -> None:
    plan = PulsePlan(1500)
    asked = (3600.2, 100.1, 100.4, 101.2, 97.0, 3600.2)
    assert [plan.due(s(at)) for at in asked] == [s(3600), s(100), None, s(101), s(97), s(3600)]


def test_next_whole_second_is_the_one_after() -> None:
    plan = PulsePlan(1500)
    assert [plan.next_after(s(at)) for at in (10.0, 10.001, 10.999)] == [s(11)] * 3


def test_bar_actors_hear_the_first_second_past_each_grace() -> None:
    plan = PulsePlan(1500)
    every = BAR_EVERY // SECOND
    heard = [second for second in range(60, 60 + 4 * every) if plan.due_to_bars(s(second))]
    assert heard == [60, *(60 + n * every + 2 for n in range(4))]
