"""The order desk's notebook: it records events and collects the writes that follow from them.

Nothing changes in the ledger without an event, and every write is preceded by the events that plan
it. The shell commits `events` first and only then hands `writes` to the lanes (J1).
"""

from collections.abc import Iterable

import msgspec

from domain import events as ev
from domain.books import OrderRow, UnreadRow
from domain.calls import CancelOrder, ModifyOrder, Outcome, PlaceOrder, Priority, Write, WriteReply
from domain.contracts import Side
from domain.fingerprint import Numbers, fingerprinted, numbers, row_numbers
from domain.ledger import Ledger
from domain.orders import EntryKey, Order, Pending, Purpose, State, StopPlan, Ticket, is_legal
from domain.params import OrderParams
from domain.positions import Phase
from domain.units import Micros, Paise

_ASKED = {
    "modify": (Pending.MODIFY, Pending.MODIFY_UNKNOWN),
    "cancel": (Pending.CANCEL, Pending.CANCEL_UNKNOWN),
}
"""What is in the air after a request, and after an answer that left it open."""

_LIVE = frozenset({"", "live"})
"""How an answer of a live server names its mode."""

WRONG_MODE = "MODE"
"""The code of an answer in the other mode: it is discarded, as if none had come."""


class Intent(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be placed, before it has an id or a fingerprint."""

    purpose: Purpose
    ticket: Ticket
    leg: str = ""
    key: EntryKey | None = None
    side: Side | None = None
    stop: StopPlan | None = None
    reason: str = ""


class Amend(msgspec.Struct, frozen=True, kw_only=True):
    """A change of an entry that rests; `key` and `stop` are its decision and plan once it took.

    `is_relief`: it only takes risk off, so it goes as soon as a cancel would.
    """

    ticket: Ticket
    reason: str
    key: EntryKey | None = None
    stop: StopPlan | None = None
    is_relief: bool = False
    send_before: Micros | None = None


class Blotter:
    """Records what is decided, in the order in which it must become durable."""

    def __init__(self, ledger: Ledger, prefix: str, params: OrderParams) -> None:
        self.ledger = ledger
        self.events: list[ev.Event] = []
        self.writes: list[Write] = []
        self.pushed_ids: set[str] = set()
        self.alarms: list[str] = []
        self.findings = 0
        self._book_ids: set[str] = set()
        self._book_numbers: set[Numbers] = set()
        self._prefix = prefix
        self._params = params
        self._n = 0

    def record(self, event: ev.Event) -> None:
        """Apply an event to the ledger and keep it for the journal."""
        self.ledger.apply(event)
        self.events.append(event)

    def drain(self) -> tuple[tuple[ev.Event, ...], tuple[Write, ...]]:
        """Return what was recorded and what must be sent since the last call."""
        events, writes = tuple(self.events), tuple(self.writes)
        self.events.clear()
        self.writes.clear()
        return events, writes

    def see_book(self, rows: Iterable[OrderRow], unread: Iterable[UnreadRow] = ()) -> None:
        """Remember the last valid order book: its ids are known, its numbers taken."""
        self._book_ids = {row.orderid for row in rows} | {row.orderid for row in unread}
        self._book_numbers = {row_numbers(row) for row in rows}
        self.pushed_ids -= self._book_ids

    def place(
        self, intent: Intent, at: Micros, tick: Paise, send_before: Micros | None = None
    ) -> Order | None:
        """Plan and send an order; None if no free fingerprint is left (an exit then uses none)."""
        found = fingerprinted(
            intent.ticket, self.numbers_used(), tick, self._params.fingerprint_ticks
        )
        if found is None and intent.purpose is Purpose.ENTRY:
            return None
        ticket, k = found or (intent.ticket, 0)
        self._n += 1
        name = f"{self._prefix}-{self._n}"
        known = self.ledger.known_ids() | self.pushed_ids | self._book_ids
        planned = ev.IntentPlanned(
            at=at,
            intent=name,
            purpose=intent.purpose,
            leg=intent.leg or name,
            ticket=ticket,
            baseline=tuple(sorted(known)),
            fingerprint=k,
            reason=intent.reason,
            key=intent.key,
            side=intent.side,
            stop=intent.stop,
        )
        self.record(planned)
        return self.send(name, at, send_before)

    def send(self, intent: str, at: Micros, send_before: Micros | None = None) -> Order:
        """Send a planned order, for the first time or again after it provably did not leave."""
        self.record(ev.WriteSent(at=at, intent=intent, op="place"))
        order = self.ledger.orders[intent]
        write = PlaceOrder(
            ref=intent, ticket=order.ticket, priority=_priority(order), send_before=send_before
        )
        self.writes.append(write)
        return order

    def modify(self, order: Order, ticket: Ticket, at: Micros, reason: str) -> None:
        """Ask for the absolute values of `ticket`."""
        self.record(ev.ModifyPlanned(at=at, intent=order.intent, ticket=ticket, reason=reason))
        self.record(ev.WriteSent(at=at, intent=order.intent, op="modify"))
        write = ModifyOrder(
            ref=order.intent, orderid=order.orderid, ticket=ticket, priority=_priority(order)
        )
        self.writes.append(write)

    def amend(self, order: Order, change: Amend, at: Micros) -> None:
        """Ask for the absolute values of an entry's change."""
        wire = change.ticket
        planned = ev.ModifyPlanned(
            at=at,
            intent=order.intent,
            ticket=wire,
            reason=change.reason,
            key=change.key,
            stop=change.stop,
        )
        self.record(planned)
        self.record(ev.WriteSent(at=at, intent=order.intent, op="modify"))
        write = ModifyOrder(
            ref=order.intent,
            orderid=order.orderid,
            ticket=wire,
            priority=Priority.CANCEL if change.is_relief else Priority.ENTRY,
            send_before=change.send_before,
        )
        self.writes.append(write)

    def cancel(self, order: Order, at: Micros, reason: str) -> None:
        """Ask for the end of an order."""
        self.record(ev.CancelPlanned(at=at, intent=order.intent, reason=reason))
        self.record(ev.WriteSent(at=at, intent=order.intent, op="cancel"))
        exit_order = order.purpose is not Purpose.ENTRY
        write = CancelOrder(
            ref=order.intent,
            orderid=order.orderid,
            strategy=order.ticket.strategy,
            priority=Priority.EXIT if exit_order else Priority.CANCEL,
        )
        self.writes.append(write)

    def replied(self, intent: str, op: str, reply: WriteReply, at: Micros) -> None:
        """Record the answer to a write and what is known because of it."""
        order = self.ledger.orders.get(intent)
        if order is None:
            self.find("STRAY_REPLY", intent, op, at)
            return
        self.record(
            ev.WriteReplied(
                at=at,
                intent=intent,
                op=op,
                outcome=reply.outcome,
                status=reply.status,
                orderid=reply.orderid,
                mode=reply.mode,
                code=reply.code,
                text=reply.text,
            )
        )
        if op == "place":
            self._placed(order, reply, at)
        else:
            self._asked(order, op, reply, at)

    def end_abroad(self, intent: str, reply: WriteReply, at: Micros) -> None:
        """Cancel the one order that was placed live while paper was meant.

        It is no order of our journal: what became of the intent is not told by it.
        """
        order = self.ledger.orders.get(intent)
        if order is None or not reply.orderid or reply.mode not in _LIVE:
            return
        self.find("LIVE_ORDER", intent, f"{reply.orderid} was placed live and is cancelled", at)
        self.record(ev.WriteSent(at=at, intent=intent, op="cancel"))
        write = CancelOrder(
            ref=intent,
            orderid=reply.orderid,
            strategy=order.ticket.strategy,
            priority=Priority.EXIT,
        )
        self.writes.append(write)

    def duplicate(self, order: Order, orderid: str, at: Micros) -> None:
        """Take in a second order of one intent, as an order of its own that is to end; freeze.

        A second SELL opens a leg of its own; a second BUY belongs to the same one and is surplus.
        """
        self._n += 1
        name = f"{self._prefix}-{self._n}"
        twin = ev.IntentPlanned(
            at=at,
            intent=name,
            purpose=order.purpose,
            leg=name if order.purpose is Purpose.ENTRY else order.leg,
            ticket=order.ticket,
            baseline=(),
            fingerprint=0,
            reason=f"twin of {order.intent}",
            key=order.key,
            side=order.side,
            stop=order.stop,
        )
        self.record(twin)
        # It was born at the broker, not sent by us: no move of an order leads here.
        self._change(name, State.ACKED, at, orderid=orderid, reason="duplicate")
        ids = f"{order.intent}: {order.orderid} {orderid}"
        self.record(ev.LatchSet(at=at, name="DUPLICATE", reason=ids))

    def move(self, order: Order, state: State, at: Micros, **changes: object) -> bool:
        """Record a new state; `changes` are further fields of `StateChanged`.

        Return False for a move that the table does not know: it becomes a finding and an alarm, and
        changes nothing.
        """
        if is_legal(order.state, state):
            self._change(order.intent, state, at, **changes)
            return True
        said = f"{order.state} to {state} {changes.get('reason', '')}".rstrip()
        self.alarm("ILLEGAL_MOVE", order.intent, said, at)
        return False

    def find(self, kind: str, subject: str, detail: str, at: Micros) -> None:
        """Record what the comparison of books and journal found."""
        self.findings += 1
        self.record(ev.FindingApplied(at=at, kind=kind, subject=subject, detail=detail))

    def alarm(self, kind: str, subject: str, detail: str, at: Micros) -> None:
        """Record a finding that shakes our picture: until the books agree, nothing is entered."""
        self.find(kind, subject, detail, at)
        self.alarms.append(f"{kind} {subject}")

    def finish(self, leg: str, phase: Phase, reason: str, at: Micros) -> None:
        """Record a phase of a leg, unless it is in it already."""
        if self.ledger.legs[leg].phase is not phase:
            self.record(ev.ExitPhase(at=at, leg=leg, phase=phase, reason=reason))

    def _change(self, intent: str, state: State, at: Micros, **changes: object) -> None:
        fields = {"pending": Pending.NONE, "orderid": "", "reason": ""} | changes
        moved = ev.StateChanged(at=at, intent=intent, state=state, **fields)  # type: ignore[arg-type]
        self.record(moved)

    def _placed(self, order: Order, reply: WriteReply, at: Micros) -> None:
        if reply.outcome is Outcome.DONE:
            self._acknowledged(order, reply.orderid, at)
        elif order.state is State.SENDING:
            self._failed(order, reply, at)

    def _acknowledged(self, order: Order, orderid: str, at: Micros) -> None:
        """Take the id; if the books gave this order another one before, there are two.

        One that was known before, or that is another order's, is not taken: no twin is made of it,
        and an order without an id is looked for in the books.
        """
        if order.orderid and order.orderid == orderid:
            return
        if orderid in self.ledger.known_ids() or orderid in order.baseline:
            said = f"answered with the id {orderid}, which is another order's"
            self.alarm("STRANGE_ID", order.intent, said, at)
            if order.state is State.SENDING:
                self.move(order, State.UNKNOWN, at, reason=said)
        elif order.orderid:
            self.duplicate(order, orderid, at)
        else:
            self.move(order, State.ACKED, at, orderid=orderid)

    def _failed(self, order: Order, reply: WriteReply, at: Micros) -> None:
        """Take a place that was not acknowledged.

        An exit that left does not end by a mere lack of sense in the answer: until the books tell,
        nothing may be sent beside it. A refused entry is watched as well, but holds up nothing. An
        answer of the other world says nothing about an order in ours.
        """
        entry = order.purpose is Purpose.ENTRY
        match reply.outcome:
            case Outcome.NONSENSE if reply.code == WRONG_MODE:
                self.move(order, State.UNKNOWN, at, reason=reply.text)
            case Outcome.NOT_SENT if not entry:
                self.move(order, State.PLANNED, at, reason=reply.text)
            case Outcome.NONSENSE if not entry:
                self.move(order, State.UNKNOWN, at, reason=reply.text)
            case Outcome.UNKNOWN:
                self.move(order, State.UNKNOWN, at, reason=reply.text)
            case _:
                self.move(order, State.REFUSED, at, reason=reply.code or reply.outcome.value)

    def _asked(self, order: Order, op: str, reply: WriteReply, at: Micros) -> None:
        """Take the answer to a modify or cancel that is still waited for."""
        if order.pending not in _ASKED[op] or order.state.is_terminal:
            return
        match reply.outcome:
            case Outcome.DONE if op == "modify":
                self.move(order, order.state, at, ticket=order.target)
            case Outcome.DONE:
                pass
            case Outcome.NOT_SENT:
                self.move(order, order.state, at, reason=reply.text)
            case _:
                self.move(order, order.state, at, pending=_ASKED[op][-1], reason=reply.text)

    def numbers_used(self) -> Iterable[Numbers]:
        """Return the numbers of every order of today, ours and those of the last valid book."""
        ours = {numbers(order.ticket) for order in self.ledger.orders.values()}
        return ours | self._book_numbers


def _priority(order: Order) -> Priority:
    return Priority.ENTRY if order.purpose is Purpose.ENTRY else Priority.EXIT
