"""The order journal: append-only, committed before any broker write, folded at every start.

`state/orders.db` is SQLite in WAL mode with `synchronous=FULL`. OrderActor is the only writer.
A row's checksum covers everything else in it; triggers refuse every update and delete. What the
file did not take is in the fallback journal beside it, under the numbers it will have here.
"""

import logging
import sqlite3
import threading
import zlib
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from domain.errors import JournalDamaged, JournalError
from domain.events import Event
from domain.ledger import Ledger
from domain.ledger_digest import canonical, digest
from domain.session import trading_day
from domain.units import Day, Micros
from journal import fallback, schema

log = logging.getLogger(__name__)

NAME = "orders.db"
"""The file of a state directory."""

_COLUMNS = "seq, at, day, boot_id, kind, intent_id, orderid, strategy, leg, body, crc"
_INSERT = f"INSERT INTO event({_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?)"  # noqa: S608 - constant
_PASSING = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}
"""What may keep a file from being written for a while; what it holds can be read meanwhile."""

_Row = tuple[int, int, str, str, str, str | None, str | None, str | None, str | None, bytes, int]


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """What the fold of a day was after event `at_seq`: its canonical bytes and their SHA-256.

    The digest tells that a later fold differs, the body where.
    """

    at_seq: int
    sha256: str
    body: bytes


class OrderJournal:
    """The one writer. Opened and used in OrderActor's thread only.

    The claim of a file that can be read and takes no write is made with the first commit.
    Raises JournalError, with the file and the remedy, if the file cannot be opened or does not take
    a commit: JournalDamaged if it is not whole, JournalNewer if a later version wrote it,
    JournalBusy if another process holds it.
    """

    def __init__(self, path: Path, pid: int, started_at: Micros, *, boot_after: int = 0) -> None:
        self.path = path
        self._owner: tuple[str, int, int, Micros] | None = None
        try:
            self.seq = _looked_at(path) if path.exists() else 0
            self._db = _connect(path)
            self.boot_seq = self._claim(pid, started_at, boot_after)
        except (sqlite3.Error, JournalError) as error:
            raise schema.trouble(path, error) from error
        self._boot_id = f"boot-{self.boot_seq}"

    def append(self, events: Iterable[Event]) -> int:
        """Commit events as one transaction and return the last sequence number."""
        rows = [self._row(seq, event) for seq, event in enumerate(events, self.seq + 1)]
        try:
            with self._db:
                if self._owner is not None:
                    self._db.execute("INSERT INTO owner VALUES (?, ?, ?, ?)", self._owner)
                self._db.executemany(_INSERT, rows)
        except sqlite3.Error as error:
            raise schema.trouble(self.path, error) from error
        self._owner = None
        self.seq += len(rows)
        return self.seq

    def events(self, day: Day) -> tuple[Event, ...]:
        """Return every event of a trading day, in order."""
        return tuple(event for _, event in self.numbered(day))

    def numbered(self, day: Day) -> tuple[tuple[int, Event], ...]:
        """Return every event of a trading day with its number, in order."""
        try:
            return tuple(_events(self._db, day, after=0))
        except (sqlite3.Error, JournalError) as error:
            raise schema.trouble(self.path, error) from error

    def event(self, seq: int) -> Event | None:
        """Return one event by its number; None if there is none."""
        try:
            row = self._db.execute("SELECT body FROM event WHERE seq = ?", (seq,)).fetchone()
            return None if row is None else schema.decode(row[0])
        except (sqlite3.Error, JournalError) as error:
            raise schema.trouble(self.path, error) from error

    def check(self, ledger: Ledger) -> None:
        """Write down what the fold is now, after the last event: a later fold must agree."""
        body = canonical(ledger)
        try:
            with self._db:
                self._db.execute(
                    "INSERT OR REPLACE INTO checkpoint VALUES (?, ?, ?)",
                    (self.seq, digest(body), body),
                )
        except sqlite3.Error as error:
            raise schema.trouble(self.path, error) from error

    def checkpoint(self, day: Day) -> Checkpoint | None:
        """Return the last checkpoint of a day, if one was written."""
        try:
            row = self._db.execute(
                "SELECT at_seq, sha256, checkpoint.body FROM checkpoint"
                " JOIN event ON seq = at_seq WHERE day = ? ORDER BY at_seq DESC LIMIT 1",
                (day,),
            ).fetchone()
        except sqlite3.Error as error:
            raise schema.trouble(self.path, error) from error
        return None if row is None else Checkpoint(at_seq=row[0], sha256=row[1], body=row[2])

    def close(self) -> None:
        """Close the file; everything committed is on disk already."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _claim(self, pid: int, started_at: Micros, boot_after: int) -> int:
        """Own the file from now on, under the next number nobody had."""
        (last,) = self._db.execute("SELECT coalesce(max(boot_seq), 0) FROM owner").fetchone()
        boot = max(int(last), boot_after) + 1
        owner = (f"boot-{boot}", boot, pid, started_at)
        try:
            with self._db:
                self._db.execute("INSERT INTO owner VALUES (?, ?, ?, ?)", owner)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in _PASSING:
                raise
            log.warning("%s", schema.trouble(self.path, error))
            self._owner = owner
        return boot

    def _row(self, seq: int, event: Event) -> _Row:
        ticket = getattr(event, "ticket", None)
        row: _Row = (
            seq,
            event.at,
            trading_day(event.at),
            self._boot_id,
            type(event).__name__,
            getattr(event, "intent", None),
            getattr(event, "orderid", None) or None,
            getattr(ticket, "strategy", None),
            getattr(event, "leg", None) or None,
            schema.encode(event),
            0,
        )
        return (*row[:-1], _crc(row))


def verify(path: Path, day: Day) -> tuple[Event, ...]:
    """Return the events of a day from a journal that is whole; none if it was never written.

    Those that only the fallback journal holds yet are among them. Reads only, so that a damaged
    file stays as it was found. Raises JournalError, with the file and the remedy, if it is damaged
    or the events of `day` cannot be read.
    """
    if not path.exists():
        return ()
    try:
        last = _looked_at(path)
        with closing(_connect_to_read(path)) as db:
            found = [event for _, event in _events(db, day, after=0)] if _has_any(db) else []
        waiting = fallback.read(path.with_name(fallback.NAME)).after(last)
        return (*found, *(event for _, event in waiting if trading_day(event.at) == day))
    except (sqlite3.Error, JournalError) as error:
        raise schema.trouble(path, error) from error


class JournalReader:
    """Reads what was committed, from any thread, one at a time; lanes and commands use it.

    Every method raises JournalError if the file cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._db: sqlite3.Connection | None = None

    def after(self, seq: int, day: Day) -> tuple[tuple[Event, ...], int]:
        """Return the events of a day that follow `seq`, and the last sequence number read.

        Those that only the fallback journal holds yet are among them, under the same numbers.
        """
        with self._reading() as db:
            found = list(_events(db, day, after=seq))
            last = int(db.execute("SELECT coalesce(max(seq), 0) FROM event").fetchone()[0])
        waiting = fallback.read(self._path.with_name(fallback.NAME)).after(last)
        found += ((n, event) for n, event in waiting if n > seq and trading_day(event.at) == day)
        return tuple(event for _, event in found), found[-1][0] if found else seq

    def days(self) -> tuple[Day, ...]:
        """Return the days that have events in the file, newest first."""
        with self._reading() as db:
            rows = db.execute("SELECT DISTINCT day FROM event ORDER BY day DESC").fetchall()
        return tuple(Day(day) for (day,) in rows)

    def boots_since(self, at: Micros) -> int:
        """Return how many processes began on this journal since an instant of market time."""
        with self._reading() as db:
            (count,) = db.execute(
                "SELECT count(*) FROM owner WHERE started_at >= ?", (at,)
            ).fetchone()
        return int(count)

    def rows(self, day: Day) -> list[dict[str, object]]:
        """Return the events of a day as plain rows, bodies decoded, for the exchange's checker."""
        with self._reading() as db:
            rows = db.execute(
                f"SELECT {_COLUMNS} FROM event WHERE day = ? ORDER BY seq",  # noqa: S608 - constant
                (day,),
            ).fetchall()
            names = _COLUMNS.split(", ")
            plain = [dict(zip(names, row, strict=True)) for row in rows]
            return [row | {"body": msgspec.json.decode(row["body"])["event"]} for row in plain]

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                if self._db is None:
                    self._db = _connect_to_read(self._path)
                yield self._db
            except (sqlite3.Error, JournalError) as error:
                raise schema.trouble(self._path, error, "read") from error


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=0.25)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    (layout,) = db.execute("PRAGMA user_version").fetchone()
    if layout < schema.LAYOUT:
        db.executescript(schema.TABLES)
    return db


def _connect_to_read(path: Path) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode=ro"
    return sqlite3.connect(uri, timeout=0.25, uri=True, check_same_thread=False)


def _looked_at(path: Path) -> int:
    """Return the last sequence number of a file that is whole; nothing in it is changed.

    Raises JournalDamaged, JournalNewer, or what SQLite says.
    """
    with closing(_connect_to_read(path)) as db:
        schema.check_layout(db)
        (verdict,) = db.execute("PRAGMA quick_check").fetchone()
        if verdict != "ok":
            raise JournalDamaged(verdict)
        seq = 0
        rows = db.execute(f"SELECT {_COLUMNS} FROM event ORDER BY seq") if _has_any(db) else ()  # noqa: S608 - constant
        for row in rows:
            seq += 1
            if row[0] != seq or row[-1] != _crc(row):
                raise JournalDamaged(f"event {seq} is damaged or missing")
        return seq


def _has_any(db: sqlite3.Connection) -> bool:
    """Whether the file has the table of events at all."""
    tables = db.execute("SELECT count(*) FROM sqlite_master WHERE name = 'event'")
    return bool(tables.fetchone()[0])


def _events(db: sqlite3.Connection, day: Day, *, after: int) -> Iterator[tuple[int, Event]]:
    rows = db.execute(
        "SELECT seq, body FROM event WHERE day = ? AND seq > ? ORDER BY seq", (day, after)
    )
    for seq, body in rows:
        yield seq, schema.decode(body)


def _crc(row: _Row) -> int:
    return zlib.crc32(repr(row[:-1]).encode())
