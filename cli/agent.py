"""The agent on threads: composed, started, told the time, stopped in order.

The calling thread is the conductor: it tells everybody each whole market second, sees whether the
watchdog lives, and hears signals, the kill switch and the end. Everything that waits does so in
threads of its own.
"""

import logging
import os
import queue
import random
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from actors import stacks
from actors.alerts import Nobody
from actors.delivery import Delivery, api_seen, worker_died
from actors.feed import FeedPorts
from actors.post_office import PostOffice
from actors.stages import Stage, ThreadStage
from actors.system import Ports, System, server_mode
from broker.endpoint import PLAIN, Access
from broker.http import Http
from broker.lanes import Lanes
from broker.stream import Link, OpenAlgoStream
from cli.jolts import Jolts
from cli.session import Session
from cli.switch import Switch
from cli.version import commit
from cli.vigil import Vigil
from config.settings import Settings
from domain import clock
from domain.calls import ApiSeen
from domain.errors import JournalError
from domain.ledger import Ledger
from domain.parking import unsafe
from domain.pulse import PULSED, PulsePlan
from domain.session import DayPlan, trading_day
from domain.status import Count
from domain.units import SECOND, Micros, seconds
from journal.orders import NAME as JOURNAL
from journal.orders import JournalReader
from messages.control import Alive, Ended, InboxesMeasured, LeaseSeen, Park, Pulse
from messages.orders import LeverPulled
from research.tap import Tapped

log = logging.getLogger(__name__)

STOP_S = 5.0
"""How long, in real seconds, actors and lanes have for their last words."""

LONGEST_WAIT_S = 0.25
"""How long the loop sleeps at most: a signal or a moved clock is noticed that soon."""

ESCALATED, INTERRUPTED = 70, 130
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2)

Heard = Ended | LeverPulled | Alive | signal.Signals

DAY_IS_PAST = "the day is past and the book was never proved flat: look at the broker's positions"
"""What was intraday is the broker's to end by then; this day's plan must not outlive it."""

PARKED_LATE = "not everything was verified in time: look at the broker's order book"


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where OpenAlgo is, the key, and what gets past a proxy.

    `speed` is market seconds in one of ours; `backup` is how a second server's prices are reached,
    if there is one.
    """

    url: str
    ws_url: str
    api_key: str = field(repr=False)
    speed: int = 1
    backup: Link | None = None
    access: Access = PLAIN


def lanes_of(
    session: Session,
    server: Server,
    chance: random.Random,
    on_api: Callable[[ApiSeen], None] | None = None,
    on_death: Callable[[str], None] = lambda _: None,
) -> Lanes:
    """Return the lanes to a server, not yet started, for whoever writes orders."""
    settings = session.settings
    return Lanes(
        Http(server.url, server.api_key, settings.broker, server.speed, server.access),
        settings.broker,
        server_mode(settings),
        chance,
        speed=server.speed,
        on_api=on_api,
        on_death=on_death,
        refusal=session.refusal,
    )


class Agent:
    """One session's agent. Built and run in the main thread, once.

    `stage` is where its actors live; a measurement hands in one that changes some of them.
    """

    def __init__(
        self,
        session: Session,
        plan: DayPlan,
        server: Server,
        stage: Callable[[PostOffice], Stage] = ThreadStage,
    ) -> None:
        settings = session.settings
        self._settings = settings
        self._speed = server.speed
        self._inbox: queue.SimpleQueue[Heard] = queue.SimpleQueue()
        self._post = PostOffice()
        self._post.register("main", _Door(self._inbox))
        self._post.register("alerts", Nobody())  # until an actor takes the address
        chance = random.Random()  # noqa: S311 - jitter of waits, nothing is decided by it
        self._lanes = lanes_of(
            session, server, chance, api_seen(self._post), worker_died(self._post)
        )
        links = [_link(server, settings), *([server.backup] if server.backup else [])]
        self._streams = {each.source: self._stream(each) for each in links}
        ports = Ports(
            post=self._post if session.take is None else Tapped(self._post, session.take),
            feed=FeedPorts(streams=self._streams, broker=self._lanes, chance=chance),
            folder=session.folder,
            url=server.url,
            pid=os.getpid(),
            show=session.show,
            pager=session.pager,
            commit=commit(),
        )
        self._system = System(settings, plan, ports, stage(self._post))
        self._pulses = PulsePlan(settings.bars.close_grace_ms)
        self._folder, self._day = session.folder, plan.day
        self._jolts = Jolts(self._post)
        self._switch = Switch(session.folder, self._post)
        self._vigil = Vigil(self._system, self._post)
        self._park_by: Micros | None = None
        self._signals = 0

    @property
    def is_fed(self) -> bool:
        """Whether the service manager may be told that this process lives."""
        return self._vigil.is_fed

    @property
    def is_parking(self) -> bool:
        """Whether a signal asked for the end."""
        return self._park_by is not None

    def run(self, follow: Callable[[], None] = lambda: None) -> Ended:
        """Play until the cast says it is over; `follow` is called in every round of the loop."""
        before = [(number, signal.signal(number, self._signalled)) for number in SIGNALS]
        try:
            self._lanes.start()
            self._system.start()
            return self._conduct(follow)
        finally:
            for stream in self._streams.values():
                stream.close()
            self._system.stop(STOP_S)
            self._lanes.close(STOP_S)
            for stream in self._streams.values():
                stream.join(STOP_S)
            for number, handler in before:
                signal.signal(number, handler)

    def leased(self, doubt: str) -> None:
        """Tell whether this host's lease is in doubt; '' if not. The main thread."""
        self._post.tell("order", LeaseSeen(at=clock.now(), doubt=doubt))

    def end(self, reason: str) -> None:
        """Let the agent end as after an escalation, at once and without parking."""
        self._inbox.put(Ended(at=clock.now(), code=ESCALATED, reason=reason))

    def _stream(self, link: Link) -> OpenAlgoStream:
        """Return a stream that delivers into a lane of its own."""
        most = self._settings.feed.max_frames_queued
        waiting = partial(self._post.waiting, "feed")
        return OpenAlgoStream(link, Delivery(self._post, waiting, most))

    def _conduct(self, follow: Callable[[], None]) -> Ended:
        """Tell the time until somebody says that it is over."""
        while True:
            follow()
            self._jolts.look()
            self._switch.look()
            self._tell_time()
            if unwatched := self._vigil.look():
                return Ended(at=clock.now(), code=ESCALATED, reason=unwatched)
            if trading_day(clock.now()) > self._day:
                return Ended(at=clock.now(), code=ESCALATED, reason=DAY_IS_PAST)
            try:
                message = self._inbox.get(timeout=self._wait_s())
            except queue.Empty:
                message = None
            ended = self._hear(message) if message is not None else None
            if ended is not None:
                return ended
            if self._park_by is not None and clock.machine() >= self._park_by:
                log.error("%s: %s", PARKED_LATE, self._left())
                return Ended(at=clock.now(), code=0, reason=PARKED_LATE)

    def _hear(self, message: Heard) -> Ended | None:
        """Take a signal or a word of the cast; return the end if it is one."""
        match message:
            case Ended():
                return message
            case LeverPulled():
                self._switch.answered(message)
            case Alive():
                self._vigil.hear(message)
            case signal.SIGUSR1:
                self._switch.tap()
            case signal.SIGUSR2:
                stacks.log_all()
            case _:
                self._signals += 1
                if self._signals > 1:
                    return Ended(at=clock.now(), code=INTERRUPTED, reason="interrupted twice")
                self._park(message)
        return None

    def _tell_time(self) -> None:
        second = self._pulses.due(clock.now())
        if second is None:
            return
        pulse = Pulse(at=second)
        for address in PULSED:
            self._post.tell(address, pulse)
        if self._pulses.due_to_bars(second):
            self._post.tell_all("bar:", pulse)
        self._measure(second)

    def _measure(self, at: Micros) -> None:
        """Tell how much waits, with the time just told in it."""
        depths = sorted(self._post.depths().items())
        counts = tuple(Count(name=name, count=count) for name, count in depths)
        self._post.tell("monitor", InboxesMeasured(at=at, inboxes=counts))

    def _wait_s(self) -> float:
        """Return the real seconds until the next whole market second."""
        now = clock.now()
        left_s = (self._pulses.next_after(now) - now) / SECOND / self._speed
        return min(LONGEST_WAIT_S, max(0.001, left_s))

    def _park(self, number: signal.Signals) -> None:
        log.warning("%s: parking, entries end, every stop stays", number.name)
        self._park_by = Micros(clock.machine() + seconds(self._settings.shutdown.park_s))
        self._post.tell("order", Park(at=clock.now()))

    def _left(self) -> str:
        """Say, by the journal alone, what is left to nobody."""
        try:
            events, _ = JournalReader(self._folder / JOURNAL).after(0, self._day)
        except JournalError as error:
            return str(error)
        left = unsafe(Ledger().fold(events))
        return "; ".join(left) or "by the journal every stop rests, but the books were not read"

    def _signalled(self, number: int, frame: Any) -> None:
        """Note a signal; it is heard in the loop."""
        del frame
        self._inbox.put(signal.Signals(number))


def _link(server: Server, settings: Settings) -> Link:
    return Link(
        url=server.ws_url,
        api_key=server.api_key,
        chunk=settings.feed.subscribe_chunk,
        plain_hosts=settings.broker.plain_http_hosts,
        access=server.access,
    )


class _Door:
    """Where actors say that the process should end, that they live, or what came of a lever."""

    def __init__(self, inbox: "queue.SimpleQueue[Heard]") -> None:
        self._inbox = inbox

    def tell(self, message: Ended | LeverPulled | Alive) -> None:
        self._inbox.put(message)
