"""Session VWAP as two integers, advanced only by closed bars."""

from domain.market import Bar


class SessionVwap:
    """Add up a symbol's day, bar by bar from the open."""

    def __init__(self) -> None:
        self._num = 0
        self._den = 0

    def after(self, bar: Bar) -> tuple[int, int]:
        """Count a bar in and return numerator and denominator in paise; the denominator is > 0.

        `sum((high + low + close) * volume) / (3 * sum(volume))`; before any volume, and so always
        for an index, the typical price of the bar.
        """
        typical = bar.high + bar.low + bar.close
        self._num += typical * bar.volume
        self._den += 3 * bar.volume
        return (self._num, self._den) if self._den else (typical, 3)
