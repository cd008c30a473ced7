"""Which process wrote the order journal last, for whoever has to be sure before ending it."""

import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec

from domain.errors import JournalError


class Owner(msgspec.Struct, frozen=True, kw_only=True):
    """The process that opened the journal last, and the boot it is called there."""

    pid: int
    boot_id: str


def owner(path: Path) -> Owner | None:
    """Return who opened the journal last; None if nobody did. Reads only. Raises JournalError."""
    uri = f"{path.absolute().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(uri, timeout=0.25, uri=True)) as db:
            newest = "SELECT pid, boot_id FROM owner ORDER BY boot_seq DESC LIMIT 1"
            row = db.execute(newest).fetchone()
    except sqlite3.Error as error:
        raise JournalError(f"the order journal {path} cannot be read: {error}") from error
    if row is None:
        return None
    pid, boot_id = row
    return Owner(pid=pid, boot_id=boot_id)
