"""The frames the server pushes by itself: prices in three modes, and order updates.

A price is encoded once per mode, however many sessions receive it.
"""

from enum import IntEnum

import msgspec

from sandbox.api.desk import BROKER
from sandbox.api.quirks import Quirks, pushed_status
from sandbox.api.spelling import milliseconds, rupees
from sandbox.kinds import Change, Level, OrderOut, PriceOut
from sandbox.market import depth

USER = "sutradhar"
PAPER_BROKER = "sandbox"
"""What an analyzing server calls the broker in order updates (seen)."""

_encode = msgspec.json.Encoder().encode


class StreamMode(IntEnum):
    """How much of a price a subscriber gets."""

    LTP = 1
    QUOTE = 2
    DEPTH = 3

    @property
    def label(self) -> str:
        """The mode as subscribe answers spell it."""
        return "LTP" if self is StreamMode.LTP else self.name.capitalize()


class _Ltp(msgspec.Struct, kw_only=True, gc=False):
    symbol: str
    exchange: str
    mode: str
    ltp: float
    ltt: int
    timestamp: int


class _Step(msgspec.Struct, gc=False):
    price: float
    quantity: int
    orders: int


class _Sides(msgspec.Struct, gc=False):
    buy: list[_Step]
    sell: list[_Step]


class _Quote(_Ltp, kw_only=True, gc=False):
    volume: int
    last_quantity: int
    average_price: float
    total_buy_quantity: int
    total_sell_quantity: int
    open: float
    high: float
    low: float
    close: float
    oi: int
    depth: _Sides | msgspec.UnsetType = msgspec.UNSET


class _Market(msgspec.Struct, kw_only=True, gc=False):
    type: str = "market_data"
    symbol: str
    exchange: str
    mode: int
    data: _Ltp
    broker: str = BROKER


class _OrderUpdate(msgspec.Struct, kw_only=True, gc=False):
    type: str = "order_update"
    user_id: str = USER
    mode: str
    broker: str
    orderid: str
    symbol: str
    exchange: str
    action: str
    quantity: int
    price: float
    trigger_price: float
    pricetype: str
    product: str
    order_status: str
    filled_quantity: int
    pending_quantity: int
    average_price: float
    rejection_reason: str


class Frames:
    """The frames of the latest price and the latest order change, made when first wanted."""

    def __init__(self, *, is_live: bool = False, quirks: Quirks = frozenset()) -> None:
        self._quirks = quirks
        self._mode = "live" if is_live else "analyze"
        self._broker = BROKER if is_live else PAPER_BROKER
        self._price: PriceOut | None = None
        self._of_price: dict[StreamMode, bytes] = {}
        self._order: OrderOut | None = None
        self._of_order = b""

    def market(self, price: PriceOut, mode: StreamMode) -> bytes:
        """Return the frame of a price in one mode."""
        if price is not self._price:
            self._price, self._of_price = price, {}
        frame = self._of_price.get(mode)
        if frame is None:
            frame = self._of_price[mode] = _encode(_market(price, mode))
        return frame

    def order(self, out: OrderOut) -> bytes:
        """Return the frame of an order change."""
        if out is not self._order:
            self._order, self._of_order = out, _encode(self._update(out))
        return self._of_order

    def _update(self, out: OrderOut) -> _OrderUpdate:
        order = out.order
        return _OrderUpdate(
            mode=self._mode,
            broker=self._broker,
            orderid=order.orderid,
            symbol=order.symbol,
            exchange=order.exchange,
            action=order.action.value,
            quantity=order.quantity,
            price=rupees(out.price),
            trigger_price=rupees(order.trigger),
            pricetype=order.kind.value,
            product=order.product,
            order_status=pushed_status(self._quirks, order.status),
            filled_quantity=order.filled,
            # A default of the server, not the number, until something has filled (seen).
            pending_quantity=order.pending if out.change is Change.FILL else 0,
            average_price=rupees(order.average),
            rejection_reason=order.reason,
        )


def _market(price: PriceOut, mode: StreamMode) -> _Market:
    data = _ltp(price) if mode is StreamMode.LTP else _quote(price, mode)
    return _Market(symbol=price.symbol, exchange=price.exchange, mode=mode, data=data)


def _ltp(price: PriceOut) -> _Ltp:
    return _Ltp(
        symbol=price.symbol,
        exchange=price.exchange,
        mode="ltp",
        ltp=rupees(price.ltp),
        ltt=milliseconds(price.traded_at or price.ltt),
        timestamp=milliseconds(price.at),
    )


def _quote(price: PriceOut, mode: StreamMode) -> _Quote:
    bought, sold = depth.totals(price)
    is_full = mode is StreamMode.DEPTH
    return _Quote(
        symbol=price.symbol,
        exchange=price.exchange,
        mode="full" if is_full else "quote",
        ltp=rupees(price.ltp),
        ltt=milliseconds(price.traded_at or price.ltt),
        timestamp=milliseconds(price.at),
        volume=price.volume,
        last_quantity=price.last_quantity,
        # The reference plug-in sends the last price here too (seen); only ltp is dependable.
        average_price=rupees(price.ltp),
        total_buy_quantity=bought,
        total_sell_quantity=sold,
        open=rupees(price.open),
        high=rupees(price.high),
        low=rupees(price.low),
        close=rupees(price.prev_close),
        oi=price.oi,
        depth=_sides(price) if is_full else msgspec.UNSET,
    )


def _sides(price: PriceOut) -> _Sides:
    shown = depth.shown(price)
    return _Sides(_steps(shown.bids), _steps(shown.asks))


def _steps(levels: tuple[Level, ...]) -> list[_Step]:
    shown = [_Step(rupees(level.price), level.quantity, level.orders) for level in levels]
    return shown + [_Step(0, 0, 0)] * (depth.LEVELS - len(shown))
