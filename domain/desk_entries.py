"""Entries at the order desk: one live SELL per slot, one order per decision, never a second try.

A wish that cannot go yet (no fresh baseline, an order in flight) waits for the next valid read; a
wish that may not go is refused with a code. A wish for the symbol whose entry rests in its slot is
a change of that entry. Ending an entry is never doubted, unless it is filling.
"""

from collections.abc import Iterator
from functools import partial

import msgspec

from domain import events as ev
from domain.amendments import Amendments, Goal
from domain.blotter import Blotter, Intent
from domain.books import Action, PriceType
from domain.contracts import Contract, Side
from domain.gate import Gate, Proposal, Situation
from domain.margins import Margins
from domain.orders import EntryKey, Order, Purpose, State, StopPlan, Ticket
from domain.params import EntryParams, OrderParams
from domain.positions import Phase
from domain.reasons import Refusal
from domain.refusals import Code
from domain.strategy import Mode
from domain.units import Micros, Paise, seconds

USED = "this decision already had its order"
OLD = "the command, and the price it saw, are too old"


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
        self,
        blotter: Blotter,
        gate: Gate,
        entry: EntryParams,
        orders: OrderParams,
        amendments: Amendments,
    ) -> None:
        self._blotter = blotter
        self._gate = gate
        self._entry = entry
        self._orders = orders
        self._waiting: dict[str, Entry] = {}
        self._unwanted: dict[str, str] = {}
        self._over: dict[str, str] = {}
        self._amendments = amendments
        self.margins = Margins()
        self._unwritten: list[tuple[EntryKey, Refusal]] = []
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
            self._compare(live, wanted, now)
        elif self._was_used(wanted.key):
            self._refuse(wanted.key, Code.USED_KEY, USED)
        elif self._is_old(wanted, now):
            self._refuse(wanted.key, Code.OLD, OLD)
        elif self._must_wait(wanted, now):
            self._waiting[slot] = wanted
        else:
            self._place(wanted, now, send_before)

    def retry(self, now: Situation, send_before: Micros | None) -> None:
        """Try the waiting wishes again, after a valid read; old ones are dropped."""
        waiting, self._waiting = self._waiting, {}
        for wanted in waiting.values():
            self.wish(wanted, now, send_before)

    def cancel(self, strategy: str, slot: str, reason: str) -> None:
        """Let the next step end a slot's resting entry. One that is filling is left to fill."""
        self._waiting.pop(f"{strategy}:{slot}", None)
        order = self._in_slot(strategy, slot)
        if order is not None and not is_touched(order):
            self._give_up(order, reason)

    def drop(self, reason: str) -> None:
        """Forget every wish that waits for a fresh read of the books."""
        for wanted in self._waiting.values():
            self._refuse(wanted.key, Code.OVER, reason)
        self._waiting.clear()

    def cancel_all(self, reason: str) -> None:
        """Let the next step end every entry, filling or not: what filled stays and is protected."""
        self.drop(reason)
        for order in self._blotter.ledger.live(Purpose.ENTRY):
            self._over[order.intent] = reason

    def raise_stop(self, key: EntryKey, stop: StopPlan, at: Micros) -> None:
        """Move up the stop planned for a live entry; never down."""
        order = self._in_slot(key.strategy, key.slot)
        if order is None or order.stop is None or order.key != key:
            return
        if stop.trigger > order.stop.trigger:
            self._blotter.record(ev.StopPlanned(at=at, intent=order.intent, stop=stop))

    def step(self, now: Situation, send_before: Micros | None = None, *, doubt: str = "") -> None:
        """Cancel what is to end, until it has ended: the one place where an entry is cancelled.

        What is to become something else is changed. While there is a `doubt` no entry rests; one
        that is filling is left to fill.
        """
        for order in tuple(self._blotter.ledger.live(Purpose.ENTRY)):
            reason = self._over.get(order.intent) or self._why_end(order, doubt, now.at)
            if is_touched(order):
                self._amendments.forget(order.intent)
            elif not reason:
                allows = partial(self._allows, now)
                reason = self._amendments.step(order, now.at, allows, send_before)
            if reason and order.may_be_ended(now.at):
                self._blotter.cancel(order, now.at, reason)

    def _passed(self, wanted: Entry, now: Situation, live: Order | None = None) -> Contract | None:
        """Return the contract of an entry that may go, or of a change that may; None: refused."""
        contract = self._blotter.ledger.contract(wanted.ticket.symbol)
        if contract is None:
            self._refuse(wanted.key, Code.NO_CONTRACT, "not in today's journaled chain")
            return None
        self.margins.wish(wanted.ticket, contract.lot)
        proposal = Proposal(
            ticket=wanted.ticket,
            side=wanted.side,
            stop=wanted.stop,
            last=wanted.last,
            instead_of=live,
        )
        refusal = self._gate.refusal(proposal, contract, self._blotter.ledger, now)
        if refusal is not None:
            self._refuse(wanted.key, refusal.code, refusal.text)
            return None
        return contract

    def _place(self, wanted: Entry, now: Situation, send_before: Micros | None) -> None:
        contract = self._passed(wanted, now)
        if contract is None:
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
            self._refuse(wanted.key, Code.NO_FINGERPRINT, "every price near was used today")

    def _must_wait(self, wanted: Entry, now: Situation) -> bool:
        oldest = now.at - seconds(self._orders.baseline_max_age_s)
        if now.snapshot_at is None or now.snapshot_at < oldest:
            return True
        return self._blotter.ledger.outstanding(wanted.ticket.symbol, Action.SELL) is not None

    def _compare(self, live: Order, wanted: Entry, now: Situation) -> None:
        """Meet a wish for a taken slot: the same order is fine, its symbol's is changed.

        Another symbol's must wait its turn, and nothing that is filling is changed.
        """
        if live.key == wanted.key and _is_same(live.ticket, wanted.ticket):
            self._unwanted.pop(live.intent, None)
            self._amendments.forget(live.intent)
        elif is_touched(live):
            self._refuse(wanted.key, Code.SLOT_TAKEN, f"{live.intent} is filling in this slot")
        elif not _is_successor(live, wanted):
            self._refuse(wanted.key, Code.SLOT_TAKEN, f"{live.intent} lives in this slot")
            self._give_up(live, "replaced by another wish")
        elif self._is_old(wanted, now):
            self._refuse(wanted.key, Code.OLD, OLD)
        elif wanted.key != live.key and self._was_used(wanted.key):
            self._refuse(wanted.key, Code.USED_KEY, USED)
        else:
            self._amend(live, wanted, now)

    def _amend(self, live: Order, wanted: Entry, now: Situation) -> None:
        contract = self._passed(wanted, now, live)
        if contract is not None:
            self._unwanted.pop(live.intent, None)
            goal = Goal(
                key=wanted.key,
                side=wanted.side,
                ticket=wanted.ticket,
                stop=wanted.stop,
                last=wanted.last,
                tick=contract.tick,
            )
            self._amendments.want(live, goal, now.at)

    def _allows(self, now: Situation, order: Order, goal: Goal, ticket: Ticket) -> bool:
        """Whether a step that takes no risk off may go now; more units pass the gate again."""
        if ticket.quantity > order.ticket.quantity:
            grown = Entry(
                at=now.at,
                key=goal.key,
                side=goal.side,
                ticket=ticket,
                stop=goal.stop,
                last=goal.last,
                reason="grown",
            )
            return self._passed(grown, now, order) is not None
        if now.mode is not Mode.ACTIVE:
            self._refuse(goal.key, Code.MODE, f"mode is {now.mode}")
        return now.mode is Mode.ACTIVE

    def _give_up(self, order: Order, reason: str) -> None:
        self._unwanted[order.intent] = reason
        self._amendments.forget(order.intent)

    def _is_old(self, wanted: Entry, now: Situation) -> bool:
        return wanted.at < now.at - seconds(2 * self._orders.baseline_max_age_s)

    def _was_used(self, key: EntryKey) -> bool:
        return any(order.stood_for(key) for order in self._blotter.ledger.orders.values())

    def _why_end(self, order: Order, doubt: str, at: Micros) -> str:
        """Return why an entry shall not live on by itself; '' if it may."""
        age = at - order.changed_at
        if not is_touched(order):
            reason = self._unwanted.get(order.intent, "") or doubt
            if order.ticket.symbol in self._blotter.ledger.externals:
                reason = reason or "somebody else trades this symbol"
            return reason or ("its slot has a newer order" if self._is_superseded(order) else "")
        if order.filled and self._is_left(order):
            return "its short is being left"
        if order.filled and age >= seconds(self._entry.partial_s):
            return "partly filled for too long"
        if not order.filled and age >= seconds(self._entry.triggered_unfilled_s):
            return "triggered, not filled"
        return ""

    def write_down(self, at: Micros) -> None:
        """Journal what was refused since the last time."""
        for key, why in self._unwritten:
            refused = ev.OrderRefused(
                at=at, symbol=key.symbol, code=why.code, text=why.text, key=key
            )
            self._blotter.record(refused)
        self._unwritten.clear()

    def _refuse(self, key: EntryKey, code: str, text: str) -> None:
        refusal = Refusal(code=code, text=text)
        self.refused.append((key, refusal))
        self._unwritten.append((key, refusal))

    def _is_left(self, entry: Order) -> bool:
        """Whether this entry's leg is ending, or its stop triggered, while it still fills."""
        ledger = self._blotter.ledger
        return ledger.legs[entry.leg].phase is not Phase.PROTECT or any(
            order.state is State.OPEN or order.filled
            for order in ledger.orders.values()
            if order.leg == entry.leg and order.purpose is Purpose.STOP
        )

    def _is_superseded(self, order: Order) -> bool:
        """Whether a later order took the slot: this one was given up and came back to life."""
        newest = next(self._of_slot(order.key.strategy, order.key.slot)) if order.key else order
        return newest.intent != order.intent

    def _in_slot(self, strategy: str, slot: str) -> Order | None:
        return next((order for order in self._of_slot(strategy, slot) if order.is_live), None)

    def _of_slot(self, strategy: str, slot: str) -> Iterator[Order]:
        """Return every entry of a slot, live or ended, the newest first."""
        for order in reversed(self._blotter.ledger.orders.values()):
            key = order.key
            if key is not None and (key.strategy, key.slot) == (strategy, slot):
                yield order


def is_touched(order: Order) -> bool:
    """Whether an entry's trigger was met: it is filling, and a break no longer cancels it."""
    triggered = order.state is State.OPEN and order.ticket.pricetype is PriceType.SL
    return triggered or order.filled > 0


def _is_successor(live: Order, wanted: Entry) -> bool:
    """Whether a wish is for the same order with other numbers: its decision, or a newer one.

    An order of another type is another order: servers keep the type of one that rests.
    """
    is_newer = live.key is not None and live.key.minute != wanted.key.minute
    now, new = live.ticket, wanted.ticket
    is_alike = (now.symbol, now.pricetype) == (new.symbol, new.pricetype)
    return is_alike and (live.key == wanted.key or is_newer)


def _is_same(resting: Ticket, wanted: Ticket) -> bool:
    """Whether a resting order already is what is wished; its price may carry the fingerprint."""
    return (resting.symbol, resting.quantity, resting.trigger) == (
        wanted.symbol,
        wanted.quantity,
        wanted.trigger,
    )
