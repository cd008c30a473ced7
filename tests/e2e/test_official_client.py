"""The official `openalgo` client, unchanged, against a served exchange: all that issue 2 lists."""

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import websocket

from tests.e2e.paper import Paper, paper
from tests.waiting import until

openalgo = pytest.importorskip("openalgo", reason="the official client is not installed")

pytestmark = [
    pytest.mark.e2e,
    # The client uses what newer pandas deprecates, and leaves sockets to the garbage collector.
    pytest.mark.filterwarnings("ignore:The inplace keyword"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

KEY = "sandbox"
PATIENCE_S = 15.0
DAY = "2026-11-19"
INDEX = {"symbol": "NIFTY", "exchange": "NSE_INDEX"}


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Paper]:
    with paper(tmp_path_factory.mktemp("paper"), speed=20) as running:
        yield running


@pytest.fixture
def client(exchange: Paper) -> Any:
    return openalgo.api(api_key=KEY, host=exchange.url, ws_url=exchange.ws_url)


@pytest.fixture
def near(client: Any) -> str:
    """The nearest expiry as requests write it."""
    days = succeeded(client.expiry(symbol="NIFTY", exchange="NFO", instrumenttype="options"))
    return str(days["data"][0]).replace("-", "")


@pytest.fixture
def atm(client: Any, near: str) -> str:
    found = client.optionsymbol(
        underlying="NIFTY",
        exchange="NSE_INDEX",
        expiry_date=near,
        offset="ATM",
        option_type="CE",
    )
    return str(succeeded(found)["symbol"])


def succeeded(answer: dict[str, Any]) -> dict[str, Any]:
    assert answer["status"] == "success", answer
    return answer


def place(client: Any, symbol: str, action: str, price: float, **more: Any) -> str:
    answer = client.placeorder(
        strategy="e2e",
        symbol=symbol,
        action=action,
        exchange="NFO",
        price_type=more.pop("price_type", "LIMIT"),
        product="MIS",
        quantity=65,
        price=price,
        **more,
    )
    return str(succeeded(answer)["orderid"])


def status_of(client: Any, orderid: str) -> dict[str, Any]:
    answer = client.orderstatus(order_id=orderid, strategy="e2e")
    row: dict[str, Any] = succeeded(answer)["data"]
    return row


def test_limit_order_is_placed_modified_and_cancelled(client: Any, atm: str) -> None:
    orderid = place(client, atm, "SELL", 390.0)
    row = status_of(client, orderid)
    assert (row["order_status"], row["price_type"], row["price"]) == ("open", "LIMIT", 390.0)
    changed = client.modifyorder(
        order_id=orderid,
        strategy="e2e",
        symbol=atm,
        action="SELL",
        exchange="NFO",
        price_type="LIMIT",
        product="MIS",
        quantity=130,
        price=395.5,
        disclosed_quantity="0",
        trigger_price="0",
    )
    assert succeeded(changed)["orderid"] == orderid
    row = status_of(client, orderid)
    assert (row["quantity"], row["price"]) == (130, 395.5)
    assert succeeded(client.cancelorder(order_id=orderid, strategy="e2e"))["orderid"] == orderid
    assert status_of(client, orderid)["order_status"] == "cancelled"
    again = client.cancelorder(order_id=orderid, strategy="e2e")
    assert (again["status"], again["code"]) == ("error", 400)
    assert "Cannot cancel order in cancelled status" in again["message"]


def test_fill_shows_in_every_book(client: Any, atm: str) -> None:
    bid = succeeded(client.quotes(symbol=atm, exchange="NFO"))["data"]["bid"]
    orderid = place(client, atm, "SELL", round(bid * 0.9))
    until(lambda: status_of(client, orderid)["order_status"] == "complete", PATIENCE_S)
    book = succeeded(client.orderbook())["data"]
    (row,) = [row for row in book["orders"] if row["orderid"] == orderid]
    assert (row["filled_quantity"], row["pending_quantity"]) == (65, 0)
    assert book["statistics"]["total_completed_orders"] >= 1
    trades = [t for t in succeeded(client.tradebook())["data"] if t["orderid"] == orderid]
    assert sum(trade["quantity"] for trade in trades) == 65
    (held,) = [p for p in succeeded(client.positionbook())["data"] if p["symbol"] == atm]
    assert held["quantity"] <= -65
    opened = client.openposition(strategy="e2e", symbol=atm, exchange="NFO", product="MIS")
    assert succeeded(opened)["quantity"] == held["quantity"]
    funds = succeeded(client.funds())["data"]
    assert funds["utiliseddebits"] > 100_000
    assert succeeded(client.holdings())["data"]["holdings"] == []
    stop = place(
        client, atm, "BUY", round(bid) + 60, price_type="SL", trigger_price=round(bid) + 50
    )
    assert status_of(client, stop)["order_status"] == "trigger pending"
    succeeded(client.cancelorder(order_id=stop, strategy="e2e"))


def test_refusals_reach_the_caller_as_http_errors(client: Any, atm: str) -> None:
    wrong = client.placeorder(
        strategy="e2e",
        symbol=atm,
        action="SELL",
        exchange="NFO",
        price_type="LIMIT",
        product="MIS",
        quantity=70,
        price=300,
    )
    assert (wrong["status"], wrong["code"]) == ("error", 400)
    assert "Quantity must be in multiples of lot size 65" in wrong["message"]
    foreign = openalgo.api(api_key="wrong", host=client.base_url.removesuffix("/api/v1/"))
    assert foreign.funds()["code"] == 403
    assert client.telegram(username="nobody", message="hello")["status"] == "error", "404 is fine"


def test_prices_by_rest(client: Any, atm: str) -> None:
    index = succeeded(client.quotes(**INDEX))["data"]
    assert 20_000 < index["ltp"] < 32_000
    pairs = [INDEX, {"symbol": atm, "exchange": "NFO"}, {"symbol": "NOPE", "exchange": "NFO"}]
    results = succeeded(client.multiquotes(symbols=pairs))["results"]
    assert ["error" in result for result in results] == [True, False, False]
    depth = succeeded(client.depth(symbol=atm, exchange="NFO"))["data"]
    assert (len(depth["bids"]), len(depth["asks"])) == (5, 5)
    bars = client.history(symbol=atm, exchange="NFO", interval="1m", start_date=DAY, end_date=DAY)
    assert list(bars.columns) == ["open", "high", "low", "close", "volume", "oi"]
    assert bars.index[0].isoformat() == f"{DAY}T09:15:00+05:30"
    assert len(bars) >= 15
    empty = client.history(
        symbol=atm, exchange="NFO", interval="D", start_date="2026-11-10", end_date="2026-11-11"
    )
    assert empty["error_type"] == "no_data"
    assert "1m" in succeeded(client.intervals())["data"]["minutes"]


def test_reference_data(client: Any, near: str, atm: str) -> None:
    row = succeeded(client.symbol(symbol=atm, exchange="NFO"))["data"]
    assert (row["lotsize"], row["tick_size"], row["freeze_qty"]) == (65, 0.05, 1800)
    found = succeeded(client.search(query=f"NIFTY {near} CE", exchange="NFO"))["data"]
    assert atm in {row["symbol"] for row in found}
    chain = succeeded(
        client.optionchain(
            underlying="NIFTY", exchange="NSE_INDEX", expiry_date=near, strike_count=2
        )
    )
    assert [row["ce"]["label"] for row in chain["chain"]] == ["ITM2", "ITM1", "ATM", "OTM1", "OTM2"]
    leg = {
        "symbol": atm,
        "exchange": "NFO",
        "action": "SELL",
        "product": "MIS",
        "pricetype": "LIMIT",
        "quantity": "65",
        "price": "150",
    }
    margin = succeeded(client.margin(positions=[leg]))["data"]
    parts = margin["span_margin"] + margin["exposure_margin"]
    assert margin["total_margin_required"] == pytest.approx(parts)
    hours = {row["exchange"]: row for row in succeeded(client.timings(date=DAY))["data"]}
    assert hours["NFO"]["end_time"] - hours["NFO"]["start_time"] == (6 * 60 + 25) * 60_000
    holidays = {row["date"] for row in succeeded(client.holidays(year=2026))["data"]}
    assert date(2026, 11, 24).isoformat() in holidays
    assert succeeded(client.analyzerstatus())["data"]["mode"] == "analyze"


def test_ping_names_the_paper_exchange(exchange: Paper, client: Any) -> None:
    # The client of this version has no ping of its own; its plumbing sends one all the same.
    pong = succeeded(client._make_request("ping", {"apikey": KEY}))
    assert pong["data"] == {"message": "pong", "broker": "sutradhar_sandbox"}


def test_stream_in_all_three_modes(client: Any, atm: str) -> None:
    seen: dict[int, list[dict[str, Any]]] = {1: [], 2: [], 3: []}
    option = [{"exchange": "NFO", "symbol": atm}]
    assert client.connect()
    try:
        assert client.subscribe_ltp([INDEX], on_data_received=seen[1].append)
        assert client.subscribe_quote(option, on_data_received=seen[2].append)
        until(lambda: seen[1] and seen[2], PATIENCE_S)
        assert client.subscribe_depth(option, on_data_received=seen[3].append)
        until(lambda: seen[3], PATIENCE_S)
        assert client.get_ltp()["ltp"]["NSE_INDEX"]["NIFTY"]["ltp"] > 0
        assert client.get_quotes()["quote"]["NFO"][atm]["volume"] > 0
        book = client.get_depth()["depth"]["NFO"][atm]
        assert book["buyBook"]["1"]["price"] < book["sellBook"]["1"]["price"]
        for unsubscribe in (client.unsubscribe_depth, client.unsubscribe_quote):
            assert unsubscribe(option)
        assert client.unsubscribe_ltp([INDEX])
    finally:
        client.disconnect()


def test_order_updates_on_the_raw_stream(exchange: Paper, client: Any, atm: str) -> None:
    with closing(websocket.create_connection(exchange.ws_url, timeout=PATIENCE_S)) as raw:

        def say(**said: Any) -> dict[str, Any]:
            raw.send(json.dumps(said))
            return heard()

        def heard() -> dict[str, Any]:
            frame: dict[str, Any] = json.loads(raw.recv())
            return frame

        assert say(action="authenticate", api_key=KEY)["status"] == "success"
        assert say(action="subscribe_orders")["status"] == "success"
        orderid = place(client, atm, "SELL", 390.0)
        update = heard()
        assert (update["type"], update["orderid"]) == ("order_update", orderid)
        assert (update["order_status"], update["pending_quantity"]) == ("open", 0)
        succeeded(client.cancelorder(order_id=orderid, strategy="e2e"))
        assert heard()["order_status"] == "cancelled"


def test_exchange_leaves_when_asked_and_keeps_its_truth(tmp_path: Path) -> None:
    with paper(tmp_path, state_dir=tmp_path / "state") as running:
        client = openalgo.api(api_key=KEY, host=running.url)
        place(client, "NIFTY23NOV2626000CE", "SELL", 390.0)
        assert running.end() == 0
    with paper(tmp_path, state_dir=tmp_path / "state") as running:
        client = openalgo.api(api_key=KEY, host=running.url)
        (row,) = succeeded(client.orderbook())["data"]["orders"]
        assert (row["order_status"], row["price"]) == ("open", 390.0)
