"""Fault scripts as a test writes them."""

from collections.abc import Mapping
from typing import Any

from sandbox.exchange import Exchange
from sandbox.faults import Script, read
from sandbox.faults.force import Force
from tests.sandbox.stage import DAY, StagedExchange

MARKET = "ws:market_data"
CONN = "ws:conn"


def a_fault(place: str, verb: str, settings: Mapping[str, Any] | None = None, **more: Any) -> Any:
    """One fault; `when` and `id` may be given."""
    return {"id": "f", "at": place, "do": {verb: settings}} | more


def a_script(*faults: Any, random_seed: int = 7) -> Script:
    return read({"version": 1, "random_seed": random_seed, "faults": list(faults)}, DAY)


def a_force(*faults: Any, exchange: Exchange | None = None, random_seed: int = 7) -> Force:
    return Force(exchange or StagedExchange(), a_script(*faults, random_seed=random_seed))
