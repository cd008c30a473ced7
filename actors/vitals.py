"""The feed's state as messages, and messages as the facts it is judged by."""

from typing import assert_never

from msgspec.structs import replace

from domain.exposure import Exposure
from domain.feed import Feed
from domain.feed_effects import Lost, Regained
from domain.feed_watch import UNANSWERED, Facts
from domain.heartbeat import heartbeat
from domain.market import Source
from domain.session import DayPlan
from domain.signs import RestVerdict
from domain.units import Micros
from messages.market import FeedHealth, FeedLost, FeedRestored


def health_of(feed: Feed, at: Micros) -> FeedHealth:
    """Return the vital signs of a feed."""
    intake, source = feed.intake, feed.authority.source
    sightings = intake.sightings[source]
    return FeedHealth(
        at=at,
        source=source,
        epoch=feed.newest_epoch,
        canary_at=intake.beats[source].newest,
        seen=sightings.seen,
        subscribed=sightings.subscribed,
        stale=sightings.stale(at),
        ticks=intake.ticks,
        last_tick_at=intake.last_tick_at,
        switches=feed.authority.switches,
        streams=tuple(upstream.sign(at) for upstream in feed.upstreams.values()),
        rest=feed.polling.verdict(at),
        near_circuit=feed.is_near_circuit(),
        jumped_at=feed.jumped_at,
        mute=sightings.mute,
    )


def outage_of(effect: Lost | Regained, at: Micros) -> FeedLost | FeedRestored:
    """Return the loss or the return of prices as it is told."""
    match effect:
        case Lost(source=source, epoch=epoch, since=since, reason=reason):
            return FeedLost(at=at, source=source, epoch=epoch, since=since, reason=reason)
        case Regained(source=source, epoch=epoch, since=since, until=until):
            return FeedRestored(at=at, source=source, epoch=epoch, since=since, until=until)
        case _:
            assert_never(effect)


def facts_of(
    plan: DayPlan,
    health: FeedHealth,
    exposure: Exposure,
    *,
    jumped_at: Micros | None = None,
    unanswered: int = 0,
) -> Facts:
    """Return what the feed is judged by.

    `jumped_at` is the newest jump of the clock that the watchdog itself was told of. After too many
    `unanswered` pulses the feed's last word proves nothing any more, of REST or of any stream.
    """
    facts = Facts(
        plan=plan,
        source=health.source,
        canary_at=health.canary_at,
        streams=health.streams,
        rest=health.rest,
        positions=exposure.positions,
        is_exposed=exposure.is_exposed,
        order_at=exposure.order_at,
        near_circuit=health.near_circuit,
        jumped_at=health.jumped_at if jumped_at is None else jumped_at,
    )
    if unanswered <= UNANSWERED:
        return facts
    return replace(facts, rest=RestVerdict.UNUSABLE, streams=(), is_stuck=True)


def heartbeat_of(positions: int, health: FeedHealth | None) -> str:
    """Return the line of the minute, also before the feed was ever heard of."""
    if health is None:
        return heartbeat(positions, 0, 0, 0, Source.PRIMARY)
    return heartbeat(positions, health.seen, health.subscribed, health.stale, health.source)
