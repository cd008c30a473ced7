"""What faults do to order updates on the wire of one client."""

import json
from typing import Any

import pytest

from domain.units import SECOND, Micros
from sandbox.faults import Connection
from sandbox.faults.force import Force
from sandbox.faults.wire import Session, Wire
from sandbox.frames import Frames
from sandbox.kinds import Change, OrderOut
from sandbox.stream import StreamSession
from tests.sandbox.faults.scripts import a_fault, a_force
from tests.sandbox.stage import AT, KEY, StagedExchange, a_desk, an_order

LONG = Micros(AT + 3600 * SECOND)


class Client:
    """A session that subscribed order updates, and its wire."""

    def __init__(self, *faults: Any) -> None:
        self.exchange = StagedExchange()
        force: Force = a_force(*faults, exchange=self.exchange)
        session = StreamSession(a_desk(self.exchange), Frames(), Micros(0))
        self.wire = Wire(
            Session(session.market, session.order), force, Connection(1, Micros(AT - SECOND))
        )
        session.receive(AT, json.dumps({"action": "authenticate", "api_key": KEY}))
        session.receive(AT, json.dumps({"action": "subscribe_orders"}))

    def put(self, count: int) -> None:
        """An update a second, each of an order of its own."""
        for n in range(count):
            order = an_order(orderid=str(n))
            at = Micros(AT + n * SECOND)
            self.wire.put(OrderOut(at=at, change=Change.NEW, order=order, price=order.price))

    def frames(self) -> list[tuple[float, bytes]]:
        return [((d.due - AT) / SECOND, d.frame) for d in self.wire.take(LONG)]

    def told(self) -> list[tuple[float, str]]:
        return [(at, json.loads(frame)["orderid"]) for at, frame in self.frames()]


def update(verb: str, settings: Any = None, **when: Any) -> Any:
    return a_fault("ws:order_update", verb, settings, when=when)


def told(fault: Any, count: int = 3) -> list[tuple[float, str]]:
    client = Client(fault)
    client.put(count)
    return client.told()


def test_update_comes_twice() -> None:
    assert told(update("duplicate", {"after_s": 2}), 1) == [(0, "0"), (2, "0")]
    assert told(update("duplicate", {"copies": 2}), 1) == [(0, "0")] * 3


def test_update_comes_late_and_in_order() -> None:
    assert told(update("late", {"seconds": 4})) == [(4, "0"), (5, "1"), (6, "2")]
    drawn = told(update("late", {"lognormal_s": [4, 2], "cap_s": 30}), 20)
    assert [int(orderid) for _, orderid in drawn] == list(range(20))
    assert max(at for at, _ in drawn) <= 19 + 30


def test_updates_are_shuffled() -> None:
    order = [orderid for _, orderid in told(update("reorder", {"within_s": 5}), 20)]
    assert order != sorted(order, key=int)
    assert sorted(order, key=int) == [str(n) for n in range(20)]


def test_updates_are_lost() -> None:
    assert told(update("drop", between=["10:00:01", "10:00:02"])) == [(0, "0"), (2, "2")]
    some = told(update("drop", probability=0.5), 20)
    assert 0 < len(some) < 20
    assert told(update("drop", probability=0.5), 20) == some


def test_prices_are_not_touched_and_each_fault_is_met_once() -> None:
    client = Client(update("drop"))
    client.put(3)
    assert client.exchange.faults_met == [("f", "drop", "ws:order_update:1")]


@pytest.mark.parametrize("kind", ["bytes", "text", "shape"])
def test_noise_comes_ahead_of_the_update_or_instead(kind: str) -> None:
    client = Client(update("garbage", {"kind": kind}))
    client.put(1)
    (_, noise), (_, frame) = client.frames()
    assert json.loads(frame)["orderid"] == "0"
    assert noise != frame
    instead = Client(update("garbage", {"kind": kind, "instead": True}))
    instead.put(1)
    assert len(instead.frames()) == 1


def test_update_is_blown_up() -> None:
    client = Client(update("oversize"))
    client.put(1)
    (_, big), (_, frame) = client.frames()
    assert (len(big), len(frame) < 1000) == (1049600, True)
    assert json.loads(big)["orderid"] == "0"
