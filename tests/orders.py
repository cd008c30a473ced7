"""Builders for the order path: books as a broker would show them, answers, and a desk to play with.

The day is the one of tests/trading.py; `t(5)` is five seconds after 10:00. Prices are paise.
"""

from collections.abc import Iterable
from typing import Any

from domain import events as ev
from domain.books import (
    Action,
    Books,
    OrderPush,
    OrderRow,
    PositionRow,
    PriceType,
    Status,
    TradeRow,
    UnreadRow,
)
from domain.calls import Outcome, PlaceOrder, Quotes, Ready, Write, WriteReply
from domain.contracts import Side
from domain.desk import Desk
from domain.desk_entries import Entry
from domain.desk_params import DeskParams
from domain.ledger import Ledger
from domain.market import Quote
from domain.orders import EntryKey, Order, Purpose, StopPlan, Ticket
from domain.params import (
    DayParams,
    EntryParams,
    ExitParams,
    GateParams,
    GuardParams,
    LimitParams,
    OrderParams,
    ProtectParams,
    ReconcileParams,
    RecoverParams,
    StopParams,
)
from domain.reconcile import digest
from domain.session import DayPlan
from domain.units import SECOND, Micros, Paise, Symbol, Units
from tests.trading import PLAN, TAG, a_chain, a_contract, a_key, a_ticket, at

CE = a_contract().symbol
PE = a_contract(side=Side.PE).symbol
T0 = at("10:00")
STOP = StopPlan(trigger=Paise(14_100), limit=Paise(15_230))
PLANNED = ev.DayPlanned(at=at("09:16"), plan=PLAN, chain=a_chain())
PARAMS = DeskParams(
    entry=EntryParams(),
    limits=LimitParams(),
    day=DayParams(),
    orders=OrderParams(),
    reconcile=ReconcileParams(),
    gate=GateParams(),
    guard=GuardParams(),
    protect=ProtectParams(),
    exit=ExitParams(),
    recover=RecoverParams(),
    stop=StopParams(limit_offset_bps=800),
    max_lots=10,
)


def t(seconds: float) -> Micros:
    """The instant so many seconds after 10:00."""
    return Micros(T0 + round(seconds * SECOND))


def a_buy(
    units: int = 650,
    *,
    trigger: int = 14_100,
    price: int = 15_230,
    symbol: Symbol = CE,
) -> Ticket:
    return Ticket(
        symbol=symbol,
        exchange="NFO",
        action=Action.BUY,
        quantity=Units(units),
        pricetype=PriceType.SL if trigger else PriceType.LIMIT,
        price=Paise(price),
        trigger=Paise(trigger),
        strategy=TAG,
    )


def a_row(
    ticket: Ticket, orderid: str = "A1", status: Status | None = None, **more: Any
) -> OrderRow:
    resting = Status.TRIGGER_PENDING if ticket.trigger else Status.OPEN
    values: dict[str, Any] = {
        "orderid": orderid,
        "symbol": ticket.symbol,
        "exchange": ticket.exchange,
        "action": ticket.action,
        "quantity": ticket.quantity,
        "price": ticket.price,
        "trigger": ticket.trigger,
        "pricetype": ticket.pricetype.value,
        "product": ticket.product,
        "status": status or resting,
    }
    return OrderRow(**values | more)


def a_trade(
    ticket: Ticket, units: int, price: int, orderid: str = "A1", tradeid: str = ""
) -> TradeRow:
    return TradeRow(
        orderid=orderid,
        tradeid=tradeid,
        symbol=ticket.symbol,
        action=ticket.action,
        product=ticket.product,
        quantity=Units(units),
        price=Paise(price),
    )


def positions_of(trades: Iterable[TradeRow]) -> tuple[PositionRow, ...]:
    """The positions these trades make."""
    net: dict[Symbol, int] = {}
    for trade in trades:
        net[trade.symbol] = net.get(trade.symbol, 0) + trade.action.sign * trade.quantity
    return tuple(a_position(symbol, units) for symbol, units in net.items())


def a_position(symbol: Symbol = CE, net: int = 0, product: str = "MIS") -> PositionRow:
    return PositionRow(symbol=symbol, exchange="NFO", product=product, net=Units(net))


def an_unread(orderid: str, symbol: str = "") -> UnreadRow:
    return UnreadRow(orderid=orderid, symbol=Symbol(symbol), reason="quantity is no number")


def some_books(
    orders: Iterable[OrderRow] = (),
    trades: Iterable[TradeRow] = (),
    *,
    asked: Micros = T0,
    got: Micros | None = None,
    mode: str = "analyze",
    positions: Iterable[PositionRow] | None = None,
    unread: Iterable[UnreadRow] = (),
) -> Books:
    """A snapshot; its positions follow from its trades unless given."""
    done = tuple(trades)
    return Books(
        asked_at=asked,
        got_at=asked if got is None else got,
        mode=mode,
        orders=tuple(orders),
        trades=done,
        positions=positions_of(done) if positions is None else tuple(positions),
        unread=tuple(unread),
    )


def a_reply(
    outcome: Outcome = Outcome.DONE,
    orderid: str = "",
    *,
    ref: str = "",
    when: Micros = T0,
    **more: Any,
) -> WriteReply:
    known: dict[str, Any] = {"route": "placeorder", "status": 200, "mode": "analyze"}
    return WriteReply(ref=ref, outcome=outcome, at=when, orderid=orderid, **known | more)


def a_ready(when: Micros = T0, **changes: Any) -> Ready:
    values: dict[str, Any] = {
        "broker": "sutradhar_sandbox",
        "mode": "analyze",
        "skew": Micros(0),
        "available": Paise(1_000_000_000),
        "semi_auto": False,
        "nfo_open": True,
        "at": when,
    }
    return Ready(**values | changes)


def a_quote(ltp: int, ask: int = 0, *, symbol: Symbol = CE, when: Micros = T0) -> Quote:
    price = Paise(ltp)
    return Quote(
        symbol=symbol,
        exchange="NFO",
        ltp=price,
        bid=Paise(0),
        ask=Paise(ask),
        open=price,
        high=price,
        low=price,
        prev_close=price,
        volume=Units(0),
        oi=Units(0),
        asked_at=when,
        got_at=when,
    )


def an_entry_wish(
    key: EntryKey | None = None,
    units: int = 650,
    *,
    when: Micros = T0,
    trigger: int = 12_995,
    price: int = 12_695,
    stop: StopPlan = STOP,
    last: int = 13_100,
) -> Entry:
    named = key or a_key()
    return Entry(
        at=when,
        key=named,
        side=Side(named.slot),
        ticket=a_ticket(named.symbol, units, trigger=trigger, price=price),
        stop=stop,
        last=Paise(last),
        reason="best",
    )


def planned(intent: str = "i1", at: Micros = T0, **changes: Any) -> ev.IntentPlanned:
    """An entry's intent unless told otherwise."""
    values: dict[str, Any] = {
        "at": at,
        "intent": intent,
        "purpose": Purpose.ENTRY,
        "leg": intent,
        "ticket": a_ticket(trigger=12_995, price=12_695),
        "baseline": (),
        "fingerprint": 0,
        "reason": "best",
        "key": a_key(),
        "side": Side.CE,
        "stop": STOP,
    }
    return ev.IntentPlanned(**values | changes)


class Bench:
    """A desk, what it wrote down, and hands to play broker with.

    Every method ends as OrderActor ends a message: settle, commit, then send. `writes` collects
    what was sent; `take` returns and forgets it.
    """

    def __init__(
        self,
        *,
        events: Iterable[ev.Event] = (PLANNED,),
        boot: int = 1,
        params: DeskParams = PARAMS,
        plan: DayPlan = PLAN,
    ) -> None:
        self.events = list(events)
        self.writes: list[Write] = []
        self.now = T0
        self.desk = Desk(Ledger().fold(self.events), plan, f"{plan.day}-{boot}", params)
        self.desk.begin(T0)

    @property
    def ledger(self) -> Ledger:
        return self.desk.ledger

    def order(self, number: int = -1) -> Order:
        """The order planned as so-many-th today; the last one by default."""
        return tuple(self.ledger.orders.values())[number]

    def settle(self, seconds: float) -> "Bench":
        """Let a second pass, or a message end."""
        self.now = max(self.now, t(seconds))
        self.desk.settle(self.now)
        events, writes = self.desk.blotter.drain()
        self.events += events
        self.writes += writes
        return self

    def active(self, seconds: float = 0) -> "Bench":
        """Recover on empty books and let everybody say that entries may go."""
        self.desk.preflight(a_ready(), t(seconds))
        self.desk.strategy_ready()
        self.desk.trusted(entries=True, reason="")
        return self.read(seconds)

    def read(
        self,
        seconds: float,
        orders: Iterable[OrderRow] = (),
        trades: Iterable[TradeRow] = (),
        *,
        asked: float | None = None,
    ) -> "Bench":
        """Hand in a snapshot that was found valid."""
        begun = t(seconds if asked is None else asked)
        self.now = t(seconds)
        books = some_books(orders, trades, asked=begun, got=self.now)
        self.desk.judged(books, digest(books), self.now, None)
        return self.settle(seconds)

    def wish(self, seconds: float, wanted: Entry | None = None) -> "Bench":
        """Command an entry."""
        entry = wanted or an_entry_wish(when=t(seconds))
        self.desk.wish(entry, t(seconds), None)
        return self.settle(seconds)

    def reply(
        self, seconds: float, outcome: Outcome = Outcome.DONE, orderid: str = "", **more: Any
    ) -> "Bench":
        """Answer the oldest write."""
        write = self.writes.pop(0)
        op = type(write).__name__.removesuffix("Order").lower()
        reply = a_reply(outcome, orderid, ref=write.ref, when=t(seconds), **more)
        self.desk.replied(write.ref, op, reply, t(seconds))
        return self.settle(seconds)

    def quote(self, seconds: float, ltp: int, ask: int = 0) -> "Bench":
        """Hand in a quote of the call."""
        quotes = (a_quote(ltp, ask, when=t(seconds)),)
        self.desk.quoted(Quotes(quotes=quotes, missing=()))
        return self.settle(seconds)

    def push(self, seconds: float, orderid: str, status: Status, reason: str = "") -> "Bench":
        """Hand in an order update."""
        self.desk.pushed(
            OrderPush(
                orderid=orderid,
                symbol=CE,
                status=status,
                filled=Units(0),
                reason=reason,
                mode="analyze",
                got_at=t(seconds),
            )
        )
        return self.settle(seconds)

    def take(self) -> list[Write]:
        """Return what was sent since the last take, and forget it."""
        taken, self.writes = self.writes, []
        return taken

    def placed(self) -> list[Ticket]:
        """The tickets of the orders placed since the last take."""
        return [write.ticket for write in self.writes if isinstance(write, PlaceOrder)]

    def restart(self, seconds: float, boot: int = 2) -> "Bench":
        """The process was killed and a new one folds what it committed."""
        again = Bench(events=self.events, boot=boot)
        again.now = t(seconds)
        return again


ENTRY = a_ticket(trigger=12_995, price=12_695)
"""What `an_entry_wish` sends: 650 units of the call."""


def a_resting_entry() -> Bench:
    """An entry of 650 that rests as A1 since 10:00:01."""
    bench = Bench().active(0).wish(0).reply(0.5, orderid="A1")
    return bench.read(1, [a_row(ENTRY)])


def sold(units: int = 650, price: int = 12_990) -> TradeRow:
    """A trade of that entry."""
    return a_trade(ENTRY, units, price)


def an_open_short() -> Bench:
    """That entry filled at 10:00:10; its stop rests as S1 since 10:00:11."""
    bench = a_resting_entry().read(10, [a_row(ENTRY, status=Status.COMPLETE)], [sold()])
    bench.reply(10.5, orderid="S1")
    return bench.read(11, rows_of_short(), [sold()])


def rows_of_short(stop: Status = Status.TRIGGER_PENDING) -> list[OrderRow]:
    """The order book of that short."""
    return [a_row(ENTRY, status=Status.COMPLETE), a_row(a_buy(), "S1", stop)]
