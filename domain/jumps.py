"""Whether this computer's clock was set, or the process slept: then nothing heard is of now.

Readings of the computer itself are compared, not those of a market clock that may be faster.
"""

from domain.units import SECOND, Micros, seconds

APART = seconds(2)
"""The wall clock and the steady one may drift so far between two looks."""

ASLEEP = seconds(5)
"""A loop that looks several times a second was stopped if it was away for so long."""


class Clockwork:
    """Compares two clocks between looks. Mutable, owned by the main loop."""

    def __init__(self) -> None:
        self._seen: tuple[Micros, Micros] | None = None

    def look(self, wall: Micros, steady: Micros) -> str:
        """Return what happened since the last look, '' if time just went by."""
        seen, self._seen = self._seen, (wall, steady)
        if seen is None:
            return ""
        walked, lived = wall - seen[0], steady - seen[1]
        if abs(walked - lived) > APART:
            return f"the clock jumped by {(walked - lived) / SECOND:.1f} s"
        return f"the process slept for {lived / SECOND:.1f} s" if lived > ASLEEP else ""
