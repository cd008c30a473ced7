"""Entries at the desk: one order per decision, one live per slot, and an end that is not lost."""

from typing import Any

import pytest

from domain import events as ev
from domain.books import Status
from domain.calls import CancelOrder, Outcome, PlaceOrder
from domain.desk_entries import Entry, is_touched
from domain.orders import Order, Pending, State, StopPlan
from domain.params import OrderParams
from domain.units import Paise, Units
from tests.orders import (
    CE,
    ENTRY,
    PE,
    PLANNED,
    STOP,
    Bench,
    a_reply,
    a_resting_entry,
    a_row,
    a_trade,
    an_entry_wish,
    planned,
    rows_of_short,
    sold,
    t,
)
from tests.trading import TAG, a_key, a_ticket, an_order, at

HIGHER = StopPlan(trigger=Paise(14_200), limit=Paise(15_340))


def codes(bench: Bench) -> list[str]:
    return [refusal.code for _, refusal in bench.desk.entries.refused]


def cancels(bench: Bench) -> list[str]:
    return [write.orderid for write in bench.take() if isinstance(write, CancelOrder)]


def cancel(bench: Bench, seconds: float, reason: str = "outranked") -> Bench:
    bench.desk.cancel(TAG, "CE", reason)
    return bench.settle(seconds)


def another(when: float, **more: Any) -> Entry:
    return an_entry_wish(a_key(attempt=1), when=t(when), **more)


# Placing.


def test_wish_becomes_one_order_with_all_it_needs() -> None:
    bench = Bench().active(0)
    bench.desk.wish(an_entry_wish(), t(1), t(3))
    (write,) = bench.settle(1).take()
    assert isinstance(write, PlaceOrder)
    assert (write.ticket, write.send_before) == (ENTRY, t(3))
    assert bench.order() == Order(
        intent="2026-11-20-1-1",
        purpose=bench.order().purpose,
        leg="2026-11-20-1-1",
        ticket=ENTRY,
        baseline=(),
        key=a_key(),
        side=bench.order().side,
        stop=STOP,
        state=State.SENDING,
        sent_at=t(1),
        changed_at=t(1),
    )


@pytest.mark.incident("INC-42")
def test_slow_broker_and_fast_bars_give_one_order() -> None:
    bench = Bench().active(0)
    for when in range(1, 19):
        bench.wish(when).read(when)
    assert bench.placed() == [ENTRY]
    bench.reply(20, Outcome.UNKNOWN)
    for when in range(21, 130, 5):
        bench.read(when).wish(when, another(when))
    assert bench.writes == []


@pytest.mark.incident("INC-37")
@pytest.mark.parametrize("outcome", [Outcome.UNKNOWN, Outcome.NOT_SENT, Outcome.REJECTED])
def test_timed_out_entry_is_never_sent_twice(outcome: Outcome) -> None:
    bench = Bench().active(0).wish(1).reply(2, outcome)
    for when in (21, 60, 136, 138, 140, 300):
        bench.read(when).wish(when)
    assert bench.writes == []
    assert bench.order(0).state in {State.NOT_PLACED, State.REFUSED}
    assert codes(bench)[-1] == "USED_KEY"


def test_wish_waits_for_a_read_not_older_than_five_seconds() -> None:
    bench = Bench().active(0).wish(5.1)
    assert (bench.writes, bench.desk.entries.is_waiting) == ([], True)
    bench.read(6)
    assert (bench.placed(), bench.desk.entries.is_waiting) == ([ENTRY], False)


def test_wish_that_waited_ten_seconds_is_too_old() -> None:
    bench = Bench().active(0).wish(6).read(16.1)
    assert (bench.writes, codes(bench)) == ([], ["OLD"])
    assert bench.wish(16.2, an_entry_wish(when=t(6))).writes == []
    assert Bench().active(0).wish(6).read(16).placed() == [ENTRY]
    assert OrderParams().baseline_max_age_s == 5


def test_wish_that_waits_is_dropped_with_the_strategy_that_wished_it() -> None:
    bench = Bench().active(0).wish(5.1)
    bench.desk.strategy_lost(too_often=False)
    assert (bench.desk.entries.is_waiting, codes(bench)) == (False, ["OVER"])
    bench.desk.strategy_ready()
    assert bench.read(6).writes == []


def test_wish_waits_while_an_order_of_its_symbol_is_in_flight() -> None:
    first = an_entry_wish(a_key(slot="PE"), when=t(1))
    bench = Bench().active(0).wish(1, first)
    bench.take()
    bench.wish(2)
    assert (bench.writes, bench.desk.entries.is_waiting) == ([], True)
    bench.read(3)
    assert (bench.writes, bench.desk.entries.is_waiting) == ([], True)


def test_newer_wish_of_a_slot_takes_the_place_of_the_waiting_one() -> None:
    bench = Bench().active(0).wish(6)
    bench.wish(7, an_entry_wish(a_key(PE, slot="CE"), when=t(7))).read(8)
    assert [ticket.symbol for ticket in bench.placed()] == [PE]


def test_refused_wish_says_why() -> None:
    bench = Bench().active(0).wish(1, an_entry_wish(units=660, when=t(1)))
    assert (bench.writes, codes(bench)) == ([], ["LOT"])
    key, refusal = bench.desk.entries.refused[0]
    assert (key, refusal.text) == (a_key(), "660 units, lot 65")


def test_contract_of_another_day_is_refused() -> None:
    bench = Bench(events=()).active(0).wish(1)
    assert (bench.writes, codes(bench)) == ([], ["NO_CONTRACT"])


def test_price_used_up_today_is_refused() -> None:
    rows = [
        a_row(a_ticket(trigger=12_995, price=12_695 - 5 * k), f"H{k}", Status.CANCELLED)
        for k in range(60)
    ]
    bench = Bench().active(0)
    bench.desk.blotter.see_book(rows)
    assert (bench.wish(1).writes, codes(bench)) == ([], ["NO_FINGERPRINT"])


def test_second_wish_of_the_day_moves_a_tick() -> None:
    bench = a_resting_entry()
    gone = a_row(ENTRY, status=Status.CANCELLED)
    bench.read(2, [gone]).read(4, [gone]).wish(5, another(5))
    assert bench.placed() == [a_ticket(trigger=12_995, price=12_690)]
    assert bench.order().baseline == ("A1",)


# A taken slot.


def test_same_wish_again_changes_nothing() -> None:
    bench = a_resting_entry().wish(2).wish(3)
    assert (bench.writes, codes(bench)) == ([], [])


@pytest.mark.parametrize("wanted", [another(2), an_entry_wish(a_key(PE, slot="CE"), when=t(2))])
def test_other_wish_for_a_taken_slot_ends_the_order_and_comes_again(wanted: Entry) -> None:
    bench = a_resting_entry().wish(2, wanted)
    assert (cancels(bench), codes(bench)) == (["A1"], ["SLOT_TAKEN"])
    gone = a_row(ENTRY, status=Status.CANCELLED)
    assert bench.read(3, [gone]).wish(4, another(4)).take() == []
    bench.read(5, [gone]).wish(6, another(6))
    assert len(bench.placed()) == 1


def test_other_wish_leaves_a_filling_order_alone() -> None:
    bench = a_resting_entry().read(2, [a_row(ENTRY, status=Status.OPEN)]).wish(3, another(3))
    assert (bench.writes, codes(bench)) == ([], ["SLOT_TAKEN"])


def test_wish_taken_up_again_keeps_the_order() -> None:
    bench = Bench().active(0).wish(1)
    cancel(bench, 2).wish(3).reply(4, orderid="A1").read(5, [a_row(ENTRY)])
    assert bench.settle(6).writes == []
    assert bench.order().is_live


# Ending.


@pytest.mark.incident("INC-36")
def test_slow_cancel_never_leaves_two_entries() -> None:
    bench = cancel(a_resting_entry(), 2)
    assert cancels(bench) == ["A1"]
    bench.desk.replied("2026-11-20-1-1", "cancel", a_reply(Outcome.DONE, "A1"), t(2.1))
    for when in (2.2, 3, 4):
        bench.read(when, [a_row(ENTRY)]).wish(when, another(when))
    gone = a_row(ENTRY, status=Status.CANCELLED)
    bench.read(5, [gone]).wish(5, another(5))
    assert bench.placed() == []
    bench.read(6.1, [gone]).wish(6.2, another(6))
    assert len(bench.placed()) == 1


@pytest.mark.incident("INC-41")
def test_triggering_entry_is_kept_until_resolved() -> None:
    bench = a_resting_entry().read(2, [a_row(ENTRY, status=Status.OPEN)])
    assert cancel(bench, 3, "broken").writes == []
    bench.read(4, [a_row(ENTRY, status=Status.OPEN)], [sold(65)])
    assert cancels(cancel(bench, 5, "broken")) == []


@pytest.mark.parametrize(
    "outcome", [Outcome.NOT_SENT, Outcome.UNKNOWN, Outcome.REJECTED, Outcome.DONE]
)
def test_cancel_that_did_not_work_is_asked_again_until_it_does(outcome: Outcome) -> None:
    bench = cancel(a_resting_entry(), 2).reply(2.1, outcome)
    for when in (2.2, 2.5, 2.9):
        assert bench.settle(when).writes == []
    for when in (3.5, 5, 7.5):
        bench.read(when, [a_row(ENTRY)])
    assert cancels(bench)[0] == "A1"


def test_cancel_of_an_order_without_an_id_waits_for_it() -> None:
    bench = Bench().active(0).wish(1)
    assert [type(w) for w in cancel(bench, 2).writes] == [PlaceOrder]
    assert cancels(bench.reply(3, orderid="A1")) == ["A1"]


def test_order_that_is_filling_when_its_id_comes_is_not_cancelled() -> None:
    bench = cancel(Bench().active(0).wish(1), 2)
    bench.read(3, [a_row(ENTRY, status=Status.OPEN)])
    assert cancels(bench) == []


def test_cancel_of_an_empty_slot_is_nothing() -> None:
    bench = Bench().active(0)
    assert cancel(bench, 1).writes == []
    bench.wish(6)
    assert cancel(bench, 6).read(7).writes == []


def test_triggered_entry_that_does_not_fill_is_given_up_after_ten_seconds() -> None:
    bench = a_resting_entry().read(2, [a_row(ENTRY, status=Status.OPEN)])
    assert bench.settle(11.9).writes == []
    assert cancels(bench.settle(12)) == ["A1"]


def test_partly_filled_entry_is_given_up_after_thirty_seconds() -> None:
    filling = a_row(ENTRY, status=Status.OPEN)
    bench = a_resting_entry().read(2, [filling], [sold(65)]).reply(2.5, orderid="S1")
    bench.read(3, [filling, a_row(bench.order().ticket, "S1")], [sold(65)])
    for when in (12, 20, 31.9):
        assert cancels(bench.settle(when)) == []
    assert cancels(bench.settle(32)) == ["A1"]


@pytest.mark.parametrize("status", [Status.OPEN, Status.COMPLETE])
def test_rest_of_an_entry_ends_with_its_stop(status: Status) -> None:
    bench = a_resting_entry().read(2, [a_row(ENTRY, status=Status.OPEN)], [sold(65)])
    bench.reply(2.5, orderid="S1")
    stop = bench.order().ticket
    trades = [sold(65)] + ([] if status is Status.OPEN else [a_trade(stop, 65, 15_000, "S1")])
    bench.read(4, [a_row(ENTRY, status=Status.OPEN), a_row(stop, "S1", status)], trades)
    assert "A1" in cancels(bench)


def test_rest_of_an_entry_ends_when_its_short_is_left() -> None:
    bench = a_resting_entry().read(2, [a_row(ENTRY, status=Status.OPEN)], [sold(65)])
    bench.take()
    bench.desk.leave(TAG, CE, "EXIT", t(3))
    assert cancels(bench.settle(3)) == ["A1"]


def test_everything_ends_at_the_last_entry_time() -> None:
    bench = a_resting_entry()
    bench.now = at("15:10")
    bench.desk.settle(at("15:10"))
    assert [type(w) for w in bench.desk.blotter.drain()[1]] == [CancelOrder]


def test_end_of_all_refuses_what_still_waits() -> None:
    bench = Bench().active(0).wish(6)
    bench.desk.latch("FREEZE", "human", t(6))
    assert codes(bench.settle(6)) == ["OVER"]
    assert bench.read(7).writes == []


def test_end_of_all_takes_the_filling_ones_too() -> None:
    bench = a_resting_entry().read(2, [a_row(ENTRY, status=Status.OPEN)], [sold(65)])
    bench.take()
    bench.desk.latch("FREEZE", "human", t(3))
    assert cancels(bench.settle(3)) == ["A1"]


def test_entry_given_up_that_comes_back_yields_to_the_newer_one() -> None:
    bench = Bench().active(0).wish(1).reply(2, Outcome.UNKNOWN).read(137).read(139)
    assert bench.order().state is State.NOT_PLACED
    bench.wish(140, another(140)).reply(140.5, orderid="A2")
    newer = a_row(bench.order().ticket, "A2")
    bench.read(160, [a_row(ENTRY, "A1"), newer])
    assert cancels(bench) == ["A1"]


def test_entry_given_up_that_comes_back_alone_rests_on() -> None:
    bench = Bench().active(0).wish(1).reply(2, Outcome.UNKNOWN).read(137).read(139)
    assert bench.read(160, [a_row(ENTRY, "A1")]).writes == []
    assert bench.order().state is State.TRIGGER_PENDING


# Moving the planned stop.


def test_stop_of_a_resting_entry_only_rises() -> None:
    bench = a_resting_entry()
    bench.desk.raise_stop(a_key(), HIGHER, t(2))
    assert bench.order().stop == HIGHER
    bench.desk.raise_stop(a_key(), STOP, t(3))
    assert bench.order().stop == HIGHER


@pytest.mark.parametrize("key", [a_key(attempt=1), a_key(slot="PE"), a_key(index=2)])
def test_stop_of_another_decision_is_left_alone(key: Any) -> None:
    bench = a_resting_entry()
    bench.desk.raise_stop(key, HIGHER, t(2))
    assert bench.order().stop == STOP


def test_stop_of_an_order_without_one_cannot_rise() -> None:
    resting = ev.StateChanged(
        at=t(0),
        intent="i1",
        state=State.TRIGGER_PENDING,
        pending=Pending.NONE,
        orderid="A1",
        reason="",
    )
    bench = Bench(events=[PLANNED, planned(stop=None), resting])
    bench.desk.raise_stop(a_key(), HIGHER, t(2))
    assert bench.order().stop is None


# What counts as touched.


def test_stop_entry_is_touched_when_it_triggered_and_a_limit_when_it_fills() -> None:
    limit = a_ticket(trigger=0)
    assert not is_touched(an_order())
    assert is_touched(an_order(state=State.OPEN))
    assert is_touched(an_order(filled=Units(65)))
    assert not is_touched(an_order(ticket=limit, state=State.OPEN))
    assert is_touched(an_order(ticket=limit, state=State.OPEN, filled=Units(65)))


def test_filled_short_takes_no_second_entry() -> None:
    bench = a_resting_entry().read(10, [a_row(ENTRY, status=Status.COMPLETE)], [sold()])
    bench.reply(10.5, orderid="S1").read(11, rows_of_short(), [sold()])
    bench.wish(12, an_entry_wish(a_key(index=2), when=t(12)))
    assert (bench.writes, codes(bench)) == ([], ["SYMBOL_TAKEN"])


def test_cancel_of_unknown_fate_is_asked_for_once_more_after_a_while() -> None:
    bench = a_resting_entry()
    bench.take()
    bench.desk.cancel(TAG, "CE", "outranked")
    (cancel,) = bench.settle(20).writes
    assert isinstance(cancel, CancelOrder)
    bench.reply(20.5, Outcome.UNKNOWN)
    assert bench.settle(24.9).take() == []
    assert bench.settle(25).take() == [cancel]
