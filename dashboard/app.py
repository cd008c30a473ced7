"""The page as an ASGI application: two probes, the state, metrics and the levers.

Runs in the page's loop. Whatever it shows comes from the Board, without waiting for anybody; a
lever waits in a thread of its own.
"""

import asyncio
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard import answers, metrics
from dashboard.access import PROBES, Access, Denied
from dashboard.board import Board
from dashboard.pace import Pace
from dashboard.pulling import LEVERS, Levers, Outcome, Pulled
from domain.levers import Lever

BODY_BYTES = 1024
"""More than any lever needs."""

PULLS = 4
"""Levers that may wait at a time; more than one human pulls."""

HEADERS = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)

INDEX = """\
Sutradhar. Read here: /healthz /readyz /state /metrics
Levers, by POST with the control token: {levers}
"""


class Wish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the body of a lever may say: the latch to clear."""

    latch: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What the page is made of."""

    board: Board
    levers: Levers
    access: Access
    version: str
    requests_per_s: int = 50


class Door:
    """Lets in who may come, as often as he may, and says so on every answer."""

    def __init__(self, inner: ASGIApp, view: View) -> None:
        self._inner = inner
        self._access = view.access
        self._pace = Pace(view.requests_per_s)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        denied = self._denied(scope)
        inner = self._inner if denied is None else _refusal(denied)

        async def signed(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *HEADERS]
            await send(message)

        await inner(scope, receive, signed)

    def _denied(self, scope: Scope) -> Denied | None:
        """Judge a request; whoever floods the page with reads keeps nobody from a lever."""
        path = scope["path"]
        headers = {
            key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]
        }
        if scope["method"] not in {"GET", "HEAD"}:
            return self._access.to_pull(headers)
        if path not in PROBES and not self._pace.take():
            return Denied(status=429, text="too many requests; wait a second")
        return self._access.to_read(path, headers)


class Rope:
    """Pulls the levers, a few at a time."""

    def __init__(self, levers: Levers) -> None:
        self._levers = levers
        self._waiting = 0

    async def pull(self, lever: Lever, latch: str) -> Pulled:
        """Pull one in a thread that may wait."""
        if self._waiting >= PULLS:
            text = "other levers are being pulled; ask again in some seconds"
            return Pulled(outcome=Outcome.BUSY, text=text)
        self._waiting += 1
        try:
            return await asyncio.to_thread(self._levers.pull, lever, latch)
        finally:
            self._waiting -= 1


def app(view: View) -> ASGIApp:
    """Return the application of one page."""
    board, rope = view.board, Rope(view.levers)
    registry = metrics.registry(board, view.version)

    async def index(request: Request) -> Response:
        del request
        names = " ".join(f"/levers/{name}" for name in LEVERS)
        return Response(INDEX.format(levers=names), media_type="text/plain")

    async def healthz(request: Request) -> Response:
        del request
        return _json(*answers.health(board))

    async def readyz(request: Request) -> Response:
        del request
        return _json(*answers.readiness(board))

    async def state(request: Request) -> Response:
        del request
        return _json(*answers.state(board, view.version))

    async def shown_metrics(request: Request) -> Response:
        del request
        body = metrics.exposition(registry)
        return Response(body, headers={"content-type": metrics.CONTENT_TYPE})

    async def pull(request: Request) -> Response:
        return await _pull(rope, request)

    inner = Starlette(
        routes=[
            Route("/", index),
            Route("/healthz", healthz),
            Route("/readyz", readyz),
            Route("/state", state),
            Route("/metrics", shown_metrics),
            Route("/levers/{name}", pull, methods=["POST"]),
        ]
    )
    inner.router.redirect_slashes = False
    return Door(inner, view)


async def _pull(rope: Rope, request: Request) -> Response:
    name = request.path_params["name"]
    if name not in LEVERS:
        text = f"no such lever; there are {', '.join(LEVERS)}"
        return _json(HTTPStatus.NOT_FOUND, {"done": False, "said": text})
    wish = await _wish(request)
    if isinstance(wish, Denied):
        return _json(wish.status, {"done": False, "said": wish.text})
    lever, latch = LEVERS[name]
    pulled = await rope.pull(lever, latch or wish.latch)
    said = {
        "done": pulled.outcome is Outcome.DONE,
        "lever": name,
        "said": pulled.text,
        "mode": pulled.mode,
        "latches": pulled.latches,
    }
    return _json(pulled.outcome, said)


async def _wish(request: Request) -> Wish | Denied:
    body = b""
    try:
        async for part in request.stream():
            body += part
            if len(body) > BODY_BYTES:
                text = f"the body is longer than {BODY_BYTES} bytes"
                return Denied(status=413, text=text)
        return msgspec.json.decode(body, type=Wish) if body else Wish()
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return Denied(status=400, text=f'the body is not {{"latch": "NAME"}}: {error}')
    except ClientDisconnect:
        return Denied(status=400, text="the client is gone")


def _json(status: int, said: dict[str, Any]) -> Response:
    return Response(msgspec.json.encode(said), status, media_type="application/json")


def _refusal(denied: Denied) -> ASGIApp:
    response = _json(denied.status, {"said": denied.text})
    if denied.status == HTTPStatus.UNAUTHORIZED:
        response.headers["www-authenticate"] = "Bearer"
    return response
