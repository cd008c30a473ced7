"""Kinds of day: how restless the spot is, where it drifts, and how often it jumps.

The numbers stand in `params.MarketParams`; this file knows what they do to a path. Rows of
`sandbox.md` 3.1: `calm` and `trend`.
"""

from dataclasses import dataclass
from math import sqrt

from sandbox.market.draws import Stream
from sandbox.params import MarketParams

DAY_S = 22_500
"""Seconds of the 375 minutes that a year's volatility and a day's drift are spread over."""
STEPS_YEAR = sqrt(252 * DAY_S)
_SEASONS = (
    (9 * 60 + 30, 1.90),
    (10 * 60 + 30, 1.20),
    (12 * 60 + 30, 0.80),
    (14 * 60, 0.75),
    (15 * 60, 1.05),
)
_EVENING = 1.25


@dataclass(frozen=True, slots=True)
class Weather:
    """A day's regime with its signs drawn: what each second adds to the spot's logarithm.

    `volatility` is the yearly one; `jumps` are pairs of second of the day and size.
    """

    volatility: float
    drift: float
    jumps: tuple[tuple[int, float], ...]


def weather(params: MarketParams, random_seed: int, seconds: int) -> Weather:
    """Draw the weather of a day that is `seconds` long."""
    regime = params.trend if params.regime == "trend" else params.calm
    stream = Stream(random_seed, "regime", params.regime)
    sign = 1 if stream.unit(0) < 0.5 else -1
    times = params.trend_x if params.regime == "trend" else 1.0
    count = stream.poisson(regime.jumps_per_day, 1)
    times_of_day = Stream(random_seed, "jump", "when").uniforms(count)
    sizes = Stream(random_seed, "jump", "size").normals(count)
    return Weather(
        volatility=regime.sigma_bp * 1e-4,
        drift=sign * regime.drift_bp * 1e-4 * times / DAY_S,
        jumps=tuple(
            (int(when * seconds), size * regime.jump_sd_bp * 1e-4)
            for when, size in zip(times_of_day, sizes, strict=True)
        ),
    )


def season(minute_of_day: int) -> float:
    """Return u(t): how restless this minute, counted from midnight IST, is against the average."""
    return next((u for until, u in _SEASONS if minute_of_day < until), _EVENING)
