"""Reaching a paper exchange: its discovery document, its clock, and the exchange as our child."""

import json
import logging
import signal
import subprocess
import sys
from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

import msgspec
import requests
import urllib3

from broker.asks import HttpAsk
from broker.endpoint import PLAIN, Access
from broker.http import Http
from domain import clock
from domain.calls import PAPER_EXCHANGE
from domain.clock import Anchor, AnchoredClock
from domain.errors import ConfigError, SutradharError
from domain.params import BrokerParams
from domain.units import Micros, seconds

log = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
TIMEOUT_S = 2.0
LOOK_AGAIN = seconds(1)
LOOK_AGAIN_STANDING = seconds(0.02)
LEAVE_S = 5.0


class Discovery(msgspec.Struct, frozen=True, kw_only=True):
    """What a paper exchange says of itself at /sandbox."""

    broker: str
    ws_url: str
    anchor: Anchor
    date: str
    speed: int


def discover(url: str, access: Access = PLAIN) -> Discovery:
    """Read the discovery document of a paper exchange, also behind a proxy.

    Raises ConfigError if nobody answers there, or somebody who is no paper exchange.
    """
    session = requests.Session()
    session.trust_env = False
    session.verify = access.authorities
    session.headers.update(access.headers)
    try:
        answer = session.get(f"{url}/sandbox", timeout=TIMEOUT_S)
        found = msgspec.json.decode(answer.content, type=Discovery)
    except msgspec.DecodeError:
        raise ConfigError(
            f"--attach {url}: is no paper exchange; live servers are for `run.py live`"
        ) from None
    except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError) as error:
        raise ConfigError(
            f"--attach {url}: nobody answers ({type(error).__name__}); start `run.py exchange`, "
            "or name the address it printed as HOST:PORT"
        ) from None
    finally:
        session.close()
    if found.broker != PAPER_EXCHANGE:
        raise ConfigError(f"--attach {url}: broker is {found.broker}; allowed is {PAPER_EXCHANGE}")
    return msgspec.structs.replace(found, ws_url=_as_reached(found.ws_url, url))


def _as_reached(ws_url: str, url: str) -> str:
    """Return where the stream is for us: who listens everywhere names loopback, and may be far."""
    stream, host = urlsplit(ws_url), urlsplit(url).hostname
    return f"ws://{host}:{stream.port}" if stream.hostname == LOOPBACK else ws_url


def check_taken(url: str, key: str, params: BrokerParams, *, may_wait: bool = False) -> None:
    """Refuse a key that the exchange refuses; its words for a lost session are the same.

    Who `may_wait` has something open, and is let in to wait for the login. Raises ConfigError.
    """
    session = Http(url, key, params).session()
    try:
        answer = session.post(HttpAsk(route="ping", body=b"{}", retry=True))
    finally:
        session.close()
    if answer.status != HTTPStatus.FORBIDDEN:
        return
    text = (
        f"--attach {url}: refuses the key, or has no broker session; log in there again "
        '(POST /session of its control port, {"logged_in": true}), or give --api-key, the one '
        "`run.py exchange` was given"
    )
    if not may_wait:
        raise ConfigError(text)
    log.warning("%s; the journal has something open, so that is waited for", text)


class FollowedClock:
    """The exchange's clock, looked at again every second, and often while it stands still."""

    def __init__(self, url: str, found: Discovery, access: Access = PLAIN) -> None:
        self._url = url
        self._access = access
        self._source = AnchoredClock(found.anchor)
        self._looked = clock.steady()
        clock.use(self._source)

    def follow(self) -> None:
        """Take over a moved anchor. An exchange that is gone keeps its last one."""
        pause = LOOK_AGAIN_STANDING if self._source.anchor.paused else LOOK_AGAIN
        if clock.steady() < self._looked + pause:
            return
        self._looked = clock.steady()
        try:
            self._source.anchor = discover(self._url, self._access).anchor
        except ConfigError:
            self._looked = Micros(self._looked + LOOK_AGAIN)


class ChildFailed(SutradharError):
    """The exchange did not start; `code` is its exit code, the text is what it said."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


class Child:
    """The paper exchange as a process of its own session: a killed agent leaves it alive."""

    def __init__(self, run: Path, options: Sequence[str], log_path: Path) -> None:
        self._log: IO[bytes] = log_path.open("ab")
        self._log_path = log_path
        self._from = self._log.tell()
        self._process = subprocess.Popen(
            [sys.executable, str(run), "exchange", *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._log,
            start_new_session=True,
        )

    def ready(self) -> str:
        """Wait until the exchange is open and return its REST address. Raises ChildFailed."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if line:
            return str(json.loads(line)["url"])
        code = self._process.wait()
        # What earlier exchanges of this folder said is not this one's.
        said = self._log_path.read_bytes()[self._from :].decode("utf-8", "replace")
        lines = said.strip().splitlines()
        told = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
        raise ChildFailed(code, "\n".join(told or lines[-1:]) or "the exchange did not start")

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def end_day(self) -> None:
        """Let the exchange go on to its next day, or leave after the last one."""
        self._process.send_signal(signal.SIGUSR1)

    def stop(self) -> None:
        """Let the exchange close its books and leave."""
        self._process.terminate()
        try:
            self._process.wait(LEAVE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()
