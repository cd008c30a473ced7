"""Stretches of time in which prices were missing or only polled."""

from domain.units import MINUTE, Micros


class Spans:
    """Half-open stretches `[since, until)`; at most one of them still lasts."""

    def __init__(self) -> None:
        self._over: list[tuple[Micros, Micros]] = []
        self._lasting: Micros | None = None

    def mark(self, since: Micros, until: Micros | None) -> None:
        """Say that a stretch began (`until` None) or is over; a lasting one joins what ends it."""
        if self._lasting is not None:
            since = min(since, self._lasting)
        self._lasting = since if until is None else None
        if until is not None:
            self.add(since, until)

    def add(self, since: Micros, until: Micros) -> None:
        """Add a stretch that is over; one that lasts goes on."""
        if since < until:
            self._over.append((since, until))

    def touch(self, minute: Micros) -> bool:
        """Whether any stretch overlaps a minute."""
        end = minute + MINUTE
        if self._lasting is not None and self._lasting < end:
            return True
        return any(since < end and minute < until for since, until in self._over)
