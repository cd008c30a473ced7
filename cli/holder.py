"""The process that holds a state directory: who it is, and its end if it must be."""

import os
import signal
from pathlib import Path

from cli.levers import Refused, pause
from cli.session import LOCK, is_held, signer
from domain import clock
from domain.errors import JournalError
from domain.units import seconds
from journal.orders import NAME as JOURNAL
from journal.owner import owner

LOCKS = Path("/proc/locks")
LEAVE_S = 10
TAPS = 3
"""The second flattens; a third in case two became one on the way, as signals may."""

TAP_LOOKS = 10
"""Pauses between two taps, so that the first is heard before the second comes."""


def end(folder: Path) -> int:
    """Kill who holds the folder, wait until the lock is free, and return its pid.

    Raises Refused if it is not certain that this is the agent whose journal this is.
    """
    pid = _signal(folder, signal.SIGKILL)
    deadline = clock.steady() + seconds(LEAVE_S)
    while is_held(folder):
        if clock.steady() >= deadline:
            raise Refused(
                f"{folder} is held again or still, pid {pid} was killed; if a service manager "
                "starts the agent anew, stop the service first"
            )
        pause()
    return pid


def tap(folder: Path) -> int:
    """Signal who holds the folder to flatten, which needs no room on a disk; return its pid.

    Raises Refused as `end` does.
    """
    pid = _signal(folder, signal.SIGUSR1)
    for _ in range(TAPS - 1):
        for _ in range(TAP_LOOKS):
            pause()
        _signal(folder, signal.SIGUSR1)
    return pid


def _signal(folder: Path, number: signal.Signals) -> int:
    pid = signer(folder)
    if pid is None:
        raise Refused(f"{folder / LOCK} names no process")
    try:
        handle = os.pidfd_open(pid)
    except OSError as error:
        raise Refused(
            f"pid {pid} of {folder / LOCK} is no process here: {error.strerror}"
        ) from error
    try:
        _check(folder, pid)
        signal.pidfd_send_signal(handle, number)
    except PermissionError as error:
        what = "ended" if number is signal.SIGKILL else "signalled"
        raise Refused(f"pid {pid} may not be {what} by this user; ask as root") from error
    finally:
        os.close(handle)
    return pid


def _check(folder: Path, pid: int) -> None:
    """Compare the lock's file, the journal and the kernel: all must mean this process.

    A journal that cannot be read says nothing; then the kernel has to.
    """
    holders = _holders(folder / LOCK)
    try:
        found = owner(folder / JOURNAL)
    except JournalError as error:
        if pid in holders:
            return
        raise Refused(f"{folder / LOCK} names pid {pid}, the kernel does not; {error}") from error
    if found is None or found.pid != pid:
        says = f"pid {found.pid}" if found else "nobody"
        raise Refused(f"{folder / LOCK} names pid {pid}, {JOURNAL} was opened last by {says}")
    if holders and pid not in holders:
        raise Refused(f"{folder / LOCK} names pid {pid}, the kernel says {sorted(holders)} hold it")


def _holders(path: Path) -> set[int]:
    """Return who holds the lock by the kernel's own list; nobody where that cannot be read."""
    inode = str(path.stat().st_ino)
    try:
        lines = LOCKS.read_text("ascii").splitlines()
    except OSError:
        return set()
    rows = [line.split() for line in lines]
    return {int(row[4]) for row in rows if len(row) > 5 and row[5].split(":")[-1] == inode}
