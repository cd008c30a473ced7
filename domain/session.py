"""The exchange's day in Asia/Kolkata: when it opens, when entries end, when flattening begins."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

from domain import clock
from domain.errors import ConfigError
from domain.params import ExitParams, SessionParams
from domain.rules import Hours, RulePack, Special
from domain.units import MINUTE, Day, Micros, seconds

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


def plan(
    day: Day,
    rules: RulePack,
    params: SessionParams,
    broker: str,
    quiet_s: int = ExitParams().quiet_s,
) -> DayPlan | Closed:
    """Return the instants of a trading day, or why there is none.

    `broker` names its row of the dated rules. A special session is traded only with
    `trade_special`. `quiet_s` is `exit.quiet_s`. Whether the calendar is known that far is not
    asked here: `RulePack.refusal` says so.

    Raises ConfigError if `force_close` does not lie within the session.
    """
    special = rules.special(day)
    if special is None and not rules.is_regular(day):
        return _closed(day, rules, params, _no_session(day, rules))
    if special is not None and not params.trade_special:
        reason = f"special session {special.name}; session.trade_special is false"
        return _closed(day, rules, params, reason)
    hours = special or rules.hours(day)
    square_off = _square_off(day, rules, broker, hours)
    force_close = _force_close(day, hours, params, square_off)
    return DayPlan(
        day=day,
        open=instant(day, hours.open),
        close=instant(day, hours.close),
        last_entry=Micros(force_close - params.entry_stop_min * MINUTE),
        force_close=force_close,
        square_off=square_off,
        quiet=None if square_off is None else Micros(square_off - seconds(quiet_s)),
    )


def next_trading_day(day: Day, rules: RulePack, params: SessionParams) -> Day | None:
    """Return the first day after `day` that is traded; None if the calendar ends before it."""
    following = date.fromisoformat(day) + timedelta(days=1)
    while (text := Day(following.isoformat())) <= rules.holidays_through:
        if rules.is_regular(text) or (params.trade_special and rules.special(text)):
            return text
        following += timedelta(days=1)
    return None


def last_trading_day(day: Day, rules: RulePack) -> Day:
    """Return the newest regular trading day before `day`."""
    former = date.fromisoformat(day) - timedelta(days=1)
    while not rules.is_regular(text := Day(former.isoformat())):
        former -= timedelta(days=1)
    return text


def cross_check(planned: DayPlan | Closed, is_open: bool) -> str:
    """Return why the server's `/market/timings` contradicts the plan, or ''.

    `is_open` says whether the options exchange is listed for the day. The hours it lists are not
    compared: the dated rules know them better. While calendars disagree there are no entries.
    """
    believed = isinstance(planned, DayPlan)
    if believed == is_open:
        return ""
    words = {True: "open", False: "closed"}
    return f"rules_mismatch: session {planned.day} pack={words[believed]} timings={words[is_open]}"


def _closed(day: Day, rules: RulePack, params: SessionParams, reason: str) -> Closed:
    return Closed(day=day, reason=reason, next_day=next_trading_day(day, rules, params))


def _no_session(day: Day, rules: RulePack) -> str:
    holiday = rules.holiday(day)
    return f"holiday: {holiday.name}" if holiday else "weekend"


def _square_off(day: Day, rules: RulePack, broker: str, hours: Hours | Special) -> Micros | None:
    """Where new intraday orders end first, a cancel and replace fails from then on already."""
    walls = (rules.square_off(broker, day), rules.mis_new_until(broker, day))
    within = [instant(day, wall) for wall in walls if wall and hours.open < wall <= hours.close]
    return min(within, default=None)


def _force_close(
    day: Day, hours: Hours | Special, params: SessionParams, square_off: Micros | None
) -> Micros:
    configured = instant(day, params.force_close)
    opened, closed = instant(day, hours.open), instant(day, hours.close)
    candidates = [Micros(closed - params.close_margin_min * MINUTE)]
    if square_off is not None:
        candidates.append(Micros(square_off - seconds(params.square_off_margin_s)))
    if isinstance(hours, Hours) and not opened + 60 * MINUTE <= configured <= closed:
        allowed = f"{show(Micros(opened + 60 * MINUTE))} to {show(closed)}"
        raise ConfigError(
            f"session.force_close: {params.force_close} is not allowed on {day}; allowed is"
            f" {allowed}, an hour after the open to the close"
        )
    if opened <= configured <= closed:
        candidates.append(configured)
    return min(candidates)


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
