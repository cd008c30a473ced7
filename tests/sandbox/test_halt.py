"""A halt: what is refused, what rests, and what happens when trading resumes."""

import pytest

from domain.books import Action
from domain.units import Micros, Paise, Symbol, seconds
from sandbox.exchange import Exchange, Setup
from sandbox.kinds import Done, ModifyIn, No, PriceKind
from sandbox.params import LatencyParams, Lognormal, MarketParams, SandboxParams
from sandbox.truth import Refused, Traded, Truth
from tests.sandbox.pit import CALL, DAY, Pit, an_order, at, rules, settings

BUY = Action.BUY
HALTED = No(status=400, text="Trading is halted")
BIDS, ASKS = [(15_000, 650)], [(15_050, 650)]


def a_pit(begin: str = "11:00", end: str = "11:45", **changes: object) -> Pit:
    """Return a pit a second ahead of its halt, with a two-sided book."""
    pit = Pit(settings(**changes), halt=(at(begin), at(end)))
    pit.now = Micros(at(begin) - seconds(3))
    pit.show(BIDS, ASKS, printed=(15_000, 65))
    return pit


def test_nothing_is_taken_from_the_first_instant_of_a_halt_to_its_last() -> None:
    pit = a_pit()
    for wall, is_refused in {"10:59:59": 0, "11:00": 1, "11:44:59.999": 1, "11:45": 0}.items():
        whole, _, millis = wall.partition(".")
        pit.now = Micros(at(whole) + int(millis or 0) * 1000)
        assert (pit.place(price=20_000) == HALTED) is bool(is_refused), wall


def test_refusal_leaves_no_row() -> None:
    pit = a_pit()
    pit.now = at("11:20")
    assert pit.place() == HALTED
    assert not pit.account.book.orders
    (row,) = pit.rows(Refused)
    assert row == Refused(route="place", orderid="", text="Trading is halted")


def test_live_order_may_be_cancelled_but_not_changed() -> None:
    pit = a_pit()
    orderid = pit.orderid(price=20_000)
    pit.now = at("11:20")
    assert pit.modify(orderid, price=19_000) == HALTED
    assert pit.order(orderid).price == 20_000
    assert isinstance(pit.cancel(orderid), Done)
    assert pit.state(orderid) == ("cancelled", 0)


def test_order_on_its_way_when_the_halt_begins_is_rejected() -> None:
    pit = a_pit(latency=LatencyParams(place_ms=Lognormal(median=500, sigma=0)))
    pit.now = Micros(at("11:00") - seconds(0.2))
    deferred = pit.writes.place(Micros(pit.now), an_order())
    pit.sleep(1)
    answer = deferred.result()
    assert isinstance(answer, Done)
    assert pit.state(answer.orderid) == ("rejected", 0)
    assert pit.order(answer.orderid).reason == "Trading is halted"


def test_closed_market_is_told_before_a_halt() -> None:
    pit = a_pit("15:30", "15:50")
    pit.now = at("15:45")
    assert pit.place() == No(status=400, text="Market is closed")


def test_square_off_in_a_halt_trades_only_when_it_is_over() -> None:
    """What is displayed is the book of before, and nobody trades with it."""
    pit = a_pit("15:20", "15:30")
    pit.orderid()
    stop = pit.orderid(action=BUY, kind=PriceKind.SL, trigger=16_000, price=16_300)
    pit.now = at("15:25")
    pit.writes.square_off(Micros(pit.now))
    pit.sleep(60)
    assert pit.state(stop) == ("cancelled", 0)
    assert pit.account.book.net(CALL, "MIS") == -65
    pit.now = at("15:30")
    pit.show(BIDS, ASKS)
    assert pit.account.book.net(CALL, "MIS") == 0


def an_exchange() -> Exchange:
    market = MarketParams(regime="halt")
    return Exchange(Setup(SandboxParams(market=market)), rules(), Truth())


def test_quotes_stay_as_they_were_and_history_has_no_bars() -> None:
    exchange = an_exchange()
    last = {s: exchange.depth(Micros(at("11:00") - 1), s) for s in (CALL, Symbol("NIFTY"))}
    for symbol, line in last.items():
        assert exchange.depth(at("11:20"), symbol) == line
        bars = exchange.history(at("11:44:59"), symbol, DAY, DAY)
        assert bars[-1].minute == at("10:59")
    assert exchange.depth(at("11:46"), CALL) != last[CALL]
    assert exchange.history(at("11:46"), CALL, DAY, DAY)[-1].minute >= at("11:45")


def test_no_price_of_a_halt_is_reported() -> None:
    exchange = an_exchange()
    exchange.watch([CALL, Symbol("NIFTY")])
    assert exchange.advance(Micros(at("11:00") - 1))
    assert exchange.advance(Micros(at("11:45") - 1)) == ()
    assert {out.at for out in exchange.advance(at("11:45"))} == {at("11:45")}


@pytest.mark.parametrize("is_near", [True, False])
def test_stop_rests_through_a_halt_and_works_after_it(*, is_near: bool) -> None:
    exchange = an_exchange()
    bid = exchange.quote(at("10:50"), CALL).bid
    exchange.place(at("10:50"), an_order(price=bid))
    exchange.advance(at("10:51"))
    trigger = Paise(exchange.quote(at("10:59:30"), CALL).ltp + (5 if is_near else 20_000))
    limit = Paise(trigger + 2_000)
    stop = an_order(action=BUY, kind=PriceKind.SL, trigger=trigger, price=limit)
    deferred = exchange.place(at("10:59:50"), stop)
    exchange.advance(Micros(at("11:00") - 1))
    answer = deferred.result()
    assert isinstance(answer, Done)
    before = exchange.order(answer.orderid)
    exchange.advance(Micros(at("11:45") - 1))
    assert exchange.order(answer.orderid) == before
    change = ModifyIn(orderid=answer.orderid, quantity=stop.quantity, price=Paise(limit + 5))
    assert exchange.modify(at("11:45"), change).ready_at > at("11:45")


def test_trading_resumes_after_a_halt() -> None:
    truth = Truth()
    market = MarketParams(regime="halt")
    exchange = Exchange(Setup(SandboxParams(market=market)), rules(), truth)
    assert exchange.place(at("11:44:59"), an_order()).result() == HALTED
    bid = exchange.quote(at("11:45"), CALL).bid
    exchange.place(at("11:45"), an_order(price=Paise(bid - 500)))
    exchange.advance(at("11:46"))
    assert [row.at >= at("11:45") for row in truth.rows if isinstance(row.payload, Traded)] == [
        True
    ]
