"""`run.py sandbox --speed max`: a whole day in one thread, without sockets, as fast as it goes."""

import os
import random
from collections.abc import Callable
from dataclasses import dataclass

from actors.alerts import Nobody
from actors.delivery import Delivery
from actors.feed import FeedPorts
from actors.pump import Pump, PumpStage
from actors.system import Ports, System, server_mode
from cli.session import Session
from config.settings import Settings
from domain.market import Source
from domain.pulse import PulsePlan
from domain.session import DayPlan, instant
from domain.units import MINUTE, Micros
from messages.control import Ended
from research.tap import Tapped
from research.world import World
from sandbox.exchange import Exchange, Setup
from sandbox.faults import Script
from sandbox.truth import Truth

API_KEY = "sandbox"
URL = "the paper exchange, in virtual time"
STATUS_EVERY_S = 600
"""In virtual seconds: nobody looks at the status of a day that takes less than a minute."""

NOT_FLAT, ESCALATED, INTERRUPTED = 3, 70, 130

PATIENCE = Micros(10 * MINUTE)
"""How long after the close a day that cannot be proved flat is still played."""

STOP_S = 5


class Door:
    """Where the cast says that the process should end."""

    def __init__(self) -> None:
        self.ended: Ended | None = None

    def tell(self, message: Ended) -> None:
        """Take the first word; later ones change nothing."""
        self.ended = self.ended or message


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualDay:
    """What is played: the exchange's set-up, its faults, and where its truth is kept."""

    setup: Setup
    script: Script
    truth: Truth
    begin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a day is built from.

    Simulation hands in parts of its own: messages in a drawn order, a broker that answers late, a
    cast with a policy known to be bad.
    """

    pump: Callable[[], Pump] = Pump
    world: Callable[[Exchange, str, Micros, Pump, PulsePlan], World] = World
    system: Callable[[Settings, DayPlan, Ports, PumpStage], System] = System


class VirtualSession:
    """One session in virtual time, not yet played. Takes over the clock when built."""

    def __init__(
        self, session: Session, day: VirtualDay, plan: DayPlan, parts: Parts = Parts()
    ) -> None:
        settings = session.settings
        self.plan = plan
        self.exchange = Exchange(day.setup, settings.rules, day.truth)
        self.pump = parts.pump()
        self.door = Door()
        self.pump.register("main", self.door)
        self.pump.register("alerts", Nobody())
        pulses = PulsePlan(settings.bars.close_grace_ms)
        start = max(instant(plan.day, day.begin), self.exchange.now)
        self.world = parts.world(self.exchange, API_KEY, start, self.pump, pulses)
        self.world.suffer(day.script)
        ports = self._ports(session, day.setup.params.seed)
        self.system = parts.system(settings, plan, ports, PumpStage(self.pump))

    def play(self) -> Ended:
        """Play until the cast says it is over, or nothing is to be hoped for any more."""
        self.system.start()
        last = Micros(self.plan.close + PATIENCE)
        self.world.run(self._is_over, last)
        watched = self.system.is_alive("watchdog")
        self.system.stop(STOP_S)
        now = self.world.timeline.now()
        if not watched:
            return Ended(at=now, code=ESCALATED, reason="the watchdog is dead")
        late = Ended(at=now, code=NOT_FLAT, reason="not proved flat in time")
        return self.door.ended or late

    def interrupt(self) -> None:
        """End before the next step; everything stays as it is then. May be called by a signal."""
        now = self.world.timeline.now()
        self.door.tell(Ended(at=now, code=INTERRUPTED, reason="interrupted"))

    def _is_over(self) -> bool:
        return self.door.ended is not None or not self.system.is_alive("watchdog")

    def _ports(self, session: Session, seed: int) -> Ports:
        settings = session.settings
        chance = random.Random(seed)  # noqa: S311 - jitter, and it must repeat
        broker = self.world.lanes(settings.broker, server_mode(settings), chance)
        backup = (Source.BACKUP,) if settings.openalgo.backup.is_set else ()
        streams = {
            source: self.world.stream(settings.feed.subscribe_chunk, source)
            for source in (Source.PRIMARY, *backup)
        }
        for stream in streams.values():
            stream.listen(Delivery(self.pump))
        return Ports(
            post=self.pump if session.take is None else Tapped(self.pump, session.take),
            feed=FeedPorts(streams=streams, broker=broker, chance=chance),
            folder=session.folder,
            url=URL,
            pid=os.getpid(),
            status_every_s=STATUS_EVERY_S,
        )
