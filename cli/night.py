"""The hours between two sessions of a process that stays: nothing is sent, everything is heard.

No actor lives then. What a human asks for is written into the journal, as for an agent that is
dead, and binds the next session.
"""

import logging
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from actors import stacks
from cli import levers
from cli.dropbox import KILL, Answer, Dropbox, kill_text
from cli.status import NAME as STATUS
from domain import clock
from domain.errors import ConfigError, JournalError
from domain.levers import Lever
from domain.status import Hold, Status
from domain.strategy import Mode
from domain.switch import Taps, kill_level
from domain.units import Micros, seconds

log = logging.getLogger(__name__)

LOOK_S = 0.5
SHOW_EVERY = seconds(2)

NOT_NOW = "no session is on: there is nothing to read until the next one"


class Leave(Exception):
    """The process was asked to end while no actor lived."""


def _nothing() -> None:
    """Do nothing."""


def _unseen(_: Status) -> None:
    """Show it to nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What is called while nobody acts: `follow` in every round, `show` with each new status."""

    follow: Callable[[], None] = _nothing
    show: Callable[[Status], None] = _unseen


@dataclass(slots=True)
class Night:
    """Waits for the next session of one state directory, which is ours. Main thread."""

    folder: Path
    status: Status
    beside: Beside = field(default_factory=Beside)
    _taps: Taps = field(default_factory=Taps)
    _heard: list[Lever] = field(default_factory=list)
    _is_asked: bool = False
    _shown_at: Micros | None = None
    _kill: str = ""

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Hear signals wherever no agent does: SIGTERM and Ctrl-C raise Leave, SIGUSR1 freezes.

        SIGUSR2 shows the stacks.
        """
        numbers = {
            signal.SIGTERM: self._leave,
            signal.SIGINT: self._leave,
            signal.SIGUSR1: self._tap,
            signal.SIGUSR2: self._ask,
        }
        before = [(number, signal.signal(number, heard)) for number, heard in numbers.items()]
        try:
            yield
        finally:
            for number, handler in before:
                signal.signal(number, handler)

    def sleep(
        self, until: Micros | None, why: str, each_round: Callable[[], None], needs: str = ""
    ) -> None:
        """Return once it is `until`; None never comes. `why` is what the status says meanwhile.

        `each_round` is called in every one. `needs` is what somebody has to do. Raises Leave.
        """
        self._shown_at, self._kill = None, ""
        while until is None or clock.now() < until:
            each_round()
            left_s = LOOK_S if until is None else (until - clock.now()) / seconds(1)
            self.look(why, left_s, needs)

    def look(self, why: str, left_s: float = LOOK_S, needs: str = "") -> None:
        """Do what one round does, and wait a moment, no longer than `left_s`. Raises Leave."""
        self.obey()
        self.beside.follow()
        self._show(why, "; ".join(filter(None, (needs, self._look_for_kill()))))
        threading.Event().wait(max(0.0, min(LOOK_S, left_s)))

    def obey(self) -> None:
        """Write down what humans asked for since the last look, and answer."""
        if self._is_asked:
            self._is_asked = False
            stacks.log_all()
        heard, self._heard = self._heard, []
        for lever in heard:
            self._pull(lever, reason="SIGUSR1")
        box = Dropbox(self.folder)
        for name, request in box.waiting(clock.wall()):
            box.answer(name, self._pull(request.lever, request.name, request.reason))

    def _pull(self, lever: Lever, name: str = "", reason: str = "BY_HAND") -> Answer:
        if lever in {Lever.RECONCILE, Lever.ACK_FOREIGN}:
            return Answer(refusal=NOT_NOW, mode=Mode.CLOSED, latches=())
        try:
            up = levers.write_held(self.folder, lever, name, reason, is_asleep=True)
        except (levers.Refused, JournalError, ConfigError) as error:
            log.warning("%s %s: %s", lever, name, error)
            return Answer(refusal=str(error), mode=Mode.CLOSED, latches=())
        log.warning(
            "%s by %s, for the next session; up: %s", lever, reason, ", ".join(up) or "none"
        )
        self._keep(up)
        return Answer(refusal="", mode=Mode.CLOSED, latches=tuple(up))

    def _keep(self, up: dict[str, str]) -> None:
        held = tuple(Hold(code=name, text=text) for name, text in up.items())
        self.status = msgspec.structs.replace(self.status, latches=held)
        self._shown_at = None

    def _look_for_kill(self) -> str:
        """Return what the file KILL will do, '' without one; one that came is said in the log."""
        path, text = self.folder / KILL, kill_text(self.folder)
        found = ""
        if text is not None:
            does = "ends" if kill_level(text) is Lever.FLATTEN else "freezes"
            found = f"{path} is there and {does} the next session at its start (rm {path})"
        if found != self._kill:
            self._kill = found
            if found:
                log.warning("%s", found)
        return found

    def _show(self, why: str, needs: str) -> None:
        machine = clock.machine()
        is_fresh = self._shown_at is not None and machine < self._shown_at + SHOW_EVERY
        if is_fresh and needs == self.status.needs:
            return
        self._shown_at = machine
        self.status = msgspec.structs.replace(
            self.status, at=clock.now(), mode=Mode.CLOSED, mode_reason=why, needs=needs
        )
        self.beside.show(self.status)
        path = self.folder / STATUS
        new = path.with_suffix(".new")
        try:
            new.write_bytes(msgspec.json.encode(self.status))
            new.replace(path)
        except OSError as error:
            log.warning("%s cannot be written: %s; it is tried again", path, error)

    def _leave(self, number: int, frame: Any) -> None:
        del frame
        raise Leave(signal.Signals(number).name)

    def _ask(self, number: int, frame: Any) -> None:
        del number, frame
        self._is_asked = True

    def _tap(self, number: int, frame: Any) -> None:
        del number, frame
        self._heard.append(self._taps.tap(clock.machine()))
