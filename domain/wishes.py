"""Wishes against facts: what has to be told to OrderActor so that facts become what is wished.

Everything is a level: the same wish against the same facts gives the same decision again, and
`Said` keeps it from being told again at once. An entry makes room for another only when its end is
a fact (`strategy.md` section 10).
"""

from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, replace

import msgspec

from domain.books import Action, PriceType
from domain.contracts import Chain, Contract, Side
from domain.exits import stop_plan
from domain.facts import Facts
from domain.market import Forming
from domain.orders import EntryKey, State, StopPlan, Ticket
from domain.params import StopParams
from domain.positions import Phase
from domain.session import show
from domain.strategy import EntryView, EntryWish, Limit, StopAt, StopLimit, Wishes
from domain.units import SECOND, Micros, Paise, Symbol, seconds

REPEAT = seconds(5)
"""A decision that is still due is told again after this long: a tell may have been lost."""


class Place(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Rest this entry; where one with other values lives in the slot, that one is to end first."""

    key: EntryKey
    side: Side
    ticket: Ticket
    stop: StopPlan
    reason: str


class Cancel(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """End the entry of a slot."""

    key: EntryKey
    reason: str


class Raise(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Raise the stop planned for a resting entry."""

    key: EntryKey
    stop: StopPlan


class Move(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Move the stop of a short."""

    symbol: Symbol
    stop: StopPlan


class Leave(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Leave one short."""

    symbol: Symbol
    reason: str


class Flatten(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Leave every short and enter nothing more."""

    reason: str


class Look(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """See whether the entry that rests in a symbol was filled: a price met its trigger."""

    symbol: Symbol


Decision = Place | Cancel | Raise | Move | Leave | Flatten | Look


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What turns a wish into an order. `fingerprint_ticks` is how far a sent price may be moved."""

    strategy: str
    chain: Chain
    stop: StopParams
    fingerprint_ticks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stance:
    """What may be acted on: may anything be placed, and of which symbols is enough known.

    `over` says why nothing may even rest in a symbol, '' if it may. That needs no bars to judge by.
    """

    may_place: bool
    is_ready: Callable[[Symbol], bool]
    over: Callable[[Symbol], str]


class Said:
    """Remembers what was told when."""

    def __init__(self) -> None:
        self._told: dict[Hashable, Micros] = {}

    def news(self, decisions: Iterable[Decision], at: Micros) -> tuple[Decision, ...]:
        """Return what is to be told now, and remember it.

        The same is told again after `REPEAT`; a slot is asked for an order once a second at most,
        so that a refusal that comes back at once cannot make a storm.
        """
        self._told = {what: when for what, when in self._told.items() if at - when < REPEAT}
        fresh = tuple(each for each in decisions if self._is_new(each, at))
        self._told |= dict.fromkeys(fresh, at)
        self._told |= {each.key.slot: at for each in fresh if isinstance(each, Place)}
        return fresh

    def _is_new(self, decision: Decision, at: Micros) -> bool:
        if isinstance(decision, Place):
            asked_at = self._told.get(decision.key.slot)
            if asked_at is not None and at - asked_at < SECOND:
                return False
        return decision not in self._told


def compare(wishes: Wishes, facts: Facts, terms: Terms, stance: Stance) -> tuple[Decision, ...]:
    """Return what has to be told, exits first."""
    if wishes.flatten and not facts.is_flat:
        return (Flatten(reason=wishes.flatten),)
    return (*_exits(wishes, facts, terms), *_entries(wishes, facts, terms, stance))


def met(facts: Facts, now: Forming) -> Iterator[Look]:
    """Look at the books once a price meets the trigger of an entry that rests."""
    for held in facts.entries.values():
        is_resting = held.symbol == now.symbol and not held.touched and held.ended_at is None
        if is_resting and isinstance(held.price, StopLimit) and now.last <= held.price.trigger:
            yield Look(symbol=now.symbol)


def _exits(wishes: Wishes, facts: Facts, terms: Terms) -> Iterator[Decision]:
    open_legs = {
        leg.symbol: leg
        for leg in facts.legs
        if leg.phase is Phase.PROTECT and leg.short > 0 and leg.strategy == terms.strategy
    }
    for leaving in wishes.exits:
        if leaving.symbol in open_legs:
            yield Leave(symbol=leaving.symbol, reason=leaving.reason)
    for moving in wishes.stops:
        leg, contract = open_legs.get(moving.symbol), terms.chain.of(moving.symbol)
        if leg is not None and contract is not None:
            plan = stop_plan(moving.trigger, terms.stop, contract.tick)
            if plan.trigger != leg.stop.trigger:
                yield Move(symbol=moving.symbol, stop=plan)


def _entries(wishes: Wishes, facts: Facts, terms: Terms, stance: Stance) -> Iterator[Decision]:
    live = {slot: view for slot, view in facts.entries.items() if view.ended_at is None}
    wanted = {
        wish.slot: _Wanted(wish, contract, terms, stance.may_place and stance.is_ready(wish.symbol))
        for wish in wishes.entries
        if (contract := terms.chain.of(wish.symbol)) is not None and not stance.over(wish.symbol)
    }
    for slot in sorted(live):
        held, over = live[slot], stance.over(live[slot].symbol)
        if over or stance.is_ready(held.symbol):
            yield from _held(wanted.get(slot), held, terms, over, facts)
    for slot in sorted(wanted.keys() - live.keys()):
        wish = wanted[slot].wish
        yield from wanted[slot].place(facts.attempt(slot, wish.symbol, wish.minute))


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A wished entry with what it takes to make an order of it."""

    wish: EntryWish
    contract: Contract
    terms: Terms
    may_place: bool

    @property
    def stop(self) -> StopPlan:
        return stop_plan(self._stop_price(), self.terms.stop, self.contract.tick)

    def place(self, attempt: int) -> Iterator[Place]:
        """Yield the order, if it may be placed at all."""
        if not self.may_place:
            return
        key = EntryKey(
            strategy=self.terms.strategy,
            slot=self.wish.slot,
            symbol=self.wish.symbol,
            minute=self.wish.minute,
            attempt=attempt,
        )
        yield Place(
            key=key,
            side=self.contract.side,
            ticket=self._ticket(),
            stop=self.stop,
            reason=f"swing {show(self.wish.minute)}" if self.wish.minute else "wished",
        )

    def change(self, held: EntryView, facts: Facts) -> Iterator[Place]:
        """Yield the live order with other values; for a newer decision it is that one's order.

        Taking risk off what rests needs no leave to enter; what was only asked for may not rest.
        """
        wish = self.wish
        is_same = wish.minute == held.minute
        is_there = is_same and held.state is not State.PLANNED
        is_smaller = is_there and self.is_priced_as(held) and wish.units < held.units
        attempt = held.attempt
        if not is_same:
            attempt = facts.attempt(wish.slot, wish.symbol, wish.minute)
        yield from replace(self, may_place=self.may_place or is_smaller).place(attempt)

    def is_as(self, held: EntryView) -> bool:
        """Whether the live order is the wished one: its decision, its size, its price."""
        is_same = (self.wish.minute, self.wish.units) == (held.minute, held.units)
        return is_same and self.is_priced_as(held)

    def is_priced_as(self, held: EntryView) -> bool:
        """Whether the live order stands at the wished price, but for its fingerprint."""
        window = range(self.terms.fingerprint_ticks * self.contract.tick)
        match self.wish.price, held.price:
            case StopLimit(trigger, limit), StopLimit(resting, sent):
                return trigger == resting and limit - sent in window
            case Limit(price), Limit(sent):
                return price - sent in window
            case _:
                return False

    def _ticket(self) -> Ticket:
        price, trigger = _numbers(self.wish.price)
        return Ticket(
            symbol=self.wish.symbol,
            exchange=self.contract.exchange,
            action=Action.SELL,
            quantity=self.wish.units,
            pricetype=PriceType.SL if trigger else PriceType.LIMIT,
            price=price,
            trigger=trigger,
            strategy=self.terms.strategy,
        )

    def _stop_price(self) -> int:
        stop = self.wish.stop
        if isinstance(stop, StopAt):
            return stop.price
        # The fill is not known yet: the trigger, or the limit, is where it is expected.
        limit, trigger = _numbers(self.wish.price)
        return -(-(trigger or limit) * (10_000 + stop.bps) // 10_000)


def _numbers(price: StopLimit | Limit) -> tuple[Paise, Paise]:
    """Return limit and trigger of an entry; no trigger is 0."""
    if isinstance(price, StopLimit):
        return price.limit, price.trigger
    return price.price, Paise(0)


def _held(
    want: _Wanted | None, held: EntryView, terms: Terms, over: str, facts: Facts
) -> Iterator[Decision]:
    """Compare a wish with the live entry of its slot. One that is filling is left to fill."""
    if held.touched or held.ending:
        return
    key = EntryKey(
        strategy=terms.strategy,
        slot=held.slot,
        symbol=held.symbol,
        minute=held.minute,
        attempt=held.attempt,
    )
    against = over or _against(want, held)
    if want is None or against:
        yield Cancel(key=key, reason=against)
    elif held.state is State.PLANNED or not want.is_as(held):
        yield from want.change(held, facts)
    elif want.stop.trigger > held.stop.trigger:
        yield Raise(key=key, stop=want.stop)


def _against(want: _Wanted | None, held: EntryView) -> str:
    """Why the live entry of a slot has to end before the wish can be met; '' if it need not."""
    if want is None:
        return "no longer wished"
    return "" if want.wish.symbol == held.symbol else f"{want.wish.symbol} is wished"
