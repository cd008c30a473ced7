"""A synthetic day for tests."""

from dataclasses import replace

from domain.units import Symbol
from sandbox.facts import facts
from sandbox.kinds import PriceOut
from sandbox.market import build
from sandbox.market.market import Market
from sandbox.params import MarketParams, SandboxParams
from tests.sandbox.pit import DAY, rules


def a_market(random_seed: int = 1, **changes: object) -> Market:
    market = replace(MarketParams(), **changes)  # type: ignore[arg-type]  # by name
    params = SandboxParams(seed=random_seed, market=market)
    return build.synthetic(params, rules(), facts(rules(), params.broker, DAY))


def updates(market: Market, symbol: Symbol, minutes: int) -> list[PriceOut]:
    """Return what a line does in its first minutes."""
    line = market.lines[symbol]
    return [out for minute in range(minutes) for out in line.reach(minute)]
