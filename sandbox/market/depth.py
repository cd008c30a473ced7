"""Five displayed levels a side, drawn from one integer so that a quote stays small.

`sandbox.md` 4: the source supplies five levels per symbol. Level n stands n ticks behind the touch;
sizes are whole lots, one byte of `shape` each, and grow away from the touch.
"""

from domain.units import Paise, Units
from sandbox.kinds import Level

TICK = 5
LEVELS = 5


def bids(bid: Paise, shape: int, lot: int) -> tuple[Level, ...]:
    """Return the bid side, best first; empty if there is no bid."""
    if bid <= 0:
        return ()
    steps = range(min(LEVELS, (bid - TICK) // TICK + 1))
    return tuple(Level(Paise(bid - TICK * n), size(shape, n, lot), n + 1) for n in steps)


def asks(ask: Paise, shape: int, lot: int) -> tuple[Level, ...]:
    """Return the ask side, best first; empty if there is no ask."""
    if ask <= 0:
        return ()
    return tuple(
        Level(Paise(ask + TICK * n), size(shape, n + LEVELS, lot), n + 1) for n in range(LEVELS)
    )


def size(shape: int, place: int, lot: int) -> Units:
    """Return the units displayed at one of the ten places, 0-4 bids and 5-9 asks, best first."""
    lots = 1 + (shape >> (place * 6) & 63) // 4 + place % LEVELS
    return Units(lots * lot)
