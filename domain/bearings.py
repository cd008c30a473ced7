"""What every exit goes by: prices seen, books believed, how much is left, what may be sent.

One object for the stop, the ladder and the sale of an excess, so that all three measure alike.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from msgspec.structs import replace

from domain import events as ev
from domain.blotter import Blotter, Intent
from domain.books import Action, PriceType
from domain.evidence import Memory
from domain.exits import Tape
from domain.gate_exits import ExitCase, ExitVerdict, exit_verdict, sized_for
from domain.ledger import Ledger
from domain.orders import ASK_APART, Order, Purpose, State, Ticket
from domain.pages import PageCode, Pages
from domain.params import ExitParams, GateParams, ProtectParams
from domain.positions import Leg
from domain.reasons import Refusal
from domain.units import Micros, Paise, Symbol, Units, seconds

NEVER_LEFT = "never left"
CLOSED = "position is closed"
GIVEN_UP = frozenset({NEVER_LEFT, CLOSED})
"""Why we ourselves refused an order that was not sent; the exchange said nothing."""

REFUSALS = frozenset({State.REFUSED, State.REJECTED})


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitTerms:
    """The settings exits go by; what a modify may change is the broker's."""

    exits: ExitParams
    protect: ProtectParams
    gate: GateParams
    modify_qty: Literal["total", "remaining", "none"] = "total"
    exit_modify: Literal["cancel_replace", "change_type"] = "cancel_replace"


class Bearings:
    """Shared by the parts of the exit desk. Mutable."""

    def __init__(self, blotter: Blotter, memory: Memory, terms: ExitTerms) -> None:
        self.blotter = blotter
        self.memory = memory
        self.terms = terms
        self.pages = Pages()
        self.tapes: dict[Symbol, Tape] = defaultdict(Tape)
        self.is_blind = False
        self.seen_at = Micros(0)
        self._found: set[tuple[str, str]] = set()

    @property
    def ledger(self) -> Ledger:
        """Our own account."""
        return self.blotter.ledger

    def room(self, leg: Leg) -> Units:
        """Return how much a new order may buy: what is short, by us and by the broker.

        The broker's books bound it only while they are believed; a missing row is no reason to buy
        less. What seems filled without a trade may be protected beyond that.
        """
        cap = self.memory.broker_short(leg.symbol)
        short = leg.short if cap is None else min(leg.short, cap)
        return Units(short + leg.unproved)

    def not_after(self, at: Micros) -> None:
        """Let nothing that was seen be later than `at`: the clock was set back."""
        self.seen_at = min(self.seen_at, at)
        for tape in self.tapes.values():
            tape.not_after(at)
        self.pages.not_after(at)
        self.memory.net_at = min(self.memory.net_at, at)
        for seen in (self.memory.absent, self.memory.ended, self.memory.rested):
            seen.clear()

    def tick(self, symbol: Symbol) -> Paise:
        """Return the tick of a contract; the usual one where the day's facts were lost."""
        return sized_for(self.ledger.contract(symbol), Units(0))[0]

    def may_fill(self, order: Order) -> bool:
        """Whether an order stands as a limit: read open, or in a word of the broker's own."""
        is_vague = order.intent in self.memory.vague and not order.ticket.trigger
        return order.state is State.OPEN or (order.state is State.ACKED and is_vague)

    def is_lost(self, order: Order, at: Micros) -> bool:
        """Whether nobody knows what became of an order: UNKNOWN, or its answer hangs."""
        if order.state is State.UNKNOWN:
            return True
        patience = seconds(self.terms.protect.confirm_s)
        return order.state is State.SENDING and at >= (order.sent_at or at) + patience

    def fit(self, leg: Leg, ticket: Ticket, beside: Iterable[Order], at: Micros) -> ExitVerdict:
        """Return how a BUY may go (gate rows 6 to 8 and 12); `beside` may still fill as well.

        Row 9, the band, is its maker's. Whatever was changed or refused is paged.
        """
        tick, largest = sized_for(self.ledger.contract(leg.symbol), ticket.quantity)
        case = ExitCase(
            ticket=ticket,
            tick=tick,
            slice_max=largest,
            open_units=leg.exposed,
            working=Units(sum(order.remaining for order in beside)),
            last=self.last(leg.symbol, at),
        )
        return self._told(leg, exit_verdict(case, self.terms.gate.band_safety_bps), at)

    def place(self, purpose: Purpose, leg: Leg, ticket: Ticket, at: Micros, reason: str) -> Order:
        """Place an exit that was found to fit."""
        intent = Intent(purpose=purpose, ticket=ticket, leg=leg.leg, reason=reason)
        order = self.blotter.place(intent, at, self.tick(leg.symbol))
        assert order is not None, "an exit goes without a free fingerprint too"
        return order

    def resend(self, order: Order, at: Micros) -> None:
        """Send again what provably did not leave, a second later."""
        if at >= order.changed_at + ASK_APART:
            self.blotter.send(order.intent, at)

    def give_up(self, order: Order, at: Micros, reason: str) -> None:
        """Forget an order that was never sent."""
        self.blotter.move(order, State.REFUSED, at, reason=reason)

    def end(self, order: Order, at: Micros, reason: str) -> None:
        """Cancel an order as soon as it may be asked."""
        if order.may_be_ended(at):
            self.blotter.cancel(order, at, reason)

    def resize(self, order: Order, remaining: int, at: Micros) -> None:
        """Ask for another quantity. Price and quantity never change in one request."""
        resized = replace(order.ticket, quantity=Units(order.filled + remaining))
        self.blotter.modify(order, resized, at, "cover the whole short")

    def refused_last(self, leg: Leg, purpose: Purpose) -> list[Order]:
        """Return the orders of a leg that were refused one after the other, the newest first."""
        found = []
        for order in reversed(self.ledger.orders.values()):
            if order.leg == leg.leg and order.purpose is purpose:
                if order.state not in REFUSALS:
                    break
                if order.reason not in GIVEN_UP:
                    found.append(order)
        return found

    def last(self, symbol: Symbol, at: Micros) -> Paise | None:
        """Return the last traded price, if it is fresh; None while no quote is worth anything."""
        quote = self.tapes[symbol].fresh(at, self.terms.exits.quote_max_age_s)
        if self.is_blind:
            return None
        return quote.ltp if quote is not None and quote.ltp > 0 else None

    def _told(self, leg: Leg, verdict: ExitVerdict, at: Micros) -> ExitVerdict:
        for refusal in verdict.failed:
            code = PageCode.OVER_COVER if verdict.ticket is None else PageCode.EXIT_FITTED
            if not verdict.needs_ladder:
                self.pages.add(code, leg.symbol, refusal.text, at)
                self._note(leg, refusal, at)
        return verdict

    def _note(self, leg: Leg, refusal: Refusal, at: Micros) -> None:
        """Journal a finding about a leg, once."""
        if (leg.leg, refusal.code) not in self._found:
            self._found.add((leg.leg, refusal.code))
            found = ev.FindingApplied(
                at=at, kind=refusal.code, subject=leg.leg, detail=refusal.text
            )
            self.blotter.record(found)


def a_buy(leg: Leg, units: int, kind: PriceType, price: int, trigger: int = 0) -> Ticket:
    """Return the wire order that buys units of a leg back."""
    return Ticket(
        symbol=leg.symbol,
        exchange=leg.exchange,
        action=Action.BUY,
        quantity=Units(units),
        pricetype=kind,
        price=Paise(price),
        trigger=Paise(trigger),
        strategy=leg.strategy,
    )
