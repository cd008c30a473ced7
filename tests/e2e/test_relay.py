"""A paper exchange on another server's prices; a second paper exchange plays that server."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from sandbox.truth import Arrived, decode
from tests.e2e.paper import Paper, paper
from tests.e2e.sessions import run, summary_of
from tests.sandbox.serving import Client
from tests.waiting import until

pytestmark = pytest.mark.e2e

THEIR_KEY, OUR_KEY, TOKEN = "THEIR-SECRET-KEY", "sandbox", "TOKEN"
CALL = "NIFTY23NOV2626000CE"
SOON_S = 30.0
SHAPE = "sandbox: {{market: {{strikes: {strikes}, expiries: 1}}}}\n"
MUTE = {"id": "mute", "at": "ws:conn", "do": {"silent": {"pong": True}}}


@dataclass(frozen=True)
class Side:
    """One of the two exchanges, as a client sees it."""

    running: Paper
    key: str

    def post(self, route: str, **fields: Any) -> dict[str, Any]:
        return self._send(f"{self.running.url}/api/v1/{route}", {"apikey": self.key, **fields})

    def quote(self) -> dict[str, Any]:
        data: dict[str, Any] = self.post("quotes", symbol=CALL, exchange="NFO")["data"]
        return data

    def control(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return self._send(f"{self.running.ready['control_url']}{path}", body)

    @contextmanager
    def watching(self) -> Iterator[Client]:
        client = Client(self.running.ws_url)
        with closing(client):
            client.say(action="authenticate", api_key=self.key)
            client.subscribe(CALL, mode=3)
            yield client

    def _send(self, url: str, body: dict[str, Any]) -> dict[str, Any]:
        with requests.Session() as session:
            session.trust_env = False
            headers = {"X-Control-Token": TOKEN}
            said: dict[str, Any] = session.post(url, json=body, headers=headers, timeout=20).json()
        return said


def theirs(folder: Path, strikes: int = 3, **options: Any) -> dict[str, Any]:
    """Return the options of the exchange that plays the server, with a chain no wider than that."""
    (folder / "up").mkdir(parents=True, exist_ok=True)
    (folder / "narrow.yaml").write_text(SHAPE.format(strikes=strikes))
    fixed = {"api_key": THEIR_KEY, "control_token": TOKEN, "control_port": 0}
    return {**fixed, "state_dir": folder / "up", "config": folder / "narrow.yaml", **options}


def name(folder: Path, server: Paper) -> None:
    """Let the settings of a folder name a server."""
    lines = [
        f"OPENALGO_PORT={server.ready['port']}",
        f"OPENALGO_WS_URL={server.ws_url}",
        f"OPENALGO_API_KEY={THEIR_KEY}",
    ]
    (folder / ".env").write_text("\n".join(lines))


@contextmanager
def ours(folder: Path, server: Paper) -> Iterator[Side]:
    name(folder, server)
    config = folder / "narrow.yaml"
    with paper(folder, market="openalgo", state_dir=folder / "down", config=config) as running:
        yield Side(running, OUR_KEY)


@contextmanager
def both(folder: Path, **options: Any) -> Iterator[tuple[Side, Side]]:
    with paper(folder, **theirs(folder, speed=20, **options)) as server, ours(folder, server) as us:
        yield Side(server, THEIR_KEY), us


def prices(client: Client, count: int) -> list[tuple[str, ...]]:
    """Return what the next frames say, without what is stamped on arrival."""
    found: list[tuple[str, ...]] = []
    while len(found) < count:
        frame = client.next()
        if frame.get("type") == "market_data":
            data = frame["data"]
            names = ("ltp", "volume", "oi", "open", "high", "low", "close", "depth")
            found.append(tuple(str(data[each]) for each in names))
    return found


def arrived(folder: Path) -> list[Arrived]:
    rows = decode((folder / "truth.jsonl").read_bytes().splitlines(keepends=True))
    return [row.payload for row in rows if isinstance(row.payload, Arrived)]


def test_prices_bars_and_contracts_are_those_of_the_server(tmp_path: Path) -> None:
    with both(tmp_path) as (them, us), them.watching() as one, us.watching() as other:
        seen = prices(other, 12)
        told = prices(one, 40)
        begin = told.index(seen[0])
        assert seen == told[begin : begin + len(seen)]
        day = {"start_date": "2026-11-19", "end_date": "2026-11-19", "interval": "1m"}
        bars = [
            side.post("history", symbol=CALL, exchange="NFO", **day)["data"] for side in (them, us)
        ]
        assert len(bars[0]) >= 15
        assert bars[1][: len(bars[0]) - 1] == bars[0][:-1]
        contract = [side.post("symbol", symbol=CALL, exchange="NFO")["data"] for side in (them, us)]
        fixed = ("symbol", "expiry", "strike", "lotsize", "tick_size", "freeze_qty")
        assert [contract[0][each] for each in fixed] == [contract[1][each] for each in fixed]
        assert us.post("ping")["data"]["broker"] == "sutradhar_sandbox"
        assert us.post("analyzer")["data"]["mode"] == "analyze"


def test_order_fills_at_our_exchange_and_never_reaches_theirs(tmp_path: Path) -> None:
    with both(tmp_path) as (them, us):
        ask = until(lambda: us.quote()["ask"], SOON_S)
        order = {
            "strategy": "e2e", "symbol": CALL, "exchange": "NFO", "action": "BUY", "quantity": 65,
            "pricetype": "LIMIT", "product": "MIS", "price": round(ask * 1.1, 1),
        }  # fmt: skip
        orderid = us.post("placeorder", **order)["orderid"]

        def status() -> str:
            (row,) = us.post("orderbook")["data"]["orders"]
            assert row["orderid"] == orderid
            return str(row["order_status"])

        until(lambda: status() == "complete", SOON_S)
        assert them.post("orderbook")["data"]["orders"] == []
        assert [row.route for row in arrived(tmp_path / "down")] == ["placeorder"]
        assert arrived(tmp_path / "up") == []


def test_silence_of_the_server_is_silence_here_and_ends_with_it(tmp_path: Path) -> None:
    with both(tmp_path) as (them, us), us.watching() as client:
        prices(client, 1)
        them.control("/faults", {"add": [MUTE]})

        def is_silent() -> bool:
            before, frozen = them.quote()["volume"], us.quote()
            until(lambda: them.quote()["volume"] != before, SOON_S)
            return us.quote() == frozen

        until(is_silent, SOON_S)
        client.say(action="ping")
        before = them.quote()["volume"]
        until(lambda: them.quote()["volume"] != before, SOON_S)
        client.socket.send('{"action": "ping"}')
        assert client.next()["type"] == "pong", "a price came from a silent server"
        them.control("/faults", {"clear": True})
        assert prices(client, 3)


def test_server_that_died_is_waited_for(tmp_path: Path) -> None:
    with (
        paper(tmp_path, **theirs(tmp_path, speed=20)) as first,
        ours(tmp_path, first) as us,
        us.watching() as client,
    ):
        prices(client, 1)
        first.process.kill()
        first.process.wait()
        day = {"start_date": "2026-11-19", "end_date": "2026-11-19", "interval": "1m"}
        assert us.post("history", symbol=CALL, exchange="NFO", **day)["status"] == "error"
        ports = {"port": first.ready["port"], "ws_port": first.ready["ws_port"]}
        client.say(action="ping")
        with paper(tmp_path, **theirs(tmp_path, speed=20, **ports)):
            client.socket.settimeout(SOON_S)
            assert prices(client, 3)


def test_exchange_taken_up_again_has_its_orders_and_todays_prices(tmp_path: Path) -> None:
    with paper(tmp_path, **theirs(tmp_path, speed=20)) as server:
        with ours(tmp_path, server) as us:
            order = {
                "strategy": "e2e", "symbol": CALL, "exchange": "NFO", "action": "SELL",
                "quantity": 65, "pricetype": "LIMIT", "product": "MIS",
                "price": round(us.quote()["ltp"] * 1.3, 1),
            }  # fmt: skip
            orderid = us.post("placeorder", **order)["orderid"]
            us.running.process.kill()
            us.running.process.wait()
        with ours(tmp_path, server) as us, us.watching() as client:
            (row,) = us.post("orderbook")["data"]["orders"]
            assert (row["orderid"], row["order_status"]) == (orderid, "open")
            assert prices(client, 1)


@pytest.mark.slow
def test_agent_plays_a_session_on_relayed_prices_and_ends_flat(tmp_path: Path) -> None:
    options = theirs(tmp_path, strikes=26, speed=60, seed=1, begin="09:45", wait=True)
    folder = tmp_path / "agent"
    folder.mkdir()
    with paper(tmp_path, **options) as server:
        name(folder, server)
        with run(
            folder,
            "sandbox",
            market="openalgo",
            until="10:16",
            config=tmp_path / "narrow.yaml",
            state_dir=folder,
            summary=folder / "summary.json",
        ) as agent:
            code = agent.wait()
    said = (folder / "said.txt").read_text()
    assert code == 0, said[-3000:]
    summary = summary_of(folder / "summary.json")
    assert (summary["flat"], summary["invariants_broken"]) == (True, [])
    assert summary["symbols"] == 82
    assert summary["swings"] > 0, "no bars of the relayed prices were believed"
    sent = [row for row in arrived(folder) if row.route == "placeorder"]
    assert len(sent) == summary["orders_sent"]
    assert arrived(tmp_path / "up") == []
    for path in folder.rglob("*"):
        if path.is_file() and path.name != ".env":
            assert THEIR_KEY.encode() not in path.read_bytes(), path
