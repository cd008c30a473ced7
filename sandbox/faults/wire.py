"""What lies between the exchange and one client of the stream: an honest wire, or a faulty one.

Everything is decided by the instant at which a price was made, never by when somebody looked, so a
day is the same in steps of any size. What is held back waits here, and keeps its own old stamps.
"""

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from domain.units import MINUTE, Micros, Symbol, Units, seconds
from sandbox.faults import noise
from sandbox.faults.force import Force
from sandbox.faults.order_verbs import DropPush, DuplicatePush, LatePush, ReorderPush
from sandbox.faults.script import ALWAYS, Connection, Fault
from sandbox.faults.verbs import (
    Burst,
    DelayTicks,
    DuplicateTicks,
    Garbage,
    OutOfOrder,
    Oversize,
    Silent,
    SubscribeOkNoData,
    SymbolMute,
    VolumeReset,
    Waiting,
    WrongMode,
    concerned,
)
from sandbox.frames import StreamMode
from sandbox.kinds import OrderOut, Out, PriceOut
from sandbox.market.draws import Stream

CONN = "ws:conn"
MARKET = "ws:market_data"
ORDERS = "ws:order_update"


class Session(msgspec.Struct, frozen=True):
    """How the frames of one client are made; each returns None for what it did not ask for."""

    market: Callable[[PriceOut, StreamMode | None], bytes | None]
    order: Callable[[OrderOut], bytes | None]


class Delivery(NamedTuple):
    """A frame on its way, due at a market instant. `symbol` if it is a price like any other."""

    due: Micros
    frame: bytes
    symbol: Symbol | None


@dataclass(slots=True)
class _Fate:
    """What becomes of one price."""

    price: PriceOut
    due: Micros
    cap: StreamMode | None = None
    is_gone: bool = False
    is_replaced: bool = False
    late: Micros = Micros(0)
    stays_in_minute: bool = False
    copies: list[Micros] = field(default_factory=list)
    noise: list[Callable[[bytes], bytes]] = field(default_factory=list)


@dataclass(slots=True)
class _OrderFate:
    """What becomes of one order update."""

    due: Micros
    late: Micros = Micros(0)
    is_gone: bool = False
    copies: list[Micros] = field(default_factory=list)
    noise: list[Callable[[bytes], bytes]] = field(default_factory=list)


@dataclass(slots=True)
class _Subscription:
    """When a symbol was last subscribed, how often, and whether that works."""

    place: int
    at: Micros
    times: int = 1
    is_dead: bool = False


class Wire:
    """The wire of one connection. One thread at a time."""

    def __init__(self, session: Session, force: Force, known: Connection) -> None:
        self._session = session
        self._force = force
        self.known = known
        self._waiting: list[tuple[Micros, int, Delivery]] = []
        self._n = 0
        self._updates = 0
        self._behind = {PriceOut: Micros(0), OrderOut: Micros(0)}
        self._subscribed: dict[Symbol, _Subscription] = {}
        self._degraded: dict[str, list[Micros]] = {}

    def subscribed(self, at: Micros, symbol: Symbol) -> None:
        """Know that a subscription of a symbol was acknowledged."""
        self._force.follow(symbol)
        held = self._subscribed.get(symbol)
        if held is None:
            held = self._subscribed[symbol] = _Subscription(len(self._subscribed) + 1, at)
        else:
            held.at, held.times = at, held.times + 1
        held.is_dead = False
        for fault, since in self._force.for_connection(CONN, at, self.known):
            is_meant = isinstance(fault.do, SubscribeOkNoData)
            if is_meant and self._force.moment(fault, since).has(symbol, held.place):
                held.is_dead = True
                self._met(at, fault, since)

    def put(self, out: Out) -> None:
        """Take what the exchange put out."""
        if isinstance(out, OrderOut):
            self._order(out)
        elif self._force.is_idle:
            frame = self._session.market(out, None)
            if frame is not None:
                self._send(PriceOut, out.at, frame, out.symbol)
        else:
            self._price(out)

    def take(self, at: Micros) -> list[Delivery]:
        """Return what arrives up to an instant, in order of arrival."""
        due: list[Delivery] = []
        while self._waiting and self._waiting[0][0] <= at:
            due.append(heapq.heappop(self._waiting)[2])
        return due

    def __len__(self) -> int:
        return len(self._waiting)

    def _order(self, out: OrderOut) -> None:
        for fault, since in self._force.hitting(MARKET, out.at, self.known):
            if _lasts(fault):
                self._degrade(fault, since)
        frame = self._session.order(out)
        due = self._let_go(out.at)
        if frame is None or due is None:
            return
        if not self._force.at(ORDERS):
            self._send(OrderOut, due, frame, None)
            return
        self._deliver_order(self._order_fate(out, due), frame)

    def _deliver_order(self, fate: _OrderFate, frame: bytes) -> None:
        due = Micros(self._in_turn(OrderOut, fate.due) + fate.late)
        for make in fate.noise:
            self._push(Delivery(due, make(frame), None))
        if not fate.is_gone:
            for after in (Micros(0), *fate.copies):
                self._push(Delivery(Micros(due + after), frame, None))

    def _order_fate(self, out: OrderOut, due: Micros) -> _OrderFate:
        fate = _OrderFate(due)
        self._updates += 1
        key = str(self.known.number)
        for fault, since in self._force.hitting(ORDERS, out.at, self.known):
            if self._force.happens(fault, key, self._updates):
                self._met(out.at, fault, since)
                self._mark_order(fate, fault, out)
        return fate

    def _mark_order(self, fate: _OrderFate, fault: Fault, out: OrderOut) -> None:
        draws, n = self._force.draws(fault, f"do|{self.known.number}"), self._updates
        match fault.do:
            case DropPush():
                fate.is_gone = True
            case LatePush() as wait:
                fate.due = Micros(fate.due + span(wait, draws, n))
            case ReorderPush(within_s=within_s):
                fate.late = seconds(within_s * draws.unit(n))
            case DuplicatePush(copies=copies, after_s=after_s):
                fate.copies += [seconds(after_s)] * copies
            case Garbage(kind=kind, instead=instead):
                bad = noise.bad_update(kind, draws.words(n)[0], out.order.orderid)
                fate.noise.append(lambda _: bad)
                fate.is_gone |= instead
            case Oversize(bytes=size, instead=instead):
                fate.noise.append(lambda frame: noise.oversized(frame, size))
                fate.is_gone |= instead
            case _:
                return

    def _price(self, price: PriceOut) -> None:
        held = self._subscribed.get(price.symbol)
        due = None if held is None or held.is_dead else self._let_go(price.at)
        if held is None or due is None:
            return
        fate = _Fate(price, due)
        for fault, since in self._ticked(price, held):
            self._mark(fate, fault, since)
        for fault in self._lasting(price, held):
            fate.is_gone |= isinstance(fault.do, SymbolMute)
            fate.cap = StreamMode.LTP
        frame = None if fate.is_gone else self._session.market(fate.price, fate.cap)
        if frame is not None:
            self._deliver(fate, frame)

    def _deliver(self, fate: _Fate, frame: bytes) -> None:
        due = self._in_turn(PriceOut, fate.due)
        if fate.late:
            due = self._later(fate, due)
        for make in fate.noise:
            self._push(Delivery(due, make(frame), None))
        if not fate.is_replaced:
            self._push(Delivery(due, frame, fate.price.symbol))
        for after in fate.copies:
            self._push(Delivery(Micros(due + after), frame, fate.price.symbol))

    @staticmethod
    def _later(fate: _Fate, due: Micros) -> Micros:
        edge = Micros(due // MINUTE * MINUTE + MINUTE - 1)
        late = Micros(due + fate.late)
        return min(late, edge) if fate.stays_in_minute else late

    def _ticked(self, price: PriceOut, held: _Subscription) -> Iterator[tuple[Fault, Micros]]:
        """Yield the faults that hit a price, with their beginning, and write them down."""
        for fault, since in self._force.hitting(MARKET, price.at, self.known):
            if _lasts(fault):
                self._degrade(fault, since)
            elif self._concerns(fault, since, price.symbol, held) and self._happens(fault, price):
                self._met(price.at, fault, since)
                yield fault, since

    def _happens(self, fault: Fault, price: PriceOut) -> bool:
        """Draw per connection what lasts, and per price what happens to single prices."""
        if isinstance(fault.do, SymbolMute | VolumeReset | Burst):
            return self._force.happens(fault, "", self.known.number)
        return self._force.happens(fault, self._key(price), price.at)

    def _concerns(self, fault: Fault, since: Micros, symbol: Symbol, held: _Subscription) -> bool:
        if not concerned(fault.do):
            return True
        return self._force.moment(fault, since).has(symbol, held.place)

    def _mark(self, fate: _Fate, fault: Fault, since: Micros) -> None:
        match fault.do:
            case SymbolMute():
                fate.is_gone = True
            case VolumeReset():
                fate.price = self._recounted(fate.price, fault, since)
            case Burst(hold_s=hold_s):
                fate.due = max(fate.due, _released(since, hold_s, fate.price.at))
            case _:
                self._disturb(fate, fault)

    def _disturb(self, fate: _Fate, fault: Fault) -> None:
        """Decide what a draw decides; each draw depends on fault, symbol and instant alone."""
        price = fate.price
        draws = self._force.draws(fault, f"do|{self._key(price)}")
        match fault.do:
            case DelayTicks() as wait:
                fate.due = Micros(fate.due + span(wait, draws, price.at))
            case OutOfOrder(within_s=within_s, across_minutes=across):
                fate.late = seconds(within_s * draws.unit(price.at))
                fate.stays_in_minute = not across
            case DuplicateTicks(copies=copies, after_s=after_s):
                fate.copies += [seconds(after_s)] * copies
            case Garbage(kind=kind, instead=instead):
                bad = noise.garbage(kind, draws.words(price.at)[0], price.symbol, price.exchange)
                fate.noise.append(lambda _: bad)
                fate.is_replaced |= instead
            case Oversize(bytes=size, instead=instead):
                fate.noise.append(lambda frame: noise.oversized(frame, size))
                fate.is_replaced |= instead
            case _:
                return

    def _degrade(self, fault: Fault, since: Micros) -> None:
        begun = self._degraded.setdefault(fault.id, [])
        if since not in begun[-1:] and self._force.happens(fault, "", self.known.number):
            begun.append(since)

    def _lasting(self, price: PriceOut, held: _Subscription) -> Iterator[Fault]:
        """Yield what a symbol suffers until it is subscribed anew, window or not."""
        for fault in self._force.at(MARKET):
            for since in self._degraded.get(fault.id, ()):
                is_old = held.times == 1 if since == ALWAYS else held.at <= since
                if is_old and self._concerns(fault, since, price.symbol, held):
                    self._met(price.at, fault, since)
                    yield fault

    def _recounted(self, price: PriceOut, fault: Fault, since: Micros) -> PriceOut:
        """Return the price with its volume counted from the beginning of the fault."""
        base = self._force.moment(fault, since).volume(price.symbol, price.volume)
        return msgspec.structs.replace(price, volume=Units(max(0, price.volume - base)))

    def _let_go(self, at: Micros) -> Micros | None:
        """Return until when the whole connection holds back what is made now; None: for ever."""
        due = at
        for fault, since in self._force.for_connection(CONN, at, self.known):
            if isinstance(fault.do, Silent):
                return None
            if isinstance(fault.do, Burst):
                due = max(due, _released(since, fault.do.hold_s, at))
                self._met(at, fault, since)
        return due

    def _send(self, kind: type[Out], due: Micros, frame: bytes, symbol: Symbol | None) -> None:
        self._push(Delivery(self._in_turn(kind, due), frame, symbol))

    def _in_turn(self, kind: type[Out], due: Micros) -> Micros:
        """Return `due`, or when all that was sent before has arrived: a wire keeps its order."""
        self._behind[kind] = due = max(due, self._behind[kind])
        return due

    def _push(self, delivery: Delivery) -> None:
        self._n += 1
        heapq.heappush(self._waiting, (delivery.due, self._n, delivery))

    def _key(self, price: PriceOut) -> str:
        return f"{price.symbol}|{self.known.number}"

    def _met(self, at: Micros, fault: Fault, since: Micros) -> None:
        self._force.met(at, fault, since, f"{fault.place}:{self.known.number}")


def _lasts(fault: Fault) -> bool:
    """Whether a fault stays with the subscriptions there are when it begins."""
    match fault.do:
        case WrongMode():
            return True
        case SymbolMute(until_subscribed=until_subscribed):
            return until_subscribed
        case _:
            return False


def span(wait: Waiting, draws: Stream, n: int) -> Micros:
    """Return how long something is late, draw `n` if it is drawn."""
    if wait.lognormal_s is None:
        return seconds(wait.seconds)
    median, sigma = wait.lognormal_s
    return seconds(min(wait.cap_s, draws.lognormal(median, sigma, n)))


def _released(since: Micros, hold_s: float, at: Micros) -> Micros:
    """Return when what is made at `at` is let go: the end of the hold, or at once after it."""
    return max(at, Micros(since + seconds(hold_s))) if since != ALWAYS else at
