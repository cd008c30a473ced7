"""Protecting a short: stops that together are as large as it is, no larger, at the planned price.

`execution.md` 9.1 to 9.3. One order as long as the broker lets its quantity grow, else one for each
part of the short. A stop of which nobody knows whether it exists is followed by a second one, never
by a third; what then turns up beside it is surplus and goes.
"""

from collections.abc import Iterator
from itertools import islice

from msgspec.structs import replace

from domain.bearings import NEVER_LEFT, Bearings, a_buy
from domain.books import PriceType
from domain.exits import backoff, band_high, is_band, nearer_bands
from domain.gate_exits import ExitVerdict
from domain.orders import Order, Pending, Purpose, State, StopPlan
from domain.pages import PageCode
from domain.positions import Leg
from domain.units import MINUTE, Micros, Paise, Units, ceil_tick, rupees, seconds

STOP_MODIFIES = 20
"""How often a resting stop is moved; exchanges refuse the 25th change, and size needs some."""

PATIENT_TRIES = 3
"""After so many requests to move a stop that did not take a human is told."""

NOT_THE_ORDERS_FAULT = frozenset({"BAND", "SESSION", "DENIED", "SEMI_AUTO"})
"""Refusals of a modify that say nothing of the order: another price, or a later time, may pass."""

JUMPED = "STOP_JUMPED"
REFUSED = "STOP_REFUSED"
EMERGENCY = "EMERGENCY"


class Protection:
    """Steps one leg that is to be protected."""

    def __init__(self, bearings: Bearings) -> None:
        self._b = bearings
        self._asked: dict[str, tuple[Paise, int]] = {}
        self._passed_at: dict[str, Micros] = {}

    def step(self, leg: Leg, bare_since: Micros | None, at: Micros) -> str:
        """Take a leg one step further; return why it is to be left instead, '' to go on."""
        orders = list(self._b.ledger.exits(leg.leg))
        reason = self._why_leave(leg, orders, bare_since, at)
        if reason:
            return reason
        unsent = [order for order in orders if order.state is State.PLANNED]
        flying = [order for order in orders if order.state.is_in_flight]
        placed = [order for order in orders if order.orderid]
        missing = leg.exposed - _remaining(placed)
        if missing > 0:
            missing = max(0, self._b.room(leg) - _remaining(placed))
        if unsent:
            self._resend(unsent[0], missing, at)
        elif missing < 0:
            self._trim(placed, -missing, at)
        elif missing and not flying:
            return self._grow(leg, placed, missing, at)
        elif missing and self._needs_second(leg, flying, bare_since, at):
            return self._second(leg, placed, missing, at)
        elif not missing:
            return self._move(leg, placed, at)
        return ""

    def _why_leave(
        self, leg: Leg, orders: list[Order], bare_since: Micros | None, at: Micros
    ) -> str:
        exits = self._b.terms.exits
        patience = seconds(exits.unfilled_s)
        if any(self._is_jumped(order, patience, at) for order in orders):
            return JUMPED
        if bare_since is None:
            return ""
        if self._is_refused(leg, at):
            return REFUSED
        emergency_s = self._b.terms.protect.emergency_s
        if at < bare_since + seconds(emergency_s):
            return ""
        text = (
            f"{self._b.ledger.uncovered(leg)} units without a working order for {emergency_s:g} s"
        )
        self._b.pages.add(PageCode.UNCOVERED, leg.symbol, text, at)
        return EMERGENCY

    def _is_jumped(self, order: Order, patience: Micros, at: Micros) -> bool:
        """Whether a stop was met and did not fill.

        One row alone may carry another row's status: where the price says so, a second one decides.
        """
        last = self._b.last(order.ticket.symbol, at)
        if order.state is State.TRIGGER_PENDING and order.intent in self._b.memory.vague:
            return self._is_passed(order, last, patience, at)
        if order.state is not State.OPEN or at < order.changed_at + patience:
            return False
        is_odd = last is not None and last < order.ticket.trigger
        return not is_odd or self._b.memory.is_met(order)

    def _is_passed(self, order: Order, last: Paise | None, patience: Micros, at: Micros) -> bool:
        """Whether the price met a stop whose row says it in a word of the broker's own.

        It went past the trigger, and books read since then show no trade of it.
        """
        if last is not None and last < order.ticket.trigger:
            self._passed_at.pop(order.intent, None)
            return False
        if last is not None:
            self._passed_at.setdefault(order.intent, at)
        since = self._passed_at.get(order.intent)
        return since is not None and self._b.seen_at > since and at >= since + patience

    def _is_refused(self, leg: Leg, at: Micros) -> bool:
        """Whether the exchange takes no stop: for the band it is asked a second time, no more."""
        refused = self._b.refused_last(leg, Purpose.STOP)
        if refused:
            text = f"{refused[0].ticket.quantity} units: {refused[0].reason}"
            self._b.pages.add(PageCode.STOP_REFUSED, leg.symbol, text, at)
        return len(refused) > 1 or any(not is_band(order.reason) for order in refused)

    def _resend(self, order: Order, missing: int, at: Micros) -> None:
        """Send again what never left, if the short is still that large."""
        if order.ticket.quantity <= missing:
            self._b.resend(order, at)
        else:
            self._b.give_up(order, at, NEVER_LEFT)

    def _trim(self, placed: list[Order], surplus: int, at: Micros) -> None:
        """End what is too much: the newest first, and of two those that were not read yet.

        Where no order is surplus as a whole the last one is made smaller.
        """
        newest = list(reversed(placed))
        newest.sort(key=lambda order: order.state.is_working)
        for order in newest:
            if order.remaining <= surplus:
                surplus -= order.remaining
                self._b.end(order, at, "surplus stop")
        if any(order.pending is not Pending.NONE for order in placed):
            return  # what is being changed or ended may be the surplus
        resting = [o for o in placed if o.state is State.TRIGGER_PENDING and o.may_be_asked(at)]
        if surplus and resting and resting[-1].remaining > surplus:
            self._resize(resting[-1], resting[-1].remaining - surplus, at)

    def _resize(self, order: Order, remaining: int, at: Micros) -> None:
        if self._b.terms.modify_qty == "total":
            self._b.resize(order, remaining, at)
        else:
            self._b.end(order, at, "too large a stop")

    def _grow(self, leg: Leg, placed: list[Order], missing: int, at: Micros) -> str:
        """Cover more: by a larger quantity where the broker takes one, else by one order more."""
        busy = any(o.state is State.OPEN or o.pending is not Pending.NONE for o in placed)
        if busy:
            return ""
        grows = [order for order in placed if self._can_grow(leg, order, missing)]
        if not grows:
            return self._place(leg, placed, missing, at)
        if grows[0].state is State.TRIGGER_PENDING and grows[0].may_be_asked(at):
            self._b.resize(grows[0], grows[0].remaining + missing, at)
        return ""

    def _can_grow(self, leg: Leg, order: Order, missing: int) -> bool:
        """Whether a stop may become so much larger: by what the broker takes, and by freeze."""
        refused = order.modify_refused not in NOT_THE_ORDERS_FAULT | {""}
        if self._b.terms.modify_qty != "total" or refused:
            return False
        contract = self._b.ledger.contract(leg.symbol)
        return contract is None or order.ticket.quantity + missing <= contract.slice_max

    def _needs_second(
        self, leg: Leg, flying: list[Order], bare_since: Micros | None, at: Micros
    ) -> bool:
        """Whether the one stop that is out is of unknown fate for too long.

        None may have been sent after it, but one that the exchange refused for its band.
        """
        patience = seconds(self._b.terms.protect.confirm_s)
        if bare_since is None or at < bare_since + patience or len(flying) != 1:
            return False
        refused = len(self._b.refused_last(leg, Purpose.STOP))
        newest = next(islice(_newest_first(self._b, leg), refused, None))
        return newest.intent == flying[0].intent and self._b.is_lost(newest, at)

    def _second(self, leg: Leg, placed: list[Order], missing: int, at: Micros) -> str:
        reason = self._place(leg, placed, missing, at)
        if not reason:
            text = f"{missing} units: a second stop is sent beside one of unknown fate"
            self._b.pages.add(PageCode.SECOND_STOP, leg.symbol, text, at)
        return reason

    def _place(self, leg: Leg, placed: list[Order], units: int, at: Micros) -> str:
        """Place a stop: the first, a further one, or one in place of a stop others cancelled."""
        plan = self._plan(leg, at)
        if plan is None:
            return REFUSED
        verdict = self._fitted(leg, plan, units, placed, at)
        if verdict.needs_ladder:
            return JUMPED
        if verdict.ticket is not None:
            self._b.place(Purpose.STOP, leg, verdict.ticket, at, "protect")
        return ""

    def _fitted(
        self, leg: Leg, plan: StopPlan, units: int, beside: list[Order], at: Micros
    ) -> ExitVerdict:
        ticket = a_buy(leg, units, PriceType.SL, plan.limit, plan.trigger)
        return self._b.fit(leg, ticket, beside, at)

    def _plan(self, leg: Leg, at: Micros) -> StopPlan | None:
        """Return the stop to send, inside the band; None if there is none the exchange would take.

        A stop refused for the band is cut once, around the lowest mean of the last minute, to half
        the distance from it as often as it takes to end below what was refused.
        """
        refused = self._b.refused_last(leg, Purpose.STOP)
        return self._cut(leg, refused[0].ticket.price, at) if refused else self._clamped(leg, at)

    def _clamped(self, leg: Leg, at: Micros) -> StopPlan:
        mean = None if self._b.is_blind else self._b.tapes[leg.symbol].mean(at)
        plan = self._rounded(leg)
        if mean is None:
            return plan
        high = band_high(mean, self._b.terms.gate.band_safety_bps, self._b.tick(leg.symbol))
        return replace(plan, limit=max(plan.trigger, min(plan.limit, high)))

    def _cut(self, leg: Leg, refused: Paise, at: Micros) -> StopPlan | None:
        lowest = self._b.tapes[leg.symbol].extreme_mean(at, 1)
        if lowest is None:
            return None
        tick, safety = self._b.tick(leg.symbol), self._b.terms.gate.band_safety_bps
        highs = nearer_bands(lowest, safety, tick, 1)
        plan = self._rounded(leg)
        lower = (high for high in highs if plan.trigger <= high < refused)
        limit = next(lower, None)
        return None if limit is None else replace(plan, limit=limit)

    def _rounded(self, leg: Leg) -> StopPlan:
        tick = self._b.tick(leg.symbol)
        return StopPlan(
            trigger=ceil_tick(leg.stop.trigger, tick), limit=ceil_tick(leg.stop.limit, tick)
        )

    def _move(self, leg: Leg, placed: list[Order], at: Micros) -> str:
        """Bring the resting stops to the planned trigger; return why to leave instead, or ''."""
        plan = self._clamped(leg, at)
        for order in placed:
            if order.state is not State.TRIGGER_PENDING or order.ticket.trigger == plan.trigger:
                continue
            if order.modify_refused == "TRIGGER_SIDE":
                return JUMPED
            self._ask_to_move(leg, order, plan, at)
        return ""

    def _ask_to_move(self, leg: Leg, order: Order, plan: StopPlan, at: Micros) -> None:
        """Ask a stop to move, ever more slowly while it does not; a human hears of it then."""
        trigger, tries = self._asked.get(order.intent, (plan.trigger, 0))
        tries = tries if trigger == plan.trigger else 0
        is_over = order.modifies >= STOP_MODIFIES
        if is_over or tries >= PATIENT_TRIES:
            self._tell_that_it_stays(leg, order, plan, at)
        wait = self._pause(order, tries) if tries else Micros(0)
        if not is_over and order.may_be_asked(at) and at >= (order.asked_at or Micros(0)) + wait:
            self._asked[order.intent] = plan.trigger, tries + 1
            moved = replace(order.ticket, price=plan.limit, trigger=plan.trigger)
            self._b.blotter.modify(order, moved, at, "stop moved")

    def _pause(self, order: Order, tries: int) -> Micros:
        """Return how long to wait after a change that did not take; a refusal for good is long."""
        is_final = order.modify_refused not in NOT_THE_ORDERS_FAULT | {""}
        return MINUTE if is_final else backoff(tries)

    def _tell_that_it_stays(self, leg: Leg, order: Order, plan: StopPlan, at: Micros) -> None:
        why = order.modify_refused or order.reason or "no answer"
        if order.modifies >= STOP_MODIFIES:
            why = f"it was changed {order.modifies} times"
        text = (
            f"{order.remaining} units: rests at {rupees(order.ticket.trigger)},"
            f" planned at {rupees(plan.trigger)}: {why}"
        )
        self._b.pages.add(PageCode.STOP_STAYS, leg.symbol, text, at)


def _remaining(orders: list[Order]) -> Units:
    return Units(sum(order.remaining for order in orders))


def _newest_first(bearings: Bearings, leg: Leg) -> Iterator[Order]:
    orders = reversed(bearings.ledger.orders.values())
    return (o for o in orders if o.leg == leg.leg and o.purpose is Purpose.STOP)
