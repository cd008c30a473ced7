"""What every command that plays a session needs: settings, a state directory that is ours alone."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from config.settings import Settings
from domain.errors import ConfigError, SutradharError

LOCK = "lock"


class Locked(SutradharError):
    """Another process holds the state directory; exit code 75."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """The settings in effect and the state directory, which is locked."""

    settings: Settings
    folder: Path


def is_held(folder: Path) -> bool:
    """Whether an agent holds the state directory now: its lock dies with its process."""
    try:
        lock = os.open(folder / LOCK, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


@contextmanager
def locked(folder: Path) -> Iterator[Path]:
    """Make the state directory if need be, and hold it: one agent at a time.

    Raises ConfigError if it cannot be written, Locked if another agent holds it.
    """
    path = folder / LOCK
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise ConfigError(
            f"--state-dir {folder}: cannot be written ({error.strerror}); "
            "name a folder you may write to"
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(lock, 32).decode("ascii", "replace").strip()
        os.close(lock)
        raise Locked(
            f"--state-dir {folder}: the agent with pid {holder or 'unknown'} holds it; "
            "end that one or name another folder"
        ) from None
    try:
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        yield folder
    finally:
        os.close(lock)
