"""A copy of the journals of a state directory, also of one at work.

SQLite's own backup reads one moment of a database, whoever writes to it meanwhile. The fallback is
copied before the order journal: what it held and the journal took in between is in both, under the
same numbers, and counts once.
"""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from domain.errors import JournalError
from journal import archive, fallback
from journal.orders import NAME

DATABASES = (NAME, "day.db")
PLAIN = (fallback.NAME, "decisions.jsonl", "status.json", "again.json", "sessions.jsonl")
OF_PAPER = ("truth.jsonl", "summary.json")
"""Of a day that is over; the running one is the exchange's own."""


def copy(folder: Path, to: Path) -> Iterator[str]:
    """Copy what is worth keeping into the folder `to`; yield each name, days that are over last.

    Raises JournalError if something cannot be read or written. The lock, the log, the kill switch
    and what was set aside stay behind.
    """
    try:
        for name in PLAIN:
            if (folder / name).exists():
                shutil.copyfile(folder / name, to / name)
                yield name
        for name in DATABASES:
            if (folder / name).exists():
                _copy_database(folder / name, to / name)
                yield name
        for day in sorted((folder / archive.FOLDER).glob("*/")):
            yield from _copy_day(day, to / archive.FOLDER / day.name)
    except (OSError, sqlite3.Error) as error:
        raise JournalError(f"{folder} cannot be copied: {error}") from error


def _copy_day(day: Path, to: Path) -> Iterator[str]:
    to.mkdir(parents=True)
    for name in (*DATABASES, *PLAIN, *OF_PAPER):
        if (day / name).exists():
            if name in DATABASES:
                _copy_database(day / name, to / name)
            else:
                shutil.copyfile(day / name, to / name)
            yield f"{archive.FOLDER}/{day.name}/{name}"


def _copy_database(path: Path, to: Path) -> None:
    uri = f"{path.absolute().as_uri()}?mode=ro"
    with (
        closing(sqlite3.connect(uri, uri=True, timeout=5)) as source,
        closing(sqlite3.connect(to)) as copied,
    ):
        source.backup(copied)
        copied.execute("PRAGMA journal_mode=DELETE")
