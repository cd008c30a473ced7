"""Several ticks of one symbol's minute told as few, for bars that lag: nothing a bar keeps is lost.

First price, lowest, highest and last price and the sum of the volume survive. A tick that carries
the extremes of others has lost its first price, so the tick that may open the bar stays in front.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from msgspec.structs import replace

from domain.market import Tick, minute_of
from domain.units import Paise, Units


def conflated(ticks: Sequence[Tick]) -> tuple[Tick, ...]:
    """Return ticks that make the same bars: at most three per symbol, minute and stretch.

    Takes ticks as FeedActor tells them, in the order of their arrival, volumes differenced. A
    stretch has one source and epoch, no gap flag, and ticks in the order of their keys; what does
    not fit into one is passed on as it is. Only `Bar.ticks` may differ: fewer ticks are counted.
    """
    return tuple(tick for stretch in _stretches(ticks) for tick in _told(stretch))


def _stretches(ticks: Sequence[Tick]) -> Iterator[list[Tick]]:
    stretch: list[Tick] = []
    for tick in ticks:
        if stretch and not _follows(stretch[-1], tick):
            yield stretch
            stretch = []
        stretch.append(tick)
    if stretch:
        yield stretch


def _follows(before: Tick, tick: Tick) -> bool:
    """Whether a tick of the same stretch comes after the one before it, and both are whole."""
    if before.gap or tick.gap or _place(before) != _place(tick):
        return False
    is_later = (tick.exch_at or 0) >= (before.exch_at or 0)
    return is_later and (tick.cum_volume or 0) >= (before.cum_volume or 0)


def _place(tick: Tick) -> tuple[object, ...]:
    at = tick.recv_at if tick.exch_at is None else tick.exch_at
    kind = (tick.exch_at is None, tick.cum_volume is None)
    return (tick.symbol, tick.source, tick.epoch, minute_of(at), *kind)


def _told(stretch: Sequence[Tick]) -> tuple[Tick, ...]:
    """Return the tick that may open the bar, the first that surely counts, and all others as one.

    Whether the first is an echo depends on what came before it, which is not known here.
    """
    counts = [bool(stretch[0].volume) or not _is_flat(stretch[0], stretch[0].ltp)]
    counts += [bool(b.volume) or not _is_flat(b, a.ltp) for a, b in pairwise(stretch)]
    certain = counts.index(True) if True in counts else len(stretch) - 1
    ahead = (stretch[0], stretch[certain])[: 1 + (certain > 0)]
    rest = stretch[certain + 1 :]
    return (*ahead, _one(rest)) if rest else ahead


def _is_flat(tick: Tick, price: Paise) -> bool:
    return tick.low == tick.high == tick.ltp == price


def _one(ticks: Sequence[Tick]) -> Tick:
    return replace(
        ticks[-1],
        low=min(tick.low for tick in ticks),
        high=max(tick.high for tick in ticks),
        volume=Units(sum(tick.volume for tick in ticks)),
    )
