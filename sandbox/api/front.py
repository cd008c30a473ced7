"""The front of the REST side: bytes in, and an answer that exists once the exchange got there.

Pure: the server and the pump both stand in front of it and hand the time in. The order of checks
is OpenAlgo's: rate limit, JSON, schema, key, then the route itself.
"""

from collections.abc import Callable
from decimal import Decimal
from hashlib import blake2b
from typing import Any

import msgspec

from domain.units import Micros, seconds
from sandbox.api.answers import (
    Answer,
    Refused,
    bare,
    not_found,
    refusal,
    schema_error,
    server_fault,
    success,
)
from sandbox.api.desk import Desk
from sandbox.api.fields import Invalid
from sandbox.api.limits import MovingWindows
from sandbox.api.orders import answered
from sandbox.api.quirks import forgiven
from sandbox.api.requests import History
from sandbox.api.routes import ROUTES, Read, Route, Write
from sandbox.faults.answers import WELL, Ills

PREFIX = "/api/v1/"
HISTORY_GAP = seconds(0.35)
NOT_JSON = "The browser (or proxy) sent a request that this server could not understand."

Befall = Callable[[Micros, str, bool, bytes], Ills]
"""What befalls a call: its instant, its route, whether it is a write, and its body."""

_decode = msgspec.json.Decoder(float_hook=Decimal).decode


class Call:
    """One call; `answer` may be asked once the exchange has advanced to `ready_at`.

    A read may also be answered earlier, if the market clock stands still meanwhile: it tells what
    the exchange holds then. `wants` are the bars it tells of: where somebody else keeps them, they
    are fetched ahead of the answer.
    """

    def __init__(
        self,
        ready_at: Micros,
        answer: Callable[[], Answer],
        *,
        is_read: bool = True,
        wants: History | None = None,
    ) -> None:
        self.ready_at = ready_at
        self.answer = answer
        self.is_read = is_read
        self.wants = wants


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A call as it came, with the name of its route and what befalls it."""

    route: str
    body: bytes
    content_type: str
    peer: str
    ills: Ills = WELL

    @property
    def digest(self) -> str:
        """A short name of the body for ground truth; the key cannot be read from it."""
        return blake2b(self.body, digest_size=8).hexdigest()


class Broken(Exception):
    """The body is no JSON object; `answer` says so, `reason` is its class in ground truth."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer)
        self.answer = answer


class Api:
    """The REST side of one account. `at` must not go back in time. One thread at a time."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._windows = MovingWindows()
        self._stood = 0
        self._history_free = Micros(0)
        self.befall: Befall = lambda *_: WELL

    def stand(self, span: Micros) -> None:
        """Count a span of this machine's time in which the market clock stood still.

        Rate windows and the spacing of history go on meanwhile, or a client that prepares itself
        before the market starts would stay refused for ever.
        """
        self._stood += span

    def call(
        self, at: Micros, method: str, path: str, body: bytes, content_type: str, peer: str
    ) -> Call:
        """Take a call at the market instant `at`; `peer` is the caller's address.

        A read looks at the exchange when it is answered, a write is handed over at once.
        """
        name = path.removeprefix(PREFIX).removesuffix("/")
        route = ROUTES.get(name) if path.startswith(PREFIX) and method == "POST" else None
        if route is None:
            return _at_once(at, not_found(path))
        request = Request(route=name, body=body, content_type=content_type, peer=peer)
        if not self._windows.passes(self._lived(at), peer, name, route.limit):
            self._arrived(at, route, request, "rate")
            return _at_once(at, bare(429, f"{route.limit} per 1 second"))
        ills = self.befall(at, name, isinstance(route, Write), body)
        if ills is WELL:
            return self._checked(at, route, request)
        return self._disturbed(at, route, msgspec.structs.replace(request, ills=ills))

    def _disturbed(self, at: Micros, route: Route, request: Request) -> Call:
        """Take a call that faults of the script hit."""
        ills = request.ills
        if (instead := ills.instead) is not None:
            self._arrived(at, route, request, "fault")
            told = forgiven(self._desk.exchange.quirks, request.route, instead)
            return Call(Micros(at + ills.delay), lambda: told)
        call = self._checked(at, route, request)
        ready_at = Micros(call.ready_at + ills.delay)
        lost = ills.lost
        return Call(
            ready_at,
            lambda: ills.spoiled(call.answer()) if lost is None else lost,
            is_read=call.is_read,
            wants=call.wants,
        )

    def _lived(self, at: Micros) -> Micros:
        return Micros(at + self._stood)

    def _checked(self, at: Micros, route: Route, request: Request) -> Call:
        desk = request.ills.desk(self._desk)
        try:
            asked = route.schema.load(_object(request))
        except Broken as broken:
            self._arrived(at, route, request, "schema")
            return _at_once(at, broken.answer)
        except Invalid as invalid:
            self._arrived(at, route, request, "schema")
            return _at_once(at, schema_error(route.shape, invalid.messages, desk.mode_key))
        try:
            desk.check_key(asked.apikey)
        except Refused as refused:
            self._arrived(at, route, request, "auth")
            return _at_once(at, refusal(refused, {}))
        if isinstance(route, Read):
            return self._read(at, route, desk, asked)
        return self._write(at, route, desk, request, asked)

    def _read(self, at: Micros, route: Read, desk: Desk, asked: Any) -> Call:
        ready_at = self._after_history(at) if isinstance(asked, History) else at

        def look() -> Answer:
            mode = desk.mode_key if route.has_mode else {}
            try:
                now = max(at, desk.exchange.now)
                return success({**route.look(desk, now, asked), **mode})
            except Refused as refused:
                return refusal(refused, mode)

        return Call(ready_at, look, wants=asked if isinstance(asked, History) else None)

    def _after_history(self, at: Micros) -> Micros:
        """Return when a history call is served: one per 0.35 s for all callers together (seen)."""
        lived = self._lived(at)
        served = max(lived, self._history_free)
        self._history_free = Micros(served + HISTORY_GAP)
        return Micros(at + served - lived)

    def _write(self, at: Micros, route: Write, desk: Desk, request: Request, asked: Any) -> Call:
        mode = desk.mode_key
        if not desk.writes.passes(at):
            self._arrived(at, route, request, "rate")
            return _at_once(at, refusal(Refused(429, "Too many requests"), {}))
        self._arrived(at, route, request, "elsewhere" if desk.is_elsewhere else "passed")
        try:
            deferred = route.send(desk, at, asked)
        except Refused as refused:
            return _at_once(at, refusal(refused, mode))
        said = "" if desk.is_live else route.said

        def tell() -> Answer:
            try:
                return success({**answered(deferred.result(), said), **mode})
            except Refused as refused:
                return refusal(refused, mode)

        return Call(deferred.ready_at, tell, is_read=False)

    def _arrived(self, at: Micros, route: Route, request: Request, answer: str) -> None:
        if isinstance(route, Write):
            self._desk.exchange.arrived(at, request.route, request.digest, answer, request.peer)


def _at_once(at: Micros, answer: Answer) -> Call:
    return Call(at, lambda: answer)


def _object(request: Request) -> dict[str, object]:
    """Return the JSON object of a body, or raise Broken as the real server stumbles over it."""
    if request.content_type.partition(";")[0].strip().lower() != "application/json":
        raise Broken(server_fault())
    try:
        body = _decode(request.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Broken(bare(400, NOT_JSON)) from None
    if not isinstance(body, dict):
        raise Broken(bare(500, "Internal Server Error"))
    return body
