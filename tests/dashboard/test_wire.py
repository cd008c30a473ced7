"""Slow and hostile clients: each costs one closed connection, and others are served meanwhile."""

import json
import logging
import socket
import threading
from http.client import HTTPConnection

import pytest

from dashboard import wire
from dashboard.service import HEADER_BYTES
from tests.dashboard.serving import CONTROL, PATIENCE_S, Site, served
from tests.domain.test_status import a_status
from tests.waiting import until

GET = b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture(autouse=True)
def _active(site: Site) -> None:
    site.board.show(a_status())


def is_closed(connection: socket.socket) -> bool:
    """Whether the page closed a connection on which it never said a word."""
    connection.setblocking(False)
    try:
        return connection.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True


def read_all(connection: socket.socket) -> bytes:
    """Read until the page closes the connection."""
    found = b""
    try:
        while part := connection.recv(65_536):
            found += part
    except ConnectionResetError:
        pass
    return found


@pytest.mark.parametrize(
    "begun", [b"", b"GET /state HT", b"POST /levers/freeze HTTP/1.1\r\nHost: localhost\r\nX: "]
)
def test_request_that_is_never_whole_is_ended(
    site: Site, begun: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "REQUEST_S", 0.05)
    with site.wire() as slow:
        slow.sendall(begun)
        assert read_all(slow) == b""


def test_body_that_never_comes_is_not_waited_for(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "REQUEST_S", 0.05)
    site.levers.pulled.clear()
    head = f"POST /levers/clear HTTP/1.1\r\nHost: localhost\r\nX-Sutradhar-Token: {CONTROL}\r\n"
    sized = "Content-Type: application/json\r\nContent-Length: 900\r\n\r\n{"
    with site.wire() as slow:
        slow.sendall((head + sized).encode())
        assert b"200 OK" not in read_all(slow)
    assert site.levers.pulled == []


def test_second_request_of_a_connection_has_its_own_time(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    with site.wire() as slow:
        slow.sendall(GET)
        found = b""
        while not found.endswith(b"}"):
            found += slow.recv(65_536)
        monkeypatch.setattr(wire, "REQUEST_S", 0.05)
        slow.sendall(b"GET /st")
        assert read_all(slow) == b""


def test_answer_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "REQUEST_S", 0.02)
    monkeypatch.setattr(wire, "ANSWER_S", 0.02)
    with served() as site:
        site.levers.hold = threading.Event()
        with site.wire() as human:
            head = (
                f"POST /levers/freeze HTTP/1.1\r\nHost: localhost\r\nX-Sutradhar-Token: {CONTROL}"
            )
            human.sendall(f"{head}\r\n\r\n".encode())
            assert read_all(human) == b""


@pytest.mark.parametrize(
    "nonsense",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"hello\r\n\r\n",
        b"GET /state HTTP/1.1\r\n\r\n",
        b"GET /state HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET /state HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 2 * HEADER_BYTES,
        b"POST /levers/freeze HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
    ],
)
def test_nonsense_is_answered_once_and_logged_never(
    site: Site, nonsense: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO), site.wire() as stranger:
        stranger.sendall(nonsense)
        assert read_all(stranger).startswith(b"HTTP/1.1 400 ")
    assert caplog.records == []
    assert site.ask("/readyz").status == 200


def test_crowd_of_silent_connections_keeps_nobody_out() -> None:
    with served(connections=8) as site:
        site.board.show(a_status())
        crowd = [site.wire() for _ in range(40)]
        try:
            assert [site.ask("/readyz").status for _ in range(10)] == [200] * 10
            until(lambda: sum(map(is_closed, crowd)) >= 32, PATIENCE_S)
        finally:
            for each in crowd:
                each.close()


def test_idle_connection_makes_room_before_one_at_work() -> None:
    with served(connections=4) as site:
        site.board.show(a_status())
        reading = [site.wire() for _ in range(2)]
        for each in reading:
            each.sendall(b"GET /readyz HTTP/1.1\r\n")
        idle = HTTPConnection("127.0.0.1", site.port, timeout=PATIENCE_S)
        idle.request("GET", "/readyz")
        assert idle.getresponse().read()
        for _ in range(5):
            assert site.ask("/readyz").status == 200
        newcomers = [site.wire() for _ in range(2)]
        assert idle.sock is not None
        assert read_all(idle.sock) == b""
        for each in reading:
            each.sendall(b"Host: localhost\r\n\r\n")
            assert b"200 OK" in each.recv(65_536)
        idle.close()
        for each in (*reading, *newcomers):
            each.close()


def test_client_that_takes_no_answer_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its answers fill what the kernel holds for it; then the connection is closed."""
    monkeypatch.setattr(wire, "REQUEST_S", 0.1)
    monkeypatch.setattr(wire, "ANSWER_S", 0.1)
    with served(per_s=1000) as site:
        site.board.show(a_status())
        with socket.socket() as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.connect(("127.0.0.1", site.port))
            deaf.setblocking(False)
            ask = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"

            def is_left() -> bool:
                try:
                    deaf.send(ask * 64)
                except BlockingIOError:
                    return False
                except ConnectionError:
                    return True
                return False

            until(is_left, PATIENCE_S)
        assert site.ask("/readyz").status == 200


def test_expect_and_keep_alive_work_as_ever(site: Site) -> None:
    connection = HTTPConnection("127.0.0.1", site.port, timeout=PATIENCE_S)
    for path in ("/state", "/readyz", "/state"):
        connection.request("GET", path)
        assert json.loads(connection.getresponse().read())
    connection.close()


def test_connection_is_closed_when_the_client_says_so(site: Site) -> None:
    with site.wire() as once:
        once.sendall(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        assert read_all(once).startswith(b"HTTP/1.1 200 OK\r\n")


def test_connection_that_nobody_uses_any_more_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboard.service.KEEP_ALIVE_S", 0)
    with served() as site, site.wire() as idle:
        site.board.show(a_status())
        idle.sendall(GET)
        assert read_all(idle).startswith(b"HTTP/1.1 200 OK\r\n")
