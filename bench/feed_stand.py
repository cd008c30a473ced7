"""The cast of bench/feed.py: those who handle prices, and an ear for everybody else they tell.

Built by the system an agent is built by; history and the symbol master are made up.
"""

import os
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from actors.feed import FeedPorts
from actors.journal import JournalActor
from actors.monitor import MonitorActor
from actors.order import OrderActor
from actors.post_office import Post, PostOffice
from actors.pump import Pump
from actors.reconcile import ReconcileActor
from actors.stages import Maker, Stage, ThreadStage
from actors.system import Ports, System
from bench.feed_market import INDEX, SPOT
from config.settings import Settings, load
from domain import clock
from domain.calls import (
    ChainRead,
    Failed,
    History,
    Outcome,
    Read,
    ReadChain,
    ReadHistory,
    ReadReply,
    Write,
    WriteReply,
)
from domain.contracts import Chain
from domain.market import HistoryBar, Source, minute_of
from domain.session import DayPlan, instant
from domain.units import MINUTE, Day, Micros, Paise, Symbol, Units
from messages.control import RecoveryDone
from messages.market import BarClosed, FeedHealth
from sandbox.params import SandboxParams

DAY = Day("2026-11-19")

OTHERS = (OrderActor, ReconcileActor, JournalActor, MonitorActor)


class Ear:
    """Stands in for those who are only told: the newest health, the closed bars, how much."""

    def __init__(self) -> None:
        self.told: Counter[str] = Counter()
        self.health: FeedHealth | None = None
        self.bars: dict[Symbol, list[tuple[Micros, Paise, Units]]] = {}

    def tell(self, message: Any) -> None:
        """Take a message. Any thread."""
        self.told[type(message).__name__] += 1
        if isinstance(message, FeedHealth):
            self.health = message
        elif isinstance(message, BarClosed):
            bar = message.bar
            self.bars.setdefault(bar.symbol, []).append((bar.minute, bar.close, bar.volume))


class Past(msgspec.Struct):
    """Makes flat minutes: the past of every symbol, and the master's view of the chain."""

    chain: Chain
    opens_at: Micros

    def read(self, call: Read, done: Callable[[ReadReply], None]) -> None:
        """Answer at once; `done` only tells."""
        done(self._answer(call))

    def write(self, call: Write, done: Callable[[WriteReply], None]) -> None:
        """Refuse to exist: nothing may be written here."""
        raise AssertionError(call, done)

    def _answer(self, call: Read) -> ReadReply:
        now = clock.now()
        match call:
            case ReadHistory(symbol=symbol):
                price = SPOT if symbol == INDEX else Paise(15_000)
                volume = Units(0 if symbol == INDEX else 65)
                minutes = range(self.opens_at, minute_of(now), MINUTE)
                bars = (
                    _flat(Micros(m), Paise(price + m // MINUTE % 2 * 5), volume) for m in minutes
                )
                return History(symbol=symbol, bars=tuple(bars), asked_at=now)
            case ReadChain():
                return ChainRead(
                    expiry=self.chain.expiry, contracts=self.chain.contracts, missing=()
                )
            case _:
                return Failed(call=type(call).__name__, outcome=Outcome.UNKNOWN, at=now)


def _flat(minute: Micros, price: Paise, volume: Units) -> HistoryBar:
    return HistoryBar(minute=minute, open=price, high=price, low=price, close=price, volume=volume)


class CountedThreads(ThreadStage):
    """Threads whose inboxes can be looked into."""

    def hosts(self) -> int:
        """Return how many bar actors there are."""
        found = {id(each) for name, each in self._actors.items() if name.startswith("bar:")}
        return len(found)

    def waiting(self) -> int:
        """Return how many messages wait in all inboxes together."""
        inboxes: list[Any] = [actor.actor_inbox for actor in {*self._actors.values()}]
        return sum(inbox.qsize() for inbox in inboxes)


class Half:
    """A stage for those who handle prices; an ear for all others."""

    def __init__(self, stage: Stage, office: PostOffice | Pump, ear: Ear) -> None:
        self._stage = stage
        self._office = office
        self._ear = ear
        self._heard: set[str] = set()

    def put(self, addresses: tuple[str, ...], maker: Maker) -> None:
        """Start an actor, or let the ear listen in its place."""
        if maker.func not in OTHERS:
            self._stage.put(addresses, maker)
            return
        for address in addresses:
            self._heard.add(address)
            self._office.register(address, self._ear)

    def is_alive(self, address: str) -> bool:
        """Whether it lives; the ear always does."""
        return address in self._heard or self._stage.is_alive(address)

    def abandon(self, address: str) -> None:
        """Give an actor up."""
        self._stage.abandon(address)

    def stuck(self, address: str) -> int:
        """Return how many of this address hang."""
        return self._stage.stuck(address)

    def stop(self, address: str, within_s: float) -> bool:
        """Stop an actor; the ear has nothing to stop."""
        return address in self._heard or self._stage.stop(address, within_s)


def a_plan(close: str = "15:40") -> DayPlan:
    """Return a day without a square-off; `close` may be later than any exchange's."""
    opens = instant(DAY, "09:15")
    closes = instant(DAY, close)
    return DayPlan(
        day=DAY,
        open=opens,
        close=closes,
        last_entry=Micros(closes - 30 * MINUTE),
        force_close=Micros(closes - 25 * MINUTE),
        square_off=None,
        quiet=None,
    )


def a_system(
    post: Post,
    stage: Stage,
    streams: dict[Source, Any],
    plan: DayPlan,
    day_chain: Chain,
    hosted: int,
) -> tuple[System, RecoveryDone]:
    """Return the cast, and tell all of it but the feed that the day has begun."""
    flags = {"actors.bar_symbols_per_actor": hosted}
    settings: Settings = load("sandbox", flags, rooms={"sandbox": SandboxParams()})
    chance = random.Random(1)  # noqa: S311 - jitter of reconnects that do not happen
    feed = FeedPorts(streams=streams, broker=Past(day_chain, plan.open), chance=chance)
    ports = Ports(post=post, feed=feed, folder=Path(), url="", pid=os.getpid())
    system = System(settings, plan, ports, stage)
    system.start()
    recovered = RecoveryDone(at=clock.now(), plan=plan, chain=day_chain)
    for address in ("watchdog", "strategy"):
        post.tell(address, recovered)
    return system, recovered
