"""How many lots one R buys (`strategy.md` section 7)."""

from domain.contracts import Contract
from domain.orders import StopPlan
from domain.params import SizingParams
from domain.strategy import StopLimit
from domain.units import Lots, Paise, Units


def lots(points: Paise, lot: Units, params: SizingParams) -> Lots:
    """Return the lots whose loss over `points` stays within R; 0 is no order."""
    if points <= 0:
        return Lots(0)
    return Lots(min(params.r_p // (points * lot), params.max_lots))


def entry_units(
    swing: Paise, price: StopLimit, stop: StopPlan, contract: Contract, params: SizingParams
) -> Units:
    """Return the units to sell, at most one order's freeze quantity; 0 is no order.

    By `swing` the risk is measured from the swing to the stop's trigger; by `worst` from the
    entry's limit to the stop's limit.
    """
    near = swing if params.basis == "swing" else price.limit
    far = stop.trigger if params.basis == "swing" else stop.limit
    wanted = lots(Paise(far - near), contract.lot, params)
    return min(contract.units(wanted), contract.slice_max)
