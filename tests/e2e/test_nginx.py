"""Our client and our page through a real nginx, with the configuration of docs/nginx."""

import base64
import json
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from http.client import HTTPResponse, HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from broker.asks import Fault, HttpAnswer, HttpAsk
from broker.endpoint import Access
from broker.http import Http
from cli.inquiry import Asker, access_of, hearing, link_of
from config.settings import Settings, load
from dashboard.access import OWN_HEADER
from dashboard.access import Access as PageAccess
from domain.calls import FundsRead, ReadFunds, ReadServer, ServerRead, StreamState
from domain.levers import Lever
from domain.market import Pair
from domain.params import BrokerParams
from domain.units import Symbol
from tests.broker.http_server import Reply, in_background, serving
from tests.capabilities import needs
from tests.dashboard.serving import CONTROL, READ, served
from tests.e2e import proxy
from tests.e2e.paper import Paper, paper

pytestmark = pytest.mark.e2e

KEY = "proxied-key-0123456789"
PATIENCE_S = 20.0
INDEX: Pair = (Symbol("NIFTY"), "NSE_INDEX")
LOGIN = f"{proxy.USER}:{proxy.PASSWORD}"
ORDER = {
    "strategy": "sutradhar",
    "symbol": "NIFTY23NOV2626000CE",
    "exchange": "NFO",
    "action": "BUY",
    "product": "MIS",
    "pricetype": "LIMIT",
    "quantity": "65",
    "price": "1.00",
    "trigger_price": "0",
    "disclosed_quantity": "0",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    needs("nginx", "openssl")
    folder = tmp_path_factory.mktemp("nginx")
    proxy.certify(folder)
    proxy.admit(folder)
    return folder


@dataclass(frozen=True)
class Behind:
    """A paper exchange that is reached through nginx alone."""

    exchange: Paper
    port: int
    folder: Path
    settings: Settings

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}/openalgo"

    def ask(self, ask: HttpAsk, access: Access | None = None) -> HttpAnswer:
        access = access or access_of(self.settings.openalgo)
        session = Http(self.url, KEY, BrokerParams(), access=access).session()
        try:
            return session.post(ask)
        finally:
            session.close()


@pytest.fixture(scope="module")
def behind(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Behind]:
    """Name the server as an operator would: an address, and files for secret and authorities."""
    secret = folder / "basic_auth"
    secret.write_text(f"{LOGIN}\n")
    secret.chmod(0o600)
    with paper(tmp_path_factory.mktemp("paper"), speed=5, api_key=KEY) as exchange:
        upstreams = {
            "127.0.0.1:5000": urlsplit(exchange.url).netloc,
            "127.0.0.1:8765": urlsplit(exchange.ws_url).netloc,
        }
        with (
            proxy.nginx("openalgo.conf", folder, upstreams) as port,
            _environment(
                OPENALGO_URL=f"https://localhost:{port}/openalgo",
                OPENALGO_CA_FILE=str(folder / "fullchain.pem"),
                OPENALGO_BASIC_AUTH_FILE=str(secret),
                OPENALGO_API_KEY=KEY,
            ) as named,
        ):
            yield Behind(exchange, port, folder, named)


class _environment:  # noqa: N801 - reads as a with block's noun
    """Settings read with these variables, which are gone afterwards."""

    def __init__(self, **names: str) -> None:
        self._names = names
        self._patch = pytest.MonkeyPatch()

    def __enter__(self) -> Settings:
        for name, text in self._names.items():
            self._patch.setenv(name, text)
        return load("live", env_file=Path("/nonexistent/.env"))

    def __exit__(self, *_: object) -> None:
        self._patch.undo()


def test_reads_and_orders_pass_with_path_password_and_own_authorities(behind: Behind) -> None:
    asker = Asker(behind.settings)
    try:
        server, funds = asker.ask(ReadServer()), asker.ask(ReadFunds())
    finally:
        asker.close()
    assert isinstance(server, ServerRead)
    assert server.mode == "analyze"
    assert isinstance(funds, FundsRead)
    placed = behind.ask(HttpAsk(route="placeorder", body=json.dumps(ORDER).encode(), retry=False))
    assert (placed.status, json.loads(placed.body)["status"]) == (200, "success")


def test_prices_come_through_the_upgrade(behind: Behind) -> None:
    assert link_of(behind.settings).url == f"wss://localhost:{behind.port}/openalgo/ws"
    with hearing(behind.settings, (INDEX,)) as ear:
        change = ear.settled(PATIENCE_S)
        assert change is not None
        assert (change.state, change.text) == (StreamState.READY, "")
        tick = ear.price(PATIENCE_S)
    assert tick is not None
    assert tick.symbol == INDEX[0]


PING = HttpAsk(route="ping", body=b"{}", retry=True)


def test_wrong_password_and_unknown_authorities_end_at_the_proxy(behind: Behind) -> None:
    right = access_of(behind.settings.openalgo)
    wrong = replace(right, basic_auth="agent:open-barley-0123")
    assert behind.ask(PING, wrong).status == 401
    assert behind.ask(PING, replace(right, basic_auth="")).status == 401
    stranger = behind.ask(PING, replace(right, ca_file=""))
    assert (stranger.status, stranger.fault) == (None, Fault.CONNECT)
    assert behind.ask(PING).status == 200


def test_stream_with_a_wrong_password_is_closed(behind: Behind) -> None:
    openalgo = behind.settings.openalgo
    for changed, said in (
        ({"basic_auth": type(openalgo.basic_auth)("agent:open-barley-0123")}, "401"),
        ({"ca_file": ""}, "CERTIFICATE_VERIFY_FAILED"),
    ):
        settings = replace(behind.settings, openalgo=replace(openalgo, **changed))
        with hearing(settings, (INDEX,)) as ear:
            change = ear.settled(PATIENCE_S)
        assert change is not None
        assert change.state is StreamState.CLOSED
        assert said in change.text


def test_server_sees_who_called_and_no_password(behind: Behind, folder: Path) -> None:
    with serving(lambda _: Reply({})) as server:
        upstreams = {"127.0.0.1:5000": urlsplit(server.url).netloc}
        with proxy.nginx("openalgo.conf", folder, upstreams) as port:
            assert replace(behind, port=port).ask(PING).status == 200
    (request,) = server.requests
    assert (request.route, request.body) == ("ping", {"apikey": KEY})
    assert "Authorization" not in request.headers
    assert request.headers["X-Forwarded-For"] == "127.0.0.1"


def test_nothing_else_is_let_through(behind: Behind) -> None:
    for path in ("/", "/openalgo/", "/openalgo/auth/login", "/openalgo/sandbox", "/api/v1/ping"):
        assert status_of(behind.port, behind.folder, path, "algo.example.org") == 404


def test_proxy_writes_neither_key_nor_password(behind: Behind) -> None:
    behind.ask(PING)
    written = [path.read_text() for path in behind.folder.glob("*.log")]
    assert any("/openalgo/api/v1/ping" in text for text in written)
    assert not [text for text in written if KEY in text or proxy.PASSWORD in text]


@contextmanager
def asked(
    port: int,
    folder: Path,
    path: str,
    host: str,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
) -> Iterator[HTTPResponse]:
    """Ask with the password of the proxy, unless other headers are given."""
    login = base64.b64encode(LOGIN.encode()).decode()
    context = ssl.create_default_context(cafile=str(folder / "fullchain.pem"))
    connection = HTTPSConnection("localhost", port, timeout=PATIENCE_S, context=context)
    given = {"Authorization": f"Basic {login}"} if headers is None else headers
    with closing(connection):
        connection.request(method, path, headers={"Host": host, **given})
        with connection.getresponse() as answer:
            yield answer


def status_of(*words: Any) -> int:
    with asked(*words) as answer:
        return answer.status


DESK = "desk.example.org"


def test_page_passes_with_its_token_in_a_header_of_its_own(folder: Path) -> None:
    access = PageAccess(control=CONTROL, read=READ, names=(DESK,))
    login = {"Authorization": f"Basic {base64.b64encode(LOGIN.encode()).decode()}"}
    with (
        served(access) as site,
        proxy.nginx("page.conf", folder, {"127.0.0.1:8501": f"127.0.0.1:{site.port}"}) as port,
    ):
        answers = [
            status_of(port, folder, path, DESK, method, headers)
            for path, method, headers in (
                ("/healthz", "GET", {}),
                ("/healthz", "GET", login),
                ("/metrics", "GET", login),
                ("/levers/freeze", "POST", login),
                ("/levers/freeze", "POST", {"Authorization": f"Bearer {CONTROL}"}),
                ("/levers/freeze", "POST", {OWN_HEADER: CONTROL}),
                ("/levers/freeze", "POST", {**login, OWN_HEADER: CONTROL}),
            )
        ]
        assert answers == [401, 200, 404, 401, 401, 401, 200]
        assert site.levers.pulled == [(Lever.FREEZE, "")]


def test_event_arrives_before_the_next_one_is_sent(folder: Path) -> None:
    """A proxy that waits for a full buffer would wait for ever here."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        was_heard = threading.Event()
        teller = in_background(_tell, listener, was_heard)
        teller.start()
        try:
            upstreams = {"127.0.0.1:8501": f"127.0.0.1:{listener.getsockname()[1]}"}
            with (
                proxy.nginx("page.conf", folder, upstreams) as port,
                asked(port, folder, "/events", DESK) as answer,
            ):
                assert answer.getheader("Content-Type") == "text/event-stream"
                assert answer.readline() == b"data: 1\n"
                was_heard.set()
                assert answer.read() == b"\ndata: 2\n\n"
        finally:
            was_heard.set()
            teller.join(PATIENCE_S)


def _tell(listener: socket.socket, was_heard: threading.Event) -> None:
    connection, _ = listener.accept()
    with connection:
        asking = b""
        while b"\r\n\r\n" not in asking:
            asking += connection.recv(65536)
        if b"authorization" in asking.lower():  # the proxy's own password
            return
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
        connection.sendall(head + b"data: 1\n\n")
        assert was_heard.wait(PATIENCE_S)
        connection.sendall(b"data: 2\n\n")
