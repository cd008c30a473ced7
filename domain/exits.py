"""How a short is protected and ended: the stop's numbers, the ladder's rungs, the band.

Prices in paise. Nothing here sends; `desk_exits.py` walks a leg through these.
"""

import re
from collections import deque
from collections.abc import Iterator

import msgspec

from domain.orders import StopPlan
from domain.params import ExitParams, StopParams
from domain.units import SECOND, Micros, Paise, ceil_tick, floor_tick, seconds

BAND_WINDOW = seconds(30)
"""The exchange's reference is the mean of trades of the last 30 s (NSE/FAOP/54242)."""

LOWEST_WINDOW = seconds(60)
"""How far back the lowest mean is looked for once the exchange refused a price for its band."""

_BACKOFF = (SECOND, seconds(2), seconds(5), seconds(10))

_BAND_WORDS = re.compile(r"\b(LPP|(price )?band|execution range|price range)\b", re.IGNORECASE)

HALVINGS = 8
"""How often the distance to the reference of the band is halved at most, refusal by refusal."""

BAND_POINTS = 2000
BAND_BPS = 4000
"""The limit price protection: 20.00 up to a reference of 50.00, 40 % above (NSE/FAOP/54242)."""


def stop_plan(stop: int, params: StopParams, tick: Paise) -> StopPlan:
    """Return trigger and limit of a protective BUY stop at `stop` paise (`execution.md` 9.1).

    The limit stands the larger of the two offsets above the trigger: 14100 with 800 bps is 15230.
    """
    trigger = ceil_tick(stop, tick)
    by_share = ceil_tick(-(-trigger * params.limit_offset_bps // 10_000), tick)
    return StopPlan(trigger=trigger, limit=Paise(trigger + max(params.limit_offset_p, by_share)))


def band_high(reference: int, safety_bps: int, tick: Paise) -> Paise:
    """Return the highest BUY price we dare to send for a reference price (`execution.md` 9.5)."""
    width = max(BAND_POINTS, reference * BAND_BPS // 10_000)
    return floor_tick(reference + width * safety_bps // 10_000, tick)


def band_low(reference: int, safety_bps: int, tick: Paise) -> Paise:
    """Return the lowest SELL price we dare to send for a reference price; at least one tick."""
    width = max(BAND_POINTS, reference * BAND_BPS // 10_000)
    return max(tick, ceil_tick(reference - width * safety_bps // 10_000, tick))


def nearer_bands(reference: int, safety_bps: int, tick: Paise, sign: int) -> Iterator[Paise]:
    """Return the edge of the band we dare, for a BUY (1) or a SELL (-1), then ever nearer ones.

    Each stands half as far from the reference as the one before; for what the exchange refused.
    """
    edge = band_high if sign > 0 else band_low
    return (edge(reference, safety_bps >> n, tick) for n in range(HALVINGS + 1))


def is_band(reason: str) -> bool:
    """Whether a refusal, a code or a broker's words, was for the price band."""
    return _BAND_WORDS.search(reason) is not None


def backoff(tries: int) -> Micros:
    """Return how long to wait after so many attempts in a row that were not taken; 1 at least."""
    return _BACKOFF[min(tries, len(_BACKOFF)) - 1]


def rung(n: int, previous: int, reference: int, params: ExitParams, tick: Paise) -> Paise:
    """Return the price of rung `n` (0 is the first), never below the previous rung.

    `reference` is the best ask, else the last price. 15000 gives 15750, 16500, 17250.
    """
    step = _step(reference, params, tick)
    return Paise(max(previous, ceil_tick(reference + (n + 1) * step, tick)))


def rung_down(n: int, previous: int, reference: int, params: ExitParams, tick: Paise) -> Paise:
    """Return the same of a SELL, mirrored: never above the previous rung (0: none), nor below 0.

    `reference` is the best bid, else the last price. 15000 gives 14250, 13500, 12750.
    """
    step = _step(reference, params, tick)
    price = max(0, floor_tick(reference - (n + 1) * step, tick))
    return Paise(min(previous, price) if previous else price)


def _step(reference: int, params: ExitParams, tick: Paise) -> int:
    by_share = ceil_tick(-(-reference * params.step_bps // 10_000), tick)
    return max(params.step_p, by_share)


class Reference(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Prices the ladder may go by: best ask and bid (0: none) and last price, with their age."""

    ask: Paise
    ltp: Paise
    at: Micros
    bid: Paise = Paise(0)

    @property
    def price(self) -> Paise:
        """What a BUY goes by: the best ask, else the last price."""
        return self.ask or self.ltp

    @property
    def sale(self) -> Paise:
        """What a SELL goes by: the best bid, else the last price."""
        return self.bid or self.ltp


class Tape:
    """The last prices seen of one symbol, for the band's estimate."""

    def __init__(self) -> None:
        self._seen: deque[tuple[Micros, Paise]] = deque()
        self._means: deque[tuple[Micros, int]] = deque()
        self.newest: Reference | None = None

    def add(self, reference: Reference) -> None:
        """Take a quote in."""
        self.newest = reference
        if reference.ltp > 0:
            self._seen.append((reference.at, reference.ltp))
        while self._seen and self._seen[0][0] < reference.at - BAND_WINDOW:
            self._seen.popleft()
        mean = self.mean(reference.at)
        if mean is not None:
            self._means.append((reference.at, mean))
        while self._means and self._means[0][0] < reference.at - LOWEST_WINDOW:
            self._means.popleft()

    def not_after(self, at: Micros) -> None:
        """Let no price be of later than `at`, and of those that were be none fresh."""
        if self.newest is not None and self.newest.at > at:
            self.newest = None
        self._seen = deque((min(when, at), price) for when, price in self._seen)
        self._means = deque((min(when, at), mean) for when, mean in self._means)

    @property
    def last(self) -> Paise | None:
        """The newest price seen, however old; None before the first."""
        return self._seen[-1][1] if self._seen else None

    def fresh(self, at: Micros, max_age_s: float) -> Reference | None:
        """Return the newest quote if it is young enough."""
        newest = self.newest
        return newest if newest is not None and at - newest.at <= seconds(max_age_s) else None

    def mean(self, at: Micros) -> int | None:
        """Return the mean last price of the last 30 s; None without one, then there is no clamp."""
        prices = [price for when, price in self._seen if when >= at - BAND_WINDOW]
        return sum(prices) // len(prices) if prices else None

    def extreme_mean(self, at: Micros, sign: int) -> int | None:
        """Return the most careful mean of the last 60 s: lowest for a BUY (`sign` 1), or highest.

        None without one.
        """
        means = [mean for when, mean in self._means if when >= at - LOWEST_WINDOW]
        return sign * min(sign * mean for mean in means) if means else None
