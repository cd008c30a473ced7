"""What bench/latency.py sends, and what it must cause: the same for every subject.

Options trade a little above `LEVEL`. Every so often one of them, each of `MARKED` in turn, falls
under it, lower each time: such a *mark* asks for one order, a SELL of that option at that price.
Frames are numbered in their volume; those before `COUNTED` only warm up.
"""

import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from domain import clock
from domain.clock import Anchor, AnchoredClock
from domain.market import Tick
from domain.units import Micros, Paise, Symbol

API_KEY = "bench"
INDEX = Symbol("NIFTY")
OPTIONS = 82
SPEED = 10
"""Market seconds in one of ours: an entry may go out once a market second and symbol."""

LEVEL = Paise(50_000)
MARKED = 20
COUNTED = 1_000_000
DEEPER = 1000
"""How far under the warm-up's marks those that count begin, in paise."""

TICK = 5
SWAY = 200
"""Over how many ticks the other prices move."""

Asked = tuple[str, int]
"""An order by its symbol and its price in paise; no two of a run are the same."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One price of one option."""

    symbol: Symbol
    ltp: Paise
    number: int

    @property
    def is_mark(self) -> bool:
        """Whether it asks for an order."""
        return self.ltp < LEVEL


def script(options: Sequence[Symbol], every: int, *, counted: bool) -> Iterator[Frame]:
    """Yield prices for ever, every `every`-th of them a mark."""
    start, top = (COUNTED, LEVEL - DEEPER) if counted else (0, LEVEL)
    number = 0
    while True:
        mark, since = divmod(number, every)
        if since < every - 1:
            up = number * 7 % SWAY
            yield Frame(options[number % OPTIONS], Paise(LEVEL + up * TICK), start + number)
        else:
            down = mark // MARKED + 1
            yield Frame(options[mark % MARKED], Paise(top - down * TICK), start + number)
        number += 1


def text(frame: Frame) -> str:
    """Return a frame as OpenAlgo sends it."""
    return _text(frame.symbol, "NFO", frame.ltp, {"volume": frame.number})


def index_text(spot: Paise) -> str:
    """Return a price of the index."""
    return _text(INDEX, "NSE_INDEX", spot, {})


def _text(symbol: str, exchange: str, ltp: int, more: dict[str, int]) -> str:
    data = {"ltp": ltp / 100, **more, "ltt": clock.now() // 1000}
    outer = {"type": "market_data", "symbol": symbol, "exchange": exchange, "mode": 2}
    return json.dumps(outer | {"data": data})


def tally(frames: Iterable[tuple[str, int, int]]) -> tuple[int, int]:
    """Return how many frames counted, by symbol, ltp and number, and a checksum of them."""
    count = crc = 0
    for symbol, ltp, number in frames:
        if number >= COUNTED:
            count += 1
            crc = zlib.crc32(f"{symbol} {ltp} {number}".encode(), crc)
    return count, crc


def tally_ticks(batches: Iterable[tuple[Tick, ...]]) -> tuple[int, int]:
    """Return the same of ticks as they were heard; an index has no volume and does not count."""
    return tally((t.symbol, t.ltp, t.cum_volume or 0) for batch in batches for t in batch)


def live_by(r0: int, v0: int) -> None:
    """Let market time be `v0` at the real instant `r0`, and run at SPEED. Every process alike."""
    clock.use(AnchoredClock(Anchor(r0=Micros(r0), v0=Micros(v0), speed=SPEED)))
