"""A shell for scripts without sockets: answers come from a table of routes."""

import json
from collections.abc import Mapping
from typing import Any, TypeVar

from broker import scripts
from broker.asks import HttpAnswer, HttpAsk
from broker.scripts import Script
from domain.calls import Read
from tests.broker.build import a_position_row, a_trade_row, an_answer, an_order_row

Reply = TypeVar("Reply")


class Server:
    """Answers a route with what the table holds: a body, an answer, or a list of them in turn."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        self.table = dict(table)
        self.asks: list[HttpAsk] = []

    @property
    def routes(self) -> list[str]:
        return [ask.route for ask in self.asks]

    def body(self, n: int) -> Any:
        """Return what the n-th ask said."""
        return json.loads(self.asks[n].body)

    def answer(self, ask: HttpAsk) -> HttpAnswer:
        self.asks.append(ask)
        found = self.table[ask.route]
        if callable(found):
            found = found(json.loads(ask.body))
        if isinstance(found, list):
            found = found.pop(0) if len(found) > 1 else found[0]
        return found if isinstance(found, HttpAnswer) else an_answer(found)


def drive(script: Script[Reply], server: Server) -> Reply:
    """Run a script to its reply."""
    try:
        ask = next(script)
        while True:
            ask = script.send(server.answer(ask))
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]  # StopIteration is not generic


def read(call: Read, **table: object) -> object:
    return drive(scripts.read(call), Server({k.replace("__", "/"): v for k, v in table.items()}))


def ok(data: object, **more: object) -> dict[str, object]:
    return {"status": "success", "data": data} | more


def books(mode: dict[str, str] | None = None, **changed: object) -> dict[str, object]:
    said = {"mode": "analyze"} if mode is None else mode
    table: dict[str, object] = {
        "orderbook": ok({"orders": [an_order_row()]}, **said),
        "tradebook": ok([a_trade_row()], **said),
        "positionbook": ok([a_position_row()], **said),
    }
    return table | changed
