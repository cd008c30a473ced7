"""How far a long load is, told every few seconds while it moves, and when it is done."""

from domain.units import Micros, seconds

EVERY = seconds(5)


class Progress:
    """Says when there is something to say of a load, and what."""

    def __init__(self) -> None:
        self.is_done = False
        self._next = Micros(0)
        self._told = -1

    def line(self, done: int, total: int, at: Micros) -> str:
        """Return the line that is due at market time `at`, or ''."""
        if done == total:
            self.is_done = True
            return f"history complete symbols={total}"
        if at < self._next or done == self._told:
            return ""
        self._told = done
        self._next = Micros(at + EVERY)
        return f"history {done}/{total} symbols loaded"
