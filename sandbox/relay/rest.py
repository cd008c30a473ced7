"""Reads another OpenAlgo server by REST. What is not in `Route` cannot be asked.

None of these routes can trade or change anything. The key travels in the body, as OpenAlgo wants
it; no error, log line or row of truth shows it. Blocking calls: never in the server's loop.
"""

import json
from enum import StrEnum
from http import HTTPStatus
from typing import Any

import msgspec
import requests
import urllib3

from sandbox.relay.passage import OPEN, Passage
from sandbox.relay.wire import Said

CONNECT_S = 2.0
LONGEST = 200


class Route(StrEnum):
    """Every route that is ever asked of another server."""

    PING = "ping"
    EXPIRY = "expiry"
    CHAIN = "optionchain"
    QUOTES = "multiquotes"
    HISTORY = "history"


class Unread(Exception):
    """A read brought nothing. `status` is the HTTP status, 0 without an answer; `text` is safe."""

    def __init__(self, route: str, status: int, text: str) -> None:
        super().__init__(f"{route}: {status or 'no answer'} {text}")
        self.route = route
        self.status = status
        self.text = text


class Rest:
    """One client. One thread at a time; `timeout_s` is real time, for each read of the socket."""

    def __init__(self, url: str, api_key: str, timeout_s: float, passage: Passage = OPEN) -> None:
        self.url = url
        self._api_key = api_key
        self._timeout = (CONNECT_S, timeout_s)
        self._session = requests.Session()
        # Neither a proxy nor a .netrc of the environment may see the key.
        self._session.trust_env = False
        self._session.verify = passage.ca_file or True
        self._session.headers.update(passage.headers)

    def read(self, route: Route, **fields: Any) -> bytes:
        """Return the body of a success. Raises Unread for anything else."""
        path = f"/api/v1/{Route(route).value}"
        body = json.dumps({"apikey": self._api_key, **fields})
        return self._answer("POST", path, body)

    def discovery(self) -> bytes:
        """Return what a paper exchange says of itself and its clock. Raises Unread."""
        return self._answer("GET", "/sandbox", None)

    def close(self) -> None:
        """Let the connection go."""
        self._session.close()

    def _answer(self, method: str, path: str, body: str | None) -> bytes:
        name = path.rpartition("/")[2]
        try:
            answer = self._session.request(
                method,
                f"{self.url}{path}",
                data=body,
                headers={"Content-Type": "application/json"},
                timeout=self._timeout,
                allow_redirects=False,
            )
        except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError) as error:
            raise Unread(name, 0, type(error).__name__) from None
        if answer.status_code != HTTPStatus.OK:
            raise Unread(name, answer.status_code, self._text(answer.content))
        return answer.content

    def _text(self, body: bytes) -> str:
        """Return what a refusal says, in printable ASCII and without the key."""
        try:
            said = str(msgspec.json.decode(body, type=Said).message or "")
        except (msgspec.DecodeError, UnicodeDecodeError):
            said = "an answer that is no JSON"
        clean = said.replace(self._api_key, "***") if self._api_key else said
        return "".join(char if " " <= char <= "~" else "?" for char in clean)[:LONGEST]
