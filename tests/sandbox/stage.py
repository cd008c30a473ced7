"""An exchange with levers: what the wire asks it for is what a test put there.

It matches nothing and moves nothing, so the wire can be shown any state in one line.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from domain.books import Action
from domain.session import instant
from domain.units import Day, Micros, Paise, Symbol, Units
from sandbox.api.desk import Desk
from sandbox.api.front import Api
from sandbox.exchange import Deferred, Exchange
from sandbox.kinds import (
    NFO,
    NSE_INDEX,
    STRAIGHT,
    Answer,
    BarLine,
    DepthLine,
    Done,
    FundsLine,
    HolidayLine,
    InstrumentLine,
    Level,
    MarginLine,
    ModifyIn,
    OrderIn,
    OrderLine,
    Origin,
    Out,
    PositionLine,
    PriceKind,
    PriceOut,
    QuoteLine,
    Status,
    TimingLine,
    TradeLine,
    Twist,
)
from sandbox.truth import Payload

DAY = Day("2026-11-20")
KEY = "TEST-API-KEY"
CALL = Symbol("NIFTY24NOV2626000CE")
PUT = Symbol("NIFTY24NOV2626000PE")
INDEX = Symbol("NIFTY")
AT = instant(DAY, "10:00")


def an_option(strike: int = 26_000, side: str = "CE", expiry: str = "2026-11-24") -> InstrumentLine:
    date, month, year = expiry[8:], {"11": "NOV", "12": "DEC"}[expiry[5:7]], expiry[2:4]
    return InstrumentLine(
        symbol=Symbol(f"NIFTY{date}{month}{year}{strike}{side}"),
        exchange=NFO,
        name="NIFTY",
        kind=side,
        expiry=Day(expiry),
        strike=Paise(strike * 100),
        lot=Units(65),
        tick=Paise(5),
        freeze=Units(1800),
        token=1047,
    )


def an_index() -> InstrumentLine:
    return InstrumentLine(
        symbol=INDEX,
        exchange=NSE_INDEX,
        name="NIFTY",
        kind="INDEX",
        expiry=None,
        strike=Paise(0),
        lot=Units(1),
        tick=Paise(5),
        freeze=Units(1),
        token=1001,
    )


def a_quote(ltp: int = 15_595, **changes: Any) -> QuoteLine:
    quote = QuoteLine(
        ltp=Paise(ltp),
        bid=Paise(ltp - 5),
        ask=Paise(ltp + 5),
        bid_quantity=Units(650),
        ask_quantity=Units(715),
        open=Paise(15_585),
        high=Paise(15_751),
        low=Paise(15_429),
        prev_close=Paise(15_850),
        volume=Units(2_222_285),
        oi=Units(650_000),
    )
    return msgspec.structs.replace(quote, **changes)


def an_index_quote(ltp: int = 2_599_545) -> QuoteLine:
    nothing = dict.fromkeys(("bid", "ask", "bid_quantity", "ask_quantity", "volume", "oi"), 0)
    return a_quote(ltp, **nothing)


def an_order(**changes: Any) -> OrderLine:
    order = OrderLine(
        orderid="26112066700552",
        symbol=CALL,
        exchange=NFO,
        action=Action.BUY,
        quantity=Units(65),
        price=Paise(16_300),
        trigger=Paise(16_000),
        kind=PriceKind.SL,
        product="MIS",
        strategy="cap",
        origin=Origin.AGENT,
        status=Status.TRIGGER_PENDING,
        placed_at=AT,
    )
    return msgspec.structs.replace(order, **changes)


def a_filled_sell(**changes: Any) -> OrderLine:
    filled = an_order(
        orderid="26112046176923",
        action=Action.SELL,
        price=Paise(14_990),
        trigger=Paise(0),
        kind=PriceKind.LIMIT,
        status=Status.COMPLETE,
        filled=Units(65),
        value=65 * 14_995,
    )
    return msgspec.structs.replace(filled, **changes)


def a_trade(**changes: Any) -> TradeLine:
    trade = TradeLine(
        at=AT,
        tradeid="T1",
        orderid="26112046176923",
        symbol=CALL,
        exchange=NFO,
        action=Action.SELL,
        product="MIS",
        quantity=Units(65),
        price=Paise(14_995),
        strategy="cap",
        origin=Origin.AGENT,
    )
    return msgspec.structs.replace(trade, **changes)


def a_short(**changes: Any) -> PositionLine:
    short = PositionLine(
        symbol=CALL,
        exchange=NFO,
        product="MIS",
        net=-65,
        average=Paise(14_995),
        ltp=Paise(15_000),
        unrealised=-325,
        realised=0,
    )
    return msgspec.structs.replace(short, **changes)


def some_funds(**changes: Any) -> FundsLine:
    line = FundsLine(
        capital=1_000_000_000,
        available=1_000_000_000,
        reserved=0,
        used=0,
        realised=0,
        unrealised=0,
        charges=0,
    )
    return msgspec.structs.replace(line, **changes)


def a_bar(wall: str, close: int = 15_585, **changes: Any) -> BarLine:
    bar = BarLine(
        minute=instant(DAY, wall),
        open=Paise(close),
        high=Paise(close + 10),
        low=Paise(close - 10),
        close=Paise(close),
        volume=Units(650),
        oi=Units(650_000),
    )
    return msgspec.structs.replace(bar, **changes)


def a_price(**changes: Any) -> PriceOut:
    price = PriceOut(
        at=AT,
        symbol=CALL,
        exchange=NFO,
        ltp=Paise(13_800),
        ltt=Micros(AT - 1_000_000),
        volume=Units(2_230_020),
        last_quantity=Units(65),
        open=Paise(15_585),
        high=Paise(15_741),
        low=Paise(13_662),
        prev_close=Paise(15_850),
        oi=Units(650_000),
        bid=Paise(13_795),
        ask=Paise(13_805),
        shape=0,
        lot=65,
        tick=Paise(5),
    )
    return msgspec.structs.replace(price, **changes)


class StagedExchange(Exchange):
    """Answers from its public fields; writes are answered, in order, from `replies`."""

    def __init__(self, *lines: InstrumentLine) -> None:
        self.day = DAY
        self.now = AT
        self.lines = lines or (an_index(), an_option(), an_option(side="PE"))
        self.quotes: dict[str, QuoteLine] = {INDEX: an_index_quote()}
        self.bars: tuple[BarLine, ...] = ()
        self.book: list[OrderLine] = []
        self.done: list[TradeLine] = []
        self.held: list[PositionLine] = []
        self.account = some_funds()
        self.replies: list[tuple[int, Answer]] = []
        self.taken: list[OrderIn | ModifyIn | str] = []
        self.arrivals: list[tuple[str, str, str]] = []
        self.faults_met: list[tuple[str, str, str]] = []
        self.hours: tuple[TimingLine, ...] = ()
        self.closed_days: tuple[HolidayLine, ...] = ()
        self.outs: list[Out] = []
        self.watched: set[Symbol] = set()
        self.left_at: Micros | None = None
        self.has_funds = True
        self.is_live = False
        self.quirks: frozenset[str] = frozenset()
        self.stamp_form = 0
        self.capital = 1_000_000_000
        self.skews: dict[str, Micros] = {}
        self.by_hand: list[tuple[str, str, int]] = []
        self.noted: list[Payload] = []
        self.twists: list[Twist] = []
        self._waiting: list[tuple[Micros, Deferred, Answer]] = []

    def advance(self, at: Micros) -> tuple[Out, ...]:
        self.now = max(at, self.now)
        for ready_at, deferred, answer in self._waiting:
            if ready_at <= at:
                deferred.settle(answer)
        outs, self.outs = tuple(self.outs), []
        return outs

    def watch(self, symbols: Iterable[Symbol]) -> None:
        self.watched = set(symbols)

    def place(self, at: Micros, order: OrderIn, twist: Twist = STRAIGHT) -> Deferred:
        return self._take(at, order, twist)

    def modify(self, at: Micros, change: ModifyIn, twist: Twist = STRAIGHT) -> Deferred:
        return self._take(at, change, twist)

    def cancel(self, at: Micros, orderid: str, twist: Twist = STRAIGHT) -> Deferred:
        return self._take(at, orderid, twist)

    def _take(self, at: Micros, write: OrderIn | ModifyIn | str, twist: Twist) -> Deferred:
        self.taken.append(write)
        self.twists.append(twist)
        delay, answer = self.replies.pop(0) if self.replies else (0, Done(orderid="26112155486483"))
        ready_at = Micros(at + delay)
        if not delay:
            return Deferred(ready_at, answer)
        deferred = Deferred(ready_at)
        self._waiting.append((ready_at, deferred, answer))
        return deferred

    def arrived(self, at: Micros, route: str, digest: str, answer: str, peer: str = "") -> None:
        self.arrivals.append((route, answer, peer))

    def met(self, at: Micros, fault_id: str, verb: str, place: str) -> None:
        self.faults_met.append((fault_id, verb, place))

    def note(self, at: Micros, payload: Payload) -> None:
        self.noted.append(payload)

    def human(self, at: Micros, symbol: Symbol, action: Action, lots: int) -> bool:
        self.by_hand.append((symbol, action, lots))
        return True

    def leave(self, at: Micros) -> None:
        self.left_at = at

    def instrument(self, symbol: str, exchange: str) -> InstrumentLine | None:
        return next((x for x in self.lines if (x.symbol, x.exchange) == (symbol, exchange)), None)

    def instruments(self) -> tuple[InstrumentLine, ...]:
        return self.lines

    def expiries(self, name: str, exchange: str, kind: str) -> tuple[Day, ...]:
        kinds = {"options": {"CE", "PE"}, "futures": {"FUT"}}[kind]
        found = (x for x in self.lines if (x.name, x.exchange) == (name, exchange))
        return tuple(sorted({x.expiry for x in found if x.kind in kinds and x.expiry}))

    def quote(self, at: Micros, symbol: Symbol) -> QuoteLine:
        return self.quotes.get(symbol, a_quote())

    def depth(self, at: Micros, symbol: Symbol) -> DepthLine:
        quote = self.quote(at, symbol)
        bids = tuple(Level(Paise(quote.bid - 5 * n), Units(65 * n + 65), 1) for n in range(5))
        asks = tuple(Level(Paise(quote.ask + 5 * n), Units(65 * n + 65), 1) for n in range(5))
        asks = asks if quote.ask else ()
        return DepthLine(quote=quote, last_quantity=Units(65), bids=bids, asks=asks)

    def history(
        self, at: Micros, symbol: Symbol, from_day: Day, to_day: Day
    ) -> tuple[BarLine, ...]:
        return self.bars if from_day <= DAY <= to_day else ()

    def order(self, orderid: str) -> OrderLine | None:
        return next((o for o in self.book if o.orderid == orderid), None)

    def orders(self) -> tuple[OrderLine, ...]:
        return tuple(self.book)

    def trades(self) -> tuple[TradeLine, ...]:
        return tuple(self.done)

    def positions(self, at: Micros) -> tuple[PositionLine, ...]:
        return tuple(self.held)

    def funds(self, at: Micros) -> FundsLine:
        return self.account

    def margin(self, at: Micros, order: OrderIn) -> MarginLine:
        return MarginLine(total=18_122_000, span=14_742_000, exposure=3_380_000)

    def timings(self, day: Day) -> tuple[TimingLine, ...]:
        return self.hours

    def holidays(self, year: int) -> tuple[HolidayLine, ...]:
        return self.closed_days


def a_desk(exchange: Exchange | None = None, *, is_live: bool = False) -> Desk:
    return Desk(exchange or StagedExchange(), KEY, is_live)


def an_api(exchange: Exchange | None = None, *, is_live: bool = False) -> Api:
    return Api(a_desk(exchange, is_live=is_live))
