"""Whether this server is one the agent may trade on, by what it said of itself."""

from domain.calls import PAPER_EXCHANGE, Ready
from domain.units import Micros, seconds

EVERY = seconds(300)
"""How often the server is asked again: three small reads, behind everything else."""

OTHER_WORLD = {
    False: "the server is the paper exchange ({broker}), which run.py live refuses; correct"
    " OPENALGO_HOST and OPENALGO_PORT, or play with run.py sandbox --attach HOST:PORT",
    True: "the server's broker is {broker}, run.py sandbox trades on the paper exchange only;"
    " real servers are for run.py live",
}
"""Why a server is refused, by whether the agent is set to the paper exchange."""

NO_ANSWER = (
    "the server does not answer",
    "start OpenAlgo, or correct OPENALGO_HOST and OPENALGO_PORT",
)
NO_SESSION = (
    "no broker session",
    "log in to the broker in OpenAlgo, or correct OPENALGO_API_KEY",
)


def lost(status: int) -> tuple[str, str]:
    """Return what a failed preflight means by its HTTP status, 0 without one, and the remedy."""
    return NO_SESSION if status else NO_ANSWER


def wrong_world(broker: str, *, is_paper_exchange: bool) -> str:
    """Return why an agent refuses a server of this broker name, or ''.

    The double lock of `sandbox.md` 1: an agent set to the paper exchange refuses any other name,
    a live one refuses this one.
    """
    if (broker == PAPER_EXCHANGE) is is_paper_exchange:
        return ""
    return OTHER_WORLD[is_paper_exchange].format(broker=broker)


def wrong_mode(mode: str, expected: str) -> str:
    """Return why a server in this mode, analyze or live, is refused, or ''."""
    if mode == expected:
        return ""
    return (
        f"the server is in {mode} mode, the settings expect {expected}; correct PAPER_TRADING or"
        " OpenAlgo's analyzer mode, whichever is wrong"
    )


def why_not(ready: Ready, expected: str, *, is_paper_exchange: bool, is_quiet: bool) -> str:
    """Return why nothing may be started on this server, or ''.

    `is_quiet`: we have nothing there that must be looked after; else semi-auto is borne.
    """
    waits = "orders wait for a human (semi-auto): set OpenAlgo's order mode to auto"
    return (
        wrong_world(ready.broker, is_paper_exchange=is_paper_exchange)
        or wrong_mode(ready.mode, expected)
        or (waits if ready.semi_auto and is_quiet else "")
    )


HURRY = seconds(5)
"""How soon a server that gives no login is asked again while a short or an order is there."""


class Checkup:
    """When the server is asked how it is, and whether it ever said what was hoped for. Mutable.

    It is asked at once and then every `EVERY`: funds and clocks change during a day. After a
    failure it is asked again after `retry`; so it is when a lost session has come back.
    """

    def __init__(self, retry: Micros) -> None:
        self.has_passed = False
        self._retry = retry
        self._due = Micros(0)
        self._has_failed = False
        self._was_waiting = False

    def is_due(self, at: Micros, *, is_waiting: bool) -> bool:
        """Return whether to ask now, and take it as asked. `is_waiting`: for a login."""
        if self._was_waiting and not is_waiting:
            self._due = at
        self._was_waiting = is_waiting
        if at < self._due:
            return False
        self._due = Micros(at + EVERY)
        return True

    def retry_of(self, *, is_at_stake: bool) -> Micros:
        """Return how soon the server is asked again after a failure."""
        return min(HURRY, self._retry) if is_at_stake else self._retry

    def passed(self) -> None:
        """The answer was a right one."""
        self.has_passed = True
        self._has_failed = self._was_waiting = False

    def failed(self, at: Micros, *, is_at_stake: bool = False) -> bool:
        """The answer was of no use; return whether that is news. `is_at_stake`: nobody can wait."""
        self._due = Micros(at + self.retry_of(is_at_stake=is_at_stake))
        is_news, self._has_failed = not self._has_failed, True
        return is_news
