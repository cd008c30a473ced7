"""Lanes without sockets, and what they replied."""

import random
import threading
from collections.abc import Callable
from typing import Any

from broker.asks import HttpAnswer, HttpAsk
from broker.lanes import Lanes
from domain.calls import (
    ApiSeen,
    Outcome,
    ReadHistory,
    Write,
)
from domain.params import BrokerParams
from domain.units import Day, Symbol
from tests.broker.build import (
    a_position_row,
    a_trade_row,
    an_order_row,
)
from tests.broker.drive import Server
from tests.broker.hand import Hand
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
        door = self._doors.get(ask.route)
        assert door is None or door.wait(WITHIN_S)
        with self._lock:
            return self.server.answer(ask)


class Office:
    """Lanes over a wire, and what they replied, in order."""

    def __init__(
        self,
        wire: Any,
        speed: float = 1000,
        refusal: Callable[[Write], str] = lambda _: "",
        **params: Any,
    ) -> None:
        self.wire = wire
        self.replies: list[Any] = []
        self.api: list[ApiSeen] = []
        self.dead: list[str] = []
        self.lanes = Lanes(
            wire,
            BrokerParams(**params),
            "analyze",
            random.Random(7),
            speed=speed,
            on_api=self.api.append,
            on_death=self.dead.append,
            refusal=refusal,
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


def a_history(name: str, rank: int = 0) -> ReadHistory:
    return ReadHistory(symbol=Symbol(name), exchange="NFO", day=DAY, rank=rank)
