"""What is uncovered by the journal and the books, and when that ends the process."""

import msgspec
import pytest

from domain import events as ev
from domain.books import Status
from domain.coverage import MINUTE, SILENCE, Alarm, Coverage, Deadline, uncovered
from domain.ledger import Ledger
from domain.units import Micros, Units, seconds
from tests.orders import (
    CE,
    ENTRY,
    PLANNED,
    T0,
    a_buy,
    a_row,
    a_trade,
    an_open_short,
    rows_of_short,
    sold,
    some_books,
    t,
)
from tests.trading import PLAN

BARE = ((CE, Units(650), t(0)),)
TEXT = f"{CE} short 650 uncovered;"


def short() -> Ledger:
    return Ledger().fold(an_open_short().events)


def test_short_under_a_resting_stop_is_covered() -> None:
    assert uncovered(short(), some_books(rows_of_short(), [sold()])) == {}


@pytest.mark.parametrize("status", [Status.CANCELLED, Status.REJECTED, Status.UNKNOWN])
def test_short_whose_stop_does_not_work_is_not(status: Status) -> None:
    assert uncovered(short(), some_books(rows_of_short(status), [sold()])) == {CE: 650}


def test_order_of_others_covers_nothing() -> None:
    rows = [*rows_of_short(Status.CANCELLED), a_row(a_buy(), "H1")]
    assert uncovered(short(), some_books(rows, [sold()])) == {CE: 650}


def test_trades_the_journal_does_not_know_yet_count() -> None:
    """The entry filled twice as much, and half of that stop was met."""
    trades = [sold(), sold(130), a_trade(a_buy(), 65, 14_100, "S1")]
    rows = [a_row(ENTRY), a_row(a_buy(), "S1", Status.OPEN)]
    assert uncovered(short(), some_books(rows, trades)) == {CE: 130}


def test_short_that_a_human_bought_back_needs_no_cover() -> None:
    rows = rows_of_short(Status.CANCELLED)
    human = a_trade(a_buy(trigger=0), 325, 13_000, "H1")
    assert uncovered(short(), some_books(rows, [sold(), human])) == {CE: 325}
    overnight = msgspec.structs.replace(human, product="NRML")
    assert uncovered(short(), some_books(rows, [sold(), overnight])) == {CE: 650}


def test_order_without_an_id_covers_nothing_yet() -> None:
    events = an_open_short().events
    sent = next(e for e in events if isinstance(e, ev.IntentPlanned) and e.purpose == "stop")
    young = Ledger().fold(events[: events.index(sent) + 2])
    assert uncovered(young, some_books([a_row(ENTRY)], [sold()])) == {CE: 650}


def test_time_without_cover_is_counted_from_the_first_read_that_shows_it() -> None:
    coverage, ledger = Coverage(), short()
    assert (coverage.read_at, coverage.figure(ledger, T0)) == (None, ())
    bare = some_books(rows_of_short(Status.CANCELLED), [sold()])
    for machine in (7, 9):
        coverage.measure(ledger, bare, Micros(machine))
    assert (coverage.read_at, coverage.figure(ledger, T0)) == (9, ((CE, 650, 7),))
    coverage.measure(ledger, some_books(rows_of_short(), [sold()]), Micros(10))
    assert coverage.figure(ledger, T0) == ()


def test_nothing_is_asked_of_a_process_that_may_send_nothing() -> None:
    coverage, ledger = Coverage(), short()
    coverage.measure(ledger, some_books(rows_of_short(Status.CANCELLED), [sold()]), Micros(7))
    assert PLAN.quiet is not None
    assert coverage.figure(ledger, Micros(PLAN.quiet - 1)) == ((CE, 650, 7),)
    assert coverage.figure(ledger, PLAN.quiet) == ()
    ledger.apply(ev.LatchSet(at=T0, name="HALT", reason="human"))
    assert coverage.figure(ledger, T0) == ()


def test_ledger_without_a_plan_is_never_quiet() -> None:
    bare = Ledger().fold(e for e in an_open_short().events if e != PLANNED)
    coverage = Coverage()
    coverage.measure(bare, some_books(rows_of_short(Status.CANCELLED), [sold()]), Micros(7))
    assert coverage.figure(bare, PLAN.close) == ((CE, 650, 7),)


def told(deadline: Deadline, *when: float) -> list[tuple[float, Alarm]]:
    found = [(second, deadline.look(t(second), has_shorts=True)) for second in when]
    return [(second, alarm) for second, alarm in found if alarm is not None]


def test_short_uncovered_for_20_s_beside_a_reachable_broker_ends_the_process() -> None:
    deadline = Deadline(20)
    for second in range(20):
        deadline.hear(BARE, t(second), 1, t(second))
    assert told(deadline, 19, 19.9) == []
    assert told(deadline, 20) == [(20, Alarm(text=TEXT, code=70))]


def test_cover_in_time_ends_nothing() -> None:
    deadline = Deadline(20)
    deadline.hear(BARE, t(0), 1, t(0))
    deadline.hear((), t(19), 1, t(19))
    assert told(deadline, 20, 30) == []


@pytest.mark.parametrize(("read", "boots"), [(14, 1), (None, 1), (20, 4)])
def test_process_that_could_do_no_better_stays_and_tells_each_minute(
    read: float | None, boots: int
) -> None:
    """The broker is out of reach, was never reached, or three ends came before."""
    deadline = Deadline(20)
    alarms = []
    for second in range(20, 150, 10):
        since = None if read is None else t(second - 20 + read)
        deadline.hear(BARE, since, boots, t(second))
        alarms += told(deadline, second)
    assert alarms == [(second, Alarm(text=TEXT)) for second in (20, 80, 140)]


def test_told_short_that_was_covered_is_news_again() -> None:
    deadline = Deadline(20)
    for bare, second in ((BARE, 20), ((), 21), (BARE, 22)):
        deadline.hear(bare, None, 1, t(second))
        assert bool(told(deadline, second)) is bool(bare)


def test_nobody_measuring_for_15_s_beside_a_short_ends_the_process() -> None:
    deadline = Deadline(20)
    assert told(deadline, 0, 14.9) == []
    silent = "nobody measures how our shorts are covered"
    assert told(deadline, 15) == [(15, Alarm(text=silent, code=70))]
    deadline.hear((), None, 1, t(15))
    assert told(deadline, 29.9) == []


def test_silence_without_a_short_is_none() -> None:
    deadline = Deadline(20)
    for second in (0, 100):
        assert deadline.look(t(second), has_shorts=False) is None
    assert told(deadline, 114) == []


def test_time_asleep_is_nobody_s_silence_and_no_time_without_cover() -> None:
    deadline = Deadline(20)
    deadline.hear(BARE, t(0), 1, t(0))
    deadline.slept(t(100))
    assert told(deadline, 100, 114) == []
    deadline.hear(BARE, t(119), 1, t(114))
    assert seconds(15) == SILENCE
    assert seconds(60) == MINUTE
