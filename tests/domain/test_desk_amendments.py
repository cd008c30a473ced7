"""Changing an entry that rests: one thing at a time, absolute, and never while it is filling."""

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from domain import events as ev
from domain.books import Status
from domain.calls import CancelOrder, ModifyOrder, Outcome, Priority, Write
from domain.desk_entries import Entry
from domain.orders import EntryKey, Pending, StopPlan, Ticket
from domain.reasons import Condition
from domain.units import Paise, Units
from tests.orders import (
    ENTRY,
    PARAMS,
    STOP,
    Bench,
    a_ready,
    a_reply,
    a_resting_entry,
    a_row,
    an_entry_wish,
    sold,
    t,
)
from tests.trading import a_key, a_ticket

HIGHER = StopPlan(trigger=Paise(14_200), limit=Paise(15_340))
LOWER = StopPlan(trigger=Paise(13_900), limit=Paise(15_015))
NEWER = a_key(index=7)
SMALLER = a_ticket(units=455, trigger=12_995, price=12_695)
MOVED = a_ticket(trigger=13_095, price=12_795)


def wish(when: float, key: EntryKey | None = None, units: int = 650, **more: Any) -> Entry:
    return an_entry_wish(key or a_key(), units, when=t(when), **more)


def successor(when: float, units: int = 650) -> Entry:
    return wish(when, NEWER, units, trigger=13_095, price=12_795, stop=LOWER, last=13_200)


def asked(bench: Bench) -> list[Ticket | str]:
    """What was asked of the resting order since: its new numbers, or its end."""
    return [_ask(write) for write in bench.take()]


def _ask(write: Write) -> Ticket | str:
    if isinstance(write, CancelOrder):
        return "cancel"
    assert isinstance(write, ModifyOrder), write
    assert write.orderid == "A1"
    return write.ticket


def codes(bench: Bench) -> list[str]:
    return [refusal.code for _, refusal in bench.desk.entries.refused]


def with_none() -> Bench:
    """A broker that does not take a new quantity, with an entry that rests."""
    bench = Bench(params=dataclasses.replace(PARAMS, modify_qty="none")).active(0).wish(0)
    return bench.reply(0.5, orderid="A1").read(1, [a_row(ENTRY)])


def test_entry_ends_first_where_a_change_is_of_what_is_left() -> None:
    bench = Bench(params=dataclasses.replace(PARAMS, modify_qty="remaining")).active(0).wish(0)
    bench.reply(0.5, orderid="A1").read(1, [a_row(ENTRY)]).wish(2, successor(2))
    assert [type(write).__name__ for write in bench.writes] == ["CancelOrder"]


def test_other_quantity_of_the_same_wish_is_one_modify() -> None:
    bench = a_resting_entry().wish(2, wish(2, units=455, stop=HIGHER))
    (write,) = bench.writes
    assert isinstance(write, ModifyOrder)
    assert (write.ticket, write.priority) == (SMALLER, Priority.CANCEL)
    assert bench.order().stop == HIGHER
    assert bench.reply(2.2).settle(10).writes == []
    assert (bench.order().ticket, bench.order().key, codes(bench)) == (SMALLER, a_key(), [])


def test_stop_of_the_same_swing_is_never_lowered() -> None:
    bench = a_resting_entry().wish(2, wish(2, units=455, stop=LOWER)).reply(2.2).settle(4)
    assert (bench.order().ticket, bench.order().stop) == (SMALLER, STOP)


def test_newer_swing_moves_the_order_and_takes_it_over() -> None:
    bench = a_resting_entry().wish(2, successor(2))
    (write,) = bench.writes
    assert isinstance(write, ModifyOrder)
    assert (write.ticket, write.priority) == (MOVED, Priority.ENTRY)
    assert (bench.order().key, bench.order().target_key) == (a_key(), NEWER)
    bench.reply(2.2)
    order = bench.order()
    assert (order.ticket, order.key, order.former) == (MOVED, NEWER, (a_key(),))
    assert (order.stop, order.target_key) == (LOWER, None)
    assert bench.wish(5, successor(5)).settle(9).writes == []


def test_nearer_stop_of_the_newer_swing_waits_until_the_change_took() -> None:
    """Sold at the old price while the change is in the air: the further stop protects it."""
    bench = a_resting_entry().wish(2, successor(2))
    assert (bench.order().stop, bench.order().target_stop) == (STOP, LOWER)
    bench.take()
    bench.read(3, [a_row(ENTRY, status=Status.COMPLETE)], [sold()])
    (stop,) = bench.placed()
    assert (stop.trigger, stop.price) == (STOP.trigger, STOP.limit)
    bench.desk.replied(bench.order(0).intent, "modify", _done(Outcome.UNKNOWN), t(4))
    assert bench.settle(5).order(0).stop == STOP


def test_change_that_took_after_a_part_was_sold_keeps_the_plan_of_that_part() -> None:
    bench = a_resting_entry().wish(2, successor(2))
    bench.take()
    bench.read(3, [a_row(ENTRY, status=Status.OPEN)], [sold(65)])
    bench.desk.replied(bench.order(0).intent, "modify", _done(Outcome.DONE), t(4))
    assert (bench.order(0).key, bench.order(0).stop) == (NEWER, STOP)


@pytest.mark.parametrize(
    ("first", "units", "steps"),
    [
        (650, 455, [SMALLER, replace(MOVED, quantity=Units(455))]),
        (455, 650, [replace(MOVED, quantity=Units(455)), MOVED]),
        (650, 650, [MOVED]),
    ],
)
def test_price_and_quantity_change_in_two_steps(
    first: int, units: int, steps: list[Ticket]
) -> None:
    """What takes risk off goes first; what adds to it goes last."""
    start = replace(ENTRY, quantity=Units(first))
    bench = Bench().active(0).wish(0, wish(0, units=first)).reply(0.5, orderid="A1")
    bench.read(1, [a_row(start)]).wish(2, successor(2, units))
    seen = asked(bench)
    for when in range(3, 8):
        if bench.order().pending is Pending.MODIFY:
            bench.desk.replied(bench.order().intent, "modify", _done(Outcome.DONE), t(when))
        seen += asked(bench.settle(when + 1.1))
    assert seen == steps
    assert (bench.order().key, bench.order().former) == (NEWER, (a_key(),))


def _done(outcome: Outcome) -> Any:
    return a_reply(outcome, "A1", route="modifyorder")


def test_ambiguous_modify_is_read_and_sent_again_to_the_paisa() -> None:
    bench = a_resting_entry().wish(2, successor(2))
    assert asked(bench) == [MOVED]
    order = bench.order()
    bench.desk.replied(order.intent, "modify", _done(Outcome.UNKNOWN), t(3))
    assert bench.settle(4).writes == []
    assert bench.order().pending is Pending.MODIFY_UNKNOWN
    bench.read(5, [a_row(ENTRY)])
    assert (asked(bench), bench.order().key) == ([MOVED], a_key())
    bench.desk.replied(order.intent, "modify", _done(Outcome.UNKNOWN), t(6))
    bench.read(7, [a_row(MOVED)])
    assert (bench.settle(9).writes, bench.order().key) == ([], NEWER)


def test_modify_that_never_left_is_sent_again() -> None:
    bench = a_resting_entry().wish(2, successor(2)).reply(2.5, Outcome.NOT_SENT)
    assert bench.settle(2.9).writes == []
    assert asked(bench.settle(3.1)) == [MOVED]


def test_modify_that_is_refused_ends_the_entry() -> None:
    bench = a_resting_entry().wish(2, successor(2)).reply(2.5, Outcome.REJECTED, code="BAND")
    bench.read(4, [a_row(ENTRY)])
    assert asked(bench) == ["cancel"]


def test_server_that_takes_no_change_is_not_asked_for_ever() -> None:
    bench = a_resting_entry().wish(2, successor(2))
    seen = asked(bench)
    for when in range(4, 30, 2):
        order = bench.order()
        if order.pending is Pending.MODIFY:
            bench.desk.replied(order.intent, "modify", _done(Outcome.UNKNOWN), t(when))
        seen += asked(bench.read(when + 1, [a_row(ENTRY)]))
    assert seen[:6] == [MOVED] * 5 + ["cancel"]


@pytest.mark.parametrize("status", [Status.OPEN, Status.TRIGGER_PENDING])
def test_entry_that_is_filling_is_never_changed(status: Status) -> None:
    trades = [] if status is Status.OPEN else [sold(65)]
    bench = a_resting_entry().read(2, [a_row(ENTRY, status=status)], trades)
    bench.take()
    bench.wish(3, wish(3, units=455))
    assert (bench.order(0).ticket, codes(bench)) == (ENTRY, ["SLOT_TAKEN"])
    assert [write for write in bench.writes if isinstance(write, ModifyOrder)] == []


def test_change_is_dropped_once_the_entry_fills() -> None:
    bench = a_resting_entry().wish(2, successor(2, 455))
    assert asked(bench) == [SMALLER]
    bench.desk.replied(bench.order(0).intent, "modify", _done(Outcome.DONE), t(2.5))
    smaller = a_row(SMALLER, status=Status.OPEN)
    bench.read(3, [smaller], [sold(65)]).read(5, [smaller], [sold(65)])
    assert all(not isinstance(write, ModifyOrder) for write in bench.take())
    assert bench.order(0).key == a_key()


def test_where_a_quantity_cannot_be_changed_the_entry_ends_and_comes_again() -> None:
    bench = with_none().wish(2, wish(2, units=455))
    assert asked(bench) == ["cancel"]
    gone = a_row(ENTRY, status=Status.CANCELLED)
    bench.read(3, [gone]).read(5, [gone]).wish(6, wish(6, a_key(attempt=1), 455))
    assert bench.placed() == [SMALLER]
    assert asked(with_none().wish(2, successor(2))) == [MOVED]


def test_price_nobody_used_today_is_moved_to() -> None:
    """Another order of today stands, or stood, at the very numbers."""
    rows = [a_row(MOVED, "H1", Status.CANCELLED), a_row(ENTRY)]
    bench = a_resting_entry()
    bench.desk.blotter.see_book(rows)
    bench.wish(3, successor(3))
    assert asked(bench) == [replace(MOVED, price=Paise(12_790))]
    assert bench.wish(4, successor(4)).writes == []


def test_entry_with_no_free_price_to_move_to_ends() -> None:
    taken = [a_row(replace(MOVED, price=Paise(12_795 - 5 * k)), f"H{k}") for k in range(60)]
    bench = a_resting_entry()
    bench.desk.blotter.see_book(taken)
    assert asked(bench.wish(2, successor(2))) == ["cancel"]


def test_change_that_may_not_be_entered_leaves_the_order_as_it_is() -> None:
    bench = a_resting_entry().wish(2, replace(successor(2), last=Paise(13_095)))
    assert (bench.writes, codes(bench)) == ([], ["TRIGGER_SIDE"])
    assert bench.order().ticket == ENTRY


def test_entry_becomes_smaller_whatever_forbids_to_enter() -> None:
    bench = a_resting_entry()
    bench.desk.standing.hold(Condition.DISK_SPACE, "held")
    bench.wish(2, wish(2, units=455, last=12_995))
    assert asked(bench) == [SMALLER]
    assert codes(bench.wish(3, wish(3, units=460))) == ["LOT"]


GROWN = [replace(MOVED, quantity=Units(65)), MOVED]
"""How one lot becomes ten at another price: the price goes first."""


def a_lot_that_moved() -> Bench:
    """One lot of which ten are wished: the price was asked for, and is taken."""
    small = replace(ENTRY, quantity=Units(65))
    bench = Bench().active(0).wish(0, wish(0, units=65)).reply(0.5, orderid="A1")
    bench.read(1, [a_row(small)]).wish(2, successor(2))
    assert asked(bench) == GROWN[:1]
    return bench


def taken(bench: Bench, when: float) -> Bench:
    bench.desk.replied(bench.order(0).intent, "modify", _done(Outcome.DONE), t(when))
    return bench


def test_units_are_added_in_no_mode_but_active() -> None:
    """A change accepted before the mode was left adds nothing any more, also when it is back."""
    bench = a_lot_that_moved()
    bench.desk.standing.hold(Condition.CAST, "feed died too often")
    assert asked(taken(bench, 2.5).settle(4)) == []
    assert (bench.order().ticket, bench.order().key, codes(bench)) == (GROWN[0], NEWER, ["MODE"])
    bench.desk.standing.release(Condition.CAST)
    assert asked(bench.settle(6)) == []
    assert asked(bench.wish(7, successor(7))) == GROWN[1:]


def test_entry_moves_in_no_mode_but_active() -> None:
    bench = a_resting_entry().wish(2, successor(2, 455))
    assert asked(bench) == [SMALLER]
    bench.desk.standing.hold(Condition.CAST, "feed died too often")
    assert asked(taken(bench, 2.5).settle(4)) == []
    assert (bench.order().ticket, bench.order().key, codes(bench)) == (SMALLER, a_key(), ["MODE"])


def test_step_that_adds_units_asks_the_gate_again() -> None:
    bench = a_lot_that_moved()
    bench.desk.preflight(a_ready(available=Paise(100_000_000)), t(2.2))
    assert asked(taken(bench, 2.5).settle(4)) == []
    assert (bench.order().ticket, codes(bench)) == (GROWN[0], ["MARGIN"])


def test_change_does_not_count_its_own_order_twice() -> None:
    """Ten lots at the limit of cash may move, and no eleventh may join."""
    bench = a_resting_entry()
    bench.desk.preflight(a_ready(available=Paise(250_000_000)), t(1))
    assert asked(bench.wish(2, successor(2))) == [MOVED]


def test_change_of_a_command_too_old_is_refused() -> None:
    bench = a_resting_entry().wish(13, successor(2))
    assert (bench.writes, codes(bench)) == ([], ["OLD"])


def test_decision_that_had_an_order_does_not_take_over_another() -> None:
    bench = a_resting_entry().wish(2, successor(2)).reply(2.2).settle(3)
    bench.wish(4, wish(4))
    assert (bench.writes, codes(bench), bench.order().key) == ([], ["USED_KEY"], NEWER)


def test_wish_taken_back_stops_the_change() -> None:
    bench = a_resting_entry().wish(2, successor(2)).reply(2.2, Outcome.NOT_SENT)
    bench.wish(3, wish(3))
    assert bench.settle(5).writes == []
    assert bench.order().key == a_key()


def test_contract_of_another_day_is_not_changed() -> None:
    bench = a_resting_entry()
    bench.ledger.chain = None
    assert codes(bench.wish(2, successor(2))) == ["NO_CONTRACT"]


def test_order_of_another_type_is_another_order() -> None:
    """Servers keep type and trigger of what rests; a stop becomes no limit."""
    limit = replace(wish(2), ticket=a_ticket(trigger=0, price=12_695))
    bench = a_resting_entry().wish(2, limit)
    assert (asked(bench), codes(bench)) == (["cancel"], ["SLOT_TAKEN"])


def test_cancel_of_the_slot_ends_the_change_as_well() -> None:
    bench = a_resting_entry().wish(2, successor(2)).reply(2.2, Outcome.NOT_SENT)
    bench.desk.cancel("sutradhar", "CE", "outranked")
    assert asked(bench.settle(4)) == ["cancel"]


def test_restart_asks_for_what_is_and_ends_it() -> None:
    bench = a_resting_entry().wish(2, successor(2)).restart(5)
    assert bench.order().pending is Pending.MODIFY_UNKNOWN
    bench.desk.strategy_ready()
    assert asked(bench.read(6, [a_row(MOVED)])) == ["cancel"]
    assert (bench.order().key, bench.order().ticket) == (NEWER, MOVED)


def test_same_events_give_the_same_changed_order() -> None:
    bench = a_resting_entry().wish(2, successor(2)).reply(2.2)
    again = Bench(events=bench.events)
    assert again.order() == bench.order()


def test_change_in_the_air_is_durable_with_its_decision() -> None:
    bench = a_resting_entry().wish(2, successor(2))
    (planned,) = [e for e in bench.events if isinstance(e, ev.ModifyPlanned)]
    assert (planned.ticket, planned.key) == (MOVED, NEWER)


@given(
    moves=st.lists(
        st.tuples(
            st.integers(1, 11),
            st.sampled_from([12_995, 13_095, 13_195]),
            st.sampled_from(list(Outcome)[:4]),
            st.booleans(),
        ),
        max_size=8,
    )
)
def test_whatever_is_wished_there_is_one_order_and_one_change_at_a_time(
    moves: list[tuple[int, int, Outcome, bool]],
) -> None:
    bench = a_resting_entry()
    bench.take()
    standing, now = ENTRY, 2.0
    for lots, trigger, outcome, takes in moves:
        key = a_key(index=1 + (trigger - 12_995) // 100)
        wanted = an_entry_wish(
            key, lots * 65, when=t(now), trigger=trigger, price=trigger - 300, last=13_300
        )
        bench.wish(now, wanted)
        for write in bench.take():
            if isinstance(write, CancelOrder):
                return
            assert isinstance(write, ModifyOrder)
            is_priced = (write.ticket.price, write.ticket.trigger) != (
                standing.price,
                standing.trigger,
            )
            assert not (is_priced and write.ticket.quantity != standing.quantity)
            if takes or outcome is Outcome.DONE:
                standing = write.ticket
            bench.desk.replied(write.ref, "modify", _done(outcome), t(now + 0.1))
        now += 2
        bench.read(now, [a_row(standing)])
        now += 2
    assert len(bench.ledger.orders) == 1
