"""Started actors, real threads, frozen time: 15:14:59 -> 15:15:00 IST forces flat.

No `ask`, no time-out of the frozen thread: the test ticks, tells the time and watches the broker.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from freezegun import freeze_time

from domain import clock
from domain.pulse import PULSED
from domain.session import show
from tests.clerk import STOP_ID
from tests.threads.probes import LONG_S
from tests.threads.running import Running, a_running_cast
from tests.waiting import until

pytestmark = pytest.mark.threads

BEFORE = "2026-11-20 09:44:50"
"""15:14:50 in Asia/Kolkata."""


class Journey:
    """The running cast and the frozen clock."""

    def __init__(self, cast: Running, frozen: object) -> None:
        self.cast = cast
        self._frozen = frozen

    def tick(self) -> str:
        """Let a second pass once the last one was heard, tell it, and return what it is.

        A machine's second is as short here: whoever is slower than a few of them would be stuck.
        """
        until(self._is_quiet, LONG_S)
        self._frozen.tick(1)  # type: ignore[attr-defined]  # freezegun's factory
        self.cast.tell_time()
        return show(clock.now())

    def _is_quiet(self) -> bool:
        return not any(self.cast.post.waiting(address) for address in PULSED)

    def tick_to(self, wall: str) -> None:
        while self.tick() < wall:
            continue

    def is_recovered(self) -> bool:
        return self.cast.stage.is_alive("bar:NIFTY")

    def is_over(self) -> bool:
        """Whether everybody said that it is over; if not, a second passes."""
        if self.cast.door.ended is None:
            self.tick()
        return self.cast.door.ended is not None


@contextmanager
def a_journey(folder: Path) -> Iterator[Journey]:
    """Run the cast under a freeze; it is stopped outside, where time-outs are ones."""
    clock.use(clock.WallClock())
    with freeze_time(BEFORE) as frozen:
        cast = a_running_cast(folder)
        journey = Journey(cast, frozen)
        until(journey.is_recovered, LONG_S)
        yield journey
    cast.system.stop(LONG_S)


def test_force_close_comes_with_its_second_and_ends_flat(tmp_path: Path) -> None:
    with a_journey(tmp_path) as journey:
        clerk = journey.cast.clerk
        journey.tick_to("15:14:59")
        assert (clerk.log, clerk.working) == ([], [STOP_ID])
        assert journey.tick() == "15:15:00"
        assert until(lambda: clerk.log, LONG_S) == [("15:15:00", "CancelOrder")]
        until(journey.is_over, LONG_S)
    assert [what for _, what in clerk.log] == ["CancelOrder", "PlaceOrder"]
    assert (clerk.net, clerk.working) == (0, [])
    assert journey.cast.door.ended is not None
    assert journey.cast.door.ended.code == 10


def test_stop_that_filled_a_moment_before_is_the_whole_exit(tmp_path: Path) -> None:
    with a_journey(tmp_path) as journey:
        clerk = journey.cast.clerk
        journey.tick_to("15:14:59")
        clerk.fill(STOP_ID, 14_100)
        until(journey.is_over, LONG_S)
    assert not any(what == "PlaceOrder" for _, what in clerk.log)
    assert (clerk.net, clerk.working) == (0, [])
    assert journey.cast.door.ended is not None
    assert journey.cast.door.ended.code == 10
