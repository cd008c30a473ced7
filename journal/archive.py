"""Days that are over: their journals go to `days/<day>/`, whole, and the oldest are forgotten.

A start reads every event of `orders.db`, so a file holds one day. Nothing is taken out of it: the
file itself is moved, and the next day begins a new one. Whoever holds the state directory does it,
while no actor lives.
"""

import logging
import os
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path

import msgspec

from domain.errors import JournalError
from domain.events import Event, LatchCleared, LatchSet, ProvedFlat
from domain.session import trading_day
from domain.units import Day, Micros
from journal import fallback, schema
from journal.orders import NAME, OrderJournal

log = logging.getLogger(__name__)

FOLDER = "days"
"""The folder of a state directory."""

BESIDE = ("decisions.jsonl", "day.db", NAME)
"""What a day leaves; the order journal moves last, so that a move cut short is made again."""

NEXT = f"{NAME}.next"
"""The journal of today while that of the former day is still in its place."""

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(\.\d+)?")

InSession = Callable[[Micros], bool]


def roll(folder: Path, now: Micros, pid: int, in_session: InSession) -> Day | None:
    """Move the journals of a day before that of `now` away; return which day they began.

    A new order journal is begun. Latches that no human took down are carried into it. What cannot
    be moved now stays and is said; the file serves today as well. Never raises for what is wrong
    with a file.
    """
    today = trading_day(now)
    try:
        _finish(folder)
        last, events = _over(folder, today)
        if last is None:
            return None
        held = latches_for_next(events, in_session)
        _begin(folder / NEXT, now, pid, held.values())
        _move(folder, last, BESIDE)
        _finish(folder)
    except (JournalError, OSError, sqlite3.Error) as error:
        log.warning("the journal of a former day stays where it is: %s", error)
        return None
    carried = f", carried over: {', '.join(held)}" if held else ""
    log.info("the journal of %s is kept in %s%s", last, folder / FOLDER / last, carried)
    return last


def prune(folder: Path, keep: int) -> list[str]:
    """Forget all but the newest `keep` days and return the names of those that went."""
    gone = sorted(_names(folder), reverse=True)[keep:]
    for name in gone:
        shutil.rmtree(folder / FOLDER / name, ignore_errors=True)
    if gone:
        log.info("forgotten: %d days up to %s, journal.keep_days is %d", len(gone), gone[0], keep)
    return gone


def journals(folder: Path) -> Iterator[Path]:
    """Yield the order journals of a state directory, oldest first, the running one last."""
    for name in sorted(_names(folder)):
        if (path := folder / FOLDER / name / NAME).exists():
            yield path
    if (path := folder / NAME).exists():
        yield path


def journal_of(folder: Path, day: Day) -> Path:
    """Return the file that holds a day: that of the archive, else the running one."""
    kept = folder / FOLDER / day / NAME
    return kept if kept.exists() else folder / NAME


def put_away(folder: Path, day: Day, names: Iterable[str]) -> None:
    """Move plain files of a day that is over beside its journals. Raises OSError."""
    _move(folder, day, names)


def latches_for_next(events: Iterable[Event], in_session: InSession) -> dict[str, LatchSet]:
    """Return the latches that bind the next day: a human alone takes one down.

    But DAY_DONE is the day's own, and a FLATTEN is for the book it met: it is carried if it was
    raised after the proof or while no session was on, so that nobody has obeyed it yet.
    """
    held: dict[str, LatchSet] = {}
    is_flat = False
    for event in events:
        match event:
            case ProvedFlat():
                is_flat = True
            case LatchSet(name="DAY_DONE"):
                pass
            case LatchSet(name=name):
                if name != "FLATTEN" or is_flat or not in_session(event.at):
                    held.setdefault(name, event)
            case LatchCleared(name=name):
                held.pop(name, None)
            case _:
                pass
    return held


def _begin(path: Path, now: Micros, pid: int, held: Iterable[LatchSet]) -> None:
    path.unlink(missing_ok=True)
    with OrderJournal(path, pid, now) as journal:
        journal.append(msgspec.structs.replace(latch, at=now) for latch in held)


def _finish(folder: Path) -> None:
    """Let a journal that was begun take its place, unless the former one never left it."""
    begun = folder / NEXT
    if not begun.exists():
        return
    if (folder / NAME).exists():
        begun.unlink()
    else:
        begun.rename(folder / NAME)
        _sync(folder)


def _over(folder: Path, today: Day) -> tuple[Day | None, tuple[Event, ...]]:
    """Return which day a journal is of, if it is over, with everything the file holds."""
    path = folder / NAME
    if not path.exists():
        return None, ()
    uri = f"{path.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, timeout=0.25, uri=True)) as db:
        schema.check_layout(db)
        rows = db.execute("SELECT seq, day, body FROM event ORDER BY seq").fetchall()
    if not rows or rows[-1][1] >= today:
        return None, ()
    if any(fallback.read(folder / fallback.NAME).after(rows[-1][0])):
        raise JournalError(f"{fallback.NAME} has events it lacks; they are merged first")
    # What follows the first day in its file was written while nobody played.
    return Day(rows[0][1]), tuple(schema.decode(body) for _, _, body in rows)


def _move(folder: Path, day: Day, names: Iterable[str]) -> None:
    present = [name for name in names if (folder / name).exists()]
    for name in present:
        if name.endswith(".db"):
            _settle(folder / name)
    home = next(
        path for path in _homes(folder, day) if not any((path / n).exists() for n in present)
    )
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in present:
        for suffix in ("-wal", "-shm") if name.endswith(".db") else ():
            (folder / (name + suffix)).unlink(missing_ok=True)
        (folder / name).rename(home / name)
    _sync(home)
    _sync(folder)


def _settle(path: Path) -> None:
    """Bring everything committed into the file itself: its log must not meet the next one."""
    with closing(sqlite3.connect(path, timeout=0.25)) as db:
        (busy, _, _) = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        raise JournalError(f"{path} is being read")


def _homes(folder: Path, day: Day) -> Iterator[Path]:
    """Yield where a day may be kept: a second journal of one day gets a folder of its own."""
    yield folder / FOLDER / day
    number = 2
    while True:
        yield folder / FOLDER / f"{day}.{number}"
        number += 1


def _names(folder: Path) -> Iterator[str]:
    home = folder / FOLDER
    if home.is_dir():
        yield from (path.name for path in home.iterdir() if _DATE.fullmatch(path.name))


def _sync(path: Path) -> None:
    """Let the renames be on the disk."""
    number = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
