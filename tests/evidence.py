"""A table on which snapshots are laid upon one order, to see what they prove."""

from collections.abc import Iterable
from typing import Any

from domain import events as ev
from domain.blotter import Blotter
from domain.books import OrderRow, TradeRow, UnreadRow
from domain.evidence import Memory, Weighing
from domain.ledger import Ledger
from domain.orders import Order, State
from domain.params import OrderParams, ReconcileParams
from tests.orders import ENTRY, some_books, t
from tests.trading import an_order


class Table:
    """A ledger with one order, the memory of earlier reads, and snapshots to lay upon it."""

    def __init__(self, order: Order | None = None) -> None:
        self.blotter = Blotter(Ledger(), "d-1", OrderParams())
        self.memory = Memory()
        if order is not None:
            self.add(order)

    def add(self, order: Order) -> None:
        self.blotter.ledger._keep(order)

    def read(
        self,
        seconds: float,
        rows: Iterable[OrderRow] = (),
        trades: Iterable[TradeRow] = (),
        *,
        got: float | None = None,
        unread: Iterable[UnreadRow] = (),
    ) -> "Table":
        until = t(seconds if got is None else got)
        books = some_books(rows, trades, asked=t(seconds), got=until, unread=unread)
        Weighing(books, self.blotter, self.memory, OrderParams(), ReconcileParams()).run()
        return self

    @property
    def order(self) -> Order:
        return self.blotter.ledger.orders["i1"]

    def found(self, kind: type) -> list[ev.Event]:
        return [event for event in self.blotter.events if isinstance(event, kind)]

    @property
    def kinds(self) -> list[str]:
        return [e.kind for e in self.blotter.events if isinstance(e, ev.FindingApplied)]


def an_entry(state: State = State.TRIGGER_PENDING, orderid: str = "A1", **more: Any) -> Order:
    values: dict[str, Any] = {
        "sent_at": t(0),
        "changed_at": t(0),
        "ticket": ENTRY,
        "leg": "i1",
    } | more
    return an_order(intent="i1", state=state, orderid=orderid, **values)


def in_flight(state: State = State.UNKNOWN) -> Order:
    return an_entry(state, "")
