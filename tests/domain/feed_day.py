"""Plays a day of feed health second by second, for tests of the policy."""

from collections.abc import Callable

from msgspec.structs import replace

from domain.canaries import HOLE
from domain.feed_health import decide
from domain.feed_watch import (
    Action,
    Facts,
    FeedState,
    Policy,
    Reopen,
    Say,
    Select,
    Trust,
    Urgency,
    Watch,
)
from domain.market import Source
from domain.params import ExitParams, FeedParams, WatchdogParams
from domain.session import show
from domain.signs import RestVerdict, Sign
from domain.units import SECOND, Micros
from tests.domain.tape import a_plan, at

PRIMARY, BACKUP, REST = Source.PRIMARY, Source.BACKUP, Source.REST
LIVE_REST, STALE, UNPROVEN = RestVerdict.LIVE, RestVerdict.STALE, RestVerdict.UNPROVEN

DAY_PLAN = a_plan()
WARN_60 = Reopen(PRIMARY, "no ticks for 60 s")
REST_120 = Select(REST, "no ticks for 120 s")
BACK = Select(PRIMARY, "its own ticks for 30 s")
LIVE = Trust(entries=True, reason="prices are live")
NEVER = Trust(entries=False, reason="prices are polled and feed.rest_entries is never")

Ticks = Callable[[Micros], bool]


def a_policy(*, is_paper: bool = True, blind_flatten_s: int = 300, **feed: str | int) -> Policy:
    return Policy(
        feed=FeedParams(**feed),  # type: ignore[arg-type]  # by name
        watchdog=WatchdogParams(),
        exit=ExitParams(blind_flatten_s=blind_flatten_s),
        is_paper=is_paper,
    )


def a_sign(source: Source = PRIMARY, **changes: object) -> Sign:
    sign = Sign(
        source=source, canary_at=None, since=None, is_ready=False, agrees=True, is_connected=True
    )
    return replace(sign, **changes)


def some_facts(**changes: object) -> Facts:
    facts = Facts(
        plan=DAY_PLAN,
        source=PRIMARY,
        canary_at=None,
        streams=(a_sign(),),
        rest=UNPROVEN,
        positions=0,
        is_exposed=False,
        order_at=None,
    )
    return replace(facts, **changes)


class _Beat:
    """One stream's canaries: a tick a second at most, steady after twenty."""

    def __init__(self, sign: Sign) -> None:
        self.sign = sign
        self._ticks = 0
        self._since: Micros | None = None

    def tick(self, now: Micros) -> None:
        newest = self.sign.canary_at
        if newest is None or now - newest > HOLE:
            self._since, self._ticks = now, 0
        self._ticks += 1
        since = self._since if self._ticks >= 20 else None
        self.sign = replace(self.sign, canary_at=now, since=since, is_ready=True)


class Day:
    """Plays seconds: the callables say when canaries tick, `facts` and `rest` are levers."""

    def __init__(
        self, ticks: Ticks, policy: Policy | None = None, *, backup: Ticks | None = None
    ) -> None:
        self.ticks = ticks
        self.backup = backup
        self.policy = policy or a_policy()
        self.watch = Watch()
        self.facts = some_facts()
        self.rest: Callable[[Micros], RestVerdict] | None = None
        self.log: list[tuple[str, Action]] = []
        self._beats = [_Beat(a_sign(PRIMARY))]
        if backup is not None:
            self._beats.append(_Beat(a_sign(BACKUP)))

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
        for beat, ticks in zip(self._beats, (self.ticks, self.backup), strict=False):
            if ticks is not None and ticks(now):
                beat.tick(now)
        facts = self.facts
        rest = facts.rest if self.rest is None else self.rest(now)
        newest = {beat.sign.source: beat.sign.canary_at for beat in self._beats}
        newest[REST] = now if rest is LIVE_REST else facts.canary_at
        self.facts = replace(
            facts,
            streams=tuple(beat.sign for beat in self._beats),
            canary_at=newest[facts.source],
            rest=rest,
        )

    def forget(self) -> None:
        """The feed was rebuilt: what it heard is gone."""
        self._beats = [_Beat(a_sign(beat.sign.source)) for beat in self._beats]

    def state(self) -> FeedState:
        return self.watch.state

    def said(self, *kinds: type) -> list[tuple[str, Action]]:
        return [(wall, action) for wall, action in self.log if isinstance(action, kinds)]

    def lines(self, *urgencies: Urgency) -> list[str]:
        """What was said to people, with its time; all of it, or what is as urgent."""
        return [
            f"{wall} {action.text}"
            for wall, action in self.log
            if isinstance(action, Say) and (not urgencies or action.urgency in urgencies)
        ]

    def switches(self) -> list[tuple[str, Source]]:
        return [(wall, a.source) for wall, a in self.log if isinstance(a, Select)]


def silent_from(wall: str, until: str = "23:00") -> Ticks:
    return lambda now: not at(wall) < now < at(until)


def ever(_: Micros) -> bool:
    return True


def never(_: Micros) -> bool:
    return False
