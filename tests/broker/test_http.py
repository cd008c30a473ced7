import logging
import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from threading import Event

import pytest
import requests
import urllib3

from broker import http
from broker.asks import Fault, HttpAnswer, HttpAsk
from broker.http import Http, HttpSession, fault_of
from domain.errors import ConfigError
from domain.params import BrokerParams
from domain.units import Micros
from tests.broker.http_server import Reply, Request, in_background, serving
from tests.waiting import until

KEY = "CANARY-KEY-0123456789"
PING = HttpAsk(route="ping", body=b"{}", retry=True)
PLACE = HttpAsk(route="placeorder", body=b'{"symbol":"X"}', retry=False)
PARAMS = BrokerParams(connect_timeout_s=0.5, read_timeout_s=1, order_timeout_s=2)


def pong(request: Request) -> Reply:
    return Reply({"status": "success"})


def a_session(url: str, params: BrokerParams = PARAMS, speed: float = 1) -> HttpSession:
    return Http(url, KEY, params, speed).session()


def post(session: HttpSession, ask: HttpAsk = PING) -> HttpAnswer:
    try:
        return session.post(ask)
    finally:
        session.close()


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture
def mute() -> Iterator[socket.socket]:
    """Listens, and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def address(listener: socket.socket) -> str:
    return f"127.0.0.1:{listener.getsockname()[1]}"


def test_key_is_put_into_each_body_and_nowhere_else() -> None:
    with serving(pong) as server:
        session = a_session(server.url)
        answers = [session.post(PING), session.post(PLACE)]
        session.close()
    assert [answer.status for answer in answers] == [200, 200]
    assert [(request.route, request.body) for request in server.requests] == [
        ("ping", {"apikey": KEY}),
        ("placeorder", {"apikey": KEY, "symbol": "X"}),
    ]


def test_base_path_and_trailing_slash_of_the_url_are_kept_apart() -> None:
    with serving(pong) as server:
        post(a_session(f"{server.url}/"))
    assert server.routes == ["ping"]


def test_connection_is_kept_where_the_server_keeps_it() -> None:
    with serving(pong) as server:
        session = a_session(server.url)
        for _ in range(3):
            session.post(PING)
        session.close()
    assert len({request.port for request in server.requests}) == 1


def test_server_that_closes_each_connection_is_served_as_well() -> None:
    with serving(lambda _: Reply({"status": "success"}, keep=False)) as server:
        session = a_session(server.url)
        answers = [session.post(PING) for _ in range(3)]
        session.close()
    assert [answer.status for answer in answers] == [200, 200, 200]
    assert len({request.port for request in server.requests}) == 3


def test_any_status_is_handed_on_with_its_body() -> None:
    with serving(lambda _: Reply(b"<html>", status=502)) as server:
        answer = post(a_session(server.url))
    assert (answer.status, answer.body, answer.fault) == (502, b"<html>", None)


def test_date_and_retry_after_are_read() -> None:
    headers = (("Date", "Sat, 21 Nov 2026 09:31:47 GMT"), ("Retry-After", "3"))
    with serving(lambda _: Reply({}, status=429, headers=headers)) as server:
        answer = post(a_session(server.url))
    assert answer.server_at == Micros(1_795_253_507_000_000)
    assert answer.retry_after_s == 3


@pytest.mark.parametrize(("date", "after"), [("", ""), ("soon", "Wed, 21 Oct"), ("-", "-1")])
def test_odd_headers_are_no_headers(date: str, after: str) -> None:
    with serving(lambda _: Reply({}, headers=(("Date", date), ("Retry-After", after)))) as server:
        answer = post(a_session(server.url))
    assert (answer.server_at, answer.retry_after_s) == (None, 0)


def test_redirect_is_not_followed() -> None:
    with serving(lambda _: Reply({}, status=307, headers=(("Location", "/elsewhere"),))) as server:
        answer = post(a_session(server.url), PLACE)
    assert (answer.status, server.routes) == (307, ["placeorder"])


def test_proxy_of_the_environment_is_not_used(
    monkeypatch: pytest.MonkeyPatch, closed_port: int
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port}")
    monkeypatch.setenv("no_proxy", "")
    with serving(pong) as server:
        answer = post(a_session(server.url))
    assert answer.status == 200


def test_refused_connection_proves_that_nothing_was_sent(closed_port: int) -> None:
    answer = post(a_session(f"http://127.0.0.1:{closed_port}"), PLACE)
    assert answer == HttpAnswer(status=None, fault=Fault.CONNECT)


def test_unknown_host_proves_that_nothing_was_sent() -> None:
    answer = post(a_session("https://nowhere.invalid"), PLACE)
    assert answer.fault is Fault.CONNECT


def test_failed_handshake_proves_that_nothing_was_sent(mute: socket.socket) -> None:
    def answer_in_plain_text() -> None:
        connection, _ = mute.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 400 no\r\n\r\n")

    answering = in_background(answer_in_plain_text)
    answering.start()
    answer = post(a_session(f"https://{address(mute)}"), PLACE)
    answering.join()
    assert answer.fault is Fault.CONNECT


def test_silence_after_the_request_may_have_been_an_order(mute: socket.socket) -> None:
    answer = post(a_session(f"http://{address(mute)}"))
    assert answer == HttpAnswer(status=None, fault=Fault.TIMEOUT)


@pytest.mark.parametrize(
    ("at_once", "dripped"),
    [
        (b"HTTP/1.1 200 OK\r\n", b"X-More: 0123456789\r\nContent-Length: 0\r\n\r\n"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n", b" " * 30),
    ],
)
def test_answer_that_drips_holds_nobody_longer_than_silence(
    mute: socket.socket, at_once: bytes, dripped: bytes
) -> None:
    """Each byte comes in time, the whole does not: it may have been an order."""
    given_up = Event()

    def drip() -> None:
        connection, _ = mute.accept()
        with connection, suppress(OSError):
            connection.recv(65_536)
            connection.sendall(at_once)
            for byte in dripped:
                given_up.wait(0.05)
                connection.sendall(bytes([byte]))

    dripping = in_background(drip)
    dripping.start()
    session = a_session(f"http://{address(mute)}", replace(PARAMS, order_timeout_s=0.5))
    answer = post(session, PLACE)
    given_up.set()
    dripping.join()
    assert answer == HttpAnswer(status=None, fault=Fault.TIMEOUT)


def test_hang_up_after_the_request_may_have_been_an_order_and_is_not_repeated() -> None:
    with serving(lambda _: None) as server:
        answer = post(a_session(server.url), PLACE)
    assert answer == HttpAnswer(status=None, fault=Fault.RESET)
    assert server.routes == ["placeorder"]


def test_answer_cut_short_may_have_been_an_order() -> None:
    with serving(lambda _: Reply({"status": "success", "orderid": "1"}, cut=True)) as server:
        answer = post(a_session(server.url), PLACE)
    assert answer == HttpAnswer(status=None, fault=Fault.RESET)


def test_connection_dropped_while_idle_is_opened_again() -> None:
    with serving(lambda _: Reply({"status": "success"}, drop=True)) as server:
        session = a_session(server.url)
        session.post(PING)
        until(lambda: server.closed, 5)
        answer = session.post(PLACE)
        session.close()
    assert (answer.status, server.routes) == (200, ["ping", "placeorder"])


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (requests.ConnectTimeout(), Fault.CONNECT),
        (
            requests.exceptions.SSLError(ssl.SSLCertVerificationError(1, "self-signed")),
            Fault.CONNECT,
        ),
        (requests.exceptions.SSLError(ssl.SSLError(1, "decryption failed")), Fault.RESET),
        (requests.ReadTimeout(), Fault.TIMEOUT),
        (urllib3.exceptions.ReadTimeoutError(None, "", "slow"), Fault.TIMEOUT),  # type: ignore[arg-type]  # no pool here
        (requests.ConnectionError(TimeoutError()), Fault.TIMEOUT),
        (requests.ConnectionError(urllib3.exceptions.ProtocolError("aborted")), Fault.RESET),
        (requests.exceptions.ChunkedEncodingError(), Fault.RESET),
        (ConnectionResetError(), Fault.RESET),
    ],
)
def test_fault_says_connect_only_if_nothing_can_have_been_sent(
    error: Exception, fault: Fault
) -> None:
    assert fault_of(error) is fault


@pytest.mark.incident("INC-69")
def test_account_wide_routes_cannot_be_called() -> None:
    with serving(pong) as server:
        session = a_session(server.url)
        for route in ("close" + "position", "cancel" + "allorder", "place" + "smartorder", "x"):
            with pytest.raises(ValueError, match="no such route"):
                session.post(HttpAsk(route=route, body=b"{}", retry=False))
        session.close()
    assert server.requests == []
    assert {"placeorder", "modifyorder", "cancelorder"} == http.WRITES


def test_orders_are_waited_for_longer_and_all_shrinks_with_the_speed_of_time() -> None:
    params = BrokerParams()
    times = [Http("http://localhost:1", KEY, params, speed) for speed in (1, 5, 60)]
    assert [time.timeouts("placeorder") for time in times] == [(2, 20), (1, 4), (1, 1)]
    assert [time.timeouts("orderbook") for time in times] == [(2, 10), (1, 2), (1, 1)]


def test_log_shows_the_wire_without_the_key(caplog: pytest.LogCaptureFixture) -> None:
    echo = Reply({"status": "error", "message": f"key {KEY} unknown"}, status=403)
    with serving(lambda _: echo) as server, caplog.at_level(logging.DEBUG):
        answer = post(a_session(server.url), PLACE)
    assert ">>> placeorder" in caplog.text
    assert "<<< placeorder 403" in caplog.text
    assert KEY not in caplog.text
    assert KEY.encode() not in answer.body


def test_short_key_leaves_the_words_of_an_answer_alone() -> None:
    said = {"status": "success", "data": {"message": "pong", "broker": "sutradhar_sandbox"}}
    with serving(lambda _: Reply(said)) as server:
        answer = post(Http(server.url, "sandbox", PARAMS).session())
    assert b'"broker": "sutradhar_sandbox"' in answer.body


@pytest.mark.parametrize("key", ["", "x" * 257, "two\nlines", "\u20b9"])
def test_malformed_key_refuses_the_start_without_being_shown(key: str) -> None:
    with pytest.raises(ConfigError, match=r"^openalgo\.api_key: ") as caught:
        Http("http://localhost:5000", key, PARAMS)
    assert not key or key not in str(caught.value)


def test_plain_http_to_a_stranger_refuses_the_start() -> None:
    with pytest.raises(ConfigError, match=r"^openalgo\.host: "):
        Http("http://algo.example.org", KEY, PARAMS)


def test_warming_survives_a_server_that_is_not_there(closed_port: int) -> None:
    session = a_session(f"http://127.0.0.1:{closed_port}")
    session.warm()
    session.close()
