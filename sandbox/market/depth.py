"""Five displayed levels a side, drawn from one integer so that a quote stays small.

`sandbox.md` 4: the source supplies five levels per symbol. Level n stands n ticks behind the touch;
sizes are whole lots, six bits of `shape` each, and grow away from the touch.
"""

from domain.units import Paise, Units
from sandbox.kinds import Level, PriceOut, Shown

LEVELS = 5


def shown(out: PriceOut) -> Shown:
    """Return what an update displays on both sides; an empty side has no levels."""
    if out.shown is not None:
        return out.shown
    return Shown(_bids(out), _asks(out))


def totals(out: PriceOut) -> tuple[Units, Units]:
    """Return the units displayed on both sides, without building levels nobody looks at."""
    if out.shown is not None:
        sides = out.shown.bids, out.shown.asks
        return Units(sum(x.quantity for x in sides[0])), Units(sum(x.quantity for x in sides[1]))
    levels = min(LEVELS, out.bid // out.tick)
    bought = _lots(out.shape, levels) if levels else 0
    sold = _lots(out.shape >> 6 * LEVELS, LEVELS) if out.ask else 0
    return Units(bought * out.lot), Units(sold * out.lot)


def _lots(shape: int, levels: int) -> int:
    """Return the sum of what `_size` says of the first places, in lots."""
    kept = shape & (1 << 6 * levels) - 1
    drawn = (kept >> 2 & 15) + (kept >> 8 & 15) + (kept >> 14 & 15)
    return levels + drawn + (kept >> 20 & 15) + (kept >> 26 & 15) + levels * (levels - 1) // 2


def _bids(out: PriceOut) -> tuple[Level, ...]:
    bid, tick, shape, lot = out.bid, out.tick, out.shape, out.lot
    steps = range(min(LEVELS, bid // tick))
    return tuple(Level(Paise(bid - tick * n), _size(shape, n, lot), n + 1) for n in steps)


def _asks(out: PriceOut) -> tuple[Level, ...]:
    ask, tick, shape, lot = out.ask, out.tick, out.shape, out.lot
    steps = range(LEVELS if ask else 0)
    return tuple(Level(Paise(ask + tick * n), _size(shape, n + LEVELS, lot), n + 1) for n in steps)


def _size(shape: int, place: int, lot: int) -> Units:
    lots = 1 + (shape >> (place * 6) & 63) // 4 + place % LEVELS
    return Units(lots * lot)
