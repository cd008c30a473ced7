"""Walking a short from its fill to flat: protect it, chase it, prove nothing is left over.

One leg, one live exit order. An order is modified, else cancelled and, once its end is proved,
replaced by a LIMIT on what is left; nothing is ever placed beside an order that may still buy.
"""

from collections import defaultdict

import msgspec

from domain import events as ev
from domain.blotter import Blotter, Intent
from domain.books import Action, PriceType
from domain.contracts import Contract
from domain.evidence import Memory
from domain.exits import Reference, Tape, band_high, rung
from domain.orders import Order, Pending, Purpose, State, StopPlan, Ticket
from domain.params import ExitParams, GateParams, ProtectParams
from domain.positions import Leg, Phase
from domain.units import Micros, Paise, Symbol, Units, seconds

UNKNOWN_APART = seconds(2)
"""How far apart two reads must miss an order in flight before a cover may go beside it."""


class Ladder(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Where a chase stands: the rungs used, the last price, and when it was sent."""

    since: Micros
    rungs: int = 0
    price: Paise = Paise(0)
    sent_at: Micros | None = None


class ExitDesk:
    """Steps every open leg.

    Called after each message; the same situation asks for nothing twice.
    """

    def __init__(
        self,
        blotter: Blotter,
        memory: Memory,
        exits: ExitParams,
        protect: ProtectParams,
        gate: GateParams,
    ) -> None:
        self._blotter = blotter
        self._memory = memory
        self._exits = exits
        self._protect_params = protect
        self._gate = gate
        self._tapes: dict[Symbol, Tape] = defaultdict(Tape)
        self._ladders: dict[str, Ladder] = {}
        self._bare_since: dict[str, Micros] = {}
        self._beside: set[str] = set()
        self._resent_at: dict[str, Micros] = {}

    def quoted(self, symbol: Symbol, reference: Reference) -> None:
        """Take a quote for the ladder."""
        self._tapes[symbol].add(reference)

    def wanted_quotes(self, at: Micros) -> tuple[tuple[Symbol, str], ...]:
        """Return the symbols whose price the ladder needs now."""
        half = self._exits.rung_s / 2
        return tuple(
            (leg.symbol, leg.exchange)
            for leg in self._blotter.ledger.open_legs()
            if leg.phase is Phase.CHASE
            and leg.short > 0
            and self._tapes[leg.symbol].fresh(at, half) is None
        )

    def bare(self, at: Micros) -> dict[str, Micros]:
        """Return the legs without full cover and since when, as far as we can see."""
        ledger = self._blotter.ledger
        for leg in ledger.legs.values():
            if leg.phase is not Phase.DONE and ledger.uncovered(leg) > 0:
                self._bare_since.setdefault(leg.leg, at)
            else:
                self._bare_since.pop(leg.leg, None)
        return self._bare_since

    def chase(self, leg: Leg, reason: str, at: Micros) -> None:
        """Stop protecting, start leaving; the first reason is kept."""
        if leg.phase is Phase.PROTECT:
            self._blotter.finish(leg.leg, Phase.CHASE, reason, at)

    def move_stop(self, leg: Leg, stop: StopPlan, at: Micros) -> None:
        """Note a new stop for a protected leg; the next step modifies the resting order."""
        if leg.phase is Phase.PROTECT and stop != leg.stop:
            self._blotter.record(ev.StopPlanned(at=at, intent=leg.leg, stop=stop))

    def step(self, at: Micros, *, quiet: bool) -> None:
        """Take every open leg one step further. While `quiet`, nothing new is bought."""
        self.bare(at)
        for leg in tuple(self._blotter.ledger.open_legs()):
            if leg.short <= 0:
                self._finish(leg, at)
            elif leg.phase is Phase.PROTECT:
                self._protect(leg, at)
            if self._blotter.ledger.legs[leg.leg].phase is Phase.CHASE and leg.short > 0:
                self._chase(self._blotter.ledger.legs[leg.leg], at, quiet=quiet)

    def _finish(self, leg: Leg, at: Micros) -> None:
        """End a leg that is bought back: no BUY of ours may outlive it."""
        for order in self._blotter.ledger.exits(leg.leg):
            if _may_cancel(order):
                self._blotter.cancel(order, at, "position is closed")
            elif order.state is State.PLANNED:
                self._blotter.move(order, State.REFUSED, at, reason="position is closed")
        entry = self._blotter.ledger.orders[leg.leg]
        if entry.state.is_terminal and not any(self._blotter.ledger.exits(leg.leg)):
            self._blotter.finish(leg.leg, Phase.DONE, leg.reason or "stopped", at)

    def _protect(self, leg: Leg, at: Micros) -> None:
        orders = list(self._blotter.ledger.exits(leg.leg))
        since = self._bare_since.get(leg.leg)
        if since is not None and at >= since + seconds(self._protect_params.emergency_s):
            self.chase(leg, "EMERGENCY", at)
        elif not orders:
            self._place_stop(leg, at)
        elif orders[0].state is State.PLANNED:
            self._resend(orders[0], at)
        elif orders[0].pending is Pending.NONE and orders[0].state.is_working:
            self._tend(leg, orders[0], at)

    def _place_stop(self, leg: Leg, at: Micros) -> None:
        """Place the first stop, or one in place of a stop that others cancelled."""
        refused = [
            o
            for o in self._blotter.ledger.orders.values()
            if o.leg == leg.leg
            and o.purpose is Purpose.STOP
            and o.state in {State.REFUSED, State.REJECTED}
        ]
        contract = self._blotter.ledger.contract(leg.symbol)
        if refused or contract is None:
            self.chase(leg, "STOP_REFUSED", at)
            return
        ticket = _buy(leg, leg.short, PriceType.SL, leg.stop.limit, leg.stop.trigger)
        stop = Intent(purpose=Purpose.STOP, ticket=ticket, leg=leg.leg, reason="protect")
        self._blotter.place(stop, at, contract.tick)

    def _tend(self, leg: Leg, order: Order, at: Micros) -> None:
        """Keep a working stop as large as the short, at its planned price; notice a jump."""
        if order.state is State.OPEN:
            if at >= order.changed_at + seconds(self._exits.unfilled_s):
                self.chase(leg, "STOP_JUMPED", at)
            return
        ticket = order.ticket
        quantity = Units(order.filled + leg.short)
        if ticket.quantity != quantity:
            grown = msgspec.structs.replace(ticket, quantity=quantity)
            self._blotter.modify(order, grown, at, "cover the whole short")
        elif ticket.trigger != leg.stop.trigger:
            moved = msgspec.structs.replace(ticket, price=leg.stop.limit, trigger=leg.stop.trigger)
            self._blotter.modify(order, moved, at, "stop moved")

    def _chase(self, leg: Leg, at: Micros, *, quiet: bool) -> None:
        self._ladders.setdefault(leg.leg, Ladder(since=at))
        orders = list(self._blotter.ledger.exits(leg.leg))
        for order in orders:
            self._leave(leg, order, at, quiet=quiet)
        if not quiet and self._is_free(leg):
            self._place_cover(leg, at)

    def _leave(self, leg: Leg, order: Order, at: Micros, *, quiet: bool) -> None:
        """Turn one live order towards the end: re-price what may fill, cancel what rests."""
        if order.state is State.PLANNED:
            self._blotter.move(order, State.REFUSED, at, reason="never left")
        elif order.pending is not Pending.NONE or not order.orderid:
            return
        elif order.state is State.OPEN:
            if not quiet:
                self._climb(leg, order, at)
        elif order.purpose is Purpose.STOP:
            self._blotter.cancel(order, at, leg.reason)

    def _is_free(self, leg: Leg) -> bool:
        """Whether nothing of ours may still buy this leg back."""
        live = list(self._blotter.ledger.exits(leg.leg))
        if not live:
            return True
        if leg.leg in self._beside or any(not o.state.is_in_flight for o in live):
            return False
        if all(self._memory.is_absent(o.intent, UNKNOWN_APART) for o in live):
            self._beside.add(leg.leg)
            return True
        return False

    def _place_cover(self, leg: Leg, at: Micros) -> None:
        contract = self._blotter.ledger.contract(leg.symbol)
        price = self._price(leg, contract, at)
        if price is None:
            return
        tick = contract.tick if contract else Paise(5)
        ticket = _buy(leg, leg.short, PriceType.LIMIT, price, Paise(0))
        cover = Intent(purpose=Purpose.COVER, ticket=ticket, leg=leg.leg, reason=leg.reason)
        placed = self._blotter.place(cover, at, tick)
        if placed is not None:
            self._climbed(leg, placed.ticket.price, at)

    def _climb(self, leg: Leg, order: Order, at: Micros) -> None:
        """Give a live order the next rung's price when it is due."""
        ladder = self._ladders[leg.leg]
        if ladder.sent_at is not None and at < ladder.sent_at + seconds(self._exits.rung_s):
            return
        if order.modifies >= self._exits.max_modifies:
            self._blotter.cancel(order, at, "too many modifications")
            return
        price = self._price(leg, self._blotter.ledger.contract(leg.symbol), at)
        if price is not None and price > order.ticket.price:
            higher = msgspec.structs.replace(order.ticket, price=price)
            self._blotter.modify(order, higher, at, f"rung {ladder.rungs}")
            self._climbed(leg, price, at)

    def _climbed(self, leg: Leg, price: Paise, at: Micros) -> None:
        ladder = self._ladders[leg.leg]
        self._ladders[leg.leg] = msgspec.structs.replace(
            ladder, rungs=ladder.rungs + 1, price=price, sent_at=at
        )

    def _price(self, leg: Leg, contract: Contract | None, at: Micros) -> Paise | None:
        """Return the next rung; blind after a rung without a quote; None while one is awaited."""
        tick = contract.tick if contract else Paise(5)
        ladder = self._ladders[leg.leg]
        tape = self._tapes[leg.symbol]
        quote = tape.fresh(at, self._exits.quote_max_age_s)
        if quote is not None and quote.price > 0:
            wanted = rung(ladder.rungs, ladder.price, quote.price, self._exits, tick)
        elif at >= (ladder.sent_at or ladder.since) + seconds(self._exits.rung_s):
            wanted = self._blind(leg, ladder, tick)
        else:
            return None
        mean = tape.mean(at)
        if mean is None:
            return wanted
        return min(wanted, band_high(mean, self._gate.band_safety_bps, tick))

    def _blind(self, leg: Leg, ladder: Ladder, tick: Paise) -> Paise:
        """Return a price without any quote: the stop's stored limit first, then up from it."""
        if not ladder.rungs:
            return leg.stop.limit
        return rung(ladder.rungs - 1, ladder.price, leg.stop.limit, self._exits, tick)

    def _resend(self, order: Order, at: Micros) -> None:
        """Send again what provably did not leave, at most once a second."""
        if at >= self._resent_at.get(order.intent, Micros(0)) + seconds(1):
            self._resent_at[order.intent] = at
            self._blotter.send(order.intent, at)


def _may_cancel(order: Order) -> bool:
    return bool(order.orderid) and order.pending is Pending.NONE and order.is_live


def _buy(leg: Leg, units: Units, kind: PriceType, price: Paise, trigger: Paise) -> Ticket:
    return Ticket(
        symbol=leg.symbol,
        exchange=leg.exchange,
        action=Action.BUY,
        quantity=units,
        pricetype=kind,
        price=price,
        trigger=trigger,
        strategy=leg.strategy,
    )
