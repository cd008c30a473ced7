"""The line of the minute, and the alert when too many symbols stay mute."""

from collections.abc import Sequence

import msgspec

from domain.market import Source
from domain.units import Symbol, divide_half_up

HEARTBEATS = 2
"""So many in a row below the limit make an alert."""

NAMED = 10
"""So many mute symbols are named; the others are counted."""


def coverage(seen: int, subscribed: int) -> str:
    """Return seen of subscribed in percent, one decimal, half up; 100.0 only if all were seen."""
    if not subscribed:
        return "0.0"
    tenths = divide_half_up(1000 * seen, subscribed)
    if seen < subscribed:
        tenths = min(tenths, 999)
    return f"{tenths // 10}.{tenths % 10}"


def heartbeat(positions: int, seen: int, subscribed: int, stale: int, source: Source) -> str:
    """Return the line of the minute; `seen`, `subscribed` and `stale` count options only."""
    return (
        f"Positions: {positions} | Data: {seen}/{subscribed}"
        f" | Coverage: {coverage(seen, subscribed)}% | Stale: {stale} | Source: {source.tag}"
    )


class Coverage(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How many heartbeats in a row it was too low, and whether that was told."""

    low: int = 0
    is_alerted: bool = False

    def beat(
        self, mute: Sequence[Symbol], subscribed: int, warn_pct: int
    ) -> tuple["Coverage", str]:
        """Take a heartbeat of a live feed; return what is to be told now, '' for nothing.

        Coverage never gates trading: far strikes are quiet by nature.
        """
        seen = subscribed - len(mute)
        if 100 * seen >= warn_pct * subscribed:
            text = f"coverage is {coverage(seen, subscribed)}% again" if self.is_alerted else ""
            return Coverage(), text
        low = self.low + 1
        if low < HEARTBEATS or self.is_alerted:
            return Coverage(low=low, is_alerted=self.is_alerted), ""
        names = " ".join(mute[:NAMED])
        more = f" and {len(mute) - NAMED} more" if len(mute) > NAMED else ""
        text = f"coverage is {coverage(seen, subscribed)}%, mute: {names}{more}"
        return Coverage(low=low, is_alerted=True), text
