"""Builders for everything a strategy sees: a day, its contracts, bars, prices, orders and shorts.

The day is Friday 2026-11-20 with the instants of a normal day; prices are given in paise.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from domain.books import Action, PriceType
from domain.contracts import Chain, Contract, Side
from domain.market import Bar, Forming, Provenance
from domain.orders import EntryKey, Order, Purpose, State, StopPlan, Ticket
from domain.positions import Execution, Leg, Phase
from domain.session import DayPlan, instant
from domain.strategy import (
    EntryView,
    Last,
    Limit,
    Mode,
    PositionView,
    Room,
    StopLimit,
    View,
)
from domain.units import MINUTE, Day, Micros, Paise, Symbol, Units

DAY = Day("2026-11-20")
TAG = "sutradhar"


def at(wall: str) -> Micros:
    return instant(DAY, wall)


OPEN = at("09:15")
PLAN = DayPlan(
    day=DAY,
    open=OPEN,
    close=at("15:40"),
    last_entry=at("15:10"),
    force_close=at("15:15"),
    square_off=at("15:25"),
    quiet=at("15:24:30"),
)


def minute(index: int) -> Micros:
    """The start of the bar with this index, counted from the open."""
    return Micros(OPEN + index * MINUTE)


def a_contract(
    strike: int = 26_000,
    side: Side = Side.CE,
    *,
    lot: int = 65,
    tick: int = 5,
    freeze: int = 1800,
    expiry: str = "2026-11-23",
) -> Contract:
    return Contract(
        symbol=Symbol(f"NIFTY23NOV26{strike}{side.value}"),
        exchange="NFO",
        underlying="NIFTY",
        expiry=Day(expiry),
        strike=Paise(strike * 100),
        side=side,
        lot=Units(lot),
        tick=Paise(tick),
        freeze=Units(freeze),
    )


def a_chain(*contracts: Contract, atm: int = 26_000) -> Chain:
    found = contracts or (a_contract(), a_contract(side=Side.PE))
    return Chain(
        underlying="NIFTY",
        index_exchange="NSE_INDEX",
        expiry=found[0].expiry,
        atm=Paise(atm * 100),
        contracts=found,
    )


def a_bar(
    index: int = 0,
    high: int = 13_000,
    low: int = 12_900,
    close: int | None = None,
    *,
    symbol: Symbol | None = None,
    vwap: int | None = 11_800,
    provenance: Provenance = Provenance.WS,
) -> Bar:
    end = close if close is not None else low
    return Bar(
        symbol=symbol or a_contract().symbol,
        minute=minute(index),
        open=Paise(end),
        high=Paise(high),
        low=Paise(low),
        close=Paise(end),
        volume=Units(65),
        vwap_num=vwap or 0,
        vwap_den=1 if vwap is not None else 0,
        provenance=provenance,
    )


def a_forming(
    index: int = 0,
    last: int = 13_000,
    *,
    low: int | None = None,
    high: int | None = None,
    symbol: Symbol | None = None,
    second: int = 10,
) -> Forming:
    return Forming(
        symbol=symbol or a_contract().symbol,
        minute=minute(index),
        high=Paise(high if high is not None else last),
        low=Paise(low if low is not None else last),
        last=Paise(last),
        at=Micros(minute(index) + second * 1_000_000),
    )


def an_entry(
    symbol: Symbol | None = None,
    index: int = 1,
    *,
    slot: str = "CE",
    units: int = 650,
    filled: int = 0,
    price: StopLimit | Limit | None = None,
    stop: StopPlan | None = None,
    state: State = State.TRIGGER_PENDING,
    touched: bool = False,
    attempt: int = 0,
    ended_at: Micros | None = None,
    reason: str = "",
    ending: bool = False,
) -> EntryView:
    return EntryView(
        slot=slot,
        symbol=symbol or a_contract().symbol,
        minute=minute(index),
        units=Units(units),
        filled=Units(filled),
        price=price or StopLimit(Paise(12_695), Paise(12_395)),
        state=state,
        touched=touched,
        attempt=attempt,
        ended_at=ended_at,
        reason=reason,
        stop=stop or StopPlan(trigger=Paise(13_600), limit=Paise(13_900)),
        ending=ending,
    )


class Prices:
    """What a view answers about last prices: fresh at this price unless told otherwise."""

    def __init__(self, price: int = 13_000, fresh: bool = True) -> None:
        self._default = Last(Paise(price), OPEN, fresh)
        self._known: dict[Symbol, Last | None] = {}

    def set(self, symbol: Symbol, price: int, *, fresh: bool = True) -> None:
        self._known[symbol] = Last(Paise(price), OPEN, fresh)

    def forget(self, symbol: Symbol) -> None:
        self._known[symbol] = None

    def __call__(self, symbol: Symbol) -> Last | None:
        return self._known.get(symbol, self._default)


def a_view(
    when: Micros,
    *,
    last: Prices | None = None,
    entries: Iterable[EntryView] = (),
    ended: Iterable[EntryView] = (),
    positions: Mapping[Symbol, PositionView] | None = None,
    room: Room | None = None,
    mode: Mode = Mode.ACTIVE,
) -> View:
    over = tuple(ended)
    known = {view.slot: view for view in (*over, *entries)}
    return View(
        at=when,
        day=PLAN,
        mode=mode,
        room=room or Room(positions=5, ce=3, pe=3),
        last=last or Prices(),
        bars=lambda _symbol: (),
        positions=positions or {},
        entries=known,
        ended=over,
    )


def a_key(
    symbol: Symbol | None = None, index: int = 1, *, slot: str = "CE", attempt: int = 0
) -> EntryKey:
    return EntryKey(
        strategy=TAG,
        slot=slot,
        symbol=symbol or a_contract().symbol,
        minute=minute(index),
        attempt=attempt,
    )


def a_ticket(
    symbol: Symbol | None = None,
    units: int = 650,
    *,
    trigger: int = 12_695,
    price: int = 12_395,
) -> Ticket:
    return Ticket(
        symbol=symbol or a_contract().symbol,
        exchange="NFO",
        action=Action.SELL,
        quantity=Units(units),
        pricetype=PriceType.SL if trigger else PriceType.LIMIT,
        price=Paise(price),
        trigger=Paise(trigger),
        strategy=TAG,
    )


def an_order(key: EntryKey | None = None, **changes: Any) -> Order:
    """An entry order, resting as a stop unless told otherwise."""
    named = key or a_key()
    values: dict[str, Any] = {
        "intent": f"{DAY}-1-{named.attempt + 1}",
        "purpose": Purpose.ENTRY,
        "leg": f"{DAY}-1-{named.attempt + 1}",
        "ticket": a_ticket(named.symbol),
        "baseline": (),
        "key": named,
        "side": Side(named.slot),
        "stop": StopPlan(trigger=Paise(13_600), limit=Paise(13_900)),
        "state": State.TRIGGER_PENDING,
        "orderid": "26112000000001",
        "changed_at": at("10:00"),
    }
    return Order(**values | changes)


def a_leg(
    symbol: Symbol | None = None,
    *,
    units: int = 650,
    average: int = 12_950,
    stop: int = 14_100,
    bought: tuple[tuple[int, int], ...] = (),
    phase: Phase = Phase.PROTECT,
    leg: str = "2026-11-20-1-1",
    strategy: str = TAG,
    side: Side = Side.CE,
) -> Leg:
    """A short; `bought` holds units and price of each order that bought back."""
    plan = StopPlan(trigger=Paise(stop), limit=Paise(stop + 300))
    return Leg(
        leg=leg,
        strategy=strategy,
        slot=side.value,
        symbol=symbol or a_contract(side=side).symbol,
        exchange="NFO",
        side=side,
        opened_at=at("10:00"),
        stop=plan,
        first_stop=plan,
        sold=Execution(units=Units(units), value=units * average),
        bought=tuple(Execution(units=Units(u), value=u * p) for u, p in bought),
        phase=phase,
    )


def dashed(day: Day) -> str:
    """Write an expiry as `/expiry` and the symbol master do: 24-NOV-26."""
    return date.fromisoformat(day).strftime("%d-%b-%y").upper()
