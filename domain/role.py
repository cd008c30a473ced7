"""What a strategy is played with, and the day it is played on."""

from dataclasses import dataclass, field
from datetime import date
from enum import Enum, auto
from typing import Any

from domain.charges import ChargeRates
from domain.contracts import Chain
from domain.params import ChurnParams, DayParams, FeedParams, HistoryParams, LimitParams, StopParams
from domain.rules.keys import WEEKDAYS
from domain.session import DayPlan
from domain.strategy import Strategy
from domain.units import Day


class Start(Enum):
    """How a day is begun: for the first time, by a new process, or by a restarted actor."""

    FRESH = auto()
    RESUMED = auto()
    RESTARTED = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """What a strategy is played with: the plug-in, its tag, and the settings around it.

    Entries rest from `enters_from` to `enters_until`, HH:MM in Asia/Kolkata.
    """

    strategy: Strategy[Any]
    tag: str
    limits: LimitParams = field(default_factory=LimitParams)
    day: DayParams = field(default_factory=DayParams)
    churn: ChurnParams = field(default_factory=ChurnParams)
    stop: StopParams = field(default_factory=StopParams)
    feed: FeedParams = field(default_factory=FeedParams)
    history: HistoryParams = field(default_factory=HistoryParams)
    fingerprint_ticks: int = 60
    days: tuple[str, ...] = ("mon", "tue", "wed", "thu", "fri")
    enters_from: str = "09:16"
    enters_until: str = "15:10"
    is_enabled: bool = True

    def plays_on(self, day: Day) -> bool:
        """Whether anything may be entered on this day at all."""
        return self.is_enabled and WEEKDAYS[date.fromisoformat(day).weekday()] in self.days


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The day a role is played on: its instants, its contracts, and what trading costs."""

    plan: DayPlan
    chain: Chain
    rates: ChargeRates
