"""DealerActor: in the strategy's place in the orders drill; it wishes at random.

Hears:  Begin, RecoveryDone, OrderChanged, PositionChanged, ModeEntered, EntryRefused, Pulse, Deal
Tells:  order <- PlanDay, StrategyReady, FeedTrusted, PlaceEntry, CancelEntry, RaiseStop, MoveStop,
        ExitPosition, FlattenAll, TriggerMet
Owns:   its random stream, and what it was told of orders and legs
Dies:   with the process
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from actors.base import Actor
from actors.post_office import Post
from domain import clock
from domain.books import Action, PriceType
from domain.contracts import Chain, Contract
from domain.exits import stop_plan
from domain.market import minute_of
from domain.orders import EntryKey, Order, Purpose, State, StopPlan, Ticket
from domain.params import StopParams
from domain.positions import Leg, Phase
from domain.session import DayPlan
from domain.strategy import Mode
from domain.units import Lots, Micros, Paise, Symbol, ceil_tick, floor_tick
from messages.control import ModeEntered, Pulse, RecoveryDone
from messages.orders import (
    CancelEntry,
    EntryRefused,
    ExitPosition,
    FeedTrusted,
    FlattenAll,
    MoveStop,
    OrderChanged,
    PlaceEntry,
    PlanDay,
    PositionChanged,
    RaiseStop,
    StrategyReady,
    TriggerMet,
)

STRATEGY = "drill"
HURRY = 0.2
"""How often a stop that was drawn near is followed by an exit: so the two meet."""

STOP_SHARE = 0.85
"""How many decisions rest as a stop-limit; the others are limits. A decision keeps its type."""

STOP = StopParams(limit_offset_p=300, limit_offset_bps=800)


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """How often a dealer wishes what: chances a second."""

    enter: float = 0.15
    amend: float = 0.02
    cancel: float = 0.01
    raise_stop: float = 0.02
    move_stop: float = 0.03
    leave: float = 0.008
    flatten: float = 0.0
    repeat: float = 0.2
    """That a wish is told twice, as a lossy post might."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What a dealer deals with: the contracts, the plan, and the last price of a symbol."""

    chain: Chain
    plan: DayPlan
    last: Callable[[Symbol], Paise]
    habits: Habits


@dataclass(frozen=True, slots=True)
class Deal:
    """Wish one thing now: `enter`, `tend` an entry or a leg, `leave` a leg, or `flatten`."""

    what: str


class DealerActor(Actor):
    """Wish entries, cancels, stops and exits at random, as a strategy would tell them."""

    def __init__(self, address: str, post: Post, *, desk: Desk, draw: random.Random) -> None:
        super().__init__(address, post)
        self._desk = desk
        self._draw = draw
        self._orders: dict[str, Order] = {}
        self._legs: dict[str, Leg] = {}
        self._mode = ""
        self._recovered = False
        self._hurried = False

    def on_receive(self, message: Any) -> None:
        """Handle one message. In the pump's thread; what it does not know it ignores."""
        match message:
            case RecoveryDone(at=at):
                self._ready(at)
            case OrderChanged(order=order):
                self._orders[order.intent] = order
            case PositionChanged(leg=leg):
                self._legs[leg.leg] = leg
            case ModeEntered(mode=mode):
                self._mode = mode
            case Pulse(at=at) if self._recovered:
                self._wish(at)
            case Deal(what=what) if self._recovered:
                self._deal(what, clock.now())
            case EntryRefused() | _:
                pass

    def _ready(self, at: Micros) -> None:
        self._recovered = True
        desk = self._desk
        self._tell(PlanDay(at=at, plan=desk.plan, chain=desk.chain))
        self._tell(StrategyReady(at=at))
        self._tell(FeedTrusted(at=at, entries=True, reason="", is_blind=False))

    def _wish(self, at: Micros) -> None:
        draw, habits = self._draw, self._desk.habits
        entries = list(self._entries())
        legs = [leg for leg in self._legs.values() if leg.phase is Phase.PROTECT]
        self._notice(entries, at)
        if draw.random() < habits.enter and (self._mode == Mode.ACTIVE or draw.random() < 0.1):
            self._enter(draw.choice(self._desk.chain.contracts), at)
        if entries:
            self._tend_entry(draw.choice(entries), at)
        if legs:
            self._tend_leg(draw.choice(legs), at)
        if draw.random() < habits.flatten:
            self._tell(FlattenAll(at=at, reason=draw.choice(("DAY_STOP", "DAY_TARGET", "HUMAN"))))

    def _deal(self, what: str, at: Micros) -> None:
        """Do one thing, if there is anything to do it to."""
        entries = list(self._entries())
        legs = [leg for leg in self._legs.values() if leg.phase is Phase.PROTECT]
        if what == "enter":
            self._enter(self._draw.choice(self._desk.chain.contracts), at)
        elif what == "flatten":
            self._tell(FlattenAll(at=at, reason="HUMAN"))
        elif what == "tend" and entries:
            self._draw.choice((self._amend, self._raise, self._end))(entries[0], at)
        elif what == "tend" and legs:
            self._move(legs[0], at)
        elif what == "leave" and legs:
            self._exit(legs[0], at)

    def _tend_entry(self, entry: Order, at: Micros) -> None:
        draw, habits = self._draw, self._desk.habits
        if draw.random() < habits.amend:
            self._amend(entry, at)
        if draw.random() < habits.raise_stop:
            self._raise(entry, at)
        if draw.random() < habits.cancel:
            self._end(entry, at)

    def _tend_leg(self, leg: Leg, at: Micros) -> None:
        draw, habits = self._draw, self._desk.habits
        if draw.random() < habits.move_stop:
            self._move(leg, at)
            self._hurried = draw.random() < HURRY
        elif self._hurried:
            self._hurried = False
            self._exit(leg, at)
        if draw.random() < habits.leave:
            self._exit(leg, at)

    def _entries(self) -> Iterator[Order]:
        return (o for o in self._orders.values() if o.purpose is Purpose.ENTRY and o.is_live)

    def _notice(self, entries: list[Order], at: Micros) -> None:
        """Say that a price met a trigger, as whoever hears prices does."""
        for entry in entries:
            is_untouched = entry.state in {State.TRIGGER_PENDING, State.ACKED}
            if is_untouched and self._desk.last(entry.ticket.symbol) <= entry.ticket.trigger:
                self._tell(TriggerMet(at=at, symbol=entry.ticket.symbol))

    def _enter(self, contract: Contract, at: Micros) -> None:
        draw, last = self._draw, self._desk.last(contract.symbol)
        slot = draw.choice((contract.side.value, str(contract.symbol)))
        key = EntryKey(
            strategy=STRATEGY,
            slot=slot,
            symbol=contract.symbol,
            minute=minute_of(at),
            attempt=sum(
                self._is_ended(order, contract, slot, at) for order in self._orders.values()
            ),
        )
        is_stop = random.Random(repr(key)).random() < STOP_SHARE  # noqa: S311 - of each decision
        ticket, stop = self._ticket(contract, last, is_stop=is_stop)
        if (ticket.trigger > 0) is not is_stop:
            return
        wish = PlaceEntry(
            at=at, key=key, side=contract.side, ticket=ticket, stop=stop, last=last, reason="drawn"
        )
        self._tell(wish)
        if draw.random() < self._desk.habits.repeat:
            self._tell(wish)

    def _is_ended(self, order: Order, contract: Contract, slot: str, at: Micros) -> bool:
        key = order.key
        same = key is not None and (key.slot, key.symbol, key.minute) == (
            slot,
            contract.symbol,
            minute_of(at),
        )
        return same and not order.is_live

    def _ticket(self, contract: Contract, last: Paise, *, is_stop: bool) -> tuple[Ticket, StopPlan]:
        draw, tick = self._draw, contract.tick
        below = draw.choice((tick, 2 * tick, last // 100, last // 30))
        trigger = Paise(max(2 * tick, floor_tick(last - below, tick)))
        limit = Paise(max(tick, trigger - draw.choice((tick, 50, 300))))
        is_stop = is_stop and trigger < last
        rise = draw.choice((100, 300, 1000))
        stop = ceil_tick(last + last * rise // 10_000 + tick, tick)
        ticket = Ticket(
            symbol=contract.symbol,
            exchange=contract.exchange,
            action=Action.SELL,
            quantity=contract.units(Lots(draw.choice((1, 1, 2, 5, 10)))),
            pricetype=PriceType.SL if is_stop else PriceType.LIMIT,
            price=limit,
            trigger=trigger if is_stop else Paise(0),
            strategy=STRATEGY,
        )
        return ticket, stop_plan(stop, STOP, tick)

    def _amend(self, entry: Order, at: Micros) -> None:
        """Wish other numbers for the same key."""
        if entry.key is None or entry.side is None:
            return
        contract = self._desk.chain.of(entry.ticket.symbol)
        assert contract is not None
        last = self._desk.last(contract.symbol)
        ticket, stop = self._ticket(contract, last, is_stop=entry.ticket.trigger > 0)
        if (ticket.trigger > 0) is not (entry.ticket.trigger > 0):
            return
        wish = PlaceEntry(
            at=at,
            key=entry.key,
            side=entry.side,
            ticket=ticket,
            stop=stop,
            last=last,
            reason="drawn again",
        )
        self._tell(wish)

    def _raise(self, entry: Order, at: Micros) -> None:
        if entry.key is None or entry.stop is None:
            return
        higher = stop_plan(entry.stop.trigger + self._draw.choice((50, 500)), STOP, Paise(5))
        self._tell(RaiseStop(at=at, key=entry.key, stop=higher))

    def _move(self, leg: Leg, at: Micros) -> None:
        """Trail: a stop a little above the last price."""
        last = self._desk.last(leg.symbol)
        stop = stop_plan(last + last * self._draw.choice((100, 300)) // 10_000 + 5, STOP, Paise(5))
        self._tell(MoveStop(at=at, strategy=STRATEGY, symbol=leg.symbol, stop=stop))

    def _end(self, entry: Order, at: Micros) -> None:
        if entry.key is not None:
            self._tell(_cancel(entry.key, at))

    def _exit(self, leg: Leg, at: Micros) -> None:
        self._tell(ExitPosition(at=at, strategy=STRATEGY, symbol=leg.symbol, reason="drawn"))

    def _tell(self, message: object) -> None:
        self.post.tell("order", message)


def _cancel(key: EntryKey, at: Micros) -> CancelEntry:
    return CancelEntry(at=at, strategy=key.strategy, slot=key.slot, reason="drawn")
