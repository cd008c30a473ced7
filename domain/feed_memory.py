"""What the watchdog's policy keeps of the feed from one look to the next.

A feed that was rebuilt has forgotten what it heard; a clock that was set back leaves instants of
the future behind, which would hold everything up for as long.
"""

from msgspec.structs import replace

from domain.canaries import HOLE
from domain.feed_watch import Darkness, Moment, Watch
from domain.market import Source
from domain.signs import RestVerdict
from domain.units import Micros


def remember(watch: Watch, now: Moment) -> Watch:
    """Take in what the facts show, and take the future out."""
    watch = _of_now(watch, now.at)
    watch = replace(watch, heard_at=_heard(watch, now))
    return replace(watch, near_at=_near(watch, now), linked=_linked(watch, now))


def _of_now(watch: Watch, at: Micros) -> Watch:
    return replace(
        watch,
        chosen_at=min(watch.chosen_at, at),
        paged_at=_past(watch.paged_at, at),
        bad_since=_past(watch.bad_since, at),
        near_at=_past(watch.near_at, at),
        linked=tuple((source, min(seen, at)) for source, seen in watch.linked),
        darkness=_dark_of_now(watch.darkness, at),
    )


def _dark_of_now(darkness: Darkness | None, at: Micros) -> Darkness | None:
    if darkness is None:
        return None
    return replace(
        darkness,
        began_at=min(darkness.began_at, at),
        since=min(darkness.since, at),
        told_at=min(darkness.told_at, at),
        held_since=_past(darkness.held_since, at),
    )


def _past(instant: Micros | None, at: Micros) -> Micros | None:
    return None if instant is None else min(instant, at)


def _heard(watch: Watch, now: Moment) -> Micros | None:
    newest = max(_ticks(watch.heard_at, now.facts.canary_at), default=None)
    if newest is not None and newest > now.at + HOLE and now.facts.jumped_at is not None:
        return now.facts.jumped_at
    return newest


def _near(watch: Watch, now: Moment) -> Micros | None:
    """Keep that the index is near a circuit limit until a tick or polled prices could deny it."""
    facts = now.facts
    ticks = _ticks(watch.heard_at, *(sign.canary_at for sign in facts.streams))
    newest = max(ticks, default=Micros(0))
    if facts.near_circuit:
        return newest
    if watch.near_at is None or newest > watch.near_at or facts.rest is RestVerdict.LIVE:
        return None
    return watch.near_at


def _linked(watch: Watch, now: Moment) -> tuple[tuple[Source, Micros], ...]:
    standing = {sign.source: now.at for sign in now.facts.streams if sign.is_connected}
    return tuple((dict(watch.linked) | standing).items())


def _ticks(*ticks: Micros | None) -> list[Micros]:
    return [tick for tick in ticks if tick is not None]
