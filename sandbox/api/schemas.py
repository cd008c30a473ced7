"""The schema of each route: which fields, in which order their errors are told, in which words.

OpenAlgo 2.0.2.1 (`openalgo.md` 2 to 5; captured errors where there are any, else its code).
"""

import re

from sandbox.api import requests as ask
from sandbox.api.fields import (
    Field,
    Schema,
    above_zero,
    at_least,
    between,
    date,
    length,
    may,
    must,
    number,
    one_of,
    several,
    text,
    truth,
    whole,
)

EXCHANGES = (
    *("NSE", "NFO", "CDS", "BSE", "BFO", "BCD", "MCX", "NCDEX", "NCO"),
    *("NSE_INDEX", "BSE_INDEX", "MCX_INDEX", "GLOBAL_INDEX", "CRYPTO"),
)
DERIVATIVES = ("NFO", "BFO", "MCX", "CDS", "NCO", "BCD", "NCDEX", "CRYPTO")
INTERVALS = tuple("1s 5s 10s 15s 30s 45s 1m 2m 3m 5m 10m 15m 20m 30m 1h 2h 3h 4h D W M Q Y".split())
CRYPTO = "CRYPTO"
_OFFSET = re.compile(r"ATM|[IO]TM([1-9]|[1-4]\d|50)", re.IGNORECASE)


def _offset(value: str) -> str | None:
    if _OFFSET.fullmatch(value):
        return None
    return "Offset must be ATM, ITM1-ITM50, or OTM1-OTM50"


def _unfractioned(body: ask.PlaceOrder | ask.ModifyOrder) -> dict[str, list[str]] | None:
    if body.exchange == CRYPTO or body.quantity == body.quantity.to_integral_value():
        return None
    said = f"Fractional quantity ({float(body.quantity)}) is not allowed for non-crypto exchanges."
    return {"quantity": [said]}


KEY = must(text, length(1, 256))
TEXT = must(text)
EXCHANGE = must(text, one_of(*EXCHANGES))
DERIVATIVE = must(text, one_of(*DERIVATIVES))
ACTION = must(text, one_of("BUY", "SELL", "buy", "sell"))
OPTION_TYPE = must(text, one_of("CE", "PE", "ce", "pe"))
QUANTITY = must(number, above_zero("Quantity must be a positive number."))
PRODUCT = one_of("MIS", "NRML", "CNC")
PRICETYPE = one_of("MARKET", "LIMIT", "SL", "SL-M")
PRICE = at_least(0, "Price must be a non-negative number.")
TRIGGER = at_least(0, "Trigger price must be a non-negative number.")
DISCLOSED = at_least(0, "Disclosed quantity must be a non-negative integer.")
STRIKE_STEP = may(whole, at_least(1, "Must be greater than or equal to 1."), nullable=True)
RATE = may(number, between(0, 100), nullable=True)

_ONE_SYMBOL: dict[str, Field] = {"apikey": KEY, "symbol": TEXT, "exchange": EXCHANGE}

KEY_ONLY = Schema(ask.KeyOnly, {"apikey": KEY})

PLACE_ORDER = Schema(
    ask.PlaceOrder,
    {
        "apikey": KEY,
        "strategy": TEXT,
        "exchange": EXCHANGE,
        "symbol": TEXT,
        "action": ACTION,
        "quantity": QUANTITY,
        "pricetype": may(text, PRICETYPE),
        "product": may(text, PRODUCT),
        "price": may(number, PRICE),
        "trigger_price": may(number, TRIGGER),
        "disclosed_quantity": may(whole, DISCLOSED),
        "underlying_ltp": may(number, nullable=True),
    },
    _unfractioned,
)

MODIFY_ORDER = Schema(
    ask.ModifyOrder,
    {
        "apikey": KEY,
        "strategy": TEXT,
        "exchange": EXCHANGE,
        "symbol": TEXT,
        "orderid": TEXT,
        "action": ACTION,
        "product": must(text, PRODUCT),
        "pricetype": must(text, PRICETYPE),
        "price": must(number, PRICE),
        "quantity": QUANTITY,
        "disclosed_quantity": must(whole, DISCLOSED),
        "trigger_price": must(number, TRIGGER),
    },
    _unfractioned,
)

ONE_ORDER = Schema(ask.OneOrder, {"apikey": KEY, "strategy": TEXT, "orderid": TEXT})

ONE_POSITION = Schema(
    ask.OnePosition,
    {
        "apikey": KEY,
        "strategy": TEXT,
        "symbol": TEXT,
        "exchange": TEXT,
        "product": must(text, PRODUCT),
    },
)

MARGIN_LEG = Schema(
    ask.MarginLeg,
    {
        "symbol": must(text, length(1, 50, "Symbol must be between 1 and 50 characters.")),
        "exchange": EXCHANGE,
        "action": ACTION,
        "quantity": TEXT,
        "product": must(text, PRODUCT),
        "pricetype": must(text, PRICETYPE),
        "price": may(text),
        "trigger_price": may(text),
    },
)

MARGIN = Schema(
    ask.Margin,
    {
        "apikey": must(text, length(1, 256, "API key must be between 1 and 256 characters.")),
        "positions": must(
            several(MARGIN_LEG), length(1, 50, "Positions must contain 1 to 50 items.")
        ),
    },
)

INSTRUMENT = Schema(ask.Instrument, _ONE_SYMBOL)

SEVERAL = Schema(
    ask.Several,
    {
        "apikey": KEY,
        "symbols": must(
            several(Schema(ask.Pair, {"symbol": TEXT, "exchange": EXCHANGE})), length(1)
        ),
    },
)

HISTORY = Schema(
    ask.History,
    {
        **_ONE_SYMBOL,
        "interval": must(text, one_of(*INTERVALS)),
        "start_date": must(date),
        "end_date": must(date),
        "source": may(text, one_of("api", "db")),
    },
)

SEARCH = Schema(
    ask.Search,
    {"apikey": KEY, "query": TEXT, "exchange": may(text, one_of(*EXCHANGES))},
)

EXPIRY = Schema(
    ask.Expiry,
    {
        "apikey": KEY,
        "symbol": TEXT,
        "exchange": DERIVATIVE,
        "instrumenttype": must(text, one_of("futures", "options")),
    },
)

OPTION_SYMBOL = Schema(
    ask.OptionSymbol,
    {
        "apikey": KEY,
        "strategy": may(text, nullable=True),
        "underlying": TEXT,
        "exchange": EXCHANGE,
        "expiry_date": may(text),
        "strike_int": STRIKE_STEP,
        "offset": must(text, _offset),
        "option_type": OPTION_TYPE,
    },
)

OPTION_CHAIN = Schema(
    ask.OptionChain,
    {
        "apikey": KEY,
        "underlying": TEXT,
        "exchange": EXCHANGE,
        "expiry_date": TEXT,
        "strike_count": may(whole, between(1, 100), nullable=True),
        "with_greeks": may(truth),
        "interest_rate": RATE,
    },
)

HOLIDAYS = Schema(ask.Holidays, {"apikey": KEY, "year": may(whole, between(2020, 2050))})

TIMINGS = Schema(ask.Timings, {"apikey": KEY, "date": TEXT})
