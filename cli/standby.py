"""A host that may trade only while it holds the lease: it stands by, trades, and lets go."""

import logging
from collections.abc import Callable
from pathlib import Path

from cli.agent import Agent
from cli.lease import ENTRIES_OFF, LOST, NOT_OURS, Keeper
from cli.night import Leave, Night
from cli.putting_back import mark_lost
from domain import clock
from domain.calls import Write
from domain.lease_params import LeaseParams
from domain.session import DayPlan, trading_day
from messages.control import Ended

log = logging.getLogger(__name__)

PARKED, DAY_DONE = 0, 10
OVER = frozenset({PARKED, DAY_DONE})
"""Ends after which nothing of ours is under way."""

TAKEN = "the lease was taken over from {}: what that host did today is found in the broker's books"
STOOD_BY = "stood by: the day was another host's"


class Standby:
    """Plays the days of a host; without `lease.file` nobody is asked. Main thread."""

    def __init__(self, params: LeaseParams, folder: Path) -> None:
        self._params = params
        self._folder = folder
        self._keeper: Keeper | None = None
        self._doubt = ""

    def play(self, planned: DayPlan, night: Night, play: Callable[[], Ended]) -> Ended:
        """Stand by until the lease is ours, play the day, and give the lease back.

        A day that another host plays to its end is done, too. A signal while it stands by parks.
        Raises ConfigError, or what `play` raises.
        """
        if not self._params.file:
            return play()
        with Keeper(self._params, self._folder).living() as self._keeper:
            try:
                is_ours = self._await(self._keeper, planned, night)
            except Leave as leave:
                return Ended(at=clock.now(), code=PARKED, reason=f"{leave}: stood by")
            if not is_ours:
                return Ended(at=clock.now(), code=DAY_DONE, reason=STOOD_BY)
            ended = play()
            if ended.code in OVER:
                self._keeper.give_back()
            return ended

    def refusal(self, write: Write) -> str:
        """Return why a write may not leave, '' if it may. In a lane's thread."""
        if not self._params.file:
            return ""
        return NOT_OURS if self._keeper is None else self._keeper.refusal(write)

    def look(self, agent: Agent) -> None:
        """Let the agent enter nothing while the lease is in doubt, and end it once it is lost."""
        keeper = self._keeper
        if keeper is None:
            return
        if not keeper.may_send:
            log.critical("%s", LOST)
            agent.end(LOST)
        doubt = "" if keeper.may_enter else ENTRIES_OFF
        if doubt != self._doubt:
            self._doubt = doubt
            agent.leased(doubt)

    def _await(self, keeper: Keeper, planned: DayPlan, night: Night) -> bool:
        """Return whether the lease became ours before the day was over."""
        said = ""
        with night.listening():
            while not keeper.may_enter:
                if _is_past(keeper, planned):
                    return False
                if (words := keeper.words()) != said:
                    log.info("%s", words)
                    said = words
                night.look(words, needs=keeper.needs())
            log.info("this host holds the lease")
            if keeper.took_from:
                why = TAKEN.format(keeper.took_from)
                if mark_lost(self._folder, clock.now(), keeper.took_from, why):
                    log.warning("%s", why)
            keeper.ready()
        return True


def _is_past(keeper: Keeper, planned: DayPlan) -> bool:
    """Whether the day went by, or whoever played it has closed it."""
    at = clock.now()
    is_closed = keeper.is_left and at >= planned.force_close
    return is_closed or trading_day(at) != planned.day
