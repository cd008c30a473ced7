"""What a valid snapshot proves, and what it does not."""

import msgspec
import pytest

from domain import events as ev
from domain.books import Status
from domain.orders import Order, Pending, Purpose, State, Ticket
from domain.units import Paise, Units, seconds
from tests.evidence import Table, an_entry, in_flight
from tests.orders import CE, ENTRY, PE, a_buy, a_row, a_trade, an_unread, t

LATE = Status.UNKNOWN


# Adoption.


@pytest.mark.parametrize("state", [State.SENDING, State.UNKNOWN])
def test_order_in_flight_is_adopted_by_its_fingerprint(state: State) -> None:
    table = Table(in_flight(state)).read(2, [a_row(ENTRY, "A7")])
    assert (table.order.state, table.order.orderid) == (State.TRIGGER_PENDING, "A7")
    assert table.order.reason == "adopted"
    assert (table.kinds, table.found(ev.ExternalSeen)) == ([], [])


def test_order_that_filled_unseen_is_adopted_with_its_trades() -> None:
    row = a_row(ENTRY, "A7", Status.COMPLETE)
    table = Table(in_flight()).read(90, [row], [a_trade(ENTRY, 650, 12_990, "A7")])
    assert (table.order.state, table.order.filled) == (State.FILLED, 650)
    assert table.blotter.ledger.legs["i1"].short == 650


def test_planned_order_looks_for_nothing() -> None:
    again = in_flight(State.PLANNED)
    never = msgspec.structs.replace(in_flight(State.REFUSED), sent_at=None)
    for order in (again, never):
        table = Table(order).read(2, [a_row(ENTRY, "A7")])
        assert table.order == order
        assert table.blotter.ledger.foreign == {"A7"}


def test_look_alike_goes_to_one_intent_only() -> None:
    table = Table(in_flight())
    table.add(msgspec.structs.replace(in_flight(), intent="i2", leg="i2"))
    table.read(2, [a_row(ENTRY, "A7")])
    assert [o.orderid for o in table.blotter.ledger.orders.values()] == ["A7", ""]


def test_two_orders_of_one_intent_are_both_ours_and_freeze() -> None:
    table = Table(in_flight()).read(2, [a_row(ENTRY, "A7"), a_row(ENTRY, "A8")])
    assert {o.orderid: o.state for o in table.blotter.ledger.orders.values()} == {
        "A7": State.TRIGGER_PENDING,
        "A8": State.TRIGGER_PENDING,
    }
    assert table.blotter.ledger.latches == {"DUPLICATE": "i1: A7 A8"}
    assert table.blotter.ledger.foreign == set()


@pytest.mark.parametrize("state", [State.REFUSED, State.NOT_PLACED])
def test_order_given_up_comes_back_to_life(state: State) -> None:
    table = Table(in_flight(state)).read(160, [a_row(ENTRY, "A7")])
    assert (table.order.state, table.order.orderid) == (State.TRIGGER_PENDING, "A7")
    assert table.kinds == ["REVIVED"]


# The timeline of execution.md 5: 0 sent, 20 unknown, 90 visible, 135 given up, 160 revived.


def test_order_absent_for_135_seconds_and_two_reads_was_not_placed() -> None:
    table = Table(in_flight())
    for when in (21, 60, 134.9, 135):
        assert table.read(when).order.state is State.UNKNOWN
    assert table.read(136).order.state is State.NOT_PLACED
    assert table.order.reason == "absent from the books"


@pytest.mark.parametrize("symbol", ["", CE])
def test_row_that_cannot_be_read_and_may_be_ours_shows_no_absence(symbol: str) -> None:
    table = Table(in_flight())
    for when in (21, 136, 200):
        assert table.read(when, unread=[an_unread("A7", symbol)]).order.state is State.UNKNOWN
    assert table.read(201, [a_row(ENTRY, "A7")]).order.orderid == "A7"


def test_row_that_cannot_be_read_but_is_another_s_hides_nothing() -> None:
    """Of another symbol, known as a stranger's, or known before the order was sent."""
    known = msgspec.structs.replace(in_flight(), baseline=("H2",))
    table = Table(known)
    stranger = ev.ExternalSeen(at=t(0), symbol=ENTRY.symbol, orderids=("H1",), net=0)
    table.blotter.ledger.apply(stranger)
    others = [an_unread("A7", PE), an_unread("H1"), an_unread("H2", CE)]
    table.read(135, unread=others)
    assert table.read(137, unread=others).order.state is State.NOT_PLACED


def test_row_that_cannot_be_read_is_known_before_the_next_order() -> None:
    table = Table().read(2, [a_row(a_buy(65), "H2")], unread=[an_unread("H3")])
    assert table.blotter._book_ids == {"H2", "H3"}


@pytest.mark.incident("INC-38")
def test_order_seen_125_s_after_sending_is_adopted() -> None:
    table = Table(in_flight())
    for when in (21, 60, 124):
        table.read(when)
    assert table.read(125, [a_row(ENTRY, "A7")]).order.orderid == "A7"
    given_up = Table(in_flight()).read(135).read(137)
    assert given_up.order.state is State.NOT_PLACED
    given_up.read(160, [a_row(ENTRY, "A7")])
    assert (given_up.order.state, given_up.kinds) == (State.TRIGGER_PENDING, ["REVIVED"])


def test_read_begun_within_3_s_of_the_sending_shows_no_absence() -> None:
    table = Table(msgspec.structs.replace(in_flight(), sent_at=t(0))).read(0).read(2.9)
    assert not table.memory.is_absent("i1", seconds(0))
    table.read(3).read(4.9)
    assert not table.memory.is_absent("i1", seconds(2))
    table.read(5)
    assert table.memory.is_absent("i1", seconds(2))


def test_order_whose_answer_hangs_is_missed_but_never_given_up() -> None:
    table = Table(in_flight(State.SENDING)).read(5).read(10)
    assert table.memory.is_absent("i1", seconds(2))
    assert table.read(140).read(150).order.state is State.SENDING


# Fills.


def test_fills_are_the_sum_of_the_trades() -> None:
    trades = [a_trade(ENTRY, u, p) for u, p in ((325, 12_990), (195, 12_985), (130, 12_970))]
    table = Table(an_entry()).read(2, [a_row(ENTRY, status=Status.COMPLETE)], trades)
    assert (table.order.filled, table.order.value) == (650, 8_439_925)
    assert (table.order.state, table.order.average) == (State.FILLED, 12_985)


@pytest.mark.incident("INC-93")
def test_fill_from_push_and_poll_counts_once() -> None:
    table = Table(an_entry())
    for when in (2, 3, 4):
        table.read(when, [a_row(ENTRY, status=Status.OPEN)], [a_trade(ENTRY, 65, 12_990)])
    assert (table.order.filled, len(table.found(ev.FillsSeen))) == (65, 1)


@pytest.mark.incident("INC-90")
def test_snapshot_older_than_a_fill_removes_nothing() -> None:
    table = Table(an_entry()).read(2, [a_row(ENTRY)], [a_trade(ENTRY, 650, 12_990)])
    table.read(3, [a_row(ENTRY)], [])
    assert (table.order.state, table.order.filled) == (State.FILLED, 650)
    assert table.blotter.ledger.legs["i1"].short == 650


@pytest.mark.parametrize("state", [State.ACKED, State.TRIGGER_PENDING])
def test_partly_filled_order_is_open_whatever_its_row_says(state: State) -> None:
    table = Table(an_entry(state, pending=Pending.CANCEL, pending_since=t(1)))
    table.read(2, [a_row(ENTRY)], [a_trade(ENTRY, 65, 12_990)])
    assert (table.order.state, table.order.pending) == (State.OPEN, Pending.CANCEL)


@pytest.mark.parametrize("state", [State.CANCELLED, State.REJECTED])
def test_order_believed_ended_may_have_filled(state: State) -> None:
    row = a_row(ENTRY, status=Status.COMPLETE)
    table = Table(an_entry(state)).read(9, [row], [a_trade(ENTRY, 650, 12_990)])
    assert (table.order.state, table.kinds) == (State.FILLED, ["REVIVED"])


def test_late_part_of_a_cancelled_order_is_counted_too() -> None:
    row = a_row(ENTRY, status=Status.CANCELLED)
    table = Table(an_entry(State.CANCELLED)).read(9, [row], [a_trade(ENTRY, 65, 12_990)])
    assert (table.order.state, table.order.filled) == (State.CANCELLED, 65)
    assert table.blotter.ledger.legs["i1"].short == 65


def test_trades_of_an_order_whose_row_is_not_shown_yet_count() -> None:
    table = Table(an_entry(State.ACKED)).read(2, [], [a_trade(ENTRY, 650, 12_990)])
    assert table.order.state is State.FILLED


# An order that grows while it fills.

GROWN = a_buy(130)
SMALL = a_buy(65)


def a_growing_stop() -> Order:
    return msgspec.structs.replace(
        an_entry(orderid="S1", purpose=Purpose.STOP, ticket=SMALL, key=None, side=None, stop=None),
        pending=Pending.MODIFY,
        pending_since=t(5),
        asked_at=t(5),
        target=GROWN,
    )


def test_order_that_grew_before_it_filled_is_not_full() -> None:
    trades = [a_trade(SMALL, 65, 15_000, "S1")]
    table = Table(a_growing_stop()).read(6, [a_row(GROWN, "S1", Status.OPEN)], trades)
    assert (table.order.state, table.order.filled) == (State.OPEN, 65)


def test_order_that_filled_before_it_grew_is_full() -> None:
    trades = [a_trade(SMALL, 65, 15_000, "S1")]
    table = Table(a_growing_stop())
    for when, state in ((6, State.OPEN), (6.9, State.OPEN), (7, State.FILLED)):
        table.read(when, [a_row(SMALL, "S1", Status.COMPLETE)], trades)
        assert table.order.state is state


def test_order_that_grows_is_not_called_full_by_a_torn_read() -> None:
    trades = [a_trade(SMALL, 65, 15_000, "S1")]
    table = Table(a_growing_stop()).read(6, [a_row(SMALL, "S1")], trades)
    assert table.order.state is State.OPEN
    table.read(8, [a_row(GROWN, "S1", Status.OPEN)], trades)
    assert (table.order.state, table.kinds) == (State.OPEN, [])


def test_complete_of_another_row_ends_no_order_that_grows() -> None:
    """Live plug-ins show the status of the row before, once."""
    trades = [a_trade(SMALL, 65, 15_000, "S1")]
    table = Table(a_growing_stop()).read(6, [a_row(SMALL, "S1", Status.COMPLETE)], trades)
    table.read(8, [a_row(GROWN, "S1", Status.OPEN)], trades)
    assert table.order.state is State.OPEN
    table.read(9, [a_row(SMALL, "S1", Status.COMPLETE)], trades)
    assert table.order.state is State.OPEN


def test_order_that_grew_is_not_full_by_a_row_that_lags() -> None:
    grown = an_entry(State.OPEN, ticket=GROWN, asked_at=t(5))
    table = Table(grown).read(6, [a_row(SMALL)], [a_trade(SMALL, 65, 15_000)])
    assert (table.order.state, table.order.filled) == (State.OPEN, 65)


def test_order_made_smaller_by_others_is_full_when_the_book_says_so() -> None:
    table = Table(an_entry(State.OPEN, ticket=GROWN))
    for when in (6, 8):
        table.read(when, [a_row(SMALL, status=Status.COMPLETE)], [a_trade(SMALL, 65, 15_000)])
    assert table.order.state is State.FILLED


@pytest.mark.parametrize("status", [Status.OPEN, Status.TRIGGER_PENDING, Status.CANCELLED, LATE])
def test_book_that_lags_behind_the_trades_reopens_nothing(status: Status) -> None:
    trades = [a_trade(ENTRY, 650, 12_990)]
    table = Table(an_entry()).read(2, [a_row(ENTRY, status=Status.COMPLETE)], trades)
    table.read(4, [a_row(ENTRY, status=status)], trades)
    assert (table.order.state, table.kinds) == (State.FILLED, [])


# States.


@pytest.mark.parametrize(
    ("status", "state"),
    [(Status.TRIGGER_PENDING, State.TRIGGER_PENDING), (Status.OPEN, State.OPEN)],
)
def test_working_row_moves_an_acknowledged_order(status: Status, state: State) -> None:
    assert Table(an_entry(State.ACKED)).read(2, [a_row(ENTRY, status=status)]).order.state is state


def test_triggered_order_never_rests_again() -> None:
    table = Table(an_entry(State.OPEN)).read(2, [a_row(ENTRY)])
    assert table.order.state is State.OPEN


@pytest.mark.incident("INC-87")
def test_complete_without_trades_is_not_a_fill() -> None:
    table = Table(an_entry())
    for status in (Status.COMPLETE, Status.UNKNOWN):
        for when in (2, 4, 6):
            table.read(when, [a_row(ENTRY, status=status)])
    assert table.order == an_entry()
    assert table.blotter.events == []


@pytest.mark.incident("INC-89")
def test_empty_order_book_is_not_a_cancellation() -> None:
    table = Table(an_entry()).read(2).read(5).read(300)
    assert table.order == an_entry()


@pytest.mark.parametrize(
    ("status", "state"),
    [(Status.CANCELLED, State.CANCELLED), (Status.REJECTED, State.REJECTED)],
)
def test_end_needs_two_reads_a_second_apart(status: Status, state: State) -> None:
    row = a_row(ENTRY, status=status, reason="by risk control")
    table = Table(an_entry()).read(2, [row], got=2.5).read(3.4, [row])
    assert table.order.state is State.TRIGGER_PENDING
    table.read(3.5, [row])
    assert (table.order.state, table.order.reason) == (state, "by risk control")


def test_end_that_was_not_true_is_forgotten() -> None:
    gone = a_row(ENTRY, status=Status.CANCELLED)
    table = Table(an_entry()).read(2, [gone]).read(4, [a_row(ENTRY)]).read(6, [gone])
    assert table.order.state is State.TRIGGER_PENDING


def test_end_without_words_is_named_by_its_status() -> None:
    gone = a_row(ENTRY, status=Status.CANCELLED)
    assert Table(an_entry()).read(2, [gone]).read(4, [gone]).order.reason == "cancelled"


def test_rejection_is_proved_by_one_read_and_a_push_with_a_reason() -> None:
    table = Table(an_entry())
    table.memory.pushed_reason["A1"] = "margin"
    table.read(2, [a_row(ENTRY, status=Status.REJECTED)])
    assert (table.order.state, table.order.reason) == (State.REJECTED, "margin")


def test_push_proves_no_cancellation() -> None:
    table = Table(an_entry())
    table.memory.pushed_reason["A1"] = "margin"
    assert table.read(2, [a_row(ENTRY, status=Status.CANCELLED)]).order.is_live


@pytest.mark.parametrize("state", [State.CANCELLED, State.REJECTED])
def test_ended_order_whose_row_works_is_revived(state: State) -> None:
    table = Table(an_entry(state)).read(2, [a_row(ENTRY)])
    assert (table.order.state, table.kinds) == (State.TRIGGER_PENDING, ["REVIVED"])


def test_ended_order_stays_ended() -> None:
    order = an_entry(State.CANCELLED)
    assert Table(order).read(2, [a_row(ENTRY, status=Status.CANCELLED)]).order == order


# Requests in the air.


def waiting(pending: Pending, target: Ticket | None = None) -> Order:
    return an_entry(pending=pending, pending_since=t(5), asked_at=t(5), target=target)


@pytest.mark.parametrize("pending", [Pending.MODIFY_UNKNOWN, Pending.CANCEL_UNKNOWN])
def test_read_begun_after_a_request_says_what_became_of_it(pending: Pending) -> None:
    assert Table(waiting(pending)).read(5, [a_row(ENTRY)]).order.pending is pending
    assert Table(waiting(pending)).read(5.1, [a_row(ENTRY)]).order.pending is Pending.NONE


def test_row_with_a_word_of_the_broker_s_own_moves_nothing_but_answers_what_was_asked() -> None:
    order = waiting(Pending.MODIFY_UNKNOWN, msgspec.structs.replace(ENTRY, quantity=Units(1300)))
    table = Table(order).read(6, [a_row(ENTRY, status=Status.UNKNOWN)])
    assert (table.order.state, table.order.pending) == (order.state, Pending.NONE)
    table.read(8, [a_row(ENTRY, status=Status.UNKNOWN)], [a_trade(ENTRY, 650, 12_990)])
    assert table.order.state is State.FILLED


def test_modification_that_may_still_be_answered_waits_for_its_answer() -> None:
    table = Table(waiting(Pending.MODIFY, a_buy())).read(19, [a_row(ENTRY)])
    assert table.order.pending is Pending.MODIFY


def test_cancel_may_take_five_seconds_to_show() -> None:
    table = Table(waiting(Pending.CANCEL)).read(10, [a_row(ENTRY)])
    assert table.order.pending is Pending.CANCEL
    assert table.read(10.1, [a_row(ENTRY)]).order.pending is Pending.NONE


def test_numbers_are_taken_from_a_read_begun_after_the_last_request() -> None:
    old = a_row(ENTRY, price=Paise(12_500), quantity=Units(325))
    order = an_entry(asked_at=t(5))
    assert Table(order).read(5, [old]).order.ticket == ENTRY
    read = Table(order).read(5.1, [old]).order.ticket
    assert (read.price, read.quantity, read.trigger) == (12_500, 325, 12_995)


def test_numbers_a_broker_does_not_show_are_kept() -> None:
    bare = a_row(ENTRY, status=Status.OPEN, price=Paise(0), trigger=Paise(0))
    assert Table(an_entry()).read(2, [bare]).order.ticket == ENTRY


# Others.


def test_orders_of_others_are_noted_once_with_their_net() -> None:
    table = Table(an_entry())
    rows = [a_row(ENTRY), a_row(a_buy(65), "H2"), a_row(a_buy(130), "H1")]
    trades = [a_trade(a_buy(), 65, 14_000, "H1"), a_trade(a_buy(), 65, 14_100, "H1")]
    for when in (2, 4):
        table.read(when, rows, trades)
    seen = ev.ExternalSeen(at=t(2), symbol=ENTRY.symbol, orderids=("H1", "H2"), net=130)
    assert table.found(ev.ExternalSeen) == [seen]


def test_nobody_is_called_a_stranger_while_an_order_of_ours_is_in_flight() -> None:
    table = Table(in_flight()).read(2, [a_row(a_buy(65), "H2")])
    assert table.found(ev.ExternalSeen) == []
    table.add(an_entry(orderid="A1"))
    table.read(3, [a_row(ENTRY), a_row(a_buy(65), "H2")])
    assert table.blotter.ledger.foreign == {"H2"}


def test_ids_and_numbers_of_the_book_are_remembered_for_the_next_order() -> None:
    table = Table(in_flight()).read(2, [a_row(a_buy(65), "H2")])
    assert table.blotter._book_ids == {"H2"}
