"""Reconnects never give up, one attempt at a time, and only a canary tick is success."""

import random

from hypothesis import given
from hypothesis import strategies as st

from domain.connection import Connection
from domain.units import MINUTE, SECOND, Micros, seconds
from tests.domain.tape import OPEN, at

FIRST_TICK = seconds(15)


def a_connection(draw: int = 7) -> Connection:
    return Connection(FIRST_TICK, random.Random(draw))


def opened(wall: str = "10:00", epoch: int = 1) -> Connection:
    connection = a_connection()
    connection.open(epoch, at(wall))
    return connection


def live(wall: str = "10:00") -> Connection:
    connection = opened(wall)
    connection.ready(1)
    connection.ticked(at(wall))
    return connection


def wait_of(connection: Connection, now: Micros) -> float:
    """How long it waits before it wants to be opened, in seconds, to a tenth."""
    waited = 0
    while not connection.is_due(Micros(now + waited)):
        waited += SECOND // 10
    return waited / SECOND


def test_first_attempt_is_due_at_once_and_only_one_is_made() -> None:
    connection = a_connection()
    assert connection.is_due(at("09:00"))
    connection.open(1, at("09:00"))
    assert not connection.is_due(at("15:00"))
    assert (connection.epoch, connection.opened) == (1, 1)


def test_waits_double_to_a_minute_with_a_jitter_below_them() -> None:
    for draw in range(20):
        connection = a_connection(draw)
        now, waits = at("10:00"), []
        for epoch in range(1, 11):
            connection.open(epoch, now)
            assert connection.broke(epoch, now)
            waits.append(wait_of(connection, now))
            now = Micros(now + 61 * SECOND)
        for wait, longest in zip(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60, 60], strict=True):
            assert 0.75 * longest <= wait <= longest + 0.1


def test_jitter_comes_from_the_stream_handed_in() -> None:
    waits = set()
    for draw in (1, 1, 2):
        connection = a_connection(draw)
        connection.open(1, at("10:00"))
        connection.broke(1, at("10:00"))
        waits.add(connection._since)
    assert len(waits) == 2


def test_ready_is_news_once_per_connection() -> None:
    connection = opened()
    assert [connection.ready(1), connection.ready(1), connection.is_ready] == [True, False, True]
    connection.broke(1, at("10:01"))
    assert not connection.is_ready
    connection.open(2, at("10:02"))
    assert [connection.ready(1), connection.ready(2)] == [False, True]


def test_end_of_an_older_connection_is_no_end_of_this_one() -> None:
    connection = opened(epoch=2)
    assert not connection.broke(1, at("10:01"))
    assert connection.broke(2, at("10:01"))
    assert not connection.broke(2, at("10:02"))


def test_connection_without_a_tick_in_time_is_mute_however_green() -> None:
    connection = opened("10:00")
    connection.ready(1)
    assert not connection.is_mute(OPEN, at("10:00:14.9"))
    assert connection.is_mute(OPEN, at("10:00:15"))
    connection.give_up(at("10:00:15"))
    assert not connection.is_mute(OPEN, at("10:00:30"))
    assert connection.is_due(at("10:00:16"))


def test_before_the_open_nothing_has_to_tick() -> None:
    connection = opened("09:00")
    assert not connection.is_mute(OPEN, at("09:15:14.9"))
    assert connection.is_mute(OPEN, at("09:15:15"))


def test_tick_makes_a_connection_live_even_if_it_was_given_up() -> None:
    connection = opened("10:00")
    connection.give_up(at("10:00:15"))
    connection.ticked(at("10:00:15.2"))
    assert not connection.is_due(at("11:00"))
    assert not connection.is_mute(OPEN, at("11:00"))


def test_tick_that_is_read_after_the_end_does_not_stop_the_next_attempt() -> None:
    connection = live()
    connection.broke(1, at("10:05"))
    connection.ticked(at("10:05"))
    assert connection.is_due(at("10:05:01"))


def test_reconnect_under_way_is_left_alone() -> None:
    connection = live()
    assert connection.reopen(at("10:05"))
    assert not connection.reopen(at("10:05"))
    connection.open(2, at("10:05:01"))
    assert not connection.reopen(at("10:05:02"))


def test_count_of_attempts_starts_again_after_a_minute_of_ticks() -> None:
    def failing(ticks: range) -> float:
        connection = a_connection()
        for epoch in range(1, 6):
            connection.open(epoch, at("10:00"))
            connection.broke(epoch, at("10:00"))
        connection.open(6, at("10:01"))
        for second in ticks:
            connection.ticked(Micros(at("10:01") + second * SECOND))
        end = Micros(at("10:01") + ticks[-1] * SECOND)
        connection.broke(6, end)
        return wait_of(connection, end)

    assert failing(range(60)) > 20
    assert failing(range(61)) <= 1
    assert failing(range(0, 70, 7)) > 20


@given(st.lists(st.sampled_from(["open", "ready", "tick", "broke", "reopen", "mute"]), max_size=60))
def test_whatever_happens_it_ends_up_live_or_tries_again(events: list[str]) -> None:
    connection, now, epoch = a_connection(), at("10:00"), 0
    for event in events:
        now = Micros(now + SECOND)
        if event == "open" and connection.is_due(now):
            epoch += 1
            connection.open(epoch, now)
        elif event == "ready":
            connection.ready(epoch)
        elif event == "tick" and epoch:
            connection.ticked(now)
        elif event == "broke":
            connection.broke(epoch, now)
        elif event == "reopen":
            connection.reopen(now)
        elif event == "mute" and connection.is_mute(OPEN, now):
            connection.give_up(now)
    later = Micros(now + 61 * SECOND)
    is_live = connection.reopen(later)
    assert is_live or connection.is_due(later) or connection.is_mute(OPEN, later)


def test_failures_in_session_are_counted_until_a_canary_ticks() -> None:
    connection = a_connection()
    for epoch, is_open in ((1, False), (2, True), (3, True)):
        connection.open(epoch, at("10:00"))
        connection.broke(epoch, at("10:00"), is_open=is_open)
    assert (connection.fruitless, connection.row) == (2, 2)
    connection.open(4, at("10:01"))
    connection.ticked(at("10:01"))
    assert (connection.fruitless, connection.row) == (0, 3)
    connection.broke(4, at("10:01:30"))
    assert connection.fruitless == 0


def test_reconnect_that_would_be_in_vain_waits_a_whole_minute() -> None:
    connection = opened("10:00")
    connection.broke(1, at("10:00"), slowly=True)
    assert not connection.is_due(at("10:00:59.9"))
    assert connection.is_due(at("10:01"))


def test_connection_given_up_that_ticks_after_all_is_ready_as_it_was() -> None:
    connection = opened("10:00")
    connection.ready(1)
    connection.give_up(at("10:00:15"))
    assert not connection.is_ready
    connection.ticked(at("10:00:15.5"))
    assert connection.is_ready


def test_connection_that_ticks_without_answers_is_given_up_after_a_minute() -> None:
    connection = opened("10:00")
    assert not connection.is_unanswered(at("10:02"))
    connection.ticked(at("10:00:05"))
    assert not connection.is_unanswered(at("10:01:04.9"))
    assert connection.is_unanswered(at("10:01:05"))
    connection.renew(at("10:01:05"))
    connection.ticked(at("10:01:05.5"))
    assert not connection.is_unanswered(at("10:05"))
    assert connection.is_due(at("10:01:06.1"))


def test_each_socket_without_answers_is_given_twice_the_time_of_the_one_before() -> None:
    connection, now, waits = a_connection(), at("10:00"), []
    for epoch in range(1, 10):
        connection.open(epoch, now)
        connection.ticked(now)
        waited = 0
        while not connection.is_unanswered(Micros(now + waited)):
            waited += MINUTE
        waits.append(waited // MINUTE)
        now = Micros(now + waited)
        connection.renew(now)
    assert waits == [1, 2, 4, 8, 16, 32, 64, 64, 64]
    connection.open(10, now)
    connection.ready(10)
    assert connection.unanswered == 0


def test_connection_whose_answers_came_is_never_unanswered() -> None:
    assert not live("10:00").is_unanswered(at("15:00"))
