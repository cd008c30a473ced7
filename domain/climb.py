"""Leaving a short: one order climbs, the others end, nothing goes beside an order that may buy.

An order is modified, else cancelled and, once its end is proved, replaced by a LIMIT on what is
left (`execution.md` 9.2, 9.4, 9.5).
"""

from collections import defaultdict

from msgspec.structs import replace

from domain.bearings import NEVER_LEFT, Bearings, a_buy
from domain.books import Action, PriceType
from domain.exits import BAND_WINDOW
from domain.ladder import Ladder, Rungs, not_after
from domain.orders import Order, Pending, Purpose, State
from domain.pages import PageCode
from domain.positions import Leg
from domain.proof import manual_list
from domain.protection import JUMPED, NOT_THE_ORDERS_FAULT, STOP_MODIFIES
from domain.units import Micros, Paise, Units, rupees, seconds

UNKNOWN_APART = seconds(2)
"""How far apart two reads must miss an order in flight before a cover may go beside it."""

MOST_BESIDE = 3
"""How many covers may go beside orders of unknown fate, in all."""

HANGS_FOR = seconds(10)
"""So long after it was asked a change that no book shows is asked again, without its answer."""

MOST_VAIN = 4
"""After so many changes in a row that may have been made, and were not, another order goes."""

IDLE_RUNGS = 3
"""For so many rungs a stop that seems met may ask the market's price without a trade."""

PROVED_GONE = frozenset({State.CANCELLED, State.REJECTED, State.REFUSED})
"""Ends after which an order is known to buy nothing more."""

KNOCK_APART = seconds(120)
"""How often an exchange that stands still is asked whether it takes orders again."""

UNREAD_AFTER = seconds(5)
"""How long a short that is to be left waits for a valid read before a human is told."""


NO_SHORT = "the broker is short no more"


class Climb:
    """Steps one leg that is being left."""

    def __init__(self, bearings: Bearings) -> None:
        self._b = bearings
        self._rungs = Rungs(bearings, Action.BUY)
        self._ladders: dict[str, Ladder] = {}
        self._beside: dict[str, list[str]] = defaultdict(list)
        self._idle_since: dict[str, Micros] = {}

    def not_after(self, at: Micros) -> None:
        """Let nothing be due only at an instant the clock was set back from."""
        self._ladders = {leg: not_after(ladder, at) for leg, ladder in self._ladders.items()}
        self._idle_since.clear()

    def step(self, leg: Leg, at: Micros, *, quiet: bool) -> None:
        """Climb with the one order that may fill, end the others; place one if there is none.

        While `quiet` the broker's own square-off may buy at any moment, and nobody else does.
        """
        self._judge(leg, at)
        orders = list(self._b.ledger.exits(leg.leg))
        climbing = next((order for order in orders if self._b.may_fill(order)), None)
        for order in orders:
            if order.state is State.PLANNED:
                self._unsent(leg, order, at, quiet=quiet)
            elif quiet:
                continue
            elif order is climbing:
                self._climb(leg, order, at)
            elif order.purpose is Purpose.STOP or climbing is not None:
                self._leave(leg, order, at)
        if not quiet and self._is_free(leg, at):
            self._cover(leg, at)

    def _judge(self, leg: Leg, at: Micros) -> None:
        ladder = self._ladders.setdefault(leg.leg, Ladder(since=at))
        self._ladders[leg.leg] = after = self._rungs.judged(ladder, at)
        if after.lost > ladder.lost:
            refused = self._b.ledger.orders[ladder.intent]
            reason = refused.modify_refused or refused.reason or "never got there"
            text = f"{refused.remaining or refused.ticket.quantity} units: {reason}"
            self._b.pages.add(PageCode.EXIT_REFUSED, leg.symbol, text, at)
        if after.in_band > 1 and after.in_band > ladder.in_band and not after.lost:
            self._rests(leg, after, at)
        if self._b.seen_at < after.since and at >= after.since + UNREAD_AFTER:
            left = manual_list(self._b.ledger, lambda symbol: self._b.tapes[symbol].last)
            text = "; ".join(line for line in left if line.startswith(f"{leg.symbol} "))
            self._b.pages.add(PageCode.NO_SNAPSHOT, leg.symbol, text, at)

    def _rests(self, leg: Leg, ladder: Ladder, at: Micros) -> None:
        price = rupees(ladder.refused_price)
        text = f"{leg.short} units: {price} is outside the exchange's band"
        self._b.pages.add(PageCode.BAND_REST, leg.symbol, text, at)

    def _unsent(self, leg: Leg, order: Order, at: Micros, *, quiet: bool) -> None:
        """Send a cover again that never left; a stop, or one of another size, is given up."""
        if quiet or order.purpose is Purpose.STOP or order.ticket.quantity != self._slice(leg):
            self._b.give_up(order, at, NEVER_LEFT)
        else:
            self._b.resend(order, at)

    def _slice(self, leg: Leg) -> Units:
        """Return what one order may buy of what is left."""
        owed = min(leg.short, self._b.room(leg))
        contract = self._b.ledger.contract(leg.symbol)
        return Units(owed if contract is None else min(owed, contract.slice_max))

    def _is_free(self, leg: Leg, at: Micros) -> bool:
        """Whether a cover may go: nothing of ours may still buy this leg back, or nobody knows.

        Beside what is in flight and was missing in two reads since the last BUY of the leg was sent
        one may go, a further one each `exit.beside_s`, three in all: a short option can lose
        without limit, an accidental long only its premium.
        """
        live = list(self._b.ledger.exits(leg.leg))
        if not all(self._is_given_up(order, at) for order in live):
            return False
        beside = self._beside_so_far(leg, live) if live else 0
        if not beside:
            return True
        last = max(order.sent_at or at for order in live)
        return beside < MOST_BESIDE and at >= last + seconds(self._b.terms.exits.beside_s)

    def _beside_so_far(self, leg: Leg, live: list[Order]) -> int:
        """Count the covers that went beside others and may have bought.

        What a former process sent is told by what lives: the first cover is beside nothing, unless
        a stop was in flight.
        """
        orders = self._b.ledger.orders
        sent = sum(orders[name].state not in PROVED_GONE for name in self._beside.get(leg.leg, ()))
        covers = sum(order.purpose is Purpose.COVER for order in live)
        return max(sent, covers - (covers == len(live)))

    def _is_given_up(self, order: Order, at: Micros) -> bool:
        is_lost = order.state.is_in_flight and self._b.is_lost(order, at)
        return is_lost and self._b.memory.is_absent(order.intent, UNKNOWN_APART)

    def _cover(self, leg: Leg, at: Micros) -> None:
        """Place a LIMIT on what is still short, at most one each rung, whatever became of them."""
        ladder = self._ladders[leg.leg]
        units = self._slice(leg)
        if not units or not self._rungs.is_due(ladder, at):
            return
        step = self._rungs.next(leg.symbol, ladder, leg.stop.limit, at)
        if step is None:
            return
        self._tell_gap(leg, ladder, at)
        ticket = a_buy(leg, units, PriceType.LIMIT, step.price)
        given_up = list(self._b.ledger.exits(leg.leg))
        fitted = self._b.fit(leg, ticket, (), at).ticket
        if fitted is None:
            return
        cover = self._b.place(Purpose.COVER, leg, fitted, at, leg.reason)
        if given_up:
            self._beside[leg.leg].append(cover.intent)
        self._ladders[leg.leg] = replace(
            step, intent=cover.intent, modifies=0, vain=0, quantity=fitted.quantity
        )

    def _tell_gap(self, leg: Leg, ladder: Ladder, at: Micros) -> None:
        """Page a stop that was jumped over, with the prices that follow; once."""
        if leg.reason != JUMPED or ladder.sent_at is not None:
            return
        quote = self._b.tapes[leg.symbol].fresh(at, self._b.terms.exits.quote_max_age_s)
        start = quote.price if quote is not None and quote.price else leg.stop.limit
        rungs = " ".join(rupees(price) for price in self._rungs.shown(leg.symbol, start))
        text = f"{leg.short} units: stop {rupees(leg.stop.trigger)} jumped, rungs {rungs}"
        self._b.pages.add(PageCode.GAP, leg.symbol, text, at)

    def _climb(self, leg: Leg, order: Order, at: Micros) -> None:
        """Give a live order the next rung's price when it is due, or its end if it takes none."""
        ladder = self._ladders[leg.leg]
        if not order.may_be_asked(at) and not self._hangs(order):
            return
        wanted = self._slice(leg)
        ended = self._why_replace(order, wanted, ladder, at) if wanted else NO_SHORT
        if ended:
            self._b.blotter.cancel(order, at, ended)
        elif order.remaining != wanted:
            self._b.resize(order, wanted, at)
            self._ladders[leg.leg] = replace(
                ladder, modifies=ladder.modifies + 1, quantity=Units(order.filled + wanted)
            )
        elif self._rungs.is_due(ladder, at):
            self._tell_gap(leg, ladder, at)
            self._reprice(leg, order, ladder, at)

    def _hangs(self, order: Order) -> bool:
        """Whether the answer to a change is long overdue and the books do not show it.

        A change names absolute values: another one beside it can only mend what it does.
        """
        since = order.pending_since if order.pending is Pending.MODIFY else None
        return since is not None and self._b.seen_at >= since + HANGS_FOR

    def _why_replace(self, order: Order, wanted: Units, ladder: Ladder, at: Micros) -> str:
        """Return why an order is to be cancelled and another sent in its place; '' to go on."""
        if ladder.modifies >= self._b.terms.exits.max_modifies:
            return "too many modifications"
        if order.modify_refused and order.modify_refused not in NOT_THE_ORDERS_FAULT:
            return f"takes no change: {order.modify_refused}"
        if self._is_idle(order, at) or ladder.vain >= MOST_VAIN:
            return "has no effect"
        asked = ladder.quantity == order.filled + wanted
        is_fixed = asked or self._b.terms.modify_qty != "total"
        return "does not take a new quantity" if is_fixed and order.remaining != wanted else ""

    def _is_idle(self, order: Order, at: Micros) -> bool:
        """Whether a stop that seems met asks what the market offers, and nothing comes of it.

        A row can carry another row's status: such a stop still waits for its trigger.
        """
        quote = self._b.tapes[order.ticket.symbol].fresh(at, self._b.terms.exits.quote_max_age_s)
        offered = quote.price if quote is not None else 0
        if not order.ticket.trigger or order.filled or not 0 < offered <= order.ticket.price:
            self._idle_since.pop(order.intent, None)
            return False
        patience = IDLE_RUNGS * seconds(self._b.terms.exits.rung_s)
        return at >= self._idle_since.setdefault(order.intent, at) + patience

    def _reprice(self, leg: Leg, order: Order, ladder: Ladder, at: Micros) -> None:
        step = self._rungs.next(leg.symbol, ladder, leg.stop.limit, at)
        if step is None:
            return
        price = order.ticket.price
        is_higher = step.price > price and not _is_repeated(step, at)
        if is_higher and self._b.terms.modify_qty == "remaining":
            # What fills while such a change is on its way would be bought twice.
            self._b.blotter.cancel(order, at, "a change is of what is left")
            return
        if is_higher:
            self._b.blotter.modify(
                order, replace(order.ticket, price=step.price), at, f"rung {step.rung}"
            )
            step = replace(step, intent=order.intent)
        else:
            step = self._rested(leg, step, price, at)
        self._ladders[leg.leg] = replace(step, price=max(step.price, price))

    def _rested(self, leg: Leg, step: Ladder, price: Paise, at: Micros) -> Ladder:
        """Count a rung that is reached already; at the band's edge the next one looks anew."""
        if step.is_cut and step.refused_at is not None and at < step.refused_at + BAND_WINDOW:
            self._rests(leg, step, at)
        is_reached = not step.is_cut and step.price <= price
        return replace(step, rung=step.rung + is_reached, in_band=0)

    def _leave(self, leg: Leg, order: Order, at: Micros) -> None:
        """End what is not to fill, or make it climb; but a resting stop is all the cover there is.

        It is kept until the books were read since the chase began: who cannot see an order end
        cannot replace it. In the dark the exchange itself may stand still, take the stop away and
        give nothing back: so it is asked first to keep the stop as it is.
        """
        since = self._ladders[leg.leg].since
        if self._b.seen_at < since or not order.may_be_asked(at) or self._is_changing(order):
            return
        if self._may_change_type(leg, order):
            self._change_type(leg, order, at)
        elif (
            not self._b.is_blind
            or order.purpose is not Purpose.STOP
            or _is_open_again(order, since)
        ):
            self._b.blotter.cancel(order, at, leg.reason)
        elif (order.asked_at or Micros(0)) < max(since, Micros(at - KNOCK_APART + 1)):
            self._b.blotter.modify(order, order.ticket, at, "is the exchange open?")

    def _may_change_type(self, leg: Leg, order: Order) -> bool:
        """Whether the resting stop itself may become the LIMIT that leaves, and took no harm yet.

        One whose change was answered and which rests on as a stop cannot be changed.
        """
        if self._b.terms.exit_modify != "change_type" or order.purpose is not Purpose.STOP:
            return False
        resting = order.state is State.TRIGGER_PENDING and order.ticket.pricetype is PriceType.SL
        taken = order.modify_refused in NOT_THE_ORDERS_FAULT | {""}
        only = sum(1 for _ in self._b.ledger.exits(leg.leg)) == 1
        return resting and taken and only and order.remaining == leg.short

    def _is_changing(self, order: Order) -> bool:
        """Whether a stop was made a LIMIT and not read since; one read as a stop still is one."""
        is_limit = order.ticket.pricetype is PriceType.LIMIT and order.purpose is Purpose.STOP
        return is_limit and self._b.seen_at <= (order.asked_at or Micros(0))

    def _change_type(self, leg: Leg, order: Order, at: Micros) -> None:
        ladder = self._ladders[leg.leg]
        if not self._rungs.is_due(ladder, at):
            return
        step = self._rungs.next(leg.symbol, ladder, leg.stop.limit, at)
        if step is not None:
            limit = replace(
                order.ticket, pricetype=PriceType.LIMIT, price=step.price, trigger=Paise(0)
            )
            self._b.blotter.modify(order, limit, at, f"rung {step.rung}, as a limit")
            self._ladders[leg.leg] = replace(step, intent=order.intent)


def _is_repeated(step: Ladder, at: Micros) -> bool:
    """Whether the exchange refused this very price, and has not renewed its band since."""
    if step.refused_at is None or at >= step.refused_at + BAND_WINDOW:
        return False
    return step.price == step.refused_price


def _is_open_again(stop: Order, since: Micros) -> bool:
    """Whether the exchange took a change of this stop since then, or cannot be asked any more.

    While trading is halted it refuses every change; any other refusal is a sign of life.
    """
    if stop.modifies >= STOP_MODIFIES:
        return True
    has_asked = stop.asked_at is not None and stop.asked_at >= since
    return has_asked and stop.modify_refused != "SESSION"
