"""A tiny broker for the order desk's state machine: honest in its books, hostile in its manners.

It was written from the exchange's point of view and shares nothing with sandbox/. Orders may be
accepted late or never, answers may be lost, cancels take time, fills come whenever the test says.
What its books show is true, though perhaps torn, short or unreadable.
"""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import NamedTuple

from domain.books import Action, Books, OrderRow, PriceType, Status, TradeRow
from domain.calls import CancelOrder, ModifyOrder, Outcome, PlaceOrder, Write, WriteReply
from domain.orders import Ticket
from domain.units import Micros, seconds
from tests.orders import a_reply, a_row, a_trade, some_books

LOT = 65
LIVE = (Status.OPEN, Status.TRIGGER_PENDING)
Reply = Callable[[str, str, WriteReply], None]


@dataclass
class Resting:
    """One order the exchange accepted. `ref` is the desk's intent, which the books do not show.

    A human's order has none.
    """

    orderid: str
    ref: str
    ticket: Ticket
    status: Status
    shown_at: Micros
    filled: int = 0

    @property
    def is_live(self) -> bool:
        return self.status in LIVE

    @property
    def remaining(self) -> int:
        return self.ticket.quantity - self.filled if self.is_live else 0


@dataclass
class Manners:
    """How the broker treats the next calls."""

    place: str = "prompt"
    change: str = "prompt"
    books: str = "good"
    late_s: float = 0
    shown_after_s: float = 0


class Ask(NamedTuple):
    """Who asked for what, and who hears of it."""

    ref: str
    op: str
    reply: Reply


@dataclass(order=True)
class Due:
    """Something that will happen; `is_ours` dies with the agent's process."""

    at: Micros
    number: int
    act: Callable[[], None] = field(compare=False)
    is_ours: bool = field(compare=False, default=False)


class ModelBroker:
    """The exchange, the server in front of it, and what is on its way between them and the desk."""

    def __init__(self, now: Micros) -> None:
        self.now = now
        self.orders: dict[str, Resting] = {}
        self.trades: list[TradeRow] = []
        self.manners = Manners()
        self._due: list[Due] = []
        self._numbers = count(1)

    # What the desk does.

    def send(self, write: Write, reply: Reply) -> None:
        """Take a write; `reply` hears of it, unless the process that sent it dies."""
        match write:
            case PlaceOrder():
                self._place(write, reply)
            case ModifyOrder():
                self._change(write, "modify", reply)
            case CancelOrder():
                self._change(write, "cancel", reply)

    def forget(self) -> None:
        """The agent's process died: nobody hears answers any more, but what left, left."""
        self._due = [due for due in self._due if not due.is_ours]
        heapq.heapify(self._due)

    def later(self, span_s: float, act: Callable[[], None], *, is_ours: bool = False) -> None:
        due = Due(Micros(self.now + seconds(span_s)), next(self._numbers), act, is_ours)
        heapq.heappush(self._due, due)

    def run_to(self, at: Micros) -> None:
        """Let time pass; what is due happens in its order."""
        while self._due and self._due[0].at <= at:
            due = heapq.heappop(self._due)
            self.now = max(self.now, due.at)
            due.act()
        self.now = at

    # What the market does.

    def fill(self, order: Resting, lots: int) -> None:
        """Trade some of an order, triggering it first; what is not live does nothing."""
        units = min(lots * LOT, order.remaining)
        if units <= 0:
            return
        order.status = Status.OPEN
        order.filled += units
        tradeid = f"T{len(self.trades) + 1}"
        self.trades.append(a_trade(order.ticket, units, order.ticket.price, order.orderid, tradeid))
        if order.filled == order.ticket.quantity:
            order.status = Status.COMPLETE

    def trigger(self, order: Resting) -> None:
        """The price jumped over an order: triggered, and nothing traded."""
        if order.status is Status.TRIGGER_PENDING:
            order.status = Status.OPEN

    def human_order(self, ticket: Ticket) -> None:
        """The owner of the account rests an order of his own; it never trades."""
        number = f"H{len(self.orders) + 1}"
        status = Status.TRIGGER_PENDING if ticket.trigger else Status.OPEN
        self.orders[number] = Resting(number, "", ticket, status, self.now)

    def cancel_by_others(self, order: Resting) -> None:
        """Risk control ends an order."""
        if order.is_live:
            order.status = Status.CANCELLED

    # What is true.

    def own(self) -> list[Resting]:
        return [order for order in self.orders.values() if order.ref]

    def net(self) -> dict[str, int]:
        net: dict[str, int] = {}
        for trade in self.trades:
            net[trade.symbol] = net.get(trade.symbol, 0) + trade.action.sign * trade.quantity
        return net

    def buying(self, symbol: str) -> int:
        """Units that live BUY orders could still buy."""
        return sum(
            order.remaining
            for order in self.own()
            if order.ticket.symbol == symbol and order.ticket.action is Action.BUY
        )

    # What the books show.

    def read(self, done: Callable[[Books | None], None]) -> None:
        """Read three books one after the other; None: the server could not."""
        asked, manner, gap = self.now, self.manners.books, 0.3
        if manner == "down":
            self.later(gap, lambda: done(None), is_ours=True)
            return
        rows = self._rows()
        if manner == "short":
            rows = rows[:-1]
        elif manner == "empty" and len(rows) > 1:
            rows = ()

        def positions(trades: tuple[TradeRow, ...]) -> None:
            # A torn read: what traded between the reads is in one of them only.
            truth = some_books(trades=self.trades)
            done(some_books(rows, trades, asked=asked, got=self.now, positions=truth.positions))

        def trades() -> None:
            seen = () if manner == "empty" else tuple(self.trades)
            self.later(gap, lambda: positions(seen), is_ours=True)

        self.later(gap, trades, is_ours=True)

    def _rows(self) -> tuple[OrderRow, ...]:
        return tuple(
            a_row(order.ticket, order.orderid, order.status)
            for order in self.orders.values()
            if order.shown_at <= self.now
        )

    # What happens to a write.

    def _answer(self, ask: Ask, span_s: float, outcome: Outcome, orderid: str = "") -> None:
        def deliver() -> None:
            answer = a_reply(outcome, orderid, ref=ask.ref, when=self.now)
            ask.reply(ask.ref, ask.op, answer)

        self.later(span_s, deliver, is_ours=True)

    def _place(self, write: PlaceOrder, reply: Reply) -> None:
        ask = Ask(write.ref, "place", reply)
        manner, late = self.manners.place, self.manners.late_s
        match manner:
            case "prompt" | "rejected_later":
                orderid = self._accept(write, manner)
                self._answer(ask, 0.2, Outcome.DONE, orderid)
            case "late":
                self.later(late, lambda: self._accept_late(write, ask, late))
                if late >= 20:
                    self._answer(ask, 20, Outcome.UNKNOWN)
            case "lost":
                self._accept(write, manner)
                self._answer(ask, 20, Outcome.UNKNOWN)
            case "failed_but_placed":
                self._accept(write, manner)
                self._answer(ask, 0.5, Outcome.UNKNOWN)
            case "never":
                self._answer(ask, 0.5, Outcome.UNKNOWN)
            case "refused":
                self._answer(ask, 0.1, Outcome.REJECTED)
            case _:
                self._answer(ask, 0, Outcome.NOT_SENT)

    def _accept_late(self, write: PlaceOrder, ask: Ask, late: float) -> None:
        orderid = self._accept(write, "late")
        if late < 20:
            self._answer(ask, 0.1, Outcome.DONE, orderid)

    def _accept(self, write: PlaceOrder, manner: str) -> str:
        orderid = f"O{len(self.orders) + 1}"
        resting = write.ticket.pricetype is PriceType.SL
        status = Status.TRIGGER_PENDING if resting else Status.OPEN
        order = Resting(
            orderid=orderid,
            ref=write.ref,
            ticket=write.ticket,
            status=Status.REJECTED if manner == "rejected_later" else status,
            shown_at=Micros(self.now + seconds(self.manners.shown_after_s)),
        )
        self.orders[orderid] = order
        return orderid

    def _change(self, write: ModifyOrder | CancelOrder, op: str, reply: Reply) -> None:
        ask, late = Ask(write.ref, op, reply), self.manners.late_s
        match self.manners.change:
            case "prompt":
                self.later(0.1, lambda: self._apply(write))
                self._answer(ask, 0.2, Outcome.DONE, write.orderid)
            case "slow":
                self.later(min(late, 3), lambda: self._apply(write))
                self._answer(ask, 0.2, Outcome.DONE, write.orderid)
            case "lost":
                self.later(min(late, 3), lambda: self._apply(write))
                self._answer(ask, 20, Outcome.UNKNOWN)
            case "never":
                self._answer(ask, 0.5, Outcome.UNKNOWN)
            case "refused":
                self._answer(ask, 0.1, Outcome.REJECTED)
            case _:
                self._answer(ask, 0, Outcome.NOT_SENT)

    def _apply(self, write: ModifyOrder | CancelOrder) -> None:
        order = self.orders[write.orderid]
        if not order.is_live:
            return
        if isinstance(write, CancelOrder):
            order.status = Status.CANCELLED
        elif write.ticket.quantity > order.filled:
            order.ticket = write.ticket
            assert order.ticket.quantity % LOT == 0
