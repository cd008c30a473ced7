"""The paper exchange as a process: when it leaves, and what a kill takes with it."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.e2e.paper import LEAVES_WITHIN_S, Paper, paper
from tests.waiting import until

pytestmark = pytest.mark.e2e

KEY = "sandbox"
ORDER = {
    "apikey": KEY,
    "strategy": "e2e",
    "symbol": "NIFTY23NOV2626000CE",
    "exchange": "NFO",
    "action": "SELL",
    "quantity": 65,
    "pricetype": "LIMIT",
    "product": "MIS",
    "price": 390,
}


def post(running: Paper, route: str, body: dict[str, Any]) -> dict[str, Any]:
    with requests.Session() as session:
        session.trust_env = False
        answer = session.post(f"{running.url}/api/v1/{route}", json=body, timeout=10)
    said: dict[str, Any] = answer.json()
    return said


def test_exchange_leaves_with_its_parent_if_told_so(tmp_path: Path) -> None:
    with paper(tmp_path, dies_with_parent=True) as running:
        assert running.process.stdin is not None
        running.process.stdin.close()
        assert running.process.wait(LEAVES_WITHIN_S) == 0


def test_exchange_outlives_its_parent_otherwise(tmp_path: Path) -> None:
    with paper(tmp_path) as running:
        assert running.process.stdin is not None
        running.process.stdin.close()
        for _ in range(3):
            assert post(running, "ping", {"apikey": KEY})["status"] == "success"
        with pytest.raises(subprocess.TimeoutExpired):
            running.process.wait(0.5)


def test_resting_order_survives_a_kill(tmp_path: Path) -> None:
    state = {"state_dir": tmp_path / "state", "speed": 60}
    with paper(tmp_path, **state) as running:
        orderid = post(running, "placeorder", ORDER)["orderid"]
        running.process.kill()
        running.process.wait(LEAVES_WITHIN_S)
    with paper(tmp_path, **state) as running:
        (row,) = post(running, "orderbook", {"apikey": KEY})["data"]["orders"]
        assert (row["orderid"], row["order_status"]) == (orderid, "open")
        assert running.ready["anchor"]["v0"] > 0
        assert running.end() == 0


def test_day_that_ended_ends_the_exchange(tmp_path: Path) -> None:
    with paper(tmp_path, begin="15:39:50", speed=120, ends_with_day=True) as running:
        assert until(lambda: running.process.poll() is not None, 20)
        assert running.process.returncode == 0


def test_exchange_that_cannot_start_says_why(tmp_path: Path) -> None:
    with paper(tmp_path) as first:
        taken = first.ready["port"]
        said = f"REST port {taken} on 127.0.0.1"
        with pytest.raises(AssertionError, match=said), paper(tmp_path, port=taken):
            pass
