"""Five displayed levels a side, drawn from one integer so that a quote stays small.

`sandbox.md` 4: the source supplies five levels per symbol. Level n stands n ticks behind the touch;
sizes are whole lots, six bits of `shape` each, and grow away from the touch.
"""

from domain.units import Paise, Units
from sandbox.kinds import Level, PriceOut, Shown

TICK = 5
LEVELS = 5


def shown(out: PriceOut) -> Shown:
    """Return what an update displays on both sides; an empty side has no levels."""
    if out.shown is not None:
        return out.shown
    return Shown(_bids(out.bid, out.shape, out.lot), _asks(out.ask, out.shape, out.lot))


def _bids(bid: Paise, shape: int, lot: int) -> tuple[Level, ...]:
    steps = range(min(LEVELS, bid // TICK))
    return tuple(Level(Paise(bid - TICK * n), _size(shape, n, lot), n + 1) for n in steps)


def _asks(ask: Paise, shape: int, lot: int) -> tuple[Level, ...]:
    steps = range(LEVELS if ask else 0)
    return tuple(Level(Paise(ask + TICK * n), _size(shape, n + LEVELS, lot), n + 1) for n in steps)


def _size(shape: int, place: int, lot: int) -> Units:
    lots = 1 + (shape >> (place * 6) & 63) // 4 + place % LEVELS
    return Units(lots * lot)
