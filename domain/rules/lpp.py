"""Limit price protection: the band in which the exchange takes an order.

A BUY above the high or a SELL below the low is refused, at entry and on modify; a stop-limit order
is checked when it is triggered (NSE/FAOP/54242 and NSE's FAQ page).
"""

import msgspec

from domain.units import Paise, ceil_tick, floor_tick


class LppBand(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The numbers of one period: flat up to a reference price, above it a share of it.

    The reference is the mean of the trades of the last `window_s` seconds, renewed as often; after
    `quiet_s` without a trade it is theoretical.
    """

    flat_up_to_p: Paise
    flat_p: Paise
    band_bps: int
    window_s: int
    quiet_s: int

    def around(
        self, reference: Paise, tick: Paise, safety_bps: int = 10_000
    ) -> tuple[Paise, Paise]:
        """Return lowest and highest price inside the band, both on the tick, rounded inward.

        `safety_bps` below 10,000 uses that share of the distance only. The low is at least a tick.
        """
        share = (
            self.flat_p * 10_000 if reference <= self.flat_up_to_p else reference * self.band_bps
        )
        scale = 10_000 * 10_000
        reach = share * safety_bps
        low = -((reach - reference * scale) // scale)
        high = (reference * scale + reach) // scale
        return max(tick, ceil_tick(low, tick)), floor_tick(high, tick)
