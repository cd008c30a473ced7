"""The hours of a day as the market sees them."""

from dataclasses import dataclass

from domain.units import SECOND, Micros

Span = tuple[int, int]
"""Trading seconds: the first one, and the first one after."""


@dataclass(frozen=True, slots=True)
class Session:
    """A day at the market: epoch seconds of open and close, minute of day of the open."""

    open_s: int
    close_s: int
    open_minute: int

    @property
    def seconds(self) -> int:
        """How many seconds are traded."""
        return self.close_s - self.open_s

    @property
    def minutes(self) -> int:
        """How many minutes are traded, a last partial one included."""
        return -(-self.seconds // 60)

    def instants(self, span: Span) -> tuple[Micros, Micros]:
        """Return the first instant of some trading seconds, and the first one after."""
        begin, end = span
        return Micros((self.open_s + begin) * SECOND), Micros((self.open_s + end) * SECOND)

    def second(self, wall: str) -> int:
        """Return the trading second of a time of day, HH:MM or HH:MM:SS; before the open negative.

        The first second is 0.
        """
        hours, minutes, *seconds = map(int, wall.split(":"))
        return (hours * 60 + minutes - self.open_minute) * 60 + sum(seconds)
