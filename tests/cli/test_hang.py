"""A main loop that hangs ends its process where nobody else would see it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing

import pytest

from cli.hang import LIMIT_S, OFF, Hang, limit_s
from domain import clock
from domain.units import Micros, seconds
from tests.e2e.sessions import LONG_S, environment


class Loop:
    """A clock put forward by hand, and what a timer was told since."""

    def __init__(self) -> None:
        self.at = seconds(1000)
        self.told = list[str]()

    def now(self) -> Micros:
        return self.at

    def machine(self) -> Micros:
        return self.at

    def dump_traceback_later(self, timeout: float, *, file: int, exit: bool) -> None:  # noqa: A002 - its name
        assert exit
        assert not os.get_blocking(file)
        self.told.append(f"{timeout:g}")

    def cancel_dump_traceback_later(self) -> None:
        self.told.append("off")


@pytest.fixture
def loop() -> Iterator[Loop]:
    loop = Loop()
    clock.use(loop)
    yield loop
    clock.use(clock.WallClock())


def test_living_loop_winds_it_up_each_five_seconds_until_it_rests(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, write = os.pipe()
    monkeypatch.setattr("cli.hang._never_waiting", lambda: write)
    os.set_blocking(write, False)
    hang = Hang(30, loop)
    hang.rest()
    for _ in range(12):
        hang.look()
        loop.at = Micros(loop.at + seconds(1))
    assert loop.told == ["30", "30", "30"]
    hang.rest()
    hang.look()
    assert loop.told[3:] == ["off", "30"]
    os.close(read)
    os.close(write)


def test_who_is_watched_already_winds_up_nothing(loop: Loop) -> None:
    hang = Hang(OFF, loop)
    hang.look()
    hang.rest()
    assert loop.told == []


def test_only_a_container_that_nobody_watches_ends_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_ENV", "1")
    assert limit_s({}) == LIMIT_S
    assert limit_s({"WATCHDOG_USEC": "30000000"}) == OFF
    monkeypatch.setenv("DOCKER_ENV", "0")
    assert limit_s({}) == OFF


HANGS = """
import os, threading
from cli.hang import Hang
def fill():
    os.set_blocking(2, False)
    try:
        while os.write(2, bytes(4096)):
            pass
    except BlockingIOError:
        os.set_blocking(2, True)
{before}
Hang(0.2).look()
{hangs}
"""


def ended(before: str, hangs: str) -> tuple[int, bytes]:
    """Return how a process ends whose stderr nobody reads before its end, and what it said."""
    read, write = os.pipe()
    with closing(os.fdopen(read, "rb")) as said:
        try:
            text = HANGS.format(before=before, hangs=hangs)
            process = subprocess.Popen(
                [sys.executable, "-c", text], env=environment(), stderr=write
            )
        finally:
            os.close(write)
        try:
            return process.wait(LONG_S), said.read()
        finally:
            process.kill()


def test_loop_that_hangs_ends_with_its_stacks() -> None:
    code, said = ended("", "threading.Event().wait()")
    assert code == 1
    assert b"Timeout (0:00:00.2" in said
    assert b"threading.py" in said


def test_log_that_nobody_reads_keeps_no_process_from_ending() -> None:
    assert ended("fill()", "os.write(2, b'x')")[0] == 1
