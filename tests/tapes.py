"""Small recorded days, written by hand: an index, eight options, and the trades a test wants.

A `Leg` is one option that makes a swing low at 144.00 and a stop of 153.00; from `ready` on its
entry rests at 143.95/140.95. At `breaks` it falls through and is sold, at about 143.90, 650 units.
All other options stand still below the prices that are traded. Prices are rupees here, as on a
tape; minutes are numbers of bars counted from 09:15.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from domain.market import minute_of
from domain.session import instant, local
from domain.units import MINUTE, Day, Micros, Paise, Symbol, Units
from sandbox.market.recorded import Tape, TapeBar

DAY = Day("2026-11-19")
MINUTES = 385
"""Bars of a whole day, 09:15 to 15:39."""

INDEX = Symbol("NIFTY")
CALL = Symbol("NIFTY23NOV2626000CE")
PUT = Symbol("NIFTY23NOV2626000PE")
OTHERS = tuple(
    Symbol(f"NIFTY23NOV26{strike}{side}")
    for strike in (25900, 25950, 26050)
    for side in ("CE", "PE")
)
UNITS = 650
"""What one R buys with a stop 9 points away: the most lots allowed."""

COLUMNS = ("ts", "symbol", "open", "high", "low", "close", "volume")
VOLUME = 65 * 40

Ohlc = tuple[float, float, float, float]

QUIET: Ohlc = (125, 125, 125, 125)
SHAPE: tuple[Ohlc, ...] = (
    (125, 140, 125, 140),
    (148, 155, 148, 154),
    (154, 154, 146, 147),
    (147, 148, 144, 145),
    (145, 150, 144.5, 149),
    (149, 152, 148, 151),
)
"""Up from 125, a high at 155, the low at 144, and two bars that confirm it."""

RESTS: Ohlc = (150, 151, 149, 150)
BREAKS: Ohlc = (150, 150, 142, 143)
SOLD: Ohlc = (143, 144, 142, 143)
STOPS: Ohlc = (143, 156, 143, 155)
"""Through the stop of 153, and on."""

STOPPED: Ohlc = (155, 156, 154, 155)


def bar_at(wall: str) -> int:
    """The number of the bar that begins at a wall time."""
    return (instant(DAY, wall) - instant(DAY, "09:15")) // MINUTE


@dataclass(frozen=True, kw_only=True)
class Leg:
    """One option's day. `ready`: its swing is confirmed by then; None: that never happens.

    `shift_us` lets the bar of `stops` begin that many microseconds after its minute.
    """

    symbol: Symbol = CALL
    ready: str = "09:50"
    breaks: str | None = "09:52"
    stops: str | None = None
    shift_us: int = 0
    bars: dict[str, Ohlc] = field(default_factory=dict)

    def ohlc(self, number: int) -> Ohlc:
        """The bar with this number."""
        for wall, bar in self.bars.items():
            if number == bar_at(wall):
                return bar
        if self.stops is not None and number >= bar_at(self.stops):
            return STOPS if number == bar_at(self.stops) else STOPPED
        if self.breaks is not None and number >= bar_at(self.breaks):
            return BREAKS if number == bar_at(self.breaks) else SOLD
        first = bar_at(self.ready) - len(SHAPE)
        if number < first:
            return QUIET
        return SHAPE[number - first] if number < first + len(SHAPE) else RESTS

    def begins(self, number: int) -> Micros:
        """When the bar with this number begins."""
        start = instant(DAY, "09:15") + number * MINUTE
        shifted = self.stops is not None and number == bar_at(self.stops)
        return Micros(start + self.shift_us * shifted)


def a_tape(*legs: Leg, since: str = "09:15") -> Tape:
    """The day as the exchange plays it; before `since` nothing traded."""
    bars: dict[Symbol, tuple[TapeBar, ...]] = {}
    for symbol, line in _lines(legs, since):
        bars[symbol] = tuple(_tape_bar(at, ohlc, symbol) for at, ohlc in line)
    return Tape(day=DAY, bars=bars)


def write(path: Path, *legs: Leg, since: str = "09:15") -> Path:
    """Write the day as .csv or .parquet and return the path."""
    rows = [
        (local(minute_of(at)), symbol, *ohlc, _volume(symbol))
        for symbol, line in _lines(legs, since)
        for at, ohlc in line
    ]
    if path.suffix == ".csv":
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            writer.writerows((at.isoformat(), *rest) for at, *rest in rows)
    else:
        columns: dict[str, list[Any]] = {
            name: [row[place] for row in rows] for place, name in enumerate(COLUMNS)
        }
        prices = {name: [float(x) for x in columns[name]] for name in COLUMNS[2:6]}
        pl.DataFrame(columns | prices).write_parquet(path)
    return path


def _lines(legs: tuple[Leg, ...], since: str) -> Iterator[tuple[Symbol, list[tuple[Micros, Ohlc]]]]:
    moving = {leg.symbol: leg for leg in legs}
    start = instant(DAY, "09:15")
    numbers = range(bar_at(since), MINUTES)
    yield INDEX, [(Micros(start + n * MINUTE), _index(n)) for n in numbers]
    for symbol in (CALL, PUT, *OTHERS):
        leg = moving.get(symbol)
        if leg is None:
            yield symbol, [(Micros(start + n * MINUTE), (60, 60, 60, 60)) for n in numbers]
        else:
            yield symbol, [(leg.begins(n), leg.ohlc(n)) for n in numbers]


def _index(number: int) -> Ohlc:
    """Wander a little around 26,000: the index is never still."""
    first, last = 26_000 + number % 7, 26_000 + (number + 1) % 7
    return (first, max(first, last) + 2, min(first, last) - 2, last)


def _tape_bar(at: Micros, ohlc: Ohlc, symbol: Symbol) -> TapeBar:
    first, high, low, last = (Paise(round(price * 100)) for price in ohlc)
    return TapeBar(minute=at, open=first, high=high, low=low, close=last, volume=_volume(symbol))


def _volume(symbol: Symbol) -> Units:
    return Units(0 if symbol == INDEX else VOLUME)
