"""Ours against the broker's, as a human reads it."""

from msgspec.structs import replace

from domain.books import Status
from domain.events import ExternalClosed
from domain.ledger import Ledger
from domain.tally import Tally, table, tally
from domain.units import Units
from tests.orders import (
    CE,
    ENTRY,
    PE,
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
from tests.trading import a_ticket

SHORT = an_open_short().ledger


def a_tally(**changes: object) -> Tally:
    values = {"symbol": CE, "ours": -650, "broker": -650, "others": 0, "orders": 1, "working": 1}
    return Tally(**values | changes)  # type: ignore[arg-type]


def test_short_with_its_stop_is_equal() -> None:
    (row,) = tally(some_books(rows_of_short(), [sold()]), SHORT)
    assert (row, row.verdict, row.is_equal) == (a_tally(), "equal", True)


def test_position_that_nobody_explains_differs() -> None:
    books = some_books(rows_of_short(), [sold()], positions=[a_position(net=-1300)])
    (row,) = tally(books, SHORT)
    assert (row.difference, row.verdict, row.is_equal) == (-650, "POSITION DIFFERS", False)


def test_position_that_is_gone_differs() -> None:
    (row,) = tally(some_books(rows_of_short(), [sold()], positions=[]), SHORT)
    assert (row.broker, row.verdict) == (0, "POSITION DIFFERS")


def test_stop_that_is_gone_differs() -> None:
    (row,) = tally(some_books(rows_of_short()[:1], [sold()]), SHORT)
    assert (row.orders, row.working, row.verdict) == (1, 0, "ORDERS DIFFER")


def test_stop_that_filled_while_nobody_looked_is_ours() -> None:
    """The agent is dead or parked: its journal does not have the trade that the book shows."""
    rows = [*rows_of_short()[:1], a_row(a_buy(), "S1", Status.COMPLETE)]
    bought = a_trade(a_buy(), 650, 14_100, "S1")
    (row,) = tally(some_books(rows, [sold(), bought]), SHORT)
    assert row == a_tally(ours=0, broker=0, orders=0, working=0)
    assert row.is_equal


def test_stop_that_filled_in_part_still_is_an_order_of_ours() -> None:
    rows = [*rows_of_short()[:1], a_row(a_buy(), "S1", Status.OPEN)]
    (row,) = tally(some_books(rows, [sold(), a_trade(a_buy(), 260, 14_100, "S1")]), SHORT)
    assert (row, row.is_equal) == (a_tally(ours=-390, broker=-390), True)


def test_what_others_bought_back_of_our_short_is_counted_once() -> None:
    ledger = an_open_short().ledger
    (leg,) = ledger.legs
    ledger.apply(ExternalClosed(at=t(20), leg=leg, units=Units(130), value=1_800_000))
    theirs = a_trade(a_buy(130, trigger=0), 130, 13_800, "H1")
    (row,) = tally(some_books(rows_of_short(), [sold(), theirs]), ledger)
    assert (row, row.is_equal) == (a_tally(ours=-520, broker=-520), True)


def test_trade_of_others_in_our_symbol_is_theirs() -> None:
    theirs = a_trade(a_ticket(units=65), 65, 13_000, "H1")
    (row,) = tally(some_books(rows_of_short(), [sold(), theirs]), SHORT)
    assert (row.others, row.broker, row.verdict) == (-65, -715, "equal")


def test_symbol_of_others_is_not_ours() -> None:
    put = a_buy(65, symbol=PE)
    rows = tally(some_books([a_row(put, "H1")], [a_trade(put, 65, 100, "H1")]), Ledger())
    assert [(row.symbol, row.verdict, row.is_equal) for row in rows] == [(PE, "not ours", True)]


def test_entry_that_rests_is_an_order_of_ours() -> None:
    (row,) = tally(some_books([a_row(ENTRY)]), a_resting_entry().ledger)
    assert row == a_tally(ours=0, broker=0)


def test_position_of_another_product_is_not_counted() -> None:
    carried = [a_position(net=-650), a_position(net=65, product="NRML")]
    (row,) = tally(some_books(rows_of_short(), [sold()], positions=carried), SHORT)
    assert row.is_equal


def test_table_is_aligned_under_its_head() -> None:
    head, line = table([a_tally()])
    assert head.split() == "symbol ours broker others difference our orders there verdict".split()
    assert line.split() == [CE, "-650", "-650", "0", "0", "1", "1", "equal"]
    assert head.index("verdict") == line.index("equal")


def test_nothing_at_all_is_a_head_alone() -> None:
    assert len(table(tally(some_books(), Ledger()))) == 1


def test_trade_of_others_that_is_not_intraday_is_nobody_s_position() -> None:
    held = replace(a_trade(a_ticket(units=65), 65, 13_000, "H1"), product="NRML")
    books = some_books(rows_of_short(), [sold(), held], positions=[a_position(net=-650)])
    (row,) = tally(books, SHORT)
    assert (row.others, row.verdict) == (0, "equal")
