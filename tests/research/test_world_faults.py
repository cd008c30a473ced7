"""Faults of orders, books, account and market in virtual time, as the agent's client meets them."""

import json
from typing import Any

import pytest

from actors.pump import Pump
from broker.asks import Fault, HttpAnswer, HttpAsk
from config import pack
from domain import clock
from domain.pulse import PulsePlan
from domain.session import instant, show
from domain.units import SECOND, Day, Symbol
from research.world import World
from sandbox.exchange import Exchange, Setup
from sandbox.faults import read
from sandbox.kinds import Origin
from sandbox.params import SandboxParams
from sandbox.truth import Outage, Traded, Truth
from tests.sandbox.faults.scripts import a_fault

DAY = Day("2026-11-19")
CALL = Symbol("NIFTY23NOV2626000CE")
ORDER: dict[str, Any] = {
    "strategy": "t", "symbol": CALL, "exchange": "NFO", "action": "SELL", "quantity": 65,
    "pricetype": "LIMIT", "product": "MIS", "price": 100,
}  # fmt: skip


class Stand:
    """A world without a cast: calls that are made by hand."""

    def __init__(self, *faults: Any) -> None:
        self.truth = Truth()
        exchange = Exchange(Setup(SandboxParams()), pack.load(), self.truth)
        self.world = World(exchange, "sandbox", instant(DAY, "09:20"), Pump(), PulsePlan(1500))
        self.world.suffer(read({"version": 1, "random_seed": 3, "faults": list(faults)}, DAY))
        self.answers: list[HttpAnswer] = []

    def ask(self, wall: str, route: str, **fields: Any) -> None:
        ask = HttpAsk(route=route, body=json.dumps(fields).encode(), retry=False)
        self.world.timeline.later(
            instant(DAY, wall), lambda: self.world._carry(ask, self.answers.append)
        )

    def run(self, until: str) -> None:
        self.world.run(lambda: False, instant(DAY, until))

    def outages(self) -> list[tuple[str, bool, str]]:
        return [
            (f"{show(row.at)}.{row.at % SECOND // 1000:03d}", row.payload.on, row.payload.what)
            for row in self.truth.rows
            if isinstance(row.payload, Outage)
        ]


@pytest.fixture(autouse=True)
def own_clock() -> Any:
    yield
    clock.use(clock.WallClock())


@pytest.mark.parametrize(
    ("how", "fault", "status"),
    [
        ("timeout", Fault.TIMEOUT, None),
        ("reset", Fault.RESET, None),
        ("http_500", None, 500),
        ("html_502", None, 502),
        ("http_400", None, 400),
    ],
)
def test_order_is_placed_and_its_caller_never_learns_it(
    how: str, fault: Fault | None, status: int | None
) -> None:
    stand = Stand(a_fault("rest:placeorder", "drop_after_accept", {"how": how}))
    stand.ask("09:21", "placeorder", **ORDER)
    stand.run("09:25")
    (answer,) = stand.answers
    assert (answer.fault, answer.status) == (fault, status)
    assert len(stand.world.exchange.orders()) == 1


def test_outages_begin_and_end_at_their_very_instants() -> None:
    stand = Stand(
        a_fault("account", "revoke_session", None, when={"between": ["09:21:00", "09:21:07"]}),
        a_fault("rest:placeorder", "status", None, id="g", when={"at": "09:22", "for_s": 3.25}),
    )
    stand.ask("09:21:06", "orderbook")
    stand.ask("09:21:08", "orderbook")
    stand.run("09:23")
    assert stand.outages() == [
        ("09:21:00.000", True, "calls"),
        ("09:21:07.000", False, "calls"),
        ("09:22:00.000", True, "placeorder"),
        ("09:22:03.250", False, "placeorder"),
    ]
    assert [answer.status for answer in stand.answers] == [403, 200]


def test_owner_trades_at_once_after_the_agents_fill() -> None:
    fault = a_fault("account", "human_trade", None, when={"after": "fill", "nth": [1]})
    stand = Stand(fault)
    stand.ask("09:21", "placeorder", **ORDER)
    stand.run("09:22")
    traded = [row for row in stand.truth.rows if isinstance(row.payload, Traded)]
    origins = [row.payload.origin for row in traded if isinstance(row.payload, Traded)]
    assert origins == [Origin.AGENT, Origin.HUMAN]
    assert traded[1].at - traded[0].at <= 500_000


def test_day_with_such_faults_is_the_same_twice() -> None:
    def rows() -> Any:
        stand = Stand(
            a_fault("rest:placeorder", "partial_then_reject", None, when={"probability": 0.5}),
            a_fault("account", "human_trade", None, id="b", when={"after": "fill"}),
            a_fault("market", "gap", None, id="c", when={"at": "09:22"}),
            a_fault("book:orders", "missing_ids", None, id="d"),
        )
        for n in range(10):
            stand.ask(f"09:21:{n + 10}", "placeorder", **(ORDER | {"quantity": 195}))
            stand.ask(f"09:22:{n + 10}", "orderbook")
        stand.run("09:24")
        return stand.truth.rows, [answer.body for answer in stand.answers]

    assert rows() == rows()
