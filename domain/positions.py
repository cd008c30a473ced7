"""A leg: one filled entry, the units it is still short, and what has been bought back."""

from enum import StrEnum

import msgspec

from domain.contracts import Side
from domain.orders import Order, StopPlan
from domain.units import Micros, Symbol, Units


class Phase(StrEnum):
    """How a leg is being handled; it only moves forward."""

    PROTECT = "protect"
    CHASE = "chase"
    DONE = "done"


class Execution(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What one order of a leg executed: units, and the sum of units times paise."""

    units: Units
    value: int


class Leg(msgspec.Struct, frozen=True, kw_only=True):
    """One short, from its first fill to flat. Its id is the intent of the entry that opened it.

    `first_stop` is the stop of the plan at the first fill: R is measured against it for ever.
    `returned` is what others bought back of it, `unproved` what filled without a trade yet.
    """

    leg: str
    strategy: str
    slot: str
    symbol: Symbol
    exchange: str
    side: Side
    opened_at: Micros
    stop: StopPlan
    first_stop: StopPlan
    sold: Execution
    bought: tuple[Execution, ...] = ()
    phase: Phase = Phase.PROTECT
    reason: str = ""
    returned: Execution = Execution(units=Units(0), value=0)
    unproved: Units = Units(0)

    @property
    def bought_units(self) -> Units:
        """Units bought back so far, by whomever."""
        return Units(sum(e.units for e in self.bought) + self.returned.units)

    @property
    def short(self) -> Units:
        """Units still short; negative if more was bought back than sold."""
        return Units(self.sold.units - self.bought_units)

    @property
    def exposed(self) -> Units:
        """Units to be protected: what is short, and what seems to be."""
        return Units(self.short + self.unproved)

    def grown(self, sold: Execution) -> "Leg":
        """Return the leg with what its entry sold by now; what was proved seems so no more."""
        proved = max(0, sold.units - self.sold.units)
        return msgspec.structs.replace(
            self,
            sold=sold,
            unproved=Units(max(0, self.unproved - proved)),
            phase=Phase.PROTECT if self.phase is Phase.DONE else self.phase,
        )

    def returned_by(self, bought: tuple[Execution, ...]) -> "Leg":
        """Return the leg with what bought it back; one that is short again is to be left again."""
        leg = msgspec.structs.replace(self, bought=bought)
        is_again = leg.phase is Phase.DONE and leg.short > 0
        return msgspec.structs.replace(leg, phase=Phase.CHASE) if is_again else leg

    def given_back(self, units: Units, value: int) -> "Leg":
        """Return the leg with units more that others bought back."""
        before = self.returned
        others = Execution(units=Units(before.units + units), value=before.value + value)
        return msgspec.structs.replace(self, returned=others)

    @property
    def gross(self) -> int:
        """Money received less money paid for the units bought back, in paise; no charges.

        While part of the leg is open its unsold part is not in here, nor is what was bought too
        much while that is held: only whole units closed count.
        """
        closed = min(self.bought_units, self.sold.units)
        received = self.sold.value * closed // self.sold.units if self.sold.units else 0
        paid = sum(e.value for e in self.bought) + self.returned.value
        return received - (paid * closed // self.bought_units if self.bought_units else paid)


def opened(order: Order, at: Micros) -> Leg:
    """Return the leg that an entry opens by its first fill. Raises ValueError if it is none."""
    if order.key is None or order.side is None or order.stop is None:
        message = f"entry {order.intent} has no key, side or stop"
        raise ValueError(message)
    return Leg(
        leg=order.leg,
        strategy=order.ticket.strategy,
        slot=order.key.slot,
        symbol=order.ticket.symbol,
        exchange=order.ticket.exchange,
        side=order.side,
        opened_at=at,
        stop=order.stop,
        first_stop=order.stop,
        sold=Execution(units=order.filled, value=order.value),
    )
