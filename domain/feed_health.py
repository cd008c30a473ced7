"""When a feed is doubted, left and trusted again: the watchdog's policy.

Losing data never touches a protected short. An outage blocks entries and switches the source; stops
rest at the exchange meanwhile, and only minutes of real blindness flatten (`domain.darkness`).
"""

from collections.abc import Callable, Iterable
from itertools import takewhile

from msgspec.structs import replace

from domain.darkness import tell_darkness
from domain.feed_memory import remember
from domain.feed_trust import weigh_trust
from domain.feed_watch import (
    DARK,
    UNANSWERED,
    Actions,
    Decision,
    Facts,
    FeedState,
    Grace,
    Moment,
    Policy,
    Reopen,
    Say,
    Select,
    Urgency,
    Watch,
)
from domain.hysteresis import agrees, is_steady, is_ticking
from domain.market import Source
from domain.signs import RestVerdict, Sign
from domain.units import Micros, seconds

AT_ONCE = Micros(0)

REST_REMEDY = (
    "is the broker connected in OpenAlgo, and is streaming on? Log in to the broker again there,"
    " then restart its WebSocket service"
)

STUCK = (
    f"the feed actor is stuck: it left {UNANSWERED} pulses unanswered, and its last word is not"
    " believed any more. Stops rest at the exchange; restart the agent"
)


def decide(watch: Watch, facts: Facts, at: Micros, policy: Policy) -> Decision:
    """Return what is thought of the feed at `at`, and what follows. Asked at every pulse.

    The slow thresholds are looked at every `watchdog.check_s`, at whole multiples of it; the fast
    ones, while money is exposed, the backup and every return are looked at each time.
    """
    now = Moment(facts, at, policy)
    watch = remember(watch, now)
    actions: Actions = ()
    if not facts.plan.open <= at < facts.plan.close:
        watch = replace(watch, state=FeedState.OFF, darkness=None)
    else:
        if watch.state is FeedState.OFF:
            watch = _opened(watch, at)
        watch, actions = _judge(_graced(watch, now), now)
        watch = replace(watch, checked_at=at)
    watch, trust = weigh_trust(watch, now)
    return watch, actions + trust


def silence(watch: Watch, facts: Facts, at: Micros) -> Micros:
    """Return for how long the authoritative source's canaries have been silent."""
    since = max(_silent_since(watch, facts), watch.grace.until if watch.grace else Micros(0))
    return Micros(max(0, at - since))


def _silent_since(watch: Watch, facts: Facts) -> Micros:
    known = (watch.heard_at, facts.jumped_at, watch.chosen_at, facts.plan.open)
    return max(instant for instant in known if instant is not None)


def _opened(watch: Watch, at: Micros) -> Watch:
    """Begin the session: what was switched before is another day's."""
    return Watch(
        state=FeedState.HEALTHY,
        chosen_at=at,
        heard_at=watch.heard_at,
        checked_at=watch.checked_at,
        is_trusted=watch.is_trusted,
        is_blind=watch.is_blind,
        bad_since=watch.bad_since,
    )


def _graced(watch: Watch, now: Moment) -> Watch:
    """Grant a silence that began around an order fact of ours its one grace.

    Some OpenAlgo layouts stop forwarding for about 10 s when an order fills (openalgo.md 8, row 1).
    """
    facts = now.facts
    since = _silent_since(watch, facts)
    if watch.grace is not None and watch.grace.silent_since == since:
        return watch
    span = seconds(now.feed.post_fill_grace_s)
    if facts.order_at is None or not -span < facts.order_at - since <= span:
        return replace(watch, grace=None)
    return replace(watch, grace=Grace(silent_since=since, until=Micros(facts.order_at + span)))


def _judge(watch: Watch, now: Moment) -> Decision:
    rules = REST_RULES if watch.chosen is Source.REST else STREAM_RULES
    found = (rule(watch, now) for rule in rules)
    watch, actions = next((each for each in found if each is not None), (watch, ()))
    watch, stuck = _tell_stuck(watch, now)
    watch, alerted = _alert(watch, now)
    watch, told = tell_darkness(watch, now)
    return watch, actions + _repeated(watch, now, actions) + stuck + alerted + told


def _recover(watch: Watch, now: Moment) -> Decision | None:
    """See that the stream in use ticks. One tick is enough, but not to end a darkness."""
    was_dark = watch.state in DARK
    is_live = watch.heard_at is not None and now.at - watch.heard_at < seconds(
        now.feed.fresh_canary_s
    )
    sign = now.facts.sign(watch.chosen)
    if not is_live or (was_dark and not _is_steady(sign, now, AT_ONCE)):
        return None
    is_unproved = was_dark or watch.is_unproved
    after = replace(
        watch,
        state=FeedState.HEALTHY,
        has_warned=False,
        is_unproved=is_unproved and not _is_steady(sign, now, seconds(now.feed.return_s)),
    )
    said = watch.has_warned and not was_dark
    return after, (Say(f"ticks are back on {watch.chosen}"),) if said else ()


def _prefer(watch: Watch, now: Moment) -> Decision | None:
    """Go back from the backup to a stream that is preferred to it, by hysteresis."""
    before = takewhile(lambda sign: sign.source is not watch.chosen, now.facts.streams)
    dwell = watch.flaps.dwell(now.at, now.feed)
    back = _first(before, lambda sign: _has_returned(sign, now, dwell))
    if back is None or not watch.flaps.has_budget(now.at, now.feed):
        return None
    return _take(watch, now, back.source, _own_ticks(dwell), is_fall=False)


def _take_backup(watch: Watch, now: Moment) -> Decision | None:
    """Leave a silent stream for another that ticks; the hour's budget may forbid it, but no death.

    Without budget REST is the better place, as long as it is not dead itself.
    """
    after_s = now.feed.backup_after_s
    may = watch.flaps.has_budget(now.at, now.feed) or now.facts.is_rest_dead
    if not may or silence(watch, now.facts, now.at) < seconds(after_s):
        return None
    others = [sign for sign in now.facts.streams if sign.source is not watch.chosen]
    other = _first(others, lambda sign: is_ticking(sign, now.at) and agrees(sign, now.facts.rest))
    if other is None:
        return None
    reason = f"no ticks of {watch.chosen} for {after_s} s"
    return _leave(watch, now, other.source, reason)


def _see_light(watch: Watch, now: Moment) -> Decision | None:
    """In the dark: stay with the mute stream until polled prices move."""
    if watch.state not in DARK:
        return None
    if now.facts.rest is RestVerdict.LIVE:
        return _leave(watch, now, Source.REST, "polled prices move again")
    return watch, ()


def _fall_back(watch: Watch, now: Moment) -> Decision | None:
    """Poll what no stream tells; where polled prices are dead as well it is dark."""
    feed, facts = now.feed, now.facts
    quiet = silence(watch, facts, now.at)
    is_fast = facts.is_exposed and quiet >= seconds(feed.fast_fallback_s)
    if is_fast and facts.rest is RestVerdict.LIVE:
        reason = f"no ticks for {feed.fast_fallback_s} s while exposed"
        return _leave(watch, now, Source.REST, reason)
    if not now.is_check(watch) or quiet < seconds(feed.fallback_s):
        return None
    if facts.is_rest_dead:
        dark = replace(watch, state=FeedState.BLIND, has_warned=True)
        return _reopen(dark, now, watch.chosen, f"no ticks for {feed.fallback_s} s")
    return _leave(watch, now, Source.REST, f"no ticks for {feed.fallback_s} s")


def _suspect(watch: Watch, now: Moment) -> Decision | None:
    """Warn once in a silence; while money is exposed note it sooner."""
    warn_s = now.feed.stale_warn_s
    quiet = silence(watch, now.facts, now.at)
    if now.is_check(watch) and quiet >= seconds(warn_s) and not watch.has_warned:
        doubted = replace(watch, state=FeedState.SUSPECT, has_warned=True)
        return _reopen(doubted, now, watch.chosen, f"no ticks for {warn_s} s")
    if now.facts.is_exposed and quiet >= seconds(now.feed.fresh_canary_s):
        return replace(watch, state=FeedState.SUSPECT), ()
    return None


def _return(watch: Watch, now: Moment) -> Decision | None:
    """Go back on a stream's own ticks only; out of budget REST is kept while it lives."""
    feed, is_gone = now.feed, _is_rest_gone(watch, now)
    dwell = seconds(feed.return_s) if is_gone else watch.flaps.dwell(now.at, feed)
    back = _first(now.facts.streams, lambda sign: _has_returned(sign, now, dwell))
    if back is None:
        return None
    if is_gone or watch.flaps.has_budget(now.at, feed):
        unpinned = replace(watch, flaps=replace(watch.flaps, is_pinned=False))
        return _take(unpinned, now, back.source, _own_ticks(dwell), is_fall=False)
    if watch.flaps.is_pinned:
        return None
    pinned = replace(watch, flaps=replace(watch.flaps, is_pinned=True))
    text = (
        f"REST is kept until the day ends: {len(watch.flaps.switches)} switches in an hour are"
        f" enough. Look at {back.source} in OpenAlgo; a restart of the agent tries it again"
    )
    return replace(pinned, state=FeedState.FALLBACK), (Say(text, Urgency.PAGE),)


def _poll(watch: Watch, now: Moment) -> Decision | None:
    """Say whether polled prices live, or a stream is on its way back; else it is dark."""
    lives = any(_is_steady(sign, now, AT_ONCE) for sign in now.facts.streams)
    is_dark = _is_rest_gone(watch, now) and not lives
    return replace(watch, state=FeedState.BLIND if is_dark else FeedState.FALLBACK), ()


Rule = Callable[[Watch, Moment], Decision | None]
STREAM_RULES: tuple[Rule, ...] = (_prefer, _recover, _take_backup, _see_light, _fall_back, _suspect)
REST_RULES: tuple[Rule, ...] = (_return, _poll)


def _is_rest_gone(watch: Watch, now: Moment) -> bool:
    """Whether REST, which has the say, is dead, or was not proved in time."""
    # Who slept has not been polling.
    since = max(watch.chosen_at, now.facts.jumped_at or AT_ONCE)
    is_late = now.at - since >= seconds(now.feed.rest_still_s)
    return now.facts.is_rest_dead or (is_late and now.facts.rest is not RestVerdict.LIVE)


def _has_returned(sign: Sign, now: Moment, dwell: Micros) -> bool:
    return is_steady(sign, now.at, dwell) and agrees(sign, now.facts.rest)


def _is_steady(sign: Sign | None, now: Moment, dwell: Micros) -> bool:
    return sign is not None and is_steady(sign, now.at, dwell)


def _first(signs: Iterable[Sign], fits: Callable[[Sign], bool]) -> Sign | None:
    return next((sign for sign in signs if fits(sign)), None)


def _own_ticks(dwell: Micros) -> str:
    return f"its own ticks for {dwell // seconds(1)} s"


def _leave(watch: Watch, now: Moment, source: Source, reason: str) -> Decision:
    """Leave a silent stream, and have it connected again."""
    left = watch.chosen
    watch, selected = _take(watch, now, source, reason, is_fall=True)
    watch, reopened = _reopen(watch, now, left, "trying the WebSocket again")
    return watch, selected + reopened


def _take(watch: Watch, now: Moment, source: Source, reason: str, *, is_fall: bool) -> Decision:
    taken = replace(
        watch,
        state=FeedState.FALLBACK if source is Source.REST else FeedState.HEALTHY,
        chosen=source,
        chosen_at=now.at,
        has_warned=False,
        flaps=watch.flaps.switched(now.at, is_fall=is_fall),
        is_unproved=is_fall and watch.state in DARK,
        has_alerted=False,
    )
    return taken, (Select(source, reason),)


def _reopen(watch: Watch, now: Moment, source: Source, reason: str) -> Decision:
    """Ask for a new socket once in a silence, named by the last tick before it.

    The feed goes on trying, and looks after streams that are not in use, by itself.
    """
    sign = now.facts.sign(source)
    named = (source, (sign.canary_at if sign else None) or Micros(0))
    if named in watch.reopened:
        return watch, ()
    others = tuple(each for each in watch.reopened if each[0] is not source)
    return replace(watch, reopened=(*others, named)), (Reopen(source, reason),)


def _tell_stuck(watch: Watch, now: Moment) -> Decision:
    """Page once that the feed says nothing more, and tell when it does again."""
    is_stuck = now.facts.is_stuck
    if is_stuck is watch.is_stuck:
        return watch, ()
    urgency = Urgency.PAGE if is_stuck else Urgency.WARNING
    text = STUCK if is_stuck else "the feed actor speaks again"
    return replace(watch, is_stuck=is_stuck), (Say(text, urgency),)


def _alert(watch: Watch, now: Moment) -> Decision:
    """Tell once how to end a long time on polled prices."""
    after_s = now.feed.rest_alert_s
    is_due = watch.chosen is Source.REST and now.at - watch.chosen_at >= seconds(after_s)
    if not is_due or watch.has_alerted:
        return watch, ()
    text = f"{Source.REST.tag} for {after_s} s: {REST_REMEDY}"
    return replace(watch, has_alerted=True), (Say(text, Urgency.PAGE),)


def _repeated(watch: Watch, now: Moment, actions: Actions) -> Actions:
    """Give an order again that was lost, at the next check."""
    was_said = any(isinstance(action, Select) for action in actions)
    if was_said or not now.is_check(watch) or now.facts.source is watch.chosen:
        return ()
    return (Select(watch.chosen, "it was chosen"),)
