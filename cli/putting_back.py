"""Putting a copy in the place of a state directory's journals: never a moment without one."""

import itertools
import os
import shlex
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec

from cli.again import NAME as AGAIN
from cli.again import Again, recall
from cli.dropbox import hand_over
from cli.levers import in_session
from config import pack
from domain.errors import ConfigError, JournalDamaged, JournalError
from domain.events import Event, FindingApplied, LatchSet
from domain.hours import hours
from domain.ledger import Ledger
from domain.reasons import Condition
from domain.session import trading_day
from domain.units import Day, Micros
from journal import archive
from journal.copying import DATABASES
from journal.fallback import NAME as FALLBACK
from journal.opening import open_orders
from journal.orders import NAME as JOURNAL
from journal.orders import OrderJournal, verify

REPLACED = (FALLBACK, "decisions.jsonl", *DATABASES)
"""The fallback goes before the journal it continues; what else is there stays as it is."""

WHY = "restored from a backup: what came after it is found in the broker's books"


def put_back(new: Path, folder: Path, at: Micros) -> list[str]:
    """Take the files of `new` into `folder`, which is ours, and keep what they replace aside.

    `at` is market time. Where a session may have been on since the copy was made, the journal says
    that a part of it is lost: a start then takes over from the books what it does not know, and
    enters nothing that day. Latches that only the replaced journal has are raised again. Returns
    what to tell a human. Raises JournalError or ConfigError.
    """
    day = trading_day(at)
    before = _latches(folder, day)
    aside = next(p for n in itertools.count(1) if not (p := folder / f"replaced-{n}").exists())
    try:
        told = _swap(new, folder, aside)
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be written: {error}; see {aside}") from error
    _merge(folder, at)
    now = max(at, _last(folder))
    archive.roll(folder, now, os.getpid(), in_session)
    events = list(_found(folder, now, aside, before))
    if events:
        with OrderJournal(folder / JOURNAL, os.getpid(), now) as journal:
            journal.append(events)
        for path in folder.iterdir():
            if path.is_file():
                hand_over(folder, path)
    return told + [_words(event) for event in events]


def _merge(folder: Path, at: Micros) -> None:
    """Commit what only the fallback has: nothing may take its numbers."""

    def claim(boot: int) -> OrderJournal:
        return OrderJournal(folder / JOURNAL, os.getpid(), at, boot_after=boot)

    if not (folder / FALLBACK).exists():
        return
    opened = open_orders(folder, trading_day(at), claim)
    with closing(opened.journal):
        opened.journal.append(opened.waiting)
        if opened.fallback is not None:
            opened.fallback.empty()
            opened.fallback.close()


def _swap(new: Path, folder: Path, aside: Path) -> list[str]:
    kept = _keep_aside(folder, aside)
    _redirect(new, folder)
    for path in sorted(p for p in new.iterdir() if p.is_file()):
        if path.name in REPLACED or not (folder / path.name).exists():
            path.replace(folder / path.name)
    if not (new / FALLBACK).exists() and FALLBACK in kept:
        (folder / FALLBACK).unlink(missing_ok=True)
    days = new / archive.FOLDER
    for path in sorted(days.iterdir()) if days.is_dir() else ():
        home = folder / archive.FOLDER / path.name
        if not home.exists():
            home.parent.mkdir(mode=0o700, exist_ok=True)
            path.rename(home)
    return [f"what was there is kept in {aside}: {', '.join(kept)}"] if kept else []


def _redirect(new: Path, folder: Path) -> None:
    """Let the command that starts the agent again name the folder it is put back into."""
    path, option = new / AGAIN, "--state-dir"
    if not path.exists():
        return
    words = shlex.split(recall(new).restart)
    if option in words[:-1]:
        words[words.index(option) + 1] = str(folder)
        path.write_bytes(msgspec.json.encode(Again(restart=shlex.join(words))))
    else:
        path.unlink()


def _keep_aside(folder: Path, aside: Path) -> list[str]:
    """Give what will be replaced a second name; the logs of databases are settled or moved."""
    present = [name for name in REPLACED if (folder / name).exists()]
    if present:
        aside.mkdir(mode=0o700)
    for name in present:
        if name in DATABASES:
            _settle(folder / name)
            for suffix in ("-wal", "-shm"):
                if (rest := folder / (name + suffix)).exists():
                    rest.rename(aside / rest.name)
        os.link(folder / name, aside / name)
    return present


def _settle(path: Path) -> None:
    """Bring what is committed into the file itself, if it is whole."""
    try:
        with closing(sqlite3.connect(path, timeout=5)) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.Error:
        return  # damaged: it is kept with its companions


def _latches(folder: Path, day: Day) -> dict[str, str]:
    try:
        return dict(Ledger().fold(verify(folder / JOURNAL, day)).latches)
    except (JournalDamaged, JournalError):
        return {}


def _last(folder: Path) -> Micros:
    """Return when the last event of a journal was; events never go back."""
    if not (folder / JOURNAL).exists():
        return Micros(0)
    with closing(
        sqlite3.connect(f"{(folder / JOURNAL).absolute().as_uri()}?mode=ro", uri=True)
    ) as db:
        (at,) = db.execute("SELECT coalesce(max(at), 0) FROM event").fetchone()
    return Micros(at)


def _found(folder: Path, now: Micros, aside: Path, before: dict[str, str]) -> Iterator[Event]:
    yield from lost(now, aside.name, WHY)
    up = _latches(folder, trading_day(now))
    for name, reason in before.items():
        if name not in up:
            yield LatchSet(at=now, name=name, reason=reason)


def lost(now: Micros, subject: str, why: str) -> Iterator[Event]:
    """Yield what a journal says of itself that lacks a part of today, if there was a session."""
    found = hours(trading_day(now), pack.load())
    if found.open is not None and now >= found.open:
        yield FindingApplied(at=now, kind=Condition.JOURNAL_LOST, subject=subject, detail=why)


def mark_lost(folder: Path, now: Micros, subject: str, why: str) -> bool:
    """Write down that a part of today is not in the journal of a folder that is ours.

    Returns whether there was a session that could be lost. Raises JournalError.
    """
    _merge(folder, now)
    events = list(lost(now, subject, why))
    if events:
        with OrderJournal(folder / JOURNAL, os.getpid(), now) as journal:
            journal.append(events)
    return bool(events)


def _words(event: Event) -> str:
    if isinstance(event, LatchSet):
        return f"latch {event.name} was up in what is replaced, and is up again ({event.reason})"
    return f"{Condition.JOURNAL_LOST}: nothing is entered today; {WHY}"
