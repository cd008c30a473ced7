"""What a fault can do, as values. The fields are the settings of the script, in its units.

`symbols` chooses whom a verb concerns, in the words of `universe.py`; empty means everybody.
"""

from dataclasses import dataclass

from domain.units import Micros
from sandbox.faults.account_verbs import ACCOUNT_NAMES, AccountVerb
from sandbox.faults.order_verbs import (
    ORDER_NAMES,
    DelayEffect,
    LatePush,
    LateVisible,
    OrderVerb,
)

Symbols = tuple[str, ...]
EVERYBODY: Symbols = ()

ABNORMAL = 1006
"""No frame says this one: the socket is simply gone."""


@dataclass(frozen=True, slots=True)
class Silent:
    """Send nothing by oneself; with `pong` whatever is asked is still answered."""

    pong: bool = True


@dataclass(frozen=True, slots=True)
class HalfOpen:
    """Take and give nothing any more, and never end the connection."""


@dataclass(frozen=True, slots=True)
class Reset:
    """End the connection with a TCP reset."""


@dataclass(frozen=True, slots=True)
class Close:
    """End the connection with a close code."""

    code: int = ABNORMAL


@dataclass(frozen=True, slots=True)
class CloseLoop:
    """End every connection once it has lived so long."""

    every_s: float = 30.0
    code: int = ABNORMAL


@dataclass(frozen=True, slots=True)
class RefuseConnect:
    """Let nobody in."""


@dataclass(frozen=True, slots=True)
class Burst:
    """Hold everything back for a while and then deliver it at once, with its own old stamps."""

    hold_s: float = 10.6


@dataclass(frozen=True, slots=True)
class SubscribeOkNoData:
    """Acknowledge a subscription and send nothing for it."""

    symbols: Symbols = EVERYBODY


@dataclass(frozen=True, slots=True)
class SymbolMute:
    """Send nothing of some symbols; perhaps until they are subscribed anew, window or not."""

    symbols: Symbols = ("atm_ce",)
    until_subscribed: bool = False


@dataclass(frozen=True, slots=True)
class WrongMode:
    """Send LTP frames only, until a symbol is subscribed anew."""

    symbols: Symbols = EVERYBODY


@dataclass(frozen=True, slots=True)
class VolumeReset:
    """Count the day's volume from 0 again."""

    symbols: Symbols = EVERYBODY


@dataclass(frozen=True, slots=True)
class DuplicateTicks:
    """Deliver a tick again, at once or some time later."""

    copies: int = 1
    after_s: float = 0.0
    symbols: Symbols = EVERYBODY


@dataclass(frozen=True, slots=True)
class OutOfOrder:
    """Deliver ticks shuffled within so many seconds; only if asked across a minute's edge."""

    within_s: float = 3.0
    across_minutes: bool = False
    symbols: Symbols = EVERYBODY


@dataclass(frozen=True, slots=True)
class DelayTicks:
    """Deliver late, in order: by a fixed span, or by one drawn for each tick."""

    seconds: float = 2.0
    lognormal_s: tuple[float, float] | None = None
    cap_s: float = 130.0
    symbols: Symbols = EVERYBODY


@dataclass(frozen=True, slots=True)
class Garbage:
    """Send a frame that cannot be read, in front of a tick or instead of it."""

    kind: str = "any"
    instead: bool = False
    symbols: Symbols = EVERYBODY


@dataclass(frozen=True, slots=True)
class Oversize:
    """Send a tick's frame again, blown up to this many bytes, in front of it or instead of it."""

    bytes: int = (1 << 20) + 1024
    instead: bool = False
    symbols: Symbols = EVERYBODY


@dataclass(frozen=True, slots=True)
class Delay:
    """Answer late: by a fixed span, or by one drawn for each call."""

    seconds: float = 2.0
    lognormal_s: tuple[float, float] | None = None
    cap_s: float = 130.0


@dataclass(frozen=True, slots=True)
class Status:
    """Answer with an error, nothing is done. `retry_after_s` 0 sends no such header."""

    code: int = 503
    retry_after_s: int = 0


@dataclass(frozen=True, slots=True)
class Html502:
    """Answer with the page of a proxy whose server is gone; nothing is done."""


@dataclass(frozen=True, slots=True)
class TruncateJson:
    """Cut the answer off after this share of its bytes."""

    keep_pct: int = 50


@dataclass(frozen=True, slots=True)
class WrongSchema:
    """Turn objects of the answer into lists, lists into objects, single values into objects."""


@dataclass(frozen=True, slots=True)
class NullData:
    """Answer success with null wherever data belongs."""


@dataclass(frozen=True, slots=True)
class FreezeQuotes:
    """Answer with the quotes of the instant at which the fault began."""

    symbols: Symbols = EVERYBODY


@dataclass(frozen=True, slots=True)
class YesterdaysQuotes:
    """Answer with the previous close; with `coherent` inside a day's range to match."""

    coherent: bool = False
    symbols: Symbols = EVERYBODY


@dataclass(frozen=True, slots=True)
class HistoryLag:
    """Leave the newest minutes of history out."""

    minutes: int = 15
    symbols: Symbols = EVERYBODY


@dataclass(frozen=True, slots=True)
class MissingRows:
    """Leave the first minutes of the session out of history, or those of a stretch."""

    first_minutes: int = 15
    stretch: tuple[Micros, Micros] | None = None
    symbols: Symbols = EVERYBODY


Waiting = Delay | DelayTicks | DelayEffect | LateVisible | LatePush
Verb = (
    Silent | HalfOpen | Reset | Close | CloseLoop | RefuseConnect | Burst
    | SubscribeOkNoData | SymbolMute | WrongMode | VolumeReset | DuplicateTicks | OutOfOrder
    | DelayTicks | Garbage | Oversize
    | Delay | Status | Html502 | TruncateJson | WrongSchema | NullData
    | FreezeQuotes | YesterdaysQuotes | HistoryLag | MissingRows
    | OrderVerb | AccountVerb
)  # fmt: skip

OF_QUOTES = ("quotes", "multiquotes", "depth", "optionchain")
"""The routes that tell quotes."""

NAMES: dict[type[object], str] = {
    Silent: "silent",
    HalfOpen: "half_open",
    Reset: "reset",
    Close: "close",
    CloseLoop: "close_loop",
    RefuseConnect: "refuse_connect",
    Burst: "burst",
    SubscribeOkNoData: "subscribe_ok_no_data",
    SymbolMute: "symbol_mute",
    WrongMode: "wrong_mode",
    VolumeReset: "volume_reset",
    DuplicateTicks: "duplicate_ticks",
    OutOfOrder: "out_of_order",
    DelayTicks: "delay",
    Garbage: "garbage",
    Oversize: "oversize",
    Delay: "delay",
    Status: "status",
    Html502: "html_502",
    TruncateJson: "truncate_json",
    WrongSchema: "wrong_schema",
    NullData: "null_data",
    FreezeQuotes: "freeze_quotes",
    YesterdaysQuotes: "yesterdays_quotes",
    HistoryLag: "history_lag",
    MissingRows: "missing_rows",
    **ORDER_NAMES,
    **ACCOUNT_NAMES,
}
"""The word of the script for each."""


def fits(verb: Verb, route: str) -> bool:
    """Whether a verb that stands for every route does anything at this one."""
    return route in OF_QUOTES or not isinstance(verb, FreezeQuotes | YesterdaysQuotes)


def concerned(verb: Verb) -> Symbols:
    """Return the words that choose the symbols of a verb; empty if it has no such choice."""
    return getattr(verb, "symbols", EVERYBODY)
