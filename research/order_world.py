"""The world of the orders drill: one exchange that goes on, and an agent that dies and comes back.

Time moves from happening to happening as in every world. A kill abandons the agent between two
steps of its own: bytes that left arrive, answers are heard by nobody, and some seconds later a new
life begins on the same state directory.
"""

import random
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

from actors.pump import PumpStage
from actors.system import server_mode
from broker.asks import HttpAnswer, HttpAsk
from config.settings import Settings
from domain import clock
from domain.market import Source
from domain.pulse import PulsePlan
from domain.units import Micros, seconds
from messages.control import ClockJumped, Ended, Park
from research.dealer import Desk as Dealing
from research.lanes import VirtualLanes
from research.mischief import Killed, Mischief
from research.order_agent import CAST, DrilledBroker, LifePump, LifeSystem, Poison, Pushes, ports
from research.order_clock import AgentClock
from research.world import World
from sandbox.exchange import Exchange
from sandbox.faults import Fault, Script
from sandbox.faults.answers import WELL, Ills
from sandbox.truth import Mode, Truth

API_KEY = "drill"
FLIPPED = seconds(8)
"""How long after a wrong mode nothing is sent: two account reads have to be right first."""

PARKED, DAY_DONE, BAD_CONFIG = 0, 10, 78
WRITES = frozenset({"placeorder", "modifyorder", "cancelorder"})
BOOKS = frozenset({"orderbook", "tradebook", "positionbook"})
GRACE = seconds(5)
"""How soon after its birth a process has its first stop out (`execution.md` 11)."""

READ_PATIENCE = seconds(10)
READ_AGAIN = seconds(3.5)
"""A read that failed is repeated after 2 s, or follows at the fast pace."""

NO_SESSION = 403
LOGIN_AGAIN = seconds(31)
"""Without a broker session the server is asked again each `broker.session_retry_s`."""

WRITE_PATIENCE = seconds(20)
ASK_AGAIN = seconds(3)

Span = tuple[Micros, Micros]
SYSTEM = type[LifeSystem]


class OrderWorld(World):
    """One session. `broken` collects what is judged on the way."""

    def __init__(
        self,
        exchange: Exchange,
        start: Micros,
        settings: Settings,
        folder: Path,
        mischief: Mischief,
    ) -> None:
        self._life = LifePump(random.Random())  # noqa: S311 - serves nobody
        super().__init__(exchange, API_KEY, start, self._life, PulsePlan(1500))
        self._clock = AgentClock(self.timeline)
        clock.use(self._clock)
        self._settings = settings
        self._mode = server_mode(settings)
        self._folder = folder
        self.mischief = mischief
        self.lives = 0
        self._handled = 0
        self.ended: Ended | None = None
        self.broken: list[str] = []
        self.unseen: list[Span] = []
        """When nobody could know: no process lived, or a read of the books was disturbed."""
        self.unheard: list[Span] = []
        """When a change that was asked for did not get through, or its answer did not."""

    def follow(self, truth: Truth) -> None:
        """Know what truly happens, as far as it excuses the agent."""
        self._truth = truth
        self._looked_at = 0
        self._is_flipped = False

    def prepare(self, seed: str, dealing: Dealing, system: SYSTEM, *, has_pushes: bool) -> None:
        """Say who will live here."""
        self._seed = seed
        self._dealing = dealing
        self._system = system
        self._has_pushes = has_pushes
        for at in self.mischief.plan.parks:
            self.timeline.later(at, self._park)
        for at, off in self.mischief.plan.steps:
            self.timeline.later(at, partial(self._set_clock, off))

    def suffer(self, script: Script) -> None:
        """Let the faults of a script hit the calls to come, and note when they hamper us."""
        super().suffer(script)
        befall = self._api.befall

        def noted(at: Micros, route: str, *rest: Any) -> Ills:
            ills = befall(at, route, *rest)
            if ills is not WELL:
                self._hampered(at, route, ills)
            return ills

        self._api.befall = noted

    def disturb(self, faults: Iterable[Fault]) -> None:
        """Let further faults hit from now on."""
        self._site.interference.add(faults)

    def _late(self, at: Micros, lateness: Micros) -> None:
        """Count the time in which an answer was there and nobody was told."""
        self.unseen.append((at, Micros(at + lateness + READ_AGAIN)))

    def _hampered(self, at: Micros, route: str, ills: Ills) -> None:
        """Count the time until the next read, or the next request, may be a good one."""
        if route in BOOKS:
            lost = min(ills.delay, READ_PATIENCE)
            is_login = ills.instead is not None and ills.instead.status == NO_SESSION
            again = LOGIN_AGAIN if is_login else READ_AGAIN
            self.unseen.append((at, Micros(at + lost + again)))
        elif route in WRITES:
            lost = min(ills.delay, WRITE_PATIENCE)
            self.unheard.append((at, Micros(at + lost + ASK_AGAIN)))

    @property
    def handled(self) -> int:
        """How many messages were handled, in all lives."""
        return self._handled + self._life.handled

    @property
    def is_flipped(self) -> bool:
        """Whether the server is in the other mode: nothing may be sent, and no start succeeds."""
        for row in self._truth.rows[self._looked_at :]:
            if isinstance(row.payload, Mode):
                self._is_flipped = row.payload.mode != self._mode
        self._looked_at = len(self._truth.rows)
        return self._is_flipped

    @property
    def life(self) -> LifePump:
        """The pump of the process that lives now."""
        return self._life

    def run_to(self, last: Micros) -> None:
        """Let the session happen until the day is done or `last` is reached."""
        while self.ended is None and self.timeline.now() < last:
            try:
                self._step()
            except Killed as killed:
                self.die(f"killed {killed}", self._draw_down())

    def finish(self, span: Micros) -> None:
        """Let the exchange go on a little without an agent: what is left over may still trade."""
        self._life.abandon()
        until = Micros(self.timeline.now() + span)
        while self.timeline.now() < until:
            self._step()

    def boot(self) -> None:
        """Begin a new life on the same state directory."""
        self.lives += 1
        self._handled += self._life.handled
        name = f"{self._seed}:{self.lives}"
        self._life = self.pump = life = LifePump(random.Random(f"{name}:order"))  # noqa: S311
        life.register("main", self)
        lanes = VirtualLanes(
            self._clock,
            self._carrier(life),
            self._settings.broker,
            self._mode,
            random.Random(f"{name}:lanes"),  # noqa: S311 - jitter, and it must repeat
        )
        found = ports(
            {
                "broker": DrilledBroker(lanes, self.timeline, self.mischief, self._late),
                "draw": random.Random(f"{name}:dealer"),  # noqa: S311 - a drawn session
                "pump": life,
                "folder": self._folder,
                "pid": self.lives,
                "mischief": self.mischief,
                "dealing": self._dealing,
                "broken": self.broken,
            }
        )
        if self._has_pushes:
            stream = self.stream(50, Source.PRIMARY)
            stream.listen(Pushes(life))
            stream.connect(1, ())
        self._system(self._settings, found, PumpStage(life)).enter(CAST)
        try:
            self.pump.run()
        except Killed as killed:
            self.die(f"killed {killed}", self._draw_down())

    def die(self, reason: str, down: Micros) -> None:
        """Abandon the agent; begin a new life after a while."""
        del reason
        self._life.abandon()
        for stream in list(self._streams):
            stream.close()
        self._streams.clear()
        now = self.timeline.now()
        again = Micros(now + down)
        self.unseen.append((now, Micros(again + GRACE)))
        self.timeline.later(again, self.boot)

    def tell(self, message: Ended) -> None:
        """Hear that the process should end."""
        if message.code == DAY_DONE:
            self.ended = message
            return
        self.timeline.later(self.timeline.now(), lambda: self._left(self._life, message))

    def _park(self) -> None:
        """Tell the process to end, as SIGTERM does; it does so in time or is ended."""
        life, now = self._life, self.timeline.now()
        if life.is_dead or self.ended is not None:
            return
        self.mischief.met["park"] += 1
        life.tell("order", Park(at=now))
        late = Ended(at=now, code=PARKED, reason="parked late")
        patience = seconds(self._settings.shutdown.park_s)
        self.timeline.later(Micros(now + patience), lambda: self._left(life, late))

    def _set_clock(self, off: Micros) -> None:
        """Let the wall clock be off so far; the main loop sees that at once."""
        since, self._clock.off = self._clock.now(), off
        self.mischief.met["clock_step"] += 1
        jumped = ClockJumped(at=self._clock.now(), since=since, reason="the clock was set")
        for address in ("watchdog", "order"):
            self._life.tell(address, jumped)

    def _left(self, life: LifePump, message: Ended) -> None:
        if life is self._life and not life.is_dead:
            self._judge_end(message)
            self.mischief.met[f"exit {message.code}"] += 1
            self.die(message.reason, seconds(2.5))

    def _judge_end(self, message: Ended) -> None:
        """A process that cannot start fails, and one whose order actor dies of all but its disk."""
        is_death = message.reason.startswith("order:") and "JournalError" not in message.reason
        is_refused = message.code == BAD_CONFIG and not self.is_flipped
        if is_refused or is_death:
            self.broken.append(f"DIED exit {message.code}: {message.reason}")

    def _draw_down(self) -> Micros:
        """Return how long it takes until the service manager has a new process up.

        Never less than a second: a life counts only its own writes in the rolling second.
        """
        return seconds(self.mischief.draw.choice((1.0, 2.2, 3.0)))

    def _pulse(self, at: Micros) -> None:
        if self.mischief.reader_dies():
            self.pump.tell("reconcile", Poison())
            self._late(at, Micros(0))
        if self.is_flipped:
            self._late(at, FLIPPED)
        super()._pulse(Micros(at + self._clock.off))

    def _carrier(self, life: LifePump) -> Callable[[HttpAsk, Callable[[HttpAnswer], None]], None]:
        """Return what carries the calls of one life: they end with it."""

        def carry(ask: HttpAsk, then: Callable[[HttpAnswer], None]) -> None:
            if life.is_dead:
                return

            def heard(answer: HttpAnswer) -> None:
                if life.is_dead:
                    return
                if ask.route in WRITES:
                    self.mischief.boundary("answered")
                then(answer)

            self._carry(ask, heard)
            if ask.route in WRITES:
                self.mischief.boundary("sent")

        return carry
