"""A REST side with faults, in front of a staged exchange or a real one."""

import json
from typing import Any

from domain.units import Micros
from sandbox.api.answers import Answer
from sandbox.api.front import Api
from sandbox.exchange import Exchange, Setup
from sandbox.faults import read
from sandbox.interference import Interference
from sandbox.params import SandboxParams
from sandbox.truth import Payload, Truth
from tests.sandbox.api.asking import JSON, PEER
from tests.sandbox.faults.scripts import a_script
from tests.sandbox.pit import DAY, PROMPT, at, rules
from tests.sandbox.stage import AT, KEY, StagedExchange, an_api

START = at("09:20")


class Counter:
    """A staged exchange behind faults; `ask` answers once the exchange got as far."""

    def __init__(self, *faults: Any) -> None:
        self.exchange = StagedExchange()
        self.api: Api = an_api(self.exchange)
        self.interference = Interference(self.exchange, a_script(*faults))
        self.api.befall = self.interference.befall

    def raw(self, route: str, at: int = AT, **fields: Any) -> tuple[int, Answer]:
        """How many micros after `at` it was ready, and the answer."""
        now = Micros(at)
        self.interference.step(now)
        body = json.dumps({"apikey": KEY, **fields}).encode()
        call = self.api.call(now, "POST", f"/api/v1/{route}", body, JSON, PEER)
        self.exchange.advance(call.ready_at)
        return call.ready_at - at, call.answer()

    def ask(self, route: str, at: int = AT, **fields: Any) -> Any:
        _, answer = self.raw(route, at, **fields)
        return json.loads(answer.body)


class Trading:
    """A real exchange behind faults, at 09:20 of a synthetic day; writes work at once."""

    def __init__(self, *faults: Any, is_live: bool = False, **settings: Any) -> None:
        self.truth = Truth()
        params = SandboxParams(latency=PROMPT, **settings)
        self.exchange = Exchange(Setup(params), rules(), self.truth)
        self.api = an_api(self.exchange, is_live=is_live)
        script = read({"version": 1, "random_seed": 7, "faults": list(faults)}, DAY)
        self.interference = Interference(self.exchange, script)
        self.api.befall = self.interference.befall
        self.go(START)
        found = self.exchange.expiries("NIFTY", "NFO", "options")[0]
        chain = [x for x in self.exchange.instruments() if x.expiry == found and x.kind == "CE"]
        self.call = min(chain, key=lambda x: abs(x.strike - 2_600_000)).symbol

    def go(self, until: int) -> None:
        """Let time pass as the pump does, in steps of half a second."""
        now = self.exchange.now
        while now < until:
            now = Micros(min(until, now + 500_000)) if now > at("09:14") else Micros(until)
            self.interference.saw(self.exchange.advance(now))
            self.interference.step(now)

    def raw(self, route: str, **fields: Any) -> Answer:
        now = self.exchange.now
        body = json.dumps({"apikey": KEY, **fields}).encode()
        call = self.api.call(now, "POST", f"/api/v1/{route}", body, JSON, PEER)
        if call.ready_at > now:
            self.go(call.ready_at)
        else:
            self.interference.saw(self.exchange.advance(now))
        return call.answer()

    def ask(self, route: str, **fields: Any) -> Any:
        return json.loads(self.raw(route, **fields).body)

    def sell(self, lots: int = 1, **changes: Any) -> Any:
        """Sell calls at the bid; the answer."""
        bid = self.exchange.quote(self.exchange.now, self.call).bid / 100
        fields = {
            "strategy": "t", "symbol": self.call, "exchange": "NFO", "action": "SELL",
            "quantity": 65 * lots, "pricetype": "LIMIT", "product": "MIS", "price": bid,
        }  # fmt: skip
        return self.ask("placeorder", **(fields | changes))

    def rest_stop(self, above: float = 30, lots: int = 1) -> str:
        """Place a BUY stop so far above the market; return its id."""
        ask = round(self.exchange.quote(self.exchange.now, self.call).ask / 100 + above, 1)
        more: dict[str, Any] = {"trigger_price": ask, "price": ask + 10, "pricetype": "SL"}
        return str(self.sell(lots, action="BUY", **more)["orderid"])

    def rows(self, kind: type[Payload]) -> list[Any]:
        return [row.payload for row in self.truth.rows if isinstance(row.payload, kind)]
