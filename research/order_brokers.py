"""The brokers of the orders drill: whose habits stand between the true books and the answers.

A third of the sessions has one or two of them, some a server that trades for real. The agent is
set up as the documentation says for such a broker.
"""

import random
from dataclasses import dataclass, replace
from typing import get_args

from config.settings import Settings
from sandbox.params import BrokerQuirk, SandboxParams

QUIRKS: tuple[BrokerQuirk, ...] = get_args(BrokerQuirk)
WITH_QUIRKS = 0.33
LIVE = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Habit:
    """What a session's broker is like. `is_live`: the server is in live mode, and dressed so."""

    quirks: tuple[BrokerQuirk, ...] = ()
    is_live: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """What is out of the ordinary, in words for the figures."""
        return (*(f"broker:{quirk}" for quirk in self.quirks), *("broker:live",) * self.is_live)


PLAIN = Habit()


def draw_habit(chance: random.Random) -> Habit:
    """Draw a broker: most have no habits, some have one or two."""
    is_live = chance.random() < LIVE
    if chance.random() >= WITH_QUIRKS:
        return Habit(is_live=is_live)
    quirks = tuple(sorted(chance.sample(QUIRKS, chance.choice((1, 1, 2)))))
    return Habit(quirks=quirks, is_live=is_live)


def facing(settings: Settings, habit: Habit) -> Settings:
    """Return the settings of an agent that trades through such a broker.

    Where a change means what is left to trade, what may fill is not changed at all.
    """
    is_total = "modify_remaining" not in habit.quirks
    link = replace(settings.broker, modify_qty="total" if is_total else "remaining")
    server = replace(settings.openalgo, paper_trading=not habit.is_live)
    return replace(settings, broker=link, openalgo=server)


def behaving(params: SandboxParams, habit: Habit) -> SandboxParams:
    """Return the settings of an exchange behind such a broker."""
    behaving = replace(params, broker_profile=habit.quirks)
    return replace(behaving, profile="live_quirks") if habit.is_live else behaving
