"""Plays a day of feed health second by second, for tests of the policy."""

from collections.abc import Callable

from msgspec.structs import replace

from domain.feed_health import (
    Action,
    Facts,
    FeedState,
    Policy,
    Reopen,
    Select,
    Trust,
    Watch,
    decide,
)
from domain.market import Source
from domain.params import FeedParams, WatchdogParams
from domain.session import show
from domain.units import SECOND, Micros
from tests.domain.tape import a_plan, at

DAY_PLAN = a_plan()
WARN_60 = Reopen("no ticks for 60 s")
REST_120 = Select(Source.REST, "no ticks for 120 s")
BACK = Select(Source.PRIMARY, "its own ticks for 30 s")
LIVE = Trust(entries=True, reason="prices are live")
NEVER = Trust(entries=False, reason="prices are polled and feed.rest_entries is never")


def a_policy(*, is_paper: bool = True, **feed: str | int) -> Policy:
    return Policy(
        feed=FeedParams(**feed),  # type: ignore[arg-type]  # by name
        watchdog=WatchdogParams(),
        is_paper=is_paper,
    )


def some_facts(**changes: object) -> Facts:
    facts = Facts(
        plan=DAY_PLAN,
        source=Source.PRIMARY,
        canary_at=None,
        primary_canary_at=None,
        primary_since=None,
        rest_moving=False,
        is_exposed=False,
        order_at=None,
    )
    return replace(facts, **changes)


class Day:
    """Plays seconds: `ticks` says when the primary's canaries tick, the other levers what is."""

    def __init__(self, ticks: Callable[[Micros], bool], policy: Policy | None = None) -> None:
        self.ticks = ticks
        self.policy = policy or a_policy()
        self.watch = Watch()
        self.facts = some_facts()
        self.log: list[tuple[str, Action]] = []

    def play(self, since: str, until: str) -> "Day":
        now = at(since)
        while now < at(until):
            self._hear(now)
            self.watch, actions = decide(self.watch, self.facts, now, self.policy)
            for action in actions:
                self.log.append((show(now), action))
                if isinstance(action, Select):
                    self.facts = replace(self.facts, source=action.source)
            now = Micros(now + SECOND)
        return self

    def _hear(self, now: Micros) -> None:
        facts = self.facts
        ticked, since = facts.primary_canary_at, facts.primary_since
        if self.ticks(now):
            is_hole = ticked is None or now - ticked > 5 * SECOND
            ticked, since = now, now if is_hole else since
        is_rest = facts.source is Source.REST
        rest = now if facts.rest_moving else facts.canary_at
        self.facts = replace(
            facts,
            primary_canary_at=ticked,
            primary_since=since,
            canary_at=rest if is_rest else ticked,
        )

    def state(self) -> FeedState:
        return self.watch.state

    def said(self, *kinds: type) -> list[tuple[str, Action]]:
        return [(wall, action) for wall, action in self.log if isinstance(action, kinds)]


def silent_from(wall: str, until: str = "23:00") -> Callable[[Micros], bool]:
    return lambda now: not at(wall) < now < at(until)
