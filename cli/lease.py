"""The lease of this host: a file on shared storage, renewed in a thread, asked before each order.

The file is made once, by hand, and never by us: a mount that is gone must not look like a lease
that nobody has. It is written in place, one block of fixed size, so that a reader sees all or
nothing of it; what cannot be read is a failure, not an answer.
"""

import logging
import os
import platform
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from domain import clock
from domain.calls import Priority, Write
from domain.errors import ConfigError, SutradharError
from domain.lease import NOBODY, Held, Instant, Lease, Record, Stand
from domain.lease_params import LeaseParams
from domain.units import seconds

log = logging.getLogger(__name__)

NAME = "lease.json"
"""What a process of this host leaves for its next one, in the state directory."""

BLOCK = 512
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

ENTRIES_OFF = "the lease was not renewed for a third of its term"
LOST = "the lease was lost: nothing is sent any more, stops rest"
NOT_OURS = "this host does not hold the lease"


class Unreadable(SutradharError):
    """The storage gave no record, or took none."""


class LeaseFile:
    """The record both hosts see. One thread."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Record | None:
        """Return what stands there, None while nobody ever wrote. Raises Unreadable."""
        try:
            number = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                data = os.pread(number, BLOCK + 1, 0)
            finally:
                os.close(number)
            text = data.strip()
            return msgspec.json.decode(text, type=Record) if text else None
        except (OSError, msgspec.DecodeError) as error:
            raise Unreadable(f"{self._path}: {error}") from error

    def write(self, record: Record) -> None:
        """Put a record in the place of what stands there. Raises Unreadable: it may stand there."""
        text = msgspec.json.encode(record)
        try:
            number = os.open(self._path, os.O_WRONLY | os.O_CLOEXEC)
            try:
                os.pwrite(number, text.ljust(BLOCK - 1) + b"\n", 0)
                os.fsync(number)
            finally:
                os.close(number)
        except OSError as error:
            raise Unreadable(f"{self._path}: {error}") from error


def now() -> Instant:
    """Return this instant by both clocks of the host."""
    return Instant(boot=clock.boot(), wall=clock.wall())


def identity(params: LeaseParams) -> str:
    """Return who this host is, and in which of its lives. Raises ConfigError without a boot id."""
    try:
        boot = BOOT_ID.read_text("ascii").strip()
    except OSError as error:
        raise ConfigError(f"lease.file: {BOOT_ID} cannot be read ({error.strerror})") from error
    return f"{params.name or platform.node()}@{boot}"


class Keeper:
    """Keeps the lease of one host, in a thread of its own; any thread may ask."""

    def __init__(self, params: LeaseParams, folder: Path) -> None:
        self._file = LeaseFile(Path(params.file))
        self._left = folder / NAME
        self._renew_s = params.renew_s
        self._lease = Lease(
            identity(params),
            seconds(params.term_s),
            seconds(params.margin_s),
            is_hasty=params.role == "primary",
        )
        self._is_over = threading.Event()
        self._thread = threading.Thread(  # noqa: TID251 - the storage may hang; nobody waits for it
            target=self._live, name="lease", daemon=True
        )
        self._trouble = ""
        self._is_ready = False

    @contextmanager
    def living(self) -> Iterator["Keeper"]:
        """Step as long as the block runs; what was held stays held for the next process."""
        self._resume()
        self._thread.start()
        try:
            yield self
        finally:
            self._is_over.set()
            self._thread.join(self._renew_s)

    @property
    def may_send(self) -> bool:
        """Whether anything may be sent at all."""
        return self._lease.may_send(now())

    @property
    def may_enter(self) -> bool:
        """Whether anything may be entered."""
        return self._lease.may_enter(now())

    @property
    def took_from(self) -> str:
        """Which other host had it before; '' if none, or an earlier life of this one."""
        before = self._lease.took_from.partition("@")[0]
        return "" if before == self._lease.name.partition("@")[0] else before

    @property
    def is_left(self) -> bool:
        """Whether the other host gave it back, and nobody took it."""
        return self._lease.is_left

    def ready(self) -> None:
        """Let the next process of this host go on with it: the journal says what it lacks."""
        self._is_ready = True

    def refusal(self, write: Write) -> str:
        """Return why a write may not leave now, '' if it may. Asked right before it leaves."""
        if not self.may_send:
            return NOT_OURS
        is_entry = write.priority is Priority.ENTRY
        return ENTRIES_OFF if is_entry and not self.may_enter else ""

    def needs(self) -> str:
        """Return what somebody has to look at, '' while the lease is read."""
        if not self._trouble:
            return ""
        return f"the lease cannot be read ({self._trouble}): see to the storage of lease.file"

    def words(self) -> str:
        """Say what is waited for."""
        if self._trouble:
            return f"standby, the lease cannot be read: {self._trouble}"
        if self._lease.stand is Stand.SETTLES:
            return "standby, taking the lease over"
        other = self._lease.other.partition("@")[0]
        whose = f"{other} has the lease" if other != NOBODY else "waiting out the last lease"
        return f"standby, {whose}"

    def give_back(self) -> None:
        """Let the other host have it. Nothing of ours may be under way any more."""
        self._is_over.set()
        self._thread.join(self._renew_s)
        record = self._lease.given_back(now())
        self._left.unlink(missing_ok=True)
        if record is None:
            return
        try:
            self._file.write(record)
            log.info("the lease is given back")
        except Unreadable as error:
            log.warning("the lease is not given back, it ends by itself: %s", error)

    def step(self) -> None:
        """Read the record and renew or claim it, if that may be. May wait for the storage."""
        began = now()
        stand = self._lease.stand
        try:
            wish = self._lease.read(self._file.read(), began, now())
            if wish is not None:
                self._file.write(wish)
                self._lease.wrote(wish, now())
        except Unreadable as error:
            self._lease.failed(now())
            self._complain(str(error))
        else:
            self._complain("")
        if self._lease.stand is not stand:
            log.warning("the lease: this host %s", self._lease.stand)
        self._leave()

    def _live(self) -> None:
        self.step()
        while not self._is_over.wait(self._renew_s):
            self.step()

    def _complain(self, text: str) -> None:
        if text and not self._trouble:
            log.error("the lease cannot be read or written: %s", text)
        if self._trouble and not text:
            log.warning("the lease can be read and written again")
        self._trouble = text

    def _resume(self) -> None:
        try:
            held = msgspec.json.decode(self._left.read_bytes(), type=Held)
        except (OSError, msgspec.DecodeError):
            return
        self._lease.resume(held, now())
        self._is_ready = self._lease.held is not None

    def _leave(self) -> None:
        """Leave to the next process what is held; without it that one waits like anybody."""
        held = self._lease.held
        new = self._left.with_suffix(".new")
        try:
            if held is None or not self._is_ready:
                self._left.unlink(missing_ok=True)
            else:
                new.write_bytes(msgspec.json.encode(held))
                new.replace(self._left)
        except OSError as error:
            log.warning("%s cannot be written: %s", self._left, error)
