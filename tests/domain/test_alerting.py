"""From alarms to messages: throttled by kind and subject, gathered, with their end."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.alarm_watch import Bare
from domain.alarms import KINDS, Alarm, Severity
from domain.alert_params import AlertParams
from domain.alerting import CALM, LINES, OLDEST, RUNNING, Alerting, Memory, Notice, Told, begun
from domain.units import SECOND, Micros, seconds
from tests.domain.alarm_days import T0, seen, t

SOCKET = Alarm(kind="SOCKET_LOST")
BARE = Alarm(kind="UNCOVERED", text="65 units are bare")
READY = Alarm(kind="READY", subject="2026-11-19")
AGAIN = Alarm(kind="RESTARTED", text="the agent was started again: it was killed")


class Desk:
    """Somebody who is told once a second what holds."""

    def __init__(self, memory: Memory | None = None, begun: int = 0, **params: Any) -> None:
        self.now = begun
        self.alerting = Alerting(memory or Memory(), AlertParams(**params), t(begun))
        self.notices: list[Notice] = []

    def hold(self, *held: Alarm, for_s: int = 0, unknown: tuple[str, ...] = ()) -> list[Notice]:
        """Let these hold now and for a while; return what was told."""
        before = len(self.notices)
        for _ in range(for_s + 1):
            notice = self.alerting.fold(seen(*held, unknown=unknown), t(self.now))
            self.now += 1
            if notice is not None:
                self.notices.append(notice)
        return self.notices[before:]

    def die(self) -> "Desk":
        """Be restarted at once with what is remembered on disk."""
        kept = msgspec.json.decode(msgspec.json.encode(self.alerting.memory), type=Memory)
        return Desk(kept, self.now)


def test_alarm_is_told_once_it_was_gathered() -> None:
    desk = Desk()
    assert desk.hold(SOCKET, for_s=2) == []
    assert desk.hold(SOCKET) == [
        Notice(
            at=t(3),
            severity=Severity.WARNING,
            title="Sutradhar WARNING: SOCKET_LOST",
            body="10:00:03 IST WARNING SOCKET_LOST: the WebSocket of OpenAlgo is not connected."
            " See that OpenAlgo and its WebSocket service run; the agent goes on trying by itself.",
        )
    ]
    assert desk.hold(SOCKET, for_s=3500) == []


def test_alarm_that_was_over_before_it_was_told_is_not_told() -> None:
    desk = Desk()
    desk.hold(SOCKET, for_s=1)
    assert desk.hold(for_s=300) == []


@pytest.mark.incident("INC-113")
def test_same_alarm_a_hundred_times_with_other_words_is_one_message() -> None:
    desk = Desk()
    for n in range(100):
        desk.hold(Alarm(kind="UNCOVERED", text=f"{n} units"))
    assert len(desk.notices) == 1


def test_what_goes_on_holding_is_told_again_slowly() -> None:
    desk = Desk()
    desk.hold(SOCKET, for_s=3 + 3600 + 3)
    first, again = desk.notices
    assert "still WARNING SOCKET_LOST since 10:00:00 IST" in again.body
    assert again.at - first.at == seconds(3603)


def test_end_is_told_when_it_lasts() -> None:
    desk = Desk()
    desk.hold(SOCKET, for_s=10)
    over = desk.hold(for_s=100)
    assert [(n.title, n.severity) for n in over] == [("Sutradhar OVER: SOCKET_LOST", "info")]
    assert over[0].body == (
        "10:01:14 IST OVER SOCKET_LOST: the WebSocket is connected again (it lasted 11 s)."
    )
    assert desk.hold(for_s=4000) == []
    assert desk.alerting.memory.told == ()


def test_long_span_is_told_in_minutes_and_news_want_nothing() -> None:
    desk = Desk()
    desk.hold(SOCKET, READY, for_s=700)
    (over,) = desk.hold(for_s=100)
    assert over.body.endswith("the WebSocket is connected again (it lasted 11 min).")
    assert desk.notices[0].body.endswith("READY 2026-11-19: the agent may enter from now on.")


def test_what_comes_back_within_a_minute_was_never_over() -> None:
    desk = Desk()
    for _ in range(10):
        desk.hold(BARE, for_s=10)
        desk.hold(for_s=50)
    assert len(desk.notices) == 1
    desk.hold(BARE, for_s=400)
    assert "since 10:00:00 IST: 65 units are bare (10 times)" in desk.notices[1].body


def test_what_came_back_waits_for_its_throttle() -> None:
    desk = Desk()
    desk.hold(BARE, for_s=3)
    desk.hold(for_s=100)
    assert [notice.title for notice in desk.hold(BARE, for_s=250)] == [
        "Sutradhar CRITICAL: UNCOVERED"
    ]
    assert desk.notices[2].at - desk.notices[0].at == seconds(303)


def test_news_have_no_end_and_are_told_once() -> None:
    desk = Desk()
    desk.hold(READY, for_s=20_000)
    desk.hold(for_s=300)
    assert [notice.title for notice in desk.notices] == ["Sutradhar INFO: READY 2026-11-19"]


def test_many_at_once_are_one_message_with_the_worst_first() -> None:
    desk = Desk()
    gaps = [Alarm(kind="GAP", subject=f"S{n}", text="went by") for n in range(14)]
    (notice,) = desk.hold(*gaps, BARE, for_s=10)
    lines = notice.body.splitlines()
    assert notice.title == "Sutradhar CRITICAL: UNCOVERED and 14 more"
    assert lines[0].startswith("10:00:03 IST CRITICAL UNCOVERED")
    assert len(lines) == LINES + 1
    assert lines[-1] == "and 5 more: 5 x GAP"


def test_end_and_beginning_share_a_message() -> None:
    desk = Desk()
    desk.hold(SOCKET, for_s=40)
    desk.hold(for_s=59)
    (notice,) = desk.hold(BARE, for_s=20)
    assert notice.title == "Sutradhar CRITICAL: UNCOVERED and 1 more"
    assert "OVER SOCKET_LOST" in notice.body


def test_what_is_not_urgent_waits_for_the_gap() -> None:
    desk = Desk()
    desk.hold(SOCKET, for_s=3)
    gap = Alarm(kind="GAP", subject="S")
    assert desk.hold(SOCKET, gap, for_s=28) == []
    assert len(desk.hold(SOCKET, gap)) == 1
    assert len(desk.hold(SOCKET, gap, BARE, for_s=4)) == 1


def test_what_is_not_loud_enough_is_not_told() -> None:
    desk = Desk(least="critical")
    desk.hold(SOCKET, READY, for_s=100)
    assert desk.notices == []
    assert len(desk.hold(SOCKET, BARE, for_s=10)) == 1


def test_alarm_of_an_unknown_kind_is_nothing() -> None:
    assert Desk().hold(Alarm(kind="NO_SUCH"), for_s=10) == []


def test_what_cannot_be_judged_is_not_over() -> None:
    desk = Desk()
    desk.hold(SOCKET, for_s=10)
    assert desk.hold(for_s=200, unknown=("SOCKET_LOST",)) == []
    assert len(desk.hold(for_s=63)) == 1


def test_last_word_waits_for_nothing() -> None:
    desk = Desk()
    told = desk.alerting.fold(seen(READY), t(0), now=True)
    assert told is not None
    assert desk.alerting.fold(seen(READY), t(1), now=True) is None


@pytest.mark.incident("INC-96")
def test_permanent_failure_is_one_alert_an_hour() -> None:
    """A process that lives for two seconds, for three hours."""
    desk = Desk()
    notices: list[Notice] = []
    while desk.now < 3 * 3600:
        notices += desk.hold(AGAIN, for_s=1, unknown=("SOCKET_LOST",))
        desk = desk.die()
    assert [(n.at - T0) // SECOND for n in notices] == [3, 3606, 7209]
    assert "(1802 times)" in notices[1].body
    assert desk.alerting.memory.life == RUNNING


def test_start_with_an_old_alarm_open_tells_its_end_only_once_it_is_seen() -> None:
    desk = Desk()
    desk.hold(SOCKET, for_s=10)
    after = desk.die()
    assert after.hold(for_s=300, unknown=("SOCKET_LOST",)) == []
    assert [notice.title for notice in after.hold(for_s=63)] == ["Sutradhar OVER: SOCKET_LOST"]


def test_memory_of_another_day_or_of_the_future_is_none() -> None:
    kept = Told(kind="SOCKET_LOST", subject="", since=T0, told_at=T0, is_open=True)
    strange = replace(kept, kind="NO_SUCH")
    memory = Memory(told=(kept, strange), said_at=T0, due_since=T0)
    for moment in (Micros(T0 + OLDEST), Micros(T0 - 1)):
        assert Alerting(memory, AlertParams(), moment).memory.told == ()
    assert Alerting(memory, AlertParams(), T0).memory.told == (kept,)
    early = Alerting(memory, AlertParams(), Micros(T0 - 1)).memory
    assert (early.said_at, early.due_since) == (None, None)


def test_clock_that_was_set_back_silences_nobody() -> None:
    desk = Desk(begun=7200)
    desk.hold(SOCKET, for_s=5)
    desk.now = 0
    assert len(desk.hold(SOCKET, for_s=10)) == 1


def test_clock_set_back_while_something_waits_keeps_it_waiting() -> None:
    desk = Desk(begun=100)
    desk.hold(SOCKET, for_s=1)
    desk.now = 0
    assert len(desk.hold(SOCKET, for_s=3)) == 1


def test_bad_ends_of_the_last_ten_minutes_are_remembered() -> None:
    memory = Memory(life="it was killed", bad_ends=(t(-600), t(-599), t(1)))
    assert begun(memory, t(0)).bad_ends == (t(-599), t(0))
    assert begun(replace(memory, life=""), t(0)).bad_ends == (t(-599),)


def test_what_is_told_leaves_what_else_is_remembered() -> None:
    memory = Memory(bad_ends=(t(-5),), bare=Bare(since=t(-9), seen=t(-5)))
    after = Desk(memory).die().alerting.memory
    assert (after.bad_ends, after.bare) == (memory.bad_ends, memory.bare)


def test_what_a_broker_said_does_not_break_the_text() -> None:
    (notice,) = Desk().hold(Alarm(kind="UNCOVERED", text="<b>\u20b9 5\x1b[0m"), for_s=3)
    assert "<b>? 5?[0m" in notice.body


def test_throttle_and_calm_are_long_enough_to_mean_something() -> None:
    assert CALM >= 30 * SECOND


# Any history.

KEYS = (
    Alarm(kind="UNCOVERED"),
    Alarm(kind="SOCKET_LOST"),
    Alarm(kind="GAP", subject="CE"),
    Alarm(kind="GAP", subject="PE"),
    READY,
    AGAIN,
)
STEPS = st.lists(
    st.tuples(
        st.sets(st.sampled_from(range(len(KEYS)))),
        st.integers(1, 400),
        st.sampled_from(("go on", "go on", "go on", "die", "blind")),
    ),
    max_size=25,
)


class Judge:
    """Follows what is told of each key, by what is remembered before and after each look."""

    def __init__(self) -> None:
        self.last_told: dict[tuple[str, str], int] = {}
        self.is_open: set[tuple[str, str]] = set()

    def look(self, before: Memory, after: Memory, notice: Notice | None, at: Micros) -> None:
        was = {told.key: told for told in before.told}
        for told in after.told:
            kind = KINDS[told.kind]
            if told.told_at == at:
                assert notice is not None
                last = self.last_told.get(told.key)
                assert last is None or at - last >= seconds(kind.throttle_s)
                self.last_told[told.key] = at
                self.is_open.add(told.key)
            elif told.key in was and was[told.key].is_open and not told.is_open:
                assert told.key in self.is_open
                assert told.gone_at is not None
                assert not kind.recovery or notice is not None
                self.is_open.remove(told.key)


@given(STEPS)
def test_any_history_keeps_the_rules(
    steps: list[tuple[set[int], int, str]],
) -> None:
    """At most one message a key within its throttle, an end only after its beginning."""
    desk, judge = Desk(), Judge()
    for numbers, for_s, event in steps:
        held = [KEYS[number] for number in sorted(numbers)]
        unknown = tuple(KINDS) if event == "blind" else ()
        for _ in range(0, for_s, 3):
            before = desk.alerting.memory
            (*_, notice) = (None, *desk.hold(*held, unknown=unknown))
            judge.look(before, desk.alerting.memory, notice, t(desk.now - 1))
            desk.now += 2
        if event == "die":
            desk = desk.die()


@given(STEPS, st.sampled_from(KEYS))
def test_what_is_raised_and_held_is_told_in_the_end(
    steps: list[tuple[set[int], int, str]], lasting: Alarm
) -> None:
    desk = Desk()
    for numbers, for_s, event in steps:
        desk.hold(*(KEYS[number] for number in sorted(numbers)))
        desk.now += for_s
        if event == "die":
            desk = desk.die()
    for _ in range(1 + (KINDS[lasting.kind].throttle_s + 60) // 5):
        desk.hold(lasting)
        desk.now += 4
    (told,) = (each for each in desk.alerting.memory.told if each.key == lasting.key)
    assert told.told_at is not None
    assert told.is_open
