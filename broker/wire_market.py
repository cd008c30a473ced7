"""Prices and contracts on the wire: quotes, history, expiries and the symbol master."""

import logging
from collections.abc import Sequence
from typing import TypeVar

from broker.wire import (
    Body,
    encode,
    epoch,
    excerpt,
    items,
    name,
    paise,
    record,
    records,
    text,
    units,
    whole_paise,
)
from domain.calls import ChainRead, Quotes, ReadChain, ReadHistory
from domain.contracts import Contract
from domain.errors import WireError
from domain.market import HistoryBar, Quote
from domain.symbols import BadSymbol, OptionSymbol, expiry_day
from domain.units import MINUTE, Day, Micros, Paise, Symbol, Units, rupees

log = logging.getLogger(__name__)

_PRICES = ("bid", "ask", "open", "high", "low", "prev_close")

Amount = TypeVar("Amount", Paise, Units)

Pair = tuple[Symbol, str]
"""A symbol and its exchange."""


def symbol_body(symbol: Symbol, exchange: str) -> bytes:
    """Return the body of `/symbol`."""
    return encode({"symbol": symbol, "exchange": exchange})


def quotes_body(pairs: Sequence[Pair]) -> bytes:
    """Return the body of `/multiquotes`."""
    return encode({"symbols": [{"symbol": s, "exchange": e} for s, e in pairs]})


def history_body(call: ReadHistory) -> bytes:
    """Return the body of `/history` for one day of one-minute bars."""
    return encode(
        {
            "symbol": call.symbol,
            "exchange": call.exchange,
            "interval": "1m",
            "start_date": call.day,
            "end_date": call.day,
        }
    )


def expiry_body(call: ReadChain) -> bytes:
    """Return the body of `/expiry` for options."""
    return encode(
        {"symbol": call.underlying, "exchange": call.exchange, "instrumenttype": "options"}
    )


def quotes(answer: Body, pairs: Sequence[Pair], asked_at: Micros, got_at: Micros) -> Quotes:
    """Return what `/multiquotes` said, matched by symbol and exchange: its order means nothing.

    A symbol that failed, cannot be read or was left out is in `missing` with the reason.
    """
    said = "results" if "results" in answer else "invalid_symbols"
    rows = {_pair(row): row for row in records(answer.get(said))}
    found: list[Quote] = []
    missing: list[tuple[Symbol, str]] = []
    for pair in pairs:
        try:
            found.append(_quote(pair, rows.get(pair), asked_at, got_at))
        except WireError as error:
            missing.append((pair[0], str(error)))
    return Quotes(quotes=tuple(found), missing=tuple(missing))


def bars(answer: Body, symbol: Symbol) -> tuple[HistoryBar, ...]:
    """Return the rows of `/history` by minute. Bad rows are dropped, a non-list is a WireError."""
    found: list[HistoryBar] = []
    for row in items(answer.get("data")):
        try:
            found.append(_bar(record(row)))
        except WireError as error:
            log.warning("history row was dropped symbol=%s error=%s", symbol, error)
    return tuple(sorted(found, key=lambda bar: bar.minute))


def nearest_expiry(answer: Body, day: Day) -> Day:
    """Return the first expiry on or after `day` of an `/expiry` answer; WireError without one."""
    try:
        days = [expiry_day(text(item)) for item in items(answer.get("data"))]
    except BadSymbol as error:
        raise WireError(f"expiry cannot be read: {error}") from error
    ahead = [expiry for expiry in days if expiry >= day]
    if not ahead:
        raise WireError(f"no expiry on or after {day}: {excerpt(days)}")
    return min(ahead)


def contract(answer: Body, wanted: OptionSymbol, exchange: str) -> Contract:
    """Return the row of the symbol master; WireError if it speaks of another contract."""
    row = record(answer.get("data"))
    seen = OptionSymbol(
        name=text(row.get("name")),
        expiry=_expiry(row.get("expiry")),
        strike=whole_paise(row.get("strike")),
        side=wanted.side,
    )
    if seen != wanted or text(row.get("symbol")) != wanted.symbol:
        raise WireError(f"{wanted.symbol} is answered with {excerpt(row)}")
    return Contract(
        symbol=wanted.symbol,
        exchange=exchange,
        underlying=wanted.name,
        expiry=wanted.expiry,
        strike=wanted.strike,
        side=wanted.side,
        lot=_above_zero(units(row.get("lotsize"))),
        tick=_above_zero(whole_paise(row.get("tick_size"))),
        freeze=_above_zero(units(row.get("freeze_qty"))),
    )


def chain(call: ReadChain, expiry: Day, contracts: Sequence[Contract]) -> ChainRead:
    """Return what was found of a chain; a strike that exists on no side is missing, in rupees."""
    found = {each.strike for each in contracts}
    missing = tuple(rupees(strike) for strike in call.strikes if strike not in found)
    return ChainRead(expiry=expiry, contracts=tuple(contracts), missing=missing)


def _pair(row: Body) -> Pair:
    return Symbol(text(row.get("symbol"))), text(row.get("exchange"))


def _quote(pair: Pair, row: Body | None, asked_at: Micros, got_at: Micros) -> Quote:
    if row is None:
        raise WireError("not in the answer")
    if row.get("data") is None:
        raise WireError(excerpt(row.get("error") or "no data"))
    data = record(row["data"])
    prices = {key: _price(data.get(key)) for key in _PRICES}
    return Quote(
        symbol=pair[0],
        exchange=pair[1],
        ltp=paise(data.get("ltp")),
        **prices,
        volume=_count(data.get("volume")),
        oi=_count(data.get("oi")),
        asked_at=asked_at,
        got_at=got_at,
    )


def _bar(row: Body) -> HistoryBar:
    minute = epoch(row.get("timestamp"))
    if minute is None or minute % MINUTE:
        raise WireError(f"no start of a minute: {excerpt(row)}")
    return HistoryBar(
        minute=minute,
        open=paise(row.get("open")),
        high=paise(row.get("high")),
        low=paise(row.get("low")),
        close=paise(row.get("close")),
        volume=_count(row.get("volume")),
    )


def _expiry(value: object) -> Day:
    try:
        return expiry_day(name(value))
    except BadSymbol as error:
        raise WireError(f"expiry cannot be read: {error}") from error


def _price(value: object) -> Paise:
    return Paise(0) if value is None or value == "" else paise(value)


def _count(value: object) -> Units:
    return Units(0) if value is None or value == "" else units(value)


def _above_zero(value: Amount) -> Amount:
    if value <= 0:
        raise WireError(f"not above 0: {value}")
    return value
