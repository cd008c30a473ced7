"""SIGUSR1 and SIGUSR2 before the agent hears them: kept, handed on, and never the end."""

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from cli import live
from cli.early import Early
from cli.hang import OFF, Hang
from cli.notify import Service, Terms
from cli.standby import Standby
from domain import clock
from domain.errors import ConfigError
from domain.lease_params import LeaseParams
from domain.units import Micros, seconds


class Hand:
    """A clock put forward by hand."""

    def __init__(self) -> None:
        self.at = seconds(1000)

    def now(self) -> Micros:
        return self.at

    def machine(self) -> Micros:
        return self.at


@pytest.fixture
def hand() -> Iterator[Hand]:
    hand = Hand()
    clock.use(hand)
    yield hand
    clock.use(clock.WallClock())


def handed_on(early: Early) -> int:
    """Return how often an agent that starts hears SIGUSR1."""
    heard = list[int]()
    before = signal.signal(signal.SIGUSR1, lambda number, _: heard.append(number))
    try:
        early.hand_on()
    finally:
        signal.signal(signal.SIGUSR1, before)
    return len(heard)


@pytest.mark.parametrize(
    ("taps_at", "handed"), [((), 0), ((0,), 1), ((0, 9), 2), ((0, 11), 1), ((0, 5, 9), 2)]
)
def test_taps_before_the_agent_are_handed_on_once(
    hand: Hand, taps_at: tuple[int, ...], handed: int
) -> None:
    early, begun = Early(), hand.at
    with early.listening():
        for at in taps_at:
            hand.at = Micros(begun + seconds(at))
            signal.raise_signal(signal.SIGUSR1)
        signal.raise_signal(signal.SIGUSR2)
        assert handed_on(early) == handed
        assert handed_on(early) == 0


def test_what_heard_them_before_hears_them_again() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGUSR1, signal.SIGUSR2)]
    with Early().listening():
        assert signal.getsignal(signal.SIGUSR2) is signal.SIG_IGN
    assert [signal.getsignal(number) for number in (signal.SIGUSR1, signal.SIGUSR2)] == before


def test_start_hears_them_from_its_first_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(*_: object, **__: object) -> None:
        assert signal.getsignal(signal.SIGUSR1) is not signal.SIG_DFL
        signal.raise_signal(signal.SIGUSR1)
        raise ConfigError("later")

    monkeypatch.setattr("cli.live.load", load)
    with pytest.raises(ConfigError, match="later"):
        live.run(live.Options(state_dir=tmp_path))


class LivingAgent:
    """As much of an agent as its loop's companions look at."""

    is_parking = False
    is_fed = True


def test_first_round_of_the_loop_hands_them_on(tmp_path: Path) -> None:
    early, heard = Early(), list[int]()
    watched = live.Watched(Service(Terms()), Standby(LeaseParams(), tmp_path), Hang(OFF), early)
    with early.listening():
        signal.raise_signal(signal.SIGUSR1)
        signal.signal(signal.SIGUSR1, lambda number, _: heard.append(number))
        watched.day(cast("Any", LivingAgent()))
    assert heard == [signal.SIGUSR1]
