"""Which of several sources has the say: the backup, the way back, and how often that may change."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.feed_health import decide
from domain.feed_watch import FeedState, Reopen, Say, Select, Trust, Urgency
from domain.hysteresis import Flaps
from domain.units import SECOND, Micros
from tests.domain.feed_day import (
    BACKUP,
    LIVE,
    LIVE_REST,
    PRIMARY,
    REST,
    STALE,
    WARN_60,
    Day,
    Ticks,
    a_policy,
    ever,
    never,
    silent_from,
    some_facts,
)
from tests.domain.tape import at
from tests.draws import at_most

AGAIN = Reopen(PRIMARY, "trying the WebSocket again")


def polled(day: Day) -> Day:
    """Let polled prices live throughout."""
    day.facts = replace(day.facts, rest=LIVE_REST)
    return day


def waves(*spans: int, since: str = "09:20") -> Ticks:
    """Ticks that come and go in turn for these seconds, over and over."""
    period, start = sum(spans), at(since)

    def ticks(now: Micros) -> bool:
        place = (now - start) // SECOND % period
        for number, span in enumerate(spans):
            if place < span:
                return number % 2 == 0
            place -= span
        raise AssertionError(place)

    return ticks


# The backup.


def test_ready_backup_is_taken_after_15_s_and_the_primary_connected_again() -> None:
    day = Day(silent_from("10:00"), backup=ever).play("09:59", "10:20")
    assert day.log == [
        ("09:59:00", LIVE),
        ("10:00:15", Select(BACKUP, "no ticks of primary for 15 s")),
        ("10:00:15", AGAIN),
    ]
    assert day.state() is FeedState.HEALTHY


def test_backup_that_does_not_tick_is_not_ready_however_connected() -> None:
    day = Day(silent_from("10:00"), backup=silent_from("09:59:50"))
    polled(day).play("09:59", "10:02:10")
    assert day.switches() == [("10:02:00", REST)]


def test_backup_that_falls_silent_too_follows_the_same_rows() -> None:
    day = polled(Day(silent_from("10:00"), backup=silent_from("10:05")))
    day.play("09:59", "10:08")
    assert day.switches() == [("10:00:15", BACKUP), ("10:07:00", REST)]
    assert day.said(Reopen)[1:] == [("10:06:00", Reopen(BACKUP, "no ticks for 60 s"))]


def test_primary_is_preferred_again_after_its_own_30_s() -> None:
    day = Day(silent_from("10:00", "10:05"), backup=ever).play("09:59", "10:10")
    assert day.said(Select) == [
        ("10:00:15", Select(BACKUP, "no ticks of primary for 15 s")),
        ("10:05:30", Select(PRIMARY, "its own ticks for 30 s")),
    ]


def test_polled_prices_are_left_for_whichever_stream_returns_first() -> None:
    day = polled(Day(silent_from("10:00", "10:20"), backup=silent_from("09:59", "10:05")))
    day.play("09:58", "10:25")
    assert day.switches() == [("10:02:00", REST), ("10:05:30", BACKUP), ("10:20:30", PRIMARY)]


def test_backup_that_shows_another_price_is_not_taken() -> None:
    day = polled(Day(silent_from("10:00"), backup=ever)).play("09:59", "10:00:10")
    sign = replace(day._beats[1].sign, agrees=False)
    day._beats[1].sign = sign
    day.backup = None
    for second in range(10, 16):
        now = at(f"10:00:{second}")
        day._beats[1].sign = replace(sign, canary_at=now)
        day.play(f"10:00:{second}", f"10:00:{second + 1}")
    assert day.switches() == []


def test_stream_that_is_not_in_use_is_the_feeds_own_business() -> None:
    day = Day(ever, backup=silent_from("10:00:10")).play("09:59", "10:30")
    assert day.log == [("09:59:00", LIVE)]


def test_backup_is_taken_out_of_the_dark_and_entered_on_once_it_is_proved() -> None:
    day = Day(silent_from("10:00"), backup=never)
    day.facts = some_facts(rest=STALE)
    day.play("09:59", "10:05")
    assert day.state() is FeedState.BLIND
    day.backup = ever
    day.play("10:05", "10:06")
    assert day.switches() == [("10:05:00", BACKUP)]
    told = [(wall, a.entries) for wall, a in day.said(Trust) if isinstance(a, Trust)]
    assert told[-2:] == [("10:05:00", False), ("10:05:30", True)]


# The way back, and how often.


def test_dwell_doubles_with_each_flap() -> None:
    day = polled(Day(waves(300, 180)))
    day.play("09:20", "09:45")
    selects = [(wall, a.reason) for wall, a in day.said(Select) if isinstance(a, Select)]
    assert [reason for _, reason in selects if "its own" in reason] == [
        "its own ticks for 30 s",
        "its own ticks for 60 s",
    ]


def test_rest_is_kept_for_the_day_when_the_hour_bears_no_more_switches() -> None:
    day = polled(Day(waves(300, 180)))
    day.play("09:20", "15:40")
    assert [source for _, source in day.switches()] == [REST, PRIMARY, REST, PRIMARY, REST]
    (page,) = [line for line in day.lines(Urgency.PAGE) if "is kept" in line]
    assert "REST is kept until the day ends: 5 switches in an hour are enough" in page
    assert day.watch.flaps.is_pinned


def test_pinned_rest_that_dies_is_left_for_a_live_stream_and_the_pin_with_it() -> None:
    day = polled(Day(waves(300, 180)))
    day.play("09:20", "10:00")
    assert day.watch.flaps.is_pinned
    day.ticks = ever
    day.play("10:00", "10:10")
    assert day.facts.source is REST
    day.facts = replace(day.facts, rest=STALE)
    day.play("10:10", "10:10:01")
    assert (day.facts.source, day.state()) == (PRIMARY, FeedState.HEALTHY)
    assert not day.watch.flaps.is_pinned


def test_next_session_begins_without_a_pin() -> None:
    day = polled(Day(waves(300, 180)))
    day.play("09:20", "15:41")
    tomorrow = 24 * 3600 * SECOND
    plan = day.facts.plan
    opens, closes = Micros(plan.open + tomorrow), Micros(plan.close + tomorrow)
    facts = replace(day.facts, plan=replace(plan, open=opens, close=closes))
    watch, _ = decide(day.watch, facts, opens, day.policy)
    assert day.watch.flaps.is_pinned
    assert (watch.flaps, watch.chosen) == (Flaps(), PRIMARY)


SPANS = st.lists(st.integers(1, 600), min_size=2, max_size=8)


def most_in_an_hour(day: Day) -> int:
    """The most switches within any hour."""
    instants = [at(wall) for wall, _ in day.switches()]
    return max(
        (sum(1 for t in instants if since <= t < since + 3600 * SECOND) for since in instants),
        default=0,
    )


@at_most(50)
@given(SPANS, st.booleans(), st.sampled_from([2, 3, 6]))
def test_square_wave_switches_at_most_as_often_as_an_hour_bears(
    spans: list[int], exposed: bool, most: int
) -> None:
    day = Day(waves(*spans), a_policy(max_switches_per_h=most))
    day.facts = some_facts(rest=LIVE_REST, is_exposed=exposed)
    day.play("09:20", "10:50")
    assert most_in_an_hour(day) <= most


@pytest.mark.parametrize(
    ("primary", "backup"),
    [([60, 60], [30, 90, 60, 10]), ([40, 40], [80, 80]), ([100, 30], [70, 50])],
)
def test_two_streams_that_flap_in_turn_are_left_for_rest(
    primary: list[int], backup: list[int]
) -> None:
    day = polled(Day(waves(*primary), backup=waves(*backup)))
    day.play("09:20", "10:25")
    assert 5 <= most_in_an_hour(day) <= 6


@at_most(50)
@given(SPANS, SPANS, st.booleans())
def test_two_square_waves_switch_at_most_six_times_an_hour(
    primary: list[int], backup: list[int], exposed: bool
) -> None:
    day = Day(waves(*primary), backup=waves(*backup))
    day.facts = some_facts(rest=LIVE_REST, is_exposed=exposed)
    day.play("09:20", "10:50")
    assert most_in_an_hour(day) <= 6


@given(SPANS, st.booleans())
def test_square_wave_beside_dead_polled_prices_switches_nothing(
    spans: list[int], exposed: bool
) -> None:
    day = Day(waves(*spans))
    day.facts = some_facts(rest=STALE, is_exposed=exposed)
    day.play("09:20", "10:00")
    assert day.switches() == []


@at_most(50)
@given(SPANS, SPANS, st.booleans())
def test_every_switch_beyond_the_budget_leaves_a_dead_source_for_a_live_one(
    stream: list[int], rest: list[int], exposed: bool
) -> None:
    lives = waves(*rest)
    day = Day(waves(*stream))
    day.facts = some_facts(is_exposed=exposed)
    day.rest = lambda now: LIVE_REST if lives(now) else STALE
    day.play("09:20", "10:30")
    switches = day.switches()
    for number, (wall, source) in enumerate(switches):
        earlier = [w for w, _ in switches[:number] if at(wall) - at(w) < 3600 * SECOND]
        if len(earlier) >= 6:
            assert lives(at(wall)) is (source is REST)


@pytest.mark.parametrize("period_s", [2, 10, 30, 60, 90, 150, 300, 600])
def test_story_of_a_flapping_feed_has_a_line_for_each_transition_only(period_s: int) -> None:
    day = polled(Day(waves(period_s // 2, period_s - period_s // 2)))
    day.play("09:20", "11:20")
    story = [a for _, a in day.log if isinstance(a, Select | Say) or a == WARN_60]
    assert all(earlier != later for earlier, later in pairwise(story))
    assert len([a for a in story if isinstance(a, Select)]) <= 6
