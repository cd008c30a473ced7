"""A day on which something always happens: options that are sold and stopped out, over and over.

Each option goes round a cycle of ten minutes: it makes a swing low at 140.00, rests above it, falls
through and is sold in parts, and runs through its stop of 153.00. The options take turns, a minute
apart, so that at nearly every instant an entry rests, shorts are open and a stop is about to fill.
"""

from pathlib import Path

from tests import tapes
from tests.tapes import CALL, OTHERS, PUT, Leg, Ohlc, bar_at

LOW: Ohlc = (60, 60, 60, 60)
CYCLE: tuple[Ohlc, ...] = (
    (144, 144, 140, 141),
    (141, 146, 141, 145),
    (145, 150, 144, 149),
    (149, 152, 147, 148),
    (148, 148, 137, 141),
    (141, 141, 136, 137),
    (137, 157, 137, 156),
    (156, 158, 155, 157),
    (157, 157, 149, 150),
    (150, 150, 144, 144),
)
"""The low, two bars that confirm it, a rest that moves the stop, the break, the stop, and down."""

SYMBOLS = (CALL, PUT, *OTHERS)

CONFIG = """
day: {stop_r: -50, target_r: 50, loss_p: 0}
gate: {entries_day: 1000}
session: {entry_stop_min: 0}
history: {settle_s: 2, retry_s: 5}
strategies:
  - params:
      filter: {vwap_premium_bps: 0}
      entry: {side_cooldown_s: 0, limit_offset_p: 60}
      sizing: {max_lots: 10}
"""
"""Settings under which a day of nothing but losses goes on."""


class Churned(Leg):
    """An option that is cheap until 10:00 and then goes round its cycle."""

    def ohlc(self, number: int) -> Ohlc:
        """The bar with this number."""
        first = bar_at("10:00") + SYMBOLS.index(self.symbol)
        return LOW if number < first else CYCLE[(number - first) % len(CYCLE)]


def write(path: Path) -> Path:
    """Write the day and return the path."""
    return tapes.write(path, *(Churned(symbol=symbol) for symbol in SYMBOLS))
