"""Changing an entry that rests, step by step, until it stands as wished (`execution.md` 5 and 6).

A modify carries absolute targets, so the same one may be sent again whenever a read shows that it
did not take. Price and quantity never change in one: what takes risk off goes first, whatever the
mode; every other step is allowed anew when it is due. An entry whose trigger was met is never
changed.
"""

from collections.abc import Callable
from typing import Literal

import msgspec
from msgspec.structs import replace

from domain import events as ev
from domain.blotter import Amend, Blotter
from domain.contracts import Side
from domain.fingerprint import fingerprinted
from domain.orders import EntryKey, Order, StopPlan, Ticket
from domain.units import Micros, Paise

TRIES = 5
"""How often one target is asked for before the entry is given up: it takes no change."""


class Goal(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What an entry is to become: its numbers, the decision it stands for then, and its stop.

    `last` is the price the wish saw.
    """

    key: EntryKey
    side: Side
    ticket: Ticket
    stop: StopPlan
    last: Paise
    tick: Paise


Allows = Callable[[Order, Goal, Ticket], bool]
"""Whether an entry may become this ticket now, on its way to the goal; who forbids it says why."""


class _Asked(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The change last asked for, and how often in a row."""

    ticket: Ticket
    times: int


class Amendments:
    """Which entries are to become something else. In memory: a restart ends every entry anyway."""

    def __init__(
        self,
        blotter: Blotter,
        modify_qty: Literal["total", "remaining", "none"],
        fingerprint_ticks: int,
    ) -> None:
        self._blotter = blotter
        self._modify_qty = modify_qty
        self._ticks = fingerprint_ticks
        self._goals: dict[str, Goal] = {}
        self._asked: dict[str, _Asked] = {}

    def want(self, order: Order, goal: Goal, at: Micros) -> None:
        """Aim at other numbers. The stop's plan travels at once if it protects from further off."""
        self._goals[order.intent] = goal
        if order.stop is not None and goal.stop.trigger > order.stop.trigger:
            self._blotter.record(ev.StopPlanned(at=at, intent=order.intent, stop=goal.stop))

    def forget(self, intent: str) -> None:
        """Leave an entry as it is now."""
        self._goals.pop(intent, None)
        self._asked.pop(intent, None)

    def is_met(self, order: Order, key: EntryKey, ticket: Ticket, tick: Paise) -> bool:
        """Whether an entry stands as wished: its numbers, but for a fingerprint, and its reason."""
        is_sized = order.ticket.quantity == ticket.quantity
        return order.key == key and is_sized and self._is_priced(order.ticket, ticket, tick)

    def step(
        self, order: Order, at: Micros, allows: Allows, send_before: Micros | None = None
    ) -> str:
        """Ask for the next change that is due; return why the entry has to end instead, or ''.

        A change that is not allowed any more is forgotten: the entry rests as it stands.
        """
        goal = self._goals.get(order.intent)
        if goal is None or not order.may_be_asked(at):
            return ""
        if self.is_met(order, goal.key, goal.ticket, goal.tick):
            self.forget(order.intent)
            return ""
        change = self._next(order, goal)
        if change is None:
            return "no free price is left to move to"
        if not change.is_relief and not allows(order, goal, change.ticket):
            self.forget(order.intent)
            return ""
        return self._ask(order, goal, replace(change, send_before=send_before), at)

    def _ask(self, order: Order, goal: Goal, change: Amend, at: Micros) -> str:
        if change.ticket.quantity != order.ticket.quantity and self._modify_qty != "total":
            return f"{goal.ticket.quantity} units are wished"
        if self._modify_qty == "remaining":
            return "a change is of what is left"
        why = self._why_end(order, change.ticket)
        if not why:
            self._send(order, goal, change, at)
        return why

    def _next(self, order: Order, goal: Goal) -> Amend | None:
        """Return the one change to ask for now: fewer units, then the price, then more units."""
        now, wanted = order.ticket, goal.ticket
        is_priced = self._is_priced(now, wanted, goal.tick)
        if wanted.quantity < now.quantity:
            key = goal.key if is_priced else order.key
            ticket = replace(now, quantity=wanted.quantity)
            return Amend(ticket=ticket, key=key, reason="fewer units", is_relief=True)
        if not is_priced:
            moved = self._moved(order, goal)
            return Amend(ticket=moved, key=goal.key, reason="moved") if moved else None
        ticket = replace(now, quantity=wanted.quantity)
        return Amend(ticket=ticket, key=goal.key, reason="as wished")

    def _moved(self, order: Order, goal: Goal) -> Ticket | None:
        """Return the order at the wished price, moved by ticks that nobody used today.

        What was asked for before is asked for again, to the paisa: it is the same modify.
        """
        wanted = replace(goal.ticket, quantity=order.ticket.quantity)
        before = self._asked.get(order.intent)
        if before is not None and self._is_aim(before.ticket, wanted, goal.tick):
            return before.ticket
        found = fingerprinted(wanted, self._blotter.numbers_used(), goal.tick, self._ticks)
        return found[0] if found else None

    def _is_aim(self, asked: Ticket, wanted: Ticket, tick: Paise) -> bool:
        is_sized = asked.quantity == wanted.quantity
        return is_sized and self._is_priced(asked, wanted, tick)

    def _is_priced(self, now: Ticket, wanted: Ticket, tick: Paise) -> bool:
        window = range(self._ticks * tick)
        return now.trigger == wanted.trigger and wanted.price - now.price in window

    def _why_end(self, order: Order, ticket: Ticket) -> str:
        """Return why asking for this once more is of no use; '' if it may be asked."""
        before = self._asked.get(order.intent)
        if before is None or before.ticket != ticket:
            return ""
        if order.modify_refused:
            return f"takes no change: {order.modify_refused}"
        return "does not take a change" if before.times >= TRIES else ""

    def _send(self, order: Order, goal: Goal, change: Amend, at: Micros) -> None:
        before = self._asked.get(order.intent)
        is_again = before is not None and before.ticket == change.ticket
        times = before.times + 1 if before is not None and is_again else 1
        self._asked[order.intent] = _Asked(ticket=change.ticket, times=times)
        if change.key == goal.key != order.key:
            # A nearer stop belongs to the new price: until the change took, the further one holds.
            change = replace(change, stop=goal.stop)
        self._blotter.amend(order, change, at)
