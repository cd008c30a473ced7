"""Which alarms hold now: folded from the agent's own status, second by second, and from its pages.

Pure. What cannot be judged, such as the feed outside the session or the books during recovery, is
neither raised nor over: it stays as it was.
"""

import re
from collections import deque
from collections.abc import Iterable, Iterator

import msgspec

from domain.alarms import CONDITIONS, FROM_AFAR, JOINED, KINDS, Alarm
from domain.connection import MANY
from domain.feed_watch import DARK, FeedState
from domain.market import Source
from domain.pages import Page
from domain.reasons import REASONS, Condition
from domain.session import show
from domain.status import Status
from domain.strategy import Mode
from domain.units import MINUTE, Micros, rupees, seconds

PAGE_HOLDS = seconds(150)
"""A page is told anew each minute while it is true; not found for this long, it is over."""

SILENT = seconds(5)
"""A monitor speaks each second."""

UNANSWERED = seconds(10)
"""One request without an answer is no outage."""

AFTERMATH = seconds(180)
"""How long after OpenAlgo is back its streams and books take to come back too."""

YOUNG = Micros(5 * MINUTE)
"""An agent that was started again and lived for so long runs."""

REBUILT, REBUILT_WITHIN = 3, Micros(10 * MINUTE)
"""So many parts rebuilt within this are worth a look."""

CRASHED, CRASHED_WITHIN = 3, Micros(10 * MINUTE)
"""So many lives that ended badly within this are no restart any more."""

BARE_FRESH = Micros(5 * MINUTE)
"""What was bare so lately in the last life has been bare since then, if it still is."""

STARTING = frozenset({"STARTING", Mode.RECOVERING})

_Key = tuple[str, str]
_BARE: _Key = "UNCOVERED", ""
_AGENTS = frozenset(name for name, kind in KINDS.items() if kind.of_agent)
_ALL = frozenset(KINDS)


class Seen(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What holds now, and of which kinds it says nothing that they do not hold."""

    held: tuple[Alarm, ...]
    unknown: frozenset[str]


class Bare(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Since when something is uncovered, and the minute in which that was seen last."""

    since: Micros
    seen: Micros


class AlarmWatch:
    """Folds status and pages into alarms. Mutable, owned by AlertsActor.

    `after` is why the last process ended badly, '' if it did not; `bad_ends` is when lives began
    after one that did; `bare` is what the last life saw uncovered.
    """

    def __init__(
        self, after: str = "", *, bad_ends: Iterable[Micros] = (), bare: Bare | None = None
    ) -> None:
        self._after = after
        self._bad_ends = tuple(bad_ends)
        self._bare = bare
        self._began_at: Micros | None = None
        self._status: Status | None = None
        self._shown_at: Micros | None = None
        self._pages: dict[_Key, tuple[Alarm, Micros]] = {}
        self._since: dict[_Key, Micros] = {}
        self._rebuilt: deque[tuple[Micros, int]] = deque()
        self._news: dict[str, Alarm] = {}
        self._hidden_until = Micros(0)

    def show(self, status: Status, at: Micros) -> None:
        """Take the newest status."""
        self._status, self._shown_at = status, at
        self._rebuilt.append((at, status.actor_restarts))
        while self._rebuilt[0][0] <= at - REBUILT_WITHIN:
            self._rebuilt.popleft()
        self._report(status)

    def page(self, page: Page, at: Micros) -> None:
        """Take what a human must hear, new or found again."""
        alarm = Alarm(kind=str(page.code), subject=page.subject, text=page.text)
        self._pages[alarm.key] = alarm, at

    def look(self, at: Micros) -> Seen:
        """Return what holds at this moment, for long enough to be an alarm."""
        if self._began_at is None or self._began_at > at:
            self._began_at = at
            self._since.clear()
        self._pages = {
            key: (alarm, told)
            for key, (alarm, told) in self._pages.items()
            if at - PAGE_HOLDS < told <= at
        }
        muted, unknown = self._blind_for(at)
        held = {alarm.key: alarm for alarm in self._candidates(at) if alarm.kind not in muted}
        self._since = {key: self._since_when(key, at) for key in held}
        self._note_bare(at)
        lasting = {key: held[key] for key, since in self._since.items() if _is_due(key, since, at)}
        return Seen(held=tuple((lasting | self._paged(muted)).values()), unknown=unknown)

    @property
    def bare(self) -> Bare | None:
        """What the next life has to know of what is uncovered."""
        return self._bare

    def _since_when(self, key: _Key, at: Micros) -> Micros:
        """Return since when it holds; what was bare a moment ago, in the last life, still is."""
        bare = self._bare
        if key == _BARE and bare is not None and bare.seen <= at < bare.seen + BARE_FRESH:
            return min(bare.since, at)
        return self._since.get(key, at)

    def _note_bare(self, at: Micros) -> None:
        """Keep since when something is bare; that recovery does not see it yet says nothing."""
        is_blind = self._status is None or self._status.mode in STARTING
        if _BARE in self._since:
            self._bare = Bare(since=self._since[_BARE], seen=Micros(at - at % MINUTE))
        elif not is_blind:
            self._bare = None

    def _blind_for(self, at: Micros) -> tuple[frozenset[str], frozenset[str]]:
        """Return which kinds are muted now, and of which, besides, absence says nothing."""
        status = self._status
        loud = _AGENTS | frozenset(self._news) | {kind for kind, _ in self._pages}
        if status is None or status.mode in STARTING:
            return _ALL - loud - {"UNCOVERED"}, _ALL - _AGENTS
        if status.mode == Mode.CLOSED or status.ended:
            return _ALL - loud, _ALL - loud
        muted: frozenset[str] = frozenset()
        if status.silent_since is None:
            muted |= FROM_AFAR - {"BOOKS"}
        if self._is_afar(status, at):
            muted |= FROM_AFAR | ({"LOGIN"} if _is_down(status, at) else set())
        return muted, muted

    def _is_afar(self, status: Status, at: Micros) -> bool:
        """Whether the server or its login is the trouble, or was a moment ago."""
        if _is_down(status, at) or _is_logged_out(status):
            self._hidden_until = Micros(at + AFTERMATH)
        return at < self._hidden_until <= at + AFTERMATH

    def _paged(self, muted: frozenset[str]) -> dict[_Key, Alarm]:
        """Return what pages say; several of a kind that is one alarm are joined."""
        found: dict[_Key, Alarm] = {}
        for alarm, _ in self._pages.values():
            if alarm.kind in muted:
                continue
            if alarm.kind not in JOINED:
                found[alarm.key] = alarm
                continue
            known = found.get((alarm.kind, ""))
            text = f"{known.text}; {alarm.text}" if known else alarm.text
            found[alarm.kind, ""] = Alarm(kind=alarm.kind, text=text)
        return found

    def _candidates(self, at: Micros) -> Iterator[Alarm]:
        yield from self._of_the_agent(at)
        yield from self._news.values()
        status = self._status
        if status is None:
            return
        if status.uncovered:
            text = f"{status.uncovered} units are short without a working stop"
            yield Alarm(kind="UNCOVERED", text=text)
        yield from _missing(status)
        yield from _of_the_server(status, at)
        yield from _of_the_feed(status)
        yield from _holds(status)
        count = status.actor_restarts - min(count for _, count in self._rebuilt)
        if count >= REBUILT:
            text = f"{count} parts of the agent died and were rebuilt within ten minutes"
            yield Alarm(kind="REBUILT", text=text)

    def _of_the_agent(self, at: Micros) -> Iterator[Alarm]:
        assert self._began_at is not None
        if self._after and at < self._began_at + YOUNG:
            yield Alarm(kind="RESTARTED", text=f"the agent was started again: {self._after}")
        lately = sum(at - CRASHED_WITHIN < end <= at for end in self._bad_ends)
        if lately >= CRASHED:
            text = f"the agent ended badly {lately} times within ten minutes"
            yield Alarm(kind="CRASH_LOOP", text=": ".join(filter(None, (text, self._after))))
        if at - (self._shown_at or self._began_at) >= SILENT:
            yield Alarm(kind="STATUS_OLD")
        if self._status is not None and self._status.mode in STARTING:
            yield Alarm(kind="SLOW_START")

    def _report(self, status: Status) -> None:
        """Keep the day's news; they are of one day."""
        if any(alarm.subject != status.day for alarm in self._news.values()):
            self._news.clear()
        if status.mode == Mode.ACTIVE and "READY" not in self._news:
            until = f" until {show(status.last_entry)} IST" if status.last_entry else ""
            text = f"entries may go on{until}"
            self._news["READY"] = Alarm(kind="READY", subject=status.day, text=text)
        if status.mode == Mode.CLOSED:
            self._news["DAY_OVER"] = Alarm(kind="DAY_OVER", subject=status.day, text=_sum(status))


def _is_due(key: _Key, since: Micros, at: Micros) -> bool:
    return at - since >= seconds(KINDS[key[0]].after_s)


def _is_down(status: Status, at: Micros) -> bool:
    return status.unanswered_since is not None and at - status.unanswered_since >= UNANSWERED


def _is_logged_out(status: Status) -> bool:
    is_waiting = status.mode == Mode.WAIT_LOGIN and status.unanswered_since is None
    return is_waiting or status.authenticated is False


def _missing(status: Status) -> Iterator[Alarm]:
    """Return who of the cast stays down; of the bar actors, whose state is a count, some."""
    for member in status.cast:
        count = re.fullmatch(r"(\d+) of (\d+) alive", member.state)
        is_whole = count[1] == count[2] if count else member.state in {"alive", "down"}
        if not is_whole:
            text = f"of the agent's parts, {member.address} is {member.state}"
            yield Alarm(kind="QUARANTINED", subject=member.address, text=text)


def _of_the_server(status: Status, at: Micros) -> Iterator[Alarm]:
    if _is_down(status, at):
        assert status.unanswered_since is not None
        text = f"OpenAlgo does not answer since {show(status.unanswered_since)} IST{_kept(status)}"
        yield Alarm(kind="OPENALGO_DOWN", text=text)
    elif _is_logged_out(status):
        text = f"OpenAlgo refuses the key or has no broker session{_kept(status)}"
        yield Alarm(kind="LOGIN", text=text)


def _of_the_feed(status: Status) -> Iterator[Alarm]:
    if not status.connected:
        yield Alarm(kind="SOCKET_LOST")
    if status.reconnects >= MANY:
        text = f"the WebSocket was opened {status.reconnects} times and brought no minute of prices"
        yield Alarm(kind="RECONNECTS", text=text)
    if status.feed in DARK:
        is_halt = status.feed == FeedState.HALT
        why = ", and the exchange itself may have stopped" if is_halt else ""
        text = f"no source has live prices{why}{_kept(status)}"
        yield Alarm(kind="BLIND", text=text)
    if status.feed_source == Source.REST:
        yield Alarm(kind="REST_POLLING")
    if status.feed_rest_long:
        yield Alarm(kind="REST_LONG")


def _holds(status: Status) -> Iterator[Alarm]:
    """Return latches and conditions; what follows from another one is not told besides."""
    for hold in status.latches:
        yield Alarm(kind=hold.code, text=_said(hold.code, hold.text))
    codes = {hold.code for hold in status.conditions}
    is_elsewhere = Condition.OTHER_WORLD in codes
    for hold in status.conditions:
        if hold.code == Condition.OTHER_WORLD:
            yield Alarm(kind="MODE_FLIP", text=_said("MODE_FLIP", hold.text))
        elif hold.code in CONDITIONS and not (is_elsewhere and hold.code == Condition.BOOKS):
            yield Alarm(kind=hold.code, text=_said(hold.code, hold.text))


def _said(code: str, text: str) -> str:
    return f"{REASONS[code].says} ({text})" if text else REASONS[code].says


def _kept(status: Status) -> str:
    if not status.positions:
        return ""
    shorts = "1 short is" if status.positions == 1 else f"{status.positions} shorts are"
    bare = f"{status.uncovered} units of it UNCOVERED" if status.uncovered else "stops rest"
    return f"; {shorts} open, {bare}"


def _sum(status: Status) -> str:
    result = f"Rs {rupees(status.result_p)} after charges, {status.result_r} R"
    closed = "1 short was" if status.trades == 1 else f"{status.trades} shorts were"
    return f"the book is proved flat; {closed} closed, {result}"
