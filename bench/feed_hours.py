"""The memory of bench/feed.py: the cast under the pump, in virtual time, without a socket.

    python -m bench.feed_hours SYMBOLS HOURS

One tick a second and symbol. Prints one JSON line after each hour.
"""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from actors.delivery import Delivery
from actors.post_office import Post
from actors.pump import Pump, PumpStage
from bench.feed_market import INDEX, SPOT, Crier, chain
from bench.feed_stand import Ear, Half, a_plan, a_system
from domain import clock
from domain.calls import (
    StreamChange,
    StreamState,
)
from domain.market import Pair, Source, Tick
from domain.units import SECOND, Micros, Paise, Symbol, Units
from messages.control import Pulse
from messages.market import TicksArrived
from research.timeline import Timeline


class _Still:
    """A stream that is always ready; its ticks are told by hand."""

    def __init__(self, post: Post) -> None:
        self._post = Delivery(post)
        self.epoch = 0

    def connect(self, epoch: int, symbols: tuple[Pair, ...]) -> None:
        """Be ready at once."""
        self.epoch = epoch
        change = StreamChange(
            source=Source.PRIMARY,
            epoch=epoch,
            state=StreamState.READY,
            at=clock.now(),
            subscribed=len(symbols),
        )
        self._post.changed(change)

    def subscribe(self, symbols: tuple[Pair, ...]) -> None:
        """Take more."""

    def resubscribe(self, symbols: tuple[Pair, ...]) -> None:
        """Take them again."""

    def close(self) -> None:
        """End."""


def hours(count: int) -> Iterator[dict[str, Any]]:
    """Play `count` hours of one tick a second and symbol; yield the memory after each."""
    plan = a_plan("23:59")
    timeline = Timeline(Micros(plan.open - 60 * SECOND))
    clock.use(timeline)
    pump, ear = Pump(), Ear()
    stream = _Still(pump)
    day_chain = chain(SYMBOLS)
    _, recovered = a_system(
        pump, Half(PumpStage(pump), pump, ear), {Source.PRIMARY: stream}, plan, day_chain, 1
    )
    pump.run()
    pump.tell("feed", recovered)
    pump.run()
    crier = Crier(tuple(each.symbol for each in day_chain.contracts))
    for second in range(count * 3600):
        at = Micros(plan.open + second * SECOND)
        timeline.move(at)
        ticks = (_index(at, stream.epoch, second), *_options(crier, at, stream.epoch))
        pump.tell("feed", TicksArrived(ticks=ticks))
        pulse = Pulse(at=at)
        for address in ("feed", "watchdog", "strategy"):
            pump.tell(address, pulse)
        if second % 60 in {0, 2}:
            pump.tell_all("bar:", pulse)
        pump.run()
        ear.told.clear()
        if (second + 1) % 3600 == 0:
            bars = sum(map(len, ear.bars.values()))
            ear.bars = {symbol: [] for symbol in ear.bars}
            yield {"hour": (second + 1) // 3600, "rss_kb": _resident_kb(), "bars": bars}


def _index(at: Micros, epoch: int, seq: int) -> Tick:
    return _tick(INDEX, "NSE_INDEX", Paise(SPOT + seq % 40 * 5), None, (at, epoch, seq))


def _options(crier: Crier, at: Micros, epoch: int) -> Iterator[Tick]:
    for _ in crier.symbols:
        symbol, price, volume = crier.next()
        yield _tick(symbol, "NFO", price, volume, (at, epoch, crier.said))


def _tick(
    symbol: Symbol,
    exchange: str,
    price: Paise,
    volume: Units | None,
    stamp: tuple[Micros, int, int],
) -> Tick:
    at, epoch, seq = stamp
    return Tick(
        symbol=symbol,
        exchange=exchange,
        source=Source.PRIMARY,
        epoch=epoch,
        seq=seq,
        recv_at=at,
        exch_at=at,
        ltp=price,
        low=price,
        high=price,
        cum_volume=volume,
    )


def _resident_kb() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


if __name__ == "__main__":
    SYMBOLS = int(sys.argv[1])
    for line in hours(int(sys.argv[2])):
        print(json.dumps(line), flush=True)
