"""What ends entries by itself: the day's realised loss, refusals in a row, words not understood.

Pure: everything is read from the ledger, which is folded from the journal, so a restart changes
nothing. A latch that is up is not raised again.
"""

from collections.abc import Iterator

import msgspec

from domain.blotter import Blotter
from domain.ledger import Ledger
from domain.params import DayParams, GateParams
from domain.units import MINUTE, Micros, seconds


class Trip(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A latch that is to go up, and why."""

    name: str
    reason: str


def trips(ledger: Ledger, day: DayParams, gate: GateParams, at: Micros) -> Iterator[Trip]:
    """Yield what has to be latched now.

    A realised loss ends the day by confirmed trades alone, so a dead strategy or a bad price
    changes nothing. Orders refused by broker or exchange count, whatever they were for.
    """
    result = sum(leg.gross for leg in ledger.legs.values())
    if day.loss_p and result <= -day.loss_p and "DAY_DONE" not in ledger.latches:
        yield Trip(name="DAY_DONE", reason="DAY_LOSS")
    recent = sum(when > at - MINUTE for when in ledger.rejects)
    if recent >= gate.rejects_per_minute and "REJECTS" not in ledger.latches:
        yield Trip(name="REJECTS", reason=f"{recent} orders were refused within a minute")
    if ledger.malformed and "SCHEMA" not in ledger.latches:
        yield Trip(name="SCHEMA", reason=f"our bug: {ledger.malformed}")


class SkewWatch:
    """Warns of a server whose clock drifts away, once until it is right again."""

    def __init__(self, blotter: Blotter, params: GateParams) -> None:
        self._blotter = blotter
        self._params = params
        self._is_warned = False

    def saw(self, skew: Micros, at: Micros) -> None:
        """Take the server's clock minus ours."""
        is_off = abs(skew) > seconds(self._params.skew_warn_s)
        if is_off and not self._is_warned:
            text = f"the server's clock is {skew / 1_000_000:+.1f} s from ours"
            self._blotter.find("CLOCK_SKEW", "server", text, at)
        self._is_warned = is_off
