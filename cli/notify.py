"""What the service manager is told, as in sd_notify(3): datagrams to the socket it names.

Without NOTIFY_SOCKET nothing is told to nobody, and all of this does nothing.
"""

import logging
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass

from domain import clock
from domain.status import Status, entries_off
from domain.strategy import Mode
from domain.units import SECOND, Micros, seconds

log = logging.getLogger(__name__)

START_S = 60
"""How much longer a start may take, asked for again and again while it is under way."""

EVERY = seconds(10)
"""How often, if the service manager does not say how soon it loses its patience."""

DONE = frozenset({0, 10})
"""Exit codes that are no failure; a service that was never ready would fail with them."""

NOT_READY = frozenset({Mode.STARTING, Mode.RECOVERING})


class Notifier:
    """Sends lines such as READY=1; whoever does not listen is not waited for. Any thread."""

    def __init__(self, address: str) -> None:
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self._has_failed = False

    def tell(self, *lines: str) -> bool:
        """Send lines as one message; return whether it was taken, or nobody asked for any."""
        if not self._address:
            return True
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
                sock.setblocking(False)
                sock.sendto("\n".join(lines).encode("ascii", "replace"), self._address)
        except OSError as error:
            if not self._has_failed:
                log.warning("the service manager was not told %s: %s", lines[0], error)
            self._has_failed = True
            return False
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Where the service manager listens, how often it wants a sign, how long an end may take."""

    address: str = ""
    every: Micros = EVERY
    stop_s: float = 0

    @classmethod
    def of(cls, environ: Mapping[str, str], stop_s: float) -> "Terms":
        """Read what systemd hands to the main process of a service."""
        is_ours = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        patience = environ.get("WATCHDOG_USEC", "") if is_ours else ""
        every = Micros(int(patience) // 3) if patience.isdecimal() else EVERY
        return cls(address=environ.get("NOTIFY_SOCKET", ""), every=every, stop_s=stop_s)


class Service:
    """Says when the agent is ready, how it is, that it lives, and that it ends. Main thread.

    `show` alone is called elsewhere, with each new status.
    """

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._notifier = Notifier(terms.address)
        self._status: Status | None = None
        self._text = ""
        self._is_ready = False
        self._is_stopping = False
        self._due = Micros(0)

    def show(self, status: Status) -> None:
        """Take the newest status. In the thread of who keeps it."""
        self._status = status

    def look(self, *, is_fed: bool) -> None:
        """Tell what is new, and that the process lives if it `is_fed`. In every round of a loop."""
        status = self._status
        if status is not None:
            self._say(summary(status))
            if not self._is_ready and is_ready(status):
                self._is_ready = self._notifier.tell("READY=1")
        machine = clock.machine()
        if not is_fed or machine < self._due:
            return
        self._due = Micros(machine + self._terms.every)
        if self._is_ready or self._is_stopping:
            self._notifier.tell("WATCHDOG=1")
        else:
            self._notifier.tell("WATCHDOG=1", f"EXTEND_TIMEOUT_USEC={START_S * SECOND}")

    def over(self, code: int) -> None:
        """Tell that the process ends by itself; one that ends well before it began was ready."""
        if code in DONE and not self._is_ready:
            self._notifier.tell("READY=1")
        self.stopping()

    def stopping(self) -> None:
        """Tell, once, that the process is about to end, and how long that may take."""
        if self._is_stopping:
            return
        self._is_stopping = True
        longest = round(self._terms.stop_s * SECOND)
        self._notifier.tell("STOPPING=1", f"EXTEND_TIMEOUT_USEC={longest}")

    def _say(self, text: str) -> None:
        if text != self._text:
            self._text = text
            self._notifier.tell(f"STATUS={text}")


def is_ready(status: Status) -> bool:
    """Whether a start is over: every short is protected, or a human has to do something first."""
    if status.mode in NOT_READY:
        return False
    return not status.uncovered or status.mode in {Mode.WAIT_LOGIN, Mode.HALTED}


def summary(status: Status) -> str:
    """Return one line for whoever asks systemctl."""
    off = entries_off(status, alive=True)
    parts = (
        f"{status.day} {status.mode} shorts={status.positions}",
        *([f"{status.uncovered} units UNCOVERED"] if status.uncovered else ()),
        f"entries off: {off}" if off else "entries on",
    )
    return "".join(sign if " " <= sign <= "~" else "?" for sign in ", ".join(parts))[:200]
