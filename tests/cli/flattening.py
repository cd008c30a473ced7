"""What the tests of `flatten` share: an exchange's shorts, an agent that hangs, its folder."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from domain import clock
from domain.units import Symbol
from journal.orders import OrderJournal
from tests.cli.openalgo import it_is
from tests.cli.typing_in import files_of
from tests.e2e.paper import Paper
from tests.shared import ROOT
from tests.waiting import until

KEY, SPEED, SOON_S = "sandbox", 60, 20.0
PROVED, NOT_PROVED, STUCK = 0, 3, 4
CE, PE = Symbol("NIFTY23NOV2626000CE"), Symbol("NIFTY23NOV2626000PE")

HOLDER = """
import os, sys
from pathlib import Path
from cli.session import locked
from domain import clock
from journal.orders import OrderJournal
folder = Path(sys.argv[1])
with locked(folder), OrderJournal(folder / "orders.db", os.getpid(), clock.now()):
    print("held", flush=True)
    sys.stdin.read()
"""


def post(running: Paper, route: str, **body: Any) -> dict[str, Any]:
    with requests.Session() as session:
        session.trust_env = False
        answer = session.post(
            f"{running.url}/api/v1/{route}", json={"apikey": KEY} | body, timeout=10
        )
    said: dict[str, Any] = answer.json()
    return said


def a_short(running: Paper, symbol: str) -> None:
    """Sell a lot, by hand as it were, and rest a stop for it."""
    order = {
        "strategy": "me",
        "symbol": symbol,
        "exchange": "NFO",
        "quantity": 65,
        "product": "MIS",
    }
    last = post(running, "quotes", symbol=symbol, exchange="NFO")["data"]["ltp"]
    low, trigger, high = round(last * 0.8), round(last * 1.5), round(last * 1.6)
    sold = post(running, "placeorder", **order, action="SELL", pricetype="LIMIT", price=low)
    assert sold["status"] == "success", sold
    until(lambda: symbol in {row["symbol"] for row in trades(running)}, SOON_S)
    stop = {"action": "BUY", "pricetype": "SL", "price": high, "trigger_price": trigger}
    assert post(running, "placeorder", **order, **stop)["status"] == "success"


def trades(running: Paper) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = post(running, "tradebook")["data"]
    return found


@contextmanager
def an_agent_that_hangs(folder: Path, script: str = HOLDER) -> Iterator["subprocess.Popen[str]"]:
    """A process that holds the folder and its journal, and does nothing."""
    with subprocess.Popen(
        [sys.executable, "-c", script, str(folder), str(clock.now())],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def a_folder(within: Path) -> Path:
    """Make the state directory of an agent that ran today, at ten o'clock."""
    state = within / "state"
    state.mkdir()
    it_is("10:00")
    with OrderJournal(state / "orders.db", 1, clock.now()):
        pass
    return state


def kept(folder: Path) -> dict[str, bytes]:
    """What is there, without the files that SQLite makes to read."""
    beside = {"orders.db-wal", "orders.db-shm"}
    return {name: content for name, content in files_of(folder).items() if name not in beside}
