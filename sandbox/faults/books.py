"""The account's books as a sick server tells them. Truth is asked as ever, and stays as it is.

Rows are spoiled before they are spelled, oldest first, as the broker behind the server has them.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar, cast

import msgspec

from domain.units import Micros, Symbol, Units
from sandbox.api.desk import Books
from sandbox.book import Position
from sandbox.exchange import Exchange
from sandbox.faults.force import Force, Hit
from sandbox.faults.order_verbs import (
    LateVisible,
    MissingIds,
    ReorderRows,
    StaleVersions,
    StatusLeak,
    SuccessEmpty,
)
from sandbox.faults.wire import span
from sandbox.kinds import FundsLine, OrderLine, PositionLine, TradeLine

PLACES = {
    "orderbook": "book:orders",
    "orderstatus": "book:orders",
    "tradebook": "book:trades",
    "positionbook": "book:positions",
    "openposition": "book:positions",
    "funds": "book:funds",
}
"""Whose book a route tells from."""

Line = TypeVar("Line", OrderLine, TradeLine, PositionLine)
Lines = tuple[Line, ...]


@dataclass(slots=True)
class Memory:
    """What the reads of one book were told of truth, and how often a fault has hit one."""

    versions: deque[tuple[object, ...]] = field(default_factory=lambda: deque(maxlen=101))
    turns: dict[str, int] = field(default_factory=dict)

    def remember(self, place: str, exchange: Exchange) -> None:
        """Keep what a read that nothing hits is told."""
        match place:
            case "book:orders":
                self.versions.append(exchange.orders())
            case "book:trades":
                self.versions.append(exchange.trades())
            case _:
                self.versions.append(exchange.positions(exchange.now))

    def turn(self, fault_id: str) -> int:
        """Count a hit; the first is 0."""
        turn = self.turns[fault_id] = self.turns.get(fault_id, -1) + 1
        return turn


class SickBooks:
    """The books as one call is told of them; `hits` hit the book at `place`."""

    def __init__(self, force: Force, place: str, hits: Sequence[Hit], memory: Memory) -> None:
        self._force = force
        self._well: Books = force.exchange
        self._place = place
        self._hits = hits
        self._memory = memory
        self._turns = {hit.fault.id: memory.turn(hit.fault.id) for hit in hits}

    def order(self, orderid: str) -> OrderLine | None:
        """Return one order as it is told of, or None."""
        return next((order for order in self.orders() if order.orderid == orderid), None)

    def orders(self) -> tuple[OrderLine, ...]:
        """Return the order book as it is told of."""
        return self._told("book:orders", self._well.orders(), _order_key)

    def trades(self) -> tuple[TradeLine, ...]:
        """Return the trades as they are told of."""
        return self._told("book:trades", self._well.trades(), _trade_key)

    def positions(self, at: Micros) -> tuple[PositionLine, ...]:
        """Return the positions as they are told of."""
        return self._told("book:positions", self._well.positions(at), _position_key)

    def funds(self, at: Micros) -> FundsLine:
        """Return the account's money."""
        return self._well.funds(at)

    @property
    def has_funds(self) -> bool:
        """Whether there is an answer about the money at all."""
        return not any(self._is_empty(hit) for hit in self._hits)

    def _told(self, place: str, lines: Lines[Line], key: Callable[[Line], str]) -> Lines[Line]:
        if place != self._place:
            return lines
        self._memory.versions.append(lines)
        for hit in self._hits:
            lines = self._sick(hit, lines, key)
        return lines

    def _sick(self, hit: Hit, lines: Lines[Line], key: Callable[[Line], str]) -> Lines[Line]:
        match hit.fault.do:
            case SuccessEmpty():
                return () if self._is_empty(hit) else lines
            case StaleVersions(k=k):
                versions = self._memory.versions
                # All versions of one place are lines of one kind.
                return cast("Lines[Line]", versions[max(0, len(versions) - 1 - k)])
            case MissingIds(probability=p):
                return tuple(x for x in lines if self._unit(hit, key(x)) >= p)
            case ReorderRows():
                return tuple(sorted(lines, key=lambda x: self._unit(hit, key(x))))
            case _:
                return self._late_or_leaking(hit, lines)

    def _late_or_leaking(self, hit: Hit, lines: Lines[Line]) -> Lines[Line]:
        match hit.fault.do:
            case LateVisible() as late:
                return tuple(seen for x in lines for seen in self._seen(hit, late, x))
            case StatusLeak(probability=p):
                return tuple(self._leaked(hit, lines, n, p) for n in range(len(lines)))
            case _:
                return lines

    def _leaked(self, hit: Hit, lines: Lines[Line], n: int, probability: float) -> Line:
        line = lines[n]
        before: object = lines[max(0, n - 1)]
        if not isinstance(line, OrderLine):
            return line
        if self._unit(hit, line.orderid) >= probability or not isinstance(before, OrderLine):
            return line
        return msgspec.structs.replace(line, status=before.status)

    def _seen(self, hit: Hit, late: LateVisible, line: Line) -> Lines[Line]:
        """Return a line if it can be seen yet; a position as far as its trades can."""
        if isinstance(line, OrderLine):
            return (line,) if self._is_visible(hit, late, line.orderid, line.placed_at) else ()
        if isinstance(line, TradeLine):
            return (line,) if self._is_visible(hit, late, line.tradeid, line.at) else ()
        trades = [
            trade
            for trade in self._well.trades()
            if (trade.symbol, trade.product) == (line.symbol, line.product)
        ]
        seen = [x for x in trades if self._is_visible(hit, late, x.tradeid, x.at)]
        return (_position(line, seen),) if seen else ()

    def _is_visible(self, hit: Hit, late: LateVisible, name: str, since: Micros) -> bool:
        """Whether what happened can be seen now; the probability is drawn once for each name."""
        fault = hit.fault
        if not self._force.happens(fault, f"late|{name}", 0):
            return True
        wait = span(late, self._force.draws(fault, f"do|{name}"), 0)
        return self._force.exchange.now >= since + wait

    def _is_empty(self, hit: Hit) -> bool:
        do = hit.fault.do
        return isinstance(do, SuccessEmpty) and not (do.alternate and self._turns[hit.fault.id] % 2)

    def _unit(self, hit: Hit, name: str) -> float:
        return self._force.draws(hit.fault, f"row|{name}").unit(hit.number)


def _position(line: PositionLine, trades: Sequence[TradeLine]) -> PositionLine:
    held = Position(Symbol(line.symbol), line.exchange, line.product)
    for trade in trades:
        held = held.traded(trade.action, Units(trade.quantity), trade.price, 0)
    return msgspec.structs.replace(
        line,
        net=held.net,
        average=held.average,
        unrealised=held.unrealised(line.ltp),
        realised=held.realised,
    )


def _order_key(line: OrderLine) -> str:
    return line.orderid


def _trade_key(line: TradeLine) -> str:
    return line.tradeid


def _position_key(line: PositionLine) -> str:
    return f"{line.symbol}|{line.product}"
