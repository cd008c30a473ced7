"""Whether prices are good enough to enter on, and the words for how good they are."""

import pytest
from msgspec.structs import replace

from domain.feed_health import FeedState, Trust, Watch, coverage, decide, heartbeat
from domain.market import Source
from tests.domain.feed_day import LIVE, NEVER, Day, a_policy, silent_from, some_facts
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
    day.facts = some_facts(rest_moving=True, is_exposed=True)
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
    day.facts = replace(day.facts, rest_moving=True)
    day.play("10:02:10", "10:02:11")
    assert day.log[-1] == ("10:02:10", LIVE)


def test_doubt_shorter_than_the_linger_cancels_nothing() -> None:
    day = Day(silent_from("10:00:00", "10:00:24"))
    day.facts = some_facts(is_exposed=True, rest_moving=True)
    day.play("09:59", "10:00:25")
    assert day.watch.bad_since == at("10:00:20")
    assert day.watch.is_trusted
    day.play("10:00:25", "10:00:26")
    assert day.log[-1] == ("10:00:25", NEVER)


def test_blindness_does_not_linger() -> None:
    policy = a_policy(rest_entries="always", entry_linger_s=120)
    trusted = Watch(
        state=FeedState.BLIND, chosen_at=at("10:00"), heard_at=at("10:00"), is_trusted=True
    )
    watch, actions = decide(trusted, some_facts(source=Source.REST), at("10:05"), policy)
    assert actions == (Trust(entries=False, reason="no live prices"),)
    assert not watch.is_trusted


@pytest.mark.parametrize(
    ("seen", "subscribed", "text"),
    [
        (82, 82, "100.0"),
        (81, 82, "98.8"),
        (1999, 2000, "99.9"),
        (0, 82, "0.0"),
        (0, 0, "0.0"),
        (1, 3, "33.3"),
        (1, 16, "6.3"),
    ],
)
def test_coverage_has_one_decimal_and_is_100_only_if_all_were_seen(
    seen: int, subscribed: int, text: str
) -> None:
    assert coverage(seen, subscribed) == text


def test_heartbeat_is_the_line_operators_know() -> None:
    assert heartbeat(0, 82, 82, 0, Source.PRIMARY) == (
        "Positions: 0 | Data: 82/82 | Coverage: 100.0% | Stale: 0 | Source: WEBSOCKET"
    )
    assert heartbeat(2, 81, 82, 3, Source.REST) == (
        "Positions: 2 | Data: 81/82 | Coverage: 98.8% | Stale: 3 | Source: REST_POLLING"
    )
