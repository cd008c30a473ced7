"""What was bought back too much is sold, no more and no sooner than two reads prove it."""

from dataclasses import replace as changed

from msgspec.structs import replace

from domain import events as ev
from domain.books import Action, OrderRow, Status, TradeRow
from domain.calls import ModifyOrder, Outcome, PlaceOrder, Quotes
from domain.orders import Purpose, State
from domain.positions import Phase
from domain.units import Paise
from tests.orders import (
    CE,
    PARAMS,
    Bench,
    a_buy,
    a_quote,
    a_row,
    a_trade,
    an_open_short,
    rows_of_short,
    sold,
    t,
)
from tests.shorts import QUIET, brief, phase, sent

BOUGHT = a_trade(a_buy(), 715, 15_000, "S1")
ROWS = rows_of_short(Status.COMPLETE)
TRADES = [sold(), BOUGHT]


def bid(bench: Bench, seconds: float, price: int, ltp: int = 15_000) -> Bench:
    quote = replace(a_quote(ltp, when=t(seconds)), bid=Paise(price))
    bench.desk.quoted(Quotes(quotes=(quote,), missing=()))
    return bench.settle(seconds)


def an_excess(bench: Bench | None = None) -> Bench:
    """The short of tests/orders.py whose stop bought 65 too many; two reads have shown it."""
    bench = bench or an_open_short()
    for when in (20, 21):
        bench.read(when, ROWS, TRADES)
    return bench


def a_sale() -> Bench:
    """Its sale, asked at 142.50, is open as B1."""
    bench = bid(an_excess(), 21.5, 15_000).reply(22, orderid="B1")
    return bench.read(22.2, [*ROWS, sale_row(bench)], TRADES)


def sale_row(bench: Bench, status: Status = Status.OPEN) -> OrderRow:
    return a_row(bench.order().ticket, "B1", status)


def found(bench: Bench) -> list[tuple[str, str, str]]:
    findings = (e for e in bench.events if isinstance(e, ev.FindingApplied))
    return [(e.kind, e.subject, e.detail) for e in findings if e.kind == "OWN_LONG"]


def test_units_bought_back_too_many_freeze_the_day() -> None:
    bench = an_open_short().read(20, ROWS, TRADES)
    assert (bench.ledger.latches, found(bench), bench.desk.pages(t(20))) == ({}, [], ())
    bench.read(21, ROWS, TRADES)
    assert bench.ledger.latches == {"OWN_LONG": f"{CE}: 65 units bought back too many"}
    assert found(bench) == [("OWN_LONG", CE, "65 units bought back too many")]
    assert phase(bench) == (Phase.DONE, "stopped")
    (page,) = bench.desk.pages(t(21))
    assert (page.code, page.is_critical) == ("OWN_LONG", True)
    bench.read(22, ROWS, TRADES)
    assert len(found(bench)) == 1


def test_excess_that_the_second_read_does_not_show_is_none() -> None:
    bench = an_open_short().read(20, ROWS, TRADES)
    bench.read(21, ROWS, [sold(715), BOUGHT]).read(22, ROWS, [sold(715), BOUGHT])
    assert bench.ledger.latches == {}


def test_excess_is_sold_below_the_bid() -> None:
    bench = an_excess()
    assert bench.desk.exits.wanted_quotes(t(21)) == ((CE, "NFO"),)
    assert sent(bench) == [], "nothing is sold blind"
    bid(bench, 21.5, 15_000)
    (write,) = bench.writes
    assert isinstance(write, PlaceOrder)
    assert write.ticket == replace(a_buy(65, trigger=0, price=14_250), action=Action.SELL)
    assert bench.order().purpose is Purpose.SELL_BACK
    assert bench.desk.attention(t(21.5))[1] == "in flight"


def test_sale_descends_a_rung_each_two_seconds_but_not_below_the_band() -> None:
    bench, prices = a_sale(), []
    for when in (23.6, 25.7, 27.8, 29.9, 32.0, 34.1, 36.2, 38.3, 40.4):
        bid(bench, when, 15_000)
        prices += [price for kind, _, _, price in brief(bench.writes) if kind == "modify"]
        while bench.writes:
            bench.reply(when + 0.1, orderid="B1")
    # 15000 - 6000 x 0.9 = 9600
    assert prices == [13_500, 12_750, 12_000, 11_250, 10_500, 9_750, 9_600]


def test_sale_is_counted_and_ends_what_was_too_much() -> None:
    bench = a_sale()
    done = a_trade(bench.order().ticket, 65, 14_800, "B1")
    bench.read(23, [*ROWS, sale_row(bench, Status.COMPLETE)], [*TRADES, done])
    assert bench.ledger.own_net() == {CE: 0}
    (leg,) = bench.ledger.legs.values()
    assert (leg.short, leg.gross) == (0, 650 * 12_990 - 715 * 15_000 + 65 * 14_800)
    assert (bench.writes, bench.desk.exits.is_long) == ([], False)
    bench.read(24, [*ROWS, sale_row(bench, Status.COMPLETE)], [*TRADES, done])
    assert (bench.writes, bench.desk.exits.wanted_quotes(t(30))) == ([], ())


def test_excess_that_shrinks_ends_the_sale_before_it_sells_too_much() -> None:
    bench = a_sale().read(23, [*ROWS, sale_row(a_sale())], [sold(715), BOUGHT])
    assert ("cancel", "B1", 0, 0) in sent(bench)


def test_excess_that_grows_is_sold_by_another_order() -> None:
    bench = a_sale()
    more = [sold(), a_trade(a_buy(), 780, 15_000, "S1")]
    row = sale_row(bench)
    bench.read(23.2, [*ROWS, row], more)
    assert sent(bench) == [("cancel", "B1", 0, 0)]
    gone = [*ROWS, a_row(bench.order().ticket, "B1", Status.CANCELLED)]
    bench.read(24.3, gone, more).read(25.4, gone, more)
    assert sent(bid(bench, 25.5, 15_000)) == [("place", "LIMIT", 130, 13_500)]


def test_sale_changed_too_often_is_replaced() -> None:
    params = changed(PARAMS, exit=changed(PARAMS.exit, max_modifies=3))
    bench = an_excess(Bench(params=params, events=an_open_short().events, boot=2).active(12))
    bid(bench, 21.5, 15_000).reply(22, orderid="B1")
    bench.read(22.2, [*ROWS, sale_row(bench)], TRADES)
    asked = []
    for when in (23.6, 25.7, 27.8, 29.9):
        asked += [kind for kind, *_ in brief(bid(bench, when, 15_000).writes)]
        bench.reply(when + 0.1, orderid="B1")
    assert asked == ["modify"] * 3 + ["cancel"]


def test_refused_sale_is_tried_again_with_patience() -> None:
    bench = bid(an_excess(), 21.5, 15_000).reply(21.5, Outcome.REJECTED, code="SESSION")
    assert sent(bid(bench, 22.4, 15_000)) == []
    assert sent(bid(bench, 22.5, 15_000)) == [("place", "LIMIT", 65, 14_250 - 5)]


def test_sale_refused_for_the_band_comes_nearer() -> None:
    bench = bid(an_excess(), 21.5, 15_000).reply(21.5, Outcome.REJECTED, code="BAND")
    # 15000 - 6000 x 0.9 / 8 = 14325 is the first above 14250.
    assert sent(bid(bench, 23.5, 15_000)) == [("place", "LIMIT", 65, 14_325)]


def test_sale_that_never_left_is_sent_again_or_forgotten() -> None:
    bench = bid(an_excess(), 21.5, 15_000).reply(21.6, Outcome.NOT_SENT)
    assert sent(bench.settle(22.5)) == []
    assert sent(bench.settle(22.6)) == [("place", "LIMIT", 65, 14_250)]
    bench.ledger._keep(bench.ledger.orders[bench.order().intent])
    late = bid(an_excess(), 21.5, 15_000).reply(21.6, Outcome.NOT_SENT)
    late.read(21.8, ROWS, [sold(715), BOUGHT])
    assert late.order().state is State.REFUSED
    other = bid(an_excess(), 21.5, 15_000).reply(21.6, Outcome.NOT_SENT)
    other.read(21.8, ROWS, [sold(), a_trade(a_buy(), 780, 15_000, "S1")])
    assert [order.state for order in other.ledger.live(Purpose.SELL_BACK)] == []


def test_nothing_is_sold_in_the_quiet_nor_where_a_human_wants_to() -> None:
    bench = an_excess()
    assert sent(bid(bench, QUIET, 15_000)) == []
    resting = a_sale()
    resting.take()
    assert sent(bid(resting, QUIET, 14_000)) == []
    params = changed(PARAMS, exit=changed(PARAMS.exit, sell_back=False))
    human = Bench(params=params, events=an_open_short().events, boot=2)
    human.active(12)
    human.read(20, ROWS, TRADES).read(21, ROWS, TRADES)
    assert sent(bid(human, 21.5, 15_000)) == []
    assert human.ledger.latches.keys() == {"OWN_LONG"}


def test_quote_without_a_bid_goes_by_the_last_price() -> None:
    bench = an_excess()
    assert sent(bid(bench, 21.5, 0, ltp=10_000)) == [("place", "LIMIT", 65, 9_500)]


def test_sale_waits_for_a_quote_after_a_restart() -> None:
    bench = a_sale()
    rows: list[OrderRow] = [*ROWS, sale_row(bench)]
    trades: list[TradeRow] = TRADES
    again = bench.restart(30).read(30, rows, trades).read(31, rows, trades)
    assert sent(again) == []
    (write,) = bid(again, 32, 14_000).writes
    assert isinstance(write, ModifyOrder)
    assert write.ticket.price == 13_300


def test_sale_rests_where_a_rung_is_not_lower() -> None:
    bench = a_sale()
    assert sent(bid(bench, 23.6, 16_000)) == []
    assert sent(bid(bench, 25.7, 16_000)) == [("modify", "B1", 65, 13_600)]


def test_blindness_is_known_to_all_parts() -> None:
    bench = an_open_short()
    assert bench.desk.exits.is_blind is False
    bench.desk.trusted(entries=False, reason="", is_blind=True)
    assert bench.desk.exits.is_blind is True
