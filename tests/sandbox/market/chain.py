"""A synthetic day for tests."""

from dataclasses import replace
from typing import Any

from domain.units import Micros, Paise, Symbol, Units
from sandbox.facts import facts
from sandbox.kinds import PriceOut
from sandbox.market import build
from sandbox.market.market import Market
from sandbox.market.recorded import TapeBar
from sandbox.params import MarketParams, SandboxParams
from tests.sandbox.pit import DAY, rules


def a_market(random_seed: int = 1, **changes: Any) -> Market:
    market = replace(MarketParams(), **changes)
    params = SandboxParams(seed=random_seed, market=market)
    return build.synthetic(params, rules(), facts(rules(), params.broker, DAY))


def updates(market: Market, symbol: Symbol, minutes: int) -> list[PriceOut]:
    """Return what a line does in its first minutes."""
    line = market.lines[symbol]
    return [out for minute in range(minutes) for out in line.reach(minute)]


def a_tape_bar(
    minute: Micros, prices: tuple[int, int, int, int], volume: int, oi: int = 0
) -> TapeBar:
    """Return a recorded minute; `prices` are open, high, low, close."""
    opened, high, low, close = map(Paise, prices)
    return TapeBar(
        minute=minute,
        open=opened,
        high=high,
        low=low,
        close=close,
        volume=Units(volume),
        oi=Units(oi),
    )
