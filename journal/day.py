"""The day's record beside the orders: bars, decisions, changes of the feed. JournalActor writes it.

`state/day.db` may lose its last second in a crash: nothing in it decides anything.
"""

import logging
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec

from domain.errors import JournalError
from domain.market import Bar
from domain.session import trading_day
from domain.units import Day, Micros
from messages.control import DecisionMade

log = logging.getLogger(__name__)

SWINGS = ("swing_low", "swing_high")
"""The decisions that tell of a new swing."""

_TABLES = """
CREATE TABLE IF NOT EXISTS bar(
  day TEXT NOT NULL, symbol TEXT NOT NULL, minute INTEGER NOT NULL,
  open INTEGER, high INTEGER, low INTEGER, close INTEGER, volume INTEGER,
  vwap_num INTEGER, vwap_den INTEGER, ticks INTEGER, provenance TEXT NOT NULL,
  PRIMARY KEY(symbol, minute));
CREATE TABLE IF NOT EXISTS decision(
  seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, day TEXT NOT NULL,
  strategy TEXT NOT NULL, symbol TEXT NOT NULL, kind TEXT NOT NULL, detail TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS decision_symbol ON decision(day, symbol, at);
CREATE TABLE IF NOT EXISTS feed(
  seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, day TEXT NOT NULL,
  source TEXT NOT NULL, epoch INTEGER NOT NULL, kind TEXT NOT NULL, detail TEXT NOT NULL);
"""


class Unwritable(JournalError):
    """The disk takes nothing for now; what was to be kept is still kept in memory."""


class DayJournal:
    """Bars, decisions and feed changes of a state directory. One thread.

    `bars` and `swings` are how many different ones of `day` are kept, whoever told of them. A
    damaged file is set aside and a new one begun. Raises Unwritable while the disk takes nothing,
    JournalError for a file that is damaged under us: a new one sets it aside.
    """

    def __init__(self, folder: Path, day: Day) -> None:
        self._day = day
        self._log_path = folder / "decisions.jsonl"
        self._pending: list[tuple[str, tuple[object, ...]]] = []
        self._lines = bytearray()
        path = folder / "day.db"
        try:
            if not _is_whole(path):
                _set_aside(path)
            self._db = sqlite3.connect(path, timeout=0.25, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._db.executescript(_TABLES)
            self._bars = set(self._kept("SELECT symbol, minute FROM bar WHERE day = ?"))
            self._swings = set(
                self._kept(
                    "SELECT symbol, kind, detail FROM decision WHERE day = ? AND kind IN (?, ?)",
                    *SWINGS,
                )
            )
            self._log = self._log_path.open("ab", buffering=0)
        except (sqlite3.Error, OSError) as error:
            text = f"the day journal in {folder} cannot be opened: {error}"
            raise _kind(error)(text) from error

    @property
    def bars(self) -> int:
        """How many minutes of symbols have a bar that day."""
        return len(self._bars)

    @property
    def swings(self) -> int:
        """How many different swings were told of that day."""
        return len(self._swings)

    def bar(self, bar: Bar) -> None:
        """Keep a bar; a later one for the same minute replaces it."""
        self._bars.add((bar.symbol, bar.minute))
        values = (
            trading_day(bar.minute),
            bar.symbol,
            bar.minute,
            bar.open,
            bar.high,
            bar.low,
            bar.close,
            bar.volume,
            bar.vwap_num,
            bar.vwap_den,
            bar.ticks,
            bar.provenance.value,
        )
        self._keep("INSERT OR REPLACE INTO bar VALUES (?,?,?,?,?,?,?,?,?,?,?,?)", values)

    def decision(self, made: DecisionMade) -> None:
        """Keep a decision, in the database and as a line of `decisions.jsonl`."""
        if made.kind in SWINGS:
            self._swings.add((made.symbol, made.kind, made.detail))
        values = (
            made.at,
            trading_day(made.at),
            made.strategy,
            made.symbol,
            made.kind,
            made.detail,
        )
        self._keep(
            "INSERT INTO decision(at, day, strategy, symbol, kind, detail) VALUES (?,?,?,?,?,?)",
            values,
        )
        self._lines += msgspec.json.encode(made) + b"\n"

    def feed(self, at: Micros, source: str, epoch: int, kind: str, detail: str) -> None:
        """Keep a change of the feed."""
        values = (at, trading_day(at), source, epoch, kind, detail)
        self._keep(
            "INSERT INTO feed(at, day, source, epoch, kind, detail) VALUES (?,?,?,?,?,?)", values
        )

    def flush(self) -> None:
        """Write what was kept since the last flush; each part once, however often it fails."""
        try:
            if self._pending:
                with self._db:
                    for statement, values in self._pending:
                        self._db.execute(statement, values)
                self._pending.clear()
            while self._lines:
                del self._lines[: self._log.write(self._lines)]
        except (sqlite3.Error, OSError) as error:
            raise _kind(error)(f"the day journal did not take a write: {error}") from error

    def close(self) -> None:
        """Flush and close; closed is it in any case."""
        try:
            self.flush()
        finally:
            self._log.close()
            self._db.close()

    def _kept(self, query: str, *values: str) -> list[tuple[Any, ...]]:
        return self._db.execute(query, (self._day, *values)).fetchall()

    def _keep(self, statement: str, values: tuple[object, ...]) -> None:
        self._pending.append((statement, values))


def _kind(error: Exception) -> type[JournalError]:
    is_passing = isinstance(error, OSError | sqlite3.OperationalError)
    return Unwritable if is_passing else JournalError


def _is_whole(path: Path) -> bool:
    """Whether SQLite finds nothing wrong with the file; one that cannot be opened may be whole.

    Read-only: a writer would throw the damaged file's own log away.
    """
    uri = f"{path.absolute().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(uri, timeout=0.25, uri=True)) as db:
            return bool(db.execute("PRAGMA quick_check(1)").fetchone() == ("ok",))
    except sqlite3.OperationalError:
        return True
    except sqlite3.DatabaseError:
        return False


def _set_aside(path: Path) -> None:
    """Keep a damaged file under another name: what it held decides nothing."""
    number = 1
    while (kept := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    log.warning("the day journal was damaged and is kept as %s, a new one is begun", kept)
    for suffix in ("", "-wal", "-shm"):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.replace(kept.with_name(kept.name + suffix))
