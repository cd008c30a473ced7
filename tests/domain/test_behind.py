"""What a journal put back from a backup is behind of: each unknown BUY covers once what it may."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.behind import behind
from domain.books import Action, Books, OrderRow, Status, TradeRow
from domain.events import FindingApplied
from domain.ledger import Ledger
from domain.orders import Purpose, State
from domain.reasons import Condition
from tests.orders import (
    CE,
    ENTRY,
    PE,
    T0,
    a_buy,
    a_position,
    a_resting_entry,
    a_row,
    a_trade,
    an_open_short,
    rows_of_short,
    sold,
    some_books,
    t,
)

RESTING = tuple(a_resting_entry().events)
SHORT = tuple(an_open_short().events)
MOVED = a_row(a_buy(trigger=13_900, price=15_000), "S2")
GONE = rows_of_short(Status.CANCELLED)


def caught_up(books: Books, events: tuple[object, ...] = SHORT) -> Ledger:
    """The ledger after what these books show was taken."""
    ledger = Ledger().fold(events)  # type: ignore[arg-type] # events of a bench
    return ledger.fold(behind(books, ledger, "d-1"))


def stops(ledger: Ledger) -> dict[str, tuple[str, State]]:
    return {
        order.orderid: (order.leg, order.state)
        for order in ledger.orders.values()
        if order.purpose is not Purpose.ENTRY
    }


def the_leg(ledger: Ledger) -> str:
    return next(order.leg for order in ledger.orders.values() if order.orderid == "A1")


def test_books_as_the_journal_has_them_give_nothing() -> None:
    assert behind(some_books(rows_of_short(), [sold()]), Ledger().fold(SHORT), "d-1") == ()


def test_entry_that_filled_since_has_the_stop_that_was_sent_for_it() -> None:
    ledger = caught_up(some_books([a_row(ENTRY, status=Status.COMPLETE), MOVED], [sold()]), RESTING)
    assert stops(ledger) == {"S2": (the_leg(ledger), State.ACKED)}


def test_stop_that_replaced_a_known_one_is_taken_and_the_known_one_covers_nothing() -> None:
    ledger = caught_up(some_books([*GONE, MOVED], [sold()]))
    leg = the_leg(ledger)
    assert stops(ledger) == {"S1": (leg, State.ACKED), "S2": (leg, State.ACKED)}


def test_cover_that_climbs_is_taken_as_one() -> None:
    climbing = a_row(a_buy(trigger=0, price=13_660), "C1", Status.OPEN)
    ledger = caught_up(some_books([*GONE, climbing], [sold()]))
    (cover,) = (order for order in ledger.orders.values() if order.orderid == "C1")
    assert cover.purpose is Purpose.COVER


@pytest.mark.parametrize(
    ("rows", "trades"),
    [
        ([*rows_of_short(), MOVED], [sold()]),
        (
            [*rows_of_short(Status.COMPLETE), MOVED],
            [sold(), a_trade(a_buy(), 650, 14_100, "S1")],
        ),
        ([a_row(ENTRY, status=Status.CANCELLED), MOVED], []),
    ],
    ids=["covered", "bought back", "never sold"],
)
def test_order_of_somebody_else_is_left(rows: list[OrderRow], trades: list[TradeRow]) -> None:
    books = some_books(rows, trades)
    assert behind(books, Ledger().fold(SHORT), "d-1") == ()


def test_what_a_human_bought_back_needs_no_cover() -> None:
    books = some_books([*GONE, MOVED], [sold()], positions=[a_position(CE, 0)])
    assert behind(books, Ledger().fold(SHORT), "d-1") == ()


def test_other_symbols_products_and_sides_are_left() -> None:
    others = [
        a_row(a_buy(symbol=PE), "X1"),
        a_row(a_buy(), "X2", product="NRML"),
        a_row(ENTRY, "X3"),
        a_row(a_buy(), "X4", Status.CANCELLED),
    ]
    books = some_books([*GONE, *others], [sold(), a_trade(a_buy(symbol=PE), 65, 100, "X9")])
    assert behind(books, Ledger().fold(SHORT), "d-1") == ()


def test_known_cover_in_part_leaves_room_for_the_rest() -> None:
    """A stop that bought 130 of 650 still covers 520: an unknown 130 would be too much."""
    rows = [*rows_of_short(), a_row(a_buy(130), "S2")]
    books = some_books(rows, [sold(), a_trade(a_buy(), 130, 14_100, "S1")])
    assert behind(books, Ledger().fold(SHORT), "d-1") == ()


@given(st.lists(st.integers(1, 10).map(lambda lots: lots * 65), max_size=6), st.booleans())
def test_never_more_is_taken_than_could_be_needed(units: list[int], gone: bool) -> None:
    """The last one taken may be larger than what is left; without it the rest would be bare."""
    rows = [a_row(a_buy(n), f"U{k}") for k, n in enumerate(units)]
    books = some_books([*(GONE if gone else rows_of_short()), *rows], [sold()])
    ledger = caught_up(books)
    taken = [o for o in ledger.orders.values() if o.orderid.startswith("U")]
    covers = [o.ticket.quantity for o in taken]
    assert gone or not taken
    assert sum(covers) - max(covers, default=0) < 650
    assert all(order.ticket.action is Action.BUY for order in taken)


def test_loss_found_after_a_recovery_is_recovered_from_again() -> None:
    lost = FindingApplied(at=t(60), kind=Condition.JOURNAL_LOST, subject="x", detail="restored")
    before = Ledger().fold(SHORT)
    before.has_recovered = True
    assert not before.fold([lost]).has_recovered
    assert t(60) > T0
