"""What a running OpenAlgo refused, asked of our whole exchange: same status, same words.

The captured contract does not exist on the day we play (its Tuesday is a holiday, so it expires on
the Monday before), and MARKET orders are another rule: both are renamed on the way in and out.
"""

import json
from typing import Any

import pytest

from domain.session import instant
from domain.units import Micros, seconds
from sandbox.api.desk import Desk
from sandbox.api.front import Api
from sandbox.exchange import Exchange, Setup
from sandbox.params import SandboxParams
from sandbox.truth import Truth
from tests.sandbox.api.asking import JSON, PEER
from tests.sandbox.captured import Entry, entries, said
from tests.sandbox.pit import DAY, rules
from tests.sandbox.stage import KEY

NEEDED = pytest.mark.needs_shared("fixtures/openalgo/rest_errors.json")
MORNING = instant(DAY, "10:00")
SQUARED_OFF = instant(DAY, "15:30")

AT_ONCE = (
    *("placeorder_unknown_symbol", "placeorder_quantity_not_multiple_of_lot"),
    *("placeorder_quantity_absurd", "placeorder_sl_without_trigger", "placeorder_sl_without_price"),
    *("placeorder_limit_without_price", "placeorder_cnc_on_nfo", "modifyorder_unknown_order"),
    *("cancelorder_unknown_order", "orderstatus_unknown_order"),
)
ENDED = (
    *("cancelorder_twice", "modifyorder_cancelled_order"),
    *("modifyorder_quantity_not_multiple_of_lot",),
)
AFTER_SQUARE_OFF = ("placeorder_mis_after_square_off", "placeorder_mis_limit_after_square_off")


def an_api(at: Micros) -> tuple[Api, Exchange]:
    exchange = Exchange(Setup(SandboxParams()), rules(), Truth())
    exchange.advance(at)
    return Api(Desk(exchange, KEY)), exchange


def renamed(value: Any) -> Any:
    return json.loads(json.dumps(value).replace("NIFTY24NOV26", "NIFTY23NOV26"))


def asked(entry: Entry, **changes: Any) -> tuple[str, dict[str, Any]]:
    body = renamed(entry["request"]["body"]) | changes
    if body.get("pricetype") == "MARKET":
        body |= {"pricetype": "LIMIT", "price": 150}
    return entry["request"]["path"], body


def answer(
    api: Api, exchange: Exchange, at: Micros, path: str, body: dict[str, Any]
) -> tuple[int, str, Any]:
    call = api.call(at, "POST", path, json.dumps(body).encode(), JSON, PEER)
    exchange.advance(call.ready_at)
    given = call.answer()
    return given.status, given.content_type, json.loads(given.body)


@NEEDED
@pytest.mark.parametrize("name", AT_ONCE)
def test_refusal_has_the_captured_words(name: str) -> None:
    entry = entries("rest_errors")[name]
    api, exchange = an_api(MORNING)
    assert answer(api, exchange, MORNING, *asked(entry)) == renamed_said(entry)


@NEEDED
@pytest.mark.parametrize("name", AFTER_SQUARE_OFF)
def test_intraday_orders_end_at_the_square_off_of_our_broker(name: str) -> None:
    entry = entries("rest_errors")[name]
    api, exchange = an_api(SQUARED_OFF)
    mine = answer(api, exchange, SQUARED_OFF, *asked(entry))
    status, content_type, body = renamed_said(entry)
    body["message"] = body["message"].replace("15:15", "15:25")
    assert mine == (status, content_type, body)


@NEEDED
@pytest.mark.parametrize(
    "name",
    [
        "cancelorder_twice",
        "modifyorder_cancelled_order",
        "modifyorder_quantity_not_multiple_of_lot",
    ],
)
def test_ended_order_cannot_be_touched(name: str) -> None:
    entry = entries("rest_errors")[name]
    api, exchange = an_api(MORNING)
    limit = {
        "apikey": KEY,
        "strategy": "cap",
        "symbol": "NIFTY23NOV2626000CE",
        "exchange": "NFO",
        "action": "BUY",
        "quantity": 65,
        "pricetype": "LIMIT",
        "product": "MIS",
        "price": 20,
    }
    _, _, placed = answer(api, exchange, MORNING, "/api/v1/placeorder", limit)
    orderid = placed["orderid"]
    later = Micros(MORNING + seconds(10))
    if name != "modifyorder_quantity_not_multiple_of_lot":
        cancel = {"apikey": KEY, "strategy": "cap", "orderid": orderid}
        assert answer(api, exchange, later, "/api/v1/cancelorder", cancel)[0] == 200
    last = Micros(later + seconds(10))
    mine = answer(api, exchange, last, *asked(entry, orderid=orderid))
    assert mine == renamed_said(entry)


def renamed_said(entry: Entry) -> tuple[int, str, Any]:
    status, content_type, body = said(entry)
    return status, content_type, renamed(body)
