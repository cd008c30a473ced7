"""`run.py live`: the agent against a real OpenAlgo server, one trading day."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cli.again import Again, command, keep
from cli.agent import Agent, Server
from cli.inquiry import link_of
from cli.session import Session, locked
from cli.taping import taped
from config import log as logs
from config.settings import load
from domain import clock
from domain.errors import ConfigError, JournalDamaged, JournalError, JournalNewer
from domain.market import Source
from domain.session import Closed, plan, trading_day
from domain.units import Day
from journal.orders import NAME as JOURNAL
from journal.orders import verify

log = logging.getLogger(__name__)

DAY_DONE, BAD_CONFIG = 10, 78
READS = 60
READ_APART_S = 1.0
"""A journal that is locked, or a disk that stumbles, is waited for: a minute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line says."""

    state_dir: Path = Path("state")
    config: Path | None = None
    record: Path | None = None
    color: bool | None = None


def run(options: Options) -> int:
    """Trade today and return the exit code: 0 parked, 10 day done, 70 escalated. The main thread.

    Raises ConfigError for settings or a server that do not allow a start, JournalNewer for a
    journal a later version wrote, JournalError for one that cannot be read for a minute, Locked if
    another agent runs.
    """
    settings = load("live", file=options.config)
    with locked(options.state_dir) as folder:
        words = ["--config", options.config] if options.config else []
        words += ["--record", options.record] if options.record else []
        keep(folder, Again(restart=command("live", folder, words)))
        logs.setup(logs.Redactor(*settings.secrets()), color=options.color)
        day = trading_day(clock.now())
        wait_for_journal(folder / JOURNAL, day)
        planned = plan(
            day,
            settings.rules,
            settings.session,
            settings.broker.name,
            quiet_s=settings.exit.quiet_s,
        )
        if isinstance(planned, Closed):
            following = planned.next_day or "beyond the known calendar"
            log.info("no session on %s: %s; the next one is %s", day, planned.reason, following)
            return DAY_DONE
        server = Server(
            url=settings.openalgo.rest_url,
            ws_url=settings.openalgo.stream_url,
            api_key=settings.openalgo.api_key.get_secret_value(),
            backup=link_of(settings, Source.BACKUP) if settings.openalgo.backup.is_set else None,
        )
        expected = "analyzer" if settings.openalgo.paper_trading else "live"
        log.info("trading %s by %s and %s, %s mode", day, server.url, server.ws_url, expected)
        if server.backup is not None:
            log.info("prices have a backup: %s", server.backup.url)
        with taped(options.record, Session(settings=settings, folder=folder), day) as session:
            ended = Agent(session, planned, server).run()
        log.info("over code=%d %s", ended.code, ended.reason)
        if ended.code == BAD_CONFIG:
            raise ConfigError(ended.reason)
        return ended.code


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
