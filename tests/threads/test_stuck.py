"""Threads that really hang: given up, replaced, harmless when they wake, and no reason to stay."""

import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from actors import stacks
from actors.post_office import PostOffice
from actors.stages import ThreadStage
from config import log as logs
from domain import clock
from domain.pulse import PULSED
from domain.units import Micros, seconds
from messages.control import Begin
from tests.clerk import STOP_ID
from tests.shared import ROOT
from tests.threads.probes import LONG_S, Box, Notes, Probe
from tests.threads.running import Running, Watching, a_running_cast
from tests.trading import at
from tests.waiting import until

pytestmark = pytest.mark.threads


class Hold:
    """A message in which a thread hangs."""


class Die:
    """A message of which a thread dies."""


@dataclass
class Hands:
    """Clocks moved by hand, both together."""

    at: Micros = field(default_factory=lambda: at("10:05"))

    def now(self) -> Micros:
        return self.at

    def machine(self) -> Micros:
        return self.at


@dataclass
class Hanging:
    """The running cast, in which one actor can be held."""

    cast: Running
    hands: Hands
    gate: threading.Event
    held: int = 0

    def second(self) -> None:
        """Let two seconds pass, once everybody has heard the last ones who can."""
        until(self._is_quiet, LONG_S)
        self.hands.at = Micros(self.hands.at + seconds(2))
        self.cast.tell_time()

    def seconds_until(self, condition: Callable[[], Any]) -> None:
        for _ in range(30):
            if condition():
                return
            self.second()
        assert condition()

    def _is_quiet(self) -> bool:
        waiting = [self.cast.post.waiting(address) for address in (*PULSED, "bar:NIFTY")]
        return sum(count > 0 for count in waiting) <= self.held


@contextmanager
def a_hanging_cast(folder: Path, *victims: str) -> Iterator[Hanging]:
    """Run the cast with some actors that hang in a `Hold` until the gate is opened."""
    gate, hands = threading.Event(), Hands()
    clock.use(hands)

    class Stage(Watching):
        def put(self, addresses: tuple[str, ...], maker: Any) -> None:
            super().put(addresses, _holdable(maker, gate) if addresses[0] in victims else maker)

    cast = a_running_cast(folder, Stage)
    hanging = Hanging(cast, hands, gate)
    try:
        until(lambda: cast.stage.is_alive("bar:NIFTY"), LONG_S)
        for _ in range(4):
            hanging.second()
        yield hanging
    finally:
        gate.set()
        cast.system.stop(LONG_S)
        clock.use(clock.WallClock())


def _holdable(maker: Any, gate: threading.Event) -> Any:
    class Holdable(maker.func):  # type: ignore[misc]  # whatever actor it is
        def on_receive(self, message: Any) -> None:
            match message:
                case Hold():
                    assert gate.wait(LONG_S)
                    self.post.tell("main", "a word of the dead")
                case Die():
                    raise ValueError
                case _:
                    super().on_receive(message)

    return partial(Holdable, *maker.args, **maker.keywords)


def living(address: str) -> int:
    return [thread.name for thread in threading.enumerate()].count(f"actor-{address}")


@pytest.mark.parametrize("address", ["feed", "strategy", "reconcile", "journal", "monitor"])
def test_stuck_thread_is_replaced_and_ends_when_it_wakes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, address: str
) -> None:
    caplog.set_level(logging.INFO)
    with a_hanging_cast(tmp_path, address) as hanging:
        cast = hanging.cast
        cast.post.tell(address, Hold())
        hanging.held = 1
        hanging.seconds_until(lambda: f"{address} is rebuilt" in caplog.text)
        until(lambda: cast.stage.is_alive(address) and living(address) == 2, LONG_S)
        assert cast.stage.stuck(address) == 1
        assert f"stack of actor-{address}" in caplog.text
        hanging.gate.set()
        until(lambda: cast.stage.stuck(address) == 0, LONG_S)
        until(lambda: living(address) == 1, LONG_S)
        hanging.held = 0
        hanging.second()
        assert (cast.clerk.log, cast.clerk.working) == ([], [STOP_ID])
        assert cast.door.ended is None


def test_stuck_order_actor_ends_the_process_and_stopping_does_not_wait_for_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with a_hanging_cast(tmp_path, "order") as hanging:
        cast = hanging.cast
        cast.post.tell("order", Hold())
        hanging.held = 1
        hanging.seconds_until(lambda: cast.door.ended)
        assert cast.door.ended is not None
        assert cast.door.ended.code == 70
        assert not cast.system.stop(0.5)
        assert [address for address, in_time in cast.stage.stops if not in_time] == ["order"]
        assert not cast.stage.is_alive("journal")
    assert "order did not stop within" in caplog.text


def test_threads_and_files_are_as_many_after_hundreds_of_deaths_as_before(tmp_path: Path) -> None:
    """Also after some that hung and woke."""
    victims = ("feed", "strategy", "journal", "bar:NIFTY")
    with a_hanging_cast(tmp_path, *victims) as hanging:
        cast = hanging.cast
        cast.system.stop(LONG_S)
        cast.post.register("watchdog", Box())

        def die(address: str) -> None:
            if address == "bar:NIFTY":
                cast.system.spawn_bars(("NIFTY",))  # type: ignore[arg-type]  # a symbol
            else:
                cast.system.spawn(address)
            cast.post.tell(address, Begin(at=clock.now()))
            cast.post.tell(address, Die())
            until(lambda: not cast.stage.is_alive(address), LONG_S)

        def hang() -> None:
            hanging.gate.clear()
            cast.system.spawn("feed")
            cast.post.tell("feed", Hold())
            cast.system.abandon("feed")
            hanging.gate.set()

        def counts() -> tuple[int, int]:
            until(lambda: not any(map(living, victims)), LONG_S)
            return threading.active_count(), len([*Path("/proc/self/fd").iterdir()])

        for address in victims:
            die(address)
        before = counts()
        for _ in range(60):
            for address in victims:
                die(address)
            hang()
        assert counts() == before


def test_stacks_of_all_threads_are_logged_without_secrets(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    post, gate = PostOffice(), threading.Event()
    post.register("watchdog", Box())
    stage, notes = ThreadStage(post), Notes()
    stage.put(("hunter2",), partial(Probe, "hunter2", post, notes, gate=gate))
    post.tell("hunter2", "wait")
    until(lambda: notes.heard, LONG_S)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    file = tmp_path / "agent.log"
    with file.open("w") as stream:
        logs.setup(logs.Redactor("hunter2"), stream=stream, color=False)
        try:
            stacks.log_all()
        finally:
            root.handlers[:] = handlers
            root.setLevel(level)
    gate.set()
    written = file.read_text("ascii")
    assert "stack of actor-***" in written
    assert "hunter2" not in written
    assert "in wait" in written
    assert "stack of MainThread" in written
    assert "test_stacks_of_all_threads" in written
    post.tell("hunter2", "wait")
    until(lambda: len(notes.heard) == 2, LONG_S)


LEAVING = """
import runpy, sys, threading
import cli.door

def main():
    threading.Thread(target=threading.Event().wait).start()
    print("leaving", flush=True)
    return int(sys.argv[1])

cli.door.main = main
runpy.run_path("run.py", run_name="__main__")
"""


def test_process_that_gave_up_leaves_whatever_hangs() -> None:
    """A thread that is no daemon keeps any other process, as a lock would at its end."""
    ran = subprocess.run(
        [sys.executable, "-c", LEAVING, "70"],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=LONG_S,
    )
    assert (ran.returncode, ran.stdout) == (70, "leaving\n")
