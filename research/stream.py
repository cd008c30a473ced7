"""The stream in virtual time: the server's session and the client's dialogue, face to face.

Every price crosses as the JSON bytes it would cross a socket as.
"""

from collections.abc import Callable, Iterable

from broker.dialogue import Dialogue, Heard
from broker.port import StreamEvents
from domain.books import OrderPush
from domain.calls import StreamChange, StreamState
from domain.market import Source, Tick
from domain.units import Micros, Symbol, seconds
from research.timeline import Timeline
from sandbox.api.desk import Desk
from sandbox.frames import Frames
from sandbox.kinds import Out, PriceOut
from sandbox.stream import StreamSession

CONNECT_TAKES = seconds(0.02)
"""How long a connection takes in virtual time: TCP, the upgrade and the first answers."""

Pairs = tuple[tuple[Symbol, str], ...]


class VirtualStream:
    """`broker.port.Stream` on the paper exchange's own sessions. One thread."""

    def __init__(
        self, timeline: Timeline, desk: Desk, frames: Frames, api_key: str, chunk: int
    ) -> None:
        self._timeline = timeline
        self._desk = desk
        self._frames = frames
        self._api_key = api_key
        self._chunk = chunk
        self._events: StreamEvents | None = None
        self._session: StreamSession | None = None
        self._dialogue: Dialogue | None = None
        self._epoch = 0
        self.changed: Callable[[], None] = lambda: None
        self.is_mute = False
        self.refused: Callable[[], bool] = lambda: False
        self.opened: Callable[[], None] = lambda: None

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

    def close(self) -> None:
        """Close the connection."""
        self._drop()
        self._epoch = 0

    def deafen(self, *, deaf: bool) -> None:
        """Take no notice: pings of the transport do not exist in virtual time."""

    def end(self, code: int, reason: str) -> None:
        """Close from the server's side."""
        if self._session is not None:
            self._drop()
            self._report(StreamState.CLOSED, code, reason)

    def deliver(self, outs: Iterable[Out]) -> None:
        """Hand on what the exchange put out: prices as one batch, order updates one by one."""
        if self._session is None or self._dialogue is None or self.is_mute:
            return
        ticks: list[Tick] = []
        pushes: list[OrderPush] = []
        for out in outs:
            if isinstance(out, PriceOut):
                frame = self._session.market(out)
            else:
                frame = self._session.order(out)
            if frame is not None:
                heard = self._dialogue.on_frame(frame, out.at)
                ticks += heard.ticks
                pushes += heard.pushes
        if self._events is not None:
            if ticks:
                self._events.ticks(tuple(ticks))
            for push in pushes:
                self._events.order(push)

    def _open(self, epoch: int, symbols: Pairs) -> None:
        if epoch != self._epoch:
            return
        if self.refused():
            self._report(StreamState.CLOSED, 1006, "connection refused")
            return
        now = self._timeline.now()
        self._session = StreamSession(self._desk, self._frames, now)
        self.is_mute = False
        self.opened()
        self._dialogue = Dialogue(Source.PRIMARY, epoch, self._api_key, symbols, self._chunk)
        self._talk(self._dialogue.on_open())

    def _talk(self, frames: tuple[bytes, ...]) -> None:
        """Say something and hear the answers out, until nobody has more to say."""
        waiting = list(frames)
        while waiting and self._session is not None and self._dialogue is not None:
            for reply in self._session.receive(self._timeline.now(), waiting.pop(0)):
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
            source=Source.PRIMARY,
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
        self.changed()
