"""`run.py record`: what the feed of an OpenAlgo server delivers, kept for a day. Sends no order."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from actors.system import server_mode
from cli.attach import discover
from cli.inquiry import Asker, access_of
from cli.interrupted import EXIT_CODE as INTERRUPTED
from cli.listening import Listening, Server
from cli.session import locked
from cli.visit import Visit
from config import log as logs
from config.settings import Settings, load
from domain import clock
from domain.calls import ServerRead
from domain.errors import ConfigError
from domain.session import Closed, DayPlan, instant, plan, show, trading_day
from domain.units import Micros
from research.recorder import Recorded, Recorder
from research.recording import RecordingFailed

log = logging.getLogger(__name__)

DONE, INCOMPLETE, CLOSED_DAY = 0, 1, 10
AGAIN = "what was kept is safe, a recording begun again goes on in the same file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line says; None leaves it to the settings and the day."""

    state_dir: Path = Path("state")
    config: Path | None = None
    until: str | None = None
    out: Path | None = None
    color: bool | None = None

    @property
    def folder(self) -> Path:
        """Where recordings are kept."""
        return self.out or self.state_dir / "recordings"


def run(options: Options) -> int:
    """Record today and return the exit code: 0 whole, 1 something was lost, 11 interrupted.

    10 is a day without a session. The main thread. Raises ConfigError for settings that do not
    allow a start, Locked if another one records there, RecordingFailed for a disk that says no.
    """
    settings = load("live", file=options.config)
    with locked(options.folder, option="--out", who="the recorder") as folder:
        redactor = logs.Redactor(*settings.secrets())
        logs.setup(redactor, settings.log.on_screen, color=options.color)
        server = _meet(settings, options, redactor)
        planned = _plan(server.settings)
        if isinstance(planned, Closed):
            following = planned.next_day or "beyond the known calendar"
            reason = planned.reason
            log.info("no session on %s: %s; the next one is %s", planned.day, reason, following)
            return CLOSED_DAY
        until = _until(options, planned)
        recorder = Recorder(folder, planned.day)
        begun = recorder.start()
        log.info("recording %s to %s until %s; sends no order", planned.day, folder, show(until))
        try:
            with _prices_only():
                is_over = Listening(server, planned, recorder).run(until, begun.facts.get("chain"))
        finally:
            recorded = recorder.close()
        return _conclude(recorder, recorded, is_over=is_over)


def _plan(settings: Settings) -> DayPlan | Closed:
    today = trading_day(clock.now())
    return plan(today, settings.rules, settings.session, settings.broker.name)


def _until(options: Options, planned: DayPlan) -> Micros:
    """Return when to end. Raises ConfigError for a time that is none, or over."""
    if options.until is None:
        end, said = planned.close, f"the session of {planned.day}"
    else:
        said = f"--until {options.until}"
        try:
            end = instant(planned.day, options.until)
        except ValueError:
            raise ConfigError(f"{said}: is no time of day; allowed is HH:MM[:SS]") from None
    now = clock.now()
    if end <= now:
        raise ConfigError(
            f"{said}: is over since {show(end)}, it is {show(now)}; record on the next day, or "
            "name a later end with --until"
        )
    return end


@contextmanager
def _prices_only() -> Iterator[None]:
    """Leave out of the log what the watchdog would tell a strategy: here is none to enter."""

    def is_wanted(record: logging.LogRecord) -> bool:
        return not (record.name.startswith("actors.") and str(record.msg).startswith("entries"))

    handlers = logging.getLogger().handlers[:]
    for handler in handlers:
        handler.addFilter(is_wanted)
    try:
        yield
    finally:
        for handler in handlers:
            handler.removeFilter(is_wanted)


def _conclude(recorder: Recorder, recorded: Recorded, *, is_over: bool) -> int:
    """Tell what came of it and return the exit code. Raises RecordingFailed for a full disk."""
    print(f"recorded {recorded}", flush=True)
    if recorder.fault:
        raise RecordingFailed(f"{recorder.fault}; {AGAIN}")
    if not recorded.ticks:
        raise RecordingFailed("no tick came; `run.py doctor` names what is wrong with the feed")
    if recorded.lost:
        return INCOMPLETE
    return DONE if is_over else INTERRUPTED


def _meet(settings: Settings, options: Options, redactor: logs.Redactor) -> Server:
    """Ask the server who it is; one that does not answer yet is waited for by the feed."""
    asker = Asker(settings)
    visit = Visit(options.folder, lambda: settings, redactor, found=settings, asker=asker)
    try:
        found = visit.meet()
    finally:
        asker.close()
    mode, speed = server_mode(settings), 1
    if isinstance(found, ServerRead):
        mode = found.mode
    else:
        url = settings.openalgo.rest_url
        said = f"{found.status or 'no answer'} {found.text}"
        log.warning("%s does not take us yet (%s); `run.py doctor` names the remedy", url, said)
    if visit.is_paper_exchange:
        speed = discover(settings.openalgo.rest_url, access_of(settings.openalgo)).speed
    return Server(settings=settings.at_speed(speed), mode=mode, speed=speed, follow=visit.follow)
