"""The main loop's own roll-call: whom it asks, what it feeds, when it ends the process."""

from collections.abc import Iterator
from typing import Any, cast

import pytest

from actors.system import System
from cli.vigil import Vigil
from domain import clock
from domain.liveness import FIRST, VITAL
from domain.units import SECOND, Micros, seconds
from messages.control import Alive, SayAlive
from tests.actors.fakes import FakeSpawner, RecordingPost, To


class Loop:
    """A main loop, a round a second; everybody asked answers unless it is `mute`."""

    def __init__(self) -> None:
        self.at = seconds(1000)
        self.post = RecordingPost()
        self.cast = FakeSpawner(*VITAL, "feed")
        self.vigil = Vigil(cast("System", self.cast), self.post)
        self.mute: set[str] = set()

    def now(self) -> Micros:
        return self.at

    def machine(self) -> Micros:
        return self.at

    def rounds(self, count: int) -> str:
        """Go round; return the last word."""
        said = ""
        for _ in range(count):
            self.at = Micros(self.at + SECOND)
            said = self.vigil.look()
            for address, message in self.post.take():
                ask: Any = message
                if address not in self.mute:
                    self.vigil.hear(Alive(address=address, asked=ask.asked))
        return said


@pytest.fixture
def loop() -> Iterator[Loop]:
    loop = Loop()
    clock.use(loop)
    yield loop
    clock.use(clock.WallClock())


def is_fed(loop: Loop) -> bool:
    return loop.vigil.is_fed


def test_those_who_keep_the_promise_are_asked_each_second_and_nobody_else(loop: Loop) -> None:
    loop.vigil.look()
    assert loop.post.take() == [To(a, SayAlive(who="main", asked=Micros(0))) for a in VITAL]
    loop.at = Micros(loop.at + SECOND // 2)
    loop.vigil.look()
    assert loop.post.take() == []


def test_feeding_goes_on_while_all_answer(loop: Loop) -> None:
    loop.rounds(60)
    assert is_fed(loop)


@pytest.mark.parametrize("address", VITAL)
def test_feeding_stops_soon_after_one_falls_silent_and_goes_on_with_it(
    loop: Loop, address: str
) -> None:
    loop.rounds(10)
    loop.mute = {address}
    loop.rounds(5)
    assert is_fed(loop)
    loop.rounds(2)
    assert not is_fed(loop)
    loop.mute = set()
    loop.rounds(2)
    assert is_fed(loop)


def test_dead_reader_is_not_fed_for(loop: Loop) -> None:
    loop.rounds(10)
    loop.cast.alive.discard("reconcile")
    loop.rounds(1)
    assert not is_fed(loop)


def test_start_is_fed_before_everybody_has_answered(loop: Loop) -> None:
    loop.mute = {"order"}
    assert loop.rounds(60) == ""
    assert is_fed(loop)


def test_watchdog_that_is_dead_or_stuck_ends_the_process(loop: Loop) -> None:
    loop.rounds(10)
    loop.mute = {"watchdog"}
    assert loop.rounds(14) == ""
    assert loop.rounds(2) == "the watchdog does not answer"
    loop.cast.alive.discard("watchdog")
    assert loop.rounds(1) == "the watchdog is dead"


def test_stuck_order_actor_is_the_watchdogs_to_judge(loop: Loop) -> None:
    loop.rounds(10)
    loop.mute = {"order", "reconcile"}
    assert loop.rounds(60) == ""


def test_watchdog_that_never_answers_has_the_time_of_a_start(loop: Loop) -> None:
    loop.mute = {"watchdog"}
    assert loop.rounds(FIRST // SECOND) == ""
    assert loop.rounds(2) == "the watchdog does not answer"
