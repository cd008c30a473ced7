"""Books as read: a trade that is listed twice is one."""

from domain.books import unrepeated
from tests.orders import ENTRY, a_trade


def test_trade_listed_twice_under_one_id_is_one() -> None:
    one, two = (a_trade(ENTRY, 65, 12_990, "A1", name) for name in ("T1", "T2"))
    assert unrepeated([one, two, one]) == (one, two)


def test_same_id_at_another_order_is_another_trade() -> None:
    trades = [a_trade(ENTRY, 65, 12_990, orderid, "T1") for orderid in ("A1", "A2")]
    assert unrepeated(trades) == tuple(trades)


def test_trades_without_ids_all_count() -> None:
    trades = [a_trade(ENTRY, 65, 12_990)] * 2
    assert unrepeated(trades) == tuple(trades)
