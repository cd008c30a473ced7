"""Several days of the paper exchange, one after another: which they are, and with which market."""

from collections.abc import Callable
from dataclasses import replace

from domain.errors import ConfigError
from domain.params import SessionParams
from domain.rules import RulePack
from domain.session import next_trading_day
from domain.units import Day
from sandbox.exchange import Setup
from sandbox.params import SandboxParams

Make = Callable[[SandboxParams, RulePack, str | None], Setup]
"""Turns settings into a day that can be played, or refuses it."""

MOST = 250
OPTION = "--days"
SYNTHETIC = "synthetic"


def check(days: int, params: SandboxParams) -> None:
    """Refuse a number that is none, and days that are not ours to make. Raises ConfigError."""
    if not 1 <= days <= MOST:
        raise ConfigError(f"{OPTION} {days}: allowed is a whole number from 1 to {MOST}")
    if days > 1 and params.market.source != SYNTHETIC:
        raise ConfigError(
            f"{OPTION} {days}: only synthetic days follow each other, and prices come from "
            f"{params.market.source}; leave one of them out"
        )


def following(setup: Setup, rules: RulePack, make: Make) -> Setup:
    """Return the next trading day of a synthetic market, its random seed one higher.

    Raises ConfigError where the calendar or the dated rules end.
    """
    pack = rules.override(*setup.params.rules)
    found = next_trading_day(setup.day, pack, SessionParams())
    if found is None:
        raise ConfigError(f"{OPTION}: no trading day is known after {setup.day}")
    params = replace(setup.params, date=found, seed=setup.params.seed + 1)
    return make(params, rules, None)


def all_of(first: Setup, rules: RulePack, days: int, make: Make) -> tuple[Setup, ...]:
    """Return so many days, the given one first. Raises ConfigError before any is played."""
    check(days, first.params)
    found = [first]
    while len(found) < days:
        found.append(following(found[-1], rules, make))
        _check_rules(found[-1].day, rules)
    return tuple(found)


def _check_rules(day: Day, rules: RulePack) -> None:
    if rules.refusal(day):
        raise ConfigError(
            f"{OPTION}: {day} lies after valid_through of the dated rules, {rules.valid_through}: "
            "nothing would be entered; ask for fewer days or name an earlier first one"
        )
