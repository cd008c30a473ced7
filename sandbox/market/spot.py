"""The path of the underlying: one price a second for the whole day, drawn before it begins.

`ln S' = ln S + mu + sigma u(t) Z / 2381.2 + J` (`sandbox.md` 3.1), plus what befalls the
day. Nothing in the house moves it.
"""

from math import exp, log

from domain.units import Paise
from sandbox.market.draws import Stream
from sandbox.market.hours import Session
from sandbox.market.pricing import TICK
from sandbox.market.regimes import STEPS_YEAR, Weather, season


def path(start: Paise, weather: Weather, session: Session, random_seed: int) -> list[int]:
    """Return the spot in paise on the tick at each second from the open on."""
    normals = Stream(random_seed, "spot").normals(session.seconds)
    jumps = dict(weather.jumps)
    restless = [
        weather.sigma(minute) / STEPS_YEAR * season(session.open_minute + minute)
        for minute in range(session.minutes)
    ]
    level = log(start)
    prices: list[int] = []
    for second, normal in enumerate(normals):
        level += weather.drift + restless[second // 60] * normal + jumps.get(second, 0.0)
        level += weather.push(second, level)
        prices.append(round(exp(level) / TICK) * TICK)
    return prices
