"""The conversation on one socket to another OpenAlgo server, as a pure state machine.

Authenticate, wait for the answer, subscribe everything chunk by chunk. What a broker refuses in one
mode is asked for once more in the next lower one. Nothing is said but the two words of `Action`,
and neither can trade.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

import msgspec

from sandbox.market.live import Seen
from sandbox.relay import wire
from sandbox.relay.wire import Pair

MODES = ("ltp", "quote", "depth")
"""How much of a price may be subscribed; the mode of the wire is its place, counted from 1."""

FATAL = frozenset({"AUTHENTICATION_ERROR", "NOT_AUTHENTICATED"})
BROKEN = "BROKER_"
"""What codes begin with that leave a socket open and useless."""

_encode = msgspec.json.Encoder().encode


class Action(StrEnum):
    """Every word that is ever said on the stream of another server."""

    AUTHENTICATE = "authenticate"
    SUBSCRIBE = "subscribe"


class Refused(Exception):
    """The server will not serve this connection; `text` is what it said, without the key."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class Heard(NamedTuple):
    """What one frame brought, and what is to be said because of it."""

    seen: Seen | None = None
    frames: tuple[bytes, ...] = ()


class _Subscription(msgspec.Struct):
    symbol: str = ""
    exchange: str = ""
    status: str = ""


class _Frame(msgspec.Struct):
    type: Any = None
    status: Any = None
    code: Any = None
    message: Any = None
    supported_features: Any = None
    subscriptions: list[_Subscription] = []


_FRAME = msgspec.json.Decoder(_Frame)
NOTHING = Heard()


class Dialogue:
    """One connection. `mode` is the one that was granted; `bad` counts frames nobody could read.

    `refused` are the symbols that no mode was granted for.
    """

    def __init__(self, api_key: str, pairs: Sequence[Pair], mode: str, chunk: int) -> None:
        self.mode = mode
        self.bad = 0
        self.is_ready = False
        self.refused: set[Pair] = set()
        self._api_key = api_key
        self._pairs = pairs
        self._chunk = chunk
        self._asked_in: dict[Pair, int] = {}

    def on_open(self) -> bytes:
        """Return the first frame."""
        return said(Action.AUTHENTICATE, api_key=self._api_key)

    def hear(self, frame: str | bytes) -> Heard:
        """Take a frame. Raises Refused if nothing will come of this connection."""
        try:
            # The hot path: most frames are prices, and say so in their first bytes.
            if '"market_data"' in (frame if isinstance(frame, str) else frame.decode()):
                return Heard(wire.price(frame))
            told = _FRAME.decode(frame)
        except (wire.Unreadable, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self.bad += 1
            return NOTHING
        return self._told(told)

    def _told(self, told: _Frame) -> Heard:
        if told.type == "auth" and told.status == "success":
            self.mode = granted(self.mode, told.supported_features)
            return Heard(frames=self._subscribe(self._pairs, MODES.index(self.mode)))
        if told.type == "subscribe":
            return self._subscribed(told.subscriptions)
        code = str(told.code or "")
        if told.type == "auth" or code in FATAL or code.startswith(BROKEN):
            text = f"{code} {told.message or told.status or ''}".strip()
            raise Refused(text.replace(self._api_key, "***")[:200])
        return NOTHING

    def _subscribed(self, rows: Iterable[_Subscription]) -> Heard:
        """Ask again, one mode lower, for what was refused."""
        self.is_ready = True
        again: dict[int, list[Pair]] = {}
        for row in rows:
            pair = row.symbol, row.exchange
            if row.status == "success" or pair not in self._asked_in:
                continue
            if self._asked_in[pair]:
                again.setdefault(self._asked_in[pair] - 1, []).append(pair)
            else:
                self.refused.add(pair)
        frames = (self._subscribe(pairs, mode) for mode, pairs in again.items())
        return Heard(frames=tuple(frame for several in frames for frame in several))

    def _subscribe(self, pairs: Sequence[Pair], mode: int) -> tuple[bytes, ...]:
        for pair in pairs:
            self._asked_in[pair] = mode
        parts = [pairs[n : n + self._chunk] for n in range(0, len(pairs), self._chunk)]
        return tuple(
            said(
                Action.SUBSCRIBE,
                mode=mode + 1,
                symbols=[{"symbol": symbol, "exchange": exchange} for symbol, exchange in part],
            )
            for part in parts
        )


def said(action: Action, **fields: Any) -> bytes:
    """Return one frame of ours."""
    return _encode({"action": Action(action).value, **fields})


def granted(wanted: str, features: Any) -> str:
    """Return the fullest mode up to `wanted` that a server says it has; silence is consent."""
    if not isinstance(features, Mapping):
        return wanted
    for mode in reversed(MODES[: MODES.index(wanted) + 1]):
        if features.get(mode) is not False:
            return mode
    return MODES[0]
