"""Order writes whose caller does not learn what became of them, through the front."""

import json
from typing import Any

import pytest

from domain.books import Action
from domain.units import SECOND, Micros
from sandbox.kinds import Change, Done, Status, Twist
from sandbox.truth import Accepted
from tests.sandbox.api.asking import order
from tests.sandbox.faults.counters import Counter, Trading
from tests.sandbox.faults.scripts import a_fault
from tests.sandbox.pit import Pit
from tests.sandbox.stage import AT, a_filled_sell

HANG = 130 * SECOND


def at_place(verb: str, settings: Any = None, route: str = "placeorder", **when: Any) -> Any:
    return a_fault(f"rest:{route}", verb, settings, when=when)


HOWS = [
    ("timeout", HANG, 0, None),
    ("reset", 0, 0, None),
    ("http_500", 0, 500, {"status": "error", "message": "An unexpected error occurred"}),
    ("html_502", 0, 502, None),
    ("http_400", 0, 400, {"status": "error", "message": "Request to the broker timed out"}),
]


@pytest.mark.parametrize(("how", "late", "status", "body"), HOWS)
@pytest.mark.parametrize(("verb", "orders"), [("drop_before_accept", 0), ("drop_after_accept", 1)])
def test_lost_answer_says_the_same_whether_the_order_was_placed_or_not(
    verb: str, orders: int, how: str, late: int, status: int, body: Any
) -> None:
    counter = Counter(at_place(verb, {"how": how}))
    took, answer = counter.raw("placeorder", **order())
    assert (took, answer.status, answer.is_cut) == (late, status, how in {"timeout", "reset"})
    assert body is None or json.loads(answer.body) == body
    assert len(counter.exchange.taken) == orders
    assert counter.exchange.arrivals[0][1] == ("passed" if orders else "fault")


def test_order_was_placed_though_the_answer_is_400() -> None:
    counter = Counter(at_place("placed_but_400"))
    _, answer = counter.raw("placeorder", **order())
    assert (answer.status, len(counter.exchange.taken)) == (400, 1)


def test_acknowledgement_lacks_the_order_id() -> None:
    counter = Counter(at_place("ack_without_orderid"))
    assert counter.ask("placeorder", **order()) == {"status": "success", "mode": "analyze"}
    assert len(counter.exchange.taken) == 1


def test_order_reaches_the_exchange_long_after_its_caller_gave_up() -> None:
    trading = Trading(at_place("drop_after_accept", {"how": "http_400", "late_s": 8}))
    begun = trading.exchange.now
    trading.sell()
    assert trading.rows(Accepted) == []
    trading.go(begun + 9 * SECOND)
    (accepted,) = trading.rows(Accepted)
    assert accepted.order.placed_at == begun + 8 * SECOND


def test_delayed_answer_comes_after_the_order_is_there() -> None:
    trading = Trading(at_place("delay", {"seconds": 25}))
    begun = trading.exchange.now
    answer = trading.sell()
    (accepted,) = trading.rows(Accepted)
    assert (answer["orderid"], accepted.order.placed_at) == (accepted.order.orderid, begun)
    assert trading.exchange.now == begun + 25 * SECOND


def test_side_chooses_the_calls_and_counts_them() -> None:
    counter = Counter(at_place("status", {"code": 500}, nth=[2], action="BUY"))
    sides = ["BUY", "SELL", "SELL", "buy", "BUY"]
    answers = [counter.raw("placeorder", **order(action=side))[1].status for side in sides]
    assert answers == [200, 200, 200, 500, 200]
    assert counter.exchange.faults_met == [("f", "status", "rest:placeorder:2")]


def test_side_of_a_cancel_is_that_of_its_order() -> None:
    counter = Counter(at_place("drop_before_accept", None, "cancelorder", action="SELL"))
    sold = a_filled_sell()
    counter.exchange.book = [sold]
    for orderid, taken in ((sold.orderid, 0), ("1", 1), (7, 1)):
        counter.raw("cancelorder", strategy="t", orderid=orderid)
        assert len(counter.exchange.taken) == taken, orderid


def test_cancel_is_acknowledged_before_it_works_and_a_fill_between_is_real() -> None:
    pit = Pit()
    pit.show([(15_000, 65)], [(15_050, 650)], printed=(15_000, 65))
    orderid = pit.orderid(action=Action.BUY, price=15_000)
    assert pit.cancel(orderid, Twist(late=Micros(2 * SECOND))) == Done(
        orderid=orderid, message="Order cancelled successfully"
    )
    assert pit.state(orderid) == ("open", 0)
    pit.show([(14_900, 65)], [(15_000, 650)], printed=(14_950, 650))
    pit.sleep(5)
    assert pit.state(orderid) == ("complete", 65)
    resting = pit.orderid(action=Action.BUY, price=14_000)
    pit.cancel(resting, Twist(late=Micros(2 * SECOND)))
    pit.sleep(1.9)
    assert pit.state(resting) == ("open", 0)
    pit.sleep(0.2)
    assert pit.state(resting) == ("cancelled", 0)


def test_effect_of_a_change_is_delayed_by_the_script() -> None:
    counter = Counter(at_place("delay_effect", {"seconds": 3}, "cancelorder"))
    counter.ask("cancelorder", strategy="t", orderid="26112155486483")
    assert counter.exchange.twists == [Twist(late=Micros(3 * SECOND))]


def test_drawn_effects_differ_and_are_capped() -> None:
    fault = at_place("delay_effect", {"lognormal_s": [1, 2], "cap_s": 3}, "cancelorder")
    counter = Counter(fault)
    for n in range(9):
        counter.raw("cancelorder", AT + n * SECOND, strategy="t", orderid="26112155486483")
    spans = [twist.late for twist in counter.exchange.twists]
    assert len(set(spans)) > 4
    assert max(spans) == 3 * SECOND


def test_part_of_an_order_trades_and_the_rest_is_rejected() -> None:
    pit = Pit()
    pit.show([(15_000, 650)], [(15_050, 650)], printed=(15_000, 65))
    twist = Twist(lots=2, rejected_after=Micros(2 * SECOND))
    pit.place(twist=twist, quantity=650, price=15_000)
    (order,) = pit.account.book.orders.values()
    assert pit.state(order.orderid) == ("open", 130)
    pit.show([(15_100, 650)], [(15_150, 650)], printed=(15_100, 650))
    pit.sleep(1.5)
    assert pit.state(order.orderid) == ("rejected", 130)
    assert pit.order(order.orderid).reason == "Remaining quantity rejected by exchange"
    assert pit.pushed()[-1] == (Change.REJECTED, Status.REJECTED, 15_000)


def test_rejection_waits_for_the_first_trade_of_a_stop() -> None:
    pit = Pit()
    pit.show([(15_000, 650)], [(15_050, 650)], printed=(15_000, 65))
    twist = Twist(lots=1, rejected_after=Micros(2 * SECOND))
    stop = {"kind": "SL", "trigger": 16_000, "price": 16_500, "action": Action.BUY}
    pit.place(twist=twist, quantity=130, **stop)
    (order,) = pit.account.book.orders.values()
    pit.sleep(10)
    assert pit.state(order.orderid) == ("trigger pending", 0)
    pit.show([(16_000, 650)], [(16_050, 650)], printed=(16_000, 65))
    pit.sleep(2)
    assert pit.state(order.orderid) == ("rejected", 65)


def test_order_of_one_lot_is_rejected_without_a_trade() -> None:
    pit = Pit()
    pit.show([(15_000, 650)], [(15_050, 650)], printed=(15_000, 65))
    pit.place(twist=Twist(lots=1, rejected_after=Micros(SECOND)), price=15_000)
    pit.sleep(1)
    (order,) = pit.account.book.orders.values()
    assert pit.state(order.orderid) == ("rejected", 0)


def test_script_lets_a_part_trade() -> None:
    trading = Trading(at_place("partial_then_reject", {"lots": 1, "after_s": 1}))
    orderid = trading.sell(3)["orderid"]
    trading.go(trading.exchange.now + 3 * SECOND)
    line = trading.exchange.order(orderid)
    assert line is not None
    assert (line.status, line.filled) == (Status.REJECTED, 65)
