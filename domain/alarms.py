"""What a human is told without having asked: each kind of alarm, how loud, how often, what to do.

An alarm is known by its kind and its subject, never by its words. All of them are levels: they hold
or they do not. News, such as the end of the day, hold for the day and are told once. Codes that
stand in `domain.reasons` keep their words and their remedy from there.
"""

from enum import StrEnum

import msgspec

from domain.pages import PageCode
from domain.reasons import LATCHES, REASONS, Condition


class Severity(StrEnum):
    """How loud: news; the agent copes, look when you can; act now."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """The louder the higher."""
        return tuple(Severity).index(self)


class Kind(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One row of the table. All times are market seconds.

    It must hold for `after_s` to be an alarm. Two messages of one kind and subject are at least
    `throttle_s` apart; while it holds it is told again every `repeat_s`, never if that is 0.
    `recovery` is said once it is over, nothing if that is empty. `of_agent`: it is true whatever
    the books say, also while the agent recovers.
    """

    name: str
    severity: Severity
    says: str
    action: str
    after_s: int = 0
    throttle_s: int
    repeat_s: int
    recovery: str = ""
    of_agent: bool = False


class Alarm(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Something that holds: what it is, what it is about, the newest words."""

    kind: str
    subject: str = ""
    text: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """What throttling goes by."""
        return self.kind, self.subject


_PACE = {Severity.INFO: (3600, 0), Severity.WARNING: (900, 3600), Severity.CRITICAL: (300, 900)}
"""Of each severity: how far messages are apart at least, and how often one is repeated."""

HOUR_S = 3600
NOTHING = "Nothing."
"""The action of what is only good to know."""


def _kind(  # noqa: PLR0913 - a row of the table
    name: str,
    severity: Severity,
    says: str = "",
    action: str = "",
    *,
    recovery: str = "",
    after_s: int = 0,
    pace: tuple[int, int] | None = None,
    of_agent: bool = False,
) -> Kind:
    throttle_s, repeat_s = pace or _PACE[severity]
    reason = REASONS.get(name)
    return Kind(
        name=str(name),
        severity=severity,
        says=says or (reason.says if reason else ""),
        action=action or (reason.remedy if reason else ""),
        after_s=after_s,
        throttle_s=throttle_s,
        repeat_s=repeat_s,
        recovery=recovery,
        of_agent=of_agent,
    )


INFO, WARNING, CRITICAL = Severity
HOURLY = (HOUR_S, HOUR_S)
ONCE = (HOUR_S, 0)

_OWN = (
    _kind(
        "SOCKET_LOST",
        WARNING,
        "the WebSocket of OpenAlgo is not connected",
        "See that OpenAlgo and its WebSocket service run; the agent goes on trying by itself.",
        recovery="the WebSocket is connected again",
        after_s=45,
    ),
    _kind(
        "RECONNECTS",
        WARNING,
        "the WebSocket was opened ten times in a row and brought no minute of prices",
        "Log in to the broker in OpenAlgo again, then restart its WebSocket service.",
        recovery="the WebSocket holds again",
        pace=HOURLY,
    ),
    _kind(
        "REST_POLLING",
        WARNING,
        "prices are polled by REST: no WebSocket ticks",
        "Check the broker's streaming in OpenAlgo; stops and exits go on, the agent returns alone.",
        recovery="prices are not polled any more",
        after_s=30,
    ),
    _kind(
        "REST_LONG",
        WARNING,
        "prices are polled for longer than feed.rest_alert_s",
        "Log in to the broker in OpenAlgo again, then restart its WebSocket service.",
        pace=HOURLY,
    ),
    _kind(
        "BLIND",
        CRITICAL,
        "no source has live prices",
        "Look at the broker's terminal and the exchange's news; see that OpenAlgo is logged in.",
        recovery="prices live again",
    ),
    _kind(
        "OPENALGO_DOWN",
        CRITICAL,
        "OpenAlgo does not answer",
        "Start OpenAlgo; the agent asks again by itself, and stops rest at the exchange.",
        recovery="OpenAlgo answers again",
        after_s=30,
        pace=HOURLY,
    ),
    _kind(
        "LOGIN",
        CRITICAL,
        "OpenAlgo refuses the key or has no broker session",
        "Log in to the broker in OpenAlgo; the agent goes on by itself.",
        recovery="the broker is logged in again",
        pace=HOURLY,
    ),
    _kind(
        "UNCOVERED",
        CRITICAL,
        recovery="every short is covered again",
        after_s=20,
    ),
    _kind(
        "REBUILT",
        WARNING,
        "parts of the agent died and were rebuilt several times within minutes",
        "Read the errors in the log; restart the agent after the close if it goes on.",
        pace=HOURLY,
    ),
    _kind(
        "QUARANTINED",
        WARNING,
        "a part of the agent died too often and stays down for the day",
        "Read the errors in the log; what it looked after is entered no more today.",
        after_s=120,
        pace=ONCE,
    ),
    _kind(
        "STATUS_OLD",
        CRITICAL,
        "the agent says nothing of itself any more",
        "Look at `run.py status` and at the log; if both stand still, restart the agent.",
        recovery="the agent speaks again",
        after_s=30,
        of_agent=True,
    ),
    _kind(
        "SLOW_START",
        CRITICAL,
        "recovery has not come to an end: shorts of before may be without a stop",
        "Look at the order book at the broker, then at the log.",
        recovery="recovery is over",
        after_s=120,
        of_agent=True,
    ),
    _kind(
        "RESTARTED",
        WARNING,
        "the agent was started again after a life that did not end well",
        "Look at the log for what ended it.",
        recovery="the agent has lived for five minutes without another end",
        pace=HOURLY,
        of_agent=True,
    ),
    _kind(
        "CRASH_LOOP",
        CRITICAL,
        "the agent ended badly three times within ten minutes",
        "Look at the broker's terminal now: cover each short without a stop by hand; stop the"
        " agent's service; then read its log.",
        recovery="the agent has ended badly less than three times in the last ten minutes",
        pace=HOURLY,
        of_agent=True,
    ),
    _kind(
        "GAVE_UP",
        CRITICAL,
        "the agent gave up outside the session: the next one may sleep until it begins",
        "Look at positions and orders at the broker now, then at the log for what ended it.",
        pace=HOURLY,
        of_agent=True,
    ),
    _kind(
        "PARKED_LEFT",
        CRITICAL,
        "the agent ended and not everything is at rest",
        "Look at the order book at the broker, or start the agent again.",
        pace=(60, 0),
        of_agent=True,
    ),
    _kind(
        "PARKED",
        INFO,
        "the agent was ended by a human or by its service",
        "Nothing, if that was meant; shorts are held by their stops until it is started again.",
        pace=(60, 0),
        of_agent=True,
    ),
    _kind(
        "REFUSED_START",
        CRITICAL,
        "the agent did not start",
        "Run `run.py doctor`: it names what is wrong and what to do.",
        pace=HOURLY,
        of_agent=True,
    ),
    _kind(
        "READY",
        INFO,
        "the agent may enter from now on",
        NOTHING,
        pace=ONCE,
    ),
    _kind(
        "DAY_OVER",
        INFO,
        "the book is proved flat",
        NOTHING,
        pace=ONCE,
    ),
    _kind(
        "TEST",
        INFO,
        "this is a test",
        "Nothing: alerts arrive.",
        pace=(0, 0),
        of_agent=True,
    ),
)

_LATCHED = {
    "FREEZE": WARNING,
    "FLATTEN": WARNING,
    "HALT": CRITICAL,
    "DAY_DONE": INFO,
    "DUPLICATE": CRITICAL,
    "OWN_LONG": CRITICAL,
    "MODE_FLIP": CRITICAL,
    "ORDER_MODE": CRITICAL,
    "REJECTS": WARNING,
    "SCHEMA": CRITICAL,
}

_HELD = {
    Condition.STRATEGY: (WARNING, 120),
    Condition.BOOKS: (WARNING, 30),
    Condition.RESYNC: (WARNING, 60),
    Condition.NO_JOURNAL: (CRITICAL, 0),
    Condition.JOURNAL_LOST: (CRITICAL, 0),
    Condition.JOURNAL_DOUBT: (CRITICAL, 0),
    Condition.DISK_SPACE: (WARNING, 0),
    Condition.ANOTHER_TRADER: (WARNING, 0),
    Condition.WRITES_REFUSED: (CRITICAL, 0),
    Condition.QUARANTINE: (CRITICAL, 0),
    Condition.CAST: (WARNING, 0),
    Condition.LEASE: (CRITICAL, 0),
}

_PAGED = {
    PageCode.STOP_REFUSED: CRITICAL,
    PageCode.GAP: WARNING,
    PageCode.SECOND_STOP: WARNING,
    PageCode.STOP_STAYS: WARNING,
    PageCode.BAND_REST: WARNING,
    PageCode.EXIT_REFUSED: WARNING,
    PageCode.EXIT_FITTED: INFO,
    PageCode.OVER_COVER: CRITICAL,
    PageCode.NO_SNAPSHOT: CRITICAL,
    PageCode.NOT_FLAT: CRITICAL,
    PageCode.LATE_NOT_FLAT: CRITICAL,
}

_ROWS = (
    *_OWN,
    *(
        _kind(name, severity, recovery="" if severity is INFO else f"{name} is cleared")
        for name, severity in _LATCHED.items()
    ),
    *(
        _kind(code, severity, after_s=after_s, recovery=f"{code} is over")
        for code, (severity, after_s) in _HELD.items()
    ),
    *(_kind(code, severity) for code, severity in _PAGED.items()),
)

KINDS: dict[str, Kind] = {row.name: row for row in _ROWS}
"""Every kind of alarm by its name."""

CONDITIONS = frozenset(map(str, _HELD))
"""Conditions that are alarms of their own; the others are told by the kinds LOGIN and MODE_FLIP."""

JOINED = LATCHES | CONDITIONS | {"LOGIN", "UNCOVERED"}
"""Kinds that the status tells as a whole: pages of several subjects become one alarm."""

FROM_AFAR = frozenset(
    {
        "SOCKET_LOST",
        "RECONNECTS",
        "REST_POLLING",
        "REST_LONG",
        "BLIND",
        "BOOKS",
    }
)
"""What follows of itself when OpenAlgo does not answer or nobody is logged in there."""
