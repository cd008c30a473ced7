"""The order journal, folded: orders, legs, latches and mode are nothing but their events.

One `Ledger` holds one trading day. Whoever folds the same events gets the same ledger, whether
live, after a crash, or in the reader that judges the broker's books.
"""

from collections.abc import Iterable, Iterator

import msgspec

from domain import events as ev
from domain.books import Action
from domain.calls import Outcome
from domain.changes import moved, requested
from domain.contracts import Chain, Contract, Side
from domain.orders import Order, Purpose, State, StopPlan
from domain.positions import Execution, Leg, Phase, opened
from domain.reasons import Condition
from domain.refusals import SCHEMA_CODES
from domain.session import DayPlan
from domain.units import MINUTE, Micros, Symbol, Units

UNSAFE = frozenset({Condition.JOURNAL_LOST, Condition.JOURNAL_DOUBT, Condition.ANOTHER_TRADER})
"""Findings that hold until the day is over, whatever restarts; a human may know of others."""

BUYS = frozenset({Purpose.STOP, Purpose.COVER})
"""Why a leg is bought back."""


class Ledger:
    """State as a fold. `apply` never refuses: what may be recorded is decided before."""

    def __init__(self) -> None:
        self.orders: dict[str, Order] = {}
        self._live: dict[str, Order] = {}
        self.legs: dict[str, Leg] = {}
        self.latches: dict[str, str] = {}
        self.refusals: dict[str, int] = {}
        self.rejects: tuple[Micros, ...] = ()
        self.malformed = ""
        self.foreign: set[str] = set()
        self.acknowledged: set[str] = set()
        self.externals: dict[Symbol, int] = {}
        self.returned: dict[Symbol, int] = {}
        self.unsafe: dict[Condition, str] = {}
        self.has_recovered = False
        self.mode = "STARTING"
        self.plan: DayPlan | None = None
        self.chain: Chain | None = None
        self.proved_flat_at: Micros | None = None
        self.moved_at = Micros(0)
        self.has_jumped = False

    def fold(self, events: Iterable[ev.Event]) -> "Ledger":
        """Apply events in order and return self."""
        for event in events:
            self.apply(event)
        return self

    def apply(self, event: ev.Event) -> None:
        """Take one event in."""
        match event:
            case ev.IntentPlanned():
                self._plan(event)
            case ev.StateChanged():
                self._move(event)
            case ev.FillsSeen() | ev.FillsAgreed():
                self._fill(event)
            case ev.WriteSent() | ev.ModifyPlanned() | ev.CancelPlanned():
                self._request(event)
            case ev.WriteReplied() | ev.OrderRefused():
                self._reply(event)
            case ev.StopPlanned(intent=intent, stop=stop):
                self._stop(intent, stop)
            case ev.ExitPhase(leg=leg, phase=phase, reason=reason):
                before = self.legs[leg]
                after = msgspec.structs.replace(before, phase=phase, reason=before.reason or reason)
                self.legs[leg] = after
            case _:
                self._note(event)

    def live(self, purpose: Purpose | None = None) -> Iterator[Order]:
        """Return orders that have not ended, in the order they were planned."""
        return (o for o in self._live.values() if purpose is None or o.purpose is purpose)

    def exits(self, leg: str) -> Iterator[Order]:
        """Return the BUY orders of a leg that have not ended."""
        return (o for o in self.live() if o.leg == leg and o.purpose in BUYS)

    def open_legs(self) -> Iterator[Leg]:
        """Return legs that are not done."""
        return (leg for leg in self.legs.values() if leg.phase is not Phase.DONE)

    def covered(self, leg: str) -> Units:
        """Return the units of a leg that confirmed, working BUY orders would buy back."""
        return Units(sum(o.remaining for o in self.exits(leg) if o.state.is_working))

    def uncovered(self, leg: Leg) -> Units:
        """Return the units of a leg that no working order protects."""
        return Units(max(0, leg.exposed - self.covered(leg.leg)))

    def own_net(self) -> dict[Symbol, int]:
        """Return our own net units per symbol traded today, from our trades.

        A short is negative. What others bought back of it is gone from it.
        """
        net: dict[Symbol, int] = dict(self.returned)
        for order in self.orders.values():
            if order.filled:
                symbol = order.ticket.symbol
                net[symbol] = net.get(symbol, 0) + order.ticket.action.sign * order.filled
        return net

    def own_ids(self) -> set[str]:
        """Return the broker's ids of our orders."""
        return {o.orderid for o in self.orders.values() if o.orderid}

    def known_ids(self) -> set[str]:
        """Return every broker id seen today, ours and others'."""
        return self.own_ids() | self.foreign

    def shorts(self) -> dict[Symbol, Side]:
        """Return symbols that are, or may become, short: open legs and live entries."""
        found = {leg.symbol: leg.side for leg in self.open_legs()}
        for order in self.live(Purpose.ENTRY):
            if order.side is not None:
                found.setdefault(order.ticket.symbol, order.side)
        return found

    def outstanding(self, symbol: Symbol, action: Action) -> Order | None:
        """Return the order of this symbol and action that is in flight, if one is."""
        for order in self.live():
            wire = order.ticket
            if order.state.is_in_flight and wire.symbol == symbol and wire.action is action:
                return order
        return None

    def contract(self, symbol: Symbol) -> Contract | None:
        """Return the contract facts journaled for today."""
        return self.chain.of(symbol) if self.chain else None

    @property
    def is_quiet(self) -> bool:
        """Whether no order is live and no leg is open."""
        return not any(self.live()) and not any(self.open_legs())

    def _keep(self, order: Order) -> None:
        """Take an order as it is now: few of a day's orders live, and those are asked for most."""
        is_new = order.intent not in self.orders
        self.orders[order.intent] = order
        if not order.is_live:
            self._live.pop(order.intent, None)
        elif is_new or order.intent in self._live:
            self._live[order.intent] = order
        else:
            # A late find brings an ended order back to life, in its old place.
            self._live = {intent: o for intent, o in self.orders.items() if o.is_live}

    def _plan(self, event: ev.IntentPlanned) -> None:
        planned = Order(
            intent=event.intent,
            purpose=event.purpose,
            leg=event.leg,
            ticket=event.ticket,
            baseline=event.baseline,
            key=event.key,
            side=event.side,
            stop=event.stop,
            changed_at=event.at,
        )
        self._keep(planned)
        self._stir(event.at)

    def _move(self, event: ev.StateChanged) -> None:
        order = self.orders[event.intent]
        after = moved(order, event)
        if after.state is State.REJECTED and order.state is not State.REJECTED:
            self._rejected(event.at)
        self._keep(after)
        self._stir(event.at)

    def _fill(self, event: ev.FillsSeen | ev.FillsAgreed) -> None:
        self._stir(event.at)
        if isinstance(event, ev.FillsAgreed):
            self._agree(event)
            return
        order = msgspec.structs.replace(
            self.orders[event.intent],
            filled=event.filled,
            value=event.value,
            changed_at=event.at,
        )
        self._keep(order)
        if order.purpose is Purpose.ENTRY:
            self._sold(order, event.at)
        elif order.leg in self.legs:
            self._bought(order.leg)

    def _sold(self, order: Order, at: Micros) -> None:
        leg = self.legs.get(order.leg) or opened(order, at)
        self.legs[order.leg] = leg.grown(Execution(units=order.filled, value=order.value))

    def _agree(self, event: ev.FillsAgreed) -> None:
        """Take units that seem filled: there is a leg to protect, and nothing to count."""
        order = self.orders[event.intent]
        leg = self.legs.get(order.leg) or opened(order, event.at)
        reopened = Phase.PROTECT if event.units and leg.phase is Phase.DONE else leg.phase
        self.legs[order.leg] = msgspec.structs.replace(leg, unproved=event.units, phase=reopened)

    def _bought(self, leg: str) -> None:
        executions = tuple(
            Execution(
                units=Units(o.ticket.action.sign * o.filled),
                value=o.ticket.action.sign * o.value,
            )
            for o in self.orders.values()
            if o.leg == leg and o.purpose is not Purpose.ENTRY and o.filled
        )
        self.legs[leg] = self.legs[leg].returned_by(executions)

    def _request(self, event: ev.WriteSent | ev.ModifyPlanned | ev.CancelPlanned) -> None:
        self._keep(requested(self.orders[event.intent], event))
        self._stir(event.at)

    def _reply(self, event: ev.WriteReplied | ev.OrderRefused) -> None:
        """Take what a refusal says of the order, of the broker's mood, and of our own words.

        By which code a modify was refused is remembered until another one is accepted.
        """
        if isinstance(event, ev.OrderRefused):
            what = refusal_of(event.symbol, event.code)
            self.refusals[what] = self.refusals.get(what, 0) + 1
            return
        refused = event.outcome == Outcome.REJECTED
        code = (event.code or event.outcome) if refused else ""
        if refused and event.op == "place":
            self._rejected(event.at)
        if code in SCHEMA_CODES:
            self.malformed = f"{event.op} {event.intent}: {event.text}"
        if event.op == "modify":
            self._refused_change(event, code)

    def _rejected(self, at: Micros) -> None:
        """Count a refusal by broker or exchange; a minute is looked back upon."""
        self.rejects = (*(when for when in self.rejects if when > at - MINUTE), at)

    def _refused_change(self, event: ev.WriteReplied, code: str) -> None:
        self._keep(msgspec.structs.replace(self.orders[event.intent], modify_refused=code))

    def _stop(self, intent: str, stop: StopPlan) -> None:
        order = self.orders[intent]
        self._keep(msgspec.structs.replace(order, stop=stop))
        leg = self.legs.get(order.leg)
        if leg is not None:
            self.legs[order.leg] = msgspec.structs.replace(leg, stop=stop)

    def _note(self, event: ev.Event) -> None:
        match event:
            case ev.DayPlanned(plan=plan, chain=chain):
                self.plan, self.chain = plan, chain
            case ev.ContractsJoined(contracts=contracts) if self.chain is not None:
                self.chain = self.chain.grown(contracts)
            case ev.ExternalSeen() | ev.ExternalClosed() | ev.ForeignAcknowledged():
                self._others(event)
            case ev.ModeChanged(mode=mode):
                self.mode = mode
            case ev.LatchSet(name=name, reason=reason):
                self.latches.setdefault(name, reason)
            case ev.LatchCleared(name=name):
                self.latches.pop(name, None)
            case ev.ProvedFlat(at=at):
                self.proved_flat_at = at
            case _:
                self._meet(event)

    def _meet(self, event: ev.Event) -> None:
        """Take what a start found, or what was found out of the journal's truth."""
        match event:
            case ev.OrphanFound():
                self._take_over(event)
            case ev.Recovered():
                self.has_recovered = True
            case ev.ClockJumped(at=at):
                self.has_jumped = True
                self.moved_at = min(self.moved_at, at)
                for order in tuple(self.orders.values()):
                    self._keep(order.not_after(at))
            case ev.FindingApplied(kind=kind, detail=detail) if kind in UNSAFE:
                self.unsafe.setdefault(Condition(kind), detail)
                # A journal put back from a backup lacks what came after that start, too.
                self.has_recovered &= kind != Condition.JOURNAL_LOST
            case _:
                pass

    def _others(self, event: ev.ExternalSeen | ev.ExternalClosed | ev.ForeignAcknowledged) -> None:
        """Take what others did to symbols, and to shorts of ours."""
        match event:
            case ev.ExternalSeen(orderids=orderids, symbol=symbol, net=net):
                self.foreign.update(orderids)
                self.externals[symbol] = net
            case ev.ExternalClosed(at=at, leg=name, units=units, value=value):
                leg = self.legs[name] = self.legs[name].given_back(units, value)
                self.returned[leg.symbol] = self.returned.get(leg.symbol, 0) + units
                self._stir(at)
            case _:
                self.acknowledged |= self.foreign
                self.unsafe.pop(Condition.ANOTHER_TRADER, None)

    def _take_over(self, event: ev.OrphanFound) -> None:
        """Take a short that was found: an entry that filled, and its leg."""
        self._keep(
            Order(
                intent=event.intent,
                purpose=Purpose.ENTRY,
                leg=event.intent,
                ticket=event.ticket,
                baseline=(),
                side=event.side,
                stop=event.stop,
                state=State.FILLED if event.filled >= event.ticket.quantity else State.OPEN,
                orderid=event.orderid,
                changed_at=event.at,
                filled=event.filled,
                value=event.value,
            )
        )
        self.legs[event.intent] = Leg(
            leg=event.intent,
            strategy=event.ticket.strategy,
            slot=event.side.value,
            symbol=event.ticket.symbol,
            exchange=event.ticket.exchange,
            side=event.side,
            opened_at=event.at,
            stop=event.stop,
            first_stop=event.stop,
            sold=Execution(units=event.filled, value=event.value),
        )
        if Condition.ANOTHER_TRADER not in self.unsafe:
            lost = "shorts were found that the journal does not know"
            self.unsafe.setdefault(Condition.JOURNAL_LOST, lost)
        self._stir(event.at)

    def _stir(self, at: Micros) -> None:
        self.moved_at = max(self.moved_at, at)
        self.proved_flat_at = None


def refusal_of(symbol: Symbol, code: str) -> str:
    """Return under which name the refusals of a symbol by a code are counted."""
    return f"{symbol} {code}"
