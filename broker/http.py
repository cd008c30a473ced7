"""HTTP to OpenAlgo over `requests`: one session per worker thread, one POST per ask, no retries.

The API key enters bodies here and nowhere else. An answer is scrubbed of it before anybody sees it.
"""

import logging
import ssl
from collections.abc import Iterator
from email.utils import parsedate_to_datetime

import requests
import urllib3

from broker.asks import Fault, HttpAnswer, HttpAsk
from broker.bounded import BoundedAdapter
from broker.endpoint import PLAIN, Access, checked
from broker.wire import Whole, encode, excerpt, scrubbed, spellings
from domain import clock
from domain.errors import ConfigError
from domain.params import BrokerParams
from domain.units import Micros

log = logging.getLogger(__name__)
wire = logging.getLogger("wire.rest")
"""Whole bodies, without the key. Silent unless the settings want them."""

WRITES = frozenset({"placeorder", "modifyorder", "cancelorder"})
READS = frozenset(
    "ping analyzer funds orderbook tradebook positionbook multiquotes history expiry symbol margin"
    " market/timings".split()
)
SHORTEST_TIMEOUT_S = 1.0
"""No time-out is cut below this when market time runs faster than life."""

_JSON = {"Content-Type": "application/json"}
# OpenSSL's words for a handshake that failed, before anything of ours was sent.
_HANDSHAKE = frozenset(
    "WRONG_VERSION_NUMBER RECORD_LAYER_FAILURE HTTP_REQUEST UNSUPPORTED_PROTOCOL"
    " SSLV3_ALERT_HANDSHAKE_FAILURE TLSV1_ALERT_PROTOCOL_VERSION".split()
)


class Http:
    """The server and its key. Opens sessions; any thread. Raises ConfigError for a bad URL or key.

    `url` may have a path; /api/v1 is put behind it. `speed` is how many seconds of market time pass
    in one of ours; time-outs shrink by it.
    """

    def __init__(
        self,
        url: str,
        api_key: str,
        params: BrokerParams,
        speed: float = 1,
        access: Access = PLAIN,
    ) -> None:
        self.url = checked(url, ("http", "https"), params.plain_http_hosts, "openalgo.host")
        if not (1 <= len(api_key) <= 256 and api_key.isascii() and api_key.isprintable()):
            raise ConfigError("openalgo.api_key: must be 1 to 256 printable ASCII characters")
        self._key = api_key
        self._hidden = tuple(each for key in (api_key, *access.hidden) for each in spellings(key))
        self.access = access
        self._connect_s = shortened(params.connect_timeout_s, speed)
        self._read_s = shortened(params.read_timeout_s, speed)
        self._write_s = shortened(params.order_timeout_s, speed)

    def session(self) -> "HttpSession":
        """Return a session for the calling thread alone."""
        return HttpSession(self)

    def timeouts(self, route: str) -> tuple[float, float]:
        """Return the time-outs of a route in real seconds: to connect, and for the whole answer."""
        return self._connect_s, self._write_s if route in WRITES else self._read_s

    def with_key(self, body: bytes) -> bytes:
        """Return a JSON object with the API key put in front."""
        key = encode({"apikey": self._key})
        return key if body == b"{}" else key[:-1] + b"," + body[1:]

    def scrubbed(self, body: bytes) -> bytes:
        """Return an answer without key and password, should the server have echoed them."""
        return scrubbed(body, self._hidden)


class HttpSession:
    """One keep-alive connection to the server. Used by one thread."""

    def __init__(self, http: Http) -> None:
        self._http = http
        self._session = requests.Session()
        # No proxy or netrc of the environment gets between us and the server.
        self._session.trust_env = False
        self._session.verify = http.access.authorities
        self._session.headers.update(http.access.headers)
        adapter = BoundedAdapter()
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)
        # Working out a request takes longer than sending it, and only its body changes.
        self._prepared = {route: self._prepare(route) for route in WRITES | READS}

    def warm(self) -> None:
        """Open the connection and load what a first request loads, by a ping whose fate is moot."""
        self.post(HttpAsk(route="ping", body=b"{}", retry=True))

    def post(self, ask: HttpAsk) -> HttpAnswer:
        """Send one POST and return what came back; never asks twice, never raises for the network.

        Raises ValueError for a route this client does not speak.
        """
        request = self._request(ask)
        log.debug(">>> %s %s", ask.route, _Shown(ask.body))
        wire.debug(">>> %s %s", ask.route, Whole(ask.body))
        try:
            reply = self._session.send(
                request, timeout=self._http.timeouts(ask.route), allow_redirects=False
            )
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            answer = HttpAnswer(status=None, fault=fault_of(error))
            log.debug("<<< %s %s %s", ask.route, answer.fault, type(error).__name__)
            wire.debug("<<< %s %s %s", ask.route, answer.fault, type(error).__name__)
            return answer
        body = self._http.scrubbed(reply.content)
        log.debug("<<< %s %s %s", ask.route, reply.status_code, _Shown(body))
        wire.debug("<<< %s %s %s", ask.route, reply.status_code, Whole(body))
        return HttpAnswer(
            status=reply.status_code,
            body=body,
            server_at=_server_at(reply.headers.get("Date", "")),
            retry_after_s=_whole_seconds(reply.headers.get("Retry-After", "")),
        )

    def close(self) -> None:
        """Drop the connection."""
        self._session.close()

    def _prepare(self, route: str) -> requests.PreparedRequest:
        blank = requests.Request(
            "POST", f"{self._http.url}/api/v1/{route}", headers=_JSON, data=b"{}"
        )
        return self._session.prepare_request(blank)

    def _request(self, ask: HttpAsk) -> requests.PreparedRequest:
        if ask.route not in self._prepared:
            raise ValueError(f"no such route: {ask.route}")
        request = self._prepared[ask.route].copy()
        request.body = self._http.with_key(ask.body)
        request.headers["Content-Length"] = str(len(request.body))
        return request


def shortened(timeout_s: float, speed: float) -> float:
    """Return a time-out in real seconds for a market that runs `speed` times as fast as life."""
    return timeout_s if speed <= 1 else max(timeout_s / speed, SHORTEST_TIMEOUT_S)


def fault_of(error: BaseException) -> Fault:
    """Return what a failed exchange proves: CONNECT only if nothing can have been sent."""
    causes = tuple(_causes(error))
    if any(isinstance(cause, requests.ConnectTimeout) or _is_unsent(cause) for cause in causes):
        return Fault.CONNECT
    slow = (requests.Timeout, urllib3.exceptions.TimeoutError, TimeoutError)
    return Fault.TIMEOUT if any(isinstance(c, slow) for c in causes) else Fault.RESET


def _is_unsent(cause: BaseException) -> bool:
    no_connection = (
        urllib3.exceptions.NewConnectionError,
        urllib3.exceptions.ConnectTimeoutError,
        ssl.SSLCertVerificationError,
    )
    if isinstance(cause, no_connection):
        return True
    reason = getattr(cause, "reason", None)
    return isinstance(cause, ssl.SSLError) and reason in _HANDSHAKE


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Walk an error, what it was raised from, and what it wraps in its arguments."""
    todo, seen = [error], set[int]()
    while todo:
        cause = todo.pop()
        if id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        wrapped = (cause.__cause__, cause.__context__, getattr(cause, "reason", None), *cause.args)
        todo += [inner for inner in wrapped if isinstance(inner, BaseException)]


def _server_at(date: str) -> Micros | None:
    try:
        return clock.micros(parsedate_to_datetime(date))
    except (ValueError, TypeError):
        return None


def _whole_seconds(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0


class _Shown:
    """A body as the log shows it, worked out only if it is shown."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def __str__(self) -> str:
        return excerpt(self._body)
