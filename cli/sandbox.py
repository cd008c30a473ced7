"""`run.py sandbox`: the exchange and the agent, one session, its story and its summary.

At `--speed 1..120` the exchange is a process of its own behind real sockets; at `max` everything
happens in one thread and in virtual time.
"""

import logging
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from cli import alerts, asked, dates, kept, outfile, page, season, sessions, upstream
from cli import summary as summaries
from cli.again import Again, command, keep
from cli.agent import INTERRUPTED, Agent, Server
from cli.asked import MAX, Options
from cli.attach import Child, Discovery, FollowedClock, check_taken, discover
from cli.exchange import DEFAULT_KEY, script_of, setup_of, tell_left_out
from cli.interrupted import EXIT_CODE, farewell
from cli.season import Venue
from cli.session import Session, locked
from cli.summary import Summary
from cli.taping import taped
from cli.virtual import VirtualDay, VirtualSession
from config import log as logs
from config.settings import Settings
from domain.errors import ConfigError
from domain.session import Closed, DayPlan, plan
from domain.units import Day
from journal import archive
from messages.control import Ended
from sandbox.exchange import Setup
from sandbox.faults import Script
from sandbox.params import SandboxParams
from sandbox.truth import Truth
from sandbox.truth_file import NAME as TRUTH
from sandbox.truth_file import TruthFile

log = logging.getLogger(__name__)

PARKED, DAY_DONE = 0, 10
ESCALATED = 70
BAD_CONFIG = 78

MOST_STARTS = 4
"""How often an agent that gave up is started again, as systemd would, and the first time."""


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
    settings = asked.settings(options)
    outfile.check(options.summary, "--summary")
    asked.check_attach(options)
    is_live = _is_live(options, settings)
    chosen = None if is_live or options.attach is not None else _choose(options, settings)
    with locked(asked.folder(options)) as folder:
        redactor = asked.redactor(options, settings)
        logs.setup(redactor, settings.log, color=options.color, file=folder / "agent.log")
        keep(folder, Again(restart=_restart(options, folder)))
        session = Session(settings=settings, folder=folder)
        if chosen is not None:
            tell_left_out(chosen.setup)
        if chosen is not None and options.speed == MAX:
            return _play_virtual_days(options, session, chosen)
        with (
            _exchange(options, session) as venue,
            page.beside(settings, folder) as board,
            alerts.beside(settings, folder, board) as out,
        ):
            told = replace(session, show=board.show, pager=out.pager, over=out.ended)
            return _play_days(options, told, venue)


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
    dates.all_of(setup, settings.rules, options.days, setup_of)
    return _chosen(options, settings, setup)


def _chosen(options: Options, settings: Settings, setup: Setup) -> Chosen:
    params = setup.params
    of_tape = f"--tape {params.tape.file}: its day {setup.day}"
    planned = _plan(settings, setup.day, of_tape if setup.tape else f"--date {setup.day}: that day")
    asked.check_begin(options, planned)
    return Chosen(setup=setup, plan=planned, script=script_of(params, setup.day))


def _play_days(options: Options, session: Session, venue: Venue) -> int:
    """Play one day after another, each with an agent of its own; return the worst exit code."""
    found, worst = discover(venue.url), 0
    for left in reversed(range(options.days)):
        ended = _play_on_sockets(session, options, venue.url, found)
        day = Day(found.date)
        summary = _summary(session, day, found.speed)
        worst = max(worst, _conclude(options, session, summary, ended))
        if not left or ended.code != DAY_DONE:
            break
        with season.breakable():
            found = season.next_day(venue, day)
            season.put_away(session.folder, session.settings, day, Day(found.date), summary)
    return worst


def _play_virtual_days(options: Options, session: Session, first: Chosen) -> int:
    worst, chosen = 0, first
    for left in reversed(range(options.days)):
        ended = _play_virtual(options, session, chosen)
        day = chosen.setup.day
        summary = _summary(session, day, 1)
        worst = max(worst, _conclude(options, session, summary, ended))
        if not left or ended.code != DAY_DONE:
            break
        chosen = _chosen(options, session.settings, _following(chosen.setup, session.settings))
        archive.put_away(session.folder, day, [TRUTH])
        season.put_away(session.folder, session.settings, day, chosen.setup.day, summary)
    return worst


def _following(setup: Setup, settings: Settings) -> Setup:
    return dates.following(setup, settings.rules, setup_of)


def _play_virtual(options: Options, session: Session, chosen: Chosen) -> Ended:
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
            return _until_it_ends(lambda: _interruptible(VirtualSession(own, day, chosen.plan)))
    finally:
        file.close()


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
    inner = replace(session, settings=settings)
    with taped(options.record, inner, planned.day) as own:

        def play() -> Ended:
            ended = Agent(own, planned, server).run(clock.follow)
            own.over(ended)
            if found.speed == 1:
                sessions.note(own.folder, settings, planned.day, ended.code)
            return ended

        return _until_it_ends(play)


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
def _exchange(options: Options, session: Session) -> Iterator[Venue]:
    """Reach the exchange that was named, or start one that lives as long as we do."""
    if options.attach is not None:
        if not (session.folder / TRUTH).exists():
            raise ConfigError(
                f"--state-dir {session.folder}: holds no {TRUTH}; name the folder that the "
                "exchange was given with --state-dir"
            )
        yield Venue(f"http://{options.attach}")
        return
    child = Child(options.run, _child_options(options, session), session.folder / "exchange.log")
    try:
        url = child.ready()
        log.info("exchange open url=%s pid=%d state=%s", url, child.pid, session.folder)
        words = ["--attach", url.removeprefix("http://"), *options.of_agent()]
        rejoin = command("sandbox", session.folder, words)
        keep(session.folder, Again(restart=_restart(options, session.folder), rejoin=rejoin))
        log.info("should this agent die: %s", rejoin)
        yield Venue(url, child)
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
    words = [*asked.words(given), "--end-with-day", "--no-color"]
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
        "--days": None if options.days == 1 else options.days,
    }
    return [*words, *asked.words(market), "--start-paused"]


def _restart(options: Options, folder: Path) -> str:
    """Return the command that goes on with this session, or plays it again."""
    if options.attach is None:
        return command("sandbox", folder, [*options.of_exchange(), *options.of_agent()])
    return command("sandbox", folder, ["--attach", options.attach, *options.of_agent()])


def _summary(session: Session, day: Day, speed: int) -> Summary:
    return summaries.summarise(session.folder, day, session.settings.rules, speed)


def _conclude(options: Options, session: Session, summary: Summary, ended: Ended) -> int:
    """Print what the day came to and return the exit code."""
    log.info("session over: %s", ended.reason)
    day = summary["session_date"]
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
