"""Sums over the lives of a counter that begins at 0 again with each life of its owner."""


class Total:
    """One such sum. Mutable, owned by who shows it."""

    def __init__(self) -> None:
        self._before = 0
        self._last = 0
        self._known: int | None = None

    def resume(self, known: int) -> None:
        """Go on from a sum shown by a predecessor, who alone knew how it was made up."""
        self._known = known

    def take(self, count: int) -> int:
        """Take what the counter says now; return the sum."""
        if self._known is not None:
            self._before, self._known = max(0, self._known - count), None
        elif count < self._last:
            self._before += self._last
        self._last = count
        return self._before + count
