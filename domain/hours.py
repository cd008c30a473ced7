"""Whether a day is traded, and when the desk must not be touched: for timers and deploy scripts."""

import msgspec

from domain.params import SessionParams
from domain.rules import RulePack
from domain.session import Closed, instant, plan, show
from domain.units import MINUTE, Day, Micros

QUIET_FROM, QUIET_UNTIL = "09:00", "15:45"
"""A normal trading day: from the morning's checks until the book is long proved flat."""

AROUND = 15 * MINUTE
"""The same around a special session, which may be in the evening."""


class Hours(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A day as the dated rules have it. Instants are None where there is no session.

    `reason` says why there is none, or which special session it is. From `quiet_from` to
    `quiet_until` nothing is deployed. `refusal` says why the rules are too old for entries.
    """

    day: Day
    open: Micros | None = None
    close: Micros | None = None
    reason: str = ""
    next_day: Day | None = None
    quiet_from: Micros | None = None
    quiet_until: Micros | None = None
    refusal: str = ""


def hours(day: Day, rules: RulePack) -> Hours:
    """Return what a day is by the rules alone. A special session counts, traded or not."""
    planned = plan(day, rules, SessionParams(trade_special=True), "")
    refusal = rules.refusal(day)
    if isinstance(planned, Closed):
        return Hours(day=day, reason=planned.reason, next_day=planned.next_day, refusal=refusal)
    special = rules.special(day)
    begin, end = instant(day, QUIET_FROM), instant(day, QUIET_UNTIL)
    if special is not None:
        begin, end = Micros(planned.open - AROUND), Micros(planned.close + AROUND)
    return Hours(
        day=day,
        open=planned.open,
        close=planned.close,
        reason=f"special session {special.name}" if special else "",
        quiet_from=begin,
        quiet_until=end,
        refusal=refusal,
    )


def deploy_refusal(at: Micros, found: Hours) -> str:
    """Return why nothing is deployed at an instant of that day, or ''."""
    if found.quiet_from is None or found.quiet_until is None:
        return ""
    if not found.quiet_from <= at < found.quiet_until:
        return ""
    begin, end = show(found.quiet_from)[:5], show(found.quiet_until)[:5]
    return (
        f"it is {show(at)[:5]} IST of a trading day: nothing is deployed from {begin} to {end}; "
        "wait, or force it"
    )
