"""OrderActor reads at once, holds back and waits where its picture of the broker is in doubt."""

import logging
from collections.abc import Iterable
from pathlib import Path

import pytest

from domain.books import OrderPush, Status
from domain.calls import Outcome, PlaceOrder
from domain.units import Units, seconds
from messages.control import ClockJumped, Ended, LeaseSeen, ModeEntered, Pulse
from messages.orders import (
    ActorLost,
    Attention,
    BooksFailed,
    BooksJudged,
    FactsWanted,
    OrderPushed,
    PositionChanged,
)
from tests.actors.fakes import To
from tests.actors.order_stand import Stand, of, place
from tests.orders import (
    CE,
    ENTRY,
    a_position,
    a_reply,
    a_row,
    rows_of_short,
    sold,
    some_books,
    t,
)


@pytest.fixture
def stand(tmp_path: Path) -> Stand:
    return Stand(tmp_path)


def modes(told: Iterable[To]) -> list[tuple[str, str]]:
    return [(m.mode, m.reason) for m in dict.fromkeys(of(ModeEntered, told))]


def reads_now(told: Iterable[To]) -> bool:
    return any(attention.now for attention in of(Attention, told))


def test_jump_of_the_clock_reads_the_books_before_any_entry(stand: Stand) -> None:
    stand.ready()
    jumped = ClockJumped(at=t(90), since=t(1), reason="the process slept for 89.0 s")
    told = stand.hear(90, jumped)
    assert modes(told) == [("REDUCE_ONLY", jumped.reason)]
    assert reads_now(told)
    assert stand.hear(90.5, place(90.5)) != []
    assert stand.sent() == []
    assert modes(stand.read(89.9)) == [], "it was begun before the jump"
    assert modes(stand.read(91)) == [("ACTIVE", "")]


def test_lease_in_doubt_ends_entries_until_it_is_renewed(stand: Stand) -> None:
    stand.ready()
    told = stand.hear(5, LeaseSeen(at=t(5), doubt="not renewed"))
    assert modes(told) == [("REDUCE_ONLY", "not renewed")]
    stand.hear(5.5, place(5.5))
    assert stand.sent() == []
    assert modes(stand.hear(6, LeaseSeen(at=t(6), doubt=""))) == [("ACTIVE", "")]


def test_actor_that_died_too_often_ends_entries_for_good(stand: Stand) -> None:
    stand.ready()
    told = stand.hear(5, ActorLost(at=t(5), address="reconcile"))
    assert modes(told) == [("REDUCE_ONLY", "reconcile died too often")]
    assert modes(stand.read(6)) == []


def test_poison_ends_entries_for_good_and_reads_the_books(stand: Stand) -> None:
    stand.ready()
    told = stand.hear(5, ActorLost(at=t(5), address="strategy", poison="OrderChanged"))
    text = "strategy was not told OrderChanged; OrderChanged killed strategy twice and is kept away"
    assert modes(told) == [("REDUCE_ONLY", f"{text} from it")]
    assert reads_now(told)
    assert modes(stand.read(6)) == []


def pushed(second: float, status: Status = Status.OPEN, filled: int = 0) -> OrderPushed:
    push = OrderPush(
        orderid="A1",
        symbol=CE,
        status=status,
        filled=Units(filled),
        reason="",
        mode="analyze",
        got_at=t(second),
    )
    return OrderPushed(push=push)


def test_push_is_a_hint_that_is_taken_once(stand: Stand) -> None:
    stand.ready()
    assert reads_now(stand.hear(5, pushed(5)))
    assert not reads_now(stand.hear(6, pushed(6)))
    assert reads_now(stand.hear(7, pushed(7, filled=65)))
    assert reads_now(stand.hear(8, pushed(8, Status.COMPLETE, 65)))
    assert not reads_now(stand.hear(9, pushed(9, filled=65), pushed(9)))


def test_books_that_cannot_be_believed_at_the_start_are_waited_for(
    stand: Stand, caplog: pytest.LogCaptureFixture
) -> None:
    stand.begin()
    stand.preflight(0.5)
    for second in (1, 20, 59):
        stand.read(second, faults=("order A1 is missing",))
        assert modes(stand.hear(second, Pulse(at=t(second)))) == []
    why = "the broker's books were not read since the start"
    told = stand.hear(60, Pulse(at=t(60)))
    assert modes(told) == [("WAIT_LOGIN", why)]
    assert of(Attention, told) == [], "the server answers: it is read as fast as before"
    (slow,) = of(Attention, stand.hear(60.5, BooksFailed(at=t(60.5), status=0, text="connect")))
    assert slow.every == seconds(30)
    stand.preflight(61)
    for second in (90, 120):
        stand.hear(second, Pulse(at=t(second)))
    assert stand.actor._desk.mode(t(120)) == "WAIT_LOGIN"
    assert len([r for r in caplog.records if r.getMessage().startswith(why)]) == 1
    assert of(Ended, told) == []
    stand.read(121)
    assert stand.actor._desk.mode(t(121)) != "WAIT_LOGIN"


def test_start_in_the_wrong_mode_with_a_short_of_ours_waits_and_writes_nothing(
    stand: Stand, tmp_path: Path
) -> None:
    stand.protected()
    again = Stand(tmp_path)
    again.begin(20)
    told = again.preflight(20.5, mode="live")
    assert of(Ended, told) == []
    assert again.actor._desk.ledger.latches.keys() == {"MODE_FLIP"}
    again.read(21, rows_of_short(Status.CANCELLED), [sold()])
    again.read(23, rows_of_short(Status.CANCELLED), [sold()])
    assert [type(write) for write in again.sent()] == [PlaceOrder], "after two reads of our world"


def test_start_in_the_wrong_mode_with_nothing_of_ours_ends(stand: Stand) -> None:
    stand.begin()
    (ended,) = of(Ended, stand.preflight(1, mode="live"))
    assert ended.code == 78


def test_refused_write_is_a_lost_session_or_a_refusal_of_writes(
    stand: Stand, caplog: pytest.LogCaptureFixture
) -> None:
    stand.ready().hear(1, place(1))
    stand.post.take()
    stand.broker.confirm(
        a_reply(Outcome.REJECTED, status=403, code="DENIED", text="Invalid openalgo apikey")
    )
    (answer,) = stand.post.take()
    told = stand.hear(2, answer.message)
    assert reads_now(told)
    told = stand.read(3)
    assert modes(told) == [("REDUCE_ONLY", "the server answers reads and refuses orders")]
    pages = [r for r in caplog.records if r.levelno == logging.ERROR]
    assert [r.getMessage()[:14] for r in pages] == ["WRITES_REFUSED"]


def test_short_that_only_seems_to_be_there_is_protected_and_told_to_nobody(stand: Stand) -> None:
    stand.ready().hear(1, place(1))
    stand.reply(1.5, orderid="A1")
    told = []
    for second in (3, 5):
        row = a_row(ENTRY, status=Status.COMPLETE)
        books = some_books([row], asked=t(second), positions=[a_position(net=-650)])
        judged = BooksJudged(books=books, faults=("trades and position differ",), digest="")
        told += stand.hear(second, judged)
    (stop,) = [write for write in stand.sent() if isinstance(write, PlaceOrder)]
    assert (stop.ticket.trigger, stop.ticket.quantity) == (14_100, 650)
    told += stand.hear(6, FactsWanted(who="strategy"))
    assert of(PositionChanged, told) == []
    told = stand.read(7, [a_row(ENTRY, status=Status.COMPLETE)], [sold()])
    assert {message.leg.short for message in of(PositionChanged, told)} == {650}
