"""The short of tests/orders.py on its way out, and a short notation for what was sent about it."""

from collections.abc import Iterable

from domain.books import OrderRow, Status, TradeRow
from domain.calls import CancelOrder, ModifyOrder, Write
from domain.orders import StopPlan
from domain.positions import Phase
from domain.units import Paise
from tests.orders import (
    CE,
    ENTRY,
    Bench,
    a_row,
    an_open_short,
    rows_of_short,
    sold,
    t,
)
from tests.trading import TAG, at

FILLED = a_row(ENTRY, status=Status.COMPLETE)
FORCE = (at("15:15") - t(0)) / 1_000_000
QUIET = (at("15:24:30") - t(0)) / 1_000_000
HIGHER = StopPlan(trigger=Paise(14_200), limit=Paise(15_340))


def brief(writes: Iterable[Write]) -> list[tuple[str, str, int, int]]:
    """What was sent: the kind, the id or intent it is about, units and price."""
    found = []
    for write in writes:
        if isinstance(write, CancelOrder):
            found.append(("cancel", write.orderid, 0, 0))
        else:
            name = write.orderid if isinstance(write, ModifyOrder) else write.ticket.pricetype.value
            kind = "modify" if isinstance(write, ModifyOrder) else "place"
            found.append((kind, name, write.ticket.quantity, write.ticket.price))
    return found


def sent(bench: Bench) -> list[tuple[str, str, int, int]]:
    return brief(bench.take())


def phase(bench: Bench) -> tuple[Phase, str]:
    (leg,) = bench.ledger.legs.values()
    return leg.phase, leg.reason


def leave(bench: Bench, seconds: float) -> Bench:
    bench.desk.leave(TAG, CE, "EXIT", t(seconds))
    return bench.settle(seconds)


def a_chase(*quotes: tuple[int, int]) -> Bench:
    """The short of tests/orders.py left at 20 s, its stop cancelled for good at 23 s.

    Its cover is sent at 23 s; `quotes` of a last price and an ask come half a second before.
    """
    bench = leave(an_open_short(), 20)
    bench.read(21, rows_of_short(), [sold()]).reply(21.2, orderid="S1")
    gone = rows_of_short(Status.CANCELLED)
    bench.read(22, gone, [sold()])
    for ltp, ask in quotes:
        bench.quote(22.5, ltp, ask)
    return bench.read(23, gone, [sold()])


def cover_row(bench: Bench, status: Status = Status.OPEN) -> OrderRow:
    return a_row(bench.order().ticket, "C1", status)


def a_climb() -> Bench:
    """That chase at an ask of 15000: its cover, asked at 15750, is open as C1 since 24.5 s."""
    bench = a_chase((14_990, 15_000)).reply(23.2, orderid="C1")
    rows = [*rows_of_short(Status.CANCELLED), cover_row(bench)]
    return bench.read(24.5, rows, [sold()])


def read_climb(bench: Bench, seconds: float, trades: Iterable[TradeRow] = ()) -> Bench:
    rows = [*rows_of_short(Status.CANCELLED), cover_row(bench)]
    return bench.read(seconds, rows, [sold(), *trades])
