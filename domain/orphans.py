"""Shorts that the broker's books show and our journal does not know: the rebuild after its loss.

A short is an orphan of ours if it is an MIS position in an option of our underlying, found before
any process of the day has recovered with this journal: the journal was damaged or lost, restored
from a backup, or is empty. Once a process has recovered, every short of ours is in the journal, and
one that is not is somebody else's (`execution.md` 7.4).

Each SELL order that still is short, the newest first, is taken over as a leg of its own. BUY stops
that rest for the symbol become its stops; without one it gets a stop above the last price. Nothing
is cancelled here, and whoever has orphans enters nothing that day.
"""

from collections.abc import Callable, Iterator

import msgspec

from domain import events as ev
from domain.books import Action, Books, OrderRow, PriceType, Status, TradeRow
from domain.exits import stop_plan
from domain.ledger import Ledger
from domain.orders import Pending, Purpose, State, StopPlan, Ticket
from domain.params import StopParams
from domain.symbols import BadSymbol, parse
from domain.units import Paise, Symbol, Units

STRATEGY = "orphan"
"""The tag of what is taken over: no strategy moves its stop or counts it as its own."""

USUAL_TICK = Paise(5)
"""The tick of every NSE index option: the day's contract facts were lost with the journal."""

POINTS = 2000
BPS = 3000
"""How far above the last price an orphan's stop is put: 20.00, or 30 % if that is more."""

_WORKING = {Status.OPEN, Status.TRIGGER_PENDING}


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """How orphans are taken over.

    `underlying` is our universe, `prefix` names the process; `protects` is
    `recover.protect_orphans`: without it, only what has a stop in the book is taken over.
    """

    underlying: str
    prefix: str
    stop: StopParams
    protects: bool = True


class Orphans(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be recorded, and the symbols with exchange whose price is needed before that."""

    events: tuple[ev.Event, ...] = ()
    unpriced: tuple[tuple[Symbol, str], ...] = ()


def orphans(
    books: Books,
    ledger: Ledger,
    last: Callable[[Symbol], Paise | None],
    terms: Terms,
    *,
    is_blind: bool = False,
) -> Orphans:
    """Return how the shorts of a valid snapshot are taken over; nothing once a process recovered.

    Ask before the snapshot is weighed: weighing calls every order it does not know foreign. `last`
    tells a symbol's last price in paise; while it does not, and a stop is needed, the symbol is
    `unpriced` and nothing of it is recorded. `is_blind`: no price will come, the average at which
    the order sold has to do.
    """
    if ledger.has_recovered:
        return Orphans()
    events: list[ev.Event] = []
    unpriced: list[tuple[Symbol, str]] = []
    for row in books.positions:
        if row.product != "MIS" or row.net >= 0 or not _is_ours(row.symbol, terms):
            continue
        short = Units(-row.net - _known(ledger, row.symbol))
        found = _Symbol(books, ledger, row.symbol, terms).taken(short, last, is_blind=is_blind)
        if found is None:
            unpriced.append((row.symbol, row.exchange))
        else:
            events += found
    return Orphans(events=tuple(events), unpriced=tuple(unpriced))


class _Symbol:
    """What the books say of one symbol, without what the ledger knows."""

    def __init__(self, books: Books, ledger: Ledger, symbol: Symbol, terms: Terms) -> None:
        own = ledger.own_ids()
        self._at = books.got_at
        self._terms = terms
        self._symbol = symbol
        self._rows = [
            row
            for row in books.orders
            if row.symbol == symbol and row.product == "MIS" and row.orderid not in own
        ]
        self._trades = [trade for trade in books.trades if trade.symbol == symbol]
        contract = ledger.contract(symbol)
        self._tick = contract.tick if contract else USUAL_TICK

    def taken(
        self, short: int, last: Callable[[Symbol], Paise | None], *, is_blind: bool
    ) -> list[ev.Event] | None:
        """Return the events that take over so many units; None while a price is missing."""
        events: list[ev.Event] = []
        stops = [row for row in self._rows if _is_stop(row)]
        sells = [row for row in self._rows if row.action is Action.SELL and self._units(row)]
        for row in sorted(sells, key=lambda row: (row.placed_at or 0, row.orderid), reverse=True):
            if short <= 0:
                break
            open_units = min(short, self._units(row))
            short -= open_units
            mine = _enough(stops, open_units)
            if mine:
                plan = StopPlan(trigger=mine[0].trigger, limit=mine[0].price)
            elif not self._terms.protects:
                continue
            else:
                price = last(self._symbol)
                if price is None and not is_blind:
                    return None
                plan = self._plan(price or self._average(row))
            events += self._leg(row, plan, open_units, mine)
        return events

    def _leg(
        self, row: OrderRow, plan: StopPlan, open_units: int, stops: list[OrderRow]
    ) -> Iterator[ev.Event]:
        name = f"{self._terms.prefix}-orphan-{row.orderid}"
        ticket = _ticket(row)
        sold, bought = self._units(row), sum(self._units(stop) for stop in stops)
        yield ev.OrphanFound(
            at=self._at,
            intent=name,
            orderid=row.orderid,
            ticket=ticket,
            side=parse(row.symbol).side,
            filled=Units(sold),
            value=self._value(row),
            stop=plan,
        )
        gone = sold - bought - open_units
        if gone > 0:
            buys = [t for t in self._trades if t.action is Action.BUY]
            value = gone * _sum(buys) // max(1, sum(t.quantity for t in buys))
            yield ev.ExternalClosed(at=self._at, leg=name, units=Units(gone), value=value)
        for stop in stops:
            yield from self._adopted(stop, name)

    def _adopted(self, row: OrderRow, leg: str) -> Iterator[ev.Event]:
        intent = f"{leg}-{row.orderid}"
        yield ev.IntentPlanned(
            at=self._at,
            intent=intent,
            purpose=Purpose.STOP,
            leg=leg,
            ticket=_ticket(row),
            baseline=(),
            fingerprint=0,
            reason="orphan's stop",
        )
        yield ev.StateChanged(
            at=self._at,
            intent=intent,
            state=State.ACKED,
            pending=Pending.NONE,
            orderid=row.orderid,
            reason="adopted",
        )

    def _plan(self, price: int) -> StopPlan:
        above = max(POINTS, -(-price * BPS // 10_000))
        return stop_plan(price + above, self._terms.stop, self._tick)

    def _of(self, row: OrderRow) -> list[TradeRow]:
        return [trade for trade in self._trades if trade.orderid == row.orderid]

    def _units(self, row: OrderRow) -> int:
        return sum(trade.quantity for trade in self._of(row))

    def _value(self, row: OrderRow) -> int:
        return _sum(self._of(row))

    def _average(self, row: OrderRow) -> int:
        return self._value(row) // self._units(row)


def _is_ours(symbol: Symbol, terms: Terms) -> bool:
    try:
        return parse(symbol).name == terms.underlying
    except BadSymbol:
        return False


def _known(ledger: Ledger, symbol: Symbol) -> int:
    """Return how many units of a symbol the ledger knows to be short."""
    return -min(0, ledger.own_net().get(symbol, 0))


def _is_stop(row: OrderRow) -> bool:
    return row.action is Action.BUY and row.trigger > 0 and row.status in _WORKING


def _enough(stops: list[OrderRow], units: int) -> list[OrderRow]:
    """Take from `stops` one that fits exactly, else as many as cover the units."""
    fitting = next((row for row in stops if row.quantity == units), None)
    taken = [fitting] if fitting else []
    while not fitting and stops[len(taken) :] and sum(row.quantity for row in taken) < units:
        taken.append(stops[len(taken)])
    for row in taken:
        stops.remove(row)
    return taken


def _ticket(row: OrderRow) -> Ticket:
    return Ticket(
        symbol=row.symbol,
        exchange=row.exchange,
        action=row.action,
        quantity=row.quantity,
        pricetype=PriceType.SL if row.trigger else PriceType.LIMIT,
        price=row.price,
        trigger=row.trigger,
        strategy=STRATEGY,
    )


def _sum(trades: list[TradeRow]) -> int:
    return sum(trade.quantity * trade.price for trade in trades)
