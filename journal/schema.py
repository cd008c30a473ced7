"""How an event looks on disk, by number, and how an older form is read.

`SCHEMA` is the number of an event's form and stands in every body; `LAYOUT` that of the file's
tables, in `PRAGMA user_version`. An older form is brought up step by step while it is read; nothing
on disk is rewritten. A newer one is refused.
"""

import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from domain.errors import JournalBusy, JournalDamaged, JournalError, JournalNewer
from domain.events import Event

SCHEMA = 1
LAYOUT = 1
"""1 adds the table `checkpoint`; files from before it say 0."""

TABLES = f"""
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
CREATE TABLE IF NOT EXISTS checkpoint(
  at_seq INTEGER PRIMARY KEY, sha256 TEXT NOT NULL, body BLOB NOT NULL);
PRAGMA user_version = {LAYOUT};
"""

Step = Callable[[dict[str, Any]], dict[str, Any]]
"""Takes an event's JSON in one form and returns it in the next."""

STEPS: Mapping[int, Step] = {}
"""From which form, and how it becomes the next one. Form 1 is the first."""

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)


class _Envelope(msgspec.Struct):
    schema: int
    event: msgspec.Raw


_envelopes = msgspec.json.Decoder(_Envelope)


def encode(event: Event) -> bytes:
    """Return an event as it is written today."""
    return _encoder.encode({"schema": SCHEMA, "event": event})


def decode(body: bytes, steps: Mapping[int, Step] = STEPS, newest: int = SCHEMA) -> Event:
    """Return the event of a body written in any form up to `newest`.

    Raises JournalNewer for a later form, or a kind this version does not know.
    """
    try:
        envelope = _envelopes.decode(body)
        if envelope.schema == newest:
            return _decoder.decode(envelope.event)
        form = envelope.schema
        event = msgspec.json.decode(envelope.event)
        while form < newest:
            event, form = steps[form](event), form + 1
        if form > newest:
            raise JournalNewer(f"an event has form {form}, this version reads up to {newest}")
        return _decoder.decode(msgspec.json.encode(event))
    except (KeyError, msgspec.DecodeError) as error:
        raise JournalNewer(f"an event cannot be read by this version: {error}") from error


def check_layout(db: sqlite3.Connection) -> None:
    """Raise JournalNewer if the tables were laid out by a later version."""
    (layout,) = db.execute("PRAGMA user_version").fetchone()
    if layout > LAYOUT:
        raise JournalNewer(f"its layout is {layout}, this version knows up to {LAYOUT}")


def trouble(path: Path, error: Exception, wish: str = "used") -> JournalError:
    """Return what an error met at a journal file means, with the file and the remedy."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    start = f"the order journal {path} cannot be {wish}: {error}"
    if isinstance(error, JournalNewer):
        return JournalNewer(f"{start}. Start the version that wrote it, or a later one")
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return JournalBusy(
            f"{start}. Find who holds it (fuser {path}) and end that; the file is whole"
        )
    if isinstance(error, JournalDamaged) or code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        return JournalDamaged(
            f"{start}. Move the file aside (keep it), check the disk, and look at the broker's "
            "books before starting again"
        )
    return JournalError(f"{start}. Look at the disk: room, rights, errors in the system's log")
