"""What the client sends, over a socket, held against the server's schemas."""

import json
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from broker import scripts
from broker.asks import HttpAsk
from broker.http import READS, WRITES, Http, HttpSession
from domain.books import Action, PriceType
from domain.calls import (
    CancelOrder,
    ModifyOrder,
    PlaceOrder,
    Preflight,
    Priority,
    Read,
    ReadBooks,
    ReadChain,
    ReadFunds,
    ReadHistory,
    ReadMargin,
    ReadQuotes,
    ReadServer,
    ReadTimings,
    Write,
)
from domain.orders import Ticket
from domain.params import BrokerParams
from domain.units import Day, Paise, Units
from sandbox.api.fields import Invalid
from sandbox.api.routes import ROUTES
from tests import tapes
from tests.e2e.paper import paper
from tests.tapes import CALL, INDEX, Leg

pytestmark = pytest.mark.e2e

DAY = Day(tapes.DAY)
KEY = "sandbox"


def a_ticket(action: Action, pricetype: PriceType, price: int, trigger: int) -> Ticket:
    return Ticket(
        symbol=CALL,
        exchange="NFO",
        action=action,
        quantity=Units(65),
        pricetype=pricetype,
        price=Paise(price),
        trigger=Paise(trigger),
        strategy="sutradhar",
    )


ENTRY = a_ticket(Action.SELL, PriceType.SL, 1_090, 1_195)
STOP = a_ticket(Action.BUY, PriceType.SL, 2_000, 1_895)
COVER = a_ticket(Action.BUY, PriceType.LIMIT, 1_205, 0)

READ: tuple[Read, ...] = (
    Preflight(day=DAY),
    ReadServer(),
    ReadFunds(),
    ReadTimings(day=DAY),
    ReadBooks(),
    ReadQuotes(symbols=((CALL, "NFO"), (INDEX, "NSE_INDEX"))),
    ReadHistory(symbol=CALL, exchange="NFO", day=DAY),
    ReadChain(underlying=INDEX, exchange="NFO", day=DAY, strikes=(Paise(2_600_000),)),
    ReadMargin(ticket=ENTRY),
)


def some_writes() -> Iterator[Write]:
    for ticket in (ENTRY, STOP, COVER):
        yield PlaceOrder(ref="1", ticket=ticket, priority=Priority.EXIT)
        yield ModifyOrder(ref="1", orderid="26111900000001", ticket=ticket, priority=Priority.EXIT)
    yield CancelOrder(ref="1", orderid="26111900000001", strategy="x", priority=Priority.CANCEL)


def sent(session: HttpSession, script: Any) -> Iterator[tuple[HttpAsk, Any]]:
    """Carry a script out; yield each request with the server's answer."""
    try:
        ask = next(script)
        while True:
            answer = session.post(ask)
            yield ask, answer
            ask = script.send(answer)
    except StopIteration:
        return


@pytest.mark.incident("INC-46")
def test_every_request_matches_the_server_schema(tmp_path: Path) -> None:
    tape = tapes.write(tmp_path / "day.csv", Leg(breaks=None), since="09:40")
    routes: set[str] = set()
    calls: list[Any] = [scripts.read(call) for call in READ]
    calls += [scripts.write(call, "analyze") for call in some_writes()]
    with paper(tmp_path, tape=tape, begin="10:00") as exchange:
        http = Http(exchange.url, KEY, BrokerParams())
        with closing(http.session()) as session:
            for script in calls:
                for ask, answer in sent(session, script):
                    body = json.loads(http.with_key(ask.body), parse_float=Decimal)
                    ROUTES[ask.route].schema.load(body)
                    # The strict half: nothing is sent that the server does not ask for.
                    with pytest.raises(Invalid):
                        ROUTES[ask.route].schema.load({**body, "client_order_id": "1"})
                    assert answer.status in {200, 400, 404}, (ask, answer)
                    assert b"Unknown field" not in answer.body, (ask, answer)
                    assert b"Missing data" not in answer.body, (ask, answer)
                    routes.add(ask.route)
    assert routes == WRITES | READS
