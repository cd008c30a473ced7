"""The OpenAlgo server whose prices a paper exchange relays: named, refused, and read."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from cli.inquiry import access_of
from config.effective import Settings
from config.groups import OpenAlgoParams
from config.settings import load
from domain import clock
from domain.errors import ConfigError
from domain.rules import RulePack
from domain.units import Paise
from sandbox.exchange import Setup
from sandbox.facts import facts
from sandbox.market.live import LiveDay
from sandbox.params import SandboxParams
from sandbox.relay import listing
from sandbox.relay.listing import Pace, Wanted
from sandbox.relay.passage import Passage
from sandbox.relay.relay import Relay
from sandbox.relay.rest import Rest
from sandbox.relay.stream import Link, Stream
from sandbox.server import Serving
from sandbox.truth import Accepted, Row, Started

log = logging.getLogger(__name__)

SOURCE = "openalgo"
OPTION = f"--market {SOURCE}"

LEAST_SILENCE_S = 5.0
"""In real seconds, however fast a paper exchange's clock runs."""


def is_wanted(params: SandboxParams) -> bool:
    """Whether prices come from another server."""
    return params.market.source == SOURCE


def check(said: Mapping[str, object]) -> None:
    """Refuse options about what the other server decides; None is not said. Raises ConfigError."""
    own = [name for name, value in said.items() if value not in {None, False}]
    if own:
        raise ConfigError(
            f"{', '.join(own)}: with {OPTION} day, clock and prices are those of OpenAlgo; "
            "leave it out"
        )


def server(config: Path | None) -> OpenAlgoParams:
    """Return the server of `run.py live`. Raises ConfigError, also without a key."""
    rooms = {"sandbox": SandboxParams()}
    return load("live", file=config, rooms=rooms).openalgo


def check_ports(params: SandboxParams, openalgo: OpenAlgoParams) -> None:
    """Refuse to listen where OpenAlgo itself is. Raises ConfigError."""
    ours = {params.rest_port, params.ws_port} - {0}
    theirs = {_port_here(openalgo.rest_url), _port_here(openalgo.stream_url)}
    if taken := sorted(ours & theirs):
        raise ConfigError(
            f"port {taken[0]}: is where OpenAlgo is; give the paper exchange others, such as "
            "--port 5001 --ws-port 8766"
        )


@dataclass(frozen=True, slots=True)
class Upstream:
    """A server that was reached and read: its day, and what relays it."""

    setup: Setup
    pace: Pace
    relay: Relay

    def serving(self, serving: Serving) -> Serving:
        """Return how the day is served: now, and by the other's clock."""
        # A day taken up again never goes back.
        now = max(self.pace.anchor.at(clock.wall()), serving.exchange.now)
        return replace(
            serving,
            start_at=now,
            speed=self.pace.anchor.speed,
            wait_s=0,
            relay=self.relay,
            anchor=self.pace.anchor,
        )


def reach(openalgo: OpenAlgoParams, settings: Settings, rows: Iterable[Row]) -> Upstream:
    """Read the server's day; `rows` are those of an earlier life of ours on it.

    Blocks for some seconds. Raises ConfigError for whatever does not allow a start.
    """
    params = settings.room(SandboxParams)
    key, timeout_s = openalgo.api_key.get_secret_value(), params.upstream.timeout_s
    passage = _passage(openalgo)
    books, watch = (Rest(openalgo.rest_url, key, timeout_s, passage) for _ in range(2))
    pace = listing.pace(books)
    wanted = _wanted(params, settings.universe.underlying, rows)
    day = listing.listed(books, wanted, _rules(settings, params), pace.day)
    setup = Setup(params, live=day)
    stream = _stream(openalgo, settings, day, pace)
    return Upstream(setup, pace, Relay(day, stream, (books, watch), follows=pace.is_paper))


def _rules(settings: Settings, params: SandboxParams) -> RulePack:
    return settings.rules.override(*params.rules)


def _stream(openalgo: OpenAlgoParams, settings: Settings, day: LiveDay, pace: Pace) -> Stream:
    params = settings.room(SandboxParams)
    link = Link(
        url=openalgo.stream_url,
        api_key=openalgo.api_key.get_secret_value(),
        pairs=tuple((line.symbol, line.exchange) for line, _ in day.listed),
        mode=params.upstream.mode,
        chunk=params.upstream.chunk,
        silent_s=max(LEAST_SILENCE_S, params.upstream.silent_s / pace.anchor.speed),
        random_seed=params.seed,
        passage=_passage(openalgo),
    )
    hours = facts(_rules(settings, params), params.broker, pace.day)
    if hours.open == hours.close:
        log.warning("no session on %s: prices stand, orders are refused", pace.day)
    return Stream(link, day.inbox, lambda: hours.is_open(clock.now()))


def _passage(openalgo: OpenAlgoParams) -> Passage:
    access = access_of(openalgo)  # refuses a file that holds no certificates
    return Passage(basic_auth=access.basic_auth, ca_file=access.ca_file)


def _wanted(params: SandboxParams, underlying: str, rows: Iterable[Row]) -> Wanted:
    around, traded = Paise(0), set()
    for row in rows:
        match row.payload:
            case Started(source="openalgo"):
                around = row.payload.around
            case Accepted(order=order):
                traded.add(order.symbol)
            case _:
                pass
    return Wanted(
        underlying=underlying,
        strikes=params.market.strikes,
        expiries=params.market.expiries,
        around=around,
        traded=frozenset(traded),
    )


def _port_here(url: str) -> int | None:
    """Return the port of an address on this machine, else None."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        is_here = ip_address(host).is_loopback
    except ValueError:
        is_here = host == "localhost"
    return parts.port if is_here else None
