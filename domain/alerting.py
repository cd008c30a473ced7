"""From alarms that hold to messages a human gets: throttled, gathered, with their end.

Pure. What was told is remembered by kind and subject across restarts, so that a process that dies
again and again tells the same thing once an hour. Of each key: two messages are at least its
throttle apart, what goes on holding is told in the end, and an end is told if its beginning was.
"""

from collections import Counter
from collections.abc import Iterable

import msgspec
from msgspec.structs import replace

from domain.alarm_watch import CRASHED_WITHIN, Bare, Seen
from domain.alarms import KINDS, NOTHING, Alarm, Severity
from domain.alert_params import AlertParams
from domain.session import show
from domain.units import MINUTE, SECOND, Micros, seconds

CALM = MINUTE
"""What comes back sooner was never over."""

OLDEST = Micros(18 * 60 * MINUTE)
"""What was told on another day is told anew."""

LINES = 10
"""So many alarms stand in one message in words, the others as a count."""

LONG_S = 300
"""From here on a span is told in minutes."""

RUNNING = "the last one was killed or crashed"
"""What is known of a life that said no last word."""


class Told(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is remembered of one kind and subject.

    It holds since `since`, or `gone_at` is when it ceased. `told_at` is when a message told it,
    None if none did; `is_open`: that message's end was not told yet. `count` is how often it began
    since that message.
    """

    kind: str
    subject: str
    since: Micros
    text: str = ""
    gone_at: Micros | None = None
    told_at: Micros | None = None
    is_open: bool = False
    count: int = 1

    @property
    def key(self) -> tuple[str, str]:
        """What throttling goes by."""
        return self.kind, self.subject


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """What survives a restart. `life` is '' after a process that ended well, else why it did not.

    `due_since` is since when something waits to be told, `said_at` when the last message left.
    `bad_ends` is when, lately, a life began after a bad end; `bare` is what is uncovered.
    """

    told: tuple[Told, ...] = ()
    due_since: Micros | None = None
    said_at: Micros | None = None
    life: str = ""
    bad_ends: tuple[Micros, ...] = ()
    bare: Bare | None = None


def begun(memory: Memory, at: Micros) -> Memory:
    """Return what is remembered as a new life begins: one more bad end, if the last one was bad."""
    lately = [end for end in memory.bad_ends if at - CRASHED_WITHIN < end <= at]
    return replace(memory, bad_ends=(*lately, at) if memory.life else tuple(lately))


class Notice(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One message to a human; ASCII."""

    at: Micros
    severity: Severity
    title: str
    body: str


class Alerting:
    """Remembers what was told and says what is to be told now. Mutable, owned by AlertsActor."""

    def __init__(self, memory: Memory, params: AlertParams, at: Micros) -> None:
        self._kept = memory
        self._params = params
        self._least = Severity(params.least).rank
        self._life = RUNNING
        self._said_at = _past(memory.said_at, at)
        self._due_since = _past(memory.due_since, at)
        self._told = {told.key: told for told in memory.told if _is_fresh(told, at)}
        # What held when the last life ended may hold still: nobody has looked yet.
        self._former = {key for key, told in self._told.items() if told.gone_at is None}

    @property
    def memory(self) -> Memory:
        """What the next life has to know."""
        return replace(
            self._kept,
            told=tuple(self._told.values()),
            due_since=self._due_since,
            said_at=self._said_at,
            life=self._life,
        )

    def fold(self, seen: Seen, at: Micros, *, now: bool = False) -> Notice | None:
        """Take what holds at this moment and return the message that is due, if one is.

        `now`: this is the last word, nothing is waited for.
        """
        if self._said_at is not None and self._said_at > at:
            self._forget_the_future(at)
        self._take(seen, at)
        due = [told for told in self._told.values() if _is_due(told, at)]
        over = [told for told in self._told.values() if _is_over(told, at)]
        loud = [told for told in over if KINDS[told.kind].recovery]
        notice = None
        if not (due or loud):
            self._due_since = None
            self._close(over)
        elif now or self._may_speak(due, at):
            notice = self._speak(due, loud, at)
            self._close(over)
        return notice

    def _may_speak(self, due: Iterable[Told], at: Micros) -> bool:
        if self._due_since is None or self._due_since > at:
            self._due_since = at
        if at < self._due_since + seconds(self._params.gather_s):
            return False
        is_urgent = any(KINDS[told.kind].severity is Severity.CRITICAL for told in due)
        gap = seconds(self._params.gap_s)
        return is_urgent or self._said_at is None or at >= self._said_at + gap

    def _take(self, seen: Seen, at: Micros) -> None:
        held = {alarm.key: alarm for alarm in seen.held if self._is_wanted(alarm)}
        for key, alarm in held.items():
            told = _held(self._told.get(key), alarm, at)
            if key in self._former:
                told = replace(told, count=told.count + 1)
            self._told[key] = told
        gone = [
            told if told.gone_at is not None else replace(told, gone_at=at)
            for key, told in self._told.items()
            if key not in held and told.kind not in seen.unknown
        ]
        for told in gone:
            self._told[told.key] = told
            if _is_forgotten(told, at):
                del self._told[told.key]
        self._former -= held.keys()

    def _is_wanted(self, alarm: Alarm) -> bool:
        kind = KINDS.get(alarm.kind)
        return kind is not None and kind.severity.rank >= self._least

    def _speak(self, due: list[Told], over: list[Told], at: Micros) -> Notice:
        notice = _notice(self._params.name, due, over, at)
        for told in due:
            spoken = replace(told, told_at=at, is_open=True, count=0)
            self._told[told.key] = spoken
        self._due_since, self._said_at = None, at
        return notice

    def _close(self, over: Iterable[Told]) -> None:
        for told in over:
            self._told[told.key] = replace(told, is_open=False)

    def _forget_the_future(self, at: Micros) -> None:
        """Go on from now: the clock was set back."""
        self._said_at = self._due_since = None
        fresh = (told for told in self._told.values() if _is_fresh(told, at))
        self._told = {told.key: told for told in fresh}


def _held(told: Told | None, alarm: Alarm, at: Micros) -> Told:
    """Return what is remembered of an alarm that holds."""
    if told is None:
        return Told(kind=alarm.kind, subject=alarm.subject, text=alarm.text, since=at)
    if told.gone_at is None:
        return replace(told, text=alarm.text)
    was_over = at >= told.gone_at + CALM
    since = at if was_over else told.since
    return replace(told, text=alarm.text, since=since, gone_at=None, count=told.count + 1)


def _is_due(told: Told, at: Micros) -> bool:
    """Whether its beginning, or that it still holds, is to be told."""
    if told.gone_at is not None:
        return False
    if told.told_at is None:
        return True
    kind = KINDS[told.kind]
    if told.is_open:
        return kind.repeat_s > 0 and at >= told.told_at + seconds(kind.repeat_s)
    return at >= told.told_at + seconds(kind.throttle_s)


def _is_over(told: Told, at: Micros) -> bool:
    return told.is_open and told.gone_at is not None and at >= told.gone_at + CALM


def _is_forgotten(told: Told, at: Micros) -> bool:
    """Whether nothing can follow from it any more."""
    assert told.gone_at is not None
    throttle = seconds(max(KINDS[told.kind].throttle_s, CALM // SECOND))
    is_unheard = told.told_at is None or at >= told.told_at + throttle
    return not told.is_open and is_unheard and at >= told.gone_at + throttle


def _is_fresh(told: Told, at: Micros) -> bool:
    """Whether it was told today, of a kind there is, and not in the future."""
    last = max(told.since, told.told_at or told.since, told.gone_at or told.since)
    return told.kind in KINDS and at - OLDEST < last <= at


def _past(instant: Micros | None, at: Micros) -> Micros | None:
    return instant if instant is not None and instant <= at else None


def _notice(name: str, due: list[Told], over: list[Told], at: Micros) -> Notice:
    order = sorted(due, key=lambda told: -KINDS[told.kind].severity.rank)
    lines = [_line(told, at) for told in order] + [_end(told, at) for told in over]
    left = [told.kind for told in (*order, *over)][LINES:]
    if left:
        counts = ", ".join(f"{n} x {kind}" for kind, n in Counter(left).most_common())
        lines = [*lines[:LINES], f"and {len(left)} more: {counts}"]
    severity = KINDS[order[0].kind].severity if order else Severity.INFO
    first, *others = order or over
    more = len(others) + (len(over) if order else 0)
    head = f"{first.kind} {first.subject}".strip()
    word = severity.upper() if order else "OVER"
    title = f"{name} {word}: {head}{f' and {more} more' if more else ''}"
    return Notice(at=at, severity=severity, title=_plain(title), body=_plain("\n".join(lines)))


def _line(told: Told, at: Micros) -> str:
    kind = KINDS[told.kind]
    head = f"{kind.severity.upper()} {told.kind} {told.subject}".strip()
    still = "still " if told.is_open else ""
    since = f" since {show(told.since)} IST" if told.since <= at - MINUTE else ""
    count = f" ({told.count} times)" if told.count > 1 else ""
    action = f" {kind.action}" if kind.action != NOTHING else ""
    return f"{show(at)} IST {still}{head}{since}: {told.text or kind.says}{count}.{action}"


def _end(told: Told, at: Micros) -> str:
    assert told.gone_at is not None
    recovery = KINDS[told.kind].recovery
    lasted_s = (told.gone_at - told.since) // SECOND
    lasted = f"{lasted_s} s" if lasted_s < LONG_S else f"{lasted_s // 60} min"
    head = f"OVER {told.kind} {told.subject}".strip()
    return f"{show(at)} IST {head}: {recovery} (it lasted {lasted})."


def _plain(text: str) -> str:
    return "".join(sign if " " <= sign <= "~" or sign == "\n" else "?" for sign in text)
