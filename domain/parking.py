"""What keeps a process from being left alone: nobody looks after it until the next one starts.

Parking leaves no entry that may fill, and a stop that rests at the exchange for every unit that is
short. A short that is being left has none: it is chased on while there is time.
"""

from collections.abc import Iterator

from domain.ledger import Ledger
from domain.orders import Pending, Purpose, State
from domain.positions import Leg, Phase

ENDING = frozenset({Pending.CANCEL, Pending.CANCEL_UNKNOWN})


def unsafe(ledger: Ledger) -> tuple[str, ...]:
    """Return what may not be left alone, a line each; empty: the process may end."""
    return tuple(_unsafe(ledger))


def _unsafe(ledger: Ledger) -> Iterator[str]:
    for order in ledger.live(Purpose.ENTRY):
        yield f"{order.ticket.symbol}: the entry {order.orderid or 'without an id'} may still fill"
    for leg in ledger.open_legs():
        if leg.short <= 0:
            continue
        if leg.phase is Phase.CHASE:
            yield f"{leg.symbol}: {leg.short} units are being left, no stop rests"
        elif (bare := leg.short - _resting(ledger, leg)) > 0:
            yield f"{leg.symbol}: {bare} units without a stop that was read resting"


def _resting(ledger: Ledger, leg: Leg) -> int:
    """Return the units for which a stop rests that nobody takes away."""
    return sum(
        order.remaining
        for order in ledger.exits(leg.leg)
        if order.state is State.TRIGGER_PENDING and order.pending not in ENDING
    )
