"""A served exchange inside a test: real sockets on free ports, the server in its own thread."""

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any, Self

import msgspec
import requests
import websocket

from domain import clock
from sandbox.exchange import Exchange
from sandbox.server import House, Ports, Serving
from sandbox.sockets import address_of, bound
from sandbox.truth import Truth
from tests.sandbox.stage import AT, KEY, StagedExchange
from tests.waiting import until

TOKEN = "TEST-TOKEN"
PATIENCE_S = 10.0


class Client:
    """A WebSocket client that waits for what it expects."""

    def __init__(self, url: str) -> None:
        port = int(url.rpartition(":")[2])
        # Ours to close: the library forgets it after a refusal and after a close frame.
        self._raw = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
        try:
            self.socket = websocket.create_connection(url, timeout=PATIENCE_S, socket=self._raw)
        except websocket.WebSocketException:
            self._raw.close()
            raise

    def close(self) -> None:
        self.socket.close()
        self._raw.close()

    def say(self, **said: Any) -> dict[str, Any]:
        """Send a frame and return the next one that is no price."""
        self.socket.send(json.dumps(said))
        return self.next_of(lambda frame: frame.get("type") != "market_data")

    def authenticate(self) -> Self:
        assert self.say(action="authenticate", api_key=KEY)["status"] == "success"
        return self

    def subscribe(self, symbol: str, exchange: str = "NFO", mode: int = 2) -> dict[str, Any]:
        return self.say(action="subscribe", symbol=symbol, exchange=exchange, mode=mode)

    def next(self) -> dict[str, Any]:
        frame: dict[str, Any] = json.loads(self.socket.recv())
        return frame

    def next_of(self, wanted: Any) -> dict[str, Any]:
        while not wanted(frame := self.next()):
            pass
        return frame

    def close_code(self) -> int:
        """Read to the end and return the close code, 1006 if the socket just ended."""
        try:
            while True:
                opcode, data = self.socket.recv_data(control_frame=True)
                if opcode == websocket.ABNF.OPCODE_CLOSE:
                    return int.from_bytes(data[:2], "big")
        except (websocket.WebSocketConnectionClosedException, ConnectionError):
            return 1006


class Open:
    """An exchange that is being served."""

    def __init__(self, house: House, ports: Ports) -> None:
        self.house = house
        self.rest = f"http://{address_of(ports.rest)}"
        self.stream = f"ws://{address_of(ports.stream)}"
        self.control = f"http://{address_of(ports.control)}" if ports.control else ""
        self.session = requests.Session()
        self.session.trust_env = False

    def post(self, route: str, **fields: Any) -> requests.Response:
        url = f"{self.rest}/api/v1/{route}"
        return self.session.post(url, json={"apikey": KEY, **fields}, timeout=PATIENCE_S)

    def get(self, path: str) -> requests.Response:
        return self.session.get(f"{self.control}{path}", timeout=PATIENCE_S)

    def order(self, path: str, body: Any, **headers: str) -> requests.Response:
        shown = {"X-Control-Token": TOKEN} | headers
        return self.session.post(
            f"{self.control}{path}",
            data=msgspec.json.encode(body),
            headers=shown,
            timeout=PATIENCE_S,
        )

    @contextmanager
    def client(self) -> Iterator[Client]:
        client = Client(self.stream)
        with closing(client):
            yield client


@contextmanager
def opened(
    exchange: Exchange | None = None, *, with_control: bool = True, **changes: Any
) -> Iterator[Open]:
    """Serve an exchange until the block ends; whatever breaks in the server comes out here."""
    truth = changes.pop("truth", None) or Truth()
    serving = Serving(
        exchange=exchange or StagedExchange(),
        truth=truth,
        api_key=KEY,
        start_at=changes.pop("start_at", AT),
        control_token=changes.pop("control_token", TOKEN),
        **changes,
    )
    ports = Ports(
        rest=bound("127.0.0.1", 0, "REST"),
        stream=bound("127.0.0.1", 0, "WebSocket"),
        control=bound("127.0.0.1", 0, "control") if with_control else None,
    )
    house = House(serving, ports)
    thread = _Served(house)
    thread.start()
    try:
        until(lambda: thread.is_ready.is_set() or thread.error, PATIENCE_S)
        open_exchange = Open(house, ports)
        with closing(open_exchange.session):
            yield open_exchange
    finally:
        thread.end()
        clock.use(clock.WallClock())


class _Served(threading.Thread):  # noqa: TID251 - a server beside the test that calls it
    def __init__(self, house: House) -> None:
        super().__init__(daemon=True)
        self.is_ready = threading.Event()
        self.error: BaseException | None = None
        self._house = house
        self._loop = asyncio.new_event_loop()

    def run(self) -> None:
        try:
            self._loop.run_until_complete(self._house.run(lambda _: self.is_ready.set()))
        except BaseException as error:  # noqa: BLE001 - handed to the test
            self.error = error
        finally:
            self._loop.close()

    def end(self) -> None:
        if self.is_alive():
            self._loop.call_soon_threadsafe(self._house.stop, "the test is over")
        self.join(PATIENCE_S)
        if self.error:
            raise self.error
        assert not self.is_alive()
