"""What follows from what the feed hears: `Feed` decides it, FeedActor carries it out."""

from dataclasses import dataclass

from domain.market import Pair, Source, Tick
from domain.units import Micros, Symbol


@dataclass(frozen=True, slots=True)
class Connect:
    """Open a stream anew with all of these symbols."""

    source: Source
    epoch: int
    pairs: tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class Subscribe:
    """Subscribe more symbols on an open stream."""

    source: Source
    pairs: tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class Resubscribe:
    """Unsubscribe these symbols on an open stream and subscribe them again."""

    source: Source
    pairs: tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class Poll:
    """Ask for these quotes once; the answer names `epoch` and `asked_at` again."""

    epoch: int
    asked_at: Micros
    pairs: tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class AskHistory:
    """Ask for the day's bars of a symbol, to see whether the broker's prices are of today."""

    pair: Pair


@dataclass(frozen=True, slots=True)
class Deliver:
    """Ticks of one symbol, for its bars."""

    symbol: Symbol
    ticks: tuple[Tick, ...]


@dataclass(frozen=True, slots=True)
class Missed:
    """Trades of one symbol did not reach us between these instants, though the source lived."""

    symbol: Symbol
    since: Micros
    until: Micros


@dataclass(frozen=True, slots=True)
class Lost:
    """The authoritative source fell silent or closed."""

    source: Source
    epoch: int
    since: Micros
    reason: str


@dataclass(frozen=True, slots=True)
class Regained:
    """A source is authoritative and live; nothing came between `since` and `until`."""

    source: Source
    epoch: int
    since: Micros
    until: Micros


@dataclass(frozen=True, slots=True)
class Say:
    """One line of the day's story.

    `warn`: something was coped with. `alert`: a human must look. `again`: it was said before, and
    is of use only to who looks for details.
    """

    text: str
    warn: bool = False
    alert: bool = False
    again: bool = False


Told = Deliver | Missed | Lost | Regained | Say
Effect = Connect | Subscribe | Resubscribe | Poll | AskHistory | Told
Effects = tuple[Effect, ...]
