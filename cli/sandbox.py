"""`run.py sandbox`: the exchange and the agent, one session, its story and its summary.

At `--speed 1..120` the exchange is a process of its own behind real sockets; at `max` everything
happens in one thread and in virtual time.
"""

import logging
import re
import signal
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from cli import kept, outfile, upstream
from cli import summary as summaries
from cli.again import Again, command, keep
from cli.agent import INTERRUPTED, Agent, Server
from cli.attach import Child, Discovery, FollowedClock, check_taken, discover
from cli.exchange import DEFAULT_KEY, check_key, script_of, setup_of, source_of, tell_left_out
from cli.interrupted import EXIT_CODE, farewell
from cli.session import Session, locked
from cli.taping import taped
from cli.virtual import VirtualDay, VirtualSession
from config import log as logs
from config.settings import Settings, load
from domain.errors import ConfigError
from domain.session import Closed, DayPlan, instant, plan, show
from domain.units import MINUTE, Day, Micros
from messages.control import Ended
from sandbox.exchange import Setup
from sandbox.faults import Script
from sandbox.params import SandboxParams
from sandbox.truth import Truth
from sandbox.truth_file import NAME as TRUTH
from sandbox.truth_file import TruthFile

log = logging.getLogger(__name__)

RUN = Path(__file__).parent.parent / "run.py"
MAX = "max"
PARKED, DAY_DONE = 0, 10
ESCALATED = 70
BAD_CONFIG = 78

EARLY = Micros(15 * MINUTE)
"""How long before the open a day may begin."""

_ADDRESS = re.compile(r"[A-Za-z0-9._-]{1,253}:[0-9]{1,5}")

MOST_STARTS = 4
"""How often an agent that gave up is started again, as systemd would, and the first time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line says; None leaves it to the settings."""

    speed: str | None = None
    seed: int | None = None
    market: str | None = None
    regime: str | None = None
    tape: Path | None = None
    date: str | None = None
    begin: str | None = None
    until: str | None = None
    faults: Path | None = None
    attach: str | None = None
    api_key: str | None = None
    state_dir: Path | None = None
    summary: Path | None = None
    record: Path | None = None
    config: Path | None = None
    color: bool | None = None
    run: Path = RUN

    def flags(self) -> Mapping[str, object]:
        """Return what overrides the settings, by dotted key."""
        wanted: dict[str, object] = {
            "sandbox.seed": self.seed,
            "sandbox.market.regime": self.regime,
            "sandbox.market.source": source_of(self.market, self.tape),
            "sandbox.tape.file": str(self.tape) if self.tape else None,
            "sandbox.date": self.date,
            "sandbox.start_at": self.begin,
            "sandbox.faults": str(self.faults) if self.faults else None,
            "session.force_close": self.until,
        }
        if self.speed is not None and self.speed != MAX:
            wanted["sandbox.speed"] = _speed(self.speed)
        return {key: value for key, value in wanted.items() if value is not None}

    def of_exchange(self) -> list[str]:
        """Return what says how the exchange plays, as words of the command line."""
        return _words({**self.of_market(), "--market": self.market, "--faults": self.faults})

    def of_market(self) -> dict[str, object]:
        """Return what says which day is played and how fast, by option; None is not said."""
        return {
            "--speed": self.speed,
            "--seed": self.seed,
            "--regime": self.regime,
            "--tape": self.tape,
            "--date": self.date,
            "--from": self.begin,
        }

    def of_agent(self) -> list[str]:
        """Return what says how the agent plays, as words of the command line."""
        return _words({"--until": self.until, "--config": self.config, "--record": self.record})


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What is to be played by an exchange of our own, found to be possible."""

    setup: Setup
    plan: DayPlan
    script: Script


def run(options: Options) -> int:
    """Play one session and return 0 if it ended flat and clean, else 1. The main thread.

    Raises ConfigError, JournalError, Locked or ChildFailed for whatever does not allow a start, and
    NotJudged if the day cannot be summed up.
    """
    settings = _settings(options)
    outfile.check(options.summary, "--summary")
    _check_attach(options)
    is_live = _is_live(options, settings)
    chosen = None if is_live or options.attach is not None else _choose(options, settings)
    with locked(_folder(options)) as folder:
        keep(folder, Again(restart=_restart(options, folder)))
        logs.setup(_redactor(options), color=options.color, file=folder / "agent.log")
        session = Session(settings=settings, folder=folder)
        if chosen is not None:
            tell_left_out(chosen.setup)
        if chosen is not None and options.speed == MAX:
            return _play_virtual(options, session, chosen)
        with _exchange(options, session) as url:
            found = discover(url)
            ended = _play_on_sockets(session, options, url, found)
        return _conclude(options, session, Day(found.date), ended, found.speed)


def _settings(options: Options) -> Settings:
    """Return the settings; a paper exchange is in the mode its own profile says."""
    settings = load("sandbox", options.flags(), options.config, rooms={"sandbox": SandboxParams()})
    is_paper = settings.room(SandboxParams).profile == "analyze"
    return replace(settings, openalgo=replace(settings.openalgo, paper_trading=is_paper))


def _is_live(options: Options, settings: Settings) -> bool:
    """Return whether prices come from OpenAlgo; refuse what then cannot be. Raises ConfigError."""
    is_wanted = upstream.is_wanted(settings.room(SandboxParams))
    if options.attach is not None or not (is_wanted or options.market == upstream.SOURCE):
        return False
    upstream.check(options.of_market())
    upstream.server(options.config)
    return True


def _choose(options: Options, settings: Settings) -> Chosen:
    """Return what is to be played. Raises ConfigError before anything is made or started."""
    params = settings.room(SandboxParams)
    setup = setup_of(params, settings.rules, options.date, settings.universe.underlying)
    of_tape = f"--tape {params.tape.file}: its day {setup.day}"
    planned = _plan(settings, setup.day, of_tape if setup.tape else f"--date {setup.day}: that day")
    _check_begin(options, planned)
    return Chosen(setup=setup, plan=planned, script=script_of(params, setup.day))


def _play_virtual(options: Options, session: Session, chosen: Chosen) -> int:
    kept.check(session.folder, chosen.setup.day)
    file = TruthFile(session.folder)
    try:
        day = VirtualDay(
            setup=chosen.setup,
            script=chosen.script,
            truth=Truth(file.append, file.rows),
            begin=session.settings.room(SandboxParams).start_at,
        )
        with taped(options.record, session, chosen.setup.day) as own:
            ended = _until_it_ends(lambda: _interruptible(VirtualSession(own, day, chosen.plan)))
    finally:
        file.close()
    return _conclude(options, session, chosen.setup.day, ended, 1)


def _interruptible(played: VirtualSession) -> Ended:
    """Play; the first Ctrl-C or SIGTERM ends it between two steps, a second one at once."""

    def interrupt(number: int, frame: object) -> None:
        del frame
        signal.signal(number, signal.default_int_handler)
        played.interrupt()

    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [(number, signal.signal(number, interrupt)) for number in numbers]
    try:
        return played.play()
    finally:
        for number, handler in before:
            signal.signal(number, handler)


def _play_on_sockets(session: Session, options: Options, url: str, found: Discovery) -> Ended:
    settings = session.settings.at_speed(found.speed)
    key = options.api_key or DEFAULT_KEY
    known = kept.check(session.folder, Day(found.date))
    check_taken(url, key, settings.broker, may_wait=not known.is_quiet)
    what = f"--attach {url}" if options.attach is not None else f"the exchange at {url}"
    planned = _plan(settings, Day(found.date), f"{what}: its day {found.date}")
    clock = FollowedClock(url, found)
    server = Server(url=url, ws_url=found.ws_url, api_key=key, speed=found.speed)
    inner = Session(settings=settings, folder=session.folder)
    with taped(options.record, inner, planned.day) as own:
        return _until_it_ends(lambda: Agent(own, planned, server).run(clock.follow))


def _until_it_ends(play: Callable[[], Ended]) -> Ended:
    """Play, and start an agent that gave up again: recovery is the way out of an escalation.

    Raises ConfigError if the agent refused the server.
    """
    ended = play()
    for start in range(2, MOST_STARTS + 1):
        if ended.code != ESCALATED:
            break
        log.error("the agent gave up: %s; start %d of %d", ended.reason, start, MOST_STARTS)
        ended = play()
    if ended.code == BAD_CONFIG:
        raise ConfigError(ended.reason)
    return ended


@contextmanager
def _exchange(options: Options, session: Session) -> Iterator[str]:
    """Reach the exchange that was named, or start one that lives as long as we do."""
    if options.attach is not None:
        if not (session.folder / TRUTH).exists():
            raise ConfigError(
                f"--state-dir {session.folder}: holds no {TRUTH}; name the folder that the "
                "exchange was given with --state-dir"
            )
        yield f"http://{options.attach}"
        return
    child = Child(options.run, _child_options(options, session), session.folder / "exchange.log")
    try:
        url = child.ready()
        log.info("exchange open url=%s pid=%d state=%s", url, child.pid, session.folder)
        words = ["--attach", url.removeprefix("http://"), *options.of_agent()]
        rejoin = command("sandbox", session.folder, words)
        keep(session.folder, Again(restart=_restart(options, session.folder), rejoin=rejoin))
        log.info("should this agent die: %s", rejoin)
        yield url
    finally:
        child.stop()


def _child_options(options: Options, session: Session) -> list[str]:
    params = session.settings.room(SandboxParams)
    given = {
        "--port": 0,
        "--ws-port": 0,
        "--state-dir": session.folder,
        "--faults": options.faults,
        "--config": options.config,
    }
    words = [*_words(given), "--end-with-day", "--no-color"]
    if upstream.is_wanted(params):
        return [*words, "--market", upstream.SOURCE]
    market = {
        "--speed": params.speed,
        "--from": params.start_at,
        "--seed": params.seed,
        "--market": params.market.source,
        "--regime": params.market.regime,
        "--tape": options.tape,
        "--date": options.date,
    }
    return [*words, *_words(market), "--start-paused"]


def _restart(options: Options, folder: Path) -> str:
    """Return the command that goes on with this session, or plays it again."""
    if options.attach is None:
        return command("sandbox", folder, [*options.of_exchange(), *options.of_agent()])
    return command("sandbox", folder, ["--attach", options.attach, *options.of_agent()])


def _words(given: Mapping[str, object]) -> list[str]:
    """Return options as words of a command line; None is not given."""
    return [text for key, value in given.items() if value is not None for text in (key, str(value))]


def _conclude(options: Options, session: Session, day: Day, ended: Ended, speed: int) -> int:
    """Print what the day came to and return the exit code."""
    log.info("session over: %s", ended.reason)
    summary = summaries.summarise(session.folder, day, session.settings.rules, speed)
    print(f"\nThe day of {day}, kept in {session.folder}\n{summaries.table(summary)}", flush=True)
    if options.summary is not None:
        outfile.save(summary, options.summary, "--summary")
    if ended.code in {PARKED, INTERRUPTED}:
        again = _restart(options, session.folder)
        print(f"\n{farewell(session.folder, day, ended.at, again)}", flush=True)
        return EXIT_CODE
    return 0 if summaries.is_clean(summary) and ended.code == DAY_DONE else 1


def _plan(settings: Settings, day: Day, said: str) -> DayPlan:
    planned = plan(
        day,
        settings.rules,
        settings.session,
        settings.broker.name,
        quiet_s=settings.exit.quiet_s,
    )
    if settings.rules.refusal(day):
        raise ConfigError(
            f"{said} lies after valid_through of the dated rules, {settings.rules.valid_through}: "
            "nothing would be entered; name an earlier day or renew config/rules"
        )
    if isinstance(planned, Closed):
        raise ConfigError(
            f"{said} has no session ({planned.reason}); "
            f"the next one is {planned.next_day or 'beyond the known calendar'}"
        )
    return planned


def _folder(options: Options) -> Path:
    """Return the state directory: the one named, or a fresh one."""
    if options.state_dir is not None:
        return options.state_dir
    home = Path("state")
    try:
        home.mkdir(mode=0o700, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix="sandbox-", dir=home))
    except OSError as error:
        raise ConfigError(
            f"folder {home.resolve()}: cannot be written ({error.strerror}); "
            "name another one with --state-dir"
        ) from error


def _redactor(options: Options) -> logs.Redactor:
    is_secret = options.api_key not in {None, DEFAULT_KEY}
    return logs.Redactor(*[options.api_key or ""] * is_secret)


def _check_attach(options: Options) -> None:
    """Refuse an exchange that cannot be meant, and what only an exchange of our own could do."""
    if options.attach is None:
        if options.api_key is not None:
            raise ConfigError("--api-key: is for --attach; an exchange of our own has its own key")
        return
    if options.api_key is not None:
        check_key(options.api_key)
    if options.speed == MAX:
        raise ConfigError("--speed max: there is no exchange to attach to; leave --attach out")
    if not _ADDRESS.fullmatch(options.attach):
        raise ConfigError(
            f"--attach {options.attach}: is no address; allowed is HOST:PORT as `run.py exchange` "
            "prints it, such as 127.0.0.1:5000"
        )
    own = [word for word in options.of_exchange() if word.startswith("--")]
    if own:
        raise ConfigError(
            f"{', '.join(own)}: with --attach the exchange is what it was started as; leave it out "
            "or give it to `run.py exchange`"
        )
    if options.state_dir is None:
        raise ConfigError("--attach: needs --state-dir, the folder the exchange was given")


def _check_begin(options: Options, planned: DayPlan) -> None:
    """Refuse a start at which there is nothing to trade; before the open there may be time."""
    if options.begin is None:
        return
    at = instant(planned.day, options.begin)
    earliest = Micros(planned.open - EARLY)
    if not earliest <= at < planned.close:
        raise ConfigError(
            f"--from {options.begin}: lies outside the session of {planned.day}; allowed is "
            f"{show(earliest)} to {show(planned.close)}"
        )
    if options.until is not None and at >= planned.force_close:
        raise ConfigError(
            f"--from {options.begin}: is not before the force close, {show(planned.force_close)} "
            f"by --until {options.until}; name an earlier start or a later end"
        )


def _speed(text: str) -> int:
    if not text.isdecimal():
        raise ConfigError(f"--speed {text}: allowed is a whole number from 1 to 120, or {MAX}")
    return int(text)
