"""Entries at the order desk: one live SELL per slot, one order per decision, never a second try.

A wish that cannot go yet (no fresh baseline, an order in flight) waits for the next valid read; a
wish that may not go is refused with a code. Ending an entry is never doubted, unless it is filling.
"""

import msgspec

from domain import events as ev
from domain.blotter import Blotter, Intent
from domain.books import Action
from domain.contracts import Side
from domain.gate import Gate, Proposal, Refusal, Situation
from domain.orders import EntryKey, Order, Pending, Purpose, State, StopPlan, Ticket
from domain.params import EntryParams, OrderParams
from domain.units import Micros, Paise, seconds


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """An entry as commanded: the decision's key, the order, its stop, and the price it saw."""

    at: Micros
    key: EntryKey
    side: Side
    ticket: Ticket
    stop: StopPlan
    last: Paise
    reason: str


class EntryDesk:
    """Places, keeps and ends entries."""

    def __init__(
        self, blotter: Blotter, gate: Gate, entry: EntryParams, orders: OrderParams
    ) -> None:
        self._blotter = blotter
        self._gate = gate
        self._entry = entry
        self._orders = orders
        self._waiting: dict[str, Entry] = {}
        self._unwanted: dict[str, str] = {}
        self.refused: list[tuple[EntryKey, Refusal]] = []

    @property
    def is_waiting(self) -> bool:
        """Whether a wish waits for a fresh read of the books."""
        return bool(self._waiting)

    def wish(self, wanted: Entry, now: Situation, send_before: Micros | None) -> None:
        """Place an entry, or take note of why not. The same key twice is one order."""
        slot = f"{wanted.key.strategy}:{wanted.key.slot}"
        self._waiting.pop(slot, None)
        live = self._in_slot(wanted.key.strategy, wanted.key.slot)
        if live is not None:
            self._compare(live, wanted, now.at)
        elif self._was_used(wanted.key):
            self._refuse(wanted.key, "USED_KEY", "this decision already had its order")
        elif self._must_wait(wanted, now):
            self._waiting[slot] = wanted
        else:
            self._place(wanted, now, send_before)

    def retry(self, now: Situation, send_before: Micros | None) -> None:
        """Try the waiting wishes again, after a valid read; old ones are dropped."""
        waiting, self._waiting = self._waiting, {}
        oldest = now.at - seconds(2 * self._orders.baseline_max_age_s)
        for wanted in waiting.values():
            if wanted.at >= oldest:
                self.wish(wanted, now, send_before)
            else:
                self._refuse(wanted.key, "WAITED", "no fresh read of the books came in time")

    def cancel(self, strategy: str, slot: str, reason: str, at: Micros) -> None:
        """End the resting entry of a slot. One that is filling is left to fill."""
        self._waiting.pop(f"{strategy}:{slot}", None)
        order = self._in_slot(strategy, slot)
        if order is not None and not is_touched(order):
            self._end(order, at, reason)

    def cancel_all(self, reason: str, at: Micros) -> None:
        """End every entry, filling or not: what filled stays and is protected."""
        self._waiting.clear()
        for order in tuple(self._blotter.ledger.live(Purpose.ENTRY)):
            self._end(order, at, reason)

    def raise_stop(self, key: EntryKey, stop: StopPlan, at: Micros) -> None:
        """Move up the stop planned for a live entry; never down."""
        order = self._in_slot(key.strategy, key.slot)
        if order is None or order.stop is None or order.key != key:
            return
        if stop.trigger > order.stop.trigger:
            self._blotter.record(ev.StopPlanned(at=at, intent=order.intent, stop=stop))

    def step(self, at: Micros) -> None:
        """End what was triggered but does not fill, and what filled only in part."""
        for order in tuple(self._blotter.ledger.live(Purpose.ENTRY)):
            age = at - order.changed_at
            if order.intent in self._unwanted and not is_touched(order):
                self._end(order, at, self._unwanted[order.intent])
            elif order.filled and age >= seconds(self._entry.partial_s):
                self._end(order, at, "partly filled for too long")
            elif order.state is State.OPEN and age >= seconds(self._entry.triggered_unfilled_s):
                self._end(order, at, "triggered, not filled")
            elif order.filled and self._is_stopped(order):
                self._end(order, at, "its stop was triggered")

    def _place(self, wanted: Entry, now: Situation, send_before: Micros | None) -> None:
        proposal = Proposal(
            ticket=wanted.ticket, side=wanted.side, stop=wanted.stop, last=wanted.last
        )
        refusal = self._gate.refusal(proposal, self._blotter.ledger, now)
        contract = self._blotter.ledger.contract(wanted.ticket.symbol)
        if refusal is not None or contract is None:
            found = refusal or Refusal(code="NO_CONTRACT", text="unknown contract")
            self._refuse(wanted.key, found.code, found.text)
            return
        intent = Intent(
            purpose=Purpose.ENTRY,
            ticket=wanted.ticket,
            key=wanted.key,
            side=wanted.side,
            stop=wanted.stop,
            reason=wanted.reason,
        )
        if self._blotter.place(intent, now.at, contract.tick, send_before) is None:
            self._refuse(wanted.key, "NO_FINGERPRINT", "every price near was used today")

    def _must_wait(self, wanted: Entry, now: Situation) -> bool:
        oldest = now.at - seconds(self._orders.baseline_max_age_s)
        if now.snapshot_at is None or now.snapshot_at < oldest:
            return True
        return self._blotter.ledger.outstanding(wanted.ticket.symbol, Action.SELL) is not None

    def _compare(self, live: Order, wanted: Entry, at: Micros) -> None:
        """Meet a wish for a taken slot: the same order is fine, another one must wait its turn."""
        if live.key == wanted.key and _is_same(live.ticket, wanted.ticket):
            self._unwanted.pop(live.intent, None)
            return
        if not is_touched(live):
            self._end(live, at, "replaced by another wish")

    def _was_used(self, key: EntryKey) -> bool:
        return any(order.key == key for order in self._blotter.ledger.orders.values())

    def _refuse(self, key: EntryKey, code: str, text: str) -> None:
        self.refused.append((key, Refusal(code=code, text=text)))

    def _end(self, order: Order, at: Micros, reason: str) -> None:
        if order.state is State.PLANNED:
            self._blotter.move(order, State.REFUSED, at, reason=reason)
        elif order.orderid and order.pending is Pending.NONE:
            self._unwanted.pop(order.intent, None)
            self._blotter.cancel(order, at, reason)
        else:
            self._unwanted[order.intent] = reason

    def _is_stopped(self, entry: Order) -> bool:
        """Whether a stop of this entry's leg was triggered while the entry still fills."""
        return any(
            order.state is State.OPEN or order.filled
            for order in self._blotter.ledger.orders.values()
            if order.leg == entry.leg and order.purpose is Purpose.STOP
        )

    def _in_slot(self, strategy: str, slot: str) -> Order | None:
        for order in self._blotter.ledger.live(Purpose.ENTRY):
            if order.key and (order.key.strategy, order.key.slot) == (strategy, slot):
                return order
        return None


def is_touched(order: Order) -> bool:
    """Whether an entry's trigger was met: it is filling, and a break no longer cancels it."""
    return order.state is State.OPEN or order.filled > 0


def _is_same(resting: Ticket, wanted: Ticket) -> bool:
    """Whether a resting order already is what is wished; its price may carry the fingerprint."""
    return (resting.symbol, resting.quantity, resting.trigger) == (
        wanted.symbol,
        wanted.quantity,
        wanted.trigger,
    )
