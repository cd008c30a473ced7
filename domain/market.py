"""What the market says: ticks, bars, quotes. Values only; `bars.py` builds them."""

from enum import StrEnum

import msgspec

from domain.units import MINUTE, Micros, Paise, Symbol, Units

Pair = tuple[Symbol, str]
"""A symbol and the exchange that quotes it."""


def minute_of(at: int) -> Micros:
    """Return the start of the minute an instant lies in; the same in UTC and Asia/Kolkata."""
    return Micros(at // MINUTE * MINUTE)


class Source(StrEnum):
    """Where a tick came from. `backup` is a second OpenAlgo server's stream."""

    PRIMARY = "primary"
    BACKUP = "backup"
    REST = "rest"

    @property
    def tag(self) -> str:
        """The word operators see: WEBSOCKET or REST_POLLING."""
        return "REST_POLLING" if self is Source.REST else "WEBSOCKET"


class Provenance(StrEnum):
    """How a minute came about. The later a word stands here, the worse the minute is."""

    WS = "ws"
    BACKFILLED = "backfilled"
    REST = "rest"
    MIXED = "mixed"
    GAP = "gap"

    @property
    def is_clean(self) -> bool:
        """Whether a strategy may look at such a bar."""
        return self in {Provenance.WS, Provenance.BACKFILLED}


class Tick(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One price as delivered. `low` and `high` differ from `ltp` only if ticks were conflated.

    `seq` and `recv_at` are stamped where the tick was received, before any queue. `exch_at` orders
    ticks and chooses minutes, but is never evidence of freshness. `cum_volume` is the day's
    cumulative quantity as sent; `volume` is the accepted increment, filled in by FeedActor.
    """

    symbol: Symbol
    exchange: str
    source: Source
    epoch: int
    seq: int
    recv_at: Micros
    exch_at: Micros | None
    ltp: Paise
    low: Paise
    high: Paise
    cum_volume: Units | None
    volume: Units = Units(0)
    gap: bool = False
    """The increment could not be known (first value after a late start, a rebase, no volume)."""


class Bar(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One exchange minute, named by its start. Prices in paise, volume in units.

    `vwap_num / vwap_den` is the session VWAP at the close of this bar, in paise, kept as two
    integers; `vwap_den` is 0 while it is unknown (an earlier minute of the day is missing).
    """

    symbol: Symbol
    minute: Micros
    open: Paise
    high: Paise
    low: Paise
    close: Paise
    volume: Units
    vwap_num: int = 0
    vwap_den: int = 0
    ticks: int = 0
    provenance: Provenance = Provenance.WS


class Forming(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The minute in progress: its extremes so far and the last traded price, with its age."""

    symbol: Symbol
    minute: Micros
    high: Paise
    low: Paise
    last: Paise
    at: Micros


class Quote(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A REST quote. It carries no time of its own: `asked_at` and `got_at` are ours.

    `bid` and `ask` are 0 where there is none (an index, an empty side). `open`, `high`, `low` and
    `volume` are values of the day.
    """

    symbol: Symbol
    exchange: str
    ltp: Paise
    bid: Paise
    ask: Paise
    open: Paise
    high: Paise
    low: Paise
    prev_close: Paise
    volume: Units
    oi: Units
    asked_at: Micros
    got_at: Micros


class HistoryBar(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A row of `/history`: epoch seconds of the bar's start became `minute`."""

    minute: Micros
    open: Paise
    high: Paise
    low: Paise
    close: Paise
    volume: Units
