"""Whether prices are good enough to enter on."""

import pytest
from msgspec.structs import replace

from domain.feed_health import decide
from domain.feed_watch import FeedState, Trust, Watch
from tests.domain.feed_day import (
    LIVE,
    LIVE_REST,
    NEVER,
    REST,
    STALE,
    Day,
    a_policy,
    ever,
    silent_from,
    some_facts,
)
from tests.domain.tape import at


@pytest.mark.parametrize(
    ("rest_entries", "is_paper", "may_enter"),
    [
        ("never", True, False),
        ("paper", True, True),
        ("paper", False, False),
        ("always", False, True),
    ],
)
def test_entries_on_polled_prices_follow_the_setting(
    rest_entries: str, is_paper: bool, may_enter: bool
) -> None:
    policy = a_policy(is_paper=is_paper, rest_entries=rest_entries)
    day = Day(silent_from("10:00:00"), policy)
    day.facts = some_facts(rest=LIVE_REST, is_exposed=True)
    day.play("09:59", "10:01")
    assert day.state() is FeedState.FALLBACK
    assert day.watch.is_trusted is may_enter
    expected = [] if may_enter else [("10:00:25", f"feed.rest_entries is {rest_entries}")]
    lost = [(w, a.reason) for w, a in day.said(Trust) if isinstance(a, Trust) and not a.entries]
    assert [wall for wall, _ in lost] == [wall for wall, _ in expected]
    assert all(reason.endswith(end) for (_, reason), (_, end) in zip(lost, expected, strict=True))


def test_entries_are_off_on_polled_prices_that_are_not_proved() -> None:
    policy = a_policy(rest_entries="always")
    day = Day(silent_from("10:00:00"), policy).play("09:59", "10:02:10")
    assert not day.watch.is_trusted
    day.facts = replace(day.facts, rest=LIVE_REST)
    day.play("10:02:10", "10:02:11")
    assert day.log[-1] == ("10:02:10", LIVE)


def test_doubt_shorter_than_the_linger_cancels_nothing() -> None:
    day = Day(silent_from("10:00:00", "10:00:24"))
    day.facts = some_facts(is_exposed=True, rest=LIVE_REST)
    day.play("09:59", "10:00:25")
    assert day.watch.bad_since == at("10:00:20")
    assert day.watch.is_trusted
    day.play("10:00:25", "10:00:26")
    assert day.log[-1] == ("10:00:25", NEVER)


def test_clock_set_back_gives_a_doubt_no_more_time() -> None:
    day = Day(silent_from("10:00"))
    day.facts = some_facts(is_exposed=True, rest=LIVE_REST)
    day.play("09:59", "10:00:22")
    assert day.watch.bad_since == at("10:00:20")
    day.facts = replace(day.facts, jumped_at=at("09:30"))
    day.play("09:30", "09:30:06")
    assert day.log[-1] == ("09:30:05", NEVER)


def test_blindness_does_not_linger() -> None:
    policy = a_policy(rest_entries="always", entry_linger_s=120)
    polling = Watch(
        state=FeedState.FALLBACK,
        chosen=REST,
        chosen_at=at("10:00"),
        heard_at=at("10:00"),
        is_trusted=True,
    )
    watch, actions = decide(polling, some_facts(source=REST, rest=STALE), at("10:05"), policy)
    assert actions[-1] == Trust(entries=False, reason="no live prices", is_blind=True)
    assert not watch.is_trusted


def test_blindness_is_told_though_entries_were_off_before() -> None:
    day = Day(silent_from("10:00", "10:10"))
    day.facts = some_facts(rest=LIVE_REST)
    day.play("09:59", "10:04")
    day.facts = replace(day.facts, rest=STALE)
    day.play("10:04", "10:05")
    assert day.said(Trust)[-1] == (
        "10:04:00",
        Trust(entries=False, reason="no live prices", is_blind=True),
    )
    day.ticks = ever
    day.play("10:05", "10:06")
    assert [(a.entries, a.is_blind) for _, a in day.said(Trust)[-2:] if isinstance(a, Trust)] == [
        (False, False),
        (True, False),
    ]


def test_stream_that_comes_back_out_of_the_dark_is_entered_on_after_30_s_of_ticks() -> None:
    day = Day(silent_from("10:00", "10:05"))
    day.facts = some_facts(rest=STALE)
    day.play("09:59", "10:06")
    assert day.switches() == []
    told = [(wall, a.entries, a.reason) for wall, a in day.said(Trust) if isinstance(a, Trust)]
    assert told == [
        ("09:59:00", True, "prices are live"),
        ("10:01:05", False, "no ticks for 60 s"),
        ("10:02:00", False, "no live prices"),
        ("10:05:19", False, "the feed has to prove itself first"),
        ("10:05:30", True, "prices are live"),
    ]
