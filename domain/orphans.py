"""Shorts that the broker's books show and our journal does not know: the rebuild after its loss.

A short is an orphan of ours if it is an MIS position in an option of our underlying, found before
any process of the day has recovered with this journal, and the journal was damaged: a file of it
was set aside. Once a process has recovered, every short of ours is in the journal, and one that is
not is somebody else's (`execution.md` 7.4).

Each SELL order that still is short, the newest first, is taken over as a leg of its own. BUY orders
that work for the symbol become its stops and covers; without one it gets a stop above the last
price. Nothing is cancelled here, and whoever has orphans enters nothing that day.

A journal that is merely empty was not lost: the shorts may be another agent's, or a human's, and
what a BUY order of theirs works for is left to them. One that nothing covers is taken over all the
same: an option that is short without a stop can lose without limit, whoever sold it.
"""

from collections.abc import Callable, Iterator

import msgspec
from msgspec.structs import replace

from domain import events as ev
from domain.books import Action, Books, OrderRow, PriceType, Status, TradeRow
from domain.exits import stop_plan
from domain.gate_exits import sized_for
from domain.ledger import Ledger
from domain.orders import Pending, Purpose, State, StopPlan, Ticket
from domain.params import StopParams
from domain.reasons import Condition
from domain.symbols import BadSymbol, parse
from domain.units import Micros, Paise, Symbol, Units, ceil_tick

LOST = frozenset({Condition.JOURNAL_LOST, Condition.JOURNAL_DOUBT})
"""Findings of a start that set a file of the journal aside."""

STRATEGY = "orphan"
"""The tag of what is taken over: no strategy moves its stop or counts it as its own."""

POINTS = 2000
BPS = 3000
"""How far above the last price an orphan's stop is put: 20.00, or 30 % if that is more."""

_WORKING = {Status.OPEN, Status.TRIGGER_PENDING}
ENDED = {Status.COMPLETE, Status.REJECTED, Status.CANCELLED}


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
    """What is to be recorded, and the symbols with exchange whose price is needed before that.

    `found` are all shorts the ledger does not know, in words, also those that are left alone.
    """

    events: tuple[ev.Event, ...] = ()
    unpriced: tuple[tuple[Symbol, str], ...] = ()
    found: tuple[str, ...] = ()


def is_lost(ledger: Ledger) -> bool:
    """Whether a part of the journal was set aside today: what it does not know may be ours."""
    return not LOST.isdisjoint(ledger.unsafe)


def orphans(
    books: Books,
    ledger: Ledger,
    last: Callable[[Symbol], Paise | None],
    terms: Terms,
    *,
    is_blind: bool = False,
    is_lost: bool = True,
) -> Orphans:
    """Return how the shorts of a valid snapshot are taken over; nothing once a process recovered.

    Ask before the snapshot is weighed: weighing calls every order it does not know foreign. `last`
    tells a symbol's last price in paise; while it does not, and a stop is needed, the symbol is
    `unpriced` and nothing of it is recorded. `is_blind`: no price will come, the average at which
    the order sold has to do. Unless the journal `is_lost`, what a BUY order works for is left.
    """
    if ledger.has_recovered:
        return Orphans()
    events: list[ev.Event] = []
    unpriced: list[tuple[Symbol, str]] = []
    words: list[str] = []
    for row in books.positions:
        short = Units(-row.net - _known(ledger, row.symbol))
        if row.product != "MIS" or short <= 0 or not _is_ours(row.symbol, terms):
            continue
        symbol = _Symbol(books, ledger, row.symbol, terms)
        words.append(symbol.words(short))
        if not is_lost and symbol.buys:
            continue
        found = symbol.taken(short, last, is_blind=is_blind)
        if found is None:
            unpriced.append((row.symbol, row.exchange))
        else:
            events += found
    return Orphans(events=tuple(events), unpriced=tuple(unpriced), found=tuple(words))


def unwritten(books: Books, ledger: Ledger, prefix: str) -> tuple[ev.Event, ...]:
    """Return how stops of ours are taken back that no disk took when they were sent.

    Ask at a start, before the snapshot is weighed. It is ours if nobody knows it, and it rests with
    the trigger and for the units that a leg of ours lacks; two of them prove nothing.
    """
    events: list[ev.Event] = []
    known = ledger.known_ids()
    for leg in ledger.open_legs():
        missing = ledger.uncovered(leg)
        if missing <= 0 or any(order.state.is_in_flight for order in ledger.exits(leg.leg)):
            continue
        tick = sized_for(ledger.contract(leg.symbol), Units(0))[0]
        trigger = ceil_tick(leg.stop.trigger, tick)
        rows = [
            row
            for row in books.orders
            if (row.symbol, row.product, row.quantity) == (leg.symbol, "MIS", missing)
            and is_buying(row)
            and row.trigger == trigger
            and row.orderid not in known
        ]
        if len(rows) == 1:
            intent = f"{prefix}-found-{rows[0].orderid}"
            ticket = replace(_ticket(rows[0]), strategy=leg.strategy)
            events += _adopted(ticket, rows[0].orderid, leg.leg, intent, books.got_at)
    return tuple(events)


def adopted(row: OrderRow, leg: str, intent: str, at: Micros) -> Iterator[ev.Event]:
    """Return how a working BUY of the books becomes a stop or cover of a leg."""
    yield from _adopted(_ticket(row), row.orderid, leg, intent, at)


def _adopted(ticket: Ticket, orderid: str, leg: str, intent: str, at: Micros) -> Iterator[ev.Event]:
    """Take a BUY: a stop, or a LIMIT that left the short already and goes on climbing."""
    purpose = Purpose.STOP if ticket.trigger else Purpose.COVER
    yield ev.IntentPlanned(
        at=at,
        intent=intent,
        purpose=purpose,
        leg=leg,
        ticket=ticket,
        baseline=(),
        fingerprint=0,
        reason=f"{purpose} found in the books",
    )
    yield ev.StateChanged(
        at=at,
        intent=intent,
        state=State.ACKED,
        pending=Pending.NONE,
        orderid=orderid,
        reason="adopted",
    )


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
        self.buys = [
            row for row in self._rows if row.action is Action.BUY and row.status not in ENDED
        ]
        contract = ledger.contract(symbol)
        self._tick = sized_for(contract, Units(0))[0]

    def words(self, short: int) -> str:
        """Say what is there, for a human."""
        buys = " ".join(row.orderid for row in self.buys)
        return f"{self._symbol} short {short}, {f'BUY orders {buys}' if buys else 'no BUY order'}"

    def taken(
        self, short: int, last: Callable[[Symbol], Paise | None], *, is_blind: bool
    ) -> list[ev.Event] | None:
        """Return the events that take over so many units; None while a price is missing."""
        events: list[ev.Event] = []
        stops = [row for row in self._rows if is_buying(row) and row.trigger > 0]
        limits = [row for row in self._rows if is_buying(row) and row.trigger <= 0]
        sells = [row for row in self._rows if row.action is Action.SELL and self._units(row)]
        for row in sorted(sells, key=lambda row: (row.placed_at or 0, row.orderid), reverse=True):
            if short <= 0:
                break
            open_units = min(short, self._units(row))
            short -= open_units
            mine = enough(stops, open_units)
            mine += enough(limits, open_units - sum(self._left(buy) for buy in mine))
            if mine:
                plan = StopPlan(trigger=mine[0].trigger or mine[0].price, limit=mine[0].price)
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
        self, row: OrderRow, plan: StopPlan, open_units: int, buys: list[OrderRow]
    ) -> Iterator[ev.Event]:
        name = f"{self._terms.prefix}-orphan-{row.orderid}"
        ticket = _ticket(row)
        sold, bought = self._units(row), sum(self._units(buy) for buy in buys)
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
            paid = [t for t in self._trades if t.action is Action.BUY]
            value = gone * _sum(paid) // max(1, sum(t.quantity for t in paid))
            yield ev.ExternalClosed(at=self._at, leg=name, units=Units(gone), value=value)
        for buy in buys:
            intent = f"{name}-{buy.orderid}"
            yield from _adopted(_ticket(buy), buy.orderid, name, intent, self._at)

    def _plan(self, price: int) -> StopPlan:
        above = max(POINTS, -(-price * BPS // 10_000))
        return stop_plan(price + above, self._terms.stop, self._tick)

    def _of(self, row: OrderRow) -> list[TradeRow]:
        return [trade for trade in self._trades if trade.orderid == row.orderid]

    def _units(self, row: OrderRow) -> int:
        return sum(trade.quantity for trade in self._of(row))

    def _left(self, row: OrderRow) -> int:
        return row.quantity - self._units(row)

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


def is_buying(row: OrderRow) -> bool:
    """Whether it is a BUY that works."""
    return row.action is Action.BUY and row.status in _WORKING


def enough(buys: list[OrderRow], units: int) -> list[OrderRow]:
    """Take from `buys` one that fits exactly, else as many as cover the units."""
    fitting = next((row for row in buys if row.quantity == units), None)
    taken = [fitting] if fitting else []
    while not fitting and buys[len(taken) :] and sum(row.quantity for row in taken) < units:
        taken.append(buys[len(taken)])
    for row in taken:
        buys.remove(row)
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
