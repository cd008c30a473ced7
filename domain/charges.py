"""What one executed order costs in fees and taxes, line by line, at the rates of its day.

Every line is rounded half up to a paisa, per executed order; a contract note that rounds the day's
transaction tax to the rupee differs by that much.
"""

import msgspec

from domain.books import Action
from domain.units import Paise, divide_half_up

CRORE_OF_PAISE = 10_000_000


class ChargeRates(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The rates of one day: rupees per crore of premium turnover, `brokerage` in paise per order.

    `transaction` includes the investor protection fund; `gst_bps` falls on brokerage, transaction
    and the SEBI fee.
    """

    brokerage: Paise
    stt_sell: int
    transaction: int
    sebi: int
    stamp_buy: int
    gst_bps: int


class Charges(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The lines of one order's charges, in paise."""

    brokerage: Paise = Paise(0)
    stt: Paise = Paise(0)
    transaction: Paise = Paise(0)
    sebi: Paise = Paise(0)
    stamp: Paise = Paise(0)
    gst: Paise = Paise(0)

    @property
    def total(self) -> Paise:
        """The sum of the lines."""
        lines = (self.brokerage, self.stt, self.transaction, self.sebi, self.stamp, self.gst)
        return Paise(sum(lines))


def charge(action: Action, turnover: int, rates: ChargeRates) -> Charges:
    """Return what an order costs whose trades sum to `turnover` (units times paise).

    An order that never traded costs nothing.
    """
    if turnover <= 0:
        return Charges()
    transaction = _share(turnover, rates.transaction)
    sebi = _share(turnover, rates.sebi)
    taxed = rates.brokerage + transaction + sebi
    return Charges(
        brokerage=rates.brokerage,
        stt=_share(turnover, rates.stt_sell if action is Action.SELL else 0),
        transaction=transaction,
        sebi=sebi,
        stamp=_share(turnover, rates.stamp_buy if action is Action.BUY else 0),
        gst=Paise(divide_half_up(taxed * rates.gst_bps, 10_000)),
    )


def _share(turnover: int, per_crore: int) -> Paise:
    return Paise(divide_half_up(turnover * per_crore, CRORE_OF_PAISE))
