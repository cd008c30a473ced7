"""Rows of the three books that make no sense: whose they are is not known where they are read."""

from typing import Any

import pytest

from domain.books import Books
from domain.calls import Failed, Outcome, ReadBooks
from tests.broker.build import a_position_row, a_trade_row, an_order_row
from tests.broker.drive import books, ok, read


def test_order_that_makes_no_sense_is_kept_apart_from_the_others() -> None:
    rows = [an_order_row(), an_order_row(orderid="7", action="")]
    found = read(ReadBooks(), **books(orderbook=ok({"orders": rows}, mode="analyze")))
    assert isinstance(found, Books)
    assert [row.orderid for row in found.orders] == ["26112166700552"]
    assert [row.orderid for row in found.unread] == ["7"]


@pytest.mark.parametrize(
    "odd",
    [
        {"tradebook": ok([a_trade_row(), a_trade_row(action="")], mode="analyze")},
        {"positionbook": ok([a_position_row(quantity=None)], mode="analyze")},
    ],
)
def test_trade_or_position_that_makes_no_sense_refuses_the_books(odd: dict[str, Any]) -> None:
    refused = read(ReadBooks(), **books(**odd))
    assert isinstance(refused, Failed)
    assert refused.outcome is Outcome.NONSENSE
