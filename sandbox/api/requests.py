"""The bodies the routes accept, as values. `schemas.py` reads them.

Fields as OpenAlgo 2.0.2.1 has them (`openalgo.md` 3 to 5). Prices are rupees with the digits that
were sent. A field that may be absent has its default here.
"""

from decimal import Decimal

import msgspec

ZERO = Decimal(0)


class KeyOnly(msgspec.Struct, frozen=True, kw_only=True):
    """A body that only names its key."""

    apikey: str


class PlaceOrder(msgspec.Struct, frozen=True, kw_only=True):
    """A new order. Prices are rupees as they were written."""

    apikey: str
    strategy: str
    symbol: str
    exchange: str
    action: str
    quantity: Decimal
    pricetype: str = "MARKET"
    product: str = "MIS"
    price: Decimal = ZERO
    trigger_price: Decimal = ZERO
    disclosed_quantity: int = 0
    underlying_ltp: Decimal | None = None


class ModifyOrder(msgspec.Struct, frozen=True, kw_only=True):
    """Absolute targets for an order."""

    apikey: str
    strategy: str
    orderid: str
    symbol: str
    exchange: str
    action: str
    product: str
    pricetype: str
    price: Decimal
    quantity: Decimal
    disclosed_quantity: int
    trigger_price: Decimal


class OneOrder(msgspec.Struct, frozen=True, kw_only=True):
    """A cancel, or a question after one order."""

    apikey: str
    strategy: str
    orderid: str


class OnePosition(msgspec.Struct, frozen=True, kw_only=True):
    """A question after one position."""

    apikey: str
    strategy: str
    symbol: str
    exchange: str
    product: str


class MarginLeg(msgspec.Struct, frozen=True, kw_only=True):
    """One order of a margin question; its numbers are text."""

    symbol: str
    exchange: str
    action: str
    quantity: str
    product: str
    pricetype: str
    price: str = "0"
    trigger_price: str = "0"


class Margin(msgspec.Struct, frozen=True, kw_only=True):
    """A question after the margin of some orders."""

    apikey: str
    positions: tuple[MarginLeg, ...]


class Instrument(msgspec.Struct, frozen=True, kw_only=True):
    """A question after one symbol."""

    apikey: str
    symbol: str
    exchange: str


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """One of several symbols."""

    symbol: str
    exchange: str


class Several(msgspec.Struct, frozen=True, kw_only=True):
    """A question after several symbols."""

    apikey: str
    symbols: tuple[Pair, ...]


class History(msgspec.Struct, frozen=True, kw_only=True):
    """A question after bars; both days are included."""

    apikey: str
    symbol: str
    exchange: str
    interval: str
    start_date: str
    end_date: str
    source: str = "api"


class Search(msgspec.Struct, frozen=True, kw_only=True):
    """A search of the symbol master."""

    apikey: str
    query: str
    exchange: str | None = None


class Expiry(msgspec.Struct, frozen=True, kw_only=True):
    """A question after expiry days."""

    apikey: str
    symbol: str
    exchange: str
    instrumenttype: str


class OptionSymbol(msgspec.Struct, frozen=True, kw_only=True):
    """A question after the option some strikes away from the money."""

    apikey: str
    underlying: str
    exchange: str
    offset: str
    option_type: str
    expiry_date: str | None = None
    strike_int: int | None = None
    strategy: str | None = None


class OptionChain(msgspec.Struct, frozen=True, kw_only=True):
    """A question after a chain; without `strike_count` all of it."""

    apikey: str
    underlying: str
    exchange: str
    expiry_date: str
    strike_count: int | None = None
    with_greeks: bool = False
    interest_rate: Decimal | None = None


class Holidays(msgspec.Struct, frozen=True, kw_only=True):
    """A question after a year's holidays; without a year, this one's."""

    apikey: str
    year: int | None = None


class Timings(msgspec.Struct, frozen=True, kw_only=True):
    """A question after a day's hours; the route itself looks at the date."""

    apikey: str
    date: str
