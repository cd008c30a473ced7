"""JournalActor: keeps the disk out of the others. Bars, decisions and feed changes end here.

Hears:  Begin, BarClosed, BarsBackfilled, DecisionMade, FeedLost, FeedRestored, Pulse
Tells:  monitor <- RecordKept
Owns:   state/day.db and state/decisions.jsonl (journal.day)
Dies:   losing at most what came since the last flush; nothing in it decides anything. A disk that
        takes nothing is no reason to: it keeps what it hears, and tries again
"""

import logging
from collections import deque
from collections.abc import Callable
from typing import assert_never

from actors.base import Actor
from actors.post_office import Post
from domain.units import SECOND, Micros, seconds
from journal.day import DayJournal, Unwritable
from messages.control import Begin, DecisionMade, Pulse, RecordKept
from messages.market import BarClosed, BarsBackfilled, FeedLost, FeedRestored

Heard = Begin | BarClosed | BarsBackfilled | DecisionMade | FeedLost | FeedRestored | Pulse

log = logging.getLogger(__name__)

FLUSH_EVERY = seconds(5)

MOST_WAITING = 50_000
"""Facts kept while there is no file; more than a day has, so that memory ends somewhere."""


class JournalActor(Actor):
    """Write down what happened, a few market seconds at a time."""

    def __init__(self, address: str, post: Post, *, journal: Callable[[], DayJournal]) -> None:
        super().__init__(address, post)
        self._open = journal
        self._journal: DayJournal | None = None
        self._flushed_at = Micros(0)
        self._waiting: deque[Heard] = deque(maxlen=MOST_WAITING)
        self._failed = 0

    def on_receive(self, message: Heard) -> None:
        """Keep one fact. In the actor's thread, which may wait for the disk."""
        self._waiting.append(message)
        if self._failed and not isinstance(message, Pulse):
            return
        journal = self._opened()
        while journal is not None and self._waiting:
            self._keep(self._waiting.popleft(), journal)

    def on_stop(self) -> None:
        """Write the rest, and say how much it came to. In the actor's thread."""
        if self._journal is None:
            return
        try:
            self._journal.close()
        except Unwritable as error:
            self._complain(error)
        self._tell_kept(self._journal)

    def leave_behind(self) -> None:
        """Let go of the files before anybody builds the next one. In the actor's thread."""
        self.on_stop()

    def put_away(self) -> None:
        """Write the rest into the files that the next one writes too. In the actor's thread."""
        self.on_stop()

    def _keep(self, message: Heard, journal: DayJournal) -> None:
        match message:
            case Begin():
                pass
            case BarClosed(bar=bar):
                journal.bar(bar)
            case BarsBackfilled(bars=bars):
                for bar in bars:
                    journal.bar(bar)
            case DecisionMade():
                journal.decision(message)
            case FeedLost() | FeedRestored():
                kind = type(message).__name__
                detail = message.reason if isinstance(message, FeedLost) else ""
                journal.feed(message.at, message.source, message.epoch, kind, detail)
            case Pulse(at=at):
                self._flush(at, journal)
            case _:
                assert_never(message)

    def _flush(self, at: Micros, journal: DayJournal) -> None:
        if at < self._flushed_at + FLUSH_EVERY:
            return
        self._flushed_at = at
        try:
            journal.flush()
        except Unwritable as error:
            self._complain(error)
            return
        self._recover()
        self._tell_kept(journal)

    def _opened(self) -> DayJournal | None:
        """Return the files; None while they cannot be opened."""
        if self._journal is None:
            try:
                self._journal = self._open()
            except Unwritable as error:
                self._complain(error)
        return self._journal

    def _complain(self, error: Unwritable) -> None:
        """Say once that the disk takes nothing."""
        if not self._failed:
            log.error("%s; it is kept and tried again each %d s", error, FLUSH_EVERY // SECOND)
        self._failed += 1

    def _recover(self) -> None:
        if self._failed:
            log.warning("the day journal is written again, after %d failed tries", self._failed)
        self._failed = 0

    def _tell_kept(self, journal: DayJournal) -> None:
        self.post.tell("monitor", RecordKept(bars=journal.bars, swings=journal.swings))
