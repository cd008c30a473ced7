"""How a source that was left is returned to, and when enough was switched for one day.

One bad window is enough to leave a source; coming back takes ticks without a hole, longer after
each flap, and a budget of switches an hour. A series of flaps is over after an hour without one.
"""

import msgspec

from domain.canaries import HOLE
from domain.params import FeedParams
from domain.signs import RestVerdict, Sign
from domain.units import Micros, seconds

HOUR = seconds(3600)

RETURN_AND_FALL = 2
"""Who returns to a stream must be able to leave it again within the hour's budget."""

DEAD = frozenset({RestVerdict.STALE, RestVerdict.UNUSABLE})


class Flaps(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The switches of the last hour, and how often a stream was left in the running series.

    `is_pinned`: REST is kept until the day ends, as long as it lives.
    """

    switches: tuple[Micros, ...] = ()
    falls: int = 0
    is_pinned: bool = False

    def switched(self, at: Micros, *, is_fall: bool) -> "Flaps":
        """Return the flaps after a switch; `is_fall`: a silent stream was left."""
        recent = _recent(self, at)
        falls = (self.falls if recent else 0) + is_fall
        return Flaps(switches=(*recent, at), falls=falls, is_pinned=self.is_pinned)

    def has_budget(self, at: Micros, params: FeedParams) -> bool:
        """Whether a stream may be taken: that switch and the next fall fit into the hour."""
        used = len(_recent(self, at)) + RETURN_AND_FALL
        return not self.is_pinned and used <= params.max_switches_per_h

    def dwell(self, at: Micros, params: FeedParams) -> Micros:
        """Return for how long a stream has to tick before it is returned to: 30, 60, 120 s..."""
        falls = self.falls if _recent(self, at) else 0
        doubled = params.return_s << max(0, falls - 1)
        return seconds(max(params.return_s, min(doubled, params.dwell_max_s)))


def _recent(flaps: Flaps, at: Micros) -> tuple[Micros, ...]:
    return tuple(switch for switch in flaps.switches if at - switch < HOUR)


def is_ticking(sign: Sign, at: Micros) -> bool:
    """Whether a stream is subscribed and its canaries tick now."""
    return sign.is_ready and sign.canary_at is not None and at - sign.canary_at <= HOLE


def is_steady(sign: Sign, at: Micros, dwell: Micros) -> bool:
    """Whether a stream has ticked without a hole for a time, and does so still."""
    return is_ticking(sign, at) and sign.since is not None and at - sign.since >= dwell


def agrees(sign: Sign, rest: RestVerdict) -> bool:
    """Whether a stream's index stands where polled prices have it; dead ones have no say."""
    return sign.agrees or rest in DEAD
