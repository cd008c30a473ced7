"""Walking a short from its fill to flat: protect it, chase it, prove nothing is left over.

One leg, one live exit order. An order is modified, else cancelled and, once its end is proved,
replaced by a LIMIT on what is left; nothing is ever placed beside an order that may still buy.
"""

from collections import defaultdict

import msgspec
from msgspec.structs import replace

from domain import events as ev
from domain.blotter import Blotter, Intent
from domain.books import Action, PriceType
from domain.evidence import Memory
from domain.exits import Reference, Tape, band_high, rung
from domain.orders import ASK_APART, Order, Purpose, State, StopPlan, Ticket
from domain.params import ExitParams, GateParams, ProtectParams
from domain.positions import Leg, Phase
from domain.units import Micros, Paise, Symbol, Units, seconds

UNKNOWN_APART = seconds(2)
"""How far apart two reads must miss an order in flight before a cover may go beside it."""

STOP_MODIFIES = 20
"""How often a resting stop is moved; exchanges refuse the 25th change, and size needs some."""

KNOCK_APART = seconds(120)
"""How often an exchange that stands still is asked whether it takes orders again."""

NOT_THE_ORDERS_FAULT = frozenset({"BAND", "SESSION", "DENIED", "SEMI_AUTO"})
"""Refusals of a modify that say nothing of the order: another price, or a later time, may pass."""

REFUSALS = frozenset({State.REFUSED, State.REJECTED})

USUAL_TICK = Paise(5)
"""The tick of every NSE index option; used only where the day's contract facts were lost."""


class Ladder(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Where a chase stands: the rung asked for last, its price, when, and whether the band cut it.

    A rung counts once an order carries its price uncut: a broker that is down climbs nothing.
    `modifies` counts the changes asked of the order at hand, `quantity` is the one last asked for.
    """

    since: Micros
    rung: int = 0
    price: Paise = Paise(0)
    sent_at: Micros | None = None
    is_cut: bool = False
    modifies: int = 0
    quantity: Units = Units(0)


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
        self.is_blind = False
        self._blotter = blotter
        self._memory = memory
        self._exits = exits
        self._protect_params = protect
        self._gate = gate
        self._tapes: dict[Symbol, Tape] = defaultdict(Tape)
        self._ladders: dict[str, Ladder] = {}
        self._bare_since: dict[str, Micros] = {}
        self._beside: set[str] = set()
        self._seen_at = Micros(0)

    def quoted(self, symbol: Symbol, reference: Reference) -> None:
        """Take a quote for the ladder."""
        self._tapes[symbol].add(reference)

    def last_price(self, symbol: Symbol) -> Paise | None:
        """Return the newest price the ladder heard of a symbol."""
        return self._tapes[symbol].last

    def saw(self, asked_at: Micros) -> None:
        """Take note that the books were read and believed."""
        self._seen_at = asked_at

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
        """Take every leg one step further. While `quiet`, nothing new is bought."""
        self.bare(at)
        ledger = self._blotter.ledger
        for leg in tuple(ledger.legs.values()):
            if leg.short <= 0:
                self._finish(leg, at)
            elif leg.phase is Phase.PROTECT:
                self._protect(leg, at)
            if ledger.legs[leg.leg].phase is Phase.CHASE and leg.short > 0:
                self._chase(ledger.legs[leg.leg], at, quiet=quiet)

    def _finish(self, leg: Leg, at: Micros) -> None:
        """End a leg that is bought back: no BUY of ours may outlive it, however late it shows."""
        ledger = self._blotter.ledger
        for order in tuple(ledger.exits(leg.leg)):
            if order.state is State.PLANNED:
                self._blotter.move(order, State.REFUSED, at, reason="position is closed")
            elif order.may_be_asked(at):
                self._blotter.cancel(order, at, "position is closed")
        if leg.short < 0 and "OWN_LONG" not in ledger.latches:
            text = f"{leg.symbol}: {-leg.short} units bought back too many"
            self._blotter.record(ev.LatchSet(at=at, name="OWN_LONG", reason=text))
        if ledger.orders[leg.leg].state.is_terminal and not any(ledger.exits(leg.leg)):
            self._blotter.finish(leg.leg, Phase.DONE, leg.reason or "stopped", at)

    def _protect(self, leg: Leg, at: Micros) -> None:
        orders = list(self._blotter.ledger.exits(leg.leg))
        working = [order for order in orders if order.state.is_working]
        since = self._bare_since.get(leg.leg)
        if since is not None and at >= since + seconds(self._protect_params.emergency_s):
            self.chase(leg, "EMERGENCY", at)
        elif not orders:
            self._place_stop(leg, at)
        elif working:
            self._tend(leg, working[0], at)
            for surplus in working[1:]:
                self._end(surplus, at, "surplus stop")
        elif orders[0].state is State.PLANNED:
            self._resend(orders[0], at)

    def _place_stop(self, leg: Leg, at: Micros) -> None:
        """Place the first stop, or one in place of a stop that others cancelled."""
        refused = [
            o
            for o in self._blotter.ledger.orders.values()
            if o.leg == leg.leg and o.purpose is Purpose.STOP and o.state in REFUSALS
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
        if not order.may_be_asked(at):
            return
        ticket = order.ticket
        if order.remaining != leg.short:
            self._resize(leg, order, at)
        elif ticket.trigger != leg.stop.trigger and order.modifies < STOP_MODIFIES:
            moved = replace(ticket, price=leg.stop.limit, trigger=leg.stop.trigger)
            self._blotter.modify(order, moved, at, "stop moved")

    def _chase(self, leg: Leg, at: Micros, *, quiet: bool) -> None:
        """Climb with the one order that may fill, end the others; place one if there is none.

        While `quiet` the broker's own square-off may buy at any moment, and nobody else does.
        """
        self._ladders.setdefault(leg.leg, Ladder(since=at))
        orders = list(self._blotter.ledger.exits(leg.leg))
        climbing = next((order for order in orders if order.state is State.OPEN), None)
        for order in orders:
            if order.state is State.PLANNED:
                self._unsent(leg, order, at, quiet=quiet)
            elif quiet:
                continue
            elif order is climbing:
                self._climb(leg, order, at)
            elif order.purpose is Purpose.STOP or climbing is not None:
                self._leave(leg, order, at)
        if not quiet and self._is_free(leg):
            self._place_cover(leg, at)

    def _unsent(self, leg: Leg, order: Order, at: Micros, *, quiet: bool) -> None:
        """Send a cover again that never left; a stop, or one of another size, is given up."""
        if quiet or order.purpose is Purpose.STOP or order.ticket.quantity != leg.short:
            self._blotter.move(order, State.REFUSED, at, reason="never left")
        else:
            self._resend(order, at)

    def _is_free(self, leg: Leg) -> bool:
        """Whether nothing of ours may still buy this leg back.

        Beside one order in flight that two reads did not show a cover may go, once.
        """
        live = list(self._blotter.ledger.exits(leg.leg))
        if len(live) != 1 or leg.leg in self._beside:
            return not live
        (only,) = live
        return only.state.is_in_flight and self._memory.is_absent(only.intent, UNKNOWN_APART)

    def _place_cover(self, leg: Leg, at: Micros) -> None:
        """Place a LIMIT on what is still short, at most one each rung, whatever became of them."""
        ladder = self._ladders[leg.leg]
        if not self._is_due(ladder, at):
            return
        step = self._next(leg, ladder, at)
        if step is not None:
            if any(self._blotter.ledger.exits(leg.leg)):
                self._beside.add(leg.leg)
            ticket = _buy(leg, leg.short, PriceType.LIMIT, step.price, Paise(0))
            cover = Intent(purpose=Purpose.COVER, ticket=ticket, leg=leg.leg, reason=leg.reason)
            self._blotter.place(cover, at, self._tick(leg))
            self._ladders[leg.leg] = replace(step, modifies=0, quantity=leg.short)

    def _climb(self, leg: Leg, order: Order, at: Micros) -> None:
        """Give a live order the next rung's price when it is due, or its end if it takes none."""
        ladder = self._ladders[leg.leg]
        if not order.may_be_asked(at):
            return
        ended = self._why_replace(leg, order, ladder)
        if ended:
            self._blotter.cancel(order, at, ended)
        elif order.remaining != leg.short:
            quantity = self._resize(leg, order, at)
            asked = ladder.modifies + 1
            self._ladders[leg.leg] = replace(ladder, modifies=asked, quantity=quantity)
        elif self._is_due(ladder, at):
            self._reprice(leg, order, ladder, at)

    def _why_replace(self, leg: Leg, order: Order, ladder: Ladder) -> str:
        """Return why an order is to be cancelled and another sent in its place; '' to go on."""
        if ladder.modifies >= self._exits.max_modifies:
            return "too many modifications"
        if order.modify_refused and order.modify_refused not in NOT_THE_ORDERS_FAULT:
            return f"takes no change: {order.modify_refused}"
        if order.remaining != leg.short and ladder.quantity == order.filled + leg.short:
            return "does not take a new quantity"
        return ""

    def _reprice(self, leg: Leg, order: Order, ladder: Ladder, at: Micros) -> None:
        price = order.ticket.price
        if ladder.sent_at is not None and price >= ladder.price and not ladder.is_cut:
            ladder = replace(ladder, rung=ladder.rung + 1)
        step = self._next(leg, ladder, at)
        if step is None:
            return
        if step.price > price:
            higher = replace(order.ticket, price=step.price)
            self._blotter.modify(order, higher, at, f"rung {step.rung}")
            step = replace(step, modifies=step.modifies + 1)
        self._ladders[leg.leg] = replace(step, price=max(step.price, price))

    def _is_due(self, ladder: Ladder, at: Micros) -> bool:
        return ladder.sent_at is None or at >= ladder.sent_at + seconds(self._exits.rung_s)

    def _next(self, leg: Leg, ladder: Ladder, at: Micros) -> Ladder | None:
        """Return the ladder with a new price at its rung; None while a quote is awaited.

        After a rung's time without any quote the price is chosen blind, and at once while no quote
        is worth anything: those that come then serve only to cut a price the band has refused.
        """
        tape = self._tapes[leg.symbol]
        quote = None if self.is_blind else tape.fresh(at, self._exits.quote_max_age_s)
        tick = self._tick(leg)
        if quote is not None and quote.price > 0:
            wanted = rung(ladder.rung, ladder.price, quote.price, self._exits, tick)
        elif self.is_blind or at >= (ladder.sent_at or ladder.since) + seconds(self._exits.rung_s):
            wanted = self._blind(leg, ladder, tick)
        else:
            return None
        mean = None if self.is_blind and not self._was_refused(leg) else tape.mean(at)
        high = wanted if mean is None else band_high(mean, self._gate.band_safety_bps, tick)
        return replace(ladder, price=min(wanted, high), sent_at=at, is_cut=high < wanted)

    def _blind(self, leg: Leg, ladder: Ladder, tick: Paise) -> Paise:
        """Return a price without any quote: the stop's stored limit first, then up from it."""
        if not ladder.rung:
            return max(ladder.price, leg.stop.limit)
        return rung(ladder.rung - 1, ladder.price, leg.stop.limit, self._exits, tick)

    def _was_refused(self, leg: Leg) -> bool:
        """Whether the exchange took no cover of this leg before: most likely for its price."""
        return any(
            order.leg == leg.leg and order.purpose is Purpose.COVER and order.state in REFUSALS
            for order in self._blotter.ledger.orders.values()
        )

    def _tick(self, leg: Leg) -> Paise:
        contract = self._blotter.ledger.contract(leg.symbol)
        return contract.tick if contract else USUAL_TICK

    def _leave(self, leg: Leg, order: Order, at: Micros) -> None:
        """Cancel what is not to fill; but a resting stop is all the cover there is.

        It is kept until the books were read since the chase began: who cannot see an order end
        cannot replace it. In the dark the exchange itself may stand still, take the stop away and
        give nothing back: so it is asked first to keep the stop as it is.
        """
        since = self._ladders[leg.leg].since
        if self._seen_at < since or not order.may_be_asked(at):
            return
        if not self.is_blind or order.purpose is not Purpose.STOP or self._is_open(order, since):
            self._blotter.cancel(order, at, leg.reason)
        elif (order.asked_at or Micros(0)) < max(since, Micros(at - KNOCK_APART + 1)):
            self._blotter.modify(order, order.ticket, at, "is the exchange open?")

    def _is_open(self, stop: Order, since: Micros) -> bool:
        """Whether the exchange took a change of this stop since then, or cannot be asked any more.

        While trading is halted it refuses every change; any other refusal is a sign of life.
        """
        if stop.modifies >= STOP_MODIFIES:
            return True
        has_asked = stop.asked_at is not None and stop.asked_at >= since
        return has_asked and stop.modify_refused != "SESSION"

    def _resize(self, leg: Leg, order: Order, at: Micros) -> Units:
        """Ask for exactly the short. Price and quantity never change in one request."""
        quantity = Units(order.filled + leg.short)
        resized = replace(order.ticket, quantity=quantity)
        self._blotter.modify(order, resized, at, "cover the whole short")
        return quantity

    def _end(self, order: Order, at: Micros, reason: str) -> None:
        if order.may_be_asked(at):
            self._blotter.cancel(order, at, reason)

    def _resend(self, order: Order, at: Micros) -> None:
        """Send again what provably did not leave, a second later."""
        if at >= order.changed_at + ASK_APART:
            self._blotter.send(order.intent, at)


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
