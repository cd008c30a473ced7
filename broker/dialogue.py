"""The conversation on one socket of the stream, as a pure state machine.

Authenticate and wait for the answer; subscribe the first symbols and wait for each one's own
result; then the rest, chunk by chunk; then order updates. One question is out at a time, because an
error frame does not say what it is about. The shell owns the socket, the clock and the keep-alive.
"""

from collections import deque
from collections.abc import Iterable
from enum import Enum, auto
from typing import NamedTuple

from msgspec.structs import replace

from broker import wire_frames as frames
from broker.wire import scrubbed, spellings
from broker.wire_frames import Pair
from domain.books import OrderPush
from domain.calls import StreamChange, StreamState
from domain.errors import WireError
from domain.market import Source, Tick
from domain.units import Micros, Symbol


class Heard(NamedTuple):
    """What one frame brought, and what is to be sent because of it."""

    ticks: tuple[Tick, ...] = ()
    pushes: tuple[OrderPush, ...] = ()
    change: StreamChange | None = None
    frames: tuple[bytes, ...] = ()


class Question(NamedTuple):
    """Symbols to subscribe or, `ends`, to unsubscribe: one frame, and its answer is waited for."""

    pairs: tuple[Pair, ...]
    ends: bool = False


class Phase(Enum):
    """How far the conversation is."""

    AUTHENTICATING = auto()
    SUBSCRIBING = auto()
    READY = auto()
    REFUSED = auto()


_NOTHING = Heard()
_UNANSWERED = "not answered"
# These end the connection's use whatever was asked: the server answers, but nothing will flow.
DENIED = "AUTHENTICATION_ERROR"
_FATAL = frozenset({DENIED, "NOT_AUTHENTICATED"})


class Dialogue:
    """One connection's conversation. One thread at a time.

    `bad` counts frames that were refused: they never end a connection. `pongs` counts answers to
    our pings. Only the primary asks for order updates: those of a backup are somebody else's. An
    answer may be lost or garbled: the shell gives the question up when it has waited long enough.
    """

    def __init__(
        self, source: Source, epoch: int, api_key: str, pairs: Iterable[Pair], chunk: int
    ) -> None:
        self._source = source
        self._epoch = epoch
        self._api_key = api_key
        self._hidden = spellings(api_key)
        self._chunk = chunk
        self._wanted: dict[Pair, None] = {}
        self._todo: deque[Question] = deque()
        self._asked: Question | None = None
        self._refused: dict[Pair, str] = {}
        self._seq = 0
        self._questions = 0
        self._pings = 0
        self._orders_asked = source is not Source.PRIMARY
        self.phase = Phase.AUTHENTICATING
        self.pongs = 0
        self.bad = 0
        self.last_bad = ""
        self._want(pairs)

    @property
    def question(self) -> int:
        """The number of the question that is out, 0 if none is."""
        return self._questions if self._asked else 0

    def scrubbed(self, frame: bytes) -> bytes:
        """Return a frame, sent or received, without the key."""
        return scrubbed(frame, self._hidden)

    def on_open(self) -> tuple[bytes, ...]:
        """Return what to send first."""
        return (frames.authenticate(self._api_key),)

    def on_frame(self, data: bytes, recv_at: Micros) -> Heard:
        """Take one frame, received at a market instant. Never raises for what a server sends.

        What it says is told on without the API key, should the server have echoed it.
        """
        try:
            frame = frames.decode(scrubbed(data, self._hidden))
            if isinstance(frame, frames.MarketData):
                return Heard(ticks=(self._tick(frame, recv_at),))
            if isinstance(frame, frames.OrderUpdate) and self._source is Source.PRIMARY:
                return Heard(pushes=(frames.push(frame, recv_at),))
            return self._answer(frame, recv_at)
        except WireError as error:
            self.bad += 1
            self.last_bad = str(error)
            return _NOTHING

    def subscribe(self, pairs: Iterable[Pair]) -> tuple[bytes, ...]:
        """Return what to send for more symbols; they wait their turn if a question is out."""
        self._want(pairs)
        return self._resume()

    def resubscribe(self, pairs: Iterable[Pair]) -> tuple[bytes, ...]:
        """Return what to send to end some symbols and ask for them again."""
        held = tuple(dict.fromkeys(pairs))
        for start in range(0, len(held), self._chunk):
            self._todo.append(Question(held[start : start + self._chunk], ends=True))
        self._want(held)
        return self._resume()

    def give_up(self, at: Micros) -> Heard:
        """Count the question that is out as not answered, and go on with the next."""
        if self._asked is None:
            return _NOTHING
        if not self._asked.ends:
            self._refused.update(dict.fromkeys(self._asked.pairs, _UNANSWERED))
        return self._go_on(at)

    def ping(self, at: Micros) -> bytes:
        """Return a keep-alive frame."""
        self._pings += 1
        return frames.ping(self._pings, at)

    def changed(self, state: StreamState, at: Micros, code: int, text: str) -> StreamChange:
        """Return a change of this connection's state, with what was subscribed if it is READY.

        `text` may be a server's; the API key is taken out of it.
        """
        answered = [pair for pair in self._wanted if pair not in self._refused]
        return StreamChange(
            source=self._source,
            epoch=self._epoch,
            state=state,
            at=at,
            code=code,
            text=scrubbed(text.encode("utf-8", "replace"), self._hidden).decode(),
            subscribed=len(answered) if state is StreamState.READY else 0,
            refused=tuple(Symbol(symbol) for symbol, _ in self._refused),
        )

    def _want(self, pairs: Iterable[Pair]) -> None:
        fresh = tuple(dict.fromkeys(pairs))
        self._wanted.update(dict.fromkeys(fresh))
        for start in range(0, len(fresh), self._chunk):
            self._todo.append(Question(fresh[start : start + self._chunk]))

    def _resume(self) -> tuple[bytes, ...]:
        is_idle = self.phase is Phase.READY and self._asked is None
        return self._next_question() if is_idle else ()

    def _tick(self, frame: frames.MarketData, recv_at: Micros) -> Tick:
        if (frame.symbol, frame.exchange) not in self._wanted:
            raise WireError(f"price of a symbol never asked for: {frame.symbol} {frame.exchange}")
        tick = frames.tick(frame, recv_at, self._source, self._epoch, self._seq + 1)
        self._seq += 1
        return tick

    def _answer(self, frame: frames.Frame, at: Micros) -> Heard:
        match frame:
            case frames.Pong():
                self.pongs += 1
            case frames.AuthResult() if self.phase is Phase.AUTHENTICATING:
                return self._authenticated(frame, at)
            case frames.SubscribeResult():
                return self._subscribed(frame, at)
            case frames.UnsubscribeResult() if self._asked and self._asked.ends:
                return self._go_on(at)
            case frames.Refusal():
                return self._error(frame, at)
            case _:
                pass
        return _NOTHING

    def _authenticated(self, frame: frames.AuthResult, at: Micros) -> Heard:
        if frame.status != "success":
            return self._refuse(f"authentication: {frame.message}", at, is_denied=True)
        self.phase = Phase.SUBSCRIBING
        return self._go_on(at)

    def _subscribed(self, frame: frames.SubscribeResult, at: Micros) -> Heard:
        asked = self._asked.pairs if self._asked and not self._asked.ends else ()
        said = {(each.symbol, each.exchange): each for each in frame.subscriptions}
        is_ours = any(pair in said for pair in asked)
        late = [pair for pair in self._refused if pair in said and pair not in asked]
        for pair in late:
            self._note(pair, said[pair])
        # A late answer, to a question that was given up, is none to the one that is out.
        if not asked or (late and not is_ours):
            return _NOTHING
        for pair in asked:
            self._note(pair, said.get(pair))
        return self._go_on(at)

    def _note(self, pair: Pair, result: frames.Subscription | None) -> None:
        if result is not None and result.status == "success":
            self._refused.pop(pair, None)
        else:
            self._refused[pair] = str(result.message) if result else _UNANSWERED

    def _error(self, refusal: frames.Refusal, at: Micros) -> Heard:
        text = f"{refusal.code}: {refusal.message}"
        is_fatal = refusal.code in _FATAL or refusal.code.startswith("BROKER_")
        if self.phase is Phase.AUTHENTICATING or is_fatal:
            return self._refuse(text, at, is_denied=refusal.code == DENIED)
        if self._asked is None:
            raise WireError(text)
        if not self._asked.ends:
            self._refused.update(dict.fromkeys(self._asked.pairs, text))
        return self._go_on(at)

    def _go_on(self, at: Micros) -> Heard:
        """Ask the next question, or say that all were answered."""
        self._asked = None
        if self._todo:
            return Heard(frames=self._next_question())
        self.phase = Phase.READY
        closing = () if self._orders_asked else (frames.subscribe_orders(),)
        self._orders_asked = True
        return Heard(change=self._change(StreamState.READY, at), frames=closing)

    def _next_question(self) -> tuple[bytes, ...]:
        if not self._todo:
            return ()
        self._asked = self._todo.popleft()
        self._questions += 1
        if self._asked.ends:
            return (frames.unsubscribe(self._asked.pairs),)
        return (frames.subscribe(self._asked.pairs, f"s{self._questions}"),)

    def _refuse(self, text: str, at: Micros, *, is_denied: bool) -> Heard:
        self.phase = Phase.REFUSED
        self._asked = None
        change = self._change(StreamState.REFUSED, at, text)
        return Heard(change=replace(change, is_denied=is_denied))

    def _change(self, state: StreamState, at: Micros, text: str = "") -> StreamChange:
        reasons = "; ".join(sorted(set(self._refused.values())))
        return self.changed(state, at, 0, text or reasons[:200])
