"""Prices by REST: quotes, depth, history and which intervals the broker offers."""

from collections.abc import Callable
from itertools import groupby

from domain.session import instant, trading_day
from domain.units import MINUTE, Day, Micros, Units
from sandbox.api import requests as ask
from sandbox.api.answers import Body, Refused
from sandbox.api.desk import Desk, not_in_master
from sandbox.api.spelling import rupees, seconds
from sandbox.kinds import NFO, BarLine, InstrumentLine, Level, QuoteLine

Row = dict[str, object]

DAILY = "D"
# What the reference plug-in of the captured server offers; the rest of the schema's words is a 500.
MINUTES = {"1m": 1, "3m": 3, "5m": 5, "15m": 15, "30m": 30, "1h": 60}
LEVELS = 5


def quotes(desk: Desk, at: Micros, asked: ask.Instrument) -> Body:
    """Answer /quotes: no time in it, as on the real one."""
    found = desk.known(asked.symbol, asked.exchange)
    return {"data": quote_row(desk.prices.quote(at, found.symbol))}


def multi_quotes(desk: Desk, at: Micros, asked: ask.Several) -> Body:
    """Answer /multiquotes: the bad ones first; all bad is a 400 (seen)."""
    bad: list[Row] = []
    good: list[Row] = []
    for pair in asked.symbols:
        who: Row = {"symbol": pair.symbol, "exchange": pair.exchange}
        found = desk.exchange.instrument(pair.symbol, pair.exchange)
        if found is None:
            bad.append({**who, "error": not_in_master(pair.symbol, pair.exchange)})
        else:
            good.append({**who, "data": quote_row(desk.prices.quote(at, found.symbol))})
    if not good:
        raise Refused(400, str(bad[0]["error"]), {"invalid_symbols": bad})
    return {"results": bad + good}


def depth(desk: Desk, at: Micros, asked: ask.Instrument) -> Body:
    """Answer /depth: always five levels a side, zeros where there is none."""
    found = desk.known(asked.symbol, asked.exchange)
    line = desk.prices.depth(at, found.symbol)
    row = quote_row(line.quote)
    del row["bid"], row["ask"]
    more: Row = {
        "bids": _levels(line.bids),
        "asks": _levels(line.asks),
        "ltq": line.last_quantity,
        "totalbuyqty": sum(level.quantity for level in line.bids),
        "totalsellqty": sum(level.quantity for level in line.asks),
    }
    return {"data": row | more}


def history(desk: Desk, at: Micros, asked: ask.History) -> Body:
    """Answer /history: bars named by their start, the forming one included."""
    if asked.source == "db":
        raise Refused(
            404,
            f"No data found for {asked.symbol}:{asked.exchange} interval {asked.interval} in local "
            "database. Download data first using Historify.",
        )
    found = desk.known(asked.symbol, asked.exchange)
    if asked.interval not in MINUTES and asked.interval != DAILY:
        raise Refused(500, f"Unsupported timeframe: {asked.interval}")
    if asked.end_date < asked.start_date:
        return {"data": []}
    return {"data": [_bar_row(bar) for bar in _bars(desk, at, found, asked)]}


def intervals(desk: Desk, at: Micros, asked: ask.KeyOnly) -> Body:
    """Answer /intervals: what /history takes."""
    del desk, at, asked
    words = list(MINUTES)
    return {
        "data": {
            "seconds": [],
            "minutes": [word for word in words if word.endswith("m")],
            "hours": [word for word in words if word.endswith("h")],
            "days": [DAILY],
            "weeks": [],
            "months": [],
        }
    }


def quote_row(quote: QuoteLine) -> Row:
    """Return a quote as /quotes writes it."""
    return {
        "ltp": rupees(quote.ltp),
        "bid": _price_or_nothing(quote.bid),
        "ask": _price_or_nothing(quote.ask),
        "open": rupees(quote.open),
        "high": rupees(quote.high),
        "low": rupees(quote.low),
        "prev_close": rupees(quote.prev_close),
        "volume": quote.volume,
        "oi": quote.oi,
    }


def _price_or_nothing(price: int) -> float:
    return rupees(price) if price else 0


def _levels(levels: tuple[Level, ...]) -> list[Row]:
    shown: list[Row] = [{"price": rupees(x.price), "quantity": x.quantity} for x in levels]
    return shown + [{"price": 0, "quantity": 0}] * (LEVELS - len(shown))


def _bars(desk: Desk, at: Micros, found: InstrumentLine, asked: ask.History) -> list[BarLine]:
    days = (Day(asked.start_date), Day(asked.end_date))
    bars = desk.prices.history(at, found.symbol, *days)
    parts = groupby(bars, _starts(desk, asked.interval))
    return [_joined(start, tuple(part)) for start, part in parts]


def _starts(desk: Desk, interval: str) -> Callable[[BarLine], Micros]:
    """Return how a minute finds the bar it belongs to: from the opening on, or the whole day.

    A day is named by its midnight in UTC, because the official client shows that as the date.
    """
    if interval == DAILY:
        return lambda bar: instant(trading_day(bar.minute), "05:30")
    span = MINUTES[interval] * MINUTE
    hours = desk.exchange.timings(desk.exchange.day)
    opens = next((hour.start for hour in hours if hour.exchange == NFO), 0)
    return lambda bar: Micros((bar.minute - opens) // span * span + opens)


def _joined(start: Micros, part: tuple[BarLine, ...]) -> BarLine:
    return BarLine(
        minute=start,
        open=part[0].open,
        high=max(bar.high for bar in part),
        low=min(bar.low for bar in part),
        close=part[-1].close,
        volume=Units(sum(bar.volume for bar in part)),
        oi=part[-1].oi,
    )


def _bar_row(bar: BarLine) -> Row:
    return {
        "timestamp": seconds(bar.minute),
        "open": rupees(bar.open),
        "high": rupees(bar.high),
        "low": rupees(bar.low),
        "close": rupees(bar.close),
        "volume": bar.volume,
        "oi": bar.oi,
    }
