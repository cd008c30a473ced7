"""One WebSocket client as the server sees it: what it said, holds, and is answered.

Pure; the words are OpenAlgo's (`openalgo.md` 6). Errors carry neither a type nor a request id.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from domain.units import Micros, Symbol, seconds
from sandbox.api.desk import BROKER, Desk
from sandbox.api.spelling import milliseconds
from sandbox.frames import USER, Frames, StreamMode
from sandbox.kinds import OrderOut, PriceOut

AUTH_GRACE = seconds(15)
AUTH_TIMEOUT = (4401, "auth timeout")
DEPTH = 5
DEFAULT_MODE = StreamMode.QUOTE.value

Said = Mapping[str, Any]
Row = dict[str, object]
Pair = tuple[str, str]

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode
_LABELS = {mode.name: mode for mode in StreamMode}


class Wrong(Exception):
    """A frame cannot be served; the client is told `code` and the text, nothing else."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(code, text)
        self.code = code
        self.text = text


class StreamSession:
    """One connection. `opened` is machine time; market time is handed in with each frame.

    `has_subscribed` turns true with the first subscription that worked, and stays so; `subscribed`
    is called with each.
    """

    def __init__(self, desk: Desk, frames: Frames, opened: Micros) -> None:
        self._desk = desk
        self._frames = frames
        self._opened = opened
        self._held: dict[Pair, list[StreamMode]] = {}
        self._wants_orders = False
        self.is_authenticated = False
        self.has_subscribed = False
        self.subscribed: Callable[[Micros, Symbol], None] = lambda *_: None
        self._actions: dict[object, Callable[[Micros, Said], Row]] = {
            "authenticate": self._authenticate,
            "auth": self._authenticate,
            "subscribe": self._subscribe,
            "unsubscribe": self._unsubscribe,
            "unsubscribe_all": self._unsubscribe,
            "subscribe_orders": self._subscribe_orders,
            "unsubscribe_orders": self._unsubscribe_orders,
            "ping": self._pong,
            "get_broker_info": self._broker_info,
            "get_supported_brokers": _supported_brokers,
        }

    @property
    def symbols(self) -> set[Symbol]:
        """The symbols this client holds in any mode."""
        return {Symbol(symbol) for symbol, _ in self._held}

    def receive(self, at: Micros, raw: bytes | str) -> list[bytes]:
        """Take one frame at a market instant and return the frames that answer it."""
        try:
            return [_encode(self._answer(at, _said(raw)))]
        except Wrong as wrong:
            return [_encode({"status": "error", "code": wrong.code, "message": wrong.text})]

    def market(self, price: PriceOut, cap: StreamMode | None = None) -> bytes | None:
        """Return the frame of a price in the highest mode this client holds, if it holds any.

        `cap` is the most that a degraded platform delivers.
        """
        modes = self._held.get((price.symbol, price.exchange))
        if not modes:
            return None
        mode = max(modes)
        return self._frames.market(price, mode if cap is None else min(mode, cap))

    def order(self, out: OrderOut) -> bytes | None:
        """Return the frame of an order change if this client wants them."""
        is_told = self._wants_orders and "push_none" not in self._desk.exchange.quirks
        return self._frames.order(out) if is_told else None

    def closing(self, at: Micros) -> tuple[int, str] | None:
        """Return close code and reason if this client never authenticated; machine time."""
        late = not self.is_authenticated and at - self._opened >= AUTH_GRACE
        return AUTH_TIMEOUT if late else None

    def _answer(self, at: Micros, said: Said) -> Row:
        action = said.get("action") or said.get("type")
        serve = self._actions.get(action) if isinstance(action, str) else None
        if serve is None:
            raise Wrong("INVALID_ACTION", f"Invalid action: {action}")
        return serve(at, said)

    def _authenticate(self, at: Micros, said: Said) -> Row:
        del at
        key = said.get("api_key") or said.get("apikey")
        if not key:
            raise Wrong("AUTHENTICATION_ERROR", "API key is required")
        if key != self._desk.api_key:
            raise Wrong("AUTHENTICATION_ERROR", "Invalid API key")
        self.is_authenticated = True
        return {
            "type": "auth",
            "status": "success",
            "message": "Authentication successful",
            "broker": BROKER,
            "user_id": USER,
            "supported_features": {"ltp": True, "quote": True, "depth": True},
        }

    def _check_authenticated(self) -> None:
        if not self.is_authenticated:
            raise Wrong("NOT_AUTHENTICATED", "You must authenticate first")

    def _subscribe(self, at: Micros, said: Said) -> Row:
        self._check_authenticated()
        mode = stream_mode(said.get("mode", "Quote"))
        entries = _several(said) or _flat(said)
        if not entries:
            raise Wrong("INVALID_PARAMETERS", "At least one symbol must be specified")
        rows = [self._subscribed(at, pair, mode) for entry in entries if (pair := _pair(entry))]
        bad = any(row["status"] == "error" for row in rows)
        return {
            "type": "subscribe",
            "status": "partial" if bad else "success",
            "subscriptions": rows,
            "message": "Subscription processing complete",
            "broker": BROKER,
            **_echo(said),
        }

    def _subscribed(self, at: Micros, pair: Pair, mode: StreamMode) -> Row:
        row: Row = {"symbol": pair[0], "exchange": pair[1]}
        if self._desk.exchange.instrument(*pair) is None:
            text = f"Symbol {pair[0]} not found for exchange {pair[1]}"
            return {**row, "status": "error", "message": text, "broker": BROKER}
        modes = self._held.setdefault(pair, [])
        if mode not in modes:
            modes.append(mode)
        self.has_subscribed = True
        self.subscribed(at, Symbol(pair[0]))
        more = {"status": "success", "mode": mode.label, "depth": DEPTH, "broker": BROKER}
        return {**row, **more}

    def _unsubscribe(self, at: Micros, said: Said) -> Row:
        del at
        self._check_authenticated()
        if "unsubscribe_all" in (said.get("type"), said.get("action")):
            gone = [pair for pair, modes in self._held.items() for _ in modes]
            self._held.clear()
            return _unsubscribed([_gone(pair) for pair in gone], [], said)
        if several := _several(said):
            return self._let_go(several, said)
        if not (flat := _flat(said)):
            raise Wrong("INVALID_PARAMETERS", "Either symbols or unsubscribe_all is required")
        stream_mode(said.get("mode", DEFAULT_MODE))
        return self._let_go(flat, said)

    def _let_go(self, entries: list[Said], said: Said) -> Row:
        done: list[Row] = []
        failed: list[Row] = []
        for entry in entries:
            row: Row = {"symbol": entry.get("symbol"), "exchange": entry.get("exchange")}
            try:
                mode = stream_mode(entry.get("mode", DEFAULT_MODE))
            except Wrong as wrong:
                failed.append({**row, "status": "error", "message": wrong.text, "broker": BROKER})
                continue
            if pair := _pair(entry):
                self._drop(pair, mode)
                done.append(_gone(pair))
        return _unsubscribed(done, failed, said)

    def _drop(self, pair: Pair, mode: StreamMode) -> None:
        modes = self._held.get(pair, [])
        if mode in modes:
            modes.remove(mode)
        if not modes:
            self._held.pop(pair, None)

    def _subscribe_orders(self, at: Micros, said: Said) -> Row:
        del at
        self._check_authenticated()
        self._wants_orders = True
        return _orders_answer("subscribe_orders", "Subscribed to order updates", said)

    def _unsubscribe_orders(self, at: Micros, said: Said) -> Row:
        del at
        self._check_authenticated()
        self._wants_orders = False
        return _orders_answer("unsubscribe_orders", "Unsubscribed from order updates", said)

    def _pong(self, at: Micros, said: Said) -> Row:
        return _pong(Micros(at + self._desk.skew), said)

    def _broker_info(self, at: Micros, said: Said) -> Row:
        del at, said
        self._check_authenticated()
        return {
            "type": "broker_info",
            "status": "success",
            "broker": BROKER,
            "adapter_status": "connected",
            "user_id": USER,
        }


def stream_mode(value: object) -> StreamMode:
    """Read a mode as 1, 2, 3 or by its name in any case; anything else is Wrong."""
    if isinstance(value, bool):
        raise Wrong("INVALID_MODE", f"Mode must be int or str, got bool ({value!r})")
    if isinstance(value, int):
        if value not in set(StreamMode):
            text = f"Invalid mode {value}; expected 1 (LTP), 2 (Quote), or 3 (Depth)"
            raise Wrong("INVALID_MODE", text)
        return StreamMode(value)
    if isinstance(value, str):
        mode = _LABELS.get(value.strip().upper())
        if mode is None:
            text = f"Invalid mode {value!r}; expected 'LTP', 'Quote', or 'Depth' (case-insensitive)"
            raise Wrong("INVALID_MODE", text)
        return mode
    raise Wrong("INVALID_MODE", f"Mode must be int or str, got {type(value).__name__}")


def _said(raw: bytes | str) -> Said:
    try:
        said = _decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Wrong("INVALID_JSON", "Invalid JSON message") from None
    return _mapping(said)


def _mapping(value: object) -> Said:
    """Return an object, or stumble in the real server's words."""
    if isinstance(value, dict):
        return value
    raise Wrong("SERVER_ERROR", f"{type(value).__name__!r} object has no attribute 'get'")


def _several(said: Said) -> list[Said]:
    entries = said.get("symbols") or []
    if isinstance(entries, int | float):
        raise Wrong("SERVER_ERROR", f"{type(entries).__name__!r} object is not iterable")
    return [_mapping(entry) for entry in entries]


def _flat(said: Said) -> list[Said]:
    return [said] if _pair(said) else []


def _pair(entry: Said) -> Pair | None:
    symbol, exchange = entry.get("symbol"), entry.get("exchange")
    return (str(symbol), str(exchange)) if symbol and exchange else None


def _echo(said: Said) -> Row:
    request_id = said.get("request_id")
    return {} if request_id is None else {"request_id": request_id}


def _gone(pair: Pair) -> Row:
    return {"symbol": pair[0], "exchange": pair[1], "status": "success", "broker": BROKER}


def _unsubscribed(done: list[Row], failed: list[Row], said: Said) -> Row:
    status = "success" if not failed else "partial" if done else "error"
    return {
        "type": "unsubscribe",
        "status": status,
        "message": "Unsubscription processing complete",
        "successful": done,
        "failed": failed,
        "broker": BROKER,
        **_echo(said),
    }


def _orders_answer(kind: str, text: str, said: Said) -> Row:
    return {"type": kind, "status": "success", "message": text, **_echo(said)}


def _pong(at: Micros, said: Said) -> Row:
    row: Row = {"type": "pong", "status": "success", "server_timestamp": milliseconds(at)}
    if (client := said.get("timestamp")) is not None:
        row["client_timestamp"] = client
    if (ping_id := said.get("_pingId")) is not None:
        row["_pingId"] = ping_id
    return row


def _supported_brokers(at: Micros, said: Said) -> Row:
    del at, said
    return {"type": "supported_brokers", "status": "success", "brokers": [BROKER], "count": 1}
