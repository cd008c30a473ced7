"""Books in which a short is hard to buy back: gaps, thin and wide books, empty ask sides.

A scenario is one option's ticks, drawn from its number. Until `BEGIN + CALM` all is quiet, and a
short is sold; then something happens, and the short is to be left.
"""

import random
from dataclasses import dataclass
from enum import StrEnum

from domain.session import instant
from domain.units import SECOND, Day, Micros, Paise, Symbol, ceil_tick
from sandbox.market.ticks import Ticks, TickTape

DAY = Day("2026-11-19")
INDEX = Symbol("NIFTY")
OPTION = Symbol("NIFTY23NOV2626000CE")
BEGIN = instant(DAY, "10:00")
LEAD = 40 * SECOND
CALM = 20 * SECOND
LENGTH = 200 * SECOND
TICK = 5
LOT = 65
SPOT = 2_600_000
LEAPS = (800, 1500, 3000, 6000)


class Kind(StrEnum):
    """What makes it hard."""

    GAP = "gap"
    RUN = "run"
    THIN = "thin"
    THIN_RUN = "thin, runs"
    EMPTY = "no asks"
    GAP_EMPTY = "no asks, gap"


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """One drawn scenario: price in paise, a leap and a drift a tick in basis points.

    `leap_after_s` and `empty_s` count from the instant at which the short is to be left.
    """

    number: int
    kind: Kind
    price: int
    lots: int
    leap_bps: int
    leap_after_s: float
    drift_bps: float
    empty_s: float
    is_thin: bool

    @property
    def leaves_at(self) -> Micros:
        """When the short is to be left."""
        return Micros(BEGIN + CALM)

    @property
    def ends_at(self) -> Micros:
        """How far the prices go."""
        return Micros(BEGIN + LENGTH)


def draw(number: int) -> Book:
    """Draw a scenario from its number; kinds take turns."""
    chance = random.Random(f"book {number}")  # noqa: S311 - repeats
    kind = list(Kind)[number % len(Kind)]
    empty_s = chance.uniform(2, 30) if kind in {Kind.EMPTY, Kind.GAP_EMPTY} else 0
    runs = kind in {Kind.RUN, Kind.THIN_RUN}
    return Book(
        number=number,
        kind=kind,
        price=chance.choice((chance.randint(1000, 5000), chance.randint(5000, 30_000))),
        lots=chance.choice((1, 2, 5, 10)),
        leap_bps=chance.choice(LEAPS) if kind in {Kind.GAP, Kind.GAP_EMPTY} else 0,
        leap_after_s=chance.uniform(0, empty_s),
        drift_bps=chance.choice((20, 50, 100)) if runs else chance.choice((0, 5, 10)),
        empty_s=empty_s,
        is_thin=kind in {Kind.THIN, Kind.THIN_RUN},
    )


def tape(book: Book) -> TickTape:
    """Return the ticks of a scenario."""
    index = Ticks()
    index.add(Micros(BEGIN - LEAD), (SPOT, 0))
    index.add(book.ends_at, (SPOT + TICK, 0))
    return TickTape(day=DAY, lines={INDEX: index, OPTION: _option(book)}, made_up=False)


def _option(book: Book) -> Ticks:
    chance = random.Random(f"ticks {book.number}")  # noqa: S311 - repeats
    ticks, price, volume = Ticks(), float(book.price), LOT
    at, has_leapt = Micros(BEGIN - LEAD), False
    while at < book.ends_at:
        is_calm = at < book.leaves_at
        if at >= book.leaves_at + book.leap_after_s * SECOND and not has_leapt:
            price, has_leapt = price * (1 + book.leap_bps / 10_000), True
        move = chance.gauss(0 if is_calm else book.drift_bps, 15)
        price = max(500.0, price * (1 + move / 10_000))
        volume += LOT * chance.choice((0, 1, 2, 5))
        last = round(price / TICK) * TICK
        ticks.add(at, (last, volume), _quote(book, chance, last, at))
        gap_s = 0.5 if is_calm else min(chance.expovariate(1.5), 4)
        at = Micros(at + max(1000, int(gap_s * SECOND)))
    return ticks


def _quote(book: Book, chance: random.Random, last: int, at: Micros) -> tuple[int, int]:
    """Return bid and ask; a thin book is wide, and mostly shows nobody who sells."""
    half = max(TICK, last // 400 // TICK * TICK)
    if at < book.leaves_at:
        return max(TICK, last - half), last + half
    if at < book.leaves_at + book.empty_s * SECOND:
        return max(TICK, last - half), 0
    if book.is_thin:
        half = ceil_tick(last * chance.randint(100, 900) // 10_000, Paise(TICK))
        return max(TICK, last - half), last + half if chance.random() < 0.4 else 0
    return max(TICK, last - half), last + half
