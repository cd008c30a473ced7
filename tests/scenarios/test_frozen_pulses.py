"""Time as `frozen.tick(1)` and a `Pulse`: unstarted actors across 15:15:00, by the wall clock.

The same journey with started actors is tests/threads/test_time_travel.py.
"""

from pathlib import Path

from freezegun import freeze_time

from actors.pump import Pump, PumpStage
from domain import clock
from domain.session import show
from tests.clerk import STOP_ID, Clerk, Door, a_cast, tell_time

BEFORE = "2026-11-20 09:44:55"
"""15:14:55 in Asia/Kolkata."""


class Journey:
    """The cast in the pump's hands, second by second."""

    def __init__(self, folder: Path, frozen: object) -> None:
        self.frozen = frozen
        self.clerk = Clerk()
        self.pump = Pump()
        self.door = Door()
        self.pump.register("main", self.door)
        self.system = a_cast(folder, self.pump, PumpStage(self.pump), self.clerk)

    def begin(self) -> "Journey":
        self.system.start()
        self.pump.run()
        return self

    def tick(self, seconds: int) -> "Journey":
        for _ in range(seconds):
            self.frozen.tick(1)  # type: ignore[attr-defined]  # freezegun's factory
            tell_time(self.pump)
            self.pump.run()
        return self

    def end(self) -> None:
        self.system.stop(1)


def test_clerk_and_cast_agree_that_the_short_is_covered(tmp_path: Path) -> None:
    clock.use(clock.WallClock())
    with freeze_time(BEFORE) as frozen:
        journey = Journey(tmp_path, frozen).begin().tick(4)
        assert show(clock.now()) == "15:14:59"
        assert (journey.clerk.log, journey.clerk.working) == ([], [STOP_ID])
        journey.end()


def test_next_tick_is_the_force_close(tmp_path: Path) -> None:
    clock.use(clock.WallClock())
    with freeze_time(BEFORE) as frozen:
        journey = Journey(tmp_path, frozen).begin().tick(5)
        assert journey.clerk.log == [("15:15:00", "CancelOrder")]
        journey.tick(15)
        assert [what for _, what in journey.clerk.log] == ["CancelOrder", "PlaceOrder"]
        assert (journey.clerk.net, journey.clerk.working) == (0, [])
        assert journey.door.ended is not None
        assert journey.door.ended.code == 10
        journey.end()


def test_stop_that_fills_between_two_pulses_is_the_whole_exit(tmp_path: Path) -> None:
    clock.use(clock.WallClock())
    with freeze_time(BEFORE) as frozen:
        journey = Journey(tmp_path, frozen).begin().tick(4)
        journey.clerk.fill(STOP_ID, 14_100)
        journey.tick(15)
        assert not any(what == "PlaceOrder" for _, what in journey.clerk.log)
        assert journey.clerk.net == 0
        assert journey.door.ended is not None
        assert journey.door.ended.code == 10
        journey.end()


def test_start_a_second_after_leaves_at_once(tmp_path: Path) -> None:
    clock.use(clock.WallClock())
    with freeze_time("2026-11-20 09:45:01") as frozen:
        journey = Journey(tmp_path, frozen).begin().tick(15)
        times = [at for at, _ in journey.clerk.log]
        assert times[0] <= "15:15:04"
        assert (journey.clerk.net, journey.clerk.working) == (0, [])
        assert journey.door.ended is not None
        assert journey.door.ended.code == 10
        journey.end()
