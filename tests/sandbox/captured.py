"""Exchanges captured from a running OpenAlgo, and how an answer of ours is held against one."""

import json
from collections.abc import Iterator
from typing import Any

from sandbox.api.front import Api
from tests.sandbox.api.asking import JSON, PEER
from tests.sandbox.stage import AT
from tests.shared import shared_path

Entry = dict[str, Any]


def entries(name: str) -> dict[str, Entry]:
    """Return the captured exchanges of one file by their names; skips without the file."""
    path = shared_path(f"fixtures/openalgo/{name}.json")
    return {entry["name"]: entry for entry in json.loads(path.read_text("utf-8"))}


def replay(api: Api, request: Entry) -> tuple[int, str, Any]:
    """Send a captured request to our REST side and return status, content type and body."""
    raw = request.get("raw_body")
    body = raw if raw is not None else json.dumps(request["body"])
    headers = {name.lower(): value for name, value in (request.get("headers") or {}).items()}
    content_type = headers.get("content-type", JSON)
    call = api.call(AT, request["method"], request["path"], body.encode(), content_type, PEER)
    answer = call.answer()
    return answer.status, answer.content_type, json.loads(answer.body)


def said(entry: Entry) -> tuple[int, str, Any]:
    """Return what the real server answered, in the same form."""
    response = entry["response"]
    return response["status"], response["content_type"], response["body"]


def differences(ours: Any, theirs: Any, where: str = "body") -> Iterator[str]:
    """Yield where the shape of `ours` is not that of `theirs`: keys, types, elements of lists."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        yield from (f"{where}.{key} is missing" for key in theirs if key not in ours)
        yield from (f"{where}.{key} is new" for key in ours if key not in theirs)
        for key in theirs.keys() & ours.keys():
            yield from differences(ours[key], theirs[key], f"{where}.{key}")
    elif isinstance(theirs, list) and isinstance(ours, list):
        if bool(theirs) != bool(ours):
            yield f"{where} has {len(ours)} elements, not {len(theirs)}"
        for n, each in enumerate(ours):
            yield from differences(each, theirs[0], f"{where}[{n}]")
    elif type(theirs) is not type(ours):
        yield f"{where} is {ours!r}, not like {theirs!r}"
