"""The desk as a whole: mode, pace, recovery, latches, parking, and the end of the day."""

from dataclasses import replace

import msgspec
import pytest

from domain import events as ev
from domain.books import Status
from domain.calls import CancelOrder, Outcome, PlaceOrder, Write
from domain.desk_params import DeskParams
from domain.orders import Pending, Purpose, State
from domain.params import DayParams
from domain.positions import Phase
from domain.strategy import Mode
from domain.units import Units
from tests.orders import (
    CE,
    ENTRY,
    PARAMS,
    PLANNED,
    Bench,
    a_buy,
    a_ready,
    a_resting_entry,
    a_row,
    a_trade,
    an_entry_wish,
    an_open_short,
    planned,
    rows_of_short,
    sold,
    t,
)
from tests.trading import PLAN, TAG, a_key

FILLED = a_row(ENTRY, status=Status.COMPLETE)
FORCE = (PLAN.force_close - t(0)) / 1_000_000
FLAT_ROWS = [FILLED, a_row(a_buy(), "S1", Status.COMPLETE)]
FLAT = [sold(), a_trade(a_buy(), 650, 14_100, "S1")]


def mode(bench: Bench) -> Mode:
    return bench.desk.mode(bench.now)


def is_recovered(bench: Bench) -> bool:
    return bench.desk.is_recovered


def pace(bench: Bench) -> tuple[float, str]:
    every, reason = bench.desk.attention(bench.now)
    return every / 1_000_000, reason


def modes(bench: Bench) -> list[tuple[str, str]]:
    return [(e.mode, e.reason) for e in bench.events if isinstance(e, ev.ModeChanged)]


def kinds(writes: list[Write]) -> list[type]:
    return [type(write) for write in writes]


def a_closed_trade() -> Bench:
    """The short of tests/orders.py, stopped out at 10:00:20."""
    return an_open_short().read(20, FLAT_ROWS, FLAT)


# Mode.


def test_day_begins_in_recovery_and_becomes_active_when_all_is_known() -> None:
    bench = Bench().settle(0)
    assert mode(bench) is Mode.RECOVERING
    bench.desk.preflight(a_ready(), t(1))
    assert not is_recovered(bench)
    bench.read(1)
    assert is_recovered(bench)
    assert mode(bench) is Mode.REDUCE_ONLY
    bench.desk.strategy_ready()
    assert mode(bench.settle(2)) is Mode.ACTIVE
    assert modes(bench) == [("RECOVERING", ""), ("REDUCE_ONLY", ""), ("ACTIVE", "")]


def test_nothing_is_entered_while_the_strategy_is_rebuilt_and_what_rests_stays() -> None:
    bench = a_resting_entry()
    bench.desk.strategy_lost(too_often=False)
    bench.settle(10)
    assert (bench.desk.mode(t(10)), bench.writes) == (Mode.REDUCE_ONLY, [])
    changed = bench.events[-1]
    assert isinstance(changed, ev.ModeChanged)
    assert changed.reason == "the strategy is being rebuilt"
    bench.desk.strategy_ready()
    assert bench.desk.mode(t(11)) is Mode.ACTIVE


def test_shorts_are_counted_with_those_that_are_covered() -> None:
    bench = an_open_short()
    assert bench.desk.covered() == (1, 1)
    bare = msgspec.structs.replace(next(iter(bench.ledger.legs.values())), leg="other")
    bench.ledger.legs["other"] = bare
    assert bench.desk.covered() == (1, 2)


def test_strategy_that_died_too_often_enters_nothing_more() -> None:
    bench = a_resting_entry()
    for too_often in (True, False):
        bench.desk.strategy_lost(too_often=too_often)
        bench.desk.strategy_ready()
        assert bench.settle(10).desk.mode(t(10)) is Mode.REDUCE_ONLY
    assert [type(write) for write in bench.writes] == [CancelOrder]


def test_lost_session_waits_for_a_login_and_a_good_read_ends_it() -> None:
    bench = an_open_short()
    assert bench.desk.lost_session()
    assert not bench.desk.lost_session()
    assert mode(bench.settle(12)) is Mode.WAIT_LOGIN
    assert modes(bench)[-1] == ("WAIT_LOGIN", "no broker session")
    assert mode(bench.read(42, rows_of_short(), [sold()])) is Mode.ACTIVE
    assert bench.desk.lost_session()


@pytest.mark.incident("INC-84")
def test_403_in_session_freezes_entries_and_keeps_stops() -> None:
    bench = an_open_short()
    bench.desk.lost_session()
    bench.wish(12, an_entry_wish(a_key(slot="PE"), when=t(12)))
    for when in (13, 60, 600):
        bench.settle(when)
    assert (bench.writes, mode(bench)) == ([], Mode.WAIT_LOGIN)


def test_login_that_comes_after_the_start_is_enough() -> None:
    bench = Bench()
    bench.desk.lost_session()
    assert mode(bench.settle(1)) is Mode.WAIT_LOGIN
    bench.desk.preflight(a_ready(), t(31))
    assert mode(bench.settle(31)) is Mode.RECOVERING


@pytest.mark.parametrize("name", ["FREEZE", "DUPLICATE", "ORDER_MODE", "HALT"])
def test_latch_takes_entries_away(name: str) -> None:
    bench = a_resting_entry()
    bench.desk.latch(name, "because", t(2))
    bench.desk.latch(name, "again", t(3))
    expected = Mode.HALTED if name == "HALT" else Mode.REDUCE_ONLY
    assert mode(bench.settle(3)) is expected
    assert bench.ledger.latches == {name: "because"}
    assert modes(bench)[-1] == (expected, name)
    assert kinds(bench.writes) == ([] if name == "HALT" else [CancelOrder])


def test_halt_sends_nothing_even_past_the_force_close() -> None:
    bench = an_open_short()
    bench.desk.latch("HALT", "human", t(12))
    bench.settle(FORCE).read(FORCE + 2, rows_of_short(), [sold()])
    assert (bench.writes, next(bench.ledger.open_legs()).phase) == ([], Phase.PROTECT)


# Pace.


def test_books_are_read_as_often_as_the_situation_asks() -> None:
    assert pace(Bench()) == (1.5, "proof wanted")
    assert pace(Bench().active(0)) == (60, "idle")
    assert pace(Bench().active(0).wish(1)) == (1.5, "in flight")
    assert pace(Bench().active(0).wish(6)) == (1.5, "in flight")
    assert pace(a_resting_entry()) == (5, "entry rests")
    assert pace(an_open_short()) == (10, "stops rest")
    asked = a_resting_entry()
    asked.desk.cancel(TAG, "CE", "x")
    assert pace(asked.settle(2)) == (1.5, "in flight")
    bare = an_open_short().read(20, rows_of_short(Status.CANCELLED), [sold()])
    bare.read(22, rows_of_short(Status.CANCELLED), [sold()]).reply(22.5, orderid="S2")
    assert pace(bare) == (1.5, "in flight")
    left = an_open_short()
    left.desk.leave(TAG, CE, "EXIT", t(12))
    assert pace(left.settle(12)) == (1.5, "in flight")


def test_books_that_are_not_believed_are_read_again_soon_three_times() -> None:
    bench, found = a_resting_entry(), []
    for _ in range(4):
        bench.desk.doubted()
        found.append(pace(bench))
    assert found == [(1.5, "books doubted")] * 3 + [(5, "entry rests")]
    bench.read(20, [a_row(ENTRY)]).desk.doubted()
    assert pace(bench) == (1.5, "books doubted")


def test_books_that_are_not_believed_are_read_again_soon_as_long_as_a_short_is_open() -> None:
    bench = an_open_short()
    for _ in range(9):
        bench.desk.doubted()
        assert pace(bench) == (1.5, "books doubted")


def test_books_are_read_fast_until_the_day_is_proved_flat() -> None:
    bench = a_closed_trade().settle(FORCE)
    assert pace(bench) == (1.5, "proof wanted")
    for more in (1, 4):
        bench.read(FORCE + more, FLAT_ROWS, FLAT)
    assert pace(bench) == (60, "idle")


# Recovery.


def test_process_that_died_while_sending_may_have_sent() -> None:
    bench = Bench().active(0).wish(1).restart(2)
    assert bench.order().state is State.UNKNOWN
    assert bench.order().reason == "process ended"
    assert bench.settle(2).writes == []


@pytest.mark.parametrize(
    ("pending", "after"),
    [
        (Pending.NONE, Pending.NONE),
        (Pending.MODIFY, Pending.MODIFY_UNKNOWN),
        (Pending.CANCEL, Pending.CANCEL_UNKNOWN),
        (Pending.CANCEL_UNKNOWN, Pending.CANCEL_UNKNOWN),
    ],
)
def test_request_in_the_air_when_the_process_died_is_unknown(
    pending: Pending, after: Pending
) -> None:
    events: list[ev.Event] = [planned(), _moved("i1", State.OPEN, pending)]
    assert Bench(events=events).order().pending is after


def test_entry_that_never_left_is_refused_at_the_start_and_an_exit_is_kept() -> None:
    stop = planned("s1", purpose=Purpose.STOP, leg="i1", ticket=a_buy(), key=None, side=None)
    bench = Bench(events=[planned(), stop])
    assert [o.state for o in bench.ledger.orders.values()] == [State.REFUSED, State.PLANNED]


def _moved(intent: str, state: State, pending: Pending = Pending.NONE) -> ev.StateChanged:
    return ev.StateChanged(
        at=t(0), intent=intent, state=state, pending=pending, orderid="A1", reason=""
    )


def test_nothing_is_done_before_the_books_were_read() -> None:
    events: list[ev.Event] = [
        PLANNED,
        planned(),
        ev.FillsSeen(at=t(0), intent="i1", filled=Units(650), value=650 * 12_990),
        _moved("i1", State.FILLED),
    ]
    bench = Bench(events=events)
    for when in (1, 30, FORCE):
        assert bench.settle(when).writes == []
    assert mode(bench) is Mode.RECOVERING


@pytest.mark.incident("INC-75")
def test_uncovered_short_is_protected_before_the_feed() -> None:
    """One read is enough: no price, no strategy, no word about the feed."""
    bench = a_resting_entry().read(10, [FILLED], [sold()])
    events = [e for e in bench.events if getattr(e, "intent", "") != "2026-11-20-1-2"]
    fresh = Bench(events=events, boot=2).read(30, [FILLED], [sold()])
    assert [w.ticket for w in fresh.writes if isinstance(w, PlaceOrder)] == [a_buy()]
    (recovered,) = [e for e in fresh.events if isinstance(e, ev.Recovered) and e.at == t(30)]
    assert recovered == ev.Recovered(at=t(30), orders=0, shorts=1)


@pytest.mark.incident("INC-74")
def test_recovering_twice_equals_once() -> None:
    bench = a_resting_entry().read(10, [FILLED], [sold()])
    first = bench.restart(12).read(12, [FILLED], [sold()])
    second = first.restart(13).read(13, [FILLED], [sold()])
    third = second.restart(14, boot=4).read(14, [FILLED, a_row(a_buy(), "S1")], [sold()])
    assert (first.writes, second.writes, third.writes) == ([], [], [])
    assert third.order().state is State.TRIGGER_PENDING


def test_resting_entry_of_a_former_process_is_cancelled() -> None:
    bench = a_resting_entry().restart(5).read(5, [a_row(ENTRY)])
    assert kinds(bench.writes) == [CancelOrder]


def test_entry_in_flight_of_a_former_process_is_cancelled_when_it_shows() -> None:
    bench = Bench().active(0).wish(1).restart(5).read(5)
    assert bench.writes == []
    assert kinds(bench.read(7, [a_row(ENTRY)]).writes) == [CancelOrder]


@pytest.mark.incident("INC-85")
@pytest.mark.parametrize("second", [-1, 0, 1])
def test_start_at_any_second_around_cutoff_is_safe(second: int) -> None:
    short = an_open_short()
    bench = short.restart(FORCE + second)
    bench.read(FORCE + second, rows_of_short(), [sold()])
    bench.read(FORCE + second + 2, rows_of_short(), [sold()])
    assert kinds(bench.writes) == [CancelOrder]
    assert next(bench.ledger.open_legs()).reason == "FORCE_CLOSE"


def test_day_proved_flat_is_over_after_a_restart_too() -> None:
    bench = a_closed_trade().settle(FORCE)
    for more in (1, 4):
        bench.read(FORCE + more, FLAT_ROWS, FLAT)
    again = bench.restart(FORCE + 60).settle(FORCE + 60)
    assert (mode(again), again.writes) == (Mode.CLOSED, [])


def test_contracts_of_the_day_are_journaled_once() -> None:
    bench = Bench(events=())
    bench.desk.planned(PLANNED)
    bench.desk.planned(msgspec.structs.replace(PLANNED, at=t(9)))
    assert bench.settle(1).events[:2] == [PLANNED, bench.events[1]]
    assert [e for e in bench.events if isinstance(e, ev.DayPlanned)] == [PLANNED]


# The end of the day.


@pytest.mark.incident("INC-67")
def test_past_cutoff_and_not_flat_keeps_trying() -> None:
    bench = an_open_short().settle(FORCE)
    asked = 0
    for n in range(1, 40):
        bench.read(FORCE + 2 * n, rows_of_short(), [sold()])
        asked += len(bench.writes)
        while bench.writes:
            bench.reply(FORCE + 2 * n + 0.1, Outcome.NOT_SENT)
    assert asked == 39


@pytest.mark.incident("INC-62")
@pytest.mark.parametrize("reason", ["DAY_TARGET", "DAY_STOP"])
def test_daily_exit_ends_flat_at_the_broker(reason: str) -> None:
    bench = an_open_short()
    bench.desk.flatten(reason, t(20))
    bench.settle(20).read(21, rows_of_short(), [sold()])
    assert kinds(bench.writes) == [CancelOrder]
    assert bench.ledger.latches == {"DAY_DONE": reason}
    bench.reply(21.5, orderid="S1").read(22, FLAT_ROWS, FLAT)
    assert (mode(bench), bench.ledger.proved_flat_at) == (Mode.REDUCE_ONLY, None)
    bench.read(23, FLAT_ROWS, FLAT).read(25, FLAT_ROWS, FLAT)
    assert (mode(bench), bench.ledger.proved_flat_at) == (Mode.CLOSED, t(25))
    assert modes(bench)[-1] == ("CLOSED", "DAY_DONE")


def test_flatten_latches_and_the_clock_is_its_own_latch() -> None:
    bench = an_open_short()
    bench.desk.flatten("FORCE_CLOSE", t(20))
    assert (bench.settle(20).ledger.latches, mode(bench)) == ({}, Mode.ACTIVE)
    bench.desk.flatten("human", t(21))
    assert bench.settle(21).ledger.latches == {"FLATTEN": "human"}
    assert next(bench.ledger.open_legs()).reason == "human"


def test_force_close_is_the_mode_s_reason_when_nothing_else_is() -> None:
    bench = an_open_short().settle(FORCE)
    assert modes(bench)[-1] == ("REDUCE_ONLY", "force close")


def test_proof_does_not_go_on_over_a_doubted_read() -> None:
    bench = a_closed_trade().settle(FORCE).read(FORCE + 1, FLAT_ROWS, FLAT)
    bench.desk.doubted()
    for more in (4, 5, 6, 9):
        bench.read(FORCE + more, FLAT_ROWS, FLAT)
    proved = [e.at for e in bench.events if isinstance(e, ev.ProvedFlat)]
    assert proved == [t(FORCE + 6)]


def test_flat_book_is_not_proved_while_the_day_goes_on() -> None:
    bench = a_closed_trade().read(25, FLAT_ROWS, FLAT).read(30, FLAT_ROWS, FLAT)
    assert bench.ledger.proved_flat_at is None


@pytest.mark.incident("INC-79")
def test_loss_limit_survives_restarts_and_needs_a_cause() -> None:
    params = _with_loss(721_500)
    bench = Bench(params=params, events=a_closed_trade().events, boot=2)
    bench.read(30, FLAT_ROWS, FLAT)
    assert bench.ledger.latches == {"DAY_DONE": "DAY_LOSS"}
    again = Bench(params=params, events=bench.events, boot=3).active(40)
    again.read(41, FLAT_ROWS, FLAT).wish(41, an_entry_wish(a_key(attempt=1), when=t(41)))
    assert [w for w in again.writes if isinstance(w, PlaceOrder)] == []
    unharmed = Bench(params=_with_loss(721_501), events=a_closed_trade().events, boot=2)
    assert unharmed.read(30, FLAT_ROWS, FLAT).ledger.latches == {}
    off = Bench(params=_with_loss(0), events=a_closed_trade().events, boot=2)
    assert off.read(30, FLAT_ROWS, FLAT).ledger.latches == {}


def _with_loss(loss_p: int) -> DeskParams:
    return replace(PARAMS, day=DayParams(loss_p=loss_p))
