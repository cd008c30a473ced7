import random
import threading
from collections.abc import Callable
from typing import Any

import pytest

from broker.asks import Fault, HttpAnswer
from broker.http import Http
from broker.lanes import BULK_WORKERS, EXIT_WORKERS, Lanes
from broker.port import Broker
from domain import clock
from domain.calls import (
    Outcome,
    Priority,
    ReadBooks,
    Write,
    WriteReply,
)
from domain.params import BrokerParams
from domain.units import SECOND, Micros
from tests.broker.build import (
    a_cancel,
    a_fault,
    a_modify,
    a_place,
    an_answer,
)
from tests.broker.hand import Hand
from tests.broker.http_server import Reply, Request, serving
from tests.broker.office import ACK, BOOKS, SOON_S, WITHIN_S, Office, Wire, a_history
from tests.waiting import until


def an_exit(ref: str = "x") -> Write:
    return a_place(priority=Priority.EXIT, ref=ref)


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


class Lossy(threading.Condition):
    """Loses one wake-up each time, as one whose timed wait has just ended swallows it."""

    def notify(self, n: int = 1) -> None:
        super().notify(n - 1)

    @property
    def idle(self) -> int:
        return len(self._waiters)  # type: ignore[attr-defined]  # the library keeps it to itself


def test_exit_is_not_forgotten_if_a_worker_swallows_its_wake_up() -> None:
    office = Office(Wire())
    changed = Lossy(office.lanes._lock)
    office.lanes._changed["exit"] = changed
    office.lanes.start()
    until(lambda: changed.idle == EXIT_WORKERS, WITHIN_S)
    office.write(an_exit())
    assert [reply.outcome for reply in office.wait(1)] == [Outcome.DONE]
    # One of three sleeps on, as it would; daemons do not hold the tests up.
    office.lanes.close(0)


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


def test_write_that_may_not_leave_never_does(opened: Callable[..., Office]) -> None:
    """It is asked right before it would leave, and the answer may change."""
    refusals = {"a": "this host does not hold the lease"}
    office = opened(refusal=lambda write: refusals.get(write.ref, ""))
    office.write(a_place(ref="a"), a_place(ref="b"))
    assert office.outcomes(2) == {"a": Outcome.NOT_SENT, "b": Outcome.DONE}
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
    assert office.wire.closed == EXIT_WORKERS + BULK_WORKERS + 2


def test_close_says_when_a_worker_did_not_end(opened: Callable[..., Office]) -> None:
    office = opened()
    office.wire.shut("placeorder")
    office.write(a_place())
    until(lambda: office.wire.routes, WITHIN_S)
    assert not office.lanes.close(0)
    office.wire.open("placeorder")
    assert office.wait(1)[0].outcome is Outcome.DONE


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_write_of_a_dead_worker_is_unknown_and_the_worker_replaced(
    opened: Callable[..., Office],
) -> None:
    def fall(body: Any) -> HttpAnswer:
        raise RuntimeError("poison")

    office = opened(Wire(placeorder=fall))
    office.write(a_place(ref="entry"), *(an_exit(f"x{n}") for n in range(4)))
    assert set(office.outcomes(5).values()) == {Outcome.UNKNOWN}
    until(lambda: len(office.dead) == office.lanes.deaths == 5, WITHIN_S)
    assert {lane.partition("-")[0] for lane in office.dead} == {"entry", "exit"}
    office.write(a_modify(), a_cancel())
    assert [reply.outcome for reply in office.wait(7)[5:]] == [Outcome.DONE] * 2


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
