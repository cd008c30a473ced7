"""What the watchdog's policy knows, remembers and says: facts, memory, actions. Values only."""

from dataclasses import dataclass
from enum import Enum, StrEnum, auto

import msgspec

from domain.hysteresis import DEAD, Flaps
from domain.market import Source
from domain.params import ExitParams, FeedParams, WatchdogParams
from domain.session import DayPlan
from domain.signs import RestVerdict, Sign
from domain.units import Micros, seconds


class FeedState(StrEnum):
    """What is thought of the feed.

    OFF: outside the session nothing is judged. FALLBACK: REST has the say. BLIND: no source lives.
    HALT: the same, and it looks as if the exchange itself had stopped.
    """

    OFF = "off"
    HEALTHY = "healthy"
    SUSPECT = "suspect"
    FALLBACK = "fallback"
    BLIND = "blind"
    HALT = "halt?"


UNANSWERED = 20
"""So many pulses without a word of the feed: it is stuck, a rebuild takes 10 s at most."""

DARK = frozenset({FeedState.BLIND, FeedState.HALT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The settings it goes by; `is_paper`: no real money is at stake."""

    feed: FeedParams
    watchdog: WatchdogParams
    exit: ExitParams
    is_paper: bool


class Facts(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is known at one moment.

    `canary_at`: the newest canary tick of the authoritative source. `streams`: one sign for each
    stream there is, in order of preference. `positions`: how many shorts are open. `is_exposed`: a
    position or an entry order is live. `order_at`: the newest fact about an order of ours.
    `near_circuit`: the index is within 50 bps of a circuit limit. `jumped_at`: when the clock last
    jumped or the process slept. `is_stuck`: the feed says nothing more; all else is its last word.
    """

    plan: DayPlan
    source: Source
    canary_at: Micros | None
    streams: tuple[Sign, ...]
    rest: RestVerdict
    positions: int
    is_exposed: bool
    order_at: Micros | None
    near_circuit: bool = False
    jumped_at: Micros | None = None
    is_stuck: bool = False

    @property
    def is_rest_dead(self) -> bool:
        """Whether polled prices are known to be worth nothing."""
        return self.rest in DEAD

    def sign(self, source: Source) -> Sign | None:
        """Return what a stream shows of itself."""
        return next((sign for sign in self.streams if sign.source is source), None)


class Grace(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One silence, named by the last tick before it, is counted from `until` only."""

    silent_since: Micros
    until: Micros


class Darkness(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A time without any live price: when it began, and since when it is in its present state.

    `held_since`: since when it has had shorts to lose, None while nothing is held.
    """

    state: FeedState
    began_at: Micros
    since: Micros
    told_at: Micros
    held_since: Micros | None = None
    has_flattened: bool = False


class Watch(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The policy's memory between two pulses.

    `chosen` is the source that was given the say, `chosen_at` when. `heard_at` is the newest canary
    tick of whichever source had it; `reopened` names by their last tick the silences for which a
    new socket was asked for. `is_unproved`: after darkness the stream has to tick for a while
    before anything is entered on it. `doubt` says why nothing may be entered now. `near_at`: the
    newest tick by which the index is near a circuit limit. `linked`: when each stream's socket last
    stood. `is_stuck`: people know that the feed says nothing more.
    """

    state: FeedState = FeedState.OFF
    chosen: Source = Source.PRIMARY
    chosen_at: Micros = Micros(0)
    checked_at: Micros = Micros(0)
    has_warned: bool = False
    heard_at: Micros | None = None
    reopened: tuple[tuple[Source, Micros], ...] = ()
    grace: Grace | None = None
    flaps: Flaps = Flaps()
    darkness: Darkness | None = None
    paged_at: Micros | None = None
    is_unproved: bool = False
    has_alerted: bool = False
    is_trusted: bool = False
    is_blind: bool = False
    doubt: str = ""
    bad_since: Micros | None = None
    near_at: Micros | None = None
    linked: tuple[tuple[Source, Micros], ...] = ()
    is_stuck: bool = False

    @property
    def standing(self) -> FeedState:
        """The state as people are told it: a doubt that is only noted is not worth a line."""
        is_noted = self.state is FeedState.SUSPECT and not self.has_warned
        return FeedState.HEALTHY if is_noted else self.state


class Urgency(Enum):
    """Who has to read a line: nobody now, the operator when at hand, or a human at once."""

    STORY = auto()
    WARNING = auto()
    PAGE = auto()


@dataclass(frozen=True, slots=True)
class Reopen:
    """A stream is silent: open a new socket. Once in a silence."""

    source: Source
    reason: str


@dataclass(frozen=True, slots=True)
class Select:
    """Make a source authoritative."""

    source: Source
    reason: str


@dataclass(frozen=True, slots=True)
class Trust:
    """Whether prices are good enough to enter on changed, or whether there are any at all."""

    entries: bool
    reason: str
    is_blind: bool = False


@dataclass(frozen=True, slots=True)
class Flatten:
    """Leave every short: there were no prices for too long."""


@dataclass(frozen=True, slots=True)
class Say:
    """One line for people."""

    text: str
    urgency: Urgency = Urgency.STORY


Action = Reopen | Select | Trust | Flatten | Say
Actions = tuple[Action, ...]
Decision = tuple[Watch, Actions]


@dataclass(frozen=True, slots=True)
class Moment:
    """One look: the facts, the time, the settings."""

    facts: Facts
    at: Micros
    policy: Policy

    @property
    def feed(self) -> FeedParams:
        """The settings of the feed."""
        return self.policy.feed

    def is_check(self, watch: Watch) -> bool:
        """Whether a multiple of `watchdog.check_s` has passed since the last look."""
        every = seconds(self.policy.watchdog.check_s)
        return self.at // every > watch.checked_at // every
