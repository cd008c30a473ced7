"""`run.py sandbox --speed max`: a whole day in one thread, without sockets, as fast as it goes."""

import logging
import os
import random
from dataclasses import dataclass

from actors.delivery import Delivery
from actors.feed import FeedPorts
from actors.pump import Pump
from actors.stages import PumpStage
from actors.system import Ports, System, server_mode
from cli.session import Session
from domain.market import Source
from domain.pulse import PulsePlan
from domain.session import DayPlan, instant
from domain.units import MINUTE, Micros
from messages.control import Ended
from research.world import World
from sandbox.exchange import Exchange, Setup
from sandbox.faults import Script
from sandbox.truth import Truth

log = logging.getLogger(__name__)

API_KEY = "sandbox"
URL = "the paper exchange, in virtual time"
STATUS_EVERY_S = 600
"""In virtual seconds: nobody looks at the status of a day that takes less than a minute."""

PATIENCE = Micros(10 * MINUTE)
"""How long after the close a day that cannot be proved flat is still played."""


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


def play(session: Session, day: VirtualDay, plan: DayPlan) -> Ended:
    """Play one session in virtual time and return how it ended. Takes over the clock."""
    settings = session.settings
    exchange = Exchange(day.setup, settings.rules, day.truth)
    pump = Pump()
    pulses = PulsePlan(settings.bars.close_grace_ms)
    start = max(instant(plan.day, day.begin), exchange.now)
    world = World(exchange, API_KEY, start, pump, pulses)
    world.suffer(day.script)
    chance = random.Random(day.setup.params.seed)  # noqa: S311 - jitter, and it must repeat
    broker = world.lanes(settings.broker, server_mode(settings), chance)
    stream = world.stream(settings.feed.subscribe_chunk)
    stream.listen(Delivery(pump))
    ports = Ports(
        post=pump,
        feed=FeedPorts(streams={Source.PRIMARY: stream}, broker=broker, chance=chance),
        folder=session.folder,
        url=URL,
        pid=os.getpid(),
        status_every_s=STATUS_EVERY_S,
    )
    system = System(settings, plan, ports, PumpStage(pump))
    door = Door()
    pump.register("main", door)
    system.start()
    last = Micros(plan.close + PATIENCE)
    world.run(lambda: door.ended is not None, last)
    system.stop(within_s=5)
    return door.ended or Ended(at=world.timeline.now(), code=3, reason="not proved flat in time")
