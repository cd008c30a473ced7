"""The exchange's clock when it is somebody else's."""

import pytest

from domain import clock
from domain.clock import Anchor
from domain.units import SECOND, Micros
from sandbox.hands import Hands


@pytest.fixture
def real(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Real time in seconds, moved by hand."""
    seconds = [1000]
    monkeypatch.setattr(clock, "wall", lambda: Micros(seconds[0] * SECOND))
    return seconds


def an_anchor(v0_s: int, r0_s: int = 1000, speed: int = 10) -> Anchor:
    return Anchor(r0=Micros(r0_s * SECOND), v0=Micros(v0_s * SECOND), speed=speed)


def now_s(hands: Hands) -> int:
    return hands.now() // SECOND


def test_first_clock_to_follow_is_taken_as_it_is(real: list[int]) -> None:
    hands = Hands(Micros(9000 * SECOND), 1, paused=False)
    hands.adopt(an_anchor(500))
    real[0] += 3
    assert (now_s(hands), hands.is_led, hands.anchor.speed) == (530, True, 10)


def test_clock_that_jumps_ahead_is_followed(real: list[int]) -> None:
    hands = Hands(Micros(0), 1, paused=False)
    hands.adopt(an_anchor(500))
    hands.adopt(an_anchor(700, speed=20))
    real[0] += 1
    assert now_s(hands) == 720


def test_clock_that_falls_behind_is_waited_for(real: list[int]) -> None:
    hands = Hands(Micros(0), 1, paused=False)
    hands.adopt(an_anchor(500))
    real[0] += 5
    behind = an_anchor(530, r0_s=1005)
    hands.adopt(behind)
    seen = []
    for _ in range(4):
        seen.append(now_s(hands))
        real[0] += 1
        hands.adopt(behind)
    assert seen == [550, 550, 550, 560]
    assert hands.anchor == behind
