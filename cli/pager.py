"""The pager: sends messages to people, a thread an address, and keeps what was told on disk.

Who tells it something never waits, and no address waits for another. What cannot be sent is tried
again, later and later; of what waits too long the oldest is dropped, and the next message says how
many were. Addresses are secrets: a line of the log names their kind only.
"""

import logging
import os
import threading
import warnings
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Protocol

import msgspec

from domain import clock
from domain.alarms import Severity
from domain.alerting import Memory, Notice
from domain.errors import ConfigError
from domain.units import Micros, seconds

log = logging.getLogger(__name__)

NAME = "alerts.json"
"""What was told, in the state directory."""

WAITS_S = (2.0, 5.0, 15.0, 60.0, 300.0)
"""Real seconds until a message is tried again, by how often it failed in a row."""

CLOSE_S = 5.0
"""Real seconds for the last messages."""


class Target(Protocol):
    """One address. In a thread of its own."""

    name: str

    def deliver(self, title: str, body: str, severity: Severity) -> bool:
        """Send a message and return whether it arrived. One that hangs holds up itself alone."""


class _Lane:
    """What waits for one address."""

    def __init__(self, target: Target, most: int) -> None:
        self.target = target
        self.waiting: deque[Notice] = deque(maxlen=most)
        self.dropped = 0
        self.failed = 0
        self.next_at = Micros(0)


class Pager:
    """Sends to every address by itself: one that is down holds up no other. Any thread tells.

    `clean` takes secrets out of what is sent.
    """

    def __init__(
        self,
        folder: Path,
        targets: Iterable[Target],
        most: int,
        *,
        waits_s: tuple[float, ...] = WAITS_S,
        clean: Callable[[str], str] = str,
    ) -> None:
        self._path = folder / NAME
        self._clean = clean
        self._waits = waits_s
        self._lanes = [_Lane(target, most) for target in targets]
        self._wake = threading.Condition()
        self._memory = _read(self._path)
        self._unwritten: Memory | None = None
        self._is_behind = False
        self._is_closing = False
        self._cannot_write = False
        works: list[Callable[[], None]] = [self._keep_written]
        works += [partial(self._serve, lane) for lane in self._lanes]
        self._threads = [
            threading.Thread(  # noqa: TID251 - the pager has threads of its own
                target=work, name=f"pager-{number}", daemon=True
            )
            for number, work in enumerate(works)
        ]

    def start(self) -> None:
        """Begin to send."""
        for thread in self._threads:
            thread.start()

    def send(self, notice: Notice) -> None:
        """Take a message to every address; the oldest that waits makes room. Never waits."""
        with self._wake:
            for lane in self._lanes:
                lane.dropped += len(lane.waiting) == lane.waiting.maxlen
                lane.waiting.append(notice)
            self._wake.notify_all()

    def keep(self, memory: Memory) -> None:
        """Take what was told, for the next life. Never waits."""
        with self._wake:
            self._memory = self._unwritten = memory
            self._is_behind = True
            self._wake.notify_all()

    def recall(self) -> Memory:
        """Return what was kept last."""
        return self._memory

    def close(self, within_s: float = CLOSE_S) -> int:
        """Send what can be sent, a moment at most; return how many messages are left."""
        with self._wake:
            self._is_closing = True
            for lane in self._lanes:
                lane.failed = 0
            self._wake.notify_all()
        end = clock.steady() + seconds(within_s)
        for thread in self._threads:
            thread.join(max(0.0, (end - clock.steady()) / seconds(1)))
        left = sum(len(lane.waiting) for lane in self._lanes)
        if left:
            log.error("%d messages to people could not be sent and are lost", left)
        return left

    def _keep_written(self) -> None:
        while True:
            with self._wake:
                while self._unwritten is None:
                    if self._is_closing:
                        return
                    self._wake.wait()
                memory, self._unwritten = self._unwritten, None
            self._write(memory)
            with self._wake:
                self._is_behind = self._unwritten is not None
                self._wake.notify_all()

    def _serve(self, lane: _Lane) -> None:
        while True:
            with self._wake:
                while not self._is_ready(lane):
                    if self._is_closing and not self._is_behind:
                        return
                    self._wake.wait(self._wait_s(lane))
                is_closing = self._is_closing
            self._send_one(lane, is_closing=is_closing)

    def _is_ready(self, lane: _Lane) -> bool:
        """Whether something waits and may be tried; who closes waits for nobody.

        What was told is written first: a process that dies in between tells it once less.
        """
        if self._is_behind or not lane.waiting:
            return False
        return clock.steady() >= lane.next_at or (self._is_closing and not lane.failed)

    def _wait_s(self, lane: _Lane) -> float | None:
        if self._is_behind or not lane.waiting:
            return None
        return max(0.0, (lane.next_at - clock.steady()) / seconds(1))

    def _send_one(self, lane: _Lane, *, is_closing: bool) -> None:
        with self._wake:
            notice, dropped = lane.waiting[0], lane.dropped
        more = f"\n({dropped} older messages were dropped)" if dropped else ""
        if self._deliver(lane.target, notice, more):
            with self._wake:
                lane.dropped -= dropped
                if lane.waiting and lane.waiting[0] is notice:
                    lane.waiting.popleft()
            if lane.failed:
                log.info("%s takes messages again, after %d tries", lane.target.name, lane.failed)
            lane.failed, lane.next_at = 0, Micros(0)
            return
        if not lane.failed and not is_closing:
            log.warning("%s takes no message; it is tried again", lane.target.name)
        wait_s = self._waits[min(lane.failed, len(self._waits) - 1)]
        lane.failed += 1
        lane.next_at = Micros(clock.steady() + seconds(wait_s))

    def _deliver(self, target: Target, notice: Notice, more: str) -> bool:
        try:
            body = self._clean(notice.body) + more
            return target.deliver(self._clean(notice.title), body, notice.severity)
        except Exception as error:  # noqa: BLE001 - the edge of a thread: a plug-in may raise anything
            log.warning("%s failed: %s", target.name, type(error).__name__)
            return False

    def _write(self, memory: Memory) -> None:
        """Replace the file in one step; a disk that takes nothing is said once."""
        new = self._path.with_suffix(".new")
        try:
            opened = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(opened, "wb") as file:
                file.write(msgspec.json.encode(memory))
            new.replace(self._path)
        except OSError as error:
            if not self._cannot_write:
                log.warning("%s cannot be written: %s", self._path, error)
            self._cannot_write = True
        else:
            self._cannot_write = False


def _read(path: Path) -> Memory:
    """Return what the process before this one told; a damaged file is none."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Memory)
    except FileNotFoundError:
        return Memory()
    except (OSError, msgspec.DecodeError) as error:
        log.warning("%s cannot be read and is begun anew: %s", path, error)
        return Memory()


class Apprised:
    """An address of one of the services that apprise knows."""

    def __init__(self, url: str, number: int) -> None:
        import apprise

        # Its own lines name addresses in part; ours name none.
        own = logging.getLogger("apprise")
        own.propagate = False
        own.setLevel(logging.CRITICAL)
        self.name = f"alert address {number} ({url.partition(':')[0]})"
        asset = apprise.AppriseAsset(
            app_id="Sutradhar", app_desc="Sutradhar", async_mode=False, storage_mode="memory"
        )
        self._service = apprise.Apprise(asset=asset)
        with warnings.catch_warnings():
            # Some of its plug-ins, all of which are loaded now, import what Python will drop.
            warnings.simplefilter("ignore", DeprecationWarning)
            is_known = self._service.add(url)
        if not is_known:
            raise ConfigError(
                f"SUTRADHAR_ALERT_URLS: {self.name} is none that messages can be sent to; write it "
                "as apprise documents it, such as tgram://BOT_TOKEN/CHAT_ID"
            )

    def deliver(self, title: str, body: str, severity: Severity) -> bool:
        """Send a message as plain text: what looks like markup in it is none."""
        from apprise import NotifyFormat, NotifyType

        kinds = {
            Severity.INFO: NotifyType.INFO,
            Severity.WARNING: NotifyType.WARNING,
            Severity.CRITICAL: NotifyType.FAILURE,
        }
        sent = self._service.notify(
            body=body, title=title, notify_type=kinds[severity], body_format=NotifyFormat.TEXT
        )
        return bool(sent)
