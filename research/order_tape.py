"""A few minutes of a few options, drawn: the market of the orders drill.

Prices walk in prints and quotes, drift down (entries trigger) and up (stops trigger), leap, stand
still, and lose a side of the book for a while. Drawn from one random stream per symbol.
"""

import random
from dataclasses import dataclass

from domain.session import instant
from domain.units import SECOND, Day, Micros, Paise, Symbol
from sandbox.market.ticks import Ticks, TickTape

DAY = Day("2026-11-19")
INDEX = Symbol("NIFTY")
OPTIONS = tuple(
    Symbol(f"NIFTY23NOV26{strike}{side}")
    for strike, side in ((26000, "CE"), (26000, "PE"), (26100, "CE"), (25900, "PE"))
)
OPENS = "09:20:00"
"""When a session begins; its prices are a little older."""

LEAD = 20 * SECOND
SPOT = Paise(2_600_000)
TICK = 5
LOT = 65
LEAST = 300
"""Below this an option does not fall: 3.00."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """How wild a session's prices are: chances a second, sizes in basis points.

    `until` is when leaps and empty sides end: what comes then is a two-sided market.
    """

    sigma_bp: float
    drift_bp: float
    leap: float
    empty: float
    tempo: float
    until: Micros


def begin() -> Micros:
    """Return when every session begins."""
    return instant(DAY, OPENS)


def draw_weather(draw: random.Random, until: Micros) -> Weather:
    """Draw how wild a session is: most are lively, some leap, some lose a side of the book."""
    return Weather(
        sigma_bp=draw.choice((15, 30, 60)),
        drift_bp=draw.choice((5, 10, 25)),
        leap=draw.choice((0, 0, 0.004, 0.015)),
        empty=draw.choice((0, 0, 0.01, 0.03)),
        tempo=draw.choice((0.6, 1.0, 1.6)),
        until=until,
    )


def tape(seed: str, symbols: tuple[Symbol, ...], weather: Weather, end: Micros) -> TickTape:
    """Return the ticks of a session up to `end`; `seed` names the stream."""
    lines: dict[Symbol, Ticks] = {INDEX: _index(end)}
    for symbol in symbols:
        lines[symbol] = _option(random.Random(f"{seed}:{symbol}"), weather, end)  # noqa: S311
    return TickTape(day=DAY, lines=lines, made_up=False)


def _index(end: Micros) -> Ticks:
    ticks = Ticks()
    ticks.add(Micros(begin() - LEAD), (SPOT, 0))
    ticks.add(end, (Paise(SPOT + TICK), 0))
    return ticks


def _option(draw: random.Random, weather: Weather, end: Micros) -> Ticks:
    """Walk one option. A trend holds for some seconds; its sign is drawn anew after that."""
    ticks = Ticks()
    price = float(draw.choice((draw.randint(800, 5000), draw.randint(5000, 30_000))))
    volume, at = LOT, Micros(begin() - LEAD)
    sign, turn, empty_until, side = -1, at, at, 0
    while at < end:
        if at >= turn:
            sign = draw.choice((-1, -1, 1, 1, 0))
            turn = Micros(at + draw.randint(8, 40) * SECOND)
        price = max(LEAST, price * (1 + _move(draw, weather, sign, at) / 10_000))
        if empty_until <= at < weather.until and draw.random() < weather.empty:
            empty_until, side = Micros(at + draw.randint(2, 15) * SECOND), draw.randrange(2)
        last = _on_tick(price)
        if draw.random() < 0.7:
            volume += LOT * draw.choice((1, 2, 5, 10, 20))
        bid, ask = _quote(draw, last)
        if at < empty_until:
            bid, ask = (0, ask) if side else (bid, 0)
        ticks.add(at, (last, volume), (bid, ask))
        gap = draw.expovariate(weather.tempo)
        at = Micros(at + max(1000, int(min(gap, 6.0) * SECOND)))
    return ticks


def _move(draw: random.Random, weather: Weather, sign: int, at: Micros) -> float:
    """Return the next move in basis points: mostly a step, sometimes a leap."""
    if at < weather.until and draw.random() < weather.leap:
        return draw.choice((-1500, 1200, 2500, 6000))
    return draw.gauss(sign * weather.drift_bp, weather.sigma_bp)


def _quote(draw: random.Random, last: Paise) -> tuple[int, int]:
    half = max(TICK, last // 400 // TICK * TICK) * draw.choice((1, 1, 1, 3))
    return max(TICK, last - half), last + half


def _on_tick(price: float) -> Paise:
    return Paise(max(LEAST, round(price / TICK) * TICK))
