"""Which swing lows are worth an entry: stage 1 once per swing, stage 2 all the time, stage 3 ranks.

Every test is made of whole numbers: a ratio is compared by cross-multiplication, so a swing exactly
on a boundary is on the same side of it everywhere (`strategy.md` section 4).
"""

from typing import NamedTuple

import msgspec

from domain.contracts import Contract
from domain.params import FilterParams
from domain.swings import SwingEvent
from domain.units import Paise, Symbol, ceil_tick, rupees

BPS = 10_000
ROUND_STRIKE = 10_000
"""A strike on a whole hundred of points, in paise, wins a tie: it is traded more."""


class Rejection(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Why a swing is no candidate, with the numbers that failed; prices in paise.

    `drops` says that the candidate the symbol had before is over too.
    """

    rule: str
    detail: str
    drops: bool = False


class Fit(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Stage 2 of a candidate: the stop it would get, how far away, and why it is out ('' is in)."""

    stop: Paise
    points: Paise
    out: str


class Rank(NamedTuple):
    """Stage 3: the smallest is the best of its side."""

    distance: int
    odd_strike: bool
    minus_swing: int
    symbol: Symbol


def stage_one(event: SwingEvent, params: FilterParams) -> Rejection | None:
    """Return why a new low is no candidate, or None if it is one."""
    price = event.price
    if not params.price_min_p <= price <= params.price_max_p:
        limits = f"min={rupees(params.price_min_p)} max={rupees(params.price_max_p)}"
        return Rejection(rule="price", detail=f"swing={rupees(price)} {limits}", drops=True)
    if event.vwap_den == 0:
        return Rejection(rule="vwap", detail=f"swing={rupees(price)} vwap=none")
    if price * BPS * event.vwap_den < event.vwap_num * (BPS + params.vwap_premium_bps):
        vwap = event.vwap_num // event.vwap_den
        premium = price * BPS * event.vwap_den // event.vwap_num - BPS
        detail = f"swing={rupees(price)} vwap={rupees(vwap)} bps={premium}"
        detail += f" min={params.vwap_premium_bps}"
        return Rejection(rule="premium", detail=detail)
    return None


def stage_two(swing: Paise, stop: Paise, params: FilterParams) -> Fit:
    """Judge a candidate by the distance from its swing to its stop."""
    points = Paise(stop - swing)
    low, high = params.stop_min_bps * swing, params.stop_max_bps * swing
    out = ""
    if not low <= points * BPS <= high:
        bps = points * BPS // swing
        limits = f"bps={bps} min={params.stop_min_bps} max={params.stop_max_bps}"
        prices = f"swing={rupees(swing)} stop={rupees(stop)} points={rupees(points)}"
        out = f"{prices} {limits}"
    return Fit(stop=stop, points=points, out=out)


def stop_of(highest: Paise, buffer_p: int, tick: Paise) -> Paise:
    """Return the trigger of the stop above the highest high since the swing, on the tick."""
    return ceil_tick(highest + buffer_p, tick)


def rank(contract: Contract, swing: Paise, points: Paise, target_p: int) -> Rank:
    """Return the key of stage 3: nearest to the target, round strikes, higher swings, by name."""
    odd = contract.strike % ROUND_STRIKE != 0
    return Rank(abs(points - target_p), odd, -swing, contract.symbol)
