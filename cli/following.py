"""Watching a running agent flatten, by its journal alone."""

from collections.abc import Callable
from enum import Enum, auto
from pathlib import Path

from cli.dropbox import KILL, drop, hand_over, kill_text
from cli.holder import tap
from cli.levers import Refused, market_now, pause
from cli.session import is_held
from domain import clock
from domain.errors import JournalError
from domain.ledger import Ledger
from domain.levers import Lever
from domain.session import trading_day
from domain.story import tell
from domain.switch import FLATTEN_WORD, kill_level
from domain.units import seconds
from journal.orders import NAME as JOURNAL
from journal.orders import JournalReader


class Course(Enum):
    """What became of it."""

    PROVED = auto()
    STUCK = auto()
    GONE = auto()


class Following:
    """Asks a running agent to flatten through the file KILL, and reads what it journals.

    Where no file can be written, as on a full disk, it is asked by signals. A journal that cannot
    be read tells nothing; the agent may flatten all the same.
    """

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        self._folder = folder
        self._say = say
        self._day = trading_day(market_now(folder))
        self._reader = JournalReader(folder / JOURNAL)
        self._seq = 0
        self._is_ours = False
        self._before: str | None = None
        self._complaint = ""
        self.ledger = Ledger()
        self._read(quietly=True)

    def run(self, takeover_s: int) -> Course:
        """Follow until the book is proved flat, the agent is gone, or journals nothing so long.

        Raises Refused if it can be asked in no way.
        """
        if not self._is_proved():
            self._write()
        moved = clock.steady()
        while not self._is_proved():
            if not is_held(self._folder):
                self._read()  # it may have proved it and gone since the last look
                break
            if self._read():
                moved = clock.steady()
            if clock.steady() >= moved + seconds(takeover_s):
                return Course.STUCK
            self.clean()
            pause()
        if not self._is_proved():
            return Course.GONE
        self.clean()
        return Course.PROVED

    def clean(self) -> None:
        """Undo what was written here, once the latch is where latches live.

        A file of a human's that was there before holds again what it held.
        """
        if "FLATTEN" in self.ledger.latches:
            self.withdraw()

    def withdraw(self) -> None:
        """Undo what was written here, at once: nobody is there to obey it."""
        if not self._is_ours:
            return
        self._is_ours = False
        path = self._folder / KILL
        try:
            if self._before is None:
                path.unlink(missing_ok=True)
            else:
                self._put(self._before)
        except OSError as error:
            self._say(
                f"{path}: cannot be put back as it was ({error.strerror}); it holds FLATTEN, and "
                f"ends the next day at its start: remove it (rm {path})"
            )

    def _is_proved(self) -> bool:
        return "FLATTEN" in self.ledger.latches and self.ledger.proved_flat_at is not None

    def _write(self) -> None:
        """Leave the word, unless it stands there; signal where it cannot be left."""
        text = kill_text(self._folder)
        if text is not None and kill_level(text) is Lever.FLATTEN:
            return
        try:
            self._put(FLATTEN_WORD)
        except OSError as error:
            self._signal(error)
            return
        self._is_ours, self._before = True, text

    def _signal(self, error: OSError) -> None:
        failed = f"{self._folder / KILL}: cannot be written ({error.strerror})"
        try:
            pid = tap(self._folder)
        except (Refused, OSError) as refused:
            raise Refused(
                f"{failed}, and the agent cannot be signalled: {refused}; make room in "
                f"{self._folder}, or end the agent and flatten again, or close by hand at the "
                "broker"
            ) from error
        self._say(
            f"{failed}; SIGUSR1 went to the agent with pid {pid} instead, twice is FLATTEN. Make "
            f"room in {self._folder}: until then it leaves the shorts but may not journal it, so "
            "look at the broker's books"
        )

    def _put(self, text: str) -> None:
        path = self._folder / KILL
        new = path.with_suffix(".new")
        try:
            new.write_text(text, "utf-8")
            hand_over(self._folder, new)
            new.replace(path)
        except OSError:
            drop(new)
            raise

    def _read(self, *, quietly: bool = False) -> bool:
        """Take in what the journal gained; whether it gained anything."""
        try:
            events, self._seq = self._reader.after(self._seq, self._day)
        except JournalError as error:
            self._complain(str(error))
            return False
        for event in events:
            self.ledger.apply(event)
            line = None if quietly else tell(event, self.ledger)
            if line is not None:
                self._say(f"[{line.tag}] {line.text}")
        return bool(events)

    def _complain(self, text: str) -> None:
        if text != self._complaint:
            self._complaint = text
            self._say(text)
