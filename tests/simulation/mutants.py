"""Policies known to be bad, and mutants of our own code, for the orders drill to catch.

Each replaces a function or two for the length of a session; never a switch in production code.
`rules` are those one of which has to break.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from broker.asks import HttpAnswer, HttpAsk
from broker.governor import Governor
from domain import blotter as notebook
from domain import events as ev
from domain import evidence
from domain.blotter import Blotter
from domain.books import Books, OrderRow, Status
from domain.calls import Outcome, WriteReply
from domain.climb import Climb
from domain.desk import Desk
from domain.desk_entries import EntryDesk
from domain.desk_exits import ExitDesk
from domain.evidence import Weighing
from domain.gate import Gate, Situation
from domain.ledger import Ledger
from domain.orders import Order, Purpose, State
from domain.positions import Leg, Phase
from domain.proof import Proof
from domain.protection import Protection
from domain.reconcile import Verdict, Yardstick
from domain.standing import Standing
from domain.units import SECOND, Micros, seconds
from research.order_agent import JudgedJournal
from research.world import World

NOTHING_WRONG = Verdict(faults=())
Patch = pytest.MonkeyPatch
Bite = Callable[[Patch], None]


@dataclass(frozen=True, slots=True)
class Mutant:
    """A change for the worse, and the rules of which it has to break one.

    `forced` is a kind of fault it has to meet: then that one is in every session of the hunt.
    """

    name: str
    rules: tuple[str, ...]
    bite: Bite
    forced: str = ""
    is_policy: bool = False


def three_tries(patch: Patch) -> None:
    """A placement that was not answered well is placed again, up to three times."""
    carry = World._carry

    def retried(self: World, ask: HttpAsk, then: Callable[[HttpAnswer], None]) -> None:
        tries = 3

        def heard(answer: HttpAnswer) -> None:
            nonlocal tries
            is_bad = answer.fault is not None or (answer.status or 0) >= 400
            tries -= 1
            if ask.route == "placeorder" and is_bad and tries:
                carry(self, ask, heard)
            else:
                then(answer)

        carry(self, ask, heard)

    patch.setattr(World, "_carry", retried)


def missing_is_gone(patch: Patch) -> None:
    """What the books do not show is deleted: orders, and positions with them."""
    run = Weighing.run

    def deleting(self: Weighing) -> None:
        run(self)
        rows = {row.orderid for row in self._books.orders}
        held = {row.symbol for row in self._books.positions if row.net}
        ledger = self._blotter.ledger
        for order in tuple(ledger.live()):
            if order.orderid and order.orderid not in rows:
                self._blotter.move(order, State.CANCELLED, self._at, reason="missing")
        for leg in tuple(ledger.open_legs()):
            if leg.symbol not in held and leg.short > 0:
                self._blotter.finish(leg.leg, Phase.DONE, "missing", self._at)

    patch.setattr(Weighing, "run", deleting)
    patch.setattr(Yardstick, "judge", lambda *_: NOTHING_WRONG)


def one_shot_close(patch: Patch) -> None:
    """A quarter past three is a moment; who was not there has missed it."""

    def at_once(self: Standing, at: Micros) -> bool:
        return at // SECOND == self._plan.force_close // SECOND

    patch.setattr(Standing, "is_closing", at_once)
    market_exit(patch)


def market_exit(patch: Patch) -> None:
    """The last resort is an order without a price; none is sent a second time."""
    cover = Climb._cover

    def once(self: Climb, leg: Leg, at: Micros) -> None:
        placed = [o for o in self._b.ledger.orders.values() if o.leg == leg.leg]
        if not any(order.purpose is Purpose.COVER for order in placed):
            cover(self, leg, at)

    patch.setattr(Climb, "_cover", once)
    patch.setattr(Climb, "_climb", _nothing)


def stop_and_forget(patch: Patch) -> None:
    """A stop is placed once and never looked at again."""
    place = Protection._place

    def step(self: Protection, leg: Leg, bare_since: Micros | None, at: Micros) -> str:
        del bare_since
        orders = self._b.ledger.orders.values()
        if not any(o.leg == leg.leg and o.purpose is Purpose.STOP for o in orders):
            place(self, leg, [], leg.short, at)
        return ""

    patch.setattr(Protection, "step", step)


def no_commit(patch: Patch) -> None:
    """What was decided is sent and never written down."""
    append = JudgedJournal.append

    def skipping(self: JudgedJournal, events: Any) -> int:
        events = tuple(events)
        if any(isinstance(event, ev.IntentPlanned) for event in events):
            return self.seq
        return append(self, events)

    patch.setattr(JudgedJournal, "append", skipping)


def short_memory(patch: Patch) -> None:
    """An order of unknown fate is given up after 30 s instead of 135 s."""
    init = Weighing.__init__

    def hasty(self: Weighing, *args: Any, **named: Any) -> None:
        init(self, *args, **named)
        self._params = replace(self._params, unknown_s=30)

    patch.setattr(Weighing, "__init__", hasty)


def no_fingerprint(patch: Patch) -> None:
    """An order is known by symbol, side and quantity, whosever it is."""
    patch.setattr(notebook, "fingerprinted", lambda ticket, *_: (ticket, 0))

    def alike(order: Order, rows: tuple[OrderRow, ...], *_: Any) -> tuple[OrderRow, ...]:
        wanted = order.ticket
        return tuple(
            row
            for row in rows
            if (row.symbol, row.action, row.quantity)
            == (wanted.symbol, wanted.action, wanted.quantity)
        )[:1]

    patch.setattr(evidence, "candidates", alike)


def complete_is_filled(patch: Patch) -> None:
    """A row that says complete is a fill, whatever the trades say."""
    fill = Weighing._fill

    def believing(self: Weighing, order: Order, row: OrderRow | None) -> None:
        fill(self, order, row)
        order = self._blotter.ledger.orders[order.intent]
        if row is not None and row.status is Status.COMPLETE and order.filled < row.quantity:
            value = row.quantity * order.ticket.price
            seen = ev.FillsSeen(at=self._at, intent=order.intent, filled=row.quantity, value=value)
            self._blotter.record(seen)
            self._blotter.move(self._blotter.ledger.orders[order.intent], State.FILLED, self._at)

    patch.setattr(Weighing, "_fill", believing)


def first_slice_only(patch: Patch) -> None:
    """The stop covers what filled first, and never grows."""
    grow = Protection._grow

    def never(self: Protection, leg: Leg, placed: list[Order], missing: int, at: Micros) -> str:
        return "" if placed else grow(self, leg, placed, missing, at)

    patch.setattr(Protection, "_grow", never)
    patch.setattr(Protection, "_why_leave", lambda *_: "")


def surplus_stays(patch: Patch) -> None:
    """A second stop that turns up is left beside the first, and one outlives its short."""
    patch.setattr(Protection, "_trim", _nothing)
    patch.setattr(ExitDesk, "_finish", _finish_without_cancel)


def late_entries(patch: Patch) -> None:
    """Entries go on after the last entry time."""
    patch.setattr(Gate, "_mode", lambda *_: None)
    patch.setattr(Standing, "entries_over", lambda *_: "")


def acknowledged_cancel(patch: Patch) -> None:
    """A cancel that was acknowledged is a cancel, and what it made room for goes at once."""
    asked = Blotter._asked

    def ended(self: Blotter, order: Order, op: str, reply: WriteReply, at: Micros) -> None:
        if op == "cancel" and reply.outcome is Outcome.DONE and not order.state.is_terminal:
            self.move(order, State.CANCELLED, at, reason="acknowledged")
        else:
            asked(self, order, op, reply, at)

    patch.setattr(Blotter, "_asked", ended)


def no_row_no_cover(patch: Patch) -> None:
    """A cover goes only while the position book shows the short; else the exit is over."""
    held: set[str] = set()
    cover = Climb._cover

    def judged(_self: Yardstick, books: Books, *_: Any) -> Verdict:
        held.clear()
        held.update(row.symbol for row in books.positions if row.net)
        return NOTHING_WRONG

    def asking(self: Climb, leg: Leg, at: Micros) -> None:
        if leg.symbol in held:
            cover(self, leg, at)
        else:
            self._b.blotter.finish(leg.leg, Phase.DONE, "no position", at)

    patch.setattr(Yardstick, "judge", judged)
    patch.setattr(Climb, "_cover", asking)


def no_proof(patch: Patch) -> None:
    """One look at a quiet account is flat."""
    patch.setattr(
        Proof,
        "weigh",
        lambda _self, _books, digest, ledger: (
            (digest, digest) if not any(ledger.open_legs()) else None
        ),
    )


def no_governor(patch: Patch) -> None:
    """Writes leave as soon as they are wished."""
    patch.setattr(Governor, "_is_free", lambda *_: True)


def cover_beside(patch: Patch) -> None:
    """A cover is more urgent than knowing what else may still buy."""
    patch.setattr(Climb, "_is_free", lambda *_: True)


def stop_left_behind(patch: Patch) -> None:
    """The cover went out; the stop it replaces is left alone."""
    patch.setattr(Climb, "_leave", _nothing)
    patch.setattr(
        Climb,
        "_is_free",
        lambda self, leg, _at: all(order.ticket.trigger for order in self._b.ledger.exits(leg.leg)),
    )
    patch.setattr(ExitDesk, "_finish", _finish_without_cancel)


def sent_is_forgotten(patch: Patch) -> None:
    """After a restart what was being sent counts as never placed."""

    def begin(self: Desk, at: Micros) -> None:
        for order in tuple(self.ledger.live()):
            if order.state in {State.SENDING, State.UNKNOWN}:
                self.blotter.move(order, State.NOT_PLACED, at, reason="process ended")

    patch.setattr(Desk, "begin", begin)
    patch.setattr(Weighing, "_search", _nothing)


def unknown_entry_again(patch: Patch) -> None:
    """An entry of unknown fate is sent again."""
    step = EntryDesk.step

    def again(self: EntryDesk, now: Situation, *args: Any, **named: Any) -> None:
        step(self, now, *args, **named)
        for order in tuple(self._blotter.ledger.live(Purpose.ENTRY)):
            sent_at = order.sent_at or now.at
            if order.state is State.UNKNOWN and now.at >= sent_at + seconds(5):
                self._blotter.send(order.intent, now.at)

    patch.setattr(EntryDesk, "step", again)


def latches_are_forgotten(patch: Patch) -> None:
    """A restart takes latches down."""
    fold = Ledger.fold

    def forgetting(self: Ledger, events: Any) -> Ledger:
        return fold(self, (e for e in events if type(e).__name__ != "LatchSet"))

    patch.setattr(Ledger, "fold", forgetting)


MUTANTS = (
    Mutant(
        "place retried three times", ("I1", "I2"), three_tries, forced="lost_after", is_policy=True
    ),
    Mutant(
        "missing in the book, so deleted", ("I6", "I3", "LOST"), missing_is_gone, is_policy=True
    ),
    Mutant("one shot at the close", ("L3",), one_shot_close, is_policy=True),
    Mutant("stop placed and never looked at", ("I3",), stop_and_forget, is_policy=True),
    Mutant("intent never committed", ("I1", "I5", "I10"), no_commit),
    Mutant("UNKNOWN lasts 30 s", ("I1", "I2", "I4"), short_memory, forced="late_accept"),
    Mutant("no fingerprint, match by quantity", ("I1", "I6", "I7", "L2", "LOST"), no_fingerprint),
    Mutant("complete believed without trades", ("I6", "I3"), complete_is_filled, forced="leaks"),
    Mutant("stop for the first slice only", ("I3",), first_slice_only),
    Mutant("second stop never cancelled", ("I4", "I2"), surplus_stays, forced="late_accept"),
    Mutant("entries after the last entry time", ("I8",), late_entries),
    Mutant(
        "replace on an acknowledged cancel",
        ("I1", "I2", "I4"),
        acknowledged_cancel,
        forced="slow_cancel",
    ),
    Mutant(
        "cover only if a position row exists",
        ("I3", "I6", "L3"),
        no_row_no_cover,
        forced="empty_positions",
    ),
    Mutant("no proof of flat", ("L3", "LOST"), no_proof, forced="late_accept"),
    Mutant("no rate governor", ("I9",), no_governor),
    Mutant("cover beside whatever lives", ("I2", "I4"), cover_beside),
    Mutant("stop left behind the cover", ("I4", "I2"), stop_left_behind),
    Mutant("what was being sent is forgotten", ("I1", "I3", "I4", "LOST"), sent_is_forgotten),
    Mutant("unknown entry sent again", ("I1",), unknown_entry_again, forced="lost_after"),
    Mutant("latches forgotten at a restart", ("I8", "I10", "I11"), latches_are_forgotten),
)


def _nothing(*_: Any) -> None:
    """Do nothing."""


def _finish_without_cancel(self: ExitDesk, leg: Leg, at: Micros) -> None:
    ledger = self._blotter.ledger
    if ledger.orders[leg.leg].state.is_terminal:
        self._blotter.finish(leg.leg, Phase.DONE, leg.reason or "stopped", at)
