"""Selling back what was bought too much: our own excess only, by the ladder mirrored.

`execution.md` 9.6. Two valid snapshots must show it. A long option can lose no more than its price,
so nothing is sold blind, and nothing in the quiet before the broker's own square-off.
"""

from msgspec.structs import replace

from domain import events as ev
from domain.bearings import CLOSED, NEVER_LEFT, Bearings
from domain.books import Action, PriceType
from domain.ladder import Ladder, Rungs, not_after
from domain.orders import Order, Purpose, State, Ticket
from domain.pages import PageCode
from domain.positions import Leg
from domain.units import Micros, Paise, Symbol, Units

OWN_LONG = "OWN_LONG"


class SellBack:
    """Watches every symbol for an excess of ours, and sells it."""

    def __init__(self, bearings: Bearings) -> None:
        self._b = bearings
        self._rungs = Rungs(bearings, Action.SELL)
        self._ladders: dict[Symbol, Ladder] = {}
        self._seen: dict[Symbol, Micros] = {}
        self._proved: dict[Symbol, Units] = {}

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        """What is being sold back, or waits to be."""
        live = {order.ticket.symbol for order in self._b.ledger.live(Purpose.SELL_BACK)}
        return tuple(sorted(live | self._proved.keys()))

    def not_after(self, at: Micros) -> None:
        """Let nothing be due only at an instant the clock was set back from."""
        self._ladders = {symbol: not_after(known, at) for symbol, known in self._ladders.items()}
        self._seen = {symbol: min(seen, at) for symbol, seen in self._seen.items()}

    def saw(self, asked_at: Micros, at: Micros) -> None:
        """Take a valid snapshot in: the second one that shows an excess proves it."""
        long = self._excess()
        self._proved = {
            s: units for s, units in long.items() if self._seen.get(s, asked_at) < asked_at
        }
        self._seen = {s: self._seen.get(s, asked_at) for s in long}
        for symbol, units in self._proved.items():
            self._tell(symbol, units, at)

    def step(self, at: Micros, *, quiet: bool) -> None:
        """Take every excess one step nearer to nothing."""
        excess = self._excess()
        for symbol in self.symbols:
            units = excess.get(symbol, Units(0))
            orders = self._b.ledger.live(Purpose.SELL_BACK)
            live = [order for order in orders if order.ticket.symbol == symbol]
            for order in live:
                self._tend(order, units, at, quiet=quiet)
            proved = Units(min(units, self._proved.get(symbol, 0)))
            if proved and not live and not quiet and self._b.terms.exits.sell_back:
                self._place(symbol, proved, at)

    def _excess(self) -> dict[Symbol, Units]:
        nets = self._b.ledger.own_net().items()
        return {symbol: Units(net) for symbol, net in nets if net > 0}

    def _tell(self, symbol: Symbol, units: Units, at: Micros) -> None:
        text = f"{units} units bought back too many"
        self._b.pages.add(PageCode.OWN_LONG, symbol, text, at)
        if symbol not in self._ladders:
            self._ladders[symbol] = Ladder(since=at)
            found = ev.FindingApplied(at=at, kind=OWN_LONG, subject=symbol, detail=text)
            self._b.blotter.record(found)
        if OWN_LONG not in self._b.ledger.latches:
            self._b.blotter.record(ev.LatchSet(at=at, name=OWN_LONG, reason=f"{symbol}: {text}"))

    def _tend(self, order: Order, units: Units, at: Micros, *, quiet: bool) -> None:
        symbol = order.ticket.symbol
        ladder = self._ladders.setdefault(symbol, Ladder(since=at))
        self._ladders[symbol] = ladder = self._rungs.judged(ladder, at)
        fits = order.remaining == self._slice(symbol, units)
        if order.state is State.PLANNED and (quiet or not fits):
            self._b.give_up(order, at, NEVER_LEFT if units else CLOSED)
        elif order.state is State.PLANNED:
            self._b.resend(order, at)
        elif not fits or ladder.modifies >= self._b.terms.exits.max_modifies:
            self._b.end(order, at, "another quantity is left" if units else CLOSED)
        elif self._b.may_fill(order) and order.may_be_asked(at) and not quiet:
            self._descend(order, ladder, at)

    def _descend(self, order: Order, ladder: Ladder, at: Micros) -> None:
        symbol, price = order.ticket.symbol, order.ticket.price
        if not self._rungs.is_due(ladder, at):
            return
        step = self._rungs.next(symbol, ladder, None, at)
        if step is None:
            return
        if step.price < price:
            lower = replace(order.ticket, price=step.price)
            self._b.blotter.modify(order, lower, at, f"rung {step.rung}")
            step = replace(step, intent=order.intent)
        else:
            step = replace(step, price=price, rung=step.rung + (not step.is_cut), in_band=0)
        self._ladders[symbol] = step

    def _place(self, symbol: Symbol, units: Units, at: Micros) -> None:
        ladder = self._rungs.judged(self._ladders.setdefault(symbol, Ladder(since=at)), at)
        self._ladders[symbol] = ladder
        leg = self._leg(symbol)
        if leg is None or not self._rungs.is_due(ladder, at):
            return
        step = self._rungs.next(symbol, ladder, None, at)
        if step is not None:
            ticket = _a_sale(leg, self._slice(symbol, units), step.price)
            sale = self._b.place(Purpose.SELL_BACK, leg, ticket, at, OWN_LONG)
            self._ladders[symbol] = replace(step, intent=sale.intent, modifies=0)

    def _leg(self, symbol: Symbol) -> Leg | None:
        """Return the leg that was bought back too far, or the newest of the symbol."""
        legs = [leg for leg in self._b.ledger.legs.values() if leg.symbol == symbol]
        return next((leg for leg in legs if leg.short < 0), legs[-1] if legs else None)

    def _slice(self, symbol: Symbol, units: Units) -> Units:
        contract = self._b.ledger.contract(symbol)
        return units if contract is None else Units(min(units, contract.slice_max))


def _a_sale(leg: Leg, units: Units, price: Paise) -> Ticket:
    return Ticket(
        symbol=leg.symbol,
        exchange=leg.exchange,
        action=Action.SELL,
        quantity=units,
        pricetype=PriceType.LIMIT,
        price=price,
        trigger=Paise(0),
        strategy=leg.strategy,
    )
