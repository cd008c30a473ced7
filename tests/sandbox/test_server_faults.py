"""The fault script over real sockets: what a client of the served exchange sees of each verb."""

import json
import socket
from typing import Any

import pytest
import requests
from websocket import WebSocketTimeoutException

from domain.units import SECOND, Micros, Paise
from sandbox.kinds import Change, OrderOut
from tests.sandbox.api.asking import order
from tests.sandbox.faults.scripts import CONN, MARKET, a_fault, a_script
from tests.sandbox.serving import PATIENCE_S, Client, Open, opened
from tests.sandbox.stage import AT, CALL, PUT, StagedExchange, a_price, a_quote, an_order
from tests.waiting import until

OF_CALL: dict[str, Any] = {"symbol": CALL, "exchange": "NFO"}
A_MOMENT_S = 0.3


def shown(exchange: StagedExchange, *outs: Any) -> None:
    """Let the exchange put something out and wait until it was taken."""
    exchange.outs += outs
    until(lambda: not exchange.outs, PATIENCE_S)


def is_quiet(client: Client) -> bool:
    client.socket.settimeout(A_MOMENT_S)
    try:
        client.socket.recv_data(control_frame=True)
    except WebSocketTimeoutException:
        return True
    return False


def ask_for_pongs(client: Client) -> None:
    client.socket.send(json.dumps({"action": "ping"}))
    client.socket.ping("a")


def test_half_open_connection_takes_everything_and_gives_nothing() -> None:
    exchange = StagedExchange()
    with opened(exchange) as served, served.client() as client:
        client.authenticate().subscribe(CALL)
        served.order("/faults", {"add": [a_fault(CONN, "half_open")]})
        until(lambda: exchange.faults_met, PATIENCE_S)
        shown(exchange, a_price())
        ask_for_pongs(client)
        assert is_quiet(client), "no price, no pong, no close"
        served.order("/faults", {"clear": True})
        shown(exchange, a_price())
        ask_for_pongs(client)
        assert is_quiet(client), "it never comes back"
        assert exchange.faults_met == [("f", "half_open", "ws:conn:1")]
        (hung,) = served.house.stream.connections
        assert hung._protocol.ping_timer is None, "the server would give the client up"
    until(lambda: not served.house.stream.connections, PATIENCE_S)


def test_newcomer_in_a_half_open_window_waits_for_its_handshake_in_vain() -> None:
    script = a_script(a_fault(CONN, "half_open", when={"nth": [1]}))
    with opened(faults=script) as served:
        port = int(served.stream.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as raw:
            raw.sendall(
                b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
            )
            raw.settimeout(A_MOMENT_S)
            with pytest.raises(TimeoutError):
                raw.recv(1)
        with served.client() as client:
            client.authenticate()


def test_reset_is_a_reset_on_the_wire() -> None:
    exchange = StagedExchange()
    with opened(exchange) as served, served.client() as client:
        client.authenticate()
        served.order("/faults", {"add": [a_fault(CONN, "reset")]})
        with pytest.raises(ConnectionResetError):
            client._raw.recv(1)
        assert exchange.faults_met == [("f", "reset", "ws:conn:1")]


@pytest.mark.parametrize("code", [1006, 1011, 4401])
def test_loop_of_closes_ends_every_connection_after_its_span(code: int) -> None:
    exchange = StagedExchange()
    loop = a_fault(CONN, "close_loop", {"every_s": 20, "code": code})
    with opened(exchange, faults=a_script(loop), speed=60) as served:
        for _ in range(2):
            with served.client() as client:
                opened_at = exchange.now
                client.authenticate()
                assert client.close_code() == code
                assert exchange.now - opened_at >= 20 * SECOND - SECOND
    assert [place for *_, place in exchange.faults_met] == ["ws:conn:1", "ws:conn:2"]


def priced(exchange: StagedExchange, *ltps: int, **changes: Any) -> None:
    prices = (a_price(at=exchange.now, ltp=Paise(ltp), **changes) for ltp in ltps)
    shown(exchange, *prices)


def served_with(*faults: Any, **more: Any) -> tuple[StagedExchange, Any]:
    exchange = StagedExchange()
    return exchange, opened(exchange, faults=a_script(*faults), **more)


def test_acknowledged_subscription_sends_nothing_until_it_is_made_again() -> None:
    exchange, opening = served_with(a_fault(CONN, "subscribe_ok_no_data", {"symbols": [CALL]}))
    with opening as served, served.client() as client:
        client.authenticate()
        assert client.subscribe(CALL)["subscriptions"][0]["status"] == "success"
        priced(exchange, 15_000)
        served.order("/faults", {"clear": True})
        assert client.subscribe(CALL)["status"] == "success"
        priced(exchange, 15_100)
        assert client.next()["data"]["ltp"] == 151.0


def test_one_symbol_is_mute_and_the_other_is_not() -> None:
    exchange, opening = served_with(a_fault(MARKET, "symbol_mute", {"symbols": ["calls"]}))
    with opening as served, served.client() as client:
        client.authenticate().subscribe(CALL)
        client.subscribe(PUT)
        priced(exchange, 15_000)
        priced(exchange, 15_100, symbol=PUT)
        assert client.next()["symbol"] == PUT


def test_degraded_mode_is_repaired_by_a_new_subscription() -> None:
    exchange, opening = served_with(a_fault(MARKET, "wrong_mode"))
    with opening as served, served.client() as client:
        client.authenticate().subscribe(CALL)
        priced(exchange, 15_000)
        degraded = client.next()
        client.say(action="unsubscribe", symbols=[{"symbol": CALL, "exchange": "NFO", "mode": 2}])
        client.subscribe(CALL)
        priced(exchange, 15_100)
        repaired = client.next()
    assert (degraded["mode"], degraded["data"].get("volume")) == (1, None)
    assert (repaired["mode"], repaired["data"]["volume"]) == (2, 2_230_020)
    assert exchange.faults_met == [("f", "wrong_mode", "ws:market_data:1")]


def test_volume_starts_again_on_the_wire() -> None:
    exchange, opening = served_with(a_fault(MARKET, "volume_reset"))
    with opening as served, served.client() as client:
        client.authenticate().subscribe(CALL)
        priced(exchange, 15_000)
        assert client.next()["data"]["volume"] == 2_230_020 - a_quote().volume


def test_ticks_are_doubled_on_the_wire() -> None:
    exchange, opening = served_with(a_fault(MARKET, "duplicate_ticks", {"copies": 2}))
    with opening as served, served.client() as client:
        client.authenticate().subscribe(CALL)
        priced(exchange, 15_000, 15_100)
        ltps = [client.next()["data"]["ltp"] for _ in range(6)]
    assert ltps == [150.0] * 3 + [151.0] * 3


def test_shuffled_and_delayed_ticks_all_arrive() -> None:
    exchange, opening = served_with(
        a_fault(MARKET, "out_of_order", {"within_s": 20, "across_minutes": True}, id="a"),
        a_fault(MARKET, "delay", {"seconds": 5}, id="b"),
        speed=60,
    )
    with opening as served, served.client() as client:
        client.authenticate().subscribe(CALL)
        made = [Micros(AT + n * 100_000) for n in range(40)]
        shown(exchange, *(a_price(at=at, ltp=Paise(15_000 + at % 997)) for at in made))
        stamps = [client.next()["data"]["timestamp"] * 1000 for _ in made]
    assert stamps != sorted(stamps)
    assert sorted(stamps) == made


def test_burst_after_a_fill_comes_at_once_with_its_old_stamps() -> None:
    exchange, opening = served_with(
        a_fault(CONN, "burst", {"hold_s": 30}, when={"after": "fill"}), speed=60
    )
    with opening as served, served.client() as client:
        client.authenticate().subscribe(CALL)
        client.say(action="subscribe_orders")
        order, at = an_order(), exchange.now
        fill = OrderOut(at=at, change=Change.FILL, order=order, price=order.price)
        later = (a_price(at=Micros(at + n)) for n in (1, 2))
        shown(exchange, fill, *later)
        frames = [client.next() for _ in range(3)]
        assert exchange.now >= at + 30 * SECOND
    assert [frame["type"] for frame in frames] == ["order_update", "market_data", "market_data"]
    assert frames[1]["data"]["timestamp"] == at // 1000


@pytest.mark.parametrize("kind", ["bytes", "text", "shape"])
def test_garbage_reaches_the_client_and_the_stream_goes_on(kind: str) -> None:
    exchange, opening = served_with(a_fault(MARKET, "garbage", {"kind": kind}))
    with opening as served, served.client() as client:
        client.socket.frame_buffer.skip_utf8_validation = True
        client.socket.cont_frame.skip_utf8_validation = True
        client.authenticate().subscribe(CALL)
        priced(exchange, *range(15_000, 15_020))
        frames = [client.socket.recv_data()[1] for _ in range(40)]
    good = [frame for frame in frames if b'"ltt"' in frame]
    assert len(good) == 20
    assert (kind == "bytes") == any(not is_text(frame) for frame in frames)


def is_text(frame: bytes) -> bool:
    try:
        frame.decode()
    except UnicodeDecodeError:
        return False
    return True


def test_oversized_frame_is_delivered_whole() -> None:
    exchange, opening = served_with(a_fault(MARKET, "oversize", {"bytes": 1 << 21}))
    with opening as served, served.client() as client:
        client.authenticate().subscribe(CALL)
        priced(exchange, 15_000)
        large, small = (client.socket.recv() for _ in range(2))
    assert len(large) == 1 << 21
    assert json.loads(large)["data"] == json.loads(small)["data"]


def rest(verb: str, settings: Any = None, route: str = "quotes") -> Any:
    return a_fault(f"rest:{route}", verb, settings)


def answered(served: Open) -> Any:
    return served.post("quotes", **OF_CALL)


def test_answers_are_spoiled_over_the_wire() -> None:
    _, opening = served_with()
    with opening as served:
        whole = answered(served)

        def suffering(verb: str, settings: Any = None) -> Any:
            served.order("/faults", {"clear": True, "add": [rest(verb, settings)]})
            return answered(served)

        full = suffering("status", {"code": 429, "retry_after_s": 3})
        assert (full.status_code, full.headers["retry-after"]) == (429, "3")
        page = suffering("html_502")
        assert (page.status_code, page.headers["content-type"]) == (502, "text/html; charset=utf-8")
        cut = suffering("truncate_json", {"keep_pct": 40})
        assert whole.content.startswith(cut.content)
        assert len(cut.content) == int(cut.headers["content-length"]) < len(whole.content)
        assert suffering("null_data").json() == {"data": None, "status": "success"}
        assert isinstance(suffering("wrong_schema").json()["data"], list)
        assert "retry-after" not in whole.headers


def test_delayed_answer_waits_in_market_time() -> None:
    exchange, opening = served_with(rest("delay", {"seconds": 30}), speed=60)
    with opening as served:
        asked_at = exchange.now
        assert answered(served).status_code == 200
        assert exchange.now - asked_at >= 30 * SECOND


def test_quotes_freeze_while_the_stream_goes_on() -> None:
    exchange, opening = served_with(rest("freeze_quotes", route="*"))
    with opening as served:
        first = answered(served).json()
        exchange.quotes[CALL] = a_quote(20_000)
        assert answered(served).json() == first
        served.order("/faults", {"clear": True})
        assert answered(served).json()["data"]["ltp"] == 200.0
    assert exchange.faults_met == [("f", "freeze_quotes", "rest:quotes")]


def test_fault_of_any_verb_is_added_shown_and_counted_at_run_time() -> None:
    exchange = StagedExchange()
    fault = a_fault("rest:quotes", "yesterdays_quotes", {"coherent": True})
    with opened(exchange) as served:
        (told,) = served.order("/faults", {"add": [fault]}).json()["faults"]
        assert answered(served).json()["data"]["ltp"] == 158.5
        (again,) = served.get("/faults").json()["faults"]
    assert told == {
        "id": "f", "place": "rest:quotes", "verb": "yesterdays_quotes", "met": 0,
        "coherent": True, "symbols": [], "when": told["when"],
    }  # fmt: skip
    assert again == told | {"met": 1}


@pytest.mark.parametrize("verb", ["drop_before_accept", "drop_after_accept"])
def test_lost_answer_is_a_reset_on_the_wire(verb: str) -> None:
    exchange = StagedExchange()
    script = a_script(a_fault("rest:placeorder", verb, {"how": "reset"}, when={"nth": [1]}))
    with opened(exchange, faults=script) as served:
        with pytest.raises(requests.ConnectionError, match="reset"):
            served.post("placeorder", **order())
        assert served.post("placeorder", **order()).status_code == 200
    assert len(exchange.taken) == (1 if verb == "drop_before_accept" else 2)
