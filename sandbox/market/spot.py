"""The path of the underlying: one price a second for the whole day, drawn before it begins.

`ln S' = ln S + mu + sigma u(t) Z / 2381.2 + J` (`sandbox.md` 3.1). Nothing in the house moves it.
"""

from dataclasses import dataclass
from math import exp, log

from domain.units import Paise
from sandbox.market.draws import Stream
from sandbox.market.pricing import TICK
from sandbox.market.regimes import STEPS_YEAR, Weather, season


@dataclass(frozen=True, slots=True)
class Session:
    """The day as the market sees it: epoch seconds of open and close, minute of day of the open."""

    open_s: int
    close_s: int
    open_minute: int

    @property
    def seconds(self) -> int:
        """How many seconds are traded."""
        return self.close_s - self.open_s

    @property
    def minutes(self) -> int:
        """How many minutes are traded, a last partial one included."""
        return -(-self.seconds // 60)


def path(start: Paise, weather: Weather, session: Session, random_seed: int) -> list[int]:
    """Return the spot in paise on the tick at each second from the open on."""
    normals = Stream(random_seed, "spot").normals(session.seconds)
    jumps = dict(weather.jumps)
    scale = weather.volatility / STEPS_YEAR
    minutes = range(session.open_minute, session.open_minute + session.minutes)
    restless = [scale * season(minute) for minute in minutes]
    level = log(start)
    prices: list[int] = []
    for second, normal in enumerate(normals):
        level += weather.drift + restless[second // 60] * normal + jumps.get(second, 0.0)
        prices.append(round(exp(level) / TICK) * TICK)
    return prices
