"""How often may be asked: a bucket of tokens that fills with the time of this machine."""

from domain import clock
from domain.units import SECOND


class Pace:
    """`per_s` requests a second, twice as many at once. Mutable, owned by the page's loop."""

    def __init__(self, per_s: int) -> None:
        self._per_s = per_s
        self._most = 2.0 * per_s
        self._left = self._most
        self._at = clock.steady()

    def take(self) -> bool:
        """Take one, if there is one."""
        now = clock.steady()
        self._left = min(self._most, self._left + (now - self._at) / SECOND * self._per_s)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
