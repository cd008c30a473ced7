"""Everything that speaks to people who are not looking: pager, Telegram commands, heartbeat.

Started before the day's agent and stopped after it, by the main thread. None of it can stop
trading; what is not configured is not there.
"""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec.structs import replace

from cli.agent import DAY_IS_PAST, INTERRUPTED, PARKED_LATE
from cli.deadman import Deadman, is_well
from cli.life import Calendar
from cli.page import Hand
from cli.pager import Apprised, Pager, Target
from cli.telegram import Telegram
from config.log import Redactor
from config.settings import Settings
from dashboard.board import Board
from domain import clock
from domain.alarm_watch import Seen
from domain.alarms import KINDS, Alarm
from domain.alert_params import AlertParams
from domain.alerting import Alerting, Notice
from domain.errors import SutradharError
from messages.control import Ended

log = logging.getLogger(__name__)

PARKED, DAY_DONE, BAD_CONFIG = 0, 10, 78
NOTIFIED = "NOTIFY_SOCKET"
"""The variable by which a service knows its systemd."""

WELL = frozenset({PARKED, DAY_DONE, BAD_CONFIG, INTERRUPTED})
"""Exit codes of a life that ended as it was meant to, or was told about by its error."""


class Outside:
    """What the main thread tells of the process itself; a pager that is None tells nobody."""

    def __init__(self, pager: Pager | None, params: AlertParams, calendar: Calendar) -> None:
        self.pager = pager
        self._params = params
        self._calendar = calendar

    def ended(self, ended: Ended) -> None:
        """Take how a day's agent ended: say what nobody else can, keep it for the next life."""
        alarm = _last_word(ended, self._calendar)
        if alarm is not None:
            self.tell(alarm)
        if self.pager is not None:
            life = "" if ended.code in WELL else f"it gave up: {ended.reason}"
            self.pager.keep(replace(self.pager.recall(), life=life))

    def refused(self, error: Exception) -> None:
        """Take why no agent could be started; under systemd its own failure notice tells that.

        Not of what nobody foresaw, which systemd starts again. The words of such an error may hold
        anything: only its name is told.
        """
        if not isinstance(error, SutradharError):
            name = type(error).__name__
            text = f"the agent was ended by an error nobody foresaw, {name}: the log has its words"
            self.tell(Alarm(kind="REFUSED_START", text=text))
        elif NOTIFIED not in os.environ:
            self.tell(Alarm(kind="REFUSED_START", text=f"the agent did not start: {error}"))

    def tell(self, alarm: Alarm) -> None:
        """Tell one alarm now, if its throttle allows."""
        if self.pager is None:
            return
        at = clock.now()
        memory = self.pager.recall()
        alerting = Alerting(memory, self._params, at)
        others = frozenset(KINDS) - {alarm.kind}
        notice = alerting.fold(Seen(held=(alarm,), unknown=others), at, now=True)
        alerting.fold(Seen(held=(), unknown=others), at, now=True)
        self.pager.keep(replace(alerting.memory, life=memory.life))
        if notice is not None:
            self.pager.send(notice)


@contextmanager
def beside(settings: Settings, folder: Path, board: Board) -> Iterator[Outside]:
    """Speak to people while the block runs. The folder is locked by this process. Main thread.

    Raises ConfigError for an address that messages cannot be sent to.
    """
    pager = _pager(settings, folder)
    all_of_them = (pager, _telegram(settings, folder, board), _deadman(settings, board))
    started = [each for each in all_of_them if each is not None]
    for each in started:
        each.start()
    outside = Outside(pager, settings.alerts, Calendar(settings))
    try:
        yield outside
    except Exception as error:
        outside.refused(error)
        raise
    finally:
        for each in reversed(started):
            each.close()


def targets_of(settings: Settings) -> list[Target]:
    """Return every address messages go to. Raises ConfigError for one that is none."""
    urls = settings.keys.alert_urls.get_secret_value().split() if settings.alerts.on else []
    return [Apprised(url, number) for number, url in enumerate(urls, start=1)]


def test_message(name: str) -> Notice:
    """Return a message that says that messages arrive."""
    kind = KINDS["TEST"]
    return Notice(
        at=clock.now(),
        severity=kind.severity,
        title=f"{name} INFO: TEST",
        body=f"{kind.says}. {kind.action}",
    )


def is_telegram_on(settings: Settings) -> bool:
    """Whether commands by Telegram are taken."""
    token = settings.keys.telegram_token.get_secret_value()
    return bool(settings.telegram.on and token and settings.telegram.chat_id)


def is_heartbeat_on(settings: Settings) -> bool:
    """Whether somebody is called each minute."""
    return bool(settings.heartbeat.on and settings.keys.heartbeat_url.get_secret_value())


def _pager(settings: Settings, folder: Path) -> Pager | None:
    targets = targets_of(settings)
    if not targets:
        return None
    log.info("alerts go to %s", ", ".join(target.name for target in targets))
    clean = Redactor(*settings.secrets()).clean
    return Pager(folder, targets, settings.alerts.queue, clean=clean)


def _telegram(settings: Settings, folder: Path, board: Board) -> Telegram | None:
    if not is_telegram_on(settings):
        return None
    log.info("commands by Telegram are taken from chat %s", settings.telegram.chat_id)
    token = settings.keys.telegram_token.get_secret_value()
    return Telegram(token, settings.telegram, folder, Hand(folder), board)


def _deadman(settings: Settings, board: Board) -> Deadman | None:
    if not is_heartbeat_on(settings):
        return None
    log.info("a heartbeat goes out every %d s", settings.heartbeat.every_s)
    url = settings.keys.heartbeat_url.get_secret_value()
    return Deadman(url, settings.heartbeat, lambda: is_well(board))


def _last_word(ended: Ended, calendar: Calendar) -> Alarm | None:
    """Return what a human is to know of an end.

    One that gave up in the session is told by the life after it, which begins at once. At other
    times that one may sleep until the next session, and a book of yesterday is none of its own.
    """
    if ended.code == PARKED:
        kind = "PARKED_LEFT" if ended.reason == PARKED_LATE else "PARKED"
        return Alarm(kind=kind, text=ended.reason)
    if ended.code in WELL:
        return None
    if ended.reason != DAY_IS_PAST and calendar.in_session(ended.at):
        return None
    return Alarm(kind="GAVE_UP", text=f"the agent gave up (exit {ended.code}): {ended.reason}")
