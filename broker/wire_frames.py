"""Frames of the stream: built for the server, decoded for the domain.

`market_data` is the hot path, so all kinds are told apart by one typed decoder; only a frame it
does not know is looked at again.
"""

from collections.abc import Sequence

import msgspec

from broker.wire import Number, encode, excerpt, exchange_time, name, paise, text, units
from broker.wire_orders import LIVE, status
from domain.books import OrderPush
from domain.errors import WireError
from domain.market import Source, Tick
from domain.units import Micros, Symbol, Units

Pair = tuple[Symbol, str]
Text = str | int | None

QUOTE_MODE = 2


class Price(msgspec.Struct, frozen=True, gc=False):
    """What is used of a frame's `data`; a broker may send much more, only `ltp` always."""

    ltp: Number
    volume: Number | None = None
    ltt: Number | None = None
    timestamp: Number | None = None


class MarketData(msgspec.Struct, frozen=True, gc=False, tag_field="type", tag="market_data"):
    """A price, in any of the three modes."""

    symbol: str
    exchange: str
    data: Price


class OrderUpdate(msgspec.Struct, frozen=True, gc=False, tag_field="type", tag="order_update"):
    """A push about an order of the account, not necessarily ours."""

    orderid: Text
    symbol: Text = None
    order_status: Text = None
    filled_quantity: Number | None = None
    rejection_reason: Text = None
    mode: Text = None


class AuthResult(msgspec.Struct, frozen=True, tag_field="type", tag="auth"):
    """The answer to the key."""

    status: Text = None
    message: Text = None


class Subscription(msgspec.Struct, frozen=True):
    """What became of one symbol; the frame around it may say success although all failed."""

    symbol: Text = None
    exchange: Text = None
    status: Text = None
    message: Text = None


class SubscribeResult(msgspec.Struct, frozen=True, tag_field="type", tag="subscribe"):
    """The answer to one subscribe frame."""

    subscriptions: list[Subscription] = []
    message: Text = None


class UnsubscribeResult(msgspec.Struct, frozen=True, tag_field="type", tag="unsubscribe"):
    """The answer to one unsubscribe frame; what failed was not held, which is as good."""


class Pong(msgspec.Struct, frozen=True, tag_field="type", tag="pong"):
    """The answer to a ping."""


class Refusal(msgspec.Struct, frozen=True):
    """An error frame: it has no `type` and does not say what it is about."""

    code: str
    message: str


class Aside(msgspec.Struct, frozen=True):
    """A frame of a kind that is not listened to."""

    kind: str


class _Loose(msgspec.Struct, frozen=True):
    type: Text = None
    status: Text = None
    code: Text = None
    message: Text = None


Known = MarketData | OrderUpdate | AuthResult | SubscribeResult | UnsubscribeResult | Pong
Frame = Known | Refusal | Aside

_KNOWN: msgspec.json.Decoder[Known] = msgspec.json.Decoder(Known)
_LOOSE = msgspec.json.Decoder(_Loose)
_KINDS = frozenset({"market_data", "order_update", "auth", "subscribe", "unsubscribe", "pong"})


def decode(frame: bytes) -> Frame:
    """Return what a frame says; WireError for one that cannot be read."""
    try:
        return _KNOWN.decode(frame)
    except (ValueError, RecursionError):
        return _decode_rest(frame)


def tick(frame: MarketData, recv_at: Micros, source: Source, epoch: int, seq: int) -> Tick:
    """Return a price; WireError if it is not above 0 or its volume is negative.

    `exch_at` is the last trade's time where usable, else the frame's. An index has no volume.
    """
    ltp = paise(frame.data.ltp)
    if ltp <= 0:
        raise WireError(f"{frame.symbol} at {frame.data.ltp}")
    return Tick(
        symbol=Symbol(frame.symbol),
        exchange=frame.exchange,
        source=source,
        epoch=epoch,
        seq=seq,
        recv_at=recv_at,
        exch_at=exchange_time((frame.data.ltt, frame.data.timestamp), recv_at),
        ltp=ltp,
        low=ltp,
        high=ltp,
        cum_volume=_volume(frame),
    )


def push(frame: OrderUpdate, recv_at: Micros) -> OrderPush:
    """Return an order update; WireError without an order id."""
    filled = frame.filled_quantity
    return OrderPush(
        orderid=name(frame.orderid),
        symbol=Symbol(text(frame.symbol)),
        status=status(frame.order_status),
        filled=Units(0) if filled is None or filled == "" else units(filled),
        reason=text(frame.rejection_reason),
        mode=text(frame.mode).lower() or LIVE,
        got_at=recv_at,
    )


def authenticate(api_key: str) -> bytes:
    """Return the frame that must come first."""
    return encode({"action": "authenticate", "api_key": api_key})


def subscribe(pairs: Sequence[Pair], request_id: str) -> bytes:
    """Return a frame that asks for quotes of some symbols."""
    symbols = [{"symbol": symbol, "exchange": exchange} for symbol, exchange in pairs]
    wanted = {"mode": QUOTE_MODE, "symbols": symbols, "request_id": request_id}
    return encode({"action": "subscribe"} | wanted)


def unsubscribe(pairs: Sequence[Pair]) -> bytes:
    """Return a frame that ends the quotes of some symbols."""
    symbols = [{"symbol": s, "exchange": exchange, "mode": QUOTE_MODE} for s, exchange in pairs]
    return encode({"action": "unsubscribe", "symbols": symbols})


def subscribe_orders() -> bytes:
    """Return the frame that asks for order updates of the account."""
    return encode({"action": "subscribe_orders"})


def ping(number: int, at: Micros) -> bytes:
    """Return a keep-alive frame; the server answers it even before the key."""
    return encode({"action": "ping", "timestamp": at // 1000, "_pingId": str(number)})


def _decode_rest(frame: bytes) -> Frame:
    try:
        loose = _LOOSE.decode(frame)
    except (ValueError, RecursionError) as error:
        raise WireError(f"frame cannot be read ({error}): {excerpt(frame)}") from error
    if loose.type is None and loose.status == "error":
        return Refusal(code=excerpt(text(loose.code)), message=excerpt(text(loose.message)))
    if not isinstance(loose.type, str) or loose.type in _KINDS:
        raise WireError(f"frame has another shape: {excerpt(frame)}")
    return Aside(kind=excerpt(loose.type))


def _volume(frame: MarketData) -> Units | None:
    sent = frame.data.volume
    if sent is None or frame.exchange.endswith("_INDEX"):
        return None
    volume = units(sent)
    if volume < 0:
        raise WireError(f"{frame.symbol} has volume {volume}")
    return volume
