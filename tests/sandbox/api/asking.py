"""How a test asks the REST side a question and reads the answer."""

import json
from typing import Any

from domain.units import Micros
from sandbox.api.front import Api
from tests.sandbox.stage import AT, CALL, KEY, StagedExchange, an_api

JSON = "application/json"
PEER = "127.0.0.1"
ORDER = {
    "strategy": "cap",
    "symbol": CALL,
    "exchange": "NFO",
    "action": "SELL",
    "quantity": 65,
    "pricetype": "LIMIT",
    "product": "MIS",
    "price": 150,
}
ABSENT = object()

Said = tuple[int, dict[str, Any]]


def order(**changes: Any) -> dict[str, Any]:
    """Return the body of a new order; a field given as ABSENT is left out."""
    return {name: value for name, value in (ORDER | changes).items() if value is not ABSENT}


def raw(
    api: Api,
    path: str,
    body: bytes,
    *,
    method: str = "POST",
    content_type: str = JSON,
    at: Micros = AT,
    peer: str = PEER,
) -> Said:
    call = api.call(at, method, path, body, content_type, peer)
    answer = call.answer()
    assert answer.content_type == JSON
    return answer.status, json.loads(answer.body.decode("ascii"))


def post(route: str, api: Api | None = None, at: Micros = AT, /, **fields: Any) -> Said:
    """Ask a route with the right key; `apikey=ABSENT` leaves it out."""
    body = {"apikey": KEY, **fields}
    sent = {name: value for name, value in body.items() if value is not ABSENT}
    return raw(api or an_api(), f"/api/v1/{route}", json.dumps(sent).encode(), at=at)


def asked_of(exchange: StagedExchange, route: str, /, **fields: Any) -> Said:
    return post(route, an_api(exchange), **fields)


def error(text: object, **more: object) -> dict[str, object]:
    return {"status": "error", "message": text, **more}
