"""No source lives: what is said, once, how it is counted down, and when the shorts are left."""

import pytest
from msgspec.structs import replace

from domain.feed_watch import FeedState, Flatten, Reopen, Select, Urgency
from domain.market import Source
from domain.signs import RestVerdict
from domain.units import SECOND
from tests.domain.feed_day import (
    LIVE_REST,
    REST,
    STALE,
    UNPROVEN,
    Day,
    a_policy,
    ever,
    silent_from,
    some_facts,
)
from tests.domain.tape import at

PAGE, WARNING = Urgency.PAGE, Urgency.WARNING


def dark(*, positions: int = 1, rest: RestVerdict = STALE, flatten_s: int = 300) -> Day:
    """A day on which everything is dead from 10:00 on."""
    day = Day(silent_from("10:00"), a_policy(blind_flatten_s=flatten_s))
    day.facts = some_facts(positions=positions, is_exposed=bool(positions), rest=rest)
    return day


def flattened(day: Day) -> list[str]:
    return [wall for wall, _ in day.said(Flatten)]


@pytest.mark.parametrize("rest", [RestVerdict.STALE, RestVerdict.UNUSABLE])
def test_two_dead_sources_are_blind_without_a_switch_to_the_dead_one(rest: RestVerdict) -> None:
    day = dark(rest=rest).play("09:59", "10:05")
    assert day.state() is FeedState.BLIND
    assert day.switches() == []
    assert [wall for wall, _ in day.said(Reopen)] == ["10:01:00"]


def test_polled_prices_that_were_not_proved_in_time_are_blind() -> None:
    day = dark(rest=UNPROVEN).play("09:59", "10:02:20")
    assert day.state() is FeedState.FALLBACK
    day.play("10:02:20", "10:02:21")
    assert day.state() is FeedState.BLIND
    day.facts = replace(day.facts, rest=LIVE_REST)
    day.play("10:02:21", "10:02:22")
    assert day.state() is FeedState.FALLBACK


def test_polled_prices_that_die_are_blind_at_once_and_a_stream_on_its_way_is_light() -> None:
    day = dark(rest=LIVE_REST)
    day.play("09:59", "10:05")
    day.facts = replace(day.facts, rest=STALE)
    day.play("10:05", "10:05:01")
    assert day.state() is FeedState.BLIND
    day.ticks = ever
    day.play("10:05:01", "10:05:20")
    assert day.state() is FeedState.BLIND
    day.play("10:05:20", "10:05:22")
    assert (day.state(), day.facts.source) == (FeedState.FALLBACK, REST)
    day.play("10:05:22", "10:05:40")
    assert (day.state(), day.facts.source) == (FeedState.HEALTHY, Source.PRIMARY)


def test_blind_stream_is_left_for_polled_prices_as_soon_as_they_move() -> None:
    day = dark().play("09:59", "10:04:07")
    day.facts = replace(day.facts, rest=LIVE_REST)
    day.play("10:04:07", "10:06")
    assert day.said(Select) == [("10:04:07", Select(REST, "polled prices move again"))]
    assert day.lines(WARNING)[-1] == "10:04:07 prices live again after 127 s: REST_POLLING"


def test_darkness_is_paged_once_counted_down_and_ends_in_leaving_every_short() -> None:
    day = dark(positions=2).play("09:59", "10:08:10")
    page, left = day.lines(PAGE)
    begins = (
        "10:02:00 BLIND: no source has live prices;"
        " 2 shorts are flattened in 300 s unless prices return. Nothing is entered"
    )
    assert page.startswith(begins)
    assert (
        left == "10:07:00 BLIND for 300 s: 2 shorts are flattened now, at the stops' limit prices"
    )
    assert day.lines(WARNING) == [
        *(
            f"10:0{2 + n}:00 BLIND for {60 * n} s:"
            f" 2 shorts are flattened in {300 - 60 * n} s unless prices return"
            for n in range(1, 5)
        ),
        "10:08:00 BLIND for 360 s: 2 shorts are being flattened",
    ]


def test_order_to_flatten_is_repeated_at_each_check_until_nothing_is_held() -> None:
    day = dark().play("09:59", "10:08:10")
    assert flattened(day) == ["10:07:00", "10:07:30", "10:08:00"]
    day.facts = replace(day.facts, positions=0)
    day.play("10:08:10", "10:20")
    assert flattened(day)[3:] == []
    assert day.lines(WARNING)[-1].endswith("nothing is held")


def test_nothing_is_flattened_where_nothing_is_held_or_the_setting_says_never() -> None:
    assert flattened(dark(positions=0).play("09:59", "10:30")) == []
    never = dark(flatten_s=0).play("09:59", "10:30")
    assert flattened(never) == []
    assert "1 short is kept" in never.lines(PAGE)[0]


def test_short_that_is_filled_in_the_dark_has_the_whole_time_of_its_own() -> None:
    day = dark(positions=0).play("09:59", "10:09")
    day.facts = replace(day.facts, positions=1)
    day.play("10:09", "10:13:59")
    assert flattened(day) == []
    assert day.lines(WARNING)[-1] == (
        "10:13:00 BLIND for 660 s: 1 short is flattened in 60 s unless prices return"
    )
    day.play("10:13:59", "10:14:01")
    assert flattened(day) == ["10:14:00"]


def test_second_short_that_is_filled_in_the_dark_gives_the_first_no_more_time() -> None:
    day = dark().play("09:59", "10:06")
    day.facts = replace(day.facts, positions=2)
    day.play("10:06", "10:07:01")
    assert flattened(day) == ["10:07:00"]


def test_clock_set_back_in_the_dark_postpones_nothing() -> None:
    day = dark().play("09:59", "10:04")
    day.facts = replace(day.facts, jumped_at=at("09:30"))
    day.play("09:30", "09:35:01")
    assert flattened(day) == ["09:35:00"]
    minutes = [line[:8] for line in day.lines(WARNING) if "BLIND for" in line]
    assert minutes == ["10:03:00", "09:31:00", "09:32:00", "09:33:00", "09:34:00"]
    assert day.lines(PAGE)[-1].startswith("09:35:00 BLIND for 300 s")


def test_clock_set_back_swallows_no_page() -> None:
    day = dark(positions=0).play("09:59", "10:04")
    day.facts = replace(day.facts, jumped_at=at("09:30"), rest=LIVE_REST)
    day.play("09:30", "09:31")
    day.facts = replace(day.facts, rest=STALE)
    day.play("09:36", "09:37")
    pages = [line[:15] for line in day.lines(PAGE) if "BLIND:" in line]
    assert pages == ["10:02:00 BLIND:", "09:36:00 BLIND:"]


def test_live_source_in_between_starts_the_count_again() -> None:
    day = dark().play("09:59", "10:06:50")
    day.facts = replace(day.facts, rest=LIVE_REST)
    day.play("10:06:50", "10:07:30")
    day.facts = replace(day.facts, rest=STALE)
    day.play("10:07:30", "10:12:29")
    assert flattened(day) == []
    day.play("10:12:29", "10:12:31")
    assert flattened(day) == ["10:12:30"]


def test_prices_that_come_and_go_page_every_five_minutes_at_most() -> None:
    day = dark(positions=0)
    day.rest = lambda now: LIVE_REST if now // (20 * SECOND) % 2 else STALE
    day.play("09:59", "10:17")
    pages = [line[:8] for line in day.lines(PAGE) if "BLIND:" in line]
    assert len(pages) == 3
    assert pages[0] == "10:02:00"
    assert len([line for line in day.lines(WARNING) if "BLIND:" in line]) > 10


def test_machine_that_slept_counts_from_its_waking() -> None:
    day = dark().play("09:59", "10:03")
    day.facts = replace(day.facts, jumped_at=at("10:30"))
    day.play("10:30", "10:34:59")
    assert flattened(day) == []
    day.play("10:34:59", "10:35:01")
    assert flattened(day) == ["10:35:00"]


def test_exchange_that_may_have_halted_flattens_nothing() -> None:
    day = dark()
    day.facts = replace(day.facts, near_circuit=True)
    day.play("09:59", "10:30")
    assert day.state() is FeedState.HALT
    assert flattened(day) == []
    assert day.lines(PAGE)[0].startswith(
        "10:02:00 HALT?: no source has live prices, and the index is near a circuit limit:"
        " the exchange may have halted; 1 short is kept"
    )


def test_backup_that_was_ready_and_froze_too_looks_like_a_halt() -> None:
    together = Day(silent_from("10:00"), backup=silent_from("10:00:14"))
    apart = Day(silent_from("10:00"), backup=silent_from("09:59:40"))
    for day, state in ((together, FeedState.HALT), (apart, FeedState.BLIND)):
        day.facts = some_facts(positions=1, rest=STALE)
        day.play("09:59", "10:10")
        assert day.state() is state
        assert bool(flattened(day)) is (state is FeedState.BLIND)


def mute_twins() -> Day:
    """Two servers whose canaries fell silent together, with a short open."""
    day = Day(silent_from("10:00"), backup=silent_from("10:00:04"))
    day.facts = some_facts(positions=1, rest=STALE)
    return day.play("09:59", "10:00:25")


def link(day: Day, *, stands: bool) -> None:
    for beat in day._beats:
        beat.sign = replace(beat.sign, is_connected=stands)


def test_two_servers_that_cannot_be_reached_tell_nothing_of_the_exchange() -> None:
    day = mute_twins()
    link(day, stands=False)
    day.play("10:00:25", "10:10")
    assert day.state() is FeedState.BLIND
    assert flattened(day)[0] == "10:07:00"
    assert not [line for line in day.lines() if "fell silent together" in line]


def test_one_server_that_cannot_be_reached_leaves_no_two_to_compare() -> None:
    day = mute_twins()
    day._beats[1].sign = replace(day._beats[1].sign, is_connected=False)
    day.play("10:00:25", "10:10")
    assert day.state() is FeedState.BLIND


def test_sockets_that_are_opened_again_and_again_in_a_halt_still_stand() -> None:
    day = mute_twins().play("10:00:25", "10:01")
    for minute in range(1, 30):
        link(day, stands=True)
        day.play(f"10:{minute:02}:00", f"10:{minute:02}:15")
        link(day, stands=False)
        day.play(f"10:{minute:02}:15", f"10:{minute + 1:02}:00")
    assert day.state() is FeedState.HALT
    assert flattened(day) == []
    assert len([line for line in day.lines() if "now " in line]) == 0


def test_doubt_about_a_halt_that_ends_starts_the_count_again() -> None:
    day = dark()
    day.facts = replace(day.facts, near_circuit=True)
    day.play("09:59", "10:30")
    day.facts = replace(day.facts, near_circuit=False)
    day.ticks = lambda now: now == at("10:30")
    day.play("10:30", "10:34:59")
    assert day.state() is FeedState.BLIND
    assert flattened(day) == []
    now = "10:30:00 now BLIND: no source has live prices; 1 short is flattened in 300 s"
    assert [line for line in day.lines(WARNING) if line.startswith(now)]
    day.play("10:34:59", "10:35:01")
    assert flattened(day) == ["10:35:00"]


def test_halt_is_not_forgotten_with_the_feed_that_told_of_it() -> None:
    day = dark()
    day.facts = replace(day.facts, near_circuit=True)
    day.play("09:59", "10:01:30")
    day.forget()
    day.facts = replace(day.facts, near_circuit=False, rest=RestVerdict.UNUSABLE)
    day.play("10:01:30", "10:30")
    assert day.state() is FeedState.HALT
    assert flattened(day) == []
    day.facts = replace(day.facts, rest=LIVE_REST)
    day.play("10:30", "10:31")
    day.facts = replace(day.facts, rest=STALE)
    day.play("10:31", "10:32")
    assert day.state() is FeedState.BLIND


def test_close_ends_the_darkness_without_a_word() -> None:
    day = dark(positions=0)
    day.ticks = silent_from("15:30")
    day.play("15:29", "15:45")
    assert day.state() is FeedState.OFF
    assert day.watch.darkness is None
    assert len([line for line in day.lines() if line > "15:40"]) == 0
