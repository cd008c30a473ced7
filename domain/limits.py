"""How much room is left for shorts, and whether the day is over by its result.

R of a short is its profit by what it risked: from its real fills to the first stop. A later move of
the stop changes nothing. Ratios are exact, so a limit is met at its exact value (`strategy.md` 8).
"""

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction

import msgspec

from domain.books import Action
from domain.charges import ChargeRates, charge
from domain.contracts import Side
from domain.params import DayParams, LimitParams
from domain.positions import Leg
from domain.strategy import Last, Room
from domain.units import Micros, Symbol, seconds

DAY_STOP = "DAY_STOP"
DAY_TARGET = "DAY_TARGET"
FORCE_CLOSE = "FORCE_CLOSE"

UNDENIED = seconds(30)
"""How long a loss may hang on a price that nothing followed; stops rest all the while."""

Marks = Callable[[Symbol], Last | None]


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """A result: paise after charges, in R, and whether every open short had a fresh mark.

    `marked_at` is when the oldest of these marks was seen, None without one.
    """

    pnl: int = 0
    r: Fraction = Fraction(0)
    fresh: bool = True
    marked_at: Micros | None = None

    def __add__(self, other: "Result") -> "Result":
        marks = [at for at in (self.marked_at, other.marked_at) if at is not None]
        return Result(
            pnl=self.pnl + other.pnl,
            r=self.r + other.r,
            fresh=self.fresh and other.fresh,
            marked_at=min(marks, default=None),
        )


def room(limits: LimitParams, shorts: Mapping[Symbol, Side]) -> Room:
    """Return how many more shorts fit; `shorts` are open, resting, partial and unknown ones."""
    calls = sum(side is Side.CE for side in shorts.values())
    puts = len(shorts) - calls
    return Room(
        positions=max(0, limits.positions - len(shorts)),
        ce=max(0, limits.ce - calls),
        pe=max(0, limits.pe - puts),
    )


def leg_result(leg: Leg, mark: Last | None, rates: ChargeRates) -> Result:
    """Return what a short has brought: charges paid, and the estimated ones of leaving the rest.

    Without a mark the rest counts at its average fill. What others bought back counts at their
    price, and its charges are theirs. A short that was sold at or above its first
    stop has no R, its money counts all the same.
    """
    open_units = leg.short
    average = leg.sold.value // leg.sold.units if leg.sold.units else 0
    left = open_units * (average if mark is None else mark.price)
    bought = [*(e.value for e in leg.bought), left]
    charges = [charge(Action.SELL, leg.sold.value, rates).total]
    charges += [
        charge(Action.BUY if value >= 0 else Action.SELL, abs(value), rates).total
        for value in bought
    ]
    pnl = leg.sold.value - sum(bought) - leg.returned.value - sum(charges)
    risk = leg.first_stop.trigger * leg.sold.units - leg.sold.value
    return Result(
        pnl=pnl,
        r=Fraction(pnl, risk) if risk > 0 else Fraction(0),
        fresh=open_units == 0 or (mark is not None and mark.fresh),
        marked_at=mark.at if open_units and mark is not None else None,
    )


class Tally:
    """Sums the day's shorts, closed and open. What a closed one brought is worked out once."""

    def __init__(self, rates: ChargeRates) -> None:
        self._rates = rates
        self._closed: dict[str, tuple[Leg, Result]] = {}

    def of(self, legs: Iterable[Leg], marks: Marks) -> Result:
        """Return the result of these legs at these marks."""
        return sum((self._leg(leg, marks) for leg in legs), start=Result())

    def _leg(self, leg: Leg, marks: Marks) -> Result:
        known = self._closed.get(leg.leg)
        if known is not None and known[0] is leg:
            return known[1]
        result = leg_result(leg, marks(leg.symbol), self._rates)
        if leg.short == 0:
            self._closed[leg.leg] = (leg, result)
        return result


def verdict(result: Result, params: DayParams) -> str:
    """Return DAY_STOP or DAY_TARGET if a limit is met, else ''. A target needs fresh marks."""
    if result.r <= params.stop_r or (params.loss_p and result.pnl <= -params.loss_p):
        return DAY_STOP
    return DAY_TARGET if result.r >= params.target_r and result.fresh else ""


class DayLimit:
    """Holds since when a limit is met: one bad price must not end the day.

    It has to be met for `confirm_s`, and by a second price of each open short. A loss that no
    second price confirms or denies counts after `UNDENIED`; a target that none confirms never.
    """

    def __init__(self, params: DayParams) -> None:
        self._params = params
        self._met = ""
        self._since = Micros(0)

    def check(self, result: Result, at: Micros) -> str:
        """Return the verdict once it has stood for `confirm_s` and was seen again, else ''."""
        met = verdict(result, self._params)
        if met != self._met:
            self._met, self._since = met, at
        age = at - self._since
        is_seen_again = result.marked_at is None or result.marked_at > self._since
        is_undenied = met == DAY_STOP and age >= UNDENIED
        is_confirmed = age >= seconds(self._params.confirm_s) and (is_seen_again or is_undenied)
        return met if is_confirmed else ""
