"""Listening without trading: the feed and the watchdog over it, and nobody who could send an order.

The feed is the agent's own: it connects, subscribes, polls while the socket is silent and comes
back. Where bars would be built stands whoever wants the ticks.
"""

from collections.abc import Callable

from actors.post_office import PostOffice
from actors.stages import Stage
from actors.system import Ports, System
from broker.port import Broker
from config.settings import Settings
from domain import clock
from domain.calls import Read, ReadReply, Write, WriteReply
from domain.contracts import Chain
from domain.errors import SutradharError
from domain.session import DayPlan
from domain.units import Symbol
from messages.control import Begin, RecoveryDone
from research.tap import Ear, Take

CAST = ("feed", "watchdog")


class WriteForbidden(SutradharError):
    """Somebody wanted to send an order where nobody may."""


class ReadOnly:
    """`broker.port.Broker` that carries reads and refuses every write. Any thread may call."""

    def __init__(self, broker: Broker) -> None:
        self._read = broker.read

    def write(self, call: Write, done: Callable[[WriteReply], None]) -> None:
        """Refuse."""
        del done
        raise WriteForbidden(f"{type(call).__name__}: nothing is traded here")

    def read(self, call: Read, done: Callable[[ReadReply], None]) -> None:
        """Do one read job."""
        self._read(call, done)


class Audience(System):
    """Feed and watchdog of one day. Bars, strategy and orders are never built."""

    def __init__(
        self, settings: Settings, plan: DayPlan, ports: Ports, stage: Stage, *,
        office: PostOffice, take: Take,
    ) -> None:  # fmt: skip
        super().__init__(settings, plan, ports, stage)
        self._plan = plan
        self._office = office
        self._ear = Ear(take)
        self.chain: Chain | None = None
        """The day's contracts, where they are known at the start."""

    def start(self) -> None:
        """Build both, and let the feed connect when it is time."""
        for address in CAST:
            self.spawn(address)
        at = clock.now()
        for address in CAST:
            self._office.tell(address, Begin(at=at))
            known = RecoveryDone(at=at, plan=self._plan, chain=self.chain)
            self._office.tell(address, known)

    def spawn_bars(self, symbols: tuple[Symbol, ...]) -> None:
        """Stand where these bars would be built."""
        for symbol in symbols:
            self._office.register(f"bar:{symbol}", self._ear)
