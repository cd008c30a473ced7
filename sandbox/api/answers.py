"""What a call is answered with, and the six shapes in which a call is refused.

The names E1 to E6 are those of `openalgo.md` 1. There are no machine error codes, only prose.
"""

import json
from collections.abc import Mapping
from enum import Enum

import msgspec

from sandbox.api.fields import Messages

JSON = "application/json"
Body = Mapping[str, object]


class Answer(msgspec.Struct, frozen=True, gc=False):
    """An HTTP answer, ready to be written. `retry_after_s` is a header, if it is not 0.

    `is_cut`: nothing of it is written, the connection ends instead.
    """

    status: int
    content_type: str
    body: bytes
    retry_after_s: int = 0
    is_cut: bool = False


class Refused(Exception):
    """A call is refused for a business reason (E4); `more` are further keys of its body."""

    def __init__(self, status: int, text: str, more: Body | None = None) -> None:
        super().__init__(status, text)
        self.status = status
        self.text = text
        self.more = more or {}


class SchemaShape(Enum):
    """How a route tells schema errors."""

    TEXT = "E1"
    """A string that holds a Python dict."""
    TEXT_WITH_MODE = "E1 with mode"
    """The same, with the `mode` key of an analyzing server."""
    OBJECT = "E2"
    ERRORS = "E3"


def success(body: Body) -> Answer:
    """Answer 200 with these keys."""
    return _written(200, {**body, "status": "success"})


def schema_error(shape: SchemaShape, messages: Messages, mode: Body) -> Answer:
    """Answer 400 in the route's shape; `mode` is the `mode` key, or empty."""
    match shape:
        case SchemaShape.TEXT:
            return _error(400, {"message": str(messages)})
        case SchemaShape.TEXT_WITH_MODE:
            return _error(400, {"message": str(messages), **mode})
        case SchemaShape.OBJECT:
            return _error(400, {"message": messages})
        case SchemaShape.ERRORS:
            return _error(400, {"message": "Validation error", "errors": messages})


def refusal(refused: Refused, mode: Body) -> Answer:
    """Answer a business refusal (E4)."""
    return _error(refused.status, {"message": refused.text, **refused.more, **mode})


def bare(status: int, text: str) -> Answer:
    """Answer without a `status` key (E5): rate limit, malformed JSON, no JSON object."""
    return _written(status, {"message": text})


def not_found(path: str) -> Answer:
    """Answer an unknown route, and a wrong method on a known one (E6)."""
    return _error(404, {"message": "Not found", "path": path})


def server_fault() -> Answer:
    """Answer a request the real server stumbles over, such as a wrong content type (seen)."""
    return _error(500, {"message": "An unexpected error occurred"})


def _error(status: int, body: Body) -> Answer:
    return _written(status, {**body, "status": "error"})


def _written(status: int, body: Body) -> Answer:
    return Answer(status, JSON, json.dumps(body).encode("ascii"))
