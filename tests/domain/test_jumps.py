"""Two clocks that part, or a loop that was away, mean that nothing heard is of now."""

import pytest

from domain.jumps import Clockwork, Jump
from domain.units import SECOND, Micros
from tests.domain.tape import at


def looked(walked_s: float, lived_s: float) -> Jump | None:
    clockwork = Clockwork()
    assert clockwork.look(at("10:00"), Micros(7), at("12:00")) is None
    wall = Micros(at("10:00") + round(walked_s * SECOND))
    return clockwork.look(wall, Micros(7 + round(lived_s * SECOND)), at("13:00"))


@pytest.mark.parametrize(
    ("walked_s", "lived_s", "said"),
    [
        (0.25, 0.25, ""),
        (2.25, 0.25, ""),
        (2.3, 0.25, "the clock jumped by 2.0 s"),
        (-2.0, 0.25, "the clock jumped by -2.2 s"),
        (3600, 0.25, "the clock jumped by 3599.8 s"),
        (5, 5, ""),
        (5.1, 5.1, "the process slept for 5.1 s"),
        (90, 90, "the process slept for 90.0 s"),
        (90, 0.25, "the clock jumped by 89.8 s"),
    ],
)
def test_jump_or_sleep_is_told_beyond_its_limit(walked_s: float, lived_s: float, said: str) -> None:
    assert looked(walked_s, lived_s) == (Jump(at("12:00"), said) if said else None)


def test_jump_is_told_once() -> None:
    clockwork = Clockwork()
    clockwork.look(at("10:00"), Micros(0), at("10:00"))
    assert clockwork.look(at("11:00"), Micros(SECOND), at("11:00"))
    assert clockwork.look(at("11:00:01"), Micros(2 * SECOND), at("11:00:01")) is None
