import logging
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from websockets.frames import CloseCode, Frame, Opcode

from broker.port import Stream
from broker.stream import Link, OpenAlgoStream
from domain.books import OrderPush
from domain.calls import StreamChange, StreamState
from domain.errors import ConfigError
from domain.market import Source, Tick
from domain.units import MINUTE, Micros, Symbol
from tests.broker.build import CALL, a_price_frame, an_order_frame
from tests.broker.hand import Hand
from tests.broker.ws_server import Peer, WsServer, openalgo, streaming
from tests.waiting import until

WITHIN_S = 10
PRICE = a_price_frame().decode()
PAIRS = ((Symbol("NIFTY"), "NSE_INDEX"), (CALL, "NFO"))


class Desk:
    """Takes what a stream delivers. `gate` lets a test hold the stream's thread up."""

    def __init__(self) -> None:
        self.batches: list[tuple[Tick, ...]] = []
        self.pushes: list[OrderPush] = []
        self.changes: list[StreamChange] = []
        self.threads: set[str] = set()
        self.gate = threading.Event()
        self.gate.set()

    def ticks(self, batch: tuple[Tick, ...]) -> None:
        self.threads.add(threading.current_thread().name)
        self.batches.append(batch)
        assert self.gate.wait(WITHIN_S)

    def order(self, push: OrderPush) -> None:
        self.pushes.append(push)

    def changed(self, change: StreamChange) -> None:
        self.changes.append(change)

    @property
    def states(self) -> list[StreamState]:
        return [change.state for change in self.changes]

    def wait_for(self, state: StreamState) -> StreamChange:
        until(lambda: state in self.states, WITHIN_S)
        return next(change for change in self.changes if change.state is state)

    def wait_ticks(self, count: int) -> list[Tick]:
        until(lambda: sum(map(len, self.batches)) >= count, WITHIN_S)
        return [tick for batch in self.batches for tick in batch]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def deaf_to_pings(peer: Peer, frame: Any) -> None:
    if frame["action"] != "ping":
        openalgo(peer, frame)


Opened = Callable[..., OpenAlgoStream]


@pytest.fixture
def opened(desk: Desk) -> Iterator[Opened]:
    streams: list[OpenAlgoStream] = []

    def open_stream(server: WsServer | str, **link: Any) -> OpenAlgoStream:
        url = server if isinstance(server, str) else server.url
        stream = OpenAlgoStream(Link(url=url, api_key="KEY-1", **link), desk)
        streams.append(stream)
        return stream

    yield open_stream
    desk.gate.set()
    for stream in streams:
        stream.close()
        assert stream.join(WITHIN_S)


def connected(server: WsServer, desk: Desk, opened: Opened, **link: Any) -> OpenAlgoStream:
    stream = opened(server, **link)
    stream.connect(7, PAIRS)
    desk.wait_for(StreamState.READY)
    return stream


def test_stream_is_that_of_the_port(opened: Opened) -> None:
    stream: Stream = opened("ws://127.0.0.1:1")
    assert stream is not None


def test_connection_becomes_ready_and_delivers(desk: Desk, opened: Opened) -> None:
    with streaming() as server:
        connected(server, desk, opened)
        peer = server.peer()
        peer.send(PRICE, an_order_frame().decode())
        (tick,) = desk.wait_ticks(1)
        until(lambda: desk.pushes, WITHIN_S)
        assert desk.threads == {"stream-primary"}
        assert peer.actions[:3] == ["authenticate", "subscribe", "subscribe_orders"]
        assert peer.heard[0]["api_key"] == "KEY-1"
    assert (tick.symbol, tick.epoch, tick.seq, tick.source) == (CALL, 7, 1, Source.PRIMARY)
    assert desk.states[:2] == [StreamState.CONNECTING, StreamState.READY]
    assert desk.changes[1].subscribed == 2
    assert [push.orderid for push in desk.pushes] == ["26112162756592"]


def test_path_of_the_url_is_asked_for(desk: Desk, opened: Opened) -> None:
    with streaming() as server:
        opened(f"{server.url}/ws/prices").connect(1, PAIRS)
        assert server.peer().path == "/ws/prices"


def test_what_is_waiting_is_delivered_as_one_batch(desk: Desk, opened: Opened) -> None:
    with streaming() as server:
        connected(server, desk, opened)
        desk.gate.clear()
        server.peer().send(PRICE)
        until(lambda: desk.batches, WITHIN_S)
        server.peer().send(*[PRICE] * 40)
        server.peer().connection.ping().wait(0)
        desk.gate.set()
        ticks = desk.wait_ticks(41)
    assert [tick.seq for tick in ticks] == list(range(1, 42))
    assert len(desk.batches) <= 3


def test_ticks_are_stamped_with_market_time(desk: Desk, opened: Opened, hand: Hand) -> None:
    with streaming() as server:
        connected(server, desk, opened)
        hand.move(60)
        server.peer().send(PRICE)
        (tick,) = desk.wait_ticks(1)
    assert tick.recv_at == hand.at


def test_more_symbols_are_subscribed_on_the_open_socket(desk: Desk, opened: Opened) -> None:
    with streaming() as server:
        stream = connected(server, desk, opened)
        stream.subscribe(((Symbol("NIFTY24NOV2626000PE"), "NFO"),))
        until(lambda: desk.states.count(StreamState.READY) == 2, WITHIN_S)
        assert server.peer().heard[-1]["symbols"][0]["symbol"] == "NIFTY24NOV2626000PE"
    assert desk.changes[2].subscribed == 3


def test_symbols_are_ended_and_subscribed_again_on_the_open_socket(
    desk: Desk, opened: Opened
) -> None:
    with streaming() as server:
        connected(server, desk, opened).resubscribe(PAIRS[1:])
        until(lambda: desk.states.count(StreamState.READY) == 2, WITHIN_S)
        assert server.peer().actions[-2:] == ["unsubscribe", "subscribe"]


def test_subscribing_without_a_connection_does_nothing(opened: Opened) -> None:
    opened("ws://127.0.0.1:1").subscribe(PAIRS)


def test_close_code_and_reason_are_reported(desk: Desk, opened: Opened) -> None:
    with streaming() as server:
        connected(server, desk, opened)
        server.peer().send(PRICE)
        server.peer().connection.close(4401, "auth timeout")
        closed = desk.wait_for(StreamState.CLOSED)
    assert (closed.code, closed.text, closed.epoch) == (4401, "auth timeout", 7)
    assert len(desk.wait_ticks(1)) == 1


def test_connection_cut_without_a_word_is_1006(desk: Desk, opened: Opened) -> None:
    with streaming() as server:
        connected(server, desk, opened)
        server.peer().connection.socket.shutdown(socket.SHUT_RDWR)
        assert desk.wait_for(StreamState.CLOSED).code == CloseCode.ABNORMAL_CLOSURE


@pytest.mark.incident("INC-10")
def test_half_open_socket_is_dropped_in_time(desk: Desk, opened: Opened) -> None:
    with streaming(deaf_to_pings) as server:
        connected(server, desk, opened, ping_s=0.05, pong_s=0.1)
        closed = desk.wait_for(StreamState.CLOSED)
        assert server.peer().is_gone.wait(WITHIN_S)
    assert (closed.code, closed.text) == (1006, "no pong within 0.1 s")


def test_answered_pings_keep_the_connection(desk: Desk, opened: Opened) -> None:
    with streaming() as server:
        connected(server, desk, opened, ping_s=0.02, pong_s=5)
        until(lambda: server.peer().actions.count("ping") >= 5, WITHIN_S)
        assert StreamState.CLOSED not in desk.states


def test_lost_answer_to_a_subscription_holds_nothing_up(
    desk: Desk, opened: Opened, hand: Hand
) -> None:
    def forgetful(peer: Peer, frame: Any) -> None:
        if peer.actions.count("subscribe") > 1 or frame["action"] != "subscribe":
            openalgo(peer, frame)

    with streaming(forgetful) as server:
        opened(server, chunk=1).connect(7, PAIRS)
        until(lambda: server.peers and "subscribe" in server.peer().actions, WITHIN_S)
        server.peer().send(PRICE)
        desk.wait_ticks(1)
        hand.tick(10)
        server.peer().send(PRICE)
        ready = desk.wait_for(StreamState.READY)
        assert server.peer().actions[:3] == ["authenticate", "subscribe", "subscribe"]
    assert (ready.subscribed, ready.refused, ready.text) == (1, ("NIFTY",), "not answered")


def test_lost_answer_to_an_end_holds_no_repair_up(desk: Desk, opened: Opened) -> None:
    def forgetful(peer: Peer, frame: Any) -> None:
        if frame["action"] != "unsubscribe":
            openalgo(peer, frame)

    with streaming(forgetful) as server:
        connected(server, desk, opened, answer_s=0.2).resubscribe(PAIRS[1:])
        until(lambda: desk.states.count(StreamState.READY) == 2, WITHIN_S)
        assert server.peer().actions[-2:] == ["unsubscribe", "subscribe"]


def test_ping_of_the_server_is_answered(desk: Desk, opened: Opened) -> None:
    with streaming() as server:
        connected(server, desk, opened)
        assert server.peer().connection.ping().wait(WITHIN_S)


def test_refused_key_ends_the_connection_with_that_word_alone(desk: Desk, opened: Opened) -> None:
    def refuse(peer: Peer, frame: Any) -> None:
        peer.send({"status": "error", "code": "AUTHENTICATION_ERROR", "message": "Invalid API key"})

    with streaming(refuse) as server:
        stream = opened(server)
        stream.connect(7, PAIRS)
        refused = desk.wait_for(StreamState.REFUSED)
        assert server.peer().is_gone.wait(WITHIN_S)
        assert stream.join(WITHIN_S)
    assert refused.text == "AUTHENTICATION_ERROR: Invalid API key"
    assert desk.states == [StreamState.CONNECTING, StreamState.REFUSED]


def test_server_that_is_not_there_is_a_closed_connection(desk: Desk, opened: Opened) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        opened(f"ws://127.0.0.1:{free.getsockname()[1]}").connect(7, PAIRS)
        closed = desk.wait_for(StreamState.CLOSED)
    assert (closed.code, "ConnectionRefusedError" in closed.text) == (1006, True)


def test_server_that_never_answers_the_handshake_is_given_up(desk: Desk, opened: Opened) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"ws://127.0.0.1:{mute.getsockname()[1]}"
        opened(url, connect_timeout_s=0.1).connect(7, PAIRS)
        assert desk.wait_for(StreamState.CLOSED).code == 1006


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:1/\r\n\r\n", b"SSH-2.0-x\r\n\r\n"]
)
def test_what_is_no_websocket_is_given_up(desk: Desk, opened: Opened, answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        opened(f"ws://127.0.0.1:{listener.getsockname()[1]}").connect(7, PAIRS)
        connection, _ = listener.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(answer)
            assert desk.wait_for(StreamState.CLOSED).code == 1006


def test_tls_is_not_given_up_for_plain_text(desk: Desk, opened: Opened) -> None:
    with streaming() as server:
        opened(f"wss://127.0.0.1:{server.port}").connect(7, PAIRS)
        closed = desk.wait_for(StreamState.CLOSED)
    assert "SSL" in closed.text
    assert server.peers == []


def test_proxy_of_the_environment_is_not_used(
    desk: Desk, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "nobody")
    with streaming() as server:
        connected(server, desk, opened)


def test_late_frames_of_a_superseded_connection_are_dropped(desk: Desk, opened: Opened) -> None:
    with streaming() as server:
        stream = connected(server, desk, opened)
        desk.gate.clear()
        server.peer(0).send(PRICE)
        until(lambda: desk.batches, WITHIN_S)
        superseding = threading.Thread(target=stream.connect, args=(8, PAIRS))  # noqa: TID251 - a caller of the test
        superseding.start()
        server.peer(0).send(*[PRICE] * 10)
        desk.gate.set()
        superseding.join()
        server.peer(1)
        until(lambda: desk.states.count(StreamState.READY) == 2, WITHIN_S)
        server.peer(1).send(PRICE)
        until(lambda: any(tick.epoch == 8 for tick in desk.wait_ticks(1)), WITHIN_S)
        assert server.peer(0).is_gone.wait(WITHIN_S)
    epochs = [tick.epoch for batch in desk.batches for tick in batch]
    assert epochs[-1] == 8
    assert epochs == sorted(epochs)
    assert desk.changes[-1].epoch == 8
    assert StreamState.CLOSED not in [change.state for change in desk.changes if change.epoch == 7]


def test_closed_stream_delivers_nothing_and_hangs_up(desk: Desk, opened: Opened) -> None:
    with streaming() as server:
        stream = connected(server, desk, opened)
        stream.close()
        assert server.peer().is_gone.wait(WITHIN_S)
        assert stream.join(WITHIN_S)
    assert desk.states == [StreamState.CONNECTING, StreamState.READY]


def test_connecting_returns_before_anything_answers(desk: Desk, opened: Opened) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        stream = opened(f"ws://127.0.0.1:{mute.getsockname()[1]}", connect_timeout_s=WITHIN_S)
        stream.connect(7, PAIRS)
        desk.wait_for(StreamState.CONNECTING)
        assert desk.states == [StreamState.CONNECTING]
        stream.close()
        connection, _ = mute.accept()
        connection.close()


def test_frame_that_arrives_in_two_halves_is_one_frame(desk: Desk, opened: Opened) -> None:
    with streaming(deaf_to_pings) as server:
        connected(server, desk, opened, ping_s=0.05, pong_s=WITHIN_S)
        peer = server.peer()
        raw = Frame(Opcode.TEXT, PRICE.encode()).serialize(mask=False)
        before = peer.actions.count("ping")
        peer.connection.socket.sendall(raw[:50])
        until(lambda: peer.actions.count("ping") > before + 1, WITHIN_S)
        peer.connection.socket.sendall(raw[50:])
        assert [tick.ltp for tick in desk.wait_ticks(1)] == [13805]
        assert StreamState.CLOSED not in desk.states


def test_bad_frames_are_told_once_a_minute(
    desk: Desk, opened: Opened, hand: Hand, caplog: pytest.LogCaptureFixture
) -> None:
    def told() -> int:
        return caplog.text.count("frames were refused")

    with streaming() as server, caplog.at_level(logging.WARNING):
        connected(server, desk, opened)
        for expected in (1, 1, 2):
            count = len(desk.batches) + 1
            server.peer().send("{bad json", PRICE)
            until(lambda n=count: len(desk.batches) >= n, WITHIN_S)  # type: ignore[misc]  # bound now
            until(lambda n=expected: told() >= n, WITHIN_S)  # type: ignore[misc]  # as above
            hand.at = Micros(hand.at + MINUTE // 2)
        assert told() == 2
    assert "source=primary n=3" in caplog.text


def test_key_is_not_logged(desk: Desk, opened: Opened, caplog: pytest.LogCaptureFixture) -> None:
    with streaming() as server, caplog.at_level(logging.DEBUG):
        connected(server, desk, opened)
    # The server of this test logs too, what it hears.
    ours = " ".join(r.getMessage() for r in caplog.records if r.name.startswith("broker"))
    assert '"action":"authenticate","api_key":"***"' in ours
    assert "KEY-1" not in ours
    assert "KEY-1" not in repr(Link(url="ws://localhost:1", api_key="KEY-1"))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_thread_that_dies_says_so(desk: Desk, opened: Opened) -> None:
    def fall(push: OrderPush) -> None:
        raise RuntimeError("poison")

    desk.order = fall  # type: ignore[method-assign]  # a listener that falls over
    with streaming() as server:
        connected(server, desk, opened)
        server.peer().send(an_order_frame().decode())
        closed = desk.wait_for(StreamState.CLOSED)
    assert (closed.code, closed.text) == (1006, "the thread of the stream died")
    until(lambda: "stream-primary" not in {t.name for t in threading.enumerate()}, WITHIN_S)


def test_key_in_the_clear_to_a_stranger_refuses_the_start(desk: Desk) -> None:
    with pytest.raises(ConfigError, match=r"^openalgo\.ws_url: "):
        OpenAlgoStream(Link(url="ws://algo.example.org:8765", api_key="K"), desk)
    OpenAlgoStream(Link(url="ws://openalgo:8765", api_key="K", plain_hosts=("openalgo",)), desk)
