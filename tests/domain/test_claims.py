"""A fill that no trade shows yet: two claims that agree protect it, and count nothing."""

from typing import Any

import msgspec
import pytest

from domain import events as ev
from domain.books import OrderPush, PositionRow, Status
from domain.calls import CancelOrder, PlaceOrder
from domain.orders import State
from domain.positions import Phase
from domain.reconcile import Verdict, faults
from domain.units import Units
from tests.orders import (
    CE,
    ENTRY,
    Bench,
    a_buy,
    a_position,
    a_reply,
    a_resting_entry,
    a_row,
    a_trade,
    sold,
    some_books,
    t,
)

FULL = a_row(ENTRY, status=Status.COMPLETE)
OPEN = a_row(ENTRY, status=Status.OPEN)


def push(bench: Bench, filled: int, when: float = 2) -> None:
    said: dict[str, Any] = {"status": Status.OPEN, "reason": "", "mode": "analyze"}
    pushed = OrderPush(orderid="A1", symbol=CE, filled=Units(filled), got_at=t(when), **said)
    bench.desk.pushed(pushed)


def read(
    bench: Bench, when: float, *rows: Any, trades: Any = (), held: tuple[PositionRow, ...] = ()
) -> Bench:
    """Hand in a snapshot, as valid or not as it is."""
    books = some_books(rows, trades, asked=t(when), positions=held or None)
    bench.now = t(when)
    wrong = faults(books, bench.ledger, "analyze", 5)
    if wrong:
        bench.desk.disbelieved(Verdict(faults=wrong), t(when), books)
    else:
        bench.desk.judged(books, "", t(when), None)
    return bench.settle(when)


def stops(bench: Bench) -> list[int]:
    placed = [write.ticket for write in bench.take() if isinstance(write, PlaceOrder)]
    return [ticket.quantity for ticket in placed if ticket.trigger]


def agreed(bench: Bench) -> list[int]:
    return [event.units for event in bench.events if isinstance(event, ev.FillsAgreed)]


def test_row_and_position_that_agree_for_two_seconds_are_protected() -> None:
    bench, held = a_resting_entry(), (a_position(net=-650),)
    for when in (2, 3.9):
        read(bench, when, FULL, held=held)
        assert (stops(bench), agreed(bench)) == ([], [])
    read(bench, 4, FULL, held=held)
    assert (stops(bench), agreed(bench)) == ([650], [650])
    (leg,) = bench.ledger.legs.values()
    assert (leg.short, leg.unproved, leg.gross, bench.ledger.own_net()) == (0, 650, 0, {})


def test_claimed_fill_is_protected_while_the_day_closes() -> None:
    """What no trade shows cannot be covered yet; the stop rests until it can be."""
    bench = a_resting_entry()
    bench.desk.flatten("DAY_STOP", t(1.5))
    held = (a_position(net=-650),)
    read(read(bench, 2, FULL, held=held), 4.1, FULL, held=held)
    placed = [write.ticket for write in bench.writes if isinstance(write, PlaceOrder)]
    assert placed == [a_buy()]
    (leg,) = bench.ledger.legs.values()
    assert leg.phase is Phase.PROTECT
    bench.desk.replied(bench.order().intent, "place", a_reply(orderid="S1"), t(4.5))
    read(bench, 5, FULL, a_row(a_buy(), "S1"), trades=[sold()])
    (leg,) = bench.ledger.legs.values()
    assert (leg.phase, leg.reason) == (Phase.CHASE, "DAY_STOP")


def test_claimed_fill_of_a_short_that_is_being_left_is_protected() -> None:
    """65 were bought back by a climbing order, then the rest of the entry fills without a trade."""
    part = a_row(ENTRY, status=Status.OPEN)
    bench = read(a_resting_entry(), 2, part, trades=[sold(65)])
    bench.reply(2.5, orderid="S1")
    stop = a_row(a_buy(65), "S1")
    read(bench, 3, part, stop, trades=[sold(65)])
    bench.desk.leave(ENTRY.strategy, CE, "test", t(4))
    done = [part, a_row(a_buy(65), "S1", Status.COMPLETE)]
    back = [sold(65), a_trade(a_buy(65), 65, 14_100, "S1")]
    read(bench, 4.5, *done, trades=back)
    (leg,) = bench.ledger.legs.values()
    assert (leg.phase, leg.short, stops(bench)) == (Phase.CHASE, 0, [])
    full, held = [FULL, *done[1:]], (a_position(net=-585),)
    for when in (5, 7.1):
        read(bench, when, *full, trades=back, held=held)
    (leg,) = bench.ledger.legs.values()
    assert (leg.phase, leg.short, leg.unproved) == (Phase.CHASE, 0, 585)
    assert stops(bench) == [585]


def test_push_and_row_that_agree_are_protected_too() -> None:
    bench = a_resting_entry()
    push(bench, 650)
    read(bench, 2, FULL)
    assert bench.desk.attention(t(2))[0] == 1_500_000
    read(bench, 4, FULL)
    assert stops(bench) == [650]


@pytest.mark.parametrize("claim", ["push", "row", "position"])
def test_one_claim_alone_is_none(claim: str) -> None:
    bench = a_resting_entry()
    if claim == "push":
        push(bench, 650)
    row = FULL if claim == "row" else OPEN
    held = (a_position(net=-650),) if claim == "position" else ()
    for when in (2, 4, 6):
        read(bench, when, row, held=held)
    assert agreed(bench) == []


def test_part_that_two_agree_on_is_what_counts() -> None:
    bench = a_resting_entry()
    push(bench, 65)
    for when in (2, 4):
        read(bench, when, OPEN, held=(a_position(net=-195),))
    assert (stops(bench), agreed(bench)) == ([65], [65])


def test_claim_that_grows_is_seen_twice_again() -> None:
    bench = a_resting_entry()
    push(bench, 65)
    read(bench, 2, OPEN, held=(a_position(net=-650),))
    push(bench, 650)
    read(bench, 4, OPEN, held=(a_position(net=-650),))
    assert agreed(bench) == []
    read(bench, 6, OPEN, held=(a_position(net=-650),))
    assert agreed(bench) == [650]


def test_trade_that_follows_is_counted_and_asks_for_no_second_stop() -> None:
    bench = a_resting_entry()
    for when in (2, 4):
        read(bench, when, FULL, held=(a_position(net=-650),))
    assert stops(bench) == [650]
    read(bench, 5, FULL, trades=[sold()])
    (leg,) = bench.ledger.legs.values()
    assert (leg.short, leg.unproved, stops(bench)) == (650, 0, [])


def test_part_of_the_trades_leaves_the_rest_to_the_claim() -> None:
    bench = a_resting_entry()
    for when in (2, 4):
        read(bench, when, FULL, held=(a_position(net=-650),))
    bench.take()
    read(bench, 5, FULL, trades=[sold(325)], held=(a_position(net=-650),))
    read(bench, 6, FULL, trades=[sold(325)])
    (leg,) = bench.ledger.legs.values()
    assert (leg.short, leg.exposed) == (325, 325), "the position shows no more"


def test_snapshot_that_is_not_believed_takes_no_claim_back() -> None:
    bench = a_resting_entry()
    for when in (2, 4):
        read(bench, when, FULL, held=(a_position(net=-650),))
    read(bench, 5)
    assert agreed(bench) == [650]


def test_claim_that_a_valid_snapshot_denies_is_taken_back_with_its_stop() -> None:
    bench = a_resting_entry()
    for when in (2, 4):
        read(bench, when, FULL, held=(a_position(net=-650),))
    bench.take()
    stop = bench.order()
    bench.desk.blotter.move(stop, State.ACKED, t(4), orderid="S1")
    rows = [OPEN, a_row(a_buy(), "S1")]
    bench.read(6, rows)
    assert agreed(bench) == [650], "silence takes nothing back"
    read(bench, 8, *rows, held=(a_position(net=0),))
    assert agreed(bench) == [650, 0]
    assert [type(write) for write in bench.take()] == [CancelOrder]


def test_entry_that_is_read_resting_was_not_filled() -> None:
    bench = a_resting_entry()
    for when in (2, 4):
        read(bench, when, FULL, held=(a_position(net=-650),))
    read(bench, 6, a_row(ENTRY))
    assert agreed(bench) == [650, 0]


def test_claim_is_no_reason_to_leave_a_short() -> None:
    bench = a_resting_entry()
    for when in (2, 4):
        read(bench, when, FULL, held=(a_position(net=-650),))
    for when in range(5, 40):
        bench.settle(when)
    (leg,) = bench.ledger.legs.values()
    assert leg.phase is Phase.PROTECT
    assert all(write.ticket.trigger for write in bench.take() if isinstance(write, PlaceOrder))


def test_order_of_the_other_world_claims_nothing() -> None:
    bench = a_resting_entry()
    bench.desk.flipped("live", t(1))
    for when in (2, 4):
        read(bench, when, FULL, held=(a_position(net=-650),))
    assert agreed(bench) == []


def test_position_of_others_is_no_claim() -> None:
    bench = a_resting_entry()
    human = a_trade(ENTRY, 650, 12_990, "H1")
    rows = [FULL, a_row(ENTRY, "H1", Status.COMPLETE)]
    overnight = a_position(net=-650, product="NRML")
    carried = msgspec.structs.replace(human, product="NRML")
    for when in (2, 4):
        read(bench, when, *rows, trades=[human, carried], held=(a_position(net=-650), overnight))
    assert agreed(bench) == []


def test_ended_entry_claims_nothing_new() -> None:
    bench = a_resting_entry()
    gone = a_row(ENTRY, status=Status.CANCELLED)
    for when in (2, 4):
        read(bench, when, gone)
    assert bench.order().state is State.CANCELLED
    push(bench, 65, 5)
    for when in (5, 7):
        read(bench, when, gone, held=(a_position(net=-65),))
    assert agreed(bench) == []
