"""Kinds of day: how restless the spot is, where it drifts, how often it jumps, what befalls it.

The numbers stand in `params.MarketParams`; this file knows what they do to a path and to quotes.
Rows of `sandbox.md` 3.1: `calm`, `trend`, `crash`, `expiry` and `halt`.
"""

from dataclasses import dataclass, replace
from math import exp, exp2, log, sqrt

from sandbox.market.draws import Stream
from sandbox.market.hours import Session, Span
from sandbox.params import CrashParams, ExpiryParams, HaltParams, MarketParams, RegimeParams

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
POINT = 100
"""Paise in an index point."""

NEVER: Span = (0, 0)


@dataclass(frozen=True, slots=True)
class Slide:
    """A fall on top of everything else, evenly over the seconds after the first of the span."""

    span: Span
    size: float
    """Of the spot's logarithm, over the whole span."""

    def push(self, second: int, level: float) -> float:
        """Return what a second adds to the spot's logarithm."""
        del level
        begin, end = self.span
        return self.size / (end - begin) if begin < second <= end else 0.0


@dataclass(frozen=True, slots=True)
class Pull:
    """A pull to the nearest round price, by a share of the way a second."""

    begin: int
    step: float
    """Distance of the round prices, in paise."""
    share: float

    def push(self, second: int, level: float) -> float:
        """Return what a second adds to the spot's logarithm."""
        if second < self.begin:
            return 0.0
        nearest = max(1, round(exp(level) / self.step)) * self.step
        return self.share * (log(nearest) - level)


@dataclass(frozen=True, slots=True)
class Shock:
    """A moment from which the day is another: more restless, with wider quotes.

    `extra` is the yearly volatility on top at that moment; it halves every `half_life_s`. Options
    are priced with it in full `learn_s` later.
    """

    second: int
    extra: float
    half_life_s: int
    learn_s: int
    spread_x: float

    def age(self, minute: int) -> int | None:
        """Return how old the shock is when a trading minute begins, or None ahead of it."""
        begins = minute * 60
        return max(0, begins - self.second) if begins + 60 > self.second else None


@dataclass(frozen=True, slots=True)
class Weather:
    """A day's regime with its signs drawn: what each second adds to the spot's logarithm.

    `volatility` is the yearly one; `jumps` are pairs of second of the day and size. In the seconds
    of `no_asks` nobody sells puts, in those of `halt` nothing is quoted or traded.
    """

    volatility: float
    drift: float
    jumps: tuple[tuple[int, float], ...]
    forces: tuple[Slide | Pull, ...] = ()
    shock: Shock | None = None
    no_asks: Span = NEVER
    halt: Span = NEVER

    def sigma(self, minute: int) -> float:
        """Return the yearly volatility of a trading minute."""
        age = self.shock.age(minute) if self.shock else None
        if self.shock is None or age is None:
            return self.volatility
        return self.volatility + self.shock.extra * exp2(-age / self.shock.half_life_s)

    def implied(self, minute: int) -> float:
        """Return the yearly volatility that options of a trading minute are priced with."""
        age = self.shock.age(minute) if self.shock else None
        if self.shock is None or age is None or age >= self.shock.learn_s:
            return self.sigma(minute)
        share = age / self.shock.learn_s
        return self.volatility + share * (self.sigma(minute) - self.volatility)

    def spread_x(self, minute: int) -> float:
        """Return how many times as wide as usual quotes are in a trading minute."""
        return self.shock.spread_x if self.shock and self.shock.age(minute) is not None else 1.0

    def push(self, second: int, level: float) -> float:
        """Return what the forces of the day add to the spot's logarithm, which is at `level`."""
        return sum(force.push(second, level) for force in self.forces)


def weather(params: MarketParams, random_seed: int, session: Session) -> Weather:
    """Draw the weather of a day."""
    regime = chosen(params)
    stream = Stream(random_seed, "regime", params.regime)
    sign = 1 if stream.unit(0) < 0.5 else -1
    times = params.trend_x if params.regime == "trend" else 1.0
    count = stream.poisson(regime.jumps_per_day, 1)
    first, end = _jump_hours(regime, session)
    times_of_day = Stream(random_seed, "jump", "when").uniforms(count)
    sizes = Stream(random_seed, "jump", "size").normals(count)
    plain = Weather(
        volatility=regime.sigma_bp * 1e-4,
        drift=sign * regime.drift_bp * 1e-4 * times / DAY_S,
        jumps=tuple(
            (first + int(when * (end - first)), size * regime.jump_sd_bp * 1e-4)
            for when, size in zip(times_of_day, sizes, strict=True)
        ),
    )
    return _with_events(plain, regime, session, stream)


def chosen(params: MarketParams) -> RegimeParams:
    """Return the numbers of the kind of day that is played."""
    kinds: dict[str, RegimeParams] = {
        "calm": params.calm,
        "trend": params.trend,
        "crash": params.crash,
        "expiry": params.expiry,
        "halt": params.halt,
    }
    return kinds[params.regime]


def season(minute_of_day: int) -> float:
    """Return u(t): how restless this minute, counted from midnight IST, is against the average."""
    return next((u for until, u in _SEASONS if minute_of_day < until), _EVENING)


def _jump_hours(regime: RegimeParams, session: Session) -> Span:
    if not isinstance(regime, ExpiryParams):
        return 0, session.seconds
    begin = session.second(regime.jumps_from)
    return begin, begin + regime.jumps_min * 60


def _with_events(plain: Weather, regime: RegimeParams, session: Session, stream: Stream) -> Weather:
    match regime:
        case CrashParams():
            return _crashed(plain, regime, session, stream)
        case ExpiryParams():
            half_life_s = regime.pull_half_life_min * 60
            pull = Pull(
                begin=session.second(regime.pull_from),
                step=regime.pull_points * POINT,
                share=1 - exp2(-1 / half_life_s),
            )
            return replace(plain, forces=(pull,))
        case HaltParams():
            return _halted(plain, regime, session)
        case _:
            return plain


def _crashed(plain: Weather, regime: CrashParams, session: Session, stream: Stream) -> Weather:
    begin = session.second(regime.shock_at)
    if not 0 <= begin < session.seconds:
        return plain
    length = regime.drop_min * 60
    empty = begin + int(stream.unit(2) * max(1, length - regime.no_asks_s))
    return replace(
        plain,
        forces=(_drop((begin, begin + length), regime.drop_bp),),
        shock=Shock(
            second=begin,
            extra=max(0, regime.shock_sigma_bp - regime.sigma_bp) * 1e-4,
            half_life_s=regime.half_life_min * 60,
            learn_s=regime.learn_min * 60,
            spread_x=regime.spread_x,
        ),
        no_asks=(empty, empty + regime.no_asks_s),
    )


def _halted(plain: Weather, regime: HaltParams, session: Session) -> Weather:
    begin = session.second(regime.halt_at)
    drop = _drop((begin - 1 - regime.drop_min * 60, begin - 1), regime.drop_bp)
    return replace(plain, forces=(drop,), halt=(begin, begin + regime.halt_min * 60))


def _drop(span: Span, size_bp: int) -> Slide:
    return Slide(span, log(1 - size_bp * 1e-4))
