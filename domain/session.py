"""The exchange's day in Asia/Kolkata: when it opens, when entries end, when flattening begins."""

from datetime import datetime, time
from zoneinfo import ZoneInfo

import msgspec

from domain import clock
from domain.units import Day, Micros

IST = ZoneInfo("Asia/Kolkata")


class DayPlan(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The instants of one trading day, all in microseconds since the epoch.

    `force_close` is when flattening begins; at `last_entry` resting entries are cancelled. `quiet`
    is when covers stop because the broker's own square-off is near; it and `square_off` are None
    where none is known.
    """

    day: Day
    open: Micros
    close: Micros
    last_entry: Micros
    force_close: Micros
    square_off: Micros | None
    quiet: Micros | None

    def at(self, wall: str) -> Micros:
        """Return HH:MM or HH:MM:SS of this day in Asia/Kolkata as an instant."""
        return instant(self.day, wall)


class Closed(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A day on which nothing is traded, why, and the next day that is."""

    day: Day
    reason: str
    next_day: Day | None


def instant(day: Day, wall: str) -> Micros:
    """Return a wall time of `day` in Asia/Kolkata as microseconds; ValueError if it is not one."""
    local = datetime.combine(datetime.fromisoformat(day).date(), time.fromisoformat(wall), IST)
    return clock.micros(local)


def trading_day(at: Micros) -> Day:
    """Return the calendar day of an instant in Asia/Kolkata."""
    return Day(local(at).strftime("%Y-%m-%d"))


def local(at: Micros) -> datetime:
    """Return an instant as a datetime in Asia/Kolkata, for people to read."""
    return clock.moment(at).astimezone(IST)


def show(at: Micros) -> str:
    """Show an instant as HH:MM:SS in Asia/Kolkata."""
    return local(at).strftime("%H:%M:%S")
