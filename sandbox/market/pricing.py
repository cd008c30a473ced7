"""What an option is worth and how wide its quote stands: Black-76, smile and spread.

`sandbox.md` 3.1. Prices here are paise as floats on their way to the tick; money proper begins with
`on_ticks`, which returns whole paise. A year is 31,536,000 calendar seconds.
"""

from dataclasses import dataclass
from math import erfc, exp, log, sqrt

from domain.units import Paise
from sandbox.params import MarketParams

YEAR_S = 31_536_000
TICK = 5
CLIP = 6.0
_ROOT_HALF = sqrt(0.5)


@dataclass(frozen=True, slots=True)
class Moment:
    """Everything the quotes of one expiry depend on for one minute, besides the spot.

    `growth` takes the spot to the forward, `discount` brings a payment back; `level` is the
    at-the-money volatility times the square root of the years left.
    """

    growth: float
    discount: float
    level: float
    spread_share: float
    spread_min: float
    spread_x: float

    def reach(self, strike: float, spot: float) -> float:
        """Return m: how many standard deviations `strike` lies from the forward, within +-6."""
        m = log(strike / (spot * self.growth)) / self.level
        return max(-CLIP, min(CLIP, m))

    def call(self, strike: float, spot: float, m: float) -> float:
        """Return the value of the call, in paise like its arguments."""
        forward = spot * self.growth
        deviation = self.level * smile(m)
        half = deviation * 0.5
        d = log(strike / forward) / deviation
        return (
            self.discount
            * 0.5
            * (forward * erfc((d - half) * _ROOT_HALF) - strike * erfc((d + half) * _ROOT_HALF))
        )

    def put(self, strike: float, spot: float, m: float) -> float:
        """Return the value of the put, by parity with the call."""
        return self.call(strike, spot, m) - self.discount * (spot * self.growth - strike)

    def half_spread(self, mid: float, m: float) -> float:
        """Return half of the quote's width in paise."""
        wide = max(self.spread_min, mid * self.spread_share * (1.0 + abs(m) * 0.5))
        return wide * self.spread_x


def moment(params: MarketParams, years: float, volatility: float, spread_x: float = 1.0) -> Moment:
    """Return the moment of an expiry `years` away at this at-the-money volatility, as a share.

    Quotes are `spread_x` times as wide as usual.
    """
    drift = params.rate_bp * 1e-4 * years
    return Moment(
        growth=exp(drift),
        discount=exp(-drift),
        level=volatility * sqrt(years),
        spread_share=params.half_spread_bp * 1e-4,
        spread_min=params.half_spread_min_p,
        spread_x=spread_x,
    )


def smile(m: float) -> float:
    """Return the smile's volatility at `m` over the at-the-money one."""
    return 1.0 - 0.06 * m + 0.015 * m * m


def years_left(at_s: float, expiry_s: float) -> float:
    """Return the years between two epoch seconds, at least one second of them."""
    return max(1.0, expiry_s - at_s) / YEAR_S


def on_ticks(mid: float, half: float) -> tuple[Paise, Paise]:
    """Return bid and ask on the tick, bid down and ask up; a bid under one tick is none, 0."""
    bid = int((mid - half) // TICK) * TICK
    ask = -int(-(mid + half) // TICK) * TICK
    return Paise(max(bid, 0)), Paise(max(ask, TICK))
