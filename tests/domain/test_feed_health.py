"""The watchdog's policy, second by second: what a silent feed leads to, and when."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.feed_health import decide, silence
from domain.feed_watch import FeedState, Reopen, Say, Select, Trust, Watch
from domain.session import show
from domain.signs import RestVerdict
from domain.units import SECOND, Micros
from tests.domain.feed_day import (
    BACK,
    LIVE,
    LIVE_REST,
    PRIMARY,
    REST,
    REST_120,
    UNPROVEN,
    WARN_60,
    Day,
    a_policy,
    a_sign,
    ever,
    never,
    silent_from,
    some_facts,
)
from tests.domain.tape import OPEN, at


def test_silence_is_answered_at_the_checks_that_follow_the_thresholds() -> None:
    day = Day(silent_from("10:00:05")).play("09:59:00", "10:02:31")
    assert day.log == [
        ("09:59:00", LIVE),
        ("10:01:30", WARN_60),
        ("10:01:35", Trust(entries=False, reason="no ticks for 60 s")),
        ("10:02:30", REST_120),
    ]
    assert day.state() is FeedState.FALLBACK


@pytest.mark.parametrize("second", range(30))
def test_mute_feed_is_warned_of_within_90_s_and_left_within_150_s(second: int) -> None:
    last = f"10:00:{second:02}"
    day = Day(silent_from(last)).play("09:59:00", "10:02:45")
    told = {type(action): at(wall) - at(last) for wall, action in day.said(Reopen, Select)}
    assert 60 * SECOND <= told[Reopen] <= 90 * SECOND
    assert 120 * SECOND <= told[Select] <= 150 * SECOND


def test_each_transition_of_an_outage_is_said_once() -> None:
    day = Day(silent_from("11:00", "11:10"))
    day.facts = some_facts(rest=LIVE_REST)
    day.play("10:59", "11:20")
    assert day.said(Reopen, Select) == [
        ("11:01:00", WARN_60),
        ("11:02:00", REST_120),
        ("11:10:30", BACK),
    ]
    assert day.state() is FeedState.HEALTHY


@pytest.mark.incident("INC-03")
def test_silence_outside_the_session_is_not_a_fault() -> None:
    day = Day(never).play("08:55", "09:14:59")
    day.play("15:40", "17:00")
    assert day.log == []
    assert day.state() is FeedState.OFF


def test_close_ends_trust_and_every_alarm() -> None:
    day = Day(silent_from("15:39:50")).play("15:39", "15:59")
    assert day.log == [
        ("15:39:00", LIVE),
        ("15:40:00", Trust(entries=False, reason="outside the session")),
    ]


@pytest.mark.incident("INC-02")
def test_feed_that_never_ticked_since_the_open_is_doubted_and_left() -> None:
    day = Day(never).play("09:05", "09:17:15")
    assert day.log == [
        ("09:16:00", WARN_60),
        ("09:17:00", REST_120),
    ]


def test_start_in_the_middle_of_the_day_counts_from_the_start() -> None:
    day = Day(never).play("11:37:30", "11:39")
    assert day.said(Reopen) == [("11:38:30", WARN_60)]


def test_rebuilt_feed_that_forgot_its_ticks_is_not_taken_for_a_silent_one() -> None:
    day = Day(ever).play("09:59", "10:59:59")
    day.ticks = never
    day.forget()
    day.play("10:59:59", "11:00:55")
    assert day.log == [("09:59:00", LIVE)]
    day.play("11:00:55", "11:01:01")
    assert day.said(Reopen) == [("11:01:00", WARN_60)]


def test_tick_before_the_fallback_ends_the_doubt_and_is_said_once() -> None:
    day = Day(silent_from("10:00:00", "10:01:40")).play("09:59", "10:05")
    assert day.said(Reopen, Select, Say) == [
        ("10:01:00", WARN_60),
        ("10:01:40", Say("ticks are back on primary")),
    ]
    assert [a for _, a in day.said(Trust)] == [
        LIVE,
        Trust(entries=False, reason="no ticks for 60 s"),
        LIVE,
    ]
    assert day.state() is FeedState.HEALTHY
    day.ticks = silent_from("10:05:00")
    day.play("10:05", "10:07")
    assert [wall for wall, _ in day.said(Reopen)] == ["10:01:00", "10:06:00"]


def test_exposed_feed_is_left_after_20_s_if_rest_moves() -> None:
    day = Day(silent_from("10:00:05"))
    day.facts = some_facts(is_exposed=True, rest=LIVE_REST)
    day.play("09:59", "10:01")
    reason = "no ticks for 20 s while exposed"
    assert day.said(Reopen, Select) == [
        ("10:00:25", Select(REST, reason)),
        ("10:00:25", Reopen(PRIMARY, "trying the WebSocket again")),
    ]


def test_exposed_feed_is_only_noted_as_suspect_while_rest_stands_still() -> None:
    day = Day(silent_from("10:00:05"))
    day.facts = some_facts(is_exposed=True)
    day.play("09:59", "10:00:10")
    assert day.state() is FeedState.HEALTHY
    day.play("10:00:10", "10:01")
    assert (day.state(), day.watch.standing) == (FeedState.SUSPECT, FeedState.HEALTHY)
    assert day.log == [("09:59:00", LIVE)]
    day.play("10:01", "10:01:31")
    assert day.watch.standing is FeedState.SUSPECT


@pytest.mark.incident("INC-13")
@pytest.mark.parametrize(("silent_s", "switches"), [(11, 0), (34, 0), (40, 1)])
def test_ten_second_freeze_after_a_fill_switches_nothing(silent_s: int, switches: int) -> None:
    until = f"10:00:{silent_s:02}"
    day = Day(silent_from("10:00:00", until))
    day.facts = some_facts(is_exposed=True, rest=LIVE_REST)
    day.play("09:59", "10:00")
    day.facts = replace(day.facts, order_at=at("10:00:00.4"))
    day.play("10:00", "10:00:59")
    assert len(day.said(Select, Reopen)) == 2 * switches


def test_one_silence_has_one_grace() -> None:
    day = Day(silent_from("10:00:00"))
    day.facts = some_facts(is_exposed=True, rest=LIVE_REST)
    day.play("09:59", "10:00")
    for second in range(0, 60, 5):
        day.facts = replace(day.facts, order_at=at(f"10:00:{second:02}"))
        day.play(f"10:00:{second:02}", f"10:00:{second + 4:02}.5")
    assert [wall for wall, _ in day.said(Select)] == ["10:00:35"]


def test_next_silence_has_a_grace_of_its_own() -> None:
    day = Day(lambda now: (now - at("10:00")) // SECOND % 12 == 0)
    day.facts = some_facts(is_exposed=True, rest=LIVE_REST, order_at=at("10:00"))
    day.play("10:00", "10:00:30")
    day.facts = replace(day.facts, order_at=at("10:00:36"))
    day.ticks = lambda now: now == at("10:00:36")
    day.play("10:00:30", "10:01:30")
    assert [wall for wall, _ in day.said(Select)] == ["10:01:11"]


@pytest.mark.parametrize("early_s", [16, 300])
def test_order_fact_long_before_the_silence_or_into_it_grants_no_grace(early_s: int) -> None:
    before = some_facts(canary_at=at("10:00"), order_at=Micros(at("10:00") - early_s * SECOND))
    after = replace(before, order_at=Micros(at("10:00") + early_s * SECOND))
    for facts in (before, after):
        watch = Watch(state=FeedState.HEALTHY, chosen_at=OPEN)
        watch, _ = decide(watch, facts, at("10:00:50"), a_policy())
        assert silence(watch, facts, at("10:00:50")) == 50 * SECOND


def test_silence_counts_from_a_clock_jump_so_that_a_laptop_may_wake_up() -> None:
    day = Day(silent_from("10:00:00")).play("09:59", "10:00:30")
    day.facts = replace(day.facts, jumped_at=at("11:30"))
    day.play("11:30", "11:31")
    assert day.said(Reopen, Select, Trust) == [("09:59:00", LIVE)]
    day.play("11:31", "11:31:01")
    assert day.said(Reopen) == [("11:31:00", WARN_60)]


def test_who_wakes_up_on_polled_prices_has_not_been_polling() -> None:
    day = Day(silent_from("10:00"))
    day.facts = some_facts(rest=LIVE_REST)
    day.play("09:59", "10:04")
    assert day.state() is FeedState.FALLBACK
    day.facts = replace(day.facts, jumped_at=at("11:00"), rest=UNPROVEN)
    day.play("11:00", "11:00:20")
    assert day.state() is FeedState.FALLBACK
    day.play("11:00:20", "11:00:21")
    assert day.state() is FeedState.BLIND


def test_feed_that_says_nothing_more_is_paged_once_and_its_return_is_told() -> None:
    day = Day(silent_from("10:00"))
    day.facts = some_facts(rest=LIVE_REST)
    day.play("09:59", "10:04")
    stuck = {"is_stuck": True, "rest": RestVerdict.UNUSABLE, "streams": ()}
    frozen = day.facts
    now = at("10:04")
    said = []
    for _ in range(60):
        day.watch, actions = decide(day.watch, replace(frozen, **stuck), now, day.policy)
        said += [action.text for action in actions if isinstance(action, Say)]
        now = Micros(now + SECOND)
    assert day.state() is FeedState.BLIND
    assert not day.watch.is_trusted
    assert [text.partition(":")[0] for text in said] == ["the feed actor is stuck", "BLIND"]
    _, actions = decide(day.watch, frozen, now, day.policy)
    spoken = [action.text for action in actions if isinstance(action, Say)]
    assert spoken[0] == "the feed actor speaks again"


def test_clock_set_back_hides_no_silence() -> None:
    day = Day(ever).play("11:00", "11:00:10")
    day.ticks = never
    day.facts = replace(day.facts, jumped_at=at("10:00"))
    day.play("10:00", "10:01:01")
    assert day.said(Reopen) == [("10:01:00", WARN_60)]


@pytest.mark.parametrize("ahead_ms", [0, 4999])
def test_tick_that_arrived_after_the_pulse_counts(ahead_ms: int) -> None:
    ticked = Micros(at("10:00") + ahead_ms * SECOND // 1000)
    facts = some_facts(canary_at=ticked, jumped_at=at("09:20"))
    watch = Watch(state=FeedState.HEALTHY, chosen_at=OPEN)
    watch, _ = decide(watch, facts, at("10:00"), a_policy())
    assert watch.heard_at == ticked


def test_primary_returns_only_on_30_s_of_its_own_ticks_without_a_hole() -> None:
    bursts = {at("10:05") + s * SECOND for s in [*range(25), *range(32, 55)]}
    day = Day(lambda now: now <= at("10:00") or now in bursts or now >= at("10:07"))
    day.facts = some_facts(rest=LIVE_REST)
    day.play("09:59", "10:08")
    assert [wall for wall, _ in day.said(Select)] == ["10:02:00", "10:07:30"]


def test_primary_whose_proof_is_old_or_whose_price_is_another_does_not_return() -> None:
    proved = a_sign(canary_at=at("10:04:55"), since=at("10:04"), is_ready=True)
    facts = some_facts(source=REST, canary_at=at("10:05"), streams=(proved,), rest=LIVE_REST)
    polling = Watch(
        state=FeedState.FALLBACK, chosen=REST, chosen_at=at("10:02"), checked_at=at("10:04:59")
    )
    _, actions = decide(polling, facts, at("10:05"), a_policy())
    assert BACK in actions
    for change in ({"canary_at": at("10:04:54.9")}, {"agrees": False}, {"is_ready": False}):
        sign = replace(proved, **change)
        _, actions = decide(polling, replace(facts, streams=(sign,)), at("10:05"), a_policy())
        assert not [action for action in actions if isinstance(action, Select)]


def test_order_that_was_lost_is_given_again_at_the_next_check() -> None:
    polling = Watch(
        state=FeedState.FALLBACK, chosen=REST, chosen_at=at("10:00"), checked_at=at("10:00:29")
    )
    _, actions = decide(polling, some_facts(rest=LIVE_REST), at("10:00:30"), a_policy())
    assert Select(REST, "it was chosen") in actions
    healthy = Watch(state=FeedState.HEALTHY, chosen_at=at("10:00"), checked_at=at("10:00:29"))
    facts = some_facts(source=REST, canary_at=at("10:00:30"))
    _, actions = decide(healthy, facts, at("10:00:30"), a_policy())
    assert Select(PRIMARY, "it was chosen") in actions
    _, actions = decide(
        replace(healthy, checked_at=at("10:00:30")), facts, at("10:00:31"), a_policy()
    )
    assert Select(PRIMARY, "it was chosen") not in actions


def test_long_time_on_polled_prices_is_alerted_once_with_the_way_out() -> None:
    day = Day(silent_from("10:00", "10:20"))
    day.facts = some_facts(rest=LIVE_REST)
    day.play("09:59", "10:40")
    (line,) = day.lines()
    assert line.startswith("10:07:00 REST_POLLING for 300 s: is the broker connected in OpenAlgo")
    day.ticks = silent_from("10:40")
    day.play("10:40", "11:00")
    assert len(day.lines()) == 2


@given(
    st.lists(st.tuples(st.integers(1, 200), st.integers(1, 200)), min_size=1, max_size=12),
    st.booleans(),
    st.booleans(),
)
def test_feed_is_never_switched_while_it_ticks_nor_back_while_it_is_mute(
    waves: list[tuple[int, int]], moving: bool, exposed: bool
) -> None:
    live: set[int] = set()
    now = at("10:00")
    for on_s, off_s in waves:
        live |= {now + s * SECOND for s in range(on_s)}
        now = Micros(now + (on_s + off_s) * SECOND)
    day = Day(lambda at_: at_ in live)
    day.facts = some_facts(rest=LIVE_REST if moving else some_facts().rest, is_exposed=exposed)
    day.play("10:00", show(now))
    for wall, action in day.said(Select):
        assert isinstance(action, Select)
        ticked = max((t for t in live if t <= at(wall)), default=at("10:00"))
        if action.source is REST:
            assert at(wall) - ticked >= 20 * SECOND
        else:
            assert {at(wall) - s * SECOND for s in range(25)} & live
            assert at(wall) - ticked <= 5 * SECOND
    sources = [source for _, source in day.switches()]
    assert sources == [REST, PRIMARY] * (len(sources) // 2) + [REST] * (len(sources) % 2)
