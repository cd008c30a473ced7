"""The feed's state as messages, and messages as the facts it is judged by."""

from typing import assert_never

from domain.exposure import Exposure
from domain.feed import Feed, Lost, Regained
from domain.feed_health import Facts, heartbeat
from domain.market import Source
from domain.session import DayPlan
from domain.signs import Sign
from domain.units import Micros
from messages.market import FeedHealth, FeedLost, FeedRestored


def health_of(feed: Feed, at: Micros) -> FeedHealth:
    """Return the vital signs of a feed."""
    intake, authority, connection = feed.intake, feed.authority, feed.connection
    primary = intake.beats[Source.PRIMARY]
    return FeedHealth(
        at=at,
        source=authority.source,
        epoch=feed.newest_epoch,
        connected=connection.is_ready,
        canary_at=intake.beats[authority.source].newest,
        primary_canary_at=primary.newest,
        primary_since=primary.steady_since,
        rest_moving=feed.polling.is_moving(at),
        seen=intake.sightings.seen,
        subscribed=intake.sightings.subscribed,
        stale=intake.sightings.stale(at),
        ticks=intake.ticks,
        last_tick_at=intake.last_tick_at,
        switches=authority.switches,
        streams=(_primary_sign(feed),),
        rest=feed.polling.verdict(at),
        mute=intake.sightings.mute,
    )


def _primary_sign(feed: Feed) -> Sign:
    beat, connection = feed.intake.beats[Source.PRIMARY], feed.connection
    return Sign(
        source=Source.PRIMARY,
        canary_at=beat.newest,
        since=beat.steady_since,
        is_ready=connection.is_ready and connection.is_live,
        agrees=True,
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


def facts_of(plan: DayPlan, health: FeedHealth, exposure: Exposure) -> Facts:
    """Return what the feed is judged by."""
    return Facts(
        plan=plan,
        source=health.source,
        canary_at=health.canary_at,
        primary_canary_at=health.primary_canary_at,
        primary_since=health.primary_since,
        rest_moving=health.rest_moving,
        is_exposed=exposure.is_exposed,
        order_at=exposure.order_at,
        streams=health.streams,
        rest=health.rest,
        near_circuit=health.near_circuit,
        jumped_at=health.jumped_at,
    )


def heartbeat_of(positions: int, health: FeedHealth | None) -> str:
    """Return the line of the minute, also before the feed was ever heard of."""
    if health is None:
        return heartbeat(positions, 0, 0, 0, Source.PRIMARY)
    return heartbeat(positions, health.seen, health.subscribed, health.stale, health.source)
