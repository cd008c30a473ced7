"""A watchdog on a fake cast, for tests: pulses, the feed's health as a lever, what it told."""

import random
from typing import Any

from msgspec.structs import replace

from actors.watchdog import CAST, WatchdogActor
from domain import clock
from domain.feed_watch import Policy
from domain.market import Source
from domain.params import ExitParams, FeedParams, WatchdogParams
from domain.signs import RestVerdict
from domain.status import FeedView, Member
from domain.units import SECOND, Micros
from messages.control import Alive, Begin, Heartbeat, Pulse, RecoveryDone, SayAlive
from messages.market import FeedHealth
from messages.orders import CoverageMeasured, FeedTrusted
from tests.actors.fakes import FakeSpawner, RecordingPost, To
from tests.domain.feed_day import a_sign
from tests.domain.tape import NIFTY, a_chain, a_plan, at

INDEX = (NIFTY, "NSE_INDEX")
CHAIN = a_chain(-50, 0, 50)
LIVE = FeedTrusted(at=at("09:59"), entries=True, reason="prices are live")
GOOD = FeedView(state="healthy", since=at("09:59"), source_since=at("09:59"), is_trusted=True)
"""What a watchdog that is `ready` tells of the feed."""


def vitals(**changes: Any) -> FeedHealth:
    health = FeedHealth(
        at=at("10:00"),
        source=Source.PRIMARY,
        epoch=1,
        canary_at=None,
        seen=82,
        subscribed=82,
        stale=0,
        ticks=0,
        last_tick_at=None,
        switches=0,
        streams=(a_sign(),),
        rest=RestVerdict.UNPROVEN,
    )
    return replace(health, **changes)


class Steady(random.Random):
    """Draws no jitter."""

    def random(self) -> float:
        return 0.0


class Hands:
    """Machine time goes by what is heard last, in market time; a pause may be added to it."""

    def __init__(self) -> None:
        self.at = at("09:00")
        self.extra = 0

    def now(self) -> Micros:
        return self.at

    def machine(self) -> Micros:
        return Micros(self.at + self.extra)


class Stand:
    """A watchdog whose cast lives, with the feed's health as a lever.

    Whoever is asked whether it is alive answers, unless it is `mute`. What it is asked, and who is
    in which state, is told to nobody but `roll` and `cast`.
    """

    def __init__(self, *, group_size: int = 1, is_paper: bool = True, **feed: Any) -> None:
        self.post = RecordingPost()
        self.spawner = FakeSpawner(*CAST)
        policy = Policy(
            feed=FeedParams(**feed),
            watchdog=WatchdogParams(),
            exit=ExitParams(),
            is_paper=is_paper,
        )
        self.actor = WatchdogActor(
            "watchdog",
            self.post,
            spawner=self.spawner,
            policy=policy,
            index=INDEX,
            group_size=group_size,
            deadline_s=20,
            chance=Steady(),
        )
        self.hands = Hands()
        clock.use(self.hands)
        self.mute: set[str] = set()
        self.roll: list[str] = []
        self.cast: tuple[Member, ...] = ()
        self.health = vitals()
        self.hear(Begin(at=at("09:00")))

    def hear(self, *messages: Any) -> list[To]:
        """Hand messages in; return what is told because of them."""
        self.post.take()
        told: list[To] = []
        for message in messages:
            self.hands.at = max(self.hands.at, getattr(message, "at", self.hands.at))
            self.actor.on_receive(message)
            told += [to for each in self.post.take() for to in self._seen(each)]
        return told

    def _seen(self, to: To) -> list[To]:
        """Answer what is asked, and keep what tests of other things do not look at."""
        match to.message:
            case SayAlive(asked=asked):
                self.roll.append(to.address)
                if to.address not in self.mute:
                    self.actor.on_receive(Alive(address=to.address, asked=asked))
                return []
            case Heartbeat(cast=cast):
                self.cast = cast
                return [To(to.address, replace(to.message, cast=(), restarted=()))]
            case _:
                return [to]

    def recover(self, wall: str = "09:58", chain: Any = None) -> list[To]:
        return self.hear(RecoveryDone(at=at(wall), plan=a_plan(), chain=chain))

    def play(self, since: str, until: str, *, ticking: bool) -> list[tuple[str, To]]:
        """Pulse once a second; return everything that was told, with its second."""
        told: list[tuple[str, To]] = []
        for second in range((at(until) - at(since)) // SECOND):
            now = Micros(at(since) + second * SECOND)
            if ticking:
                sign = a_sign(canary_at=now, since=at(since), is_ready=True)
                self.health = replace(self.health, canary_at=now, streams=(sign,))
            covered = CoverageMeasured(at=now, read_at=now, bare=())
            words = self.hear(replace(self.health, at=now), covered, Pulse(at=now))
            told += [(f"+{second}", to) for to in words]
        return told


def messages(told: list[tuple[str, To]]) -> list[To]:
    return [to for _, to in told]


def orders(told: list[tuple[str, To]]) -> list[tuple[str, To]]:
    """All but the heartbeat."""
    return [(second, to) for second, to in told if not isinstance(to.message, Heartbeat)]


def ready() -> Stand:
    """A watchdog of a live feed just after 10:00, with the chain known."""
    stand = Stand()
    stand.recover(chain=CHAIN)
    stand.play("09:59", "10:00:01", ticking=True)
    stand.spawner.take()
    return stand
