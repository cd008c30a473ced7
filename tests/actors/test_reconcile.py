"""ReconcileActor reads as often as it is asked to, and judges by the journal on disk."""

import logging
from pathlib import Path
from typing import Any

import msgspec
import pytest
from freezegun import freeze_time

from actors.reconcile import ReconcileActor
from domain import clock
from domain.books import Books, Status
from domain.calls import Failed, MarginRead, Outcome, ReadBooks
from domain.params import ReconcileParams
from domain.reconcile import digest
from domain.units import Paise, seconds
from journal.orders import JournalReader, OrderJournal
from messages.control import Begin, Pulse
from messages.orders import (
    Attention,
    BooksFailed,
    BooksJudged,
    BooksRead,
    CoverageMeasured,
    FactsWanted,
)
from tests.actors.fakes import FakeBroker, RecordingPost, To
from tests.orders import CE, T0, an_open_short, an_unread, rows_of_short, sold, some_books, t
from tests.trading import DAY

EVENTS = tuple(an_open_short().events)


class Stand:
    """A reader on a fake broker, beside a journal that somebody else writes."""

    def __init__(self, folder: Path) -> None:
        self.post = RecordingPost()
        self.broker = FakeBroker()
        self.figures: list[To] = []
        self.journal = OrderJournal(folder / "orders.db", 1, T0)
        self.actor = self.an_actor(folder)

    def an_actor(self, folder: Path) -> ReconcileActor:
        return ReconcileActor(
            "reconcile",
            self.post,
            broker=self.broker,
            reader=JournalReader(folder / "orders.db"),
            day=DAY,
            server_mode="analyze",
            params=ReconcileParams(),
        )

    def hear(self, when: float, *messages: Any) -> list[To]:
        self.post.take()
        with freeze_time(clock.moment(t(when))):
            for message in messages:
                self.actor.on_receive(message)
        told = self.post.take()
        self.figures = [to for to in told if isinstance(to.message, CoverageMeasured)]
        return [to for to in told if to not in self.figures]

    def attention(self, when: float, every: float = 10, *, now: bool = True) -> list[To]:
        wanted = Attention(at=t(when), every=seconds(every), now=now, reason="x")
        return self.hear(when, wanted)

    def answer(self, when: float, reply: Any) -> list[To]:
        """Let the read that is out come back, and hand in what it became."""
        self.post.take()
        with freeze_time(clock.moment(t(when))):
            self.broker.answer(reply)
        (read,) = self.post.take()
        assert read.address == "reconcile"
        return self.hear(when, read.message)

    def reads(self) -> int:
        return len(self.broker.reads)


@pytest.fixture
def stand(tmp_path: Path) -> Stand:
    return Stand(tmp_path)


def good(when: float) -> Books:
    return some_books(rows_of_short(), [sold()], asked=t(when))


def failed(when: float, status: int = 0, text: str = "timed out") -> Failed:
    outcome = Outcome.REJECTED if status else Outcome.NOT_SENT
    return Failed(call="ReadBooks", outcome=outcome, at=t(when), status=status, text=text)


def complaints(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]


def test_nothing_is_read_before_it_is_asked_for(stand: Stand) -> None:
    for when in (0, 60, 3600):
        assert stand.hear(when, Begin(at=t(when)), Pulse(at=t(when))) == []
    assert stand.attention(3601, now=False) == []
    assert stand.reads() == 0


def test_books_are_read_at_once_when_asked_and_then_at_the_pace(stand: Stand) -> None:
    stand.attention(0, 10)
    assert [call for call, _ in stand.broker.reads] == [ReadBooks(urgent=True)]
    stand.answer(0.5, some_books(asked=t(0)))
    for when, out in ((5, 0), (9.9, 0), (10, 1)):
        stand.hear(when, Pulse(at=t(when)))
        assert stand.reads() == out


def test_faster_pace_is_kept_from_the_last_read_on(stand: Stand) -> None:
    stand.attention(0, 10)
    stand.answer(0.5, some_books(asked=t(0)))
    stand.attention(1, 1.5, now=False)
    assert stand.reads() == 0
    stand.hear(1.5, Pulse(at=t(1.5)))
    assert stand.reads() == 1


def test_one_read_is_out_at_a_time_and_a_wish_meanwhile_is_not_lost(stand: Stand) -> None:
    stand.attention(0)
    for when in (1, 2, 30):
        stand.attention(when)
    assert stand.reads() == 1
    stand.answer(31, some_books(asked=t(0)))
    assert stand.reads() == 1
    stand.answer(32, some_books(asked=t(31)))
    assert stand.reads() == 0


def test_snapshot_is_judged_by_the_journal_on_disk(stand: Stand) -> None:
    stand.journal.append(EVENTS)
    stand.attention(20)
    books = good(20)
    judged = BooksJudged(books=books, faults=(), digest=digest(books))
    assert stand.answer(21, books) == [To("order", judged)]


def test_snapshot_that_lacks_what_the_journal_knows_is_not_believed(
    stand: Stand, caplog: pytest.LogCaptureFixture
) -> None:
    stand.journal.append(EVENTS)
    stand.attention(20, 1)
    empty = some_books(asked=t(20))
    (told,) = stand.answer(21, empty)
    faults = ("order A1 is missing", "order S1 is missing", "trades of A1 fell from 650 to 0")
    assert told == To("order", BooksJudged(books=empty, faults=faults, digest=digest(empty)))
    for when in (22, 24):
        stand.hear(when, Pulse(at=t(when)))
        stand.answer(when + 1, some_books(asked=t(when)))
    assert complaints(caplog) == [f"books not believed: {'; '.join(faults)}"]


def test_journal_is_read_on_from_where_it_was_left(stand: Stand) -> None:
    stand.journal.append(EVENTS[:5])
    stand.attention(0, 1)
    stand.answer(0.5, some_books(asked=t(0)))
    stand.journal.append(EVENTS[5:])
    stand.hear(20, Pulse(at=t(20)))
    with freeze_time(clock.moment(t(21))):
        stand.broker.answer(good(20))
    (read,) = stand.post.take()
    message = read.message
    assert isinstance(message, BooksRead)
    assert (message.since, message.events, message.seq) == (5, EVENTS[5:], len(EVENTS))
    (told,) = stand.hear(21, message)
    assert isinstance(told.message, BooksJudged)
    assert told.message.faults == ()


def test_books_that_cannot_be_read_are_told_with_their_status(
    stand: Stand, caplog: pytest.LogCaptureFixture
) -> None:
    stand.attention(0, 1)
    told = stand.answer(1, failed(1, 403, "Invalid openalgo apikey"))
    assert told == [To("order", BooksFailed(at=t(1), status=403, text="Invalid openalgo apikey"))]
    for when in (2, 4, 6):
        stand.hear(when, Pulse(at=t(when)))
        stand.answer(when + 1, failed(when + 1, 403, "Invalid openalgo apikey"))
    said = "books not believed: not read status=403 Invalid openalgo apikey"
    assert complaints(caplog) == [said]


def test_order_of_others_that_cannot_be_read_is_told_once_and_the_rest_believed(
    stand: Stand, caplog: pytest.LogCaptureFixture
) -> None:
    stand.journal.append(EVENTS)
    stand.attention(20, 1)
    for when in (20, 22):
        stand.hear(when, Pulse(at=t(when)))
        books = msgspec.structs.replace(good(when), unread=(an_unread("H1"),))
        judged = BooksJudged(books=books, faults=(), digest=digest(books))
        assert stand.answer(when + 1, books) == [To("order", judged)]
    said = "order cannot be read orderid=H1 symbol=unknown quantity is no number"
    assert complaints(caplog) == [said]


def test_same_complaint_is_said_again_after_a_good_read(
    stand: Stand, caplog: pytest.LogCaptureFixture
) -> None:
    stand.attention(0, 1)
    for when, reply in ((1, failed(1)), (3, some_books(asked=t(2))), (5, failed(5))):
        stand.answer(when, reply)
        stand.hear(when + 1, Pulse(at=t(when + 1)))
    assert len(complaints(caplog)) == 2


def test_journal_that_cannot_be_read_is_a_failed_read(tmp_path: Path) -> None:
    stand = Stand(tmp_path)
    stand.actor = stand.an_actor(tmp_path / "missing")
    stand.attention(0)
    (told,) = stand.answer(1, good(0))
    assert isinstance(told.message, BooksFailed)
    assert (told.message.status, told.message.at) == (0, t(1))
    assert "cannot be read" in told.message.text


def test_restarted_reader_asks_what_it_missed(stand: Stand) -> None:
    told = stand.hear(5, Begin(at=t(5), restarted=True))
    assert told == [To("order", FactsWanted(who="reconcile"))]


def test_answer_to_a_dead_predecessor_is_ignored(stand: Stand) -> None:
    stand.journal.append(EVENTS)
    stray = BooksRead(question=1, reply=good(20), since=7, events=EVENTS[7:], seq=len(EVENTS))
    stand.attention(20)
    assert stand.hear(21, stray) == []
    (told,) = stand.answer(22, good(20))
    assert isinstance(told.message, BooksJudged)
    assert told.message.faults == ()


def test_read_that_never_comes_back_is_read_again_and_not_taken_when_it_does(
    stand: Stand,
) -> None:
    stand.attention(0, 10)
    for when in (10, 59.9):
        stand.hear(when, Pulse(at=t(when)))
        assert stand.reads() == 1
    stand.hear(60, Pulse(at=t(60)))
    assert stand.reads() == 2
    assert stand.answer(61, good(0)) == []
    (told,) = stand.answer(62, good(60))
    assert isinstance(told.message, BooksJudged)
    assert told.message.books == good(60)


def test_answer_of_another_kind_is_not_understood(stand: Stand) -> None:
    stand.attention(0)
    with pytest.raises(TypeError, match="MarginRead"):
        stand.answer(1, MarginRead(total=Paise(1)))


@pytest.mark.incident("INC-92")
def test_lost_order_is_found_while_trading(stand: Stand) -> None:
    """The pace of a quiet day is a read each minute, and each read is told."""
    stand.attention(0, 60)
    stand.answer(0.1, some_books(asked=t(0)))
    judged = 0
    for second in range(1, 601):
        stand.hear(second, Pulse(at=t(second)))
        if stand.reads():
            judged += len(stand.answer(second, some_books(asked=t(second))))
    assert judged == 10


def told_cover(stand: Stand) -> list[Any]:
    assert {to.address for to in stand.figures} <= {"watchdog"}
    return [to.message for to in stand.figures]


def test_watchdog_is_told_of_our_cover_after_each_valid_read_and_each_second(stand: Stand) -> None:
    stand.journal.append(EVENTS)
    stand.attention(20)
    stand.answer(20.5, good(20))
    figure = CoverageMeasured(at=t(20.5), read_at=told_cover(stand)[0].read_at, bare=(), boots=1)
    assert told_cover(stand) == [figure]
    assert figure.read_at is not None
    stand.hear(21, Pulse(at=t(21)))
    assert told_cover(stand) == [msgspec.structs.replace(figure, at=t(21))]


def test_stop_that_the_book_does_not_show_working_leaves_a_short_bare(stand: Stand) -> None:
    stand.journal.append(EVENTS)
    stand.attention(20)
    stand.answer(20.5, some_books(rows_of_short(Status.CANCELLED), [sold()], asked=t(20)))
    (figure,) = told_cover(stand)
    assert [(symbol, units) for symbol, units, _ in figure.bare] == [(CE, 650)]


def test_snapshot_that_is_not_believed_measures_nothing(stand: Stand) -> None:
    stand.journal.append(EVENTS)
    stand.attention(20)
    stand.answer(20.5, some_books(asked=t(20)))
    assert told_cover(stand) == []
    stand.hear(21, Pulse(at=t(21)))
    assert told_cover(stand) == [CoverageMeasured(at=t(21), read_at=None, bare=(), boots=1)]


def judged(told: list[To]) -> BooksJudged:
    (to,) = told
    assert isinstance(to.message, BooksJudged)
    return to.message


def test_books_of_which_one_lags_are_read_once_more_before_it_counts(stand: Stand) -> None:
    stand.journal.append(EVENTS)
    stand.attention(20, 60)
    lagging = some_books(rows_of_short(), [sold()], asked=t(20), positions=[])
    first = judged(stand.answer(20.5, lagging))
    assert (first.lags, first.gone) == (True, (CE,))
    stand.hear(22, Pulse(at=t(22)))
    assert stand.reads() == 0
    stand.hear(22.5, Pulse(at=t(22.5)))
    assert stand.reads() == 1
    second = judged(stand.answer(23, lagging))
    assert (second.lags, bool(second.faults)) == (False, True)
    stand.hear(30, Pulse(at=t(30)))
    assert stand.reads() == 0
    stand.attention(31)
    assert not judged(stand.answer(31.5, lagging)).lags, "once in a row"


def test_cover_is_not_judged_by_a_journal_that_lacks_what_was_sent(stand: Stand) -> None:
    """What was found naked before counts no more either, until it is measured anew."""
    stand.journal.append(EVENTS)
    stand.attention(20)
    bare = some_books(rows_of_short(Status.CANCELLED), [sold()], asked=t(20))
    stand.answer(20.5, bare)
    ((_, _, before),) = told_cover(stand)[-1].bare
    unwritten = Attention(at=t(21), every=seconds(1), now=True, reason="x", is_unwritten=True)
    stand.hear(21, unwritten)
    stand.answer(21.5, bare)
    stand.hear(22, Pulse(at=t(22)))
    assert {figure.bare for figure in told_cover(stand)} == {()}
    stand.attention(40, now=True)
    stand.answer(40.5, some_books(rows_of_short(Status.CANCELLED), [sold()], asked=t(40)))
    stand.hear(41, Pulse(at=t(41)))
    ((symbol, units, since),) = told_cover(stand)[-1].bare
    assert (symbol, units, since > before) == (CE, 650, True)
