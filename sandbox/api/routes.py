"""The routes this server has, and of what kind each is. Every other path answers E6."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from domain.units import Micros
from sandbox.api import books, chains, hours, margins, orders, prices, reference, schemas
from sandbox.api.answers import Body, SchemaShape
from sandbox.api.desk import Desk
from sandbox.api.fields import Schema
from sandbox.api.limits import ORDER_ROUTE_PER_S, OTHER_ROUTE_PER_S
from sandbox.exchange import Deferred


@dataclass(frozen=True, slots=True)
class Read:
    """A route that only looks. `has_mode`: its answers carry the `mode` key while analyzing."""

    schema: Schema[Any]
    shape: SchemaShape
    look: Callable[[Desk, Micros, Any], Body]
    has_mode: bool = False
    limit: int = OTHER_ROUTE_PER_S


@dataclass(frozen=True, slots=True)
class Write:
    """A route that changes orders; `said` stands in its success while analyzing (seen)."""

    schema: Schema[Any]
    shape: SchemaShape
    send: Callable[[Desk, Micros, Any], Deferred]
    said: str = ""
    has_mode: bool = True
    limit: int = ORDER_ROUTE_PER_S


Route = Read | Write

_E1 = SchemaShape.TEXT
_E1_MODE = SchemaShape.TEXT_WITH_MODE
_E2 = SchemaShape.OBJECT
_E3 = SchemaShape.ERRORS

WRITES: dict[str, Route] = {
    "placeorder": Write(schemas.PLACE_ORDER, _E1, orders.place),
    "modifyorder": Write(
        schemas.MODIFY_ORDER, _E1_MODE, orders.modify, said="Order modified successfully"
    ),
    "cancelorder": Write(
        schemas.ONE_ORDER, _E1_MODE, orders.cancel, said="Order cancelled successfully"
    ),
}

ACCOUNT: dict[str, Route] = {
    "orderstatus": Read(schemas.ONE_ORDER, _E1_MODE, books.order_status, has_mode=True),
    "orderbook": Read(schemas.KEY_ONLY, _E2, books.order_book, has_mode=True),
    "tradebook": Read(schemas.KEY_ONLY, _E2, books.trade_book, has_mode=True),
    "positionbook": Read(schemas.KEY_ONLY, _E2, books.position_book, has_mode=True),
    "openposition": Read(schemas.ONE_POSITION, _E1_MODE, books.open_position, has_mode=True),
    "holdings": Read(schemas.KEY_ONLY, _E2, books.holdings, has_mode=True),
    "funds": Read(schemas.KEY_ONLY, _E2, books.funds, has_mode=True),
    "margin": Read(schemas.MARGIN, _E1, margins.margin),
    "analyzer": Read(schemas.KEY_ONLY, _E1, reference.analyzer),
    "ping": Read(schemas.KEY_ONLY, _E2, reference.ping),
}

MARKET: dict[str, Route] = {
    "quotes": Read(schemas.INSTRUMENT, _E2, prices.quotes),
    "multiquotes": Read(schemas.SEVERAL, _E2, prices.multi_quotes),
    "depth": Read(schemas.INSTRUMENT, _E2, prices.depth),
    "history": Read(schemas.HISTORY, _E2, prices.history),
    "intervals": Read(schemas.KEY_ONLY, _E2, prices.intervals),
    "symbol": Read(schemas.INSTRUMENT, _E2, reference.symbol),
    "search": Read(schemas.SEARCH, _E2, reference.search),
    "expiry": Read(schemas.EXPIRY, _E2, reference.expiry),
    "optionsymbol": Read(schemas.OPTION_SYMBOL, _E3, chains.option_symbol),
    "optionchain": Read(schemas.OPTION_CHAIN, _E3, chains.option_chain),
    "market/timings": Read(schemas.TIMINGS, _E2, hours.timings),
    "market/holidays": Read(schemas.HOLIDAYS, _E2, hours.holidays),
}

ROUTES = WRITES | ACCOUNT | MARKET
