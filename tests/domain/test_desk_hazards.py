"""The desk and what may go wrong around it: the other mode, a park, a kill at any step."""

import pytest

from domain import events as ev
from domain.books import Status
from domain.calls import CancelOrder, ModifyOrder, Outcome, PlaceOrder, Write
from domain.contracts import Contract
from domain.desk import Desk
from domain.ledger import Ledger
from domain.strategy import Mode
from domain.units import Micros
from tests.orders import (
    ENTRY,
    PARAMS,
    PLANNED,
    Bench,
    a_ready,
    a_reply,
    a_resting_entry,
    a_row,
    an_entry_wish,
    an_open_short,
    rows_of_short,
    sold,
    some_books,
    t,
)
from tests.trading import PLAN, TAG, a_chain, a_contract, a_key

FILLED = a_row(ENTRY, status=Status.COMPLETE)


def mode(bench: Bench) -> Mode:
    return bench.desk.mode(bench.now)


def pace(bench: Bench) -> tuple[float, str]:
    every, reason = bench.desk.attention(bench.now)
    return every / 1_000_000, reason


def kinds(writes: list[Write]) -> list[type]:
    return [type(write) for write in writes]


# The other world.


def test_answer_in_the_wrong_mode_stops_every_write_until_a_right_read() -> None:
    bench = a_resting_entry().read(10, [FILLED], [sold()])
    bench.reply(10.5, Outcome.NONSENSE, "L1", code="MODE", text="answered in mode live")
    assert bench.ledger.latches == {"MODE_FLIP": "answered in mode live"}
    for when in (21, 30, 60):
        assert bench.settle(when).quote(when, 14_990, 15_000).writes == []
    bench.read(61, [FILLED], [sold()]).read(63, [FILLED], [sold()]).quote(63, 14_990, 15_000)
    assert kinds(bench.writes) == [PlaceOrder]
    assert mode(bench) is Mode.REDUCE_ONLY


@pytest.mark.incident("INC-49")
def test_mode_flip_on_the_server_stops_entries() -> None:
    bench = a_resting_entry()
    bench.desk.flipped("the books are of live mode", t(2))
    assert (bench.settle(2).writes, mode(bench)) == ([], Mode.REDUCE_ONLY)
    bench.desk.cancel(TAG, "CE", "outranked")
    assert bench.read(3, [a_row(ENTRY)]).writes == [], "one read in the right mode is not enough"
    assert kinds(bench.read(4, [a_row(ENTRY)]).writes) == [CancelOrder]
    assert mode(bench) is Mode.REDUCE_ONLY, "the latch is for a human to clear"


def test_success_without_an_id_latches_the_order_mode() -> None:
    bench = Bench().active(0).wish(1).reply(2, Outcome.NONSENSE, code="SEMI_AUTO")
    assert bench.ledger.latches == {"ORDER_MODE": "success without an order id"}
    named = Bench().active(0).wish(1).reply(2, Outcome.NONSENSE, text="queued")
    assert named.ledger.latches == {"ORDER_MODE": "queued"}


def test_server_that_lets_humans_approve_is_frozen_from_the_start() -> None:
    bench = Bench()
    bench.desk.preflight(a_ready(semi_auto=True), t(1))
    assert bench.settle(1).ledger.latches == {"ORDER_MODE": "orders wait for a human"}


def test_entries_are_refused_while_the_server_s_clock_is_wrong() -> None:
    bench = Bench().active(0)
    bench.desk.preflight(a_ready(skew=Micros(11_000_000)), t(0))
    bench.wish(1)
    assert [refusal.code for _, refusal in bench.desk.entries.refused] == ["CLOCK_SKEW"]


def test_entries_wait_for_the_first_word_about_funds() -> None:
    bench = Bench()
    bench.desk.strategy_ready()
    bench.desk.trusted(entries=True, reason="")
    bench.read(0).wish(1)
    assert [refusal.code for _, refusal in bench.desk.entries.refused] == ["FUNDS_UNKNOWN"]


def test_entries_wait_for_the_first_word_about_the_feed() -> None:
    bench = Bench()
    bench.desk.strategy_ready()
    bench.read(0).wish(1)
    (key, refusal) = bench.desk.entries.refused[0]
    assert (key, refusal.code, refusal.text) == (a_key(), "FEED", "no price was seen yet")


# Parking.


def test_parking_ends_entries_and_leaves_every_stop() -> None:
    bench = an_open_short()
    bench.desk.park(t(20))
    bench.desk.park(t(25))
    bench.settle(20)
    assert (bench.writes, mode(bench), pace(bench)) == ([], Mode.REDUCE_ONLY, (1.5, "proof wanted"))
    assert not bench.desk.is_parked()
    assert bench.read(21, rows_of_short(), [sold()]).desk.is_parked()
    assert bench.writes == []


def test_parking_with_nothing_at_the_broker_is_done_at_once() -> None:
    bench = Bench()
    assert not bench.desk.is_parked()
    bench.desk.park(t(1))
    assert bench.desk.is_parked()


def test_parking_cancels_entries_and_waits_for_their_end() -> None:
    bench = a_resting_entry()
    bench.desk.park(t(2))
    assert kinds(bench.settle(2).writes) == [CancelOrder]
    bench.wish(3, an_entry_wish(a_key(slot="PE"), when=t(3)))
    gone = a_row(ENTRY, status=Status.CANCELLED)
    bench.reply(3.1, orderid="A1").read(4, [gone])
    assert not bench.desk.is_parked()
    assert bench.read(6, [gone]).desk.is_parked()
    assert bench.writes == []


def test_parking_before_the_first_read_waits_for_it() -> None:
    bench = an_open_short().restart(20)
    bench.desk.park(t(20))
    assert not bench.settle(20).desk.is_parked()
    assert bench.read(21, rows_of_short(), [sold()]).desk.is_parked()


def test_parking_does_not_call_a_bare_short_verified() -> None:
    bench = an_open_short()
    bench.desk.park(t(20))
    gone = rows_of_short(Status.CANCELLED)
    bench.read(21, gone, [sold()]).read(23, gone, [sold()])
    assert (kinds(bench.writes), bench.desk.is_parked()) == ([PlaceOrder], False)


# Stories.


@pytest.mark.incident("INC-94")
def test_all_fills_are_found_without_any_push() -> None:
    bench = a_resting_entry()
    filling = a_row(ENTRY, status=Status.OPEN)
    for n in range(1, 11):
        bench.read(2 + n / 10, [filling], [sold(65 * n)])
    assert next(bench.ledger.open_legs()).sold.units == 650


def test_push_moves_nothing_by_itself() -> None:
    bench = a_resting_entry()
    before = vars(Ledger().fold(bench.events))
    for status in Status:
        bench.push(2, "A1", status)
    assert vars(bench.ledger) == before
    assert bench.writes == []


@pytest.mark.incident("INC-73")
def test_kill_between_any_two_steps_loses_no_order() -> None:
    """Whatever was committed when the process died, the next one meets the order that exists."""
    whole = an_open_short()
    for cut in range(1, len(whole.events) + 1):
        events = whole.events[:cut]
        sent = {e.intent for e in events if isinstance(e, ev.WriteSent)}
        if any(isinstance(e, ev.IntentPlanned) and e.intent not in sent for e in events):
            continue  # intent and WriteSent are one transaction
        bench = Bench(events=events, boot=2)
        exists = [
            r
            for r, name in zip(rows_of_short(), ("-1-1", "-1-2"), strict=True)
            if f"{PLAN.day}{name}" in sent
        ]
        trades = [sold()] if exists else []
        for when in (30, 32, 34):
            bench.read(when, exists, trades)
            while bench.writes:
                write = bench.writes[0]
                assert isinstance(write, PlaceOrder | ModifyOrder)
                bench.reply(when + 0.5, orderid="S1")
                exists = rows_of_short()
        assert bench.ledger.foreign == set()
        legs = list(bench.ledger.open_legs())
        assert [bench.ledger.uncovered(leg) for leg in legs] == [0] * bool(exists)


def test_reply_goes_to_its_order_and_nothing_else() -> None:
    desk = Desk(Ledger().fold([PLANNED]), PLAN, "d-1", PARAMS)
    desk.replied("gone", "place", a_reply(Outcome.DONE, "X"), t(1))
    events, writes = desk.blotter.drain()
    assert ([type(e).__name__ for e in events], writes) == (["FindingApplied"], ())


def test_wish_on_a_snapshot_is_judged_by_the_time_it_was_asked() -> None:
    bench = Bench().active(0)
    books = some_books(asked=t(4), got=t(9))
    bench.desk.judged(books, "x", t(9), None)
    bench.settle(9).wish(9.1, an_entry_wish(when=t(9.1)))
    assert bench.desk.entries.is_waiting


# Contracts that join.


def joining(*contracts: Contract, seconds: float = 1) -> ev.ContractsJoined:
    return ev.ContractsJoined(at=t(seconds), contracts=contracts)


def test_contracts_that_join_are_journaled_once_and_known_after_a_restart() -> None:
    first, second = a_contract(26_500), a_contract(26_550)
    bench = Bench().active()
    for told in (joining(first), joining(first), joining(first, second)):
        bench.desk.joined(told)
    bench.settle(2)
    joined = [event for event in bench.events if isinstance(event, ev.ContractsJoined)]
    assert joined == [joining(first), joining(second)]
    again = bench.restart(60)
    assert again.ledger.chain == a_chain().grown((first, second))


def test_contracts_join_nothing_before_a_day_was_planned() -> None:
    bench = Bench(events=())
    bench.desk.joined(joining(a_contract(26_500)))
    assert not [event for event in bench.settle(1).events if isinstance(event, ev.ContractsJoined)]


def test_entry_in_a_contract_that_joined_passes_the_gate() -> None:
    further = a_contract(26_500)
    wish = an_entry_wish(a_key(further.symbol), when=t(1))
    bench = Bench().active()
    assert bench.wish(1, wish).writes == []
    bench.desk.joined(joining(further))
    assert kinds(bench.wish(1.1, wish).writes) == [PlaceOrder]
