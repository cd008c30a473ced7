"""How often the broker's books should be read now, and why (`execution.md` 7.2)."""

from dataclasses import dataclass

from domain.ledger import Ledger
from domain.orders import Pending, Purpose, State
from domain.params import ReconcileParams
from domain.positions import Phase
from domain.units import Micros, seconds

DOUBTS = 3
"""How many reads in a row that were not believed are soon followed by another: books lag.

Beside a short each one is: whether its stop was met is seen by a read that can be believed.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Urge:
    """What asks for a look besides the orders themselves.

    `doubts` counts the reads in a row that were not believed; `is_bare`: a short is uncovered.
    """

    is_waiting: bool
    is_bare: bool
    wants_proof: bool
    doubts: int


def attention(ledger: Ledger, urge: Urge, pace: ReconcileParams) -> tuple[Micros, str]:
    """Return the time between two reads, and why it is that."""
    hurry = _hurry(ledger, urge)
    if hurry:
        return seconds(pace.fast_s), hurry
    if any(ledger.live(Purpose.ENTRY)):
        return seconds(pace.resting_s), "entry rests"
    if any(ledger.open_legs()):
        return seconds(pace.stops_s), "stops rest"
    return seconds(pace.slow_s), "idle"


def _hurry(ledger: Ledger, urge: Urge) -> str:
    """Return why the books are to be read fast; '' without a reason."""
    moving = any(o.state.is_in_flight or o.pending is not Pending.NONE for o in ledger.live())
    met = any(o.state is State.OPEN and o.purpose is Purpose.STOP for o in ledger.live())
    chasing = met or any(leg.phase is Phase.CHASE for leg in ledger.open_legs())
    if moving or chasing or urge.is_waiting or urge.is_bare:
        return "in flight"
    if urge.wants_proof:
        return "proof wanted"
    is_soon = urge.doubts <= DOUBTS or any(ledger.open_legs())
    return "books doubted" if urge.doubts and is_soon else ""


RETRY_AT_STAKE = seconds(5)
"""How often at least a server is asked for its session while a short or an order is there."""


def login_pace(ledger: Ledger, retry_s: int) -> Micros:
    """Return how often the books are asked for while the server has no broker session.

    What becomes of a short, or of an entry that fills meanwhile, nobody sees: they are not left
    alone for `retry_s` seconds.
    """
    return seconds(retry_s) if ledger.is_quiet else min(seconds(retry_s), RETRY_AT_STAKE)
