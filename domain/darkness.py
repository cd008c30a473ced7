"""No source has live prices: what people are told, and when the shorts are left for it.

Stops rest at the exchange meanwhile. An exchange that stands still is no reason to leave a short.
"""

from itertools import pairwise

from msgspec.structs import replace

from domain.feed_watch import (
    DARK,
    Action,
    Actions,
    Darkness,
    Decision,
    Facts,
    FeedState,
    Flatten,
    Moment,
    Say,
    Urgency,
    Watch,
)
from domain.units import MINUTE, Micros, seconds

LOOK = (
    "Nothing is entered, resting entries end, stops rest at the exchange and are read again and"
    " again. Look at the broker's terminal; is OpenAlgo up, is the broker logged in there?"
)

PAGES_APART = seconds(300)
"""Prices that come and go page no more often than this."""

LINKED = seconds(90)
"""A mute socket is given up and opened again, 60 s later at most: so long its server is there."""


def tell_darkness(watch: Watch, now: Moment) -> Decision:
    """Page once when it grows dark, speak each minute, say that it is over, flatten in time."""
    if watch.state not in DARK:
        return _light(watch, now)
    state = FeedState.HALT if _why_halt(watch, now) else FeedState.BLIND
    watch, known, said = _told(replace(watch, state=state), now)
    known, left = _flatten(known, watch, now)
    return replace(watch, darkness=known), said + left


def _told(watch: Watch, now: Moment) -> tuple[Watch, Darkness, Actions]:
    state, known = watch.state, watch.darkness
    held_since = _held_since(known, now)
    begun = Darkness(
        state=state, began_at=now.at, since=now.at, told_at=now.at, held_since=held_since
    )
    if known is not None and known.state is state:
        known, said = _minute(replace(known, held_since=held_since), now)
    elif known is not None:
        known = replace(begun, began_at=known.began_at)
        text = f"now {state.upper()}: {_cause(watch, now)}; {_outlook(known, now)}"
        said = (Say(text, Urgency.WARNING),)
    else:
        known = begun
        text = f"{state.upper()}: {_cause(watch, now)}; {_outlook(known, now)}. {LOOK}"
        is_again = watch.paged_at is not None and now.at - watch.paged_at < PAGES_APART
        watch = watch if is_again else replace(watch, paged_at=now.at)
        said = (Say(text, Urgency.WARNING if is_again else Urgency.PAGE),)
    return watch, known, said


def _held_since(known: Darkness | None, now: Moment) -> Micros | None:
    if not now.facts.positions:
        return None
    return now.at if known is None or known.held_since is None else known.held_since


def _light(watch: Watch, now: Moment) -> Decision:
    known = watch.darkness
    if known is None:
        return watch, ()
    text = f"prices live again after {_span(now.at - known.began_at)}: {watch.chosen.tag}"
    return replace(watch, darkness=None), (Say(text, Urgency.WARNING),)


def _minute(known: Darkness, now: Moment) -> tuple[Darkness, Actions]:
    left = _left(known, now)
    is_due = left is not None and left <= 0 and not known.has_flattened
    if is_due or now.at - known.told_at < MINUTE:
        return known, ()
    spent = _span(now.at - known.began_at)
    text = f"{known.state.upper()} for {spent}: {_outlook(known, now)}"
    return replace(known, told_at=now.at), (Say(text, Urgency.WARNING),)


def _flatten(known: Darkness, watch: Watch, now: Moment) -> tuple[Darkness, Actions]:
    """Leave every short when it is time; a word that was lost is said again at the next check."""
    left = _left(known, now)
    is_again = known.has_flattened and not now.is_check(watch)
    if left is None or left > 0 or is_again:
        return known, ()
    actions: tuple[Action, ...] = (Flatten(),)
    if not known.has_flattened:
        spent = _span(now.at - known.began_at)
        text = f"BLIND for {spent}: {_shorts(now.facts)} flattened now, at the stops' limit prices"
        actions = (Say(text, Urgency.PAGE), *actions)
        known = replace(known, has_flattened=True, told_at=now.at)
    return known, actions


def _left(known: Darkness, now: Moment) -> Micros | None:
    """Return how long until the shorts are left; None if they are not."""
    after_s = now.policy.exit.blind_flatten_s
    if not after_s or known.state is FeedState.HALT or not now.facts.positions:
        return None
    # Who slept has not been looking for prices, nor has a short that was not there been without.
    waits = (known.since, now.facts.jumped_at, known.held_since)
    since = max(instant for instant in waits if instant is not None)
    return Micros(since + seconds(after_s) - now.at)


def _outlook(known: Darkness, now: Moment) -> str:
    if not now.facts.positions:
        return "nothing is held"
    left = _left(known, now)
    if left is None:
        return f"{_shorts(now.facts)} kept"
    if left <= 0:
        return f"{_shorts(now.facts)} being flattened"
    return f"{_shorts(now.facts)} flattened in {_span(left)} unless prices return"


def _shorts(facts: Facts) -> str:
    return "1 short is" if facts.positions == 1 else f"{facts.positions} shorts are"


def _cause(watch: Watch, now: Moment) -> str:
    why = _why_halt(watch, now)
    return f"no source has live prices, and {why}" if why else "no source has live prices"


def _why_halt(watch: Watch, now: Moment) -> str:
    """Return why the exchange itself may have stopped; '' if nothing speaks for it.

    Two servers that fell silent tell something of it only while both can be reached.
    """
    if watch.near_at is not None:
        return "the index is near a circuit limit: the exchange may have halted"
    linked = {source for source, seen in watch.linked if now.at - seen < LINKED}
    signs = [sign for sign in now.facts.streams if sign.source in linked]
    last = sorted(sign.canary_at for sign in signs if sign.canary_at is not None)
    within = seconds(now.feed.backup_after_s)
    if any(later - earlier <= within for earlier, later in pairwise(last[-2:])):
        return "two servers fell silent together: the exchange may have halted"
    return ""


def _span(span: int) -> str:
    return f"{span // seconds(1)} s"
