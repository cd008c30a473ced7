"""One process over many trading days: a day is played, the night is slept through, and again."""

import gc
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cli.night import Beside, Leave, Night
from cli.version import commit
from config.settings import Settings
from domain import clock
from domain.session import Closed, DayPlan, next_trading_day, plan, show, trading_day
from domain.status import Status
from domain.units import MINUTE, Day, Micros
from journal import archive
from messages.control import Ended

log = logging.getLogger(__name__)

PARKED, DAY_DONE = 0, 10
UNKNOWN_DAY = "beyond the known calendar"
RENEW = "no session is known after {}: renew config/rules and start again"

Play = Callable[[DayPlan], Ended]


@dataclass(frozen=True, slots=True)
class Calendar:
    """The trading days as the settings have them."""

    settings: Settings

    def plan(self, day: Day) -> DayPlan | Closed:
        """Return the instants of a day, or why it has none. Raises ConfigError."""
        settings = self.settings
        quiet_s = settings.exit.quiet_s
        name = settings.broker.name
        return plan(day, settings.rules, settings.session, name, quiet_s=quiet_s)

    def following(self, day: Day) -> DayPlan | None:
        """Return the next trading day after a day; None if the calendar ends before it."""
        found = next_trading_day(day, self.settings.rules, self.settings.session)
        planned = None if found is None else self.plan(found)
        return planned if isinstance(planned, DayPlan) else None

    def wakes_at(self, planned: DayPlan) -> Micros:
        """Return when a process that stays begins a day."""
        return Micros(planned.open - self.settings.session.wake_before_min * MINUTE)

    def in_session(self, at: Micros) -> bool:
        """Whether a day's agent would be at work."""
        planned = self.plan(trading_day(at))
        if isinstance(planned, Closed):
            return False
        return self.wakes_at(planned) <= at < planned.close


@dataclass(slots=True)
class Life:
    """The days of one state directory, which is ours. Main thread, once.

    Without `stays` the first day is the last one. What ends a day otherwise than done ends this
    life as well: whoever started the process starts it again.
    """

    settings: Settings
    folder: Path
    stays: bool = False
    beside: Beside = field(default_factory=Beside)
    _rolled_on: str = ""

    def run(self, play: Play) -> Ended:
        """Play today, or what comes next, and return how the last day ended.

        Raises ConfigError, or what `play` raises.
        """
        if not self.stays:
            return self._day(trading_day(clock.now()), play)
        night = Night(self.folder, asleep(self.settings), self.beside)
        done: Day | None = None
        try:
            with night.listening():
                while True:
                    today = trading_day(clock.now())
                    self._sleep(night, today, is_done=today == done)
                    done = trading_day(clock.now())
                    night.obey()
                    ended = self._day(done, play)
                    if ended.code != DAY_DONE:
                        return ended
                    # What made up the day holds itself in circles, with its files and sockets.
                    gc.collect()
        except Leave as leave:
            return Ended(at=clock.now(), code=PARKED, reason=f"{leave}: no session was on")

    def _day(self, day: Day, play: Play) -> Ended:
        self.roll()
        planned = Calendar(self.settings).plan(day)
        if isinstance(planned, DayPlan):
            return play(planned)
        following = planned.next_day or UNKNOWN_DAY
        log.info("no session on %s: %s; the next one is %s", day, planned.reason, following)
        return Ended(at=clock.now(), code=DAY_DONE, reason=planned.reason)

    def _sleep(self, night: Night, today: Day, *, is_done: bool) -> None:
        """Wait for today's session, or the next one; not at all if it is time."""
        calendar = Calendar(self.settings)
        planned = calendar.plan(today)
        following: DayPlan | None
        if isinstance(planned, DayPlan) and not is_done:
            following = planned
        else:
            following = calendar.following(today)
        if following is None:
            needs = RENEW.format(today)
            log.error("%s", needs)
            night.sleep(None, UNKNOWN_DAY, self.roll, needs)
            return
        until = calendar.wakes_at(following)
        if clock.now() >= until:
            return
        why = f"next session {following.day} {show(following.open)[:5]} IST"
        log.info("asleep until %s %s IST: %s", following.day, show(until)[:5], why)
        night.status = asleep(self.settings)
        night.sleep(until, why, self.roll)
        log.info("awake for the session of %s", following.day)

    def roll(self) -> None:
        """Put the journals of a day that is over away; at once the first time, then each day."""
        now = clock.now()
        if (today := trading_day(now)) != self._rolled_on:
            self._rolled_on = today
            archive.roll(self.folder, now, os.getpid(), Calendar(self.settings).in_session)
            archive.prune(self.folder, self.settings.journal.keep_days)


def asleep(settings: Settings) -> Status:
    """Return what is told of a process in which no actor lives."""
    return Status(
        at=clock.now(),
        pid=os.getpid(),
        day=trading_day(clock.now()),
        url=settings.openalgo.rest_url,
        mode="CLOSED",
        broker=settings.broker.name,
        commit=commit(),
    )
