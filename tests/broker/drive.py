"""A shell for scripts without sockets: answers come from a table of routes."""

import json
from collections.abc import Mapping
from typing import Any, TypeVar

from broker.asks import HttpAnswer, HttpAsk
from broker.scripts import Script
from tests.broker.build import an_answer

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
