"""`run.py live`: the agent against a real OpenAlgo server, one trading day or one after another."""

import logging
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from cli import alerts, page, sessions
from cli.again import Again, command, keep
from cli.agent import Agent, Server
from cli.early import Early
from cli.hang import Hang, limit_s
from cli.inquiry import access_of, link_of
from cli.life import DAY_DONE as DONE
from cli.life import Life, asleep
from cli.night import Beside, Night
from cli.notify import Service, Terms
from cli.session import Session, locked
from cli.standby import Standby
from cli.taping import taped
from config import log as logs
from config.settings import Settings, load
from domain.errors import ConfigError, JournalDamaged, JournalError, JournalNewer
from domain.market import Source
from domain.session import DayPlan
from domain.status import Status
from domain.units import Day
from journal.orders import NAME as JOURNAL
from journal.orders import verify
from messages.control import Ended

log = logging.getLogger(__name__)

DAY_DONE, BAD_CONFIG = DONE, 78
CLOSE_S = 20
"""How long, after parking, actors, lanes and streams have for their last words."""

READS = 60
READ_APART_S = 1.0
"""A journal that is locked, or a disk that stumbles, is waited for: a minute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line says. Who `stays` sleeps after the day and plays the next one."""

    state_dir: Path = Path("state")
    config: Path | None = None
    record: Path | None = None
    stays: bool = False
    color: bool | None = None


def run(options: Options) -> int:
    """Trade today and return the exit code: 0 parked, 10 day done, 70 escalated. The main thread.

    Raises ConfigError for settings or a server that do not allow a start, JournalNewer for a
    journal a later version wrote, JournalError for one that cannot be read for a minute, Locked if
    another agent runs.
    """
    early = Early()
    with early.listening():
        return _run(options, early)


def _run(options: Options, early: Early) -> int:
    settings = load("live", file=options.config)
    with locked(options.state_dir) as folder:
        words = ["--config", options.config] if options.config else []
        words += ["--record", options.record] if options.record else []
        words += ["--stay"] if options.stays else []
        logs.setup(logs.Redactor(*settings.secrets()), settings.log, color=options.color)
        keep(folder, Again(restart=command("live", folder, words)))
        for note in settings.notes:
            log.info("%s", note)
        service = Service(Terms.of(os.environ, settings.shutdown.park_s + CLOSE_S))
        standby = Standby(settings.lease, folder)
        watched = Watched(service, standby, Hang(limit_s(os.environ)), early)
        with page.beside(settings, folder) as board, alerts.beside(settings, folder, board) as out:

            def show(status: Status) -> None:
                board.show(status)
                service.show(status)

            session = Session(
                settings=settings,
                folder=folder,
                show=show,
                pager=out.pager,
                over=out.ended,
                refusal=standby.refusal,
            )
            beside = Beside(show=show, follow=watched.night)
            life = Life(settings, folder, stays=options.stays, beside=beside)

            def play(planned: DayPlan) -> Ended:
                night = Night(folder, asleep(settings), beside)
                once = partial(_play, options, session, planned, watched)
                return standby.play(planned, night, once)

            try:
                ended = life.run(play)
            finally:
                watched.hang.rest()
            service.over(ended.code)
        log.info("over code=%d %s", ended.code, ended.reason)
        return ended.code


@dataclass(frozen=True, slots=True)
class Watched:
    """What is looked at in every round of a loop. Main thread."""

    service: Service
    standby: Standby
    hang: Hang
    early: Early

    def night(self) -> None:
        """Say that the process lives, while no actor does."""
        self.service.look(is_fed=True)
        self.hang.look()

    def day(self, agent: Agent) -> None:
        """Look at the lease, tell the service manager how the agent is."""
        self.hang.look()
        self.early.hand_on()
        self.standby.look(agent)
        if agent.is_parking:
            self.service.stopping()
        self.service.look(is_fed=agent.is_fed)


def _play(options: Options, session: Session, planned: DayPlan, watched: Watched) -> Ended:
    """Play one day, with actors, lanes and streams of its own. Raises ConfigError, JournalNewer."""

    def wait() -> None:
        watched.service.look(is_fed=True)
        _breathe()

    watched.hang.rest()

    wait_for_journal(session.folder / JOURNAL, planned.day, wait)
    server = _server(session.settings)
    expected = "analyzer" if session.settings.openalgo.paper_trading else "live"
    log.info("trading %s by %s and %s, %s mode", planned.day, server.url, server.ws_url, expected)
    sessions.announce(session.folder, session.settings)
    if server.backup is not None:
        log.info("prices have a backup: %s", server.backup.url)
    with taped(options.record, session, planned.day) as own:
        agent = Agent(own, planned, server)
        ended = agent.run(lambda: watched.day(agent))
        watched.hang.rest()
    session.over(ended)
    sessions.note(session.folder, session.settings, planned.day, ended.code)
    if ended.code == BAD_CONFIG:
        raise ConfigError(ended.reason)
    return ended


def _server(settings: Settings) -> Server:
    return Server(
        url=settings.openalgo.rest_url,
        ws_url=settings.openalgo.stream_url,
        api_key=settings.openalgo.api_key.get_secret_value(),
        access=access_of(settings.openalgo),
        backup=link_of(settings, Source.BACKUP) if settings.openalgo.backup.is_set else None,
    )


def wait_for_journal(path: Path, day: Day, pause: Callable[[], object] | None = None) -> None:
    """Return once the journal of the day can be read, or is damaged: the agent rebuilds it then.

    Between two reads there is a `pause`. Raises JournalNewer at once for what a later version
    wrote, JournalError for what cannot be read for a minute: somebody holds it, or the disk fails.
    """
    for left in reversed(range(READS)):
        try:
            verify(path, day)
        except JournalDamaged:
            return
        except JournalNewer:
            raise
        except JournalError as error:
            if not left:
                raise
            if left == READS - 1:
                log.warning("waiting up to a minute for the journal: %s", error)
            (pause or _breathe)()
        else:
            return


def _breathe() -> None:
    threading.Event().wait(READ_APART_S)
