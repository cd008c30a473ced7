"""`run.py day`: is today traded, and may be deployed now. Needs no settings, no key, no server."""

from dataclasses import dataclass
from datetime import date
from typing import TextIO

import msgspec

from config import pack
from domain import clock
from domain.errors import ConfigError
from domain.hours import Hours, deploy_refusal, hours
from domain.session import show, trading_day
from domain.units import Day

TRADED, REFUSED, DAY_DONE = 0, 1, 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line says."""

    date: str | None = None
    deploy: bool = False
    json: bool = False


def run(options: Options, out: TextIO) -> int:
    """Print the day and return 0 if it has a session, else 10; for `deploy` 0 or 1.

    Raises ConfigError for a date that is none.
    """
    now = clock.now()
    found = hours(_day(options.date) if options.date else trading_day(now), pack.load())
    refusal = deploy_refusal(now, found)
    if options.json:
        out.write(msgspec.json.encode(_facts(found, refusal)).decode() + "\n")
    else:
        out.write((_deploy(refusal) if options.deploy else _told(found)) + "\n")
    if options.deploy:
        return REFUSED if refusal else TRADED
    return TRADED if found.open is not None else DAY_DONE


def _day(text: str) -> Day:
    try:
        return Day(date.fromisoformat(text).isoformat())
    except ValueError as error:
        raise ConfigError(f"--date {text}: is no date; write it as 2026-11-19") from error


def _told(found: Hours) -> str:
    old = f"; {found.refusal}" if found.refusal else ""
    if found.open is None or found.close is None:
        following = found.next_day or "beyond the known calendar"
        return f"{found.day} is not traded: {found.reason}; the next day is {following}{old}"
    name = f", {found.reason}, traded only with session.trade_special" if found.reason else ""
    return f"{found.day} is traded from {show(found.open)} to {show(found.close)} IST{name}{old}"


def _deploy(refusal: str) -> str:
    return f"refused: {refusal}" if refusal else "may be deployed now"


def _facts(found: Hours, refusal: str) -> dict[str, object]:
    walls = {
        name: show(at) if at is not None else None
        for name, at in (("open", found.open), ("close", found.close))
    }
    return {
        "day": found.day,
        "session": found.open is not None,
        **walls,
        "reason": found.reason,
        "next_day": found.next_day,
        "rules": found.refusal,
        "deploy": not refusal,
        "deploy_refusal": refusal,
    }
