"""The stream in virtual time: the server's session and the client's dialogue, face to face.

Every price crosses as the JSON bytes it would cross a socket as.
"""

from collections.abc import Callable, Iterable

from broker.dialogue import Dialogue, Heard
from broker.port import StreamEvents
from broker.stream import ABNORMAL, KeepAlive, Link, Patience
from domain.books import OrderPush
from domain.calls import StreamChange, StreamState
from domain.market import Source, Tick
from domain.units import Micros, Symbol, seconds
from research.timeline import Timeline
from sandbox.api.desk import Desk
from sandbox.faults import Connection as Known
from sandbox.faults import Script
from sandbox.faults.wire import Wire
from sandbox.frames import Frames
from sandbox.interference import Door, Interference, Newcomer
from sandbox.kinds import Out
from sandbox.stream import StreamSession

CONNECT_TAKES = seconds(0.02)
"""How long a connection takes in virtual time: TCP, the upgrade and the first answers."""

Pairs = tuple[tuple[Symbol, str], ...]

_LINK = Link(url="", api_key="")
"""The patience of the client's socket, where nobody sets another."""


class Site:
    """What every stream of one world shares: the account, and the faults in force."""

    def __init__(self, timeline: Timeline, desk: Desk, api_key: str) -> None:
        self.timeline = timeline
        self.api_key = api_key
        self.interference = Interference(desk.exchange, Script())
        self._desk = desk
        self._frames = Frames(is_live=desk.is_live, quirks=desk.exchange.quirks)

    def session(self) -> StreamSession:
        """Return a fresh session of the server."""
        return StreamSession(self._desk, self._frames, self.timeline.now())

    def knocks(self, source: Source) -> Newcomer:
        """Number a connection and say whether it is let in."""
        return self.interference.knocks(self.timeline.now(), source.value)

    def opened(self, stream: "VirtualStream", known: Known) -> None:
        """Know a connection, and look at it again when a fault will be due."""
        for due in self.interference.opened(self.timeline.now(), stream, known):
            self.timeline.later(due, lambda: self.interference.step(self.timeline.now()))

    def closed(self, stream: "VirtualStream") -> None:
        """Forget a connection."""
        self.interference.closed(stream)


class VirtualStream:
    """`broker.port.Stream` on the paper exchange's own sessions. One thread.

    Keeps itself alive as the socket's thread does: a ping that nobody answers ends the connection,
    a question that nobody answers is given up.
    """

    def __init__(self, site: Site, chunk: int, source: Source = Source.PRIMARY) -> None:
        self._timeline = site.timeline
        self._site = site
        self._chunk = chunk
        self._source = source
        self._events: StreamEvents | None = None
        self._session: StreamSession | None = None
        self._dialogue: Dialogue | None = None
        self._wire: Wire | None = None
        self._alive: KeepAlive | None = None
        self._patience = Patience(_LINK.answer_s)
        self._epoch = 0
        self._is_deaf = False
        self._is_hung = False
        self.changed: Callable[[], None] = lambda: None

    def listen(self, events: StreamEvents) -> None:
        """Deliver to `events` from now on."""
        self._events = events

    @property
    def symbols(self) -> set[Symbol]:
        """The symbols the open connection holds."""
        return self._session.symbols if self._session else set()

    def connect(self, epoch: int, symbols: Pairs) -> None:
        """Drop any connection and open a new one a moment later."""
        self._drop()
        self._epoch = epoch
        self._report(StreamState.CONNECTING)
        at = Micros(self._timeline.now() + CONNECT_TAKES)
        self._timeline.later(at, lambda: self._open(epoch, symbols))

    def subscribe(self, symbols: Pairs) -> None:
        """Subscribe more symbols on the open connection."""
        if self._dialogue is not None:
            self._talk(self._dialogue.subscribe(symbols))

    def resubscribe(self, symbols: Pairs) -> None:
        """Unsubscribe symbols on the open connection and subscribe them again."""
        if self._dialogue is not None:
            self._talk(self._dialogue.resubscribe(symbols))

    def close(self) -> None:
        """Close the connection."""
        self._drop()
        self._epoch = 0

    def deafen(self, *, deaf: bool) -> None:
        """Stop answering, or answer again."""
        self._is_deaf = deaf

    def hang(self) -> None:
        """Take and give nothing any more."""
        self._is_hung = True

    def end(self, code: int, reason: str) -> None:
        """Close from the server's side."""
        if self._session is not None:
            self._drop()
            self._report(StreamState.CLOSED, code, reason)

    def reset(self) -> None:
        """End as a TCP reset is told by the client's library."""
        self.end(ABNORMAL, "ConnectionResetError: [Errno 104] Connection reset by peer")

    def deliver(self, outs: Iterable[Out], at: Micros) -> None:
        """Hand on what the exchange put out: prices as one batch, order updates one by one.

        What a fault holds back is handed on by a later call, received when it was due.
        """
        if self._wire is None or self._dialogue is None or self._is_hung:
            return
        for out in outs:
            self._wire.put(out)
        ticks: list[Tick] = []
        pushes: list[OrderPush] = []
        for delivery in self._wire.take(at):
            heard = self._dialogue.on_frame(delivery.frame, delivery.due)
            ticks += heard.ticks
            pushes += heard.pushes
        if self._events is not None:
            if ticks:
                self._events.ticks(tuple(ticks))
            for push in pushes:
                self._events.order(push)

    def keep_alive(self, at: Micros) -> None:
        """Ping when it is time, and give up a question or all when nobody answers."""
        alive, dialogue = self._alive, self._dialogue
        if alive is None or dialogue is None:
            return
        if alive.is_due(at):
            self._talk((dialogue.ping(at),))
        alive.hear(dialogue.pongs)
        if alive.is_dead(at):
            self.end(ABNORMAL, f"no pong within {_LINK.pong_s} s")
        elif self._patience.is_over(dialogue.question, at):
            heard = dialogue.give_up(at)
            self._heard(heard)
            self._talk(heard.frames)

    def _open(self, epoch: int, symbols: Pairs) -> None:
        if epoch != self._epoch:
            return
        newcomer = self._site.knocks(self._source)
        if newcomer.door is Door.REFUSED:
            self._report(StreamState.CLOSED, ABNORMAL, "connection refused")
        elif newcomer.door is Door.HUNG:
            patience = Micros(self._timeline.now() + seconds(_LINK.connect_timeout_s))
            self._timeline.later(patience, lambda: self._given_up(epoch))
        else:
            self._converse(newcomer.known, symbols)

    def _given_up(self, epoch: int) -> None:
        if epoch == self._epoch:
            text = "WebSocketTimeoutException: Connection timed out"
            self._report(StreamState.CLOSED, ABNORMAL, text)

    def _converse(self, known: Known, symbols: Pairs) -> None:
        now = self._timeline.now()
        self._session = self._site.session()
        self._wire = self._site.interference.wire(self._session, known)
        self._alive = KeepAlive(_LINK.ping_s, _LINK.pong_s, now)
        self._patience = Patience(_LINK.answer_s)
        self._is_deaf = self._is_hung = False
        key = self._site.api_key
        self._dialogue = Dialogue(self._source, self._epoch, key, symbols, self._chunk)
        self._site.opened(self, known)
        if self._dialogue is not None:
            self._talk(self._dialogue.on_open())

    def _talk(self, frames: tuple[bytes, ...]) -> None:
        """Say something and hear the answers out, until nobody has more to say."""
        waiting = list(frames)
        while waiting and self._session is not None and self._dialogue is not None:
            said = waiting.pop(0)
            if self._is_hung:
                continue
            for reply in self._session.receive(self._timeline.now(), said):
                if not self._is_deaf:
                    heard = self._dialogue.on_frame(reply, self._timeline.now())
                    waiting += heard.frames
                    self._heard(heard)
        self.changed()

    def _heard(self, heard: Heard) -> None:
        if heard.change is not None and self._events is not None:
            self._events.changed(heard.change)

    def _report(self, state: StreamState, code: int = 0, text: str = "") -> None:
        if self._events is None:
            return
        change = StreamChange(
            source=self._source,
            epoch=self._epoch,
            state=state,
            at=self._timeline.now(),
            code=code,
            text=text,
        )
        self._events.changed(change)

    def _drop(self) -> None:
        self._session = None
        self._dialogue = None
        self._wire = None
        self._alive = None
        self._site.closed(self)
        self.changed()
