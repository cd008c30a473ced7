"""One life of the agent in the orders drill: the order path only, built on a state directory.

OrderActor, ReconcileActor and WatchdogActor as they are, a dealer in the strategy's place, the real
order journal on disk. A life ends by being abandoned: whoever was on the way stays where it is.
"""

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from actors.feed import FeedPorts
from actors.pump import Pump, PumpStage
from actors.system import Ports, System
from broker import scripts
from broker.port import StreamEvents
from config.settings import Settings
from domain import clock
from domain.books import OrderPush
from domain.calls import Read, ReadReply, StreamChange, Write, WriteReply
from domain.errors import JournalError
from domain.events import Event
from domain.ledger import Ledger
from domain.market import Tick
from domain.units import Micros, Symbol
from journal.orders import NAME, OrderJournal
from messages.control import RecoveryDone
from messages.orders import OrderPushed
from research.dealer import DealerActor
from research.dealer import Desk as Dealing
from research.lanes import VirtualLanes
from research.mischief import Mischief
from research.timeline import Timeline

CAST = ("reconcile", "strategy", "watchdog", "order")
"""Who lives here, in the order of birth."""


class Poison:
    """A message nobody understands: whoever hears it dies of it."""


class LifePump(Pump):
    """A pump that can be abandoned: what is told after that is told to nobody."""

    def __init__(self, draw: random.Random) -> None:
        super().__init__(draw)
        self.is_dead = False

    def tell(self, address: str, message: object) -> None:
        """Put a message into an inbox. The feed is judged by nobody here, so nobody is told to."""
        if self.is_dead or (address == "watchdog" and isinstance(message, RecoveryDone)):
            return
        super().tell(address, message)

    def abandon(self) -> None:
        """Serve nobody any more."""
        self.is_dead = True
        self._due.clear()

    @property
    def ledger(self) -> Ledger:
        """What OrderActor holds to be true now."""
        order: Any = self._actors["order"]
        ledger: Ledger = order._desk.ledger  # noqa: SLF001 - the judge looks inside
        return ledger


class JudgedJournal(OrderJournal):
    """The order journal, with the boundaries of a kill around each commit, and I10 judged at it.

    What is folded is read back from the disk, event by event.
    """

    def __init__(self, ports: "LifePorts", boot_after: int) -> None:
        path = ports.folder / NAME
        super().__init__(path, ports.pid, clock.now(), boot_after=boot_after)
        self._ports = ports
        self._folded = Ledger().fold(self.events(ports.dealing.plan.day))
        self._read = self.seq

    def append(self, events: Iterable[Event]) -> int:
        """Commit, and compare what the journal now says with what the actor holds."""
        mischief = self._ports.mischief
        mischief.boundary("before commit")
        if mischief.is_full():
            raise JournalError("no space left on device (drill)")
        seq = super().append(events)
        self._compare()
        mischief.boundary("after commit")
        return seq

    def _compare(self) -> None:
        try:
            self._fold_on()
        except KeyError as error:
            self._ports.broken.append(f"I10 journal {self.seq}: nothing says what {error} is")
            return
        if vars(self._folded) != vars(self._ports.pump.ledger):
            self._ports.broken.append(
                f"I10 journal {self.seq}: fold(journal) differs from the live state"
            )

    def _fold_on(self) -> None:
        while self._read < self.seq and (event := self.event(self._read + 1)) is not None:
            self._read += 1
            self._folded.apply(event)


@dataclass(frozen=True, slots=True, kw_only=True)
class LifePorts(Ports):
    """The ports of one life."""

    mischief: Mischief
    pump: LifePump
    dealing: Dealing
    draw: random.Random
    broken: list[str] = field(default_factory=list)

    def claim(self, boot_after: int) -> OrderJournal:
        """Open the order journal; in OrderActor's thread."""
        return JudgedJournal(self, boot_after)


class DrilledBroker:
    """The lanes, with workers that die and answers that are told late."""

    def __init__(
        self,
        lanes: VirtualLanes,
        timeline: Timeline,
        mischief: Mischief,
        hampered: Callable[[Micros, Micros], None],
    ) -> None:
        self._lanes = lanes
        self._hampered = hampered
        self._timeline = timeline
        self._mischief = mischief

    def write(self, call: Write, done: Callable[[WriteReply], None]) -> None:
        """Queue an order write."""

        def told(reply: WriteReply) -> None:
            if self._mischief.loses_worker():
                reply = scripts.lost(call, "the worker died")
            self._later(partial(done, reply))

        self._mischief.boundary("before send")
        self._lanes.write(call, told)

    def read(self, call: Read, done: Callable[[ReadReply], None]) -> None:
        """Queue a read job."""
        self._lanes.read(call, lambda reply: self._later(partial(done, reply)))

    def _later(self, done: Callable[[], None]) -> None:
        lateness = self._mischief.lateness()
        if lateness:
            now = self._timeline.now()
            self._hampered(now, lateness)
            self._timeline.later(Micros(now + lateness), done)
        else:
            done()


class Pushes(StreamEvents):
    """Passes order updates on; nobody here hears prices."""

    def __init__(self, pump: LifePump) -> None:
        self._pump = pump

    def ticks(self, batch: tuple[Tick, ...]) -> None:
        """Hear no prices."""

    def order(self, push: OrderPush) -> None:
        """Pass an order update on."""
        self._pump.tell("order", OrderPushed(push=push))

    def changed(self, change: StreamChange) -> None:
        """Hear nothing of connections."""


class LifeSystem(System):
    """The order path of the cast, and a dealer."""

    def __init__(self, settings: Settings, ports: LifePorts, stage: PumpStage) -> None:
        super().__init__(settings, ports.dealing.plan, ports, stage)
        dealer = partial(DealerActor, "strategy", ports.post, desk=ports.dealing, draw=ports.draw)
        self._makers = {**self._makers, "strategy": dealer}

    def spawn_bars(self, symbols: tuple[Symbol, ...]) -> None:
        """Build no bars: nobody watches prices here."""


def ports(base: dict[str, Any]) -> LifePorts:
    """Return the ports of a life; no stream is the feed's."""
    feed = FeedPorts(streams={}, broker=base["broker"], chance=base["draw"])
    rest = {name: value for name, value in base.items() if name != "broker"}
    return LifePorts(feed=feed, post=base["pump"], url="the drill", **rest)
