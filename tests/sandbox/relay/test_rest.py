"""Reading another server by REST: what can be asked, and what is said when it fails."""

import ast
import json
from pathlib import Path

import pytest

import sandbox.relay
from sandbox.api.routes import ACCOUNT, MARKET, WRITES
from sandbox.relay.rest import Rest, Route, Unread
from tests.broker.http_server import Reply, Request, serving
from tests.shared import ROOT

KEY = "SECRET-KEY"
READS = {"ping", "expiry", "optionchain", "multiquotes", "history"}
ROOM = ROOT / "sandbox" / "relay"


def test_only_reads_can_be_asked() -> None:
    routes = {route.value for route in Route}
    assert routes == READS
    assert not routes & set(WRITES)
    assert routes <= set(MARKET) | {"ping"}
    assert not routes & (set(ACCOUNT) - {"ping"})


@pytest.mark.parametrize("route", [*WRITES, "analyzer/toggle", "../placeorder", "PING", ""])
def test_any_other_route_is_refused_before_anything_is_sent(route: str) -> None:
    with serving(lambda _: Reply({})) as server, pytest.raises(ValueError, match="Route"):
        Rest(server.url, KEY, 1).read(route)  # type: ignore[arg-type]  # what types forbid
    assert server.requests == []


def sockets_of(file: Path) -> set[str]:
    """Return the libraries a file could speak to the world with."""
    tree = ast.parse(file.read_text())
    imported = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
    roots = {name.partition(".")[0] for name in imported}
    return roots & {"requests", "urllib", "urllib3", "socket", "websockets", "websocket"}


def test_one_file_speaks_rest_and_one_the_stream() -> None:
    assert Path(sandbox.relay.__file__ or "").parent == ROOM
    found = {file.name: sockets_of(file) for file in ROOM.glob("*.py")}
    assert {name: libs for name, libs in found.items() if libs} == {
        "rest.py": {"requests", "urllib3"},
        "stream.py": {"websockets"},
    }


def calls(file: str, attribute: str) -> list[str]:
    """Return what a file hands to calls of a method, first argument each."""
    tree = ast.parse((ROOM / file).read_text())
    nodes = [n for n in ast.walk(tree) if isinstance(n, ast.Call)]
    return [
        ast.unparse(n.args[0])
        for n in nodes
        if isinstance(n.func, ast.Attribute) and n.func.attr == attribute
    ]


def test_what_leaves_is_made_of_routes_and_of_the_dialogue_only() -> None:
    assert calls("rest.py", "request") == ["method"]
    assert calls("rest.py", "_answer") == ["'POST'", "'GET'"]
    assert calls("stream.py", "send") == ["dialogue.on_open().decode()", "answer.decode()"]


def test_answer_is_handed_over_and_the_key_goes_in_the_body() -> None:
    with serving(lambda _: Reply({"status": "success", "data": []})) as server:
        body = Rest(server.url, KEY, 5).read(Route.EXPIRY, symbol="NIFTY")
    assert json.loads(body) == {"status": "success", "data": []}
    (request,) = server.requests
    assert (request.route, request.body) == ("expiry", {"apikey": KEY, "symbol": "NIFTY"})


@pytest.mark.parametrize(
    ("reply", "status", "text"),
    [
        (Reply({"status": "error", "message": "Invalid openalgo apikey"}, 403), 403, "Invalid"),
        (Reply({"status": "error", "message": {"a": [f"{KEY}\n\u20b9"]}}, 400), 400, "***"),
        (Reply({"message": "x" * 999}, 429), 429, "x" * 200),
        (Reply({"x": 1}, 302, headers=(("Location", "http://127.0.0.1:1/"),)), 302, ""),
        (None, 0, "ConnectionError"),
    ],
)
def test_failure_is_told_without_the_key(reply: Reply | None, status: int, text: str) -> None:
    def answer(_: Request) -> Reply | None:
        return reply

    with serving(answer) as server, pytest.raises(Unread) as unread:
        Rest(server.url, KEY, 5).read(Route.PING)
    assert (unread.value.status, len(server.requests)) == (status, 1)
    assert text in unread.value.text
    assert KEY not in str(unread.value)
    assert unread.value.text.isascii()
    assert unread.value.text.isprintable()


def test_nobody_there_is_told() -> None:
    with pytest.raises(Unread) as unread:
        Rest("http://127.0.0.1:1", KEY, 1).read(Route.PING)
    assert unread.value.status == 0
