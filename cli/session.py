"""What every command that plays a session needs: settings, a state directory that is ours alone."""

import fcntl
import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from actors.alerts import Pager
from config.settings import Settings
from domain.calls import Write
from domain.errors import ConfigError, SutradharError
from domain.status import Status
from messages.control import Ended
from research.tap import Take

log = logging.getLogger(__name__)

LOCK = "lock"
LOOKS = 50
LOOK_AGAIN_S = 0.02


class Locked(SutradharError):
    """Another process holds the state directory; exit code 75."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """The settings in effect and the state directory, which is locked.

    `take` gets every tick that bars are told, in the feed's thread, where somebody records. `show`
    gets the status each market second, in the monitor's thread, and must not wait. `pager` takes
    what a human is to know; `over` is told how the day's agent ended. `refusal` says why a
    write may not leave, in a lane's thread.
    """

    settings: Settings
    folder: Path
    take: Take | None = None
    show: Callable[[Status], None] = lambda _: None
    pager: Pager | None = None
    over: Callable[[Ended], None] = lambda _: None
    refusal: Callable[[Write], str] = lambda _: ""


def is_held(folder: Path) -> bool:
    """Whether an agent holds the state directory now: its lock dies with its process."""
    try:
        lock = os.open(folder / LOCK, os.O_RDONLY)
    except OSError:
        return False
    try:
        return not _is_got(lock, fcntl.LOCK_SH)
    finally:
        os.close(lock)


def signer(folder: Path) -> int | None:
    """Return the pid its lock names: who holds the state directory, or held it last."""
    try:
        text = (folder / LOCK).read_text("ascii", "replace").strip()
    except OSError:
        return None
    return int(text) if text.isdecimal() else None


def _breathe() -> None:
    threading.Event().wait(LOOK_AGAIN_S)


@contextmanager
def locked(
    folder: Path,
    pause: Callable[[], object] = _breathe,
    option: str = "--state-dir",
    who: str = "the agent",
) -> Iterator[Path]:
    """Make the state directory if need be, and hold it: one agent at a time.

    Who only looks whether it is held (`is_held`) has it for a moment: that is waited for, with a
    `pause` between two tries, a second at most. Raises ConfigError if it cannot be written, Locked
    if another agent holds it. `option` names the folder on the command line, `who` its holder.
    """
    path = folder / LOCK
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise ConfigError(
            f"{option} {folder}: cannot be written ({error.strerror}); "
            "name a folder you may write to"
        ) from error
    if not _take(lock, pause):
        holder = os.read(lock, 32).decode("ascii", "replace").strip()
        os.close(lock)
        raise Locked(
            f"{option} {folder}: {who} with pid {holder or 'unknown'} holds it; "
            "end that one or name another folder"
        )
    try:
        _sign(lock)
        yield folder
    finally:
        os.close(lock)


def _sign(lock: int) -> None:
    """Leave our pid; in place, for a full disk takes no new block. The lock holds without it."""
    text = f"{os.getpid()}\n".encode()
    try:
        os.pwrite(lock, text, 0)
        os.ftruncate(lock, len(text))
    except OSError as error:
        log.warning("the lock holds, but does not name this process: %s", error)


def _take(lock: int, pause: Callable[[], object]) -> bool:
    """Whether the lock became ours; an agent's is not waited for, a look at it is."""
    for _ in range(LOOKS):
        if _is_got(lock, fcntl.LOCK_EX):
            return True
        if not _is_got(lock, fcntl.LOCK_SH):
            return False
        fcntl.flock(lock, fcntl.LOCK_UN)
        pause()
    return False


def _is_got(lock: int, kind: int) -> bool:
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
