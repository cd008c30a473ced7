import random
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from broker.asks import Fault, HttpAnswer, HttpAsk
from broker.http import Http
from broker.lanes import Lanes
from broker.port import Broker
from domain import clock
from domain.calls import (
    ApiSeen,
    ChainRead,
    Failed,
    History,
    Outcome,
    Priority,
    ReadBooks,
    ReadChain,
    ReadHistory,
    Write,
    WriteReply,
)
from domain.params import BrokerParams
from domain.units import SECOND, Day, Micros, Paise, Symbol
from tests.broker.build import (
    a_cancel,
    a_fault,
    a_modify,
    a_place,
    a_position_row,
    a_trade_row,
    an_answer,
    an_order_row,
)
from tests.broker.conftest import Hand
from tests.broker.drive import Server
from tests.broker.http_server import Reply, Request, serving
from tests.waiting import until

WITHIN_S = 10
SOON_S = 0.3
DAY = Day("2026-11-19")
ACK = {"status": "success", "orderid": "26", "mode": "analyze"}
BOOKS: dict[str, Any] = {
    "orderbook": {"status": "success", "mode": "analyze", "data": {"orders": [an_order_row()]}},
    "tradebook": {"status": "success", "mode": "analyze", "data": [a_trade_row()]},
    "positionbook": {"status": "success", "mode": "analyze", "data": [a_position_row()]},
}
HISTORY: dict[str, Any] = {"status": "success", "data": []}


class Wire:
    """A transport without sockets: answers from a table, and doors a test may shut.

    `shut(route)` makes posts on that route wait until `open(route)`.
    """

    def __init__(self, **table: Any) -> None:
        orders = dict.fromkeys(("placeorder", "modifyorder", "cancelorder"), ACK)
        self.server = Server(orders | BOOKS | {"history": HISTORY} | table)
        self.arrived: list[HttpAsk] = []
        self.closed = 0
        self._doors: dict[str, threading.Event] = {}
        self._lock = threading.Lock()

    @property
    def routes(self) -> list[str]:
        return [ask.route for ask in self.arrived]

    def session(self) -> "Wire":
        return self

    def warm(self) -> None:
        pass

    def close(self) -> None:
        with self._lock:
            self.closed += 1

    def shut(self, route: str) -> None:
        self._doors[route] = threading.Event()

    def open(self, route: str) -> None:
        self._doors.pop(route).set()

    def post(self, ask: HttpAsk) -> HttpAnswer:
        with self._lock:
            self.arrived.append(ask)
        if ask.route in self._doors:
            assert self._doors[ask.route].wait(WITHIN_S)
        with self._lock:
            return self.server.answer(ask)


class Office:
    """Lanes over a wire, and what they replied, in order."""

    def __init__(self, wire: Any, speed: float = 1000, **params: Any) -> None:
        self.wire = wire
        self.replies: list[Any] = []
        self.api: list[ApiSeen] = []
        self.lanes = Lanes(
            wire,
            BrokerParams(**params),
            "analyze",
            random.Random(7),
            speed=speed,
            on_api=self.api.append,
        )

    def write(self, *calls: Write) -> None:
        for call in calls:
            self.lanes.write(call, self.replies.append)

    def read(self, *calls: Any) -> None:
        for call in calls:
            self.lanes.read(call, self.replies.append)

    def wait(self, count: int, hand: Hand | None = None) -> list[Any]:
        """Wait for so many replies; with a hand, market time passes meanwhile."""

        def is_enough() -> bool:
            if hand is not None:
                hand.move(0.1)
            return len(self.replies) >= count

        until(is_enough, WITHIN_S)
        return self.replies

    def outcomes(self, count: int) -> dict[str, Outcome]:
        return {reply.ref: reply.outcome for reply in self.wait(count)}


@pytest.fixture
def opened(hand: Hand) -> Iterator[Callable[..., Office]]:
    offices: list[Office] = []

    def start(wire: Any = None, **params: Any) -> Office:
        office = Office(wire or Wire(), **params)
        office.lanes.start()
        offices.append(office)
        return office

    yield start
    for office in offices:
        assert office.lanes.close(WITHIN_S)


def an_exit(ref: str = "x") -> Write:
    return a_place(priority=Priority.EXIT, ref=ref)


def a_history(name: str, rank: int = 0) -> ReadHistory:
    return ReadHistory(symbol=Symbol(name), exchange="NFO", day=DAY, rank=rank)


def test_lanes_are_the_broker_of_the_port() -> None:
    broker: Broker = Lanes(Wire(), BrokerParams(), "analyze", random.Random(1))
    assert broker is not None


def test_write_comes_back_once_with_its_order_id(opened: Callable[..., Office]) -> None:
    office = opened()
    office.write(a_place(ref="i1"))
    (reply,) = office.wait(1)
    assert (reply.ref, reply.outcome, reply.orderid) == ("i1", Outcome.DONE, "26")
    assert [(seen.route, seen.status, seen.text, seen.orderid) for seen in office.api] == [
        ("placeorder", 200, "OK", "26")
    ]


def test_books_come_back_as_one_reply(opened: Callable[..., Office]) -> None:
    office = opened()
    office.read(ReadBooks())
    (books,) = office.wait(1)
    assert (len(books.orders), len(books.trades), len(books.positions)) == (1, 1, 1)
    assert office.wire.routes == ["orderbook", "tradebook", "positionbook"]


def test_answer_in_the_other_mode_is_nonsense(opened: Callable[..., Office]) -> None:
    office = opened(Wire(placeorder={"status": "success", "orderid": "1"}))
    office.write(a_place())
    assert office.wait(1)[0].code == "MODE"


def test_stuck_entry_and_stuck_reads_never_delay_an_exit(opened: Callable[..., Office]) -> None:
    office = opened()
    for route in ("placeorder", "history", "orderbook"):
        office.wire.shut(route)
    office.write(a_place(ref="entry"))
    office.read(a_history("A"))
    until(lambda: "history" in office.wire.routes, WITHIN_S)
    office.read(ReadBooks(), a_history("B"))
    until(lambda: {"placeorder", "orderbook"} <= set(office.wire.routes), WITHIN_S)
    office.write(a_modify(), a_cancel(Priority.EXIT, "c"))
    assert {reply.route for reply in office.wait(2)} == {"modifyorder", "cancelorder"}
    for route in ("placeorder", "history", "orderbook"):
        office.wire.open(route)


def test_three_exits_are_under_way_at_once_and_no_more(opened: Callable[..., Office]) -> None:
    office = opened()
    office.wire.shut("placeorder")
    office.write(*(an_exit(str(n)) for n in range(4)))
    until(lambda: len(office.wire.routes) == 3, WITHIN_S)
    office.wire.open("placeorder")
    assert set(office.outcomes(4)) == {"0", "1", "2", "3"}


def test_cancel_of_an_entry_goes_before_entries_that_wait(
    opened: Callable[..., Office], hand: Hand
) -> None:
    office = opened()
    office.wire.shut("placeorder")
    office.write(a_place(ref="first"))
    until(lambda: office.wire.routes, WITHIN_S)
    office.write(a_place(ref="second"), a_cancel(Priority.CANCEL, "cancel"))
    office.wire.open("placeorder")
    assert [reply.ref for reply in office.wait(3)] == ["first", "cancel", "second"]


def test_no_more_than_eight_leave_while_market_time_stands_still(
    opened: Callable[..., Office], hand: Hand
) -> None:
    office = opened()
    office.write(*(an_exit(str(n)) for n in range(10)))
    office.wait(8)
    hand.move(0.999)
    office.write(a_cancel(Priority.EXIT, "late"))
    with pytest.raises(AssertionError):
        until(lambda: len(office.replies) > 8, SOON_S)
    hand.move(0.001)
    office.wait(11)


def test_entries_leave_room_for_exits(opened: Callable[..., Office], hand: Hand) -> None:
    office = opened()
    office.write(*(a_place(ref=f"e{n}") for n in range(5)))
    office.wait(3)
    office.write(*(an_exit(f"x{n}") for n in range(5)))
    assert {reply.ref[0] for reply in office.wait(8)[3:]} == {"x"}
    hand.move(1)
    office.wait(10)


def test_refused_route_waits_while_others_go(opened: Callable[..., Office], hand: Hand) -> None:
    wire = Wire(placeorder=[an_answer({"message": "10 per 1 second"}, 429), ACK])
    office = opened(wire)
    office.write(an_exit("a"))
    assert office.wait(1)[0].outcome is Outcome.NOT_SENT
    office.write(an_exit("b"), a_modify())
    assert office.wait(2)[1].route == "modifyorder"
    hand.move(0.999)
    with pytest.raises(AssertionError):
        until(lambda: len(office.replies) > 2, SOON_S)
    hand.move(0.301)
    assert office.wait(3)[2].outcome is Outcome.DONE


def test_entry_that_is_too_late_never_leaves(opened: Callable[..., Office], hand: Hand) -> None:
    office = opened()
    office.write(a_place(ref="late", send_before=hand.machine()))
    office.write(a_place(ref="in time", send_before=Micros(hand.machine() + 1)))
    assert office.outcomes(2) == {"late": Outcome.NOT_SENT, "in time": Outcome.DONE}
    assert office.wire.routes == ["placeorder"]


def test_entry_that_waits_for_its_turn_is_dropped_in_time(
    opened: Callable[..., Office], hand: Hand
) -> None:
    office = opened()
    office.write(*(a_place(ref=str(n)) for n in range(3)))
    office.wait(3)
    office.write(a_place(ref="late", send_before=Micros(hand.machine() + 2 * SECOND)))
    hand.tick(2)
    assert office.outcomes(4)["late"] is Outcome.NOT_SENT
    assert len(office.wire.routes) == 3


@pytest.mark.parametrize(
    "answer", [a_fault(Fault.TIMEOUT), a_fault(Fault.CONNECT), an_answer(b"", 500)]
)
def test_write_is_sent_once_whatever_comes_back(
    opened: Callable[..., Office], hand: Hand, answer: HttpAnswer
) -> None:
    office = opened(Wire(placeorder=answer))
    office.write(a_place())
    office.wait(1)
    hand.move(60)
    office.write(a_modify())
    office.wait(2)
    assert office.wire.routes == ["placeorder", "modifyorder"]


def test_read_is_asked_again_two_seconds_apart(opened: Callable[..., Office], hand: Hand) -> None:
    fails = [an_answer(b"", 500), a_fault(Fault.TIMEOUT), an_answer({}, 429), HISTORY]
    office = opened(Wire(history=fails))
    office.read(a_history("A"))
    for tries in (1, 2, 3):
        until(lambda n=tries: len(office.api) == n, WITHIN_S)  # type: ignore[misc]  # bound now
        hand.move(1.999)
        with pytest.raises(AssertionError):
            until(lambda n=tries: len(office.api) > n, SOON_S / 3)  # type: ignore[misc]  # as above
        hand.move(0.001)
    assert office.wait(1) == [
        History(symbol=Symbol("A"), bars=(), asked_at=office.replies[0].asked_at)
    ]
    assert len(office.wire.routes) == 4


def test_read_that_keeps_failing_is_failed_after_its_retries(
    opened: Callable[..., Office], hand: Hand
) -> None:
    office = opened(Wire(history=an_answer(b"", 503)), read_retries=1)
    office.read(a_history("A"))
    until(lambda: office.api, WITHIN_S)
    hand.move(2)
    (failed,) = office.wait(1)
    assert isinstance(failed, Failed)
    assert (failed.status, len(office.wire.routes)) == (503, 2)
    assert [(seen.status, seen.text) for seen in office.api] == [(503, "Service Unavailable")] * 2


def test_refused_read_is_not_asked_again(opened: Callable[..., Office]) -> None:
    office = opened(Wire(orderbook=an_answer({"status": "error", "message": "no"}, 403)))
    office.read(ReadBooks())
    assert office.wait(1)[0].status == 403
    assert office.wire.routes == ["orderbook"]


def test_read_that_rests_holds_up_nobody(opened: Callable[..., Office], hand: Hand) -> None:
    office = opened(Wire(history=an_answer(b"", 500)))
    office.read(a_history("A"), a_history("B"))
    until(lambda: office.api, WITHIN_S)
    hand.move(0.2)
    office.read(ReadBooks())
    assert office.wait(1)[0].mode == "analyze"


def test_history_is_served_by_rank_and_after_books(
    opened: Callable[..., Office], hand: Hand
) -> None:
    office = opened()
    office.wire.shut("history")
    office.wire.shut("orderbook")
    office.read(a_history("busy"))
    until(lambda: office.wire.routes == ["history"], WITHIN_S)
    office.read(ReadBooks())
    until(lambda: len(office.wire.routes) == 2, WITHIN_S)
    office.read(a_history("far", 9), a_history("near", 1), ReadBooks(urgent=True))
    hand.move(1)
    office.wire.open("history")
    office.wire.open("orderbook")
    replies = office.wait(5, hand)
    symbols = [reply.symbol for reply in replies if isinstance(reply, History)]
    assert symbols == ["busy", "near", "far"]


def test_one_worker_leaves_history_alone(opened: Callable[..., Office], hand: Hand) -> None:
    office = opened()
    office.wire.shut("history")
    office.read(*(a_history(name) for name in "ABC"))
    until(lambda: office.wire.routes, WITHIN_S)
    hand.move(1)
    office.read(ReadBooks())
    assert office.wait(1)[0].mode == "analyze"
    assert office.wire.routes.count("history") == 1
    office.wire.open("history")
    office.wait(4, hand)


def test_route_is_read_at_its_pace(opened: Callable[..., Office], hand: Hand) -> None:
    row = {"status": "error", "message": "Symbol not found"}
    wire = Wire(expiry={"status": "success", "data": ["24-NOV-26"]}, symbol=an_answer(row, 404))
    office = opened(wire, read_rate_per_s=4)
    strikes = (Paise(2_600_000), Paise(2_605_000))
    office.read(ReadChain(underlying="NIFTY", exchange="NFO", day=DAY, strikes=strikes))
    for count in (1, 2, 3):
        until(lambda n=count: wire.routes.count("symbol") == n, WITHIN_S)  # type: ignore[misc]  # bound now
        hand.move(0.249)
        with pytest.raises(AssertionError):
            until(lambda n=count: wire.routes.count("symbol") > n, SOON_S / 3)  # type: ignore[misc]  # as above
        hand.move(0.001)
    assert office.wait(1) == [
        ChainRead(expiry=Day("2026-11-24"), contracts=(), missing=("26000.00", "26050.00"))
    ]


def test_close_answers_what_waits_and_lets_the_rest_finish(
    opened: Callable[..., Office], hand: Hand
) -> None:
    office = opened()
    office.wire.shut("placeorder")
    office.write(a_place(ref="under way"))
    until(lambda: office.wire.routes, WITHIN_S)
    office.write(a_place(ref="waiting"))
    closing = threading.Thread(target=office.lanes.close, args=(WITHIN_S,))  # noqa: TID251 - a caller of the test
    closing.start()
    assert office.wait(1)[0].ref == "waiting"
    office.wire.open("placeorder")
    assert office.outcomes(2) == {"waiting": Outcome.NOT_SENT, "under way": Outcome.DONE}
    closing.join()
    office.write(a_place(ref="after"))
    office.read(ReadBooks())
    assert office.replies[2].outcome is office.replies[3].outcome is Outcome.NOT_SENT
    assert office.wire.closed == 6


def test_close_says_when_a_worker_did_not_end(opened: Callable[..., Office]) -> None:
    office = opened()
    office.wire.shut("placeorder")
    office.write(a_place())
    until(lambda: office.wire.routes, WITHIN_S)
    assert not office.lanes.close(0)
    office.wire.open("placeorder")
    assert office.wait(1)[0].outcome is Outcome.DONE


def test_half_done_read_is_answered_at_close(opened: Callable[..., Office]) -> None:
    office = opened()
    office.wire.shut("tradebook")
    office.read(ReadBooks(), a_history("A"), a_history("B"), ReadBooks())
    until(lambda: "tradebook" in office.wire.routes, WITHIN_S)
    office.lanes.close(0)
    office.wire.open("tradebook")
    assert len(office.wait(4)) == 4
    assert {type(reply) for reply in office.replies} <= {Failed, History}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_write_of_a_dead_worker_is_unknown_and_the_worker_replaced(
    opened: Callable[..., Office],
) -> None:
    def fall(body: Any) -> HttpAnswer:
        raise RuntimeError("poison")

    office = opened(Wire(placeorder=fall))
    office.write(a_place(ref="entry"), *(an_exit(f"x{n}") for n in range(4)))
    assert set(office.outcomes(5).values()) == {Outcome.UNKNOWN}
    until(lambda: office.lanes.deaths == 5, WITHIN_S)
    office.write(a_modify(), a_cancel())
    assert [reply.outcome for reply in office.wait(7)[5:]] == [Outcome.DONE] * 2


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_read_of_a_dead_worker_has_failed(opened: Callable[..., Office]) -> None:
    def fall(body: Any) -> HttpAnswer:
        raise RuntimeError("poison")

    office = opened(Wire(orderbook=fall))
    office.read(ReadBooks())
    assert isinstance(office.wait(1)[0], Failed)
    office.read(a_history("A"))
    assert isinstance(office.wait(2)[1], History)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_caller_who_falls_over_his_answer_gets_no_second_one(
    opened: Callable[..., Office],
) -> None:
    office, told = opened(), list[WriteReply]()

    def fall(reply: WriteReply) -> None:
        told.append(reply)
        raise RuntimeError("poison")

    office.lanes.write(a_place(), fall)
    until(lambda: office.lanes.deaths == 1, WITHIN_S)
    office.write(a_modify())
    office.wait(1)
    assert [reply.outcome for reply in told] == [Outcome.DONE]


def test_over_real_sockets_a_day_begins_and_an_order_is_placed() -> None:
    def answer(request: Request) -> Reply:
        assert request.body.pop("apikey") == "KEY-1"
        table = {"placeorder": ACK, "ping": {"status": "success"}} | BOOKS
        return Reply(table[request.route])

    clock.use(clock.WallClock())
    with serving(answer) as server:
        params = BrokerParams()
        office = Office(Http(server.url, "KEY-1", params), speed=1)
        office.lanes.start()
        until(lambda: server.routes.count("ping") == 4, WITHIN_S)
        office.read(ReadBooks())
        office.write(a_place(), an_exit())
        replies = office.wait(3)
        assert office.lanes.close(WITHIN_S)
    assert sorted(type(reply).__name__ for reply in replies) == [
        "Books",
        "WriteReply",
        "WriteReply",
    ]
    assert sorted(server.routes[4:]) == sorted([*BOOKS, "placeorder", "placeorder"])
