"""What is kept of the feed between two looks: neither a rebuilt feed's nor the future's."""

from typing import Any

import pytest

from domain.feed_memory import remember
from domain.feed_watch import Darkness, FeedState, Moment, Watch
from domain.units import SECOND, Micros
from tests.domain.feed_day import (
    BACKUP,
    LIVE_REST,
    PRIMARY,
    STALE,
    a_policy,
    a_sign,
    some_facts,
)
from tests.domain.tape import at

NEAR = Watch(heard_at=at("10:00"), near_at=at("10:00"))


def remembered(watch: Watch, wall: str, **facts: Any) -> Watch:
    return remember(watch, Moment(some_facts(**facts), at(wall), a_policy()))


@pytest.mark.parametrize(
    ("facts", "near_at"),
    [
        ({"rest": STALE}, at("10:00")),
        ({"rest": STALE, "canary_at": at("10:00")}, at("10:00")),
        ({"rest": LIVE_REST}, None),
        ({"rest": STALE, "canary_at": at("10:01")}, None),
        ({"rest": STALE, "streams": (a_sign(BACKUP, canary_at=at("10:01")),)}, None),
        ({"rest": LIVE_REST, "canary_at": at("10:01"), "near_circuit": True}, at("10:01")),
    ],
)
def test_near_circuit_is_kept_until_a_tick_or_polled_prices_could_deny_it(
    facts: dict[str, Any], near_at: Micros | None
) -> None:
    assert remembered(NEAR, "10:02", **facts).near_at == near_at


def test_near_circuit_known_without_any_tick_is_denied_by_the_first() -> None:
    watch = remembered(Watch(), "10:00", near_circuit=True)
    assert watch.near_at == 0
    assert remembered(watch, "10:00:01").near_at == 0
    assert remembered(watch, "10:00:02", canary_at=at("10:00:02")).near_at is None


def test_socket_is_remembered_by_when_it_stood_last() -> None:
    gone = a_sign(BACKUP, is_connected=False)
    watch = remembered(Watch(), "10:00", streams=(a_sign(), a_sign(BACKUP)))
    watch = remembered(watch, "10:01", streams=(a_sign(), gone))
    assert watch.linked == ((PRIMARY, at("10:01")), (BACKUP, at("10:00")))


def test_clock_that_was_set_back_leaves_no_instant_of_the_future() -> None:
    later, now = at("11:00"), at("10:00")
    dark = Darkness(
        state=FeedState.BLIND, began_at=later, since=later, told_at=later, held_since=later
    )
    watch = Watch(
        chosen_at=later,
        heard_at=later,
        darkness=dark,
        paged_at=later,
        bad_since=later,
        near_at=later,
        linked=((PRIMARY, later),),
    )
    watch = remembered(watch, "10:00", jumped_at=now, streams=(), rest=STALE)
    assert watch == Watch(
        chosen_at=now,
        heard_at=now,
        darkness=Darkness(
            state=FeedState.BLIND, began_at=now, since=now, told_at=now, held_since=now
        ),
        paged_at=now,
        bad_since=now,
        near_at=now,
        linked=((PRIMARY, now),),
    )


def test_past_is_left_as_it_is() -> None:
    known = Watch(
        chosen_at=at("09:20"),
        heard_at=at("09:59:59"),
        paged_at=at("09:30"),
        bad_since=at("09:40"),
        linked=((PRIMARY, at("09:50")),),
    )
    assert remembered(known, "10:00", streams=(), canary_at=Micros(at("10:00") - SECOND)) == known
