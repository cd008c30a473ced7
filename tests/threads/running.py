"""The whole cast on threads, with the clerk of tests/clerk.py as its broker."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from actors.alerts import Pager
from actors.post_office import PostOffice
from actors.stages import ThreadStage
from actors.system import System
from domain import clock
from domain.clock import Anchor, AnchoredClock
from tests.clerk import Clerk, Door, a_cast, tell_time
from tests.threads.probes import LONG_S
from tests.trading import at


class Watching(ThreadStage):
    """Notes in which order actors are stopped, and whether they were in time."""

    def __init__(self, post: PostOffice) -> None:
        super().__init__(post)
        self.stops: list[tuple[str, bool]] = []

    def stop(self, address: str, within_s: float) -> bool:
        in_time = super().stop(address, within_s)
        self.stops.append((address, in_time))
        return in_time


@dataclass
class Running:
    """What a test holds of the running cast."""

    post: PostOffice
    stage: Watching
    system: System
    clerk: Clerk
    door: Door

    def tell_time(self) -> None:
        tell_time(self.post)


def a_running_cast(
    folder: Path, kind: type[Watching] = Watching, pager: Pager | None = None
) -> Running:
    """Start everybody; whoever calls this stops the system, outside of any freeze."""
    post, clerk, door = PostOffice(), Clerk(), Door()
    post.register("main", door)
    stage = kind(post)
    system = a_cast(folder, post, stage, clerk, pager)
    system.start()
    return Running(post, stage, system, clerk, door)


@contextmanager
def running(folder: Path, wall: str = "10:05", pager: Pager | None = None) -> Iterator[Running]:
    """Run the cast by a clock that stands at `wall` now and goes on as ours does."""
    real = clock.wall()
    clock.use(AnchoredClock(Anchor(r0=real, v0=at(wall), speed=1)))
    cast = a_running_cast(folder, pager=pager)
    try:
        yield cast
    finally:
        cast.system.stop(LONG_S)
