"""Reads a tape of one-minute bars and refuses what cannot be true.

Columns: ts symbol open high low close volume, optionally oi; prices in rupees, `ts` the start of
the minute, with a zone or in Asia/Kolkata.
"""

from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import polars as pl

from domain import clock
from domain.errors import ConfigError
from domain.session import IST, trading_day
from domain.units import MINUTE, Micros, Paise, Symbol, Units
from sandbox.market.pricing import TICK
from sandbox.market.recorded import Tape, TapeBar

COLUMNS = ("ts", "symbol", "open", "high", "low", "close", "volume")
PRICES = ("open", "high", "low", "close")
LIMIT = 10**12


def read(file: Path, frame: pl.DataFrame) -> Tape:
    """Read the bars of one day; `frame` has all of COLUMNS.

    Raises ConfigError naming the file and the remedy, and for a bad bar its row, counted from 1,
    and the reason.
    """
    bars: dict[Symbol, dict[Micros, TapeBar]] = {}
    for number, row in enumerate(frame.iter_rows(named=True), 1):
        symbol, bar = _bar(file, number, row)
        minutes = bars.setdefault(symbol, {})
        if bar.minute in minutes:
            raise _bad(file, number, f"{symbol} has this minute twice")
        minutes[bar.minute] = bar
    if not bars:
        raise ConfigError(f"sandbox.tape.file: {file}: holds no bars; name a recorded day")
    days = {trading_day(minute) for minutes in bars.values() for minute in minutes}
    if len(days) != 1:
        raise ConfigError(
            f"sandbox.tape.file: {file}: holds {len(days)} days; a tape is one day, cut it"
        )
    ordered = {s: tuple(minutes[m] for m in sorted(minutes)) for s, minutes in bars.items()}
    return Tape(day=days.pop(), bars=ordered)


def _bar(file: Path, number: int, row: dict[str, Any]) -> tuple[Symbol, TapeBar]:
    symbol = row["symbol"]
    if not isinstance(symbol, str) or not symbol:
        raise _bad(file, number, f"symbol {symbol!r} is no name")
    opened, high, low, close = (_paise(file, number, name, row[name]) for name in PRICES)
    if not low <= min(opened, close) <= max(opened, close) <= high:
        raise _bad(file, number, f"{symbol}: open and close do not lie between low and high")
    bar = TapeBar(
        minute=_minute(file, number, row["ts"]),
        open=opened,
        high=high,
        low=low,
        close=close,
        volume=_units(file, number, "volume", row["volume"]),
        oi=_units(file, number, "oi", row.get("oi") or 0),
    )
    return Symbol(symbol), bar


def _paise(file: Path, number: int, name: str, value: object) -> Paise:
    rupees = _finite(value)
    if rupees is None or rupees <= 0:
        raise _bad(file, number, f"{name} {value!r} is no price above 0")
    paise = rupees * 100
    if paise % TICK:
        raise _bad(file, number, f"{name} {value} is not a multiple of tick size 0.05")
    return Paise(int(paise))


def _units(file: Path, number: int, name: str, value: object) -> Units:
    units = _finite(value)
    if units is None or units < 0 or units % 1:
        raise _bad(file, number, f"{name} {value!r} is no whole number from 0 up")
    return Units(int(units))


def _finite(value: object) -> Decimal | None:
    """Return a number a day can hold; in a text file with one bad value all of them are texts."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number) < LIMIT else None


def _minute(file: Path, number: int, value: object) -> Micros:
    try:
        stamp = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        raise _bad(file, number, f"ts {value!r} is no instant") from None
    if stamp.tzinfo is None:
        stamp = stamp.replace(tzinfo=IST)
    at = clock.micros(stamp)
    if at % MINUTE:
        raise _bad(file, number, f"ts {value} is not the start of a minute")
    return at


def _bad(file: Path, number: int, reason: str) -> ConfigError:
    return ConfigError(f"sandbox.tape.file: {file}: row {number}: {reason}")
