"""The server behind a state directory, for commands that speak to it in the agent's stead."""

import shlex
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import SecretStr

from cli.again import recall
from cli.agent import Server
from cli.attach import FollowedClock, check_taken, discover
from cli.exchange import DEFAULT_KEY
from cli.inquiry import access_of
from config.groups import OpenAlgoParams
from config.settings import Settings, load
from domain import clock
from domain.errors import ConfigError
from domain.session import Closed, DayPlan, plan, trading_day
from domain.units import Day
from sandbox.params import SandboxParams
from sandbox.truth_file import NAME as TRUTH


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """What the command line says: the state directory, and the paper exchange if it is one."""

    folder: Path
    attach: str | None = None
    api_key: str | None = None
    config: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """A server with its day. `follow` keeps step with a paper exchange's clock."""

    settings: Settings
    server: Server
    day: Day
    follow: Callable[[], None] = lambda: None

    def plan(self) -> DayPlan:
        """Return the day's instants. Raises ConfigError if there is no session."""
        settings = self.settings
        planned = plan(
            self.day,
            settings.rules,
            settings.session,
            settings.broker.name,
            quiet_s=settings.exit.quiet_s,
        )
        if isinstance(planned, Closed):
            raise ConfigError(f"no session on {self.day}: {planned.reason}")
        return planned


def reach(where: Where) -> Reached:
    """Return the server that belongs to a state directory; takes over its clock.

    Raises ConfigError for settings that make no sense, and for a paper exchange that is not named:
    its journal must never meet another server.
    """
    is_paper = (where.folder / TRUTH).exists()
    if where.attach is None and is_paper:
        raise ConfigError(
            f"--state-dir {where.folder}: is of a paper exchange ({TRUTH}); name it with "
            f"{_hint(where.folder)}"
        )
    if where.attach is None:
        return _live(where)
    if not is_paper:
        raise ConfigError(
            f"--state-dir {where.folder}: holds no {TRUTH}; name the folder that the exchange was "
            "given with --state-dir"
        )
    return _paper(where, where.attach)


def _live(where: Where) -> Reached:
    settings = load("live", file=where.config)
    openalgo = settings.openalgo
    server = Server(
        url=openalgo.rest_url,
        ws_url=openalgo.stream_url,
        api_key=openalgo.api_key.get_secret_value(),
        access=access_of(openalgo),
    )
    return Reached(settings=settings, server=server, day=trading_day(clock.now()))


def _paper(where: Where, address: str) -> Reached:
    settings = load("sandbox", file=where.config, rooms={"sandbox": SandboxParams()})
    url, key = f"http://{address}", where.api_key or DEFAULT_KEY
    found = discover(url)
    check_taken(url, key, settings.broker)
    host, _, port = address.rpartition(":")
    openalgo = OpenAlgoParams(
        host=host,
        port=int(port),
        ws_url=found.ws_url,
        paper_trading=settings.room(SandboxParams).profile == "analyze",
        api_key=SecretStr(key),
    )
    clocked = FollowedClock(url, found)
    return Reached(
        settings=replace(settings, openalgo=openalgo).at_speed(found.speed),
        server=Server(url=url, ws_url=found.ws_url, api_key=key, speed=found.speed),
        day=Day(found.date),
        follow=clocked.follow,
    )


def _hint(folder: Path) -> str:
    words = shlex.split(recall(folder).rejoin)
    if "--attach" in words[:-1]:
        return f"--attach {words[words.index('--attach') + 1]}"
    return "--attach HOST:PORT"
