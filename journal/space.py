"""The disk the journals are on: its room, and names for what is set aside."""

import itertools
import os
from pathlib import Path

from domain.errors import JournalError

_MIB = 20


def free_mb(path: Path) -> int:
    """Return the MiB an ordinary user may still write where `path` is.

    Raises JournalError if the disk cannot be asked.
    """
    try:
        disk = os.statvfs(path)
    except OSError as error:
        raise JournalError(f"the room at {path} is not known: {error}") from error
    return disk.f_bavail * disk.f_frsize >> _MIB


def shortage(free: int, wanted: int) -> str:
    """Return why entries are not allowed with so many megabytes free; '' if they are."""
    if free >= wanted:
        return ""
    return f"{free} MB free, journal.min_free_mb is {wanted}"


def free_name(path: Path) -> Path:
    """Return the first of `path`.corrupt-1, -2, ... that is not taken."""
    return next(
        name
        for n in itertools.count(1)
        if not (name := path.with_name(f"{path.name}.corrupt-{n}")).exists()
    )
