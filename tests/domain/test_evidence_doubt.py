"""What is adopted, counted and read back where a broker shows something else than we asked for."""

from typing import Any

import msgspec
import pytest

from domain import events as ev
from domain.books import OrderRow, Status
from domain.orders import Pending, Purpose, State
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


@pytest.mark.parametrize("state", [State.REFUSED, State.NOT_PLACED])
def test_order_given_up_is_not_revived_by_a_weak_row(state: State) -> None:
    table = Table(in_flight(state)).read(160, [weak_row()])
    assert (table.order.state, table.kinds) == (state, [])


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
