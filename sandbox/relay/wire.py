"""What another OpenAlgo server says, as values of this room: own code, for own mistakes.

Numbers may be JSON numbers or text and are read through their decimal digits, never as floats.
Nothing here knows a key or a socket.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import msgspec

from domain.symbols import BadSymbol, expiry_day
from domain.units import SECOND, Day, Micros, Paise, Symbol, Units
from sandbox.kinds import BarLine, Level, Shown
from sandbox.market.live import Seen

Pair = tuple[str, str]
"""Symbol and exchange."""

MOST_RUPEES = Decimal(10**9)
MOST_UNITS = Decimal(10**15)
_HUNDRED = Decimal(100)


class Unreadable(ValueError):
    """An answer or a frame is not what this route or type says."""


class Said(msgspec.Struct):
    """The envelope of any answer."""

    status: Any = None
    message: Any = None
    data: Any = None


class _Step(msgspec.Struct):
    price: Decimal = Decimal(0)
    quantity: Decimal = Decimal(0)
    orders: Decimal | None = None


class _Sides(msgspec.Struct):
    buy: list[_Step] = []
    sell: list[_Step] = []


class _Price(msgspec.Struct):
    ltp: Decimal
    volume: Decimal | None = None
    last_quantity: Decimal | None = None
    open: Decimal | None = None
    high: Decimal | None = None
    low: Decimal | None = None
    close: Decimal | None = None
    oi: Decimal | None = None
    depth: _Sides | None = None
    ltt: Any = None


class _Market(msgspec.Struct):
    symbol: str
    exchange: str
    data: _Price


class _Quote(msgspec.Struct):
    """A quote by REST; `bid_qty` and `ask_qty` only in a chain."""

    ltp: Decimal | None = None
    bid: Decimal | None = None
    ask: Decimal | None = None
    bid_qty: Decimal | None = None
    ask_qty: Decimal | None = None
    open: Decimal | None = None
    high: Decimal | None = None
    low: Decimal | None = None
    prev_close: Decimal | None = None
    volume: Decimal | None = None
    oi: Decimal | None = None


class _Side(_Quote):
    symbol: str = ""
    lotsize: Decimal | None = None
    tick_size: Decimal | None = None


class _Strike(msgspec.Struct):
    strike: Decimal
    ce: _Side | None = None
    pe: _Side | None = None


class _Chain(msgspec.Struct):
    atm_strike: Decimal
    chain: list[_Strike]


class _Row(msgspec.Struct):
    symbol: str
    exchange: str
    data: _Quote | None = None


class _Results(msgspec.Struct):
    results: list[_Row]


class _Bar(msgspec.Struct):
    timestamp: Decimal
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal = Decimal(0)
    oi: Decimal | None = None


class _Bars(msgspec.Struct):
    data: list[_Bar]


class _Broker(msgspec.Struct):
    broker: str


class _Pong(msgspec.Struct):
    data: _Broker


class _Days(msgspec.Struct):
    data: list[str]


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """An option of a chain: what is known of it, and what the server's master says of it."""

    seen: Seen
    strike: Paise
    lot: Units
    tick: Paise


class ChainSaid(msgspec.Struct, frozen=True, kw_only=True):
    """A chain: the strike at the money, and its options."""

    atm: Paise
    options: tuple[Listed, ...]


_FRAME = msgspec.json.Decoder(_Market)


def price(frame: bytes | str) -> Seen:
    """Return a `market_data` frame. Raises Unreadable, also for a price that is not above 0."""
    said = _decoded(_FRAME, frame)
    data, is_index = said.data, said.exchange.endswith("_INDEX")
    ltp = paise(data.ltp)
    if ltp <= 0:
        raise Unreadable(f"{said.symbol} has the price {data.ltp}")
    return Seen(
        symbol=Symbol(said.symbol),
        exchange=said.exchange,
        ltp=ltp,
        volume=None if is_index else _maybe_units(data.volume),
        last_quantity=None if is_index else _maybe_units(data.last_quantity),
        open=_maybe_paise(data.open),
        high=_maybe_paise(data.high),
        low=_maybe_paise(data.low),
        prev_close=_maybe_paise(data.close),
        oi=_maybe_units(data.oi),
        shown=None if data.depth is None else _shown(data.depth),
        traded_at=_instant(data.ltt),
    )


def broker(body: bytes) -> str:
    """Return the broker's name in a /ping answer."""
    pong: _Pong = _decoded(msgspec.json.Decoder(_Pong), body)
    return pong.data.broker


def expiries(body: bytes) -> tuple[Day, ...]:
    """Return the days of an /expiry answer, ascending."""
    days = _decoded(msgspec.json.Decoder(_Days), body).data
    try:
        return tuple(sorted(expiry_day(day) for day in days))
    except BadSymbol as error:
        raise Unreadable(str(error)) from error


def chain(body: bytes, exchange: str) -> ChainSaid:
    """Return an /optionchain answer; its options are traded at `exchange`.

    An option whose row cannot be read is left out.
    """
    said = _decoded(msgspec.json.Decoder(_Chain), body)
    options = []
    for row in said.chain:
        for side in (row.ce, row.pe):
            with suppress(Unreadable):
                if side is not None:
                    options.append(_listed(row.strike, side, exchange))
    return ChainSaid(atm=paise(said.atm_strike), options=tuple(options))


def quotes(body: bytes) -> Mapping[Pair, Seen]:
    """Return those symbols of a /multiquotes answer that have a quote that can be read."""
    found: dict[Pair, Seen] = {}
    for row in _decoded(msgspec.json.Decoder(_Results), body).results:
        pair = row.symbol, row.exchange
        with suppress(Unreadable):
            if row.data is not None:
                found[pair] = _quoted(pair, row.data)
    return found


def bars(body: bytes) -> tuple[BarLine, ...]:
    """Return the rows of a /history answer as they are, in its own order."""
    rows = _decoded(msgspec.json.Decoder(_Bars), body).data
    return tuple(
        BarLine(
            minute=Micros(units(row.timestamp) * SECOND),
            open=paise(row.open),
            high=paise(row.high),
            low=paise(row.low),
            close=paise(row.close),
            volume=units(row.volume),
            oi=_maybe_units(row.oi) or Units(0),
        )
        for row in rows
    )


def paise(rupees: Decimal) -> Paise:
    """Return rupees as whole paise, half up. Raises Unreadable."""
    if not rupees.is_finite() or abs(rupees) > MOST_RUPEES:
        raise Unreadable(f"{rupees} is no price")
    return Paise(int((rupees * _HUNDRED).to_integral_value(ROUND_HALF_UP)))


def units(count: Decimal) -> Units:
    """Return a whole number that is not negative. Raises Unreadable."""
    if not count.is_finite() or not 0 <= count <= MOST_UNITS or count != int(count):
        raise Unreadable(f"{count} is no whole number")
    return Units(int(count))


def _listed(strike: Decimal, side: _Side, exchange: str) -> Listed:
    return Listed(
        seen=_quoted((side.symbol, exchange), side),
        strike=paise(strike),
        lot=_maybe_units(side.lotsize) or Units(0),
        tick=_maybe_paise(side.tick_size) or Paise(0),
    )


def _quoted(pair: Pair, quote: _Quote) -> Seen:
    is_index = pair[1].endswith("_INDEX")
    shown = Shown(_touch(quote.bid, quote.bid_qty), _touch(quote.ask, quote.ask_qty))
    return Seen(
        symbol=Symbol(pair[0]),
        exchange=pair[1],
        ltp=max(_maybe_paise(quote.ltp) or Paise(0), Paise(0)),
        volume=None if is_index else _maybe_units(quote.volume),
        open=_maybe_paise(quote.open),
        high=_maybe_paise(quote.high),
        low=_maybe_paise(quote.low),
        prev_close=_maybe_paise(quote.prev_close),
        oi=_maybe_units(quote.oi),
        shown=None if is_index else _real(shown),
    )


def _touch(rupees: Decimal | None, quantity: Decimal | None) -> tuple[Level, ...]:
    at = _maybe_paise(rupees) or Paise(0)
    return (Level(at, _maybe_units(quantity) or Units(0), 1),) if at > 0 else ()


def _real(shown: Shown) -> Shown | None:
    """Return a book, or None for one that shows nothing: brokers without depth send zeros."""
    return shown if shown.bids or shown.asks else None


def _shown(depth: _Sides) -> Shown | None:
    return _real(Shown(tuple(_levels(depth.buy)), tuple(_levels(depth.sell))))


def _levels(steps: Sequence[_Step]) -> Iterator[Level]:
    for step in steps:
        if step.price > 0:
            yield Level(paise(step.price), units(step.quantity), _maybe_units(step.orders) or 0)


def _instant(said: Any) -> Micros | None:
    """Return a time in milliseconds or seconds since the epoch; others, such as texts, are none."""
    try:
        whole = int(said)
    except (TypeError, ValueError, OverflowError):
        return None
    digits = len(str(whole))
    return {10: Micros(whole * SECOND), 13: Micros(whole * 1000)}.get(digits)


def _maybe_paise(rupees: Decimal | None) -> Paise | None:
    """Return a price, or None where a broker has none: it is left out, null or 0."""
    return None if rupees is None or rupees == 0 else paise(rupees)


def _maybe_units(count: Decimal | None) -> Units | None:
    return None if count is None else units(count)


def _decoded(decoder: "msgspec.json.Decoder[Any]", body: bytes | str) -> Any:
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(str(error)) from error
