"""`run.py exchange`: the paper exchange alone, open for business at once."""

import json
import logging
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from socket import socket
from typing import Any

from cli import dates, upstream
from config import documents
from config import log as logs
from config.groups import OpenAlgoParams
from config.settings import load
from domain import symbols
from domain.errors import ConfigError
from domain.rules import RulePack
from domain.session import instant, show
from domain.units import Day, Micros
from journal import archive
from sandbox import faults
from sandbox.exchange import Exchange, Setup
from sandbox.faults import Script
from sandbox.market import master, tape
from sandbox.market.recorded import Tape
from sandbox.market.ticks import TickTape
from sandbox.params import SandboxParams
from sandbox.server import Ports, Serving, serve
from sandbox.sockets import address_of, bound, port_of
from sandbox.truth import Truth
from sandbox.truth_file import NAME as TRUTH
from sandbox.truth_file import TruthFile

log = logging.getLogger(__name__)

DEFAULT_KEY = "sandbox"
"""The API key of a paper exchange that was given none; no secret, it opens nothing else."""


SLOWEST, FASTEST = 1, 120
TAPE = "tape"

LAST_DAY = "2098-12-31"
"""Symbols name a year by two digits, and contracts expire after the day they are played on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line says; None leaves it to the settings. Ports 0 mean any free one.

    `begin` is the wall time the clock starts at; what lies before has been played already. With
    `wait` the clock then stands still until the first subscription. So many `days` are played, each
    from there. Without `state_dir` ground truth is kept in memory only. Without `control_port`
    there is no control app unless the settings ask for it; without `control_token` nothing can be
    changed through it.
    """

    port: int | None = None
    ws_port: int | None = None
    api_key: str = DEFAULT_KEY
    seed: int | None = None
    market: str | None = None
    tape: Path | None = None
    regime: str | None = None
    date: str | None = None
    begin: str | None = None
    speed: int | None = None
    faults: Path | None = None
    state_dir: Path | None = None
    control_port: int | None = None
    control_token: str = ""
    config: Path | None = None
    wait: bool = False
    dies_with_parent: bool = False
    ends_with_day: bool = False
    days: int = 1
    color: bool | None = None

    def of_market(self) -> dict[str, object]:
        """Return what says which day is played and how fast, by option; None is not said."""
        return {
            "--seed": self.seed,
            "--tape": self.tape,
            "--regime": self.regime,
            "--date": self.date,
            "--from": self.begin,
            "--speed": self.speed,
            "--start-paused": self.wait,
            "--days": None if self.days == 1 else self.days,
        }

    def flags(self) -> dict[str, object]:
        """Return what overrides the settings, by dotted key."""
        wanted: dict[str, object] = {
            "sandbox.rest_port": self.port,
            "sandbox.ws_port": self.ws_port,
            "sandbox.control_port": self.control_port,
            "sandbox.seed": self.seed,
            "sandbox.date": self.date,
            "sandbox.speed": SLOWEST if self.speed is None else self.speed,
            "sandbox.market.regime": self.regime,
            "sandbox.market.source": source_of(self.market, self.tape),
            "sandbox.tape.file": str(self.tape) if self.tape else None,
            "sandbox.faults": str(self.faults) if self.faults else None,
        }
        return {key: value for key, value in wanted.items() if value is not None}


def run(options: Options) -> int:
    """Serve the paper exchange until it is told to stop, and return the exit code.

    Prints one JSON line on standard output once every port answers, unless a person reads it there.
    Raises ConfigError for whatever does not allow a start. The main thread.
    """
    check_key(options.api_key)
    _check_speed(options)
    redactor = logs.Redactor(options.control_token)
    if options.api_key != DEFAULT_KEY:
        redactor.register(options.api_key)
    logs.setup(redactor, color=options.color)
    settings = load("sandbox", options.flags(), options.config, rooms={"sandbox": SandboxParams()})
    params = settings.room(SandboxParams)
    openalgo = _openalgo(options, params, redactor)
    with _ports(params, with_control=_wants_control(options, params)) as ports:
        if openalgo is not None:
            with _truth(options.state_dir) as truth:
                relayed = upstream.reach(openalgo, settings, truth.rows)
                exchange = Exchange(relayed.setup, settings.rules, truth)
                serving = relayed.serving(_serving(options, relayed.setup, exchange, truth))
                serve(serving, ports, _announce(serving, ports))
            return 0
        first = setup_of(params, settings.rules, options.date)
        tell_left_out(first)
        _play(
            options,
            dates.all_of(first, settings.rules, options.days, setup_of),
            settings.rules,
            ports,
        )
    return 0


def _play(options: Options, setups: tuple[Setup, ...], rules: RulePack, ports: Ports) -> None:
    """Serve one day after another on the same ports, which take callers in between as well."""
    for setup in setups:
        is_last = setup is setups[-1]
        with _truth(options.state_dir) as truth:
            serving = _serving(options, setup, Exchange(setup, rules, truth), truth)
            serving = replace(serving, ends_with_day=options.ends_with_day or not is_last)
            with _shared(ports) as mine:
                is_over = serve(serving, mine, _announce(serving, ports))
        if is_last or not is_over:
            return
        if options.state_dir is not None:
            archive.put_away(options.state_dir, setup.day, [TRUTH])
        log.info("the day of %s is over, the clock goes on to the next trading day", setup.day)


def check_key(key: str) -> None:
    """Refuse a key that no client could send. Raises ConfigError without showing it."""
    if not re.fullmatch(r"[!-~]{1,256}", key):
        raise ConfigError(
            f"--api-key: {len(key)} characters are not allowed; allowed is 1 to 256 visible ASCII "
            f"characters, such as the default, {DEFAULT_KEY}"
        )


def source_of(market: str | None, file: Path | None) -> str | None:
    """Return what `--market` and `--tape` say of the source; None is not said.

    Raises ConfigError for a tape that would not be played.
    """
    if file is None or market in {TAPE, upstream.SOURCE}:
        return market
    if market is not None:
        raise ConfigError(
            f"--tape {file}: is not played with --market {market}; leave one of them out"
        )
    return TAPE


def setup_of(
    params: SandboxParams, rules: RulePack, date: str | None, traded: str | None = None
) -> Setup:
    """Return what the day is played with; `date` is the day that was asked for.

    `traded` is the underlying of an agent that is to play it, if one is known. Raises ConfigError
    for a tape that cannot be read, is of another day or has nothing of that underlying, for a day
    too far ahead, and for an expiry asked of a day that has none.
    """
    if params.market.source == TAPE:
        setup = Setup(params, _tape(params, rules, traded))
        said = f"--tape {params.tape.file}: its day {setup.day}"
        if date not in {None, setup.day}:
            raise ConfigError(f"--date {date} is not the day of the tape, {setup.day}; drop it")
    else:
        setup = Setup(replace(params, date=_played(params, rules, date)))
        said = f"--date {setup.day}: that day"
    if setup.day > LAST_DAY:
        raise ConfigError(f"{said} cannot be played; allowed is a day up to {LAST_DAY}")
    return setup


def tell_left_out(setup: Setup) -> None:
    """Say in the log what of a recording is not played."""
    if isinstance(setup.tape, TickTape) and setup.tape.left_out:
        log.warning(
            "rows of %s are not played n=%d: their prices are off the tick of that day",
            *(setup.params.tape.file, setup.tape.left_out),
        )


def _tape(params: SandboxParams, rules: RulePack, traded: str | None) -> Tape | TickTape:
    if not params.tape.file:
        raise ConfigError("sandbox.tape.file: is missing; name it with --tape FILE")
    found = tape.read(Path(params.tape.file), params.tape, rules.override(*params.rules).tick)
    missing = _missing(found, traded) if traded else ""
    if missing:
        raise ConfigError(
            f"sandbox.tape.file: {params.tape.file}: {missing} on the tape, and "
            "universe.underlying is what is traded; name a tape that has it"
        )
    return found


def _missing(found: Tape | TickTape, traded: str) -> str:
    """Return what a tape lacks of an underlying, or ''."""
    if traded not in found.symbols:
        return f"{traded} is not"
    is_there = any(_may_be_option(name, traded) for name in found.symbols)
    return "" if is_there else f"options of {traded} are not"


def _may_be_option(name: str, underlying: str) -> bool:
    """Whether it is an option of this underlying, or none at all: that is refused by its name."""
    try:
        return name.endswith(("CE", "PE")) and symbols.parse(name).name == underlying
    except symbols.BadSymbol:
        return True


def _played(params: SandboxParams, rules: RulePack, date: str | None) -> str:
    """Return the day of the synthetic market: as configured, or the expiry from there on."""
    if params.market.regime != "expiry" or params.date > LAST_DAY:
        return params.date
    expiry = rules.override(*params.rules).expiries(master.UNDERLYING, Day(params.date), 1)[0]
    if date not in {None, expiry}:
        raise ConfigError(
            f"--date {date}: {master.UNDERLYING} has no expiry on it, as --regime expiry needs; "
            f"the next one is {expiry}"
        )
    return expiry


def script_of(params: SandboxParams, day: Day) -> Script:
    """Return the faults of the day. Raises ConfigError naming the file and every problem."""
    if not params.faults:
        return Script()
    file = Path(params.faults)
    document = documents.read(file)
    try:
        return faults.read(document, day, params.seed)
    except ConfigError as error:
        raise ConfigError(*(f"{file}: {problem}" for problem in error.problems)) from error


def _check_speed(options: Options) -> None:
    speed = SLOWEST if options.speed is None else options.speed
    if not SLOWEST <= speed <= FASTEST:
        raise ConfigError(
            f"--speed {speed}: allowed is a whole number from 1 to {FASTEST}; the default is 1"
        )


def _openalgo(
    options: Options, params: SandboxParams, redactor: logs.Redactor
) -> OpenAlgoParams | None:
    """Return the server to relay, if one is wanted. Raises ConfigError before anything is taken."""
    if options.market == upstream.SOURCE or upstream.is_wanted(params):
        upstream.check(options.of_market())
        found = upstream.server(options.config)
        redactor.register(found.api_key.get_secret_value())
        upstream.check_ports(params, found)
        return found
    return None


def _serving(options: Options, setup: Setup, exchange: Exchange, truth: Truth) -> Serving:
    params = setup.params
    return Serving(
        exchange=exchange,
        truth=truth,
        api_key=options.api_key,
        start_at=_start_at(options, params, exchange),
        speed=params.speed,
        wait_s=params.start_wait_s if options.wait else 0,
        is_live=params.profile == "live_quirks",
        faults=script_of(params, exchange.day),
        control_token=options.control_token,
        ends_with_day=options.ends_with_day,
        dies_with_parent=options.dies_with_parent,
    )


def _start_at(options: Options, params: SandboxParams, exchange: Exchange) -> Micros:
    """Return when the clock starts; a day taken up again goes on where its truth ends."""
    wall = options.begin or (params.start_at if options.wait else params.alone_at)
    try:
        start = instant(exchange.day, wall)
    except ValueError:
        raise ConfigError(f"--from {wall}: is no time of day; allowed is HH:MM[:SS]") from None
    return max(start, exchange.now)


def _wants_control(options: Options, params: SandboxParams) -> bool:
    return options.control_port is not None or params.control.enabled


@contextmanager
def _ports(params: SandboxParams, *, with_control: bool) -> Iterator[Ports]:
    """Take every port, or none. The control app is on loopback whatever the others are."""
    with ExitStack() as stack:

        def take(host: str, port: int, what: str) -> socket:
            return stack.enter_context(bound(host, port, what))

        rest = take(params.rest_host, params.rest_port, "REST")
        stream = take(params.ws_host, params.ws_port, "WebSocket")
        control = take("127.0.0.1", params.control_port, "control") if with_control else None
        yield Ports(rest=rest, stream=stream, control=control)


@contextmanager
def _shared(ports: Ports) -> Iterator[Ports]:
    """Give sockets away that may be closed; callers wait at the others meanwhile."""
    with ExitStack() as stack:
        rest, stream = (stack.enter_context(each.dup()) for each in (ports.rest, ports.stream))
        control = stack.enter_context(ports.control.dup()) if ports.control else None
        yield Ports(rest=rest, stream=stream, control=control)


@contextmanager
def _truth(state_dir: Path | None) -> Iterator[Truth]:
    if state_dir is None:
        yield Truth()
        return
    file = TruthFile(state_dir)
    try:
        yield Truth(file.append, file.rows)
    finally:
        file.close()


def _announce(serving: Serving, ports: Ports) -> Callable[[dict[str, Any]], None]:
    """Return what tells people and programs that the exchange is open, and where."""

    def ready(document: dict[str, Any]) -> None:
        rest_url = f"http://{address_of(ports.rest)}"
        key = serving.api_key if serving.api_key == DEFAULT_KEY else "the one given"
        log.info(
            "paper exchange open rest=%s ws=%s date=%s at=%s speed=%s api_key=%s",
            *(rest_url, document["ws_url"], document["date"]),
            *(show(serving.start_at), serving.speed, key),
        )
        numbers = {
            "port": port_of(ports.rest),
            "ws_port": port_of(ports.stream),
            "control_port": port_of(ports.control) if ports.control else None,
        }
        if not sys.stdout.isatty():  # for programs; a person reads the line above
            print(json.dumps({"url": rest_url, **numbers, **document}), flush=True)

    return ready
