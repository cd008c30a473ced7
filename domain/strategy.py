"""The surface a strategy plug-in is written against: it sees a `View` and states its `Wishes`.

A strategy is a frozen dataclass with pure methods; its state is a value it is handed and returns.
Time comes in the `View`. It never sees a clock, a file, a socket or a random source.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, TypeVar

from domain.contracts import Chain, Side, UniverseRule
from domain.market import Bar, Forming
from domain.orders import State, StopPlan
from domain.session import DayPlan
from domain.units import Micros, Paise, Symbol, Units


class Mode(StrEnum):
    """What the agent may do now. Exits are allowed in every mode but a human HALTED."""

    STARTING = "STARTING"
    RECOVERING = "RECOVERING"
    WAIT_LOGIN = "WAIT_LOGIN"
    ACTIVE = "ACTIVE"
    REDUCE_ONLY = "REDUCE_ONLY"
    HALTED = "HALTED"
    CLOSED = "CLOSED"


@dataclass(frozen=True, slots=True)
class Last:
    """The last traded price of a symbol and when it was seen; `fresh` by the feed's own tiers."""

    price: Paise
    at: Micros
    fresh: bool


@dataclass(frozen=True, slots=True)
class PositionView:
    """An open short of this strategy: `units` is positive."""

    symbol: Symbol
    side: Side
    units: Units
    average: Paise
    stop: Paise


@dataclass(frozen=True, slots=True)
class EntryView:
    """The live entry order of a slot, or the last one that ended.

    `ended_at` is None while the order lives. `touched` says that its trigger was met (it is open,
    partly filled or filled): a break never cancels such an order. `stop` is the plan that travels
    with it. `ending` says that its cancel is in the air.
    """

    slot: str
    symbol: Symbol
    minute: Micros
    units: Units
    filled: Units
    price: "StopLimit | Limit"
    state: State
    touched: bool
    attempt: int
    ended_at: Micros | None
    reason: str
    stop: StopPlan
    ending: bool = False


@dataclass(frozen=True, slots=True)
class StopLimit:
    """Rest until `trigger` trades, then sell down to `limit`; paise."""

    trigger: Paise
    limit: Paise


@dataclass(frozen=True, slots=True)
class Limit:
    """Sell at `price` paise or better."""

    price: Paise


@dataclass(frozen=True, slots=True)
class StopAt:
    """A protective stop at a fixed trigger in paise."""

    price: Paise


@dataclass(frozen=True, slots=True)
class StopAbove:
    """A protective stop `bps` above the average fill."""

    bps: int


@dataclass(frozen=True, slots=True)
class EntryWish:
    """Be short `units` of `symbol` at `price`, protected by `stop`. One live entry per slot.

    `minute` names what the wish stems from (the swing's minute): with slot and symbol it is the
    identity of the decision, so that repeating the wish never makes a second order.
    """

    slot: str
    symbol: Symbol
    units: Units
    price: StopLimit | Limit
    stop: StopAt | StopAbove
    minute: Micros = Micros(0)


@dataclass(frozen=True, slots=True)
class StopWish:
    """Move the protective stop of `symbol` to `trigger` paise."""

    symbol: Symbol
    trigger: Paise


@dataclass(frozen=True, slots=True)
class ExitWish:
    """Leave `symbol` now, for this reason."""

    symbol: Symbol
    reason: str


@dataclass(frozen=True, slots=True)
class Note:
    """One line for the decision log: what was decided of a symbol, and by which number."""

    symbol: Symbol
    kind: str
    detail: str


@dataclass(frozen=True, slots=True)
class Wishes:
    """The whole wish, every time: an entry that is not mentioned is not wanted."""

    entries: tuple[EntryWish, ...] = ()
    stops: tuple[StopWish, ...] = ()
    exits: tuple[ExitWish, ...] = ()
    flatten: str = ""
    watch: frozenset[Symbol] = frozenset()
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class Room:
    """How many more shorts the limits allow, resting and unknown entries already counted."""

    positions: int
    ce: int
    pe: int


class Lasts(Protocol):
    """How a view looks up prices."""

    def __call__(self, symbol: Symbol) -> Last | None: ...


class Bars(Protocol):
    """How a view looks up the closed, clean bars of a symbol, oldest first."""

    def __call__(self, symbol: Symbol) -> tuple[Bar, ...]: ...


@dataclass(frozen=True, slots=True)
class View:
    """What a strategy may know at one moment.

    `entries` holds the entry of each slot that has or had one, `ended` every entry of the day that
    is over, in the order they ended. `refused` names why a slot's last wish was refused, `blocked`
    the symbols that were cancelled and placed too often. Mappings and tuples stay the same object
    until a fact changes.
    """

    at: Micros
    day: DayPlan
    mode: Mode
    room: Room
    last: Lasts
    bars: Bars
    positions: Mapping[Symbol, PositionView] = field(default_factory=dict)
    entries: Mapping[str, EntryView] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    ended: tuple[EntryView, ...] = ()
    blocked: frozenset[Symbol] = frozenset()


S = TypeVar("S")


class Strategy(Protocol[S]):
    """A plug-in. Every method is pure; `S` is its own state, an immutable value or one it owns."""

    def universe(self, day: DayPlan) -> UniverseRule:
        """Return which contracts to watch."""

    def begin(self, day: DayPlan, chain: Chain) -> S:
        """Return the state of a fresh day."""

    def on_bar(self, state: S, bar: Bar, view: View) -> tuple[S, Wishes]:
        """React to a closed, clean minute of one symbol."""

    def on_price(self, state: S, now: Forming, view: View) -> tuple[S, Wishes]:
        """React to a new extreme or last price of the minute in progress."""

    def on_pulse(self, state: S, view: View) -> tuple[S, Wishes]:
        """React to a second passing, or to a change of an order or position."""
