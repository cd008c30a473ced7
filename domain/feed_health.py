"""When a feed is doubted, left and trusted again: the watchdog's policy.

Losing data never touches a protected short. An outage blocks entries and switches the source; stops
rest at the exchange meanwhile.
"""

from dataclasses import dataclass
from enum import StrEnum

import msgspec
from msgspec.structs import replace

from domain.canaries import HOLE
from domain.market import Source
from domain.params import FeedParams, WatchdogParams
from domain.session import DayPlan
from domain.signs import RestVerdict, Sign
from domain.units import Micros, divide_half_up, seconds


class FeedState(StrEnum):
    """What is thought of the feed. OFF: outside the session nothing is judged."""

    OFF = "off"
    HEALTHY = "healthy"
    SUSPECT = "suspect"
    FALLBACK = "fallback"
    BLIND = "blind"


POLLING = frozenset({FeedState.FALLBACK, FeedState.BLIND})


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The settings it goes by; `is_paper`: no real money is at stake."""

    feed: FeedParams
    watchdog: WatchdogParams
    is_paper: bool


class Facts(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is known at one moment.

    `canary_at`: the newest canary tick of the authoritative source. `primary_since`: since when the
    primary's own canaries tick without a hole, None while there were too few. `is_exposed`: a
    position or an entry order is live. `order_at`: the newest fact about an order of ours.
    `streams`: one sign for each stream there is, in order of preference. `near_circuit`: the index
    is within 50 bps of a circuit limit. `jumped_at`: when the clock last jumped or the process
    slept.
    """

    plan: DayPlan
    source: Source
    canary_at: Micros | None
    primary_canary_at: Micros | None
    primary_since: Micros | None
    rest_moving: bool
    is_exposed: bool
    order_at: Micros | None
    streams: tuple[Sign, ...] = ()
    rest: RestVerdict = RestVerdict.IDLE
    near_circuit: bool = False
    jumped_at: Micros | None = None


class Grace(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One silence, named by the last tick before it, is counted from `until` only."""

    silent_since: Micros
    until: Micros


class Watch(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The policy's memory between two pulses.

    `heard_at` is the newest canary tick of whichever source had the say; `doubt` says why nothing
    may be entered now.
    """

    state: FeedState = FeedState.OFF
    chosen_at: Micros = Micros(0)
    checked_at: Micros = Micros(0)
    has_warned: bool = False
    heard_at: Micros | None = None
    grace: Grace | None = None
    is_trusted: bool = False
    doubt: str = ""
    bad_since: Micros | None = None


@dataclass(frozen=True, slots=True)
class Reopen:
    """Say that the feed is silent, once in a silence, and open a new socket."""

    reason: str


@dataclass(frozen=True, slots=True)
class Select:
    """Make a source authoritative."""

    source: Source
    reason: str


@dataclass(frozen=True, slots=True)
class Trust:
    """Whether prices are good enough to enter on changed."""

    entries: bool
    reason: str


Action = Reopen | Select | Trust
Decision = tuple[Watch, tuple[Action, ...]]


def decide(watch: Watch, facts: Facts, at: Micros, policy: Policy) -> Decision:
    """Return what is thought of the feed at `at`, and what follows. Asked at every pulse.

    The slow thresholds are looked at every `watchdog.check_s`, at whole multiples of it; the fast
    ones, while money is exposed, and every return are looked at each time.
    """
    # A feed that was rebuilt has forgotten what it heard; the silence is not longer for that.
    heard = max(watch.heard_at or 0, facts.canary_at or 0)
    watch = replace(watch, heard_at=Micros(heard) if heard else None)
    actions: tuple[Action, ...] = ()
    if not facts.plan.open <= at < facts.plan.close:
        watch = replace(watch, state=FeedState.OFF)
    else:
        if watch.state is FeedState.OFF:
            watch = replace(watch, state=FeedState.HEALTHY, chosen_at=at, has_warned=False)
        watch = _graced(watch, facts, policy)
        judge = _judge_rest if watch.state in POLLING else _judge_stream
        watch, actions = judge(watch, facts, at, policy)
        watch = replace(watch, checked_at=at)
    watch, trust = _trust(watch, facts, at, policy)
    return watch, actions + trust


def silence(watch: Watch, facts: Facts, at: Micros) -> Micros:
    """Return for how long the authoritative source's canaries have been silent."""
    since = max(_silent_since(watch, facts), watch.grace.until if watch.grace else Micros(0))
    return Micros(max(0, at - since))


def _silent_since(watch: Watch, facts: Facts) -> Micros:
    return max(watch.heard_at or Micros(0), watch.chosen_at, facts.plan.open)


def _graced(watch: Watch, facts: Facts, policy: Policy) -> Watch:
    """Grant a silence that began around an order fact of ours its one grace.

    Some OpenAlgo layouts stop forwarding for about 10 s when an order fills (openalgo.md 8, row 1).
    """
    since = _silent_since(watch, facts)
    if watch.grace is not None and watch.grace.silent_since == since:
        return watch
    span = seconds(policy.feed.post_fill_grace_s)
    if facts.order_at is None or not -span < facts.order_at - since <= span:
        return replace(watch, grace=None)
    return replace(watch, grace=Grace(silent_since=since, until=Micros(facts.order_at + span)))


def _is_check(watch: Watch, at: Micros, policy: Policy) -> bool:
    every = seconds(policy.watchdog.check_s)
    return at // every > watch.checked_at // every


def _judge_stream(watch: Watch, facts: Facts, at: Micros, policy: Policy) -> Decision:
    feed = policy.feed
    quiet = silence(watch, facts, at)
    is_check = _is_check(watch, at, policy)
    if is_check and quiet >= seconds(feed.fallback_s):
        return _fall_back(watch, at, f"no ticks for {feed.fallback_s} s")
    if facts.is_exposed and facts.rest_moving and quiet >= seconds(feed.fast_fallback_s):
        return _fall_back(watch, at, f"no ticks for {feed.fast_fallback_s} s while exposed")
    if is_check and quiet >= seconds(feed.stale_warn_s) and not watch.has_warned:
        reason = f"no ticks for {feed.stale_warn_s} s"
        watch = replace(watch, state=FeedState.SUSPECT, has_warned=True)
        return watch, (Reopen(reason),)
    if quiet < seconds(feed.fresh_canary_s):
        watch = replace(watch, state=FeedState.HEALTHY, has_warned=False)
    elif facts.is_exposed:
        watch = replace(watch, state=FeedState.SUSPECT)
    if is_check and facts.source is Source.REST:
        return watch, (Select(Source.PRIMARY, "it was chosen"),)
    return watch, ()


def _fall_back(watch: Watch, at: Micros, reason: str) -> Decision:
    watch = replace(watch, state=FeedState.FALLBACK, chosen_at=at)
    reopen = () if watch.has_warned else (Reopen("trying the WebSocket again"),)
    return replace(watch, has_warned=True), (Select(Source.REST, reason), *reopen)


def _judge_rest(watch: Watch, facts: Facts, at: Micros, policy: Policy) -> Decision:
    """Go back on the primary's own ticks only; say BLIND when polled prices stand still too."""
    if _has_returned(facts, at, policy):
        watch = replace(watch, state=FeedState.HEALTHY, chosen_at=at, has_warned=False)
        reason = f"its own ticks for {policy.feed.return_s} s"
        return watch, (Select(Source.PRIMARY, reason),)
    if facts.rest_moving:
        watch = replace(watch, state=FeedState.FALLBACK)
    elif at - watch.chosen_at >= seconds(policy.feed.rest_still_s):
        watch = replace(watch, state=FeedState.BLIND)
    if _is_check(watch, at, policy) and facts.source is not Source.REST:
        return watch, (Select(Source.REST, "it was chosen"),)
    return watch, ()


def _has_returned(facts: Facts, at: Micros, policy: Policy) -> bool:
    if facts.primary_since is None or facts.primary_canary_at is None:
        return False
    is_ticking = at - facts.primary_canary_at <= HOLE
    return is_ticking and at - facts.primary_since >= seconds(policy.feed.return_s)


def _trust(watch: Watch, facts: Facts, at: Micros, policy: Policy) -> Decision:
    """Say when trust changed. Losing it lingers, so that a short doubt cancels no resting entry."""
    bad = _distrust(watch, facts, policy)
    since = None if not bad else watch.bad_since if watch.bad_since is not None else at
    watch = replace(watch, bad_since=since, doubt=bad)
    lingers = watch.state in {FeedState.SUSPECT, FeedState.FALLBACK}
    is_due = since is None or not lingers or at - since >= seconds(policy.feed.entry_linger_s)
    if watch.is_trusted is not bool(bad) or not is_due:
        return watch, ()
    return replace(watch, is_trusted=not bad), (Trust(not bad, bad or "prices are live"),)


def _distrust(watch: Watch, facts: Facts, policy: Policy) -> str:
    """Return why nothing may be entered on these prices, '' if it may."""
    rest = policy.feed.rest_entries
    if watch.heard_at is None:
        return "no canary has ticked yet"
    if watch.state is FeedState.SUSPECT and watch.has_warned:
        return f"no ticks for {policy.feed.stale_warn_s} s"
    if watch.state is FeedState.FALLBACK and not facts.rest_moving:
        return "polled prices are not proved yet"
    if (
        watch.state is FeedState.FALLBACK
        and rest != "always"
        and (rest, policy.is_paper)
        != (
            "paper",
            True,
        )
    ):
        return f"prices are polled and feed.rest_entries is {rest}"
    return {FeedState.OFF: "outside the session", FeedState.BLIND: "no live prices"}.get(
        watch.state, ""
    )


def coverage(seen: int, subscribed: int) -> str:
    """Return seen of subscribed in percent, one decimal, half up; 100.0 only if all were seen."""
    if not subscribed:
        return "0.0"
    tenths = divide_half_up(1000 * seen, subscribed)
    if seen < subscribed:
        tenths = min(tenths, 999)
    return f"{tenths // 10}.{tenths % 10}"


def heartbeat(positions: int, seen: int, subscribed: int, stale: int, source: Source) -> str:
    """Return the line of the minute; `seen`, `subscribed` and `stale` count options only."""
    return (
        f"Positions: {positions} | Data: {seen}/{subscribed}"
        f" | Coverage: {coverage(seen, subscribed)}% | Stale: {stale} | Source: {source.tag}"
    )
