"""Whether this computer's clock was set, or the process slept: then nothing heard is of now.

Readings of the computer itself are compared, not those of a market clock that may be faster.
"""

from dataclasses import dataclass

from domain.units import SECOND, Micros, seconds

APART = seconds(2)
"""The wall clock and the steady one may drift so far between two looks."""

ASLEEP = seconds(5)
"""A loop that looks several times a second was stopped if it was away for so long."""


@dataclass(frozen=True, slots=True)
class Jump:
    """What happened since the last look at the clock, which was at `since` of market time.

    After a clock was set back `since` lies in the future.
    """

    since: Micros
    reason: str


class Clockwork:
    """Compares two clocks between looks. Mutable, owned by the main loop."""

    def __init__(self) -> None:
        self._seen: tuple[Micros, Micros, Micros] | None = None

    def look(self, wall: Micros, steady: Micros, now: Micros) -> Jump | None:
        """Return what happened since the last look, None if time just went by.

        `now` is market time; all three are read at one moment.
        """
        seen, self._seen = self._seen, (wall, steady, now)
        if seen is None:
            return None
        walked, lived, since = wall - seen[0], steady - seen[1], seen[2]
        if abs(walked - lived) > APART:
            return Jump(since, f"the clock jumped by {(walked - lived) / SECOND:.1f} s")
        if lived > ASLEEP:
            return Jump(since, f"the process slept for {lived / SECOND:.1f} s")
        return None
