"""The faults in force on one exchange: whom they hit now, since when, and who has met them.

What the stream, the REST side and the connections have in common. Each activation is written into
ground truth once for each connection, or for REST once for each window and route; where the script
names numbers (`nth`), once for each call.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import NamedTuple

from domain.units import Micros, Symbol, Units
from sandbox.exchange import Exchange
from sandbox.faults import universe
from sandbox.faults.order_verbs import LateVisible
from sandbox.faults.script import ALWAYS, Connection, Fault, Past, Script, began
from sandbox.faults.universe import Universe
from sandbox.faults.verbs import FreezeQuotes, VolumeReset, YesterdaysQuotes, concerned, fits
from sandbox.kinds import DepthLine, Out
from sandbox.market.draws import Stream

_REMEMBER = (FreezeQuotes, YesterdaysQuotes, VolumeReset)
"""These verbs need the prices of the instant at which they begin."""

_NEVER = Micros(1 << 62)

REST = "rest:"
EVERY_ROUTE = "rest:*"

Side = Callable[[], str]
"""Tells BUY or SELL of the order that a call concerns, or '' if it concerns none."""


class Hit(NamedTuple):
    """A fault that hits a call: since when it holds, and the call's number at its place."""

    fault: Fault
    since: Micros
    number: int


class Moment:
    """Whom a fault concerns and what was quoted, fixed when it began.

    Symbols nobody had looked at by then are added by whoever looks at them first.
    """

    def __init__(
        self,
        symbols: frozenset[Symbol] | None,
        places: frozenset[int],
        lines: dict[Symbol, DepthLine],
    ) -> None:
        self._symbols = symbols
        self._places = places
        self._lines = lines
        self._volumes: dict[Symbol, Units] = {}

    def line(self, symbol: Symbol, now: DepthLine) -> DepthLine:
        """Return what was quoted when the fault began; `now` if that was not looked at."""
        return self._lines.setdefault(symbol, now)

    def volume(self, symbol: Symbol, now: Units) -> Units:
        """Return the day's volume when the fault began; `now` if that was not looked at."""
        line = self._lines.get(symbol)
        return line.quote.volume if line else self._volumes.setdefault(symbol, now)

    def has(self, symbol: Symbol, place: int = 0) -> bool:
        """Whether a symbol is concerned; `place` is its number among a connection's symbols."""
        return self._symbols is None or symbol in self._symbols or place in self._places


class _Span(NamedTuple):
    """The faults of a place that may hold between two edges of their windows."""

    begin: Micros
    end: Micros
    faults: tuple[Fault, ...]


class Force:
    """What of a script holds. One thread at a time."""

    def __init__(self, exchange: Exchange, script: Script) -> None:
        self.exchange = exchange
        self.counts: Counter[str] = Counter()
        self.past = Past()
        self._script = script
        self._universe: Universe | None = None
        self._moments: dict[tuple[str, Micros], Moment] = {}
        self._met: set[tuple[str, Micros, str]] = set()
        self._calls: Counter[str] = Counter()
        self._draws: dict[tuple[str, str], Stream] = {}
        self._by_place: dict[str, tuple[Fault, ...]] = {}
        self._spans: dict[str, _Span] = {}
        self._pinned: tuple[Fault, ...] = ()
        self._followed: set[Symbol] = set()
        self._sort()

    @property
    def script(self) -> Script:
        """The faults in force."""
        return self._script

    @property
    def is_idle(self) -> bool:
        """Whether there is no fault at all."""
        return not self._script.faults

    @property
    def remembers(self) -> bool:
        """Whether some fault will tell old prices."""
        return any(isinstance(fault.do, _REMEMBER) for fault in self._pinned)

    def follow(self, symbol: Symbol) -> None:
        """Know that somebody looks at a symbol: its prices will be remembered when it matters."""
        self._followed.add(symbol)

    def add(self, faults: Iterable[Fault]) -> None:
        """Put further faults into force."""
        self._script = replace(self._script, faults=(*self._script.faults, *faults))
        self._sort()

    def remove(self, ids: AbstractSet[str]) -> None:
        """Take faults out of force."""
        kept = tuple(fault for fault in self._script.faults if fault.id not in ids)
        self._script = replace(self._script, faults=kept)
        self._moments = {key: kept for key, kept in self._moments.items() if key[0] not in ids}
        self._met = {key for key in self._met if key[0] not in ids}
        self._sort()

    def saw(self, outs: Iterable[Out]) -> None:
        """Take what the exchange put out, before anybody is told of it."""
        self.past.add(outs)

    def step(self, at: Micros) -> None:
        """Fix at their beginning what faults that begin now will need later."""
        for fault in self._pinned:
            since = began(fault.when, at, self.past)
            if since is not None and since != ALWAYS:
                self.moment(fault, since)

    def at(self, place: str) -> tuple[Fault, ...]:
        """Return the faults of a place."""
        return self._by_place.get(place, ())

    def hitting(
        self, place: str, at: Micros, connection: Connection
    ) -> Iterator[tuple[Fault, Micros]]:
        """Yield the faults of a place that hit a connection, each with its beginning.

        The probability is left to the caller.
        """
        for fault in self._candidates(place, at):
            since = began(fault.when, at, self.past)
            if since is not None and _concerns(fault, since, connection):
                yield fault, since

    def for_connection(
        self, place: str, at: Micros, connection: Connection
    ) -> Iterator[tuple[Fault, Micros]]:
        """Yield the faults that hit a connection, its one draw of each included."""
        for fault, since in self.hitting(place, at, connection):
            if self.happens(fault, "", connection.number):
                yield fault, since

    def count(self, route: str, *, is_write: bool) -> None:
        """Count a call while there is no fault at all."""
        self._calls[REST + route] += 1
        if not is_write:
            self._calls[EVERY_ROUTE] += 1

    def for_call(self, route: str, at: Micros, *, is_write: bool, side: Side) -> list[Hit]:
        """Count a call and return the faults that hit it. A write is hit by its own name only."""
        hits: list[Hit] = []
        for place in (REST + route,) if is_write else (REST + route, EVERY_ROUTE):
            for hit in self._counted(place, at, side):
                if fits(hit.fault.do, route):
                    self._met_call(at, hit, REST + route)
                    hits.append(hit)
        return hits

    def for_read(self, place: str, at: Micros) -> list[Hit]:
        """Count a read of a book and return the faults that hit it."""
        hits = list(self._counted(place, at, str))
        for hit in hits:
            self._met_call(at, hit, place)
        return hits

    def _counted(self, place: str, at: Micros, side: Side) -> Iterator[Hit]:
        self._calls[place] += 1
        candidates = self._candidates(place, at)
        if not candidates:
            return
        of_side = side() if any(fault.when.action for fault in self.at(place)) else ""
        if of_side:
            self._calls[place + of_side] += 1
        for fault in candidates:
            when = fault.when
            since = began(when, at, self.past)
            if since is None or when.action not in {None, of_side}:
                continue
            number = self._calls[place + (when.action or "")]
            if when.nth is not None and number not in when.nth:
                continue
            if isinstance(fault.do, LateVisible) or self.happens(fault, "", number):
                yield Hit(fault, since, number)

    def _met_call(self, at: Micros, hit: Hit, where: str) -> None:
        number = f":{hit.number}" if hit.fault.when.nth else ""
        self.met(at, hit.fault, hit.since, where + number)

    def happens(self, fault: Fault, key: str, number: int) -> bool:
        """Draw whether a fault happens to number `number` of something."""
        if fault.when.probability >= 1:
            return True
        return self.draws(fault, key).unit(number) < fault.when.probability

    def draws(self, fault: Fault, key: str = "") -> Stream:
        """Return the draws of one fault and key."""
        found = self._draws.get((fault.id, key))
        if found is None:
            found = self._draws[fault.id, key] = self._script.draws(fault, key)
        return found

    def moment(self, fault: Fault, since: Micros) -> Moment:
        """Return what was fixed when a fault began, or fix it now."""
        found = self._moments.get((fault.id, since))
        if found is None:
            found = self._moments[fault.id, since] = self._fixed(fault, since)
        return found

    def met(self, at: Micros, fault: Fault, since: Micros, where: str) -> None:
        """Write an activation down, unless it is known already."""
        if (fault.id, since, where) not in self._met:
            self._met.add((fault.id, since, where))
            self.counts[fault.id] += 1
            self.exchange.met(at, fault.id, fault.verb, where)

    def _fixed(self, fault: Fault, since: Micros) -> Moment:
        words = concerned(fault.do)
        at = max(since, self.exchange.now)
        symbols = self._chosen(fault, words, since, at) if words else None
        lines: dict[Symbol, DepthLine] = {}
        if isinstance(fault.do, _REMEMBER):
            # A whole chain takes a second to make; what nobody looks at is remembered later.
            wanted = self._followed if symbols is None else self._followed & symbols
            lines = {symbol: self.exchange.depth(at, symbol) for symbol in sorted(wanted)}
        return Moment(symbols, universe.places(words), lines)

    def _chosen(
        self, fault: Fault, words: tuple[str, ...], since: Micros, at: Micros
    ) -> frozenset[Symbol]:
        chosen = self.universe.chosen(words, at)
        if "traded" in words and fault.when.after is not None:
            chosen |= self.past.symbols(fault.when.after, since)
        return chosen

    @property
    def universe(self) -> Universe:
        """The symbols of the day as the words of the script see them."""
        if self._universe is None:
            self._universe = Universe(self.exchange)
        return self._universe

    def _candidates(self, place: str, at: Micros) -> tuple[Fault, ...]:
        """Return the faults whose window is open, looked up anew only when one opens or closes."""
        span = self._spans.get(place)
        if span is None or not span.begin <= at < span.end:
            faults = self.at(place)
            edges = [edge for fault in faults for edge in fault.when.between or ()]
            begin = max((edge for edge in edges if edge <= at), default=ALWAYS)
            end = min((edge for edge in edges if edge > at), default=_NEVER)
            is_open = tuple(f for f in faults if f.when.between is None or _contains(f, at))
            span = self._spans[place] = _Span(begin, end, is_open)
        return span.faults

    def _sort(self) -> None:
        self._by_place = {}
        self._spans = {}
        self._pinned = tuple(fault for fault in self._script.faults if _needs_moment(fault))
        for fault in self._script.faults:
            self._by_place[fault.place] = (*self.at(fault.place), fault)


def _contains(fault: Fault, at: Micros) -> bool:
    begin, end = fault.when.between or (ALWAYS, _NEVER)
    return begin <= at < end


def _needs_moment(fault: Fault) -> bool:
    return bool(concerned(fault.do)) or isinstance(fault.do, _REMEMBER)


def _concerns(fault: Fault, since: Micros, connection: Connection) -> bool:
    when = fault.when
    if when.is_instant and connection.opened_at > since:
        return False
    if when.source is not None and connection.source not in when.source:
        return False
    return when.nth is None or connection.number in when.nth
