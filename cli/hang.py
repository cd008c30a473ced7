"""Ends this process when its main loop hangs, where no service manager watches it.

A container engine starts what ended again, but sees nothing of what merely hangs: on a dead mount,
on a log that nobody reads. A start is a recovery; a loop that hangs closes nothing at 15:15.
"""

import faulthandler
import logging
import os
from collections.abc import Mapping
from typing import Protocol

from config import sources
from domain import clock
from domain.units import Micros, seconds

log = logging.getLogger(__name__)

LIMIT_S = 30.0
"""As `WatchdogSec` of the unit. Real time, in which a process that is stopped (SIGSTOP, `docker
pause`) grows no younger: one stopped for longer may end when it wakes, as below systemd."""

EVERY_S = 5.0
OFF = 0.0


class Timer(Protocol):
    """What ends the process from outside the interpreter, as the module faulthandler does."""

    def dump_traceback_later(self, timeout: float, *, file: int, exit: bool) -> None:  # noqa: A002 - its name
        """Write all stacks to `file` and leave with 1, unless called again or cancelled."""

    def cancel_dump_traceback_later(self) -> None:
        """End nothing."""


class Hang:
    """Winds up, in every round of the loop, what ends it `limit_s` later. Main thread."""

    def __init__(self, limit_s: float, timer: Timer = faulthandler) -> None:
        self._limit_s = limit_s
        self._timer = timer
        self._file = -1
        self._due = Micros(0)

    def look(self) -> None:
        """Wind it up, at most each 5 s."""
        machine = clock.machine()
        if not self._limit_s or machine < self._due:
            return
        if self._file < 0:
            self._file = _never_waiting()
            log.info("nobody watches this process: it ends itself if it hangs %g s", self._limit_s)
        self._due = Micros(machine + seconds(EVERY_S))
        self._timer.dump_traceback_later(self._limit_s, file=self._file, exit=True)

    def rest(self) -> None:
        """Let the loop be away for as long as it takes, until the next look."""
        if self._file >= 0:
            self._timer.cancel_dump_traceback_later()
        self._due = Micros(0)


def limit_s(environ: Mapping[str, str]) -> float:
    """Return after how long a hang ends this process: only in a container, and if nobody watches.

    Elsewhere nobody would start it again.
    """
    return LIMIT_S if sources.container() and "WATCHDOG_USEC" not in environ else OFF


def _never_waiting() -> int:
    """Return where stacks go: to stderr, but without waiting for who reads it no more."""
    try:
        return os.open("/proc/self/fd/2", os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:  # a socket, or another user's
        return os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
