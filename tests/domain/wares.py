"""Builders of quotes, orders and legs, as far as market data has to do with them."""

from domain.books import Action, PriceType
from domain.contracts import Side
from domain.market import Quote
from domain.orders import Order, Purpose, State, StopPlan, Ticket
from domain.positions import Execution, Leg, Phase
from domain.units import Micros, Paise, Symbol, Units
from tests.domain.tape import CALL, at

STOP = StopPlan(trigger=Paise(14_100), limit=Paise(14_400))


def a_quote(
    wall: str | Micros = "10:00",
    *,
    symbol: Symbol = CALL,
    exchange: str = "NFO",
    ltp: int = 10_000,
    bid: int = 9_995,
    ask: int = 10_005,
    volume: int = 1000,
    oi: int = 0,
    high: int = 10**7,
    low: int = 1,
    prev_close: int = 10_000,
) -> Quote:
    when = at(wall) if isinstance(wall, str) else wall
    return Quote(
        symbol=symbol,
        exchange=exchange,
        ltp=Paise(ltp),
        bid=Paise(bid),
        ask=Paise(ask),
        open=Paise(10_000),
        high=Paise(high),
        low=Paise(low),
        prev_close=Paise(prev_close),
        volume=Units(volume),
        oi=Units(oi),
        asked_at=when,
        got_at=when,
    )


def an_order(
    intent: str = "1",
    *,
    symbol: Symbol = CALL,
    purpose: Purpose = Purpose.ENTRY,
    state: State = State.TRIGGER_PENDING,
) -> Order:
    return Order(
        intent=intent,
        purpose=purpose,
        leg=intent,
        ticket=Ticket(
            symbol=symbol,
            exchange="NFO",
            action=Action.SELL,
            quantity=Units(65),
            pricetype=PriceType.SL,
            price=Paise(12_695),
            trigger=Paise(12_995),
            strategy="sutradhar",
        ),
        baseline=(),
        state=state,
    )


def a_leg(leg: str = "1", *, symbol: Symbol = CALL, phase: Phase = Phase.PROTECT) -> Leg:
    return Leg(
        leg=leg,
        strategy="sutradhar",
        slot="CE",
        symbol=symbol,
        exchange="NFO",
        side=Side.CE,
        opened_at=at("10:00"),
        stop=STOP,
        first_stop=STOP,
        sold=Execution(units=Units(65), value=65 * 12_950),
        phase=phase,
    )
