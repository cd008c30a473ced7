"""The served exchange: real sockets, the market's time, and a clock that waits for its audience."""

import json
import os
import signal
import socket
import sys
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from websocket import WebSocketBadStatusException, WebSocketTimeoutException

from domain import clock
from domain.errors import ConfigError
from domain.session import instant
from domain.units import SECOND, Micros, Paise
from sandbox.faults import read as read_script
from sandbox.kinds import Change, Done, OrderOut, TimingLine
from sandbox.server import Ports, Serving, serve
from sandbox.sockets import bound, port_of
from sandbox.truth import Truth
from tests.sandbox.api.asking import ORDER, error
from tests.sandbox.serving import PATIENCE_S, Client, Open, opened
from tests.sandbox.stage import AT, CALL, DAY, KEY, StagedExchange, a_price, an_order
from tests.waiting import until


def script(verb: str, settings: dict[str, object], **when: object) -> object:
    fault = {"id": "f1", "at": "ws:conn", "when": when, "do": {verb: settings}}
    return read_script({"version": 1, "faults": [fault]}, DAY)


def test_rest_port_answers_routes_and_nothing_else() -> None:
    with opened() as served:
        pong = served.post("ping")
        assert (pong.status_code, pong.json()["data"]["broker"]) == (200, "sutradhar_sandbox")
        assert served.post("ping/").status_code == 200
        for path in ("/api/v1/nosuch", "/api/v1/ping", "/", "/sandbox/"):
            answer = served.session.get(served.rest + path, timeout=PATIENCE_S)
            assert (answer.status_code, answer.json()) == (404, error("Not found", path=path))
        malformed = served.session.post(
            f"{served.rest}/api/v1/ping",
            data="{not json",
            headers={"Content-Type": "application/json"},
            timeout=PATIENCE_S,
        )
        assert (malformed.status_code, list(malformed.json())) == (400, ["message"])


def test_discovery_document_says_how_to_attach() -> None:
    with opened(speed=60) as served:
        document = served.session.get(f"{served.rest}/sandbox", timeout=PATIENCE_S).json()
        assert document == {
            "broker": "sutradhar_sandbox",
            "ws_url": served.stream,
            "control_url": served.control,
            "anchor": json.loads(json.dumps(document["anchor"])),
            "date": DAY,
            "speed": 60,
        }
        anchor = clock.Anchor(**document["anchor"])
        assert (anchor.v0, anchor.speed, anchor.paused, anchor.jumps) == (AT, 60, False, 0)
        assert anchor.at(Micros(anchor.r0 + SECOND)) == AT + 60 * SECOND
    with opened(with_control=False) as served:
        document = served.session.get(f"{served.rest}/sandbox", timeout=PATIENCE_S).json()
        assert document["control_url"] is None


def test_answers_are_dated_in_market_time_and_keep_the_connection() -> None:
    with opened() as served:
        dates = [parsedate_to_datetime(served.post("ping").headers["Date"]) for _ in range(2)]
        assert {clock.micros(date) // (10 * SECOND) for date in dates} == {AT // (10 * SECOND)}
        assert "close" not in served.post("ping").headers.get("Connection", "")


def test_write_is_answered_after_its_latency_in_market_time() -> None:
    exchange = StagedExchange()
    exchange.replies = [(6 * SECOND, Done(orderid="7"))]
    with opened(exchange, speed=60) as served:
        assert served.post("placeorder", **ORDER).json()["orderid"] == "7"
        assert exchange.now >= AT + 6 * SECOND


def test_clock_stands_until_the_first_subscription_and_reads_go_on() -> None:
    exchange = StagedExchange()
    with opened(exchange, speed=60, wait_s=60) as served:
        history = {"interval": "1m", "start_date": DAY, "end_date": DAY}
        for _ in range(3):
            answer = served.post("history", symbol=CALL, exchange="NFO", **history)
            assert answer.status_code == 200
        assert served.house.floor.hands.anchor.paused
        with served.client() as client:
            client.authenticate()
            assert client.subscribe("NOPE")["status"] == "partial"
            assert client.say(action="ping")["server_timestamp"] == AT // 1000
            assert client.subscribe(CALL)["status"] == "success"
            until(lambda: exchange.now > AT + SECOND, PATIENCE_S)
            assert exchange.watched == {CALL}


def test_rate_windows_go_on_while_the_clock_stands() -> None:
    with opened(wait_s=60) as served:
        until(lambda: served.post("ping").status_code == 429, PATIENCE_S)
        until(lambda: served.post("ping").status_code == 200, PATIENCE_S)
        assert served.house.floor.hands.anchor.paused


def test_clock_starts_by_itself_when_nobody_subscribes() -> None:
    exchange = StagedExchange()
    with opened(exchange, speed=120, wait_s=1):
        until(lambda: exchange.now > AT, PATIENCE_S)


def test_prices_and_order_changes_reach_who_holds_them() -> None:
    exchange = StagedExchange()
    with opened(exchange) as served, served.client() as one, served.client() as two:
        one.authenticate().subscribe(CALL, mode=3)
        two.authenticate().say(action="subscribe_orders")
        order = an_order()
        change = OrderOut(at=AT, change=Change.NEW, order=order, price=order.price)
        exchange.outs += [a_price(), a_price(ltp=Paise(13_805)), change]
        assert [one.next()["data"]["ltp"] for _ in range(2)] == [138.0, 138.05]
        assert two.next()["orderid"] == order.orderid
    until(lambda: not served.house.floor.listeners, PATIENCE_S)
    assert exchange.watched == set()


def test_client_that_does_not_read_holds_nobody_up() -> None:
    exchange = StagedExchange()
    with opened(exchange) as served, served.client() as slow, served.client() as quick:
        for client in (slow, quick):
            client.authenticate().subscribe(CALL, mode=3)
        (connection, _) = served.house.stream.connections
        for n in range(40):
            exchange.outs += [a_price(ltp=Paise(5 * (1000 * n + k))) for k in range(1000)]
            until(lambda: not exchange.outs, PATIENCE_S)
            assert quick.next()["type"] == "market_data"
        until(lambda: connection.outbox.conflated, PATIENCE_S)
        assert served.post("ping").status_code == 200
        last = 5 * (40_000 - 1) / 100
        assert quick.next_of(lambda frame: frame["data"]["ltp"] == last)
        assert slow.next_of(lambda frame: frame["data"]["ltp"] == last)


def test_frame_above_a_mebibyte_is_not_taken() -> None:
    with opened() as served, served.client() as client:
        client.socket.send("x" * (1 << 20) + "x")
        # What was not read of it may reset the socket before the close frame arrives.
        assert client.close_code() in {1009, 1006}


def pings(client: Client) -> bool:
    client.socket.ping("a")
    opcode, _ = client.socket.recv_data(control_frame=True)
    return bool(opcode == 0xA)


def test_muted_connection_answers_pings_and_sends_nothing() -> None:
    exchange = StagedExchange()
    with opened(exchange, faults=script("silent", {"pong": True}, nth=[1])) as served:
        with served.client() as mute, served.client() as other:
            for client in (mute, other):
                client.authenticate().subscribe(CALL)
            exchange.outs += [a_price()]
            assert other.next()["type"] == "market_data"
            assert pings(mute), "a pong and no price in front of it"
            assert mute.say(action="ping")["type"] == "pong"
        assert exchange.faults_met == [("f1", "silent", "ws:conn:1")]


def test_deaf_connection_does_not_answer_pings_either() -> None:
    with opened(faults=script("silent", {"pong": False})) as served, served.client() as client:
        client.socket.send(json.dumps({"action": "ping"}))
        client.socket.ping("a")
        client.socket.settimeout(0.3)
        with pytest.raises(WebSocketTimeoutException):
            client.socket.recv_data(control_frame=True)


@pytest.mark.parametrize("code", [1006, 1011, 4401])
def test_connection_is_closed_with_the_code_of_the_script(code: int) -> None:
    with opened(faults=script("close", {"code": code}, nth=[1])) as served:
        with served.client() as client:
            assert client.close_code() == code
        with served.client() as client:
            client.authenticate()


def test_refused_connection_gets_no_handshake() -> None:
    with opened(faults=script("refuse_connect", {}, nth=[1])) as served:
        with pytest.raises(WebSocketBadStatusException, match="403"), served.client():
            pass
        with served.client() as client:
            client.authenticate()


def test_server_leaves_after_the_day_when_nobody_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.server.QUIET_END", Micros(SECOND // 5))
    exchange = StagedExchange()
    close = Micros(AT + 30 * SECOND)
    exchange.hours = (TimingLine(exchange="NFO", start=instant(DAY, "09:15"), end=close),)
    with opened(exchange, speed=120, ends_with_day=True) as served:
        with served.client() as client:
            client.authenticate()
            until(lambda: exchange.now > close + 60 * SECOND, PATIENCE_S)
            assert served.post("ping").status_code == 200
        until(lambda: is_closed(served), PATIENCE_S)


def is_closed(served: Open) -> bool:
    port = int(served.rest.rpartition(":")[2])
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except ConnectionRefusedError:
        return True
    return False


def test_taken_port_is_named_before_anything_starts() -> None:
    taken = bound("127.0.0.1", 0, "REST")
    try:
        port = port_of(taken)
        with pytest.raises(ConfigError, match=f"REST port {port} on 127.0.0.1 cannot be used"):
            bound("127.0.0.1", port, "REST")
    finally:
        taken.close()
    with pytest.raises(ConfigError, match="WebSocket port 80 on no such host"):
        bound("no such host", 80, "WebSocket")


def test_accepted_sockets_send_at_once() -> None:
    with bound("127.0.0.1", 0, "REST") as listener:
        assert listener.proto == socket.IPPROTO_TCP


def test_market_that_breaks_ends_the_server() -> None:
    class Broken(StagedExchange):
        def advance(self, at: Micros) -> tuple[()]:
            if at > AT:
                raise ZeroDivisionError("the market broke")
            return ()

    with pytest.raises(ExceptionGroup) as broke, opened(Broken()) as served:
        until(lambda: is_closed(served), PATIENCE_S)
    assert broke.group_contains(ZeroDivisionError)


def a_serving(**changes: Any) -> tuple[Serving, Ports]:
    given: dict[str, Any] = {"exchange": StagedExchange(), "start_at": AT, **changes}
    serving = Serving(truth=Truth(), api_key=KEY, **given)
    rest, stream = bound("127.0.0.1", 0, "REST"), bound("127.0.0.1", 0, "WebSocket")
    return serving, Ports(rest=rest, stream=stream)


@pytest.fixture
def own_clock() -> Iterator[None]:
    yield
    clock.use(clock.WallClock())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_lets_the_server_leave(number: signal.Signals, own_clock: None) -> None:
    staged = StagedExchange()
    serve(*a_serving(exchange=staged), ready=lambda _: signal.raise_signal(number))
    assert staged.left_at is not None
    assert staged.left_at >= AT


def test_end_of_standard_input_lets_the_server_leave(
    own_clock: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, writing = os.pipe()
    os.write(writing, b"still here")
    with os.fdopen(reading) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        serve(*a_serving(dies_with_parent=True), ready=lambda _: os.close(writing))


def test_client_that_never_authenticates_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.stream.AUTH_GRACE", Micros(SECOND // 10))
    with opened() as served, served.client() as silent, served.client() as known:
        known.authenticate()
        assert silent.close_code() == 4401
        assert known.say(action="ping")["type"] == "pong"


def test_stream_port_speaks_websocket_only() -> None:
    with opened() as served:
        url = served.stream.replace("ws://", "http://")
        assert served.session.get(url, timeout=PATIENCE_S).status_code == 426


def test_muted_client_hears_of_no_order() -> None:
    exchange = StagedExchange()
    with opened(exchange, faults=script("silent", {}, nth=[1])) as served, served.client() as mute:
        mute.authenticate().say(action="subscribe_orders")
        order = an_order()
        exchange.outs += [OrderOut(at=AT, change=Change.NEW, order=order, price=order.price)]
        until(lambda: not exchange.outs, PATIENCE_S)
        assert mute.say(action="ping")["type"] == "pong"


def test_order_changes_go_to_nobody_who_did_not_ask() -> None:
    exchange = StagedExchange()
    with opened(exchange) as served, served.client() as client:
        client.authenticate()
        order = an_order()
        exchange.outs += [OrderOut(at=AT, change=Change.NEW, order=order, price=order.price)]
        until(lambda: not exchange.outs, PATIENCE_S)
        assert client.say(action="ping")["type"] == "pong"
