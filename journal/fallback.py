"""The fallback journal: where events go on while `orders.db` takes none.

`state/fallback.log` has its 1 MiB from the start, so that a full disk cannot refuse it. A record is
`length | crc32 | JSON`, both numbers 4 bytes, big-endian, and on the disk before `append` returns.
It says which number its first event has in the order journal: what is in both is there once.
Behind the last record everything is zero.
"""

import logging
import os
import shutil
import struct
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from domain.errors import JournalError, JournalNewer
from domain.events import Event
from journal import schema
from journal.space import free_name

log = logging.getLogger(__name__)

NAME = "fallback.log"
"""The file of a state directory."""

SIZE = 1 << 20
RESERVE = SIZE // 2
"""What only exits may fill."""

_HEADER = struct.Struct(">II")


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """Events of one decision, numbered from `seq`, by the process that claimed `boot`."""

    boot: int
    seq: int
    events: tuple[Event, ...]


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What a file holds: whole records, where they end, and what is wrong behind them."""

    records: tuple[Record, ...]
    end: int
    damage: str = ""

    def after(self, seq: int) -> Iterator[tuple[int, Event]]:
        """Yield the events numbered without a gap from `seq` + 1 on."""
        for record in self.records:
            for number, event in enumerate(record.events, record.seq):
                if number == seq + 1:
                    yield number, event
                    seq = number


class _Written(msgspec.Struct):
    boot: int
    seq: int
    events: list[msgspec.Raw]


class Fallback:
    """The one writer. Opened and used in OrderActor's thread only.

    What a torn write left behind the last whole record is wiped; a file damaged otherwise is copied
    aside first. Raises JournalError if the file cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            os.posix_fallocate(self._file, 0, SIZE)
        except OSError as error:
            raise JournalError(f"the fallback journal {path} cannot be opened: {error}") from error
        self.found = read(path)
        self._end = self.found.end
        if self.found.damage:
            self._keep(self.found.damage)
        self._wipe()

    def append(self, boot: int, seq: int, events: Iterable[Event], *, reserve: int = 0) -> None:
        """Put events on the disk; the first one is to be number `seq` of the journal `boot` owns.

        Raises JournalError if that fails, or if fewer than `reserve` bytes would be left.
        """
        bodies = [msgspec.Raw(schema.encode(event)) for event in events]
        payload = msgspec.json.encode(_Written(boot=boot, seq=seq, events=bodies))
        data = _HEADER.pack(len(payload), zlib.crc32(payload)) + payload
        end = self._end + len(data)
        if end + _HEADER.size > SIZE - reserve:
            raise JournalError(f"the fallback journal {self._path} is full")
        self._write(self._end, data)
        self._end = end
        last = seq + len(bodies) - 1
        log.warning("journaled in %s only: events %d to %d", self._path.name, seq, last)

    def empty(self) -> None:
        """Forget every record, at once: the order journal has them. May raise JournalError."""
        if self._end:
            self._write(0, bytes(_HEADER.size))
            self._end = 0
            self._wipe()

    def set_aside(self, why: str) -> None:
        """Copy the file to a name of its own and forget every record. May raise JournalError."""
        self._keep(why)
        self.empty()

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def _write(self, position: int, data: bytes) -> None:
        try:
            written = os.pwrite(self._file, data, position)
            os.fsync(self._file)
        except OSError as error:
            message = f"the fallback journal {self._path} did not take a record: {error}"
            raise JournalError(message) from error
        if written != len(data):
            raise JournalError(f"the fallback journal {self._path} took half a record")

    def _wipe(self) -> None:
        """Make zero what is behind the last record, unless it is."""
        rest = os.pread(self._file, SIZE, self._end)
        if rest.count(0) < len(rest):
            self._write(self._end, bytes(len(rest)))

    def _keep(self, why: str) -> None:
        aside = free_name(self._path)
        log.error("%s: %s; a copy is kept as %s", self._path, why, aside.name)
        try:
            shutil.copyfile(self._path, aside)
        except OSError as error:
            log.warning("no copy of %s is kept: %s", self._path, error)


def read(path: Path) -> Found:
    """Return what a fallback journal holds; nothing if there is none. Any thread.

    Raises JournalError if the file cannot be read, or a later version wrote it.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_HEADER.size)
            data = head + file.read() if any(head) else b""
    except FileNotFoundError:
        data = b""
    except OSError as error:
        raise JournalError(f"the fallback journal {path} cannot be read: {error}") from error
    try:
        return parse(data)
    except JournalNewer as error:
        message = f"the fallback journal {path} cannot be used: {error}. Start that version"
        raise JournalNewer(message) from error


def parse(data: bytes) -> Found:
    """Return the records of a file's bytes, up to the first that is not whole.

    The last record may be torn: it was never answered for. Anything behind it is damage.
    """
    records: list[Record] = []
    end = 0
    while end + _HEADER.size <= len(data):
        length, crc = _HEADER.unpack_from(data, end)
        behind = end + _HEADER.size + length
        payload = data[end + _HEADER.size : behind]
        if not length:
            break
        if len(payload) != length or zlib.crc32(payload) != crc:
            broken = (
                f"record {len(records) + 1} at byte {end} is damaged" if any(data[behind:]) else ""
            )
            return Found(records=tuple(records), end=end, damage=broken)
        records.append(_record(payload))
        end = behind
    return Found(records=tuple(records), end=end)


def _record(payload: bytes) -> Record:
    try:
        written = msgspec.json.decode(payload, type=_Written)
    except msgspec.DecodeError as error:
        raise JournalNewer(f"a record cannot be read by this version: {error}") from error
    events = tuple(schema.decode(bytes(body)) for body in written.events)
    return Record(boot=written.boot, seq=written.seq, events=events)
