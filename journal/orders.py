"""The order journal: append-only, committed before any broker write, folded at every start.

`state/orders.db` is SQLite in WAL mode with `synchronous=FULL`. OrderActor is the only writer.
A row's checksum covers everything else in it; triggers refuse every update and delete.
"""

import sqlite3
import threading
import zlib
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import msgspec

from domain.errors import JournalError
from domain.events import Event
from domain.session import trading_day
from domain.units import Day, Micros

SCHEMA = 1
NAME = "orders.db"
"""The file of a state directory."""

_TABLES = """
CREATE TABLE IF NOT EXISTS owner(
  boot_id TEXT PRIMARY KEY, boot_seq INTEGER UNIQUE, pid INTEGER, started_at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS event(
  seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, day TEXT NOT NULL, boot_id TEXT NOT NULL,
  kind TEXT NOT NULL, intent_id TEXT, orderid TEXT, strategy TEXT, leg TEXT,
  body BLOB NOT NULL, crc INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS event_day ON event(day, seq);
CREATE TRIGGER IF NOT EXISTS event_no_update BEFORE UPDATE ON event
  BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER IF NOT EXISTS event_no_delete BEFORE DELETE ON event
  BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
"""

_COLUMNS = "seq, at, day, boot_id, kind, intent_id, orderid, strategy, leg, body, crc"
_INSERT = f"INSERT INTO event({_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?)"  # noqa: S608 - constant
_Row = tuple[int, int, str, str, str, str | None, str | None, str | None, str | None, bytes, int]

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Event)


class OrderJournal:
    """The one writer. Opened and used in OrderActor's thread only.

    Raises JournalError, with the file and the remedy, if the file cannot be opened, is damaged or
    does not take a commit.
    """

    def __init__(self, path: Path, pid: int, started_at: Micros) -> None:
        self._path = path
        try:
            self._db = _connect(path)
            self._db.executescript(_TABLES)
            self._seq = _checked(self._db, path)
            self.boot_seq = self._claim(pid, started_at)
        except sqlite3.Error as error:
            raise _broken(self._path, error) from error
        self._boot_id = f"boot-{self.boot_seq}"

    def append(self, events: Iterable[Event]) -> int:
        """Commit events as one transaction and return the last sequence number."""
        rows = [self._row(seq, event) for seq, event in enumerate(events, self._seq + 1)]
        try:
            with self._db:
                self._db.executemany(_INSERT, rows)
        except sqlite3.Error as error:
            raise _broken(self._path, error) from error
        self._seq += len(rows)
        return self._seq

    def events(self, day: Day) -> tuple[Event, ...]:
        """Return every event of a trading day, in order."""
        try:
            return tuple(event for _, event in _events(self._db, day, after=0))
        except (sqlite3.Error, msgspec.DecodeError) as error:
            raise _broken(self._path, error) from error

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

    def _claim(self, pid: int, started_at: Micros) -> int:
        with self._db:
            (last,) = self._db.execute("SELECT coalesce(max(boot_seq), 0) FROM owner").fetchone()
            self._db.execute(
                "INSERT INTO owner VALUES (?, ?, ?, ?)",
                (f"boot-{last + 1}", last + 1, pid, started_at),
            )
        return int(last) + 1

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
            _encoder.encode({"schema": SCHEMA, "event": event}),
            0,
        )
        return (*row[:-1], _crc(row))


def verify(path: Path, day: Day) -> tuple[Event, ...]:
    """Return the events of a day from a journal that is whole; none if it was never written.

    Reads only, so that a damaged file stays as it was found. Raises JournalError, with the file and
    the remedy, if it is damaged or the events of `day` cannot be read.
    """
    if not path.exists():
        return ()
    try:
        with closing(_connect_to_read(path)) as db:
            tables = db.execute("SELECT count(*) FROM sqlite_master WHERE name = 'event'")
            if tables.fetchone() == (0,):
                return ()
            _checked(db, path)
            return tuple(event for _, event in _events(db, day, after=0))
    except (sqlite3.Error, msgspec.DecodeError) as error:
        raise _broken(path, error) from error


class JournalReader:
    """Reads what was committed, from any thread, one at a time; lanes and commands use it.

    Every method raises JournalError if the file cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._db: sqlite3.Connection | None = None

    def after(self, seq: int, day: Day) -> tuple[tuple[Event, ...], int]:
        """Return the events of a day that follow `seq`, and the last sequence number read."""
        with self._reading() as db:
            found = list(_events(db, day, after=seq))
        return tuple(event for _, event in found), found[-1][0] if found else seq

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
            except (sqlite3.Error, msgspec.DecodeError) as error:
                message = f"the order journal {self._path} cannot be read: {error}"
                raise JournalError(message) from error


class _Envelope(msgspec.Struct):
    schema: Literal[1]
    event: msgspec.Raw


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=0.25)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    return db


def _connect_to_read(path: Path) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode=ro"
    return sqlite3.connect(uri, timeout=0.25, uri=True, check_same_thread=False)


def _checked(db: sqlite3.Connection, path: Path) -> int:
    """Return the last sequence number of a journal that is whole. Raises JournalError."""
    (verdict,) = db.execute("PRAGMA quick_check").fetchone()
    if verdict != "ok":
        raise _broken(path, verdict)
    seq = 0
    for row in db.execute(f"SELECT {_COLUMNS} FROM event ORDER BY seq"):  # noqa: S608 - constant
        seq += 1
        if row[0] != seq or row[-1] != _crc(row):
            raise _broken(path, f"event {seq} is damaged or missing")
    return seq


def _broken(path: Path, what: object) -> JournalError:
    return JournalError(
        f"the order journal {path} cannot be used: {what}. Move the file aside (keep it), check "
        "the disk, and look at the broker's books before starting again"
    )


def _events(db: sqlite3.Connection, day: Day, *, after: int) -> Iterator[tuple[int, Event]]:
    rows = db.execute(
        "SELECT seq, body FROM event WHERE day = ? AND seq > ? ORDER BY seq", (day, after)
    )
    for seq, body in rows:
        envelope = msgspec.json.decode(body, type=_Envelope)
        yield seq, _decoder.decode(envelope.event)


def _crc(row: _Row) -> int:
    return zlib.crc32(repr(row[:-1]).encode())
