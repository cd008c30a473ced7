"""Whether prices are good enough to enter on. Entries are lost slowly and given back at once."""

from msgspec.structs import replace

from domain.feed_watch import DARK, Decision, FeedState, Moment, Trust, Watch
from domain.signs import RestVerdict
from domain.units import seconds

LINGERING = frozenset({FeedState.SUSPECT, FeedState.FALLBACK})


def weigh_trust(watch: Watch, now: Moment) -> Decision:
    """Say when trust changed. Losing it lingers, so that a short doubt cancels no resting entry."""
    bad = _distrust(watch, now)
    since = None if not bad else watch.bad_since if watch.bad_since is not None else now.at
    linger = seconds(now.feed.entry_linger_s) if watch.state in LINGERING else 0
    is_lost = since is not None and now.at - since >= linger
    is_trusted = not bad or (watch.is_trusted and not is_lost)
    is_blind = watch.state in DARK
    is_told = (is_trusted, is_blind) == (watch.is_trusted, watch.is_blind)
    watch = replace(watch, bad_since=since, doubt=bad, is_trusted=is_trusted, is_blind=is_blind)
    if is_told:
        return watch, ()
    return watch, (Trust(is_trusted, bad or "prices are live", is_blind=is_blind),)


def _distrust(watch: Watch, now: Moment) -> str:
    """Return why nothing may be entered on these prices, '' if it may."""
    if watch.heard_at is None:
        return "no canary has ticked yet"
    match watch.state:
        case FeedState.OFF:
            return "outside the session"
        case FeedState.BLIND | FeedState.HALT:
            return "no live prices"
        case FeedState.FALLBACK:
            return _distrust_polled(now)
        case _:
            return _distrust_stream(watch, now)


def _distrust_stream(watch: Watch, now: Moment) -> str:
    if watch.has_warned:
        return f"no ticks for {now.feed.stale_warn_s} s"
    return "the feed has to prove itself first" if watch.is_unproved else ""


def _distrust_polled(now: Moment) -> str:
    rest = now.feed.rest_entries
    if now.facts.rest is not RestVerdict.LIVE:
        return "polled prices are not proved yet"
    may_enter = rest == "always" or (rest == "paper" and now.policy.is_paper)
    return "" if may_enter else f"prices are polled and feed.rest_entries is {rest}"
