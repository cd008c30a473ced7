"""The states of the exchange in which the captured answers were given, put on stage."""

from collections.abc import Callable
from typing import Any

import msgspec

from domain.books import Action
from domain.session import instant
from domain.units import Day, Micros, Paise, Symbol
from sandbox.kinds import (
    Answer,
    Done,
    HolidayLine,
    MarginLine,
    No,
    OrderIn,
    OrderLine,
    PriceKind,
    QuoteLine,
    TimingLine,
)
from tests.sandbox.stage import (
    DAY,
    INDEX,
    StagedExchange,
    a_bar,
    a_filled_sell,
    a_short,
    a_trade,
    an_index,
    an_index_quote,
    an_option,
    an_order,
    some_funds,
)

Situation = Callable[[], StagedExchange]

PLACED = instant(Day("2026-11-21"), "14:59:50")
STOPPED = Micros(PLACED + 1_000_000)
LATER = instant(Day("2026-11-21"), "15:00:06")
# A millisecond later, so that this broker writes its quantities as numbers.
LIVE = Micros(instant(Day("2026-11-21"), "15:04:14") + 1000)
SHORT_ID, STOP_ID = "26112146176923", "26112166700552"


def plain() -> StagedExchange:
    return StagedExchange()


def replying(*answers: Answer) -> Situation:
    def build() -> StagedExchange:
        exchange = StagedExchange()
        exchange.replies = [(0, answer) for answer in answers]
        return exchange

    return build


def done(orderid: str) -> Situation:
    return replying(Done(orderid=orderid))


def refusing(text: str, status: int = 400) -> Situation:
    return replying(No(status=status, text=text))


def a_sell(**changes: Any) -> OrderLine:
    sell = a_filled_sell(orderid=SHORT_ID, placed_at=PLACED, price=Paise(15_000))
    return msgspec.structs.replace(sell, kind=PriceKind.MARKET, **changes)


def a_stop(**changes: Any) -> OrderLine:
    return msgspec.structs.replace(an_order(orderid=STOP_ID, placed_at=PLACED), **changes)


def with_orders(*orders: OrderLine) -> Situation:
    def build() -> StagedExchange:
        exchange = StagedExchange()
        exchange.book = list(orders)
        return exchange

    return build


def sold_and_stopped() -> StagedExchange:
    exchange = StagedExchange()
    sold = a_trade(orderid=SHORT_ID, at=PLACED, tradeid="TRADE-20261121-145950-bae1f244")
    bought = a_trade(
        orderid=STOP_ID,
        at=STOPPED,
        tradeid="TRADE-20261121-145951-91d884b7",
        action=Action.BUY,
        price=Paise(16_100),
    )
    exchange.done = [sold, bought]
    return exchange


def sold() -> StagedExchange:
    exchange = sold_and_stopped()
    del exchange.done[1]
    return exchange


def live_sold() -> StagedExchange:
    exchange = StagedExchange()
    order = a_sell(orderid="261121000000001", placed_at=LIVE, value=65 * 15_000)
    exchange.book = [
        order,
        an_order(orderid="261121000000002", placed_at=LIVE),
    ]
    exchange.done = [a_trade(orderid="261121000000001", at=LIVE, price=Paise(15_000))]
    exchange.held = [a_short(average=Paise(15_000), unrealised=0)]
    exchange.account = some_funds(available=100_000_000)
    return exchange


def short() -> StagedExchange:
    exchange = StagedExchange()
    exchange.held = [a_short()]
    exchange.account = some_funds(available=999_025_000, used=975_000, unrealised=-325)
    return exchange


def closed(ltp: int = 16_100, realised: int = -71_825) -> Situation:
    def build() -> StagedExchange:
        exchange = StagedExchange()
        nothing = {"net": 0, "average": Paise(0), "unrealised": 0}
        exchange.held = [a_short(**nothing, ltp=Paise(ltp), realised=realised)]
        exchange.account = some_funds(available=1_000_000_000 + realised, realised=realised)
        return exchange

    return build


class Reckoned(StagedExchange):
    """Asks the margin of the captured broker."""

    def margin(self, at: Micros, order: OrderIn) -> MarginLine:
        return MarginLine(total=9_750_000, span=7_800_000, exposure=1_950_000)


def whole_chain() -> StagedExchange:
    exchange = StagedExchange(
        an_index(),
        *(an_option(k, side) for k in range(25_900, 26_150, 50) for side in ("CE", "PE")),
        *(an_option(26_000, "CE", day) for day in ("2026-12-01", "2026-12-08", "2026-12-22")),
        msgspec.structs.replace(
            an_option(), symbol=Symbol("NIFTY01DEC26FUT"), kind="FUT", expiry=Day("2026-12-01")
        ),
    )
    exchange.quotes[INDEX] = an_index_quote(2_599_550)
    return exchange


def traded() -> StagedExchange:
    exchange = StagedExchange()
    exchange.bars = (a_bar("09:15"), a_bar("09:16"))
    exchange.quotes[INDEX] = index_of_the_capture()
    return exchange


def index_of_the_capture() -> QuoteLine:
    return msgspec.structs.replace(
        an_index_quote(),
        open=Paise(2_599_230),
        high=Paise(2_625_540),
        low=Paise(2_573_238),
        prev_close=Paise(2_600_250),
    )


def one_exchange_open() -> StagedExchange:
    exchange = StagedExchange()
    hours = TimingLine(exchange="MCX", start=Micros(1), end=Micros(2))
    exchange.hours = (hours,)
    exchange.closed_days = (
        HolidayLine(day=DAY, description="Republic Day", closed=("NSE",), sessions=(hours,)),
    )
    return exchange
