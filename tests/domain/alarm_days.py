"""Builders for what alarms are folded from."""

from typing import Any

from msgspec.structs import replace

from domain.alarm_watch import AlarmWatch, Seen
from domain.alarms import Alarm
from domain.market import Source
from domain.pages import Page, PageCode
from domain.status import Hold, Status
from domain.units import SECOND, Micros
from tests.domain.tape import at
from tests.trading import DAY

T0 = at("10:00")


def t(after_s: float) -> Micros:
    return Micros(T0 + round(after_s * SECOND))


def a_status(**changes: Any) -> Status:
    """An agent in the middle of the session with nothing to complain of."""
    status = Status(
        at=T0,
        pid=1,
        day=DAY,
        url="http://127.0.0.1:5000",
        mode="ACTIVE",
        connected=True,
        authenticated=True,
        feed="healthy",
        feed_source=Source.PRIMARY.value,
        silent_since=T0,
        last_entry=at("15:10"),
    )
    return replace(status, **changes)


def a_page(code: PageCode = PageCode.GAP, subject: str = "CE", text: str = "went by") -> Page:
    return Page(code=code, subject=subject, text=text)


def a_hold(code: str, text: str = "why") -> Hold:
    return Hold(code=code, text=text)


class Watched:
    """An alarm watch that is shown a status each second."""

    def __init__(self, after: str = "", begun: float = 0) -> None:
        self.watch = AlarmWatch(after)
        self.now = begun
        self.watch.look(t(begun))

    def see(self, status: Status | None = None, *, for_s: int = 0) -> Seen:
        """Show it now, and each second for a while."""
        for _ in range(for_s):
            self._show(status)
            self.watch.look(t(self.now))
            self.now += 1
        self._show(status)
        return self.watch.look(t(self.now))

    def _show(self, status: Status | None) -> None:
        if status is not None:
            self.watch.show(replace(status, at=t(self.now)), t(self.now))


def alarms(seen: Seen) -> dict[str, str]:
    """Return what holds, by kind, but for the news that the agent is ready."""
    return {alarm.kind: alarm.text for alarm in seen.held if alarm.kind != "READY"}


def seen(*held: Alarm, unknown: tuple[str, ...] = ()) -> Seen:
    return Seen(held=held, unknown=frozenset(unknown))
