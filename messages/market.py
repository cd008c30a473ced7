"""Prices and bars on their way to the strategy."""

import msgspec

from domain.calls import ReadReply, StreamChange
from domain.contracts import Contract
from domain.market import Bar, Forming, Source, Tick
from domain.session import DayPlan
from domain.signs import RestVerdict, Sign
from domain.units import Micros, Symbol


class TicksArrived(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """One socket read, decoded, volumes still cumulative. Stream thread -> FeedActor."""

    ticks: tuple[Tick, ...]


class TicksDropped(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """So many ticks waited for FeedActor that they were let go. Stream thread -> FeedActor."""

    at: Micros
    count: int


class StreamMoved(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """A connection opened, was refused or closed. Stream thread -> FeedActor."""

    change: StreamChange


class QuotesPolled(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """A REST poll came back. Read lane -> FeedActor."""

    epoch: int
    asked_at: Micros
    reply: ReadReply


class TicksSeen(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """Ticks of one symbol, volumes differenced. FeedActor -> BarActor."""

    symbol: Symbol
    ticks: tuple[Tick, ...]


class PricesMissed(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """Trades of one symbol were missed while the feed lived. FeedActor -> BarActor."""

    symbol: Symbol
    since: Micros
    until: Micros


class FeedLost(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """The authoritative source fell silent or closed.

    FeedActor -> BarActor, StrategyActor, WatchdogActor.
    """

    at: Micros
    source: Source
    epoch: int
    since: Micros
    reason: str


class FeedRestored(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """A source is authoritative again. FeedActor -> BarActor, StrategyActor, WatchdogActor."""

    at: Micros
    source: Source
    epoch: int
    since: Micros
    until: Micros


class FeedHealth(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """The feed's vital signs, each second. FeedActor -> WatchdogActor, MonitorActor.

    `epoch` is the newest used, by whichever source. `seen`, `subscribed`, `stale` and `mute` count
    options of the source that has the say; `mute` ones did not tick since they were subscribed.
    """

    at: Micros
    source: Source
    epoch: int
    canary_at: Micros | None
    seen: int
    subscribed: int
    stale: int
    ticks: int
    last_tick_at: Micros | None
    switches: int
    streams: tuple[Sign, ...]
    rest: RestVerdict
    near_circuit: bool = False
    jumped_at: Micros | None = None
    mute: tuple[Symbol, ...] = ()


class BeginBars(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """Build bars of these symbols today; a lower rank is backfilled first.

    WatchdogActor -> BarActor.
    """

    plan: DayPlan
    symbols: tuple[tuple[Symbol, str], ...]
    contracts: tuple[Contract, ...]
    rank: int


class WatchPrice(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """Report every price of a symbol, not extremes only.

    StrategyActor, WatchdogActor -> BarActor.
    """

    symbol: Symbol
    on: bool


class BarUpdated(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """The minute in progress has a new extreme, or a watched symbol a price.

    BarActor -> StrategyActor.
    """

    now: Forming


class BarClosed(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """A minute is over. BarActor -> StrategyActor, JournalActor.

    Every minute before `settled` is known for certain: a clean bar, or quiet.
    """

    bar: Bar
    settled: Micros


class BarsBackfilled(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """From minute `since` on, the series is now `bars`. BarActor -> StrategyActor, JournalActor.

    Every minute before `settled` is known for certain: a clean bar, or quiet.
    """

    symbol: Symbol
    since: Micros
    bars: tuple[Bar, ...]
    settled: Micros


class HistoryRead(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """The broker's bars of a symbol, or why there are none. Read lane -> BarActor, FeedActor."""

    symbol: Symbol
    reply: ReadReply


class BarsWanted(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """Send the whole day again as `BarsBackfilled`: somebody was restarted.

    StrategyActor -> BarActor.
    """

    symbol: Symbol
