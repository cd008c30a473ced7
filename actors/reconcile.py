"""ReconcileActor: the independent reader. It judges snapshots; it never writes.

Hears:  Begin, Attention, BooksRead, Pulse
Tells:  order <- BooksJudged, BooksFailed, FactsWanted; watchdog <- CoverageMeasured
Owns:   the cadence of reading, and its own fold of the order journal, read from disk; what the
        books of today showed so far, and which shorts nothing covers
Dies:   losing nothing: it folds the day again and reads at once
"""

import logging
from typing import assert_never

from actors.base import Actor
from actors.post_office import Post
from broker.port import Broker
from domain import clock
from domain.asking import Asking
from domain.books import Books
from domain.calls import Failed, Outcome, ReadBooks, ReadReply
from domain.coverage import HOUR, Coverage
from domain.errors import JournalError
from domain.events import Event
from domain.ledger import Ledger
from domain.params import ReconcileParams
from domain.reconcile import Yardstick, digest
from domain.units import Day, Micros, seconds
from journal.orders import JournalReader
from messages.control import Begin, Pulse
from messages.orders import (
    Attention,
    BooksFailed,
    BooksJudged,
    BooksRead,
    CoverageMeasured,
    FactsWanted,
)

log = logging.getLogger(__name__)

Heard = Begin | Attention | BooksRead | Pulse

ANSWER_WITHIN = seconds(60)
"""Longer than one book with all its retries takes: then who carried the read may be dead."""

ONCE_MORE = seconds(2)
"""How soon books are read again in which one book was merely behind another."""


class ReconcileActor(Actor):
    """Read the broker's books as often as the situation asks, and say whether to believe them."""

    def __init__(  # noqa: PLR0913 - its two sources and what it compares them by
        self,
        address: str,
        post: Post,
        *,
        broker: Broker,
        reader: JournalReader,
        day: Day,
        server_mode: str,
        params: ReconcileParams,
    ) -> None:
        super().__init__(address, post)
        self._broker = broker
        self._reader = reader
        self._day = day
        self._server_mode = server_mode
        self._params = params
        self._ledger = Ledger()
        self._yardstick = Yardstick()
        self._coverage = Coverage()
        self._is_unwritten = False
        self._boots = 0
        self._seq = 0
        self._every = seconds(params.slow_s)
        self._read_at: Micros | None = None
        self._asking = Asking(ANSWER_WITHIN)
        self._again = False
        self._once_more_at: Micros | None = None
        self._has_lagged = False
        self._complaint = ""
        self._unread: set[str] = set()

    def on_receive(self, message: Heard) -> None:
        """Hear one message. In the actor's thread; the read itself happens in a lane."""
        match message:
            case Begin(restarted=restarted):
                if restarted:
                    self.post.tell("order", FactsWanted(who=self.address))
            case Attention(every=every, now=now, is_unwritten=unwritten):
                self._every = every
                self._again = self._again or now
                self._trust_journal(is_unwritten=unwritten)
            case BooksRead():
                self._judge(message)
            case Pulse(at=at):
                self._tell_coverage(at)
            case _:
                assert_never(message)
        self._read_if_due(clock.now())

    def _read_if_due(self, at: Micros) -> None:
        if self._asking.is_out(at):
            return
        due = self._read_at is not None and at >= self._read_at + self._every
        is_second = self._once_more_at is not None and at >= self._once_more_at
        if self._again or due or is_second:
            self._read(at)

    def _read(self, at: Micros) -> None:
        self._again, self._read_at = False, at
        question, since = self._asking.begin(at), self._seq

        def done(reply: ReadReply) -> None:
            self.post.tell(self.address, self._with_journal(reply, question, since))

        self._broker.read(ReadBooks(urgent=True), done)

    def _with_journal(self, reply: ReadReply, question: int, since: int) -> BooksRead:
        """Add what the journal gained. In the lane's thread, where the disk may be waited for."""
        events: tuple[Event, ...] = ()
        seq, boots = since, 0
        try:
            events, seq = self._reader.after(since, self._day)
            boots = self._reader.boots_since(Micros(clock.now() - HOUR))
        except JournalError as error:
            reply = Failed(call="journal", outcome=Outcome.UNKNOWN, at=clock.now(), text=str(error))
        return BooksRead(
            question=question, reply=reply, since=since, events=events, seq=seq, boots=boots
        )

    def _judge(self, message: BooksRead) -> None:
        if message.since != self._seq or not self._asking.is_answer(message.question):
            return
        self._ledger.fold(message.events)
        self._seq, self._boots = message.seq, message.boots
        match message.reply:
            case Books() as books:
                self._judge_books(books)
            case Failed(at=at, status=status, text=text):
                self._complain(f"not read status={status} {text}")
                self.post.tell("order", BooksFailed(at=at, status=status, text=text))
            case _:
                message_type = type(message.reply).__name__
                raise TypeError(message_type)

    def _judge_books(self, books: Books) -> None:
        """Say whether to believe a snapshot; where books merely lag, read once more first."""
        verdict = self._yardstick.judge(
            books, self._ledger, self._server_mode, self._params.window_s
        )
        lags = verdict.lags and not self._has_lagged
        self._has_lagged = bool(verdict.faults) and (self._has_lagged or lags)
        self._once_more_at = Micros(clock.now() + ONCE_MORE) if lags else None
        self._complain("; ".join(verdict.faults))
        self._point_out(books)
        judged = BooksJudged(
            books=books,
            faults=verdict.faults,
            digest=digest(books),
            lags=lags,
            gone=verdict.gone,
        )
        self.post.tell("order", judged)
        if not verdict.faults and not self._is_unwritten:
            self._coverage.measure(self._ledger, books, clock.machine())
            self._tell_coverage(clock.now())

    def _trust_journal(self, *, is_unwritten: bool) -> None:
        """Judge no cover while orders left that no disk took: what was measured is forgotten."""
        self._is_unwritten = is_unwritten
        if is_unwritten:
            self._coverage = Coverage()

    def _tell_coverage(self, at: Micros) -> None:
        """Tell how our shorts are covered, also while the books cannot be read."""
        measured = CoverageMeasured(
            at=at,
            read_at=self._coverage.read_at,
            bare=self._coverage.figure(self._ledger, at),
            boots=self._boots,
        )
        self.post.tell("watchdog", measured)

    def _point_out(self, books: Books) -> None:
        """Say once of each order row that it cannot be read."""
        for row in books.unread:
            if row.orderid not in self._unread:
                self._unread.add(row.orderid)
                named = row.symbol or "unknown"
                log.warning(
                    "order cannot be read orderid=%s symbol=%s %s", row.orderid, named, row.reason
                )

    def _complain(self, text: str) -> None:
        """Say once what is wrong with the books; '' when nothing is."""
        if text and text != self._complaint:
            log.warning("books not believed: %s", text)
        self._complaint = text
