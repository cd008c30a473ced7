"""The broker's books as read: what was said, decoded, not yet believed."""

from collections.abc import Iterable
from enum import StrEnum

import msgspec

from domain.units import Micros, Paise, Symbol, Units


class Action(StrEnum):
    """Which way an order goes."""

    BUY = "BUY"
    SELL = "SELL"

    @property
    def sign(self) -> int:
        """+1 for BUY, -1 for SELL: what one unit does to a net position."""
        return 1 if self is Action.BUY else -1


class PriceType(StrEnum):
    """The two kinds of order this project sends. SL is the stop-limit; there is no MARKET here."""

    LIMIT = "LIMIT"
    SL = "SL"


class Status(StrEnum):
    """The five words of OpenAlgo; anything else a broker says is `UNKNOWN` and moves nothing."""

    OPEN = "open"
    TRIGGER_PENDING = "trigger pending"
    COMPLETE = "complete"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


class OrderRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A row of the order book.

    `pricetype` is the broker's word; fills are taken from trades only.
    """

    orderid: str
    symbol: Symbol
    exchange: str
    action: Action
    quantity: Units
    price: Paise
    trigger: Paise
    pricetype: str
    product: str
    status: Status
    reason: str = ""
    average: Paise = Paise(0)
    placed_at: Micros | None = None


class UnreadRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A row of the order book that makes no sense but for its id.

    `symbol` is '' where that cannot be read either; `reason` says what is wrong.
    """

    orderid: str
    symbol: Symbol
    reason: str


class TradeRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A row of the trade book. `tradeid` is empty where the broker has none."""

    orderid: str
    tradeid: str
    symbol: Symbol
    action: Action
    product: str
    quantity: Units
    price: Paise
    stamp: str = ""


def unrepeated(trades: Iterable[TradeRow]) -> tuple[TradeRow, ...]:
    """Return trades, each once: those of one id are one trade, without ids all of them count."""
    seen: set[tuple[str, str]] = set()
    kept = []
    for trade in trades:
        named = trade.orderid, trade.tradeid
        if not trade.tradeid or named not in seen:
            kept.append(trade)
        seen.add(named)
    return tuple(kept)


class PositionRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A row of the position book; `net` is signed, a short is negative."""

    symbol: Symbol
    exchange: str
    product: str
    net: Units


class Books(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Three reads taken together. `mode` is 'analyze' or 'live', as the answers said.

    `unread` are rows of the order book that make no sense: somebody else's are no reason to
    disbelieve the rest.
    """

    asked_at: Micros
    got_at: Micros
    mode: str
    orders: tuple[OrderRow, ...]
    trades: tuple[TradeRow, ...]
    positions: tuple[PositionRow, ...]
    unread: tuple[UnreadRow, ...] = ()


class OrderPush(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An `order_update` frame. A hint: it starts a read and moves no state."""

    orderid: str
    symbol: Symbol
    status: Status
    filled: Units
    reason: str
    mode: str
    got_at: Micros
