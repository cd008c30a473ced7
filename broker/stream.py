"""The WebSocket stream: one thread per connection reads what is waiting and delivers it at once.

The thread owns its socket. Others only leave work for it and wake it, so nobody waits for the
network. What a superseded connection still brings is dropped.
"""

import logging
import math
import selectors
import socket
import ssl
import struct
import threading
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import urlsplit

import websocket
from websocket import ABNF

from broker.dialogue import Dialogue, Heard, Phase
from broker.endpoint import PLAIN, Access, checked
from broker.port import StreamEvents
from broker.wire import Whole, excerpt
from broker.wire_frames import Pair
from domain import clock
from domain.calls import StreamState
from domain.market import Source
from domain.units import MINUTE, SECOND, Micros, seconds

log = logging.getLogger(__name__)
wire = logging.getLogger("wire.stream")
"""Whole frames but for prices, without the key. Silent unless the settings want them."""

MOST_FRAMES = 1000
"""How many frames one batch holds at most, so that a flood cannot starve the keep-alive."""

MID_FRAME_S = 1.0
"""How long a frame may stay half arrived before the thread looks up again."""

NORMAL, NO_CODE, ABNORMAL = 1000, 1005, 1006
"""Close codes that are not read from the wire: by us, without a code, without a close frame."""

_SOCKET_ERRORS = (websocket.WebSocketException, OSError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Where a stream connects and how it is kept alive; times are real seconds."""

    url: str
    api_key: str = field(repr=False)
    source: Source = Source.PRIMARY
    chunk: int = 50
    connect_timeout_s: float = 2
    ping_s: float = 20
    pong_s: float = 10
    answer_s: float = 10
    plain_hosts: tuple[str, ...] = ()
    access: Access = PLAIN


class KeepAlive:
    """When to ping and when to give up, by machine time. Pure."""

    def __init__(self, ping_s: float, pong_s: float, machine: Micros) -> None:
        self._ping = seconds(ping_s)
        self._pong = seconds(pong_s)
        self._next = Micros(machine + self._ping)
        self._sent: Micros | None = None
        self._pongs = 0

    def wait_s(self, machine: Micros) -> float:
        """Return the real seconds until something is due."""
        due = self._next if self._sent is None else min(self._next, self._sent + self._pong)
        return max(0, due - machine) / SECOND

    def hear(self, pongs: int) -> None:
        """Take the number of pongs so far; one more than before answers the ping that is out."""
        if pongs > self._pongs:
            self._pongs, self._sent = pongs, None

    def is_dead(self, machine: Micros) -> bool:
        """Whether a ping stayed unanswered for too long."""
        return self._sent is not None and machine - self._sent >= self._pong

    def is_due(self, machine: Micros) -> bool:
        """Whether to ping now. Counts as sent."""
        if machine < self._next:
            return False
        self._next = Micros(machine + self._ping)
        self._sent = machine if self._sent is None else self._sent
        return True


class Patience:
    """How long the question that is out may stay unanswered, by machine time. Pure."""

    def __init__(self, answer_s: float) -> None:
        self._limit = seconds(answer_s)
        self._question = 0
        self._since = Micros(0)

    def wait_s(self, question: int, machine: Micros) -> float:
        """Return the real seconds for which a question may still wait; 0 is none."""
        if question != self._question:
            self._question, self._since = question, machine
        left = max(0, self._since + self._limit - machine) / SECOND
        return left if question else math.inf

    def is_over(self, question: int, machine: Micros) -> bool:
        """Whether a question has waited for too long."""
        return self.wait_s(question, machine) <= 0


class OpenAlgoStream:
    """One source of prices (`broker.port.Stream`). Any thread may call; nothing here blocks.

    Raises ConfigError for a URL that may not be used.
    """

    def __init__(self, link: Link, events: StreamEvents) -> None:
        checked(link.url, ("ws", "wss"), link.plain_hosts, "openalgo.ws_url")
        self._link = link
        self._events = events
        self._lock = threading.Lock()
        self._current: _Connection | None = None
        self._epoch = 0
        self._living: set[_Connection] = set()

    def connect(self, epoch: int, symbols: tuple[Pair, ...]) -> None:
        """Drop any socket and open a new one in a thread of its own.

        REFUSED and CLOSED both end it; the caller decides when to connect again. Nothing is opened
        for an epoch older than the newest: whoever asks for it was replaced and does not know.
        """
        with self._lock:
            if epoch < self._epoch:
                log.warning("epoch=%d is over, the newest is %d", epoch, self._epoch)
                return
            self._epoch = epoch
        source, key, chunk = self._link.source, self._link.api_key, self._link.chunk
        connection = _Connection(self, self._link, Dialogue(source, epoch, key, symbols, chunk))
        self._supersede(connection)
        with self._lock:
            self._living.add(connection)
            connection.thread.start()

    def subscribe(self, symbols: tuple[Pair, ...]) -> None:
        """Subscribe more symbols on the open socket."""
        self._leave(Wish(symbols))

    def resubscribe(self, symbols: tuple[Pair, ...]) -> None:
        """Unsubscribe symbols on the open socket and subscribe them again."""
        self._leave(Wish(symbols, again=True))

    def close(self) -> None:
        """Close the socket and let its thread end; nothing is delivered any more."""
        self._supersede(None)

    def join(self, within_s: float) -> bool:
        """Wait until no thread of this stream lives; for an ordered stop. Returns whether so."""
        deadline = clock.machine() + seconds(within_s)
        with self._lock:
            living = tuple(self._living)
        for connection in living:
            connection.thread.join(max(0, deadline - clock.machine()) / SECOND)
        return not self._living

    def deliver(self, connection: "_Connection", batch: Sequence[Heard]) -> None:
        """Hand a batch on, unless its connection was superseded. In the connection's thread."""
        ticks = tuple(tick for heard in batch for tick in heard.ticks)
        with self._lock:
            if connection is not self._current:
                return
            if ticks:
                self._events.ticks(ticks)
            for heard in batch:
                for push in heard.pushes:
                    self._events.order(push)
                if heard.change is not None:
                    self._events.changed(heard.change)

    def ended(self, connection: "_Connection") -> None:
        """Forget a connection whose thread ends."""
        with self._lock:
            self._living.discard(connection)

    def _leave(self, wish: "Wish") -> None:
        current = self._current
        if current is not None:
            current.leave(wish)

    def _supersede(self, connection: "_Connection | None") -> None:
        with self._lock:
            superseded, self._current = self._current, connection
        if superseded is not None:
            superseded.stop()


class Wish(NamedTuple):
    """Symbols to be subscribed; `again`: they are held, and to be unsubscribed before."""

    pairs: tuple[Pair, ...]
    again: bool = False


class End(NamedTuple):
    """Why a connection ended."""

    code: int
    text: str


class _Connection:
    """One socket and the thread that owns it."""

    def __init__(self, owner: OpenAlgoStream, link: Link, dialogue: Dialogue) -> None:
        self._owner = owner
        self._link = link
        self._dialogue = dialogue
        self._mail: deque[Wish] = deque()
        self._is_stopping = False
        self._bell, self._ear = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._ear, selectors.EVENT_READ)
        self._complained_at, self._complained_of = Micros(0), 0
        self.thread = threading.Thread(  # noqa: TID251 - a connection owns its thread
            target=self._live, name=f"stream-{link.source}", daemon=True
        )
        for end in (self._bell, self._ear):
            end.setblocking(False)

    def stop(self) -> None:
        """Ask the thread to end. Any thread."""
        self._is_stopping = True
        self._ring()

    def leave(self, wish: Wish) -> None:
        """Leave symbols to be subscribed. Any thread."""
        self._mail.append(wish)
        self._ring()

    def _ring(self) -> None:
        # A full pipe rings already, a closed one has nobody left to hear.
        with suppress(OSError):
            self._bell.send(b".")

    def _live(self) -> None:
        end = End(ABNORMAL, "the thread of the stream died")
        try:
            self._tell(StreamState.CONNECTING, End(0, ""))
            end = self._run()
        finally:
            if self._dialogue.phase is not Phase.REFUSED:
                self._tell(StreamState.CLOSED, end)
            for resource in (self._selector, self._bell, self._ear):
                resource.close()
            self._owner.ended(self)

    def _run(self) -> End:
        ws = websocket.WebSocket(skip_utf8_validation=True)
        try:
            sock = self._open(ws)
            end = self._listen(ws, sock)
            with suppress(*_SOCKET_ERRORS):
                ws.send_close()
        except _SOCKET_ERRORS as error:
            end = End(ABNORMAL, excerpt(f"{type(error).__name__}: {error}"))
        finally:
            ws.shutdown()  # type: ignore[no-untyped-call]  # the library leaves it untyped
        return end

    def _open(self, ws: websocket.WebSocket) -> socket.socket:
        """Connect without proxies of the environment and without redirects: we send a key."""
        parts = urlsplit(self._link.url)
        host, is_tls = parts.hostname or "", parts.scheme == "wss"
        address = (host, parts.port or (443 if is_tls else 80))
        # Handed over at once, so that it is closed with `ws` whatever happens.
        sock = ws.sock = socket.create_connection(address, self._link.connect_timeout_s)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if is_tls:
            sock = self._link.access.context().wrap_socket(sock, server_hostname=host)
        ws.connect(  # type: ignore[no-untyped-call]  # the library leaves it untyped
            self._link.url, header=self._link.access.headers, socket=sock, redirect_limit=0
        )
        ws.settimeout(MID_FRAME_S)
        self._send(ws, self._dialogue.on_open())
        self._selector.register(sock, selectors.EVENT_READ)
        return sock

    def _listen(self, ws: websocket.WebSocket, sock: socket.socket) -> End:
        dialogue, machine = self._dialogue, clock.machine()
        alive = KeepAlive(self._link.ping_s, self._link.pong_s, machine)
        patience = Patience(self._link.answer_s)
        while not self._is_stopping:
            self._read_mail(ws)
            wait_s = min(alive.wait_s(machine), patience.wait_s(dialogue.question, machine))
            if self._is_waiting(sock, wait_s):
                end = self._take(ws, sock)
                if end is not None:
                    return end
            alive.hear(dialogue.pongs)
            machine = clock.machine()
            if alive.is_dead(machine):
                return End(ABNORMAL, f"no pong within {self._link.pong_s} s")
            if alive.is_due(machine):
                self._send(ws, (dialogue.ping(clock.now()),))
            if patience.is_over(dialogue.question, machine):
                self._give_up(ws)
        return End(NORMAL, "closed by us")

    def _read_mail(self, ws: websocket.WebSocket) -> None:
        while self._mail:
            pairs, again = self._mail.popleft()
            ask = self._dialogue.resubscribe if again else self._dialogue.subscribe
            self._send(ws, ask(pairs))

    def _give_up(self, ws: websocket.WebSocket) -> None:
        log.debug("no answer within %s s source=%s", self._link.answer_s, self._link.source)
        heard = self._dialogue.give_up(clock.now())
        self._owner.deliver(self, [heard])
        self._send(ws, heard.frames)

    def _is_waiting(self, sock: socket.socket, wait_s: float) -> bool:
        if isinstance(sock, ssl.SSLSocket) and sock.pending():
            return True
        ready = {key.fileobj for key, _ in self._selector.select(wait_s)}
        if self._ear in ready:
            self._ear.recv(4096)
        return sock in ready

    def _take(self, ws: websocket.WebSocket, sock: socket.socket) -> End | None:
        """Read what is waiting and deliver it as one batch; return why it ended, if it did."""
        batch: list[Heard] = []
        end: End | None = None
        try:
            while end is None and len(batch) < MOST_FRAMES:
                opcode, data = ws.recv_data(control_frame=True)
                if opcode == ABNF.OPCODE_CLOSE:
                    end = _end_of(data)
                elif opcode in {ABNF.OPCODE_TEXT, ABNF.OPCODE_BINARY}:
                    batch.append(self._hear(data))
                if not self._is_waiting(sock, 0):
                    break
        except websocket.WebSocketTimeoutException:
            log.debug("frame is half arrived")  # the rest is read when it comes
        finally:
            self._complain()
            self._owner.deliver(self, batch)
        for heard in batch:
            self._send(ws, heard.frames)
        if self._dialogue.phase is Phase.REFUSED:
            return End(NORMAL, "refused")
        return end

    def _send(self, ws: websocket.WebSocket, frames: Iterable[bytes]) -> None:
        for frame in frames:
            log.debug(">>> stream %s", excerpt(self._dialogue.scrubbed(frame)))
            wire.debug(">>> %s %s", self._link.source, self._said(frame))
            ws.send(frame)

    def _hear(self, data: bytes) -> Heard:
        heard = self._dialogue.on_frame(data, clock.now())
        if not heard.ticks:
            wire.debug("<<< %s %s", self._link.source, self._said(data))
        return heard

    def _said(self, frame: bytes) -> Whole:
        return Whole(self._dialogue.scrubbed(frame))

    def _complain(self) -> None:
        """Say once a minute that frames were refused."""
        bad = self._dialogue.bad
        if bad > self._complained_of and clock.now() >= self._complained_at + MINUTE:
            self._complained_at, self._complained_of = clock.now(), bad
            source, last = self._link.source, self._dialogue.last_bad
            log.warning("frames were refused source=%s n=%d last=%s", source, bad, last)

    def _tell(self, state: StreamState, end: End) -> None:
        change = self._dialogue.changed(state, clock.now(), end.code, end.text)
        self._owner.deliver(self, [Heard(change=change)])


def _end_of(data: bytes) -> End:
    if len(data) < 2:
        return End(NO_CODE, "")
    return End(struct.unpack("!H", data[:2])[0], excerpt(data[2:]))
