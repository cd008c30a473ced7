"""JournalActor: keeps the disk out of the others. Bars, decisions and feed changes end here.

Hears:  Begin, BarClosed, BarsBackfilled, DecisionMade, FeedLost, FeedRestored, Pulse
Tells:  monitor <- RecordKept
Owns:   state/day.db and state/decisions.jsonl (journal.day)
Dies:   losing at most what came since the last flush; nothing in it decides anything
"""

from collections.abc import Callable
from typing import assert_never

from actors.base import Actor
from actors.post_office import Post
from domain.units import Micros, seconds
from journal.day import DayJournal
from messages.control import Begin, DecisionMade, Pulse, RecordKept
from messages.market import BarClosed, BarsBackfilled, FeedLost, FeedRestored

Heard = Begin | BarClosed | BarsBackfilled | DecisionMade | FeedLost | FeedRestored | Pulse

FLUSH_EVERY = seconds(5)


class JournalActor(Actor):
    """Write down what happened, a few market seconds at a time."""

    def __init__(self, address: str, post: Post, *, journal: Callable[[], DayJournal]) -> None:
        super().__init__(address, post)
        self._open = journal
        self._journal: DayJournal | None = None
        self._flushed_at = Micros(0)

    def on_receive(self, message: Heard) -> None:
        """Keep one fact. In the actor's thread, which may wait for the disk."""
        if self._journal is None:
            self._journal = self._open()
        self._keep(message, self._journal)

    def on_stop(self) -> None:
        """Write the rest, and say how much it came to. In the actor's thread."""
        if self._journal is not None:
            self._journal.close()
            self._tell_kept(self._journal)

    def leave_behind(self) -> None:
        """Let go of the files before anybody builds the next one. In the actor's thread."""
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
        journal.flush()
        self._tell_kept(journal)

    def _tell_kept(self, journal: DayJournal) -> None:
        self.post.tell("monitor", RecordKept(bars=journal.bars, swings=journal.swings))
