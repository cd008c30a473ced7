"""Books that lie: what is told of orders, trades, positions and funds, and what stays true."""

from itertools import pairwise
from typing import Any

import pytest

from domain.units import SECOND, Micros, Units
from sandbox.kinds import Status
from tests.sandbox.faults.counters import Counter, Trading
from tests.sandbox.faults.scripts import a_fault
from tests.sandbox.stage import AT, a_filled_sell, a_short, a_trade, an_order


def of_book(book: str, verb: str, settings: Any = None, **when: Any) -> Any:
    return a_fault(f"book:{book}", verb, settings, when=when)


def a_counter(*faults: Any) -> Counter:
    counter = Counter(*faults)
    counter.exchange.book = [
        an_order(orderid=f"2611200000000{n}", placed_at=Micros(AT - n)) for n in range(5)
    ]
    counter.exchange.book[0] = a_filled_sell(orderid="26112000000000", placed_at=AT)
    counter.exchange.done = [
        a_trade(orderid=f"2611200000000{n}", tradeid=f"T{n}", at=AT) for n in range(5)
    ]
    counter.exchange.held = [a_short()]
    return counter


def ids(counter: Counter, at: int = AT) -> list[str]:
    return [row["orderid"] for row in counter.ask("orderbook", at)["data"]["orders"]]


ROUTES = [("orders", "orderbook"), ("trades", "tradebook"), ("positions", "positionbook")]


@pytest.mark.parametrize(("book", "route"), ROUTES)
def test_book_is_empty_with_success(book: str, route: str) -> None:
    counter = a_counter(of_book(book, "success_empty", nth=[2]))

    def rows() -> int:
        data = counter.ask(route)["data"]
        return len(data["orders"] if route == "orderbook" else data)

    told = [rows(), rows(), rows()]
    assert told[0] == told[2] > told[1] == 0
    assert counter.exchange.faults_met == [("f", "success_empty", f"book:{book}:2")]


def test_one_empty_book_leaves_the_others_alone() -> None:
    counter = a_counter(of_book("orders", "success_empty"))
    assert ids(counter) == []
    assert counter.raw("orderstatus", strategy="t", orderid="26112000000000")[1].status == 404
    assert len(counter.ask("tradebook")["data"]) == 5
    assert len(counter.exchange.orders()) == 5


def test_book_may_be_empty_every_other_time() -> None:
    counter = a_counter(of_book("orders", "success_empty", {"alternate": True}))
    assert [len(ids(counter)) for _ in range(4)] == [0, 5, 0, 5]


def test_funds_may_be_nothing() -> None:
    assert a_counter(of_book("funds", "success_empty")).ask("funds")["data"] == {}
    assert a_counter().ask("funds")["data"] != {}


def test_order_is_seen_only_so_long_after_it_was_accepted() -> None:
    counter = a_counter(of_book("orders", "late_visible", {"seconds": 30}))
    assert ids(counter, AT + 29 * SECOND) == []
    assert len(ids(counter, AT + 30 * SECOND)) == 5


def test_some_orders_are_late_and_each_stays_so_for_its_time() -> None:
    late = {"lognormal_s": [20, 1], "cap_s": 60}
    counter = a_counter(of_book("orders", "late_visible", late, probability=0.8))
    seen = [set(ids(counter, AT + n * SECOND)) for n in range(0, 62, 4)]
    assert 0 < len(seen[0]) < 5
    assert all(a <= b for a, b in pairwise(seen)), "nothing vanishes again"
    assert len(seen[-1]) == 5
    assert len({len(each) for each in seen}) > 2


def test_position_is_seen_as_far_as_its_trades_are() -> None:
    counter = a_counter(of_book("positions", "late_visible", {"seconds": 10}))
    counter.exchange.done[0] = a_trade(tradeid="T0", at=Micros(AT - 60 * SECOND))
    counter.exchange.held = [a_short(net=-325)]

    def net(at: int) -> list[int]:
        return [row["quantity"] for row in counter.ask("positionbook", at)["data"]]

    assert net(AT + 5 * SECOND) == [-65]
    assert net(AT + 11 * SECOND) == [-325]


def test_book_is_that_of_some_reads_ago() -> None:
    when = {"between": ["10:00:05", "11:00"]}
    counter = a_counter(of_book("orders", "stale_versions", {"k": 2}, **when))
    order = counter.exchange.book[0]
    told = []
    for n in range(8):
        counter.exchange.book = [order] * n
        told.append(len(ids(counter, AT + n * SECOND)))
    assert told == [0, 1, 2, 3, 4, 3, 4, 5]


def test_rows_are_missing_and_others_at_the_next_read() -> None:
    counter = a_counter(of_book("orders", "missing_ids", {"probability": 0.5}))
    told = [tuple(ids(counter)) for _ in range(8)]
    assert len(set(told)) > 3
    assert all(0 <= len(each) <= 5 for each in told)
    again = a_counter(of_book("orders", "missing_ids", {"probability": 0.5}))
    assert [tuple(ids(again)) for _ in range(8)] == told, "drawn by the random seed alone"


def test_rows_are_shuffled() -> None:
    counter = a_counter(of_book("orders", "reorder"))
    told = [tuple(ids(counter)) for _ in range(6)]
    assert len(set(told)) > 2
    assert {tuple(sorted(each)) for each in told} == {tuple(sorted(ids(a_counter())))}


def test_status_of_the_older_row_leaks() -> None:
    counter = a_counter(of_book("orders", "status_leak", {"probability": 1}))
    rows = counter.ask("orderbook")["data"]["orders"]
    shown = {row["orderid"][-1]: row["order_status"] for row in rows}
    assert shown == {
        "0": "complete", "1": "complete", "2": "trigger pending", "3": "trigger pending",
        "4": "trigger pending",
    }  # fmt: skip
    one = counter.ask("orderstatus", strategy="t", orderid="26112000000001")
    assert one["data"]["order_status"] == "complete"
    assert counter.exchange.orders()[1].status is Status.TRIGGER_PENDING


def test_late_books_do_not_change_what_is_true() -> None:
    trading = Trading(of_book("orders", "late_visible"), of_book("positions", "late_visible") | {
        "id": "g"
    })  # fmt: skip
    orderid = trading.sell()["orderid"]
    assert trading.ask("orderbook")["data"]["orders"] == []
    assert trading.ask("positionbook")["data"] == []
    true = trading.exchange.order(orderid)
    assert true is not None
    assert true.filled == Units(65)
    trading.go(trading.exchange.now + 10 * SECOND)
    assert [row["quantity"] for row in trading.ask("positionbook")["data"]] == [-65]
