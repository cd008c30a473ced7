"""The broker's square-off: orders first, positions after, and the race that follows."""

from domain.books import Action
from domain.units import Micros
from sandbox.kinds import Origin, PriceKind
from sandbox.truth import Traded
from tests.sandbox.pit import CALL, PUT, Pit, at, settings

BUY = Action.BUY


def a_short(pit: Pit, symbol=CALL, **changes) -> str:  # type: ignore[no-untyped-def]  # builder
    pit.show([(15_000, 650)], [(15_050, 650)], printed=(15_000, 65), symbol=symbol)
    return pit.orderid(symbol=symbol, **changes)


def square_off(pit: Pit) -> None:
    pit.now = at("15:25")
    pit.writes.square_off(Micros(pit.now))


def test_stop_is_gone_before_the_exit_is_sent() -> None:
    pit = Pit()
    a_short(pit)
    a_short(pit, symbol=PUT)
    stop = pit.orderid(action=BUY, kind=PriceKind.SL, trigger=16_000, price=16_300)
    square_off(pit)
    assert pit.state(stop) == ("cancelled", 0)
    assert pit.account.book.net(CALL, "MIS") == -65
    pit.sleep(0)
    assert (pit.account.book.net(CALL, "MIS"), pit.account.book.net(PUT, "MIS")) == (0, -65)
    pit.sleep(9)
    assert pit.account.book.net(PUT, "MIS") == -65
    pit.sleep(1)
    assert pit.account.book.net(PUT, "MIS") == 0


def test_closing_orders_are_the_brokers_protected_and_cost_a_fee() -> None:
    """50.00 + 18 % GST on top of the charges of the trade."""
    pit = Pit()
    a_short(pit)
    before = pit.account.book.charges
    square_off(pit)
    pit.sleep(0)
    *_, order = pit.account.book.orders.values()
    assert (order.origin, order.strategy) == (Origin.RMS, "AUTO_SQUARE_OFF")
    assert order.price == 15_750
    trade = pit.rows(Traded)[-1]
    assert isinstance(trade, Traded)
    assert trade.origin is Origin.RMS
    assert trade.charges == pit.account.book.charges - before
    assert 5_900 < trade.charges < 5_900 + 3_000


def test_long_is_sold_and_overnight_positions_stay() -> None:
    pit = Pit()
    pit.show([(15_000, 650)], [(15_050, 650)], printed=(15_000, 65))
    pit.orderid(action=BUY, price=15_050)
    a_short(pit, symbol=PUT, product="NRML")
    square_off(pit)
    pit.sleep(20)
    assert pit.account.book.net(CALL, "MIS") == 0
    assert pit.account.book.net(PUT, "NRML") == -65


def test_position_closed_meanwhile_is_not_closed_twice() -> None:
    pit = Pit()
    a_short(pit, symbol=PUT)
    a_short(pit)
    square_off(pit)
    pit.sleep(0)
    pit.show([(15_000, 650)], [(15_050, 650)])
    pit.orderid(action=BUY, price=15_050)
    pit.sleep(20)
    assert pit.account.book.net(CALL, "MIS") == 0


def test_rest_of_a_closing_order_stays_in_the_book_when_nobody_sells() -> None:
    pit = Pit(settings(rms_spread_s=0))
    a_short(pit)
    pit.show([(15_000, 650)], [])
    square_off(pit)
    pit.sleep(0)
    *_, order = pit.account.book.orders.values()
    assert (order.status, order.pending) == ("open", 65)


def test_close_ends_every_order_of_the_day() -> None:
    pit = Pit()
    order = pit.orderid(product="NRML")
    pit.writes.close(at("15:40"))
    assert pit.state(order) == ("cancelled", 0)
    assert pit.order(order).reason == "Day order expired at the close"
