"""What stands before the server: a path, a proxy's password, authorities of one's own."""

import base64
import logging
from pathlib import Path

import pytest

from broker.asks import HttpAnswer, HttpAsk
from broker.endpoint import PLAIN, Access
from broker.http import Http
from broker.stream import Link, OpenAlgoStream
from domain.calls import StreamState
from domain.errors import ConfigError
from domain.params import BrokerParams
from tests.broker.http_server import Reply, Request, serving
from tests.broker.test_stream import PAIRS, Desk
from tests.broker.ws_server import streaming

KEY = "CANARY-KEY-0123456789"
PASSWORD = "desk:open-sesame-0123"
HEADER = f"Basic {base64.b64encode(PASSWORD.encode()).decode()}"
PING = HttpAsk(route="ping", body=b"{}", retry=True)


def ping(url: str, access: Access = PLAIN) -> HttpAnswer:
    session = Http(url, KEY, BrokerParams(), access=access).session()
    try:
        return session.post(PING)
    finally:
        session.close()


def test_path_of_the_url_comes_before_the_route() -> None:
    with serving(lambda _: Reply({})) as server:
        ping(f"{server.url}/openalgo/")
    assert server.routes == ["/openalgo/api/v1/ping"]


@pytest.mark.parametrize(("access", "seen"), [(Access(basic_auth=PASSWORD), HEADER), (PLAIN, None)])
def test_rest_carries_the_proxy_s_password(access: Access, seen: str | None) -> None:
    with serving(lambda _: Reply({})) as server:
        ping(server.url, access)
    (request,) = server.requests
    assert request.headers.get("Authorization") == seen


@pytest.mark.parametrize(("access", "seen"), [(Access(basic_auth=PASSWORD), HEADER), (PLAIN, None)])
def test_handshake_carries_path_and_password(access: Access, seen: str | None) -> None:
    with streaming() as server:
        desk = Desk()
        url = f"{server.url}/openalgo/ws"
        stream = OpenAlgoStream(Link(url=url, api_key=KEY, access=access), desk)
        stream.connect(1, PAIRS)
        desk.wait_for(StreamState.READY)
        stream.close()
        assert stream.join(10)
    peer = server.peer()
    assert peer.path == "/openalgo/ws"
    assert peer.connection.request is not None
    assert peer.connection.request.headers.get("Authorization") == seen


def test_password_is_in_no_line_and_no_answer(caplog: pytest.LogCaptureFixture) -> None:
    def echo(_: Request) -> Reply:
        return Reply({"message": f"{PASSWORD} {HEADER.split()[1]}"}, status=401)

    access = Access(basic_auth=PASSWORD)
    with caplog.at_level(logging.DEBUG), serving(echo) as server:
        answer = ping(server.url, access)
    told = f"{answer} {caplog.text} {access!r} {Link(url='', api_key=KEY, access=access)!r}"
    assert b"***" in answer.body
    assert "sesame" not in told
    assert HEADER not in told
    assert HEADER.removeprefix("Basic ") not in told


@pytest.mark.parametrize("content", [None, "", "no certificate"])
def test_file_without_authorities_is_named(content: str | None, tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ConfigError, match=f"ca_file: {file} holds no certificates .*name a PEM"):
        Access(ca_file=str(file))
