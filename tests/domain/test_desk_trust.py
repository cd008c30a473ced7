"""What rests is ended by the desk itself while prices are not trusted."""

import pytest

from domain import events as ev
from domain.books import Status
from domain.calls import CancelOrder, PlaceOrder
from domain.desk_entries import Entry
from tests.orders import ENTRY, Bench, a_resting_entry, a_row, an_entry_wish, sold, t
from tests.trading import a_key


def codes(bench: Bench) -> list[str]:
    return [refusal.code for _, refusal in bench.desk.entries.refused]


def cancels(bench: Bench) -> list[str]:
    return [write.orderid for write in bench.take() if isinstance(write, CancelOrder)]


def another(when: float) -> Entry:
    return an_entry_wish(a_key(attempt=1), when=t(when))


def distrust(bench: Bench, seconds: float, *, is_blind: bool = False) -> Bench:
    bench.desk.trusted(entries=False, reason="no ticks for 60 s", is_blind=is_blind)
    return bench.settle(seconds)


@pytest.mark.parametrize("is_blind", [False, True])
def test_entry_ends_on_prices_that_are_not_trusted_though_no_strategy_says_so(
    is_blind: bool,
) -> None:
    bench = a_resting_entry()
    bench.desk.strategy_lost(too_often=False)
    assert cancels(distrust(bench, 2, is_blind=is_blind)) == ["A1"]
    why = [each.reason for each in bench.events if isinstance(each, ev.CancelPlanned)]
    assert why == ["prices are not trusted: no ticks for 60 s"]
    assert bench.settle(3).settle(4).writes == []


@pytest.mark.incident("INC-41")
@pytest.mark.parametrize("filled", [0, 65])
def test_entry_that_is_filling_is_kept_on_prices_that_are_not_trusted(filled: int) -> None:
    trades = [sold(filled)] if filled else []
    bench = a_resting_entry().read(2, [a_row(ENTRY, status=Status.OPEN)], trades)
    assert cancels(distrust(bench, 3, is_blind=True)) == []


def test_entry_that_got_its_id_too_late_ends_on_prices_that_are_not_trusted() -> None:
    bench = distrust(Bench().active(0).wish(1), 2)
    assert [type(write) for write in bench.writes] == [PlaceOrder]
    assert cancels(bench.reply(3, orderid="A1")) == ["A1"]


def test_entry_rests_on_where_trust_was_back_before_it_could_end() -> None:
    bench = distrust(Bench().active(0).wish(1), 2)
    bench.desk.trusted(entries=True, reason="prices are live")
    assert bench.reply(3, orderid="A1").settle(5).writes == []


def test_strategy_that_goes_on_wishing_neither_keeps_nor_renews_an_entry_nobody_trusts() -> None:
    bench = distrust(a_resting_entry(), 2)
    for when in (2.5, 3):
        bench.wish(when)
    assert cancels(bench) == ["A1"]
    gone = a_row(ENTRY, status=Status.CANCELLED)
    bench.read(4, [gone]).read(5, [gone]).wish(6, another(6)).wish(7, another(7))
    assert (bench.take(), codes(bench)) == ([], ["FEED", "FEED"])
