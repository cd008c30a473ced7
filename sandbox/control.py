"""The control app: clock, truth, state. Loopback only, whatever the other ports listen on.

A caller that is not this machine, or that came by another host name, is refused; whoever changes
something shows the token. Bad input is a 422 that names the field.
"""

import asyncio
import hmac
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from domain.books import Action
from domain.errors import ConfigError
from domain.session import instant, show
from domain.units import Day, Micros, Symbol
from sandbox import faults
from sandbox.api.answers import JSON
from sandbox.api.fields import (
    Invalid,
    Messages,
    Schema,
    between,
    may,
    must,
    one_of,
    text,
    truth,
    whole,
)
from sandbox.apps import Stream
from sandbox.checker import Terms, judge
from sandbox.faults import Fault
from sandbox.faults.account_verbs import ModeFlip, RevokeSession, SemiAuto
from sandbox.floor import Floor
from sandbox.interference import Interference
from sandbox.kinds import NFO
from sandbox.truth import Truth

TOKEN_HEADER = "x-control-token"  # noqa: S105 - the header's name, not a token
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
LOOK_S = 0.05
SUMMARY = (
    *("flat", "flat_at", "entries", "exits", "orders_sent", "forced_close"),
    *("naked_seconds_max", "naked_unit_seconds", "realised_pnl_paise", "charges_paise"),
)


class ClockOrder(msgspec.Struct, frozen=True, kw_only=True):
    """What a caller wants of the clock. `run_to` is a wall time of the day."""

    speed: int | None = None
    pause: bool | None = None
    run_to: str | None = None


def _wall(value: object) -> str:
    written = text(value)
    try:
        instant(Day("2026-01-01"), written)
    except ValueError:
        raise Invalid(["Not a time of day, HH:MM or HH:MM:SS."]) from None
    return written


class FaultOrder(msgspec.Struct, frozen=True, kw_only=True):
    """Faults to put in force, in the words of a script, and ids to take out of it."""

    add: list[object] = []
    remove: list[str] = []
    clear: bool = False


class HumanOrder(msgspec.Struct, frozen=True, kw_only=True):
    """What the account's owner trades at the touch."""

    symbol: str
    action: str
    lots: int = 1


class SessionOrder(msgspec.Struct, frozen=True, kw_only=True):
    """How the server stands to its broker; what is absent stays as it is."""

    logged_in: bool | None = None
    semi_auto: bool | None = None
    flipped: bool | None = None


SESSION = {
    "logged_in": Fault("session_revoked", "account", RevokeSession()),
    "semi_auto": Fault("session_semi_auto", "account", SemiAuto()),
    "flipped": Fault("session_flipped", "account", ModeFlip()),
}
"""The faults that a caller switches by hand; of the first one the absence is the rule."""


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise Invalid(["Not a valid list."])
    return value


def _texts(value: object) -> list[str]:
    return [text(each) for each in _list(value)]


HUMAN_ORDER = Schema(
    HumanOrder,
    {
        "symbol": must(text),
        "action": must(text, one_of("BUY", "SELL")),
        "lots": may(whole, between(1, 100)),
    },
)
SESSION_ORDER = Schema(SessionOrder, {name: may(truth) for name in SESSION})
FAULT_ORDER = Schema(FaultOrder, {"add": may(_list), "remove": may(_texts), "clear": may(truth)})
CLOCK_ORDER = Schema(
    ClockOrder,
    {"speed": may(whole, between(1, 120)), "pause": may(truth), "run_to": may(_wall)},
)


class Control:
    """The handlers; each runs in the server's loop."""

    def __init__(
        self, floor: Floor, stream: Stream, truth: Truth, interference: Interference
    ) -> None:
        self._floor = floor
        self._stream = stream
        self._truth = truth
        self._interference = interference

    async def truth_rows(self, request: Request) -> Response:
        """Answer GET /truth: the rows after `since`."""
        written = request.query_params.get("since", "0")
        try:
            since = whole(written)
        except Invalid as invalid:
            return _unprocessable({"since": invalid.messages})
        return _json({"rows": self._truth.since(since)})

    async def summary(self, request: Request) -> Response:
        """Answer GET /truth/summary: what the day came to so far, and the faults met."""
        del request
        terms = Terms(speed=self._floor.hands.anchor.speed, until=self._floor.exchange.now)
        report = judge(self._truth.rows, (), terms)
        # Without the agent's journal nobody can tell its breaches from its owner's wishes.
        shown = {name: getattr(report, name) for name in SUMMARY}
        return _json({**shown, "faults": self._interference.counts})

    async def faults(self, request: Request) -> Response:
        """Answer GET /faults, and do what POST /faults says."""
        if request.method == "POST":
            try:
                self._interfere(FAULT_ORDER.load(await _body(request)))
            except Invalid as invalid:
                return _unprocessable(invalid.messages)
        counts = self._interference.counts
        faults = self._interference.script.faults
        return _json({"faults": [{**f.shown(), "met": counts[f.id]} for f in faults]})

    async def human(self, request: Request) -> Response:
        """Let the account's owner trade, as POST /human says."""
        try:
            order = HUMAN_ORDER.load(await _body(request))
            symbol = self._contract(order.symbol)
        except Invalid as invalid:
            return _unprocessable(invalid.messages)
        at = self._floor.step()
        traded = self._floor.exchange.human(at, symbol, Action(order.action), order.lots)
        return _json({"taken": traded})

    def _contract(self, symbol: str) -> Symbol:
        if self._floor.exchange.instrument(symbol, NFO) is None:
            raise Invalid({"symbol": ["No contract has this symbol."]})
        return Symbol(symbol)

    async def session(self, request: Request) -> Response:
        """Log in or out, queue orders or not, flip the mode or back, as POST /session says."""
        try:
            order = SESSION_ORDER.load(await _body(request))
        except Invalid as invalid:
            return _unprocessable(invalid.messages)
        for name, fault in SESSION.items():
            asked = getattr(order, name)
            if asked is not None:
                self._switch(fault, on=asked != (name == "logged_in"))
        self._floor.step()
        known = {fault.id for fault in self._interference.script.faults}
        told = {name: (f.id in known) != (name == "logged_in") for name, f in SESSION.items()}
        return _json(told)

    def _switch(self, fault: Fault, *, on: bool) -> None:
        is_on = any(each.id == fault.id for each in self._interference.script.faults)
        if on and not is_on:
            self._interference.add((fault,))
        elif is_on and not on:
            self._interference.remove((fault.id,))

    async def clock(self, request: Request) -> Response:
        """Answer GET /clock, and do what POST /clock says."""
        if request.method == "POST":
            try:
                await self._obey(CLOCK_ORDER.load(await _body(request)))
            except Invalid as invalid:
                return _unprocessable(invalid.messages)
        return _json(self._clock())

    async def state(self, request: Request) -> Response:
        """Answer GET /state: sockets, subscriptions, queue depths."""
        del request
        sockets = [
            {
                "authenticated": each.session.is_authenticated,
                "symbols": len(each.session.symbols),
                "queued": len(each.outbox),
                "conflated": each.outbox.conflated,
            }
            for each in self._stream.connections
        ]
        return _json({"clock": self._clock(), "sockets": sockets, "rows": len(self._truth.rows)})

    def _clock(self) -> dict[str, Any]:
        hands = self._floor.hands
        now = hands.now()
        return {"anchor": hands.anchor, "now": now, "wall": show(now)}

    def _interfere(self, order: FaultOrder) -> None:
        known = {fault.id for fault in self._interference.script.faults}
        if strange := set(order.remove) - known:
            raise Invalid({"remove": [f"No fault has the id {each}." for each in sorted(strange)]})
        gone = known if order.clear else set(order.remove)
        try:
            script = faults.read({"version": 1, "faults": order.add}, self._floor.exchange.day)
        except ConfigError as error:
            raise Invalid({"add": list(error.problems)}) from None
        if twice := {fault.id for fault in script.faults} & (known - gone):
            raise Invalid({"add": [f"A fault has the id {each}." for each in sorted(twice)]})
        self._interference.remove(gone)
        self._interference.add(script.faults)

    async def _obey(self, order: ClockOrder) -> None:
        hands = self._floor.hands
        if hands.is_led:
            raise Invalid({"clock": ["It is that of the server whose prices are relayed."]})
        self._floor.waits_for_subscriber = False
        if order.speed is not None:
            hands.set_speed(order.speed)
        if order.run_to is not None:
            await self._run_to(instant(self._floor.exchange.day, order.run_to), order)
        elif order.pause is not None:
            (hands.pause if order.pause else hands.run)()

    async def _run_to(self, target: Micros, order: ClockOrder) -> None:
        """Let the clock run until an instant, and with `pause` stand still at exactly that one."""
        if order.pause:
            self._floor.halt_at = target
        self._floor.hands.run()
        while self._floor.step() < target:
            left_s = self._floor.hands.anchor.real_span_s(target - self._floor.hands.now())
            await asyncio.sleep(min(max(left_s, 0), LOOK_S))  # noqa: TID251 - the sandbox server may


class _Guard:
    """Lets only this machine in, and only with the token where something changes."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        await (self._refusal(request) or self._app)(scope, receive, send)

    def _refusal(self, request: Request) -> Response | None:
        host = request.headers.get("host", "").rpartition(":")[0].strip("[]")
        if request.client is None or request.client.host not in LOOPBACK or host not in LOOPBACK:
            return _error(403, "Only from this machine, by its loopback address")
        shown = request.headers.get(TOKEN_HEADER, "")
        if request.method != "GET" and not _same(shown, self._token):
            return _error(401, f"Changing something needs the token in {TOKEN_HEADER}")
        return None


def control_app(control: Control, token: str) -> ASGIApp:
    """Return the control port's application; without a token nothing can be changed."""
    app = Starlette(
        routes=[
            Route("/truth", control.truth_rows, methods=["GET"]),
            Route("/truth/summary", control.summary, methods=["GET"]),
            Route("/faults", control.faults, methods=["GET", "POST"]),
            Route("/human", control.human, methods=["POST"]),
            Route("/session", control.session, methods=["POST"]),
            Route("/clock", control.clock, methods=["GET", "POST"]),
            Route("/state", control.state, methods=["GET"]),
        ]
    )
    return _Guard(app, token)


def _same(shown: str, token: str) -> bool:
    return bool(token) and hmac.compare_digest(shown.encode(), token.encode())


async def _body(request: Request) -> dict[str, object]:
    try:
        body = msgspec.json.decode(await request.body())
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Invalid({"body": ["Not JSON."]}) from None
    if not isinstance(body, dict):
        raise Invalid({"body": ["Not an object."]})
    return body


def _json(body: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(body), status, media_type=JSON)


def _error(status: int, message: str) -> Response:
    return _json({"status": "error", "message": message}, status)


def _unprocessable(messages: Messages) -> Response:
    return _json({"status": "error", "errors": messages}, 422)
