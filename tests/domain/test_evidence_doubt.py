"""What is adopted, counted and read back where a broker shows something else than we asked for."""

from typing import Any

import msgspec
import pytest

from domain import events as ev
from domain.books import OrderRow, Status
from domain.orders import Order, Pending, Purpose, State
from domain.units import Paise, Units
from tests.evidence import Table, an_entry, in_flight
from tests.orders import ENTRY, a_buy, a_row, a_trade, t


def weak_row(orderid: str = "A7", **more: Any) -> OrderRow:
    """The order in flight as a broker shows it who overwrites the price by the average."""
    values: dict[str, Any] = {"status": Status.COMPLETE, "price": Paise(12_990)}
    return a_row(ENTRY, orderid, **values | more)


@pytest.mark.parametrize("state", [State.SENDING, State.UNKNOWN])
def test_filled_order_whose_price_became_its_average_is_adopted_with_a_warning(
    state: State,
) -> None:
    table = Table(in_flight(state)).read(9, [weak_row()], [a_trade(ENTRY, 650, 12_990, "A7")])
    assert (table.order.state, table.order.orderid) == (State.FILLED, "A7")
    assert table.kinds == ["ADOPTED_WEAK"]


@pytest.mark.parametrize(("traded", "orderid"), [(650, "A7"), (585, ""), (0, "")])
def test_row_in_a_word_of_the_brokers_own_is_complete_once_it_all_traded(
    traded: int, orderid: str
) -> None:
    row = weak_row(status=Status.UNKNOWN)
    trades = [a_trade(ENTRY, traded, 12_990, "A7")] if traded else []
    assert Table(in_flight()).read(9, [row], trades).order.orderid == orderid


@pytest.mark.parametrize(
    "row",
    [
        weak_row(price=Paise(12_690)),
        weak_row(price=Paise(0)),
        weak_row(price=Paise(12_690), average=Paise(12_690)),
        weak_row(price=Paise(12_700), average=Paise(12_990)),
        weak_row(status=Status.OPEN),
        weak_row(trigger=Paise(12_990)),
        weak_row(quantity=Units(585)),
        weak_row(placed_at=t(200)),
    ],
)
def test_row_worse_or_otherwise_than_ours_is_not_adopted(row: OrderRow) -> None:
    order = msgspec.structs.replace(in_flight(), sent_at=t(0))
    assert Table(order).read(9, [row]).order.orderid == ""


def test_two_weak_rows_prove_nothing_and_a_strong_one_goes_before() -> None:
    assert Table(in_flight()).read(9, [weak_row(), weak_row("A8")]).order.orderid == ""
    table = Table(in_flight()).read(9, [weak_row(), a_row(ENTRY, "A8")])
    assert (table.order.orderid, table.kinds) == ("A8", [])


def test_order_refused_for_good_is_not_revived_by_a_weak_row() -> None:
    table = Table(in_flight(State.REFUSED)).read(160, [weak_row()])
    assert (table.order.state, table.kinds) == (State.REFUSED, [])


def test_stamp_excludes_no_row_once_our_own_clock_jumped() -> None:
    row = a_row(ENTRY, "A7", placed_at=t(-3600))
    assert Table(in_flight()).read(9, [row]).order.orderid == ""
    table = Table(in_flight())
    table.blotter.record(ev.ClockJumped(at=t(1), reason="the clock was set"))
    assert table.read(9, [row]).order.orderid == "A7"


def a_waiting(reason: str, state: State = State.REFUSED) -> Order:
    return msgspec.structs.replace(in_flight(state), reason=reason, sent_at=t(0))


@pytest.mark.parametrize("reason", ["NO_ORDERID", "SEMI_AUTO"])
@pytest.mark.parametrize("row", [a_row(ENTRY, "A7", placed_at=t(900)), weak_row(placed_at=t(900))])
def test_entry_that_a_human_approves_later_is_found(reason: str, row: OrderRow) -> None:
    table = Table(a_waiting(reason)).read(901, [row])
    assert (table.order.orderid, "REVIVED" in table.kinds) == ("A7", True)


def test_row_placed_before_the_sending_or_after_a_proved_refusal_is_another_s() -> None:
    early = a_row(ENTRY, "A7", placed_at=t(-181))
    assert Table(a_waiting("SEMI_AUTO")).read(9, [early]).order.orderid == ""
    late = a_row(ENTRY, "A7", placed_at=t(181))
    assert Table(a_waiting("FUNDS")).read(200, [late]).order.orderid == ""


def test_entry_believed_not_placed_is_found_by_a_weak_row() -> None:
    table = Table(in_flight(State.NOT_PLACED)).read(160, [weak_row()])
    assert (table.order.orderid, table.kinds) == ("A7", ["REVIVED", "ADOPTED_WEAK"])


def test_cover_believed_not_placed_is_not_found_in_a_human_s_purchase() -> None:
    cover = msgspec.structs.replace(
        in_flight(State.NOT_PLACED), purpose=Purpose.COVER, ticket=a_buy(trigger=0)
    )
    row = a_row(a_buy(trigger=0, price=13_000), "H1", Status.COMPLETE)
    assert Table(cover).read(160, [row]).order.orderid == ""


def test_limit_of_a_human_is_not_our_stop_that_was_met() -> None:
    stop = msgspec.structs.replace(in_flight(), purpose=Purpose.STOP, ticket=a_buy())
    row = a_row(a_buy(trigger=0, price=13_000), "H1", Status.COMPLETE)
    assert Table(stop).read(9, [row]).order.orderid == ""


def test_trigger_dropped_after_it_was_met_is_no_other_order() -> None:
    table = Table(in_flight()).read(9, [weak_row(trigger=Paise(0))])
    assert table.order.orderid == "A7"


def test_more_trades_than_the_order_had_units_are_counted_and_alarm() -> None:
    trades = [a_trade(ENTRY, 650, 12_990), a_trade(ENTRY, 65, 12_980)]
    table = Table(an_entry()).read(2, [a_row(ENTRY, status=Status.COMPLETE)], trades)
    assert (table.order.state, table.order.filled) == (State.FILLED, 715)
    assert table.kinds == ["OVERFILLED"]
    assert table.blotter.alarms == ["OVERFILLED i1"]
    table.read(4, [a_row(ENTRY, status=Status.COMPLETE)], trades)
    assert table.kinds == ["OVERFILLED"]


def a_stop_of(short: int, **changes: Any) -> Table:
    """A resting stop whose entry filled."""
    entry = msgspec.structs.replace(an_entry(State.FILLED, "E1", leg="i0"), intent="i0")
    table = Table(entry)
    fill = ev.FillsSeen(at=t(0), intent="i0", filled=Units(short), value=short * 12_990)
    table.blotter.ledger.apply(fill)
    stop: dict[str, Any] = {"purpose": Purpose.STOP, "ticket": a_buy(), "leg": "i0"}
    table.add(an_entry(orderid="S1", **stop | changes))
    return table


def test_stop_that_others_ended_is_a_finding() -> None:
    gone = a_row(a_buy(), "S1", Status.CANCELLED)
    sold = [a_trade(ENTRY, 650, 12_990, "E1")]
    table = a_stop_of(650).read(2, [gone], sold).read(4, [gone], sold)
    assert (table.order.state, table.kinds) == (State.CANCELLED, ["STOP_MISSING"])


def test_stop_that_we_ended_is_not_missed() -> None:
    gone = a_row(a_buy(), "S1", Status.CANCELLED)
    sold = [a_trade(ENTRY, 650, 12_990, "E1")]
    table = a_stop_of(650, pending=Pending.CANCEL, pending_since=t(1), asked_at=t(1))
    table.read(2, [gone], sold).read(4, [gone], sold)
    assert (table.order.state, table.kinds) == (State.CANCELLED, [])


def test_price_of_an_order_that_is_filling_is_its_average_and_not_read_back() -> None:
    order = an_entry(State.OPEN, filled=Units(65), asked_at=t(1))
    row = a_row(ENTRY, status=Status.OPEN, price=Paise(12_990))
    sold = [a_trade(ENTRY, 65, 12_990)]
    assert Table(order).read(6, [row], sold).order.ticket.price == ENTRY.price


def test_price_asked_for_is_read_back_also_while_the_order_fills() -> None:
    target = msgspec.structs.replace(ENTRY, price=Paise(12_600))
    order = msgspec.structs.replace(
        an_entry(State.OPEN, filled=Units(65)),
        pending=Pending.MODIFY_UNKNOWN,
        pending_since=t(5),
        asked_at=t(5),
        target=target,
    )
    row = a_row(target, status=Status.OPEN)
    table = Table(order).read(6, [row], [a_trade(ENTRY, 65, 12_990)])
    assert (table.order.ticket.price, table.order.pending) == (12_600, Pending.NONE)


# A stop that one row calls open.


def a_met_stop() -> Table:
    return Table(an_entry(State.OPEN, orderid="S1", purpose=Purpose.STOP, ticket=a_buy()))


def test_stop_that_is_read_resting_twice_was_never_met() -> None:
    row = a_row(a_buy(), "S1")
    table = a_met_stop()
    for when, state in ((2, State.OPEN), (2.9, State.OPEN), (3, State.TRIGGER_PENDING)):
        assert table.read(when, [row]).order.state is state
    assert table.blotter.alarms == []


def test_book_that_says_open_again_in_between_counts_anew() -> None:
    rests, met = a_row(a_buy(), "S1"), a_row(a_buy(), "S1", Status.OPEN)
    table = a_met_stop().read(2, [rests]).read(3, [met]).read(4, [rests])
    assert table.order.state is State.OPEN
    assert table.read(5, [rests]).order.state is State.TRIGGER_PENDING


def test_stop_that_traded_never_rests_again() -> None:
    rests, part = a_row(a_buy(), "S1"), [a_trade(a_buy(), 65, 14_100, "S1")]
    table = a_met_stop().read(2, [rests], part).read(4, [rests], part).read(6, [rests], part)
    assert table.order.state is State.OPEN
    assert table.memory.is_met(table.order)


def test_stop_was_met_once_two_reads_in_a_row_say_so() -> None:
    rests, met = a_row(a_buy(), "S1"), a_row(a_buy(), "S1", Status.OPEN)
    table = Table(an_entry(orderid="S1", purpose=Purpose.STOP, ticket=a_buy()))
    for row, is_met in ((met, False), (rests, False), (met, False), (met, True)):
        at = 2 + len(table.blotter.events)
        assert table.read(at, [row]).memory.is_met(table.order) is is_met


def test_modify_that_asks_for_what_is_there_is_waited_for() -> None:
    order = an_entry(pending=Pending.MODIFY, pending_since=t(5), asked_at=t(5), target=ENTRY)
    assert Table(order).read(6, [a_row(ENTRY)]).order.pending is Pending.MODIFY


def test_complete_row_at_our_price_without_the_trigger_it_met_is_ours() -> None:
    row = a_row(ENTRY, "A7", Status.COMPLETE, trigger=Paise(0), average=Paise(12_990))
    for state in (State.UNKNOWN, State.REFUSED):
        table = Table(in_flight(state)).read(9, [row], [a_trade(ENTRY, 650, 12_990, "A7")])
        assert (table.order.orderid, "ADOPTED_WEAK" in table.kinds) == ("A7", False)


def test_trades_of_another_side_under_our_id_are_not_counted() -> None:
    stop = an_entry(orderid="S1", purpose=Purpose.STOP, ticket=a_buy())
    table = Table(stop)
    for when in (2, 4):
        table.read(when, [a_row(a_buy(), "S1")], [a_trade(ENTRY, 650, 12_990, "S1")])
    assert (table.order.filled, table.order.state) == (0, State.TRIGGER_PENDING)
    assert (table.kinds, table.blotter.alarms) == (["ODD_TRADES"], ["ODD_TRADES i1"])


@pytest.mark.parametrize(("reason", "needed"), [("margin", 2), ("", 4)])
def test_refusal_without_a_reason_may_be_another_rows_and_is_looked_at_longer(
    reason: str, needed: int
) -> None:
    table = Table(an_entry())
    row = a_row(ENTRY, status=Status.REJECTED, reason=reason)
    seen = [table.read(second, [row]).order.state is State.REJECTED for second in range(1, 6)]
    assert seen.index(True) + 1 == needed
