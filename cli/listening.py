"""Feed and watchdog on threads, told the time, for who only listens. Never builds what trades.

The calling thread is the conductor, as in `agent.py`: it tells the time, chooses the contracts as
the strategy would, sees whether the watchdog lives, and hears signals.
"""

import logging
import os
import queue
import random
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from actors.contracts import Contracts
from actors.delivery import Delivery
from actors.feed import FeedPorts
from actors.post_office import PostOffice
from actors.stages import ThreadStage
from actors.system import Ports
from broker.http import Http
from broker.lanes import Lanes
from broker.stream import OpenAlgoStream
from cli.inquiry import access_of, link_of
from cli.jolts import Jolts
from config.settings import Settings
from domain import clock
from domain.contracts import Chain
from domain.market import Forming, Source, Tick, minute_of
from domain.pulse import PulsePlan
from domain.session import DayPlan
from domain.units import SECOND, Micros, rupees
from messages.control import ChainChosen, ChainFound, Pulse, StrikesFound
from research.audience import CAST, Audience, ReadOnly
from research.recorder import Recorder
from research.recording import RecordingFailed
from strategies.swing_break import SwingBreak

log = logging.getLogger(__name__)

STOP_S = 5.0
"""How long, in real seconds, actors and lanes have for their last words."""

LONGEST_WAIT_S = 0.25
CHOOSER = "strategy"
"""Where answers about contracts are sent; here it is the conductor."""

Answer = ChainFound | StrikesFound


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Where prices come from, the mode it is in, and how fast its clock runs."""

    settings: Settings
    mode: str
    speed: int
    follow: Callable[[], None]


class Listening:
    """One day's listening. Built and run in the main thread, once."""

    def __init__(self, server: Server, plan: DayPlan, recorder: Recorder) -> None:
        settings = server.settings
        self._server = server
        self._plan = plan
        self._recorder = recorder
        self._inbox: queue.SimpleQueue[Answer | signal.Signals] = queue.SimpleQueue()
        self._post = PostOffice()
        self._post.register(CHOOSER, _Answers(self._inbox))
        key = settings.openalgo.api_key.get_secret_value()
        url = settings.openalgo.rest_url
        chance = random.Random()  # noqa: S311 - jitter of waits, nothing is decided by it
        access = access_of(settings.openalgo)
        http = Http(url, key, settings.broker, server.speed, access)
        self._lanes = Lanes(http, settings.broker, server.mode, chance, speed=server.speed)
        sources = (Source.PRIMARY, *[Source.BACKUP] * settings.openalgo.backup.is_set)
        self._streams = {source: self._stream(source) for source in sources}
        broker = ReadOnly(self._lanes)
        feed = FeedPorts(streams=self._streams, broker=broker, chance=chance)
        ports = Ports(post=self._post, feed=feed, folder=Path(), url=url, pid=os.getpid())
        self._audience = Audience(
            settings, plan, ports, ThreadStage(self._post), office=self._post, take=self._take
        )
        self._contracts = Contracts(CHOOSER, self._post, broker)
        self._chain: Chain | None = None
        self._spot: Tick | None = None
        self._jolts = Jolts(self._post)
        self._pulses = PulsePlan(settings.bars.close_grace_ms)

    def run(self, until: Micros, known: str | None) -> bool:
        """Record up to an instant; whether it came, or a signal or a full disk was first.

        `known` are the contracts that a recording of today began with. Raises RecordingFailed if
        nobody watches the feed any more.
        """
        self._chain = msgspec.json.decode(known, type=Chain) if known else None
        self._audience.chain = self._chain
        settings = self._server.settings
        rule = SwingBreak(params=settings.strategy.params, market=settings.universe).universe(
            self._plan
        )
        self._contracts.begin(rule, settings.universe, settings.rules, self._plan, self._chain)
        with _heard(self._inbox):
            try:
                self._lanes.start()
                self._audience.start()
                return self._conduct(until)
            finally:
                for stream in self._streams.values():
                    stream.close()
                self._audience.stop(STOP_S)
                self._lanes.close(STOP_S)
                for stream in self._streams.values():
                    stream.join(STOP_S)

    def _stream(self, source: Source) -> OpenAlgoStream:
        """Return a stream that delivers into a lane of its own."""
        settings = self._server.settings
        waiting = partial(self._post.waiting, "feed")
        delivery = Delivery(self._post, waiting, settings.feed.max_frames_queued)
        return OpenAlgoStream(link_of(settings, source), delivery)

    def _conduct(self, until: Micros) -> bool:
        while clock.now() < until:
            self._server.follow()
            self._jolts.look()
            self._tell_time()
            if not self._audience.is_alive("watchdog"):
                raise RecordingFailed("nobody watches the feed any more, see the log; begin again")
            if self._recorder.fault or not self._recorder.is_writing:
                return False
            try:
                heard = self._inbox.get(timeout=self._wait_s())
            except queue.Empty:
                continue
            if isinstance(heard, signal.Signals):
                log.warning("%s: the recording ends", heard.name)
                return False
            self._answered(heard)
        return True

    def _tell_time(self) -> None:
        second = self._pulses.due(clock.now())
        if second is None:
            return
        for address in CAST:
            self._post.tell(address, Pulse(at=second))
        spot = self._spot
        if spot is not None:
            self._contracts.price(_forming(spot))
        self._contracts.inquire(second)

    def _answered(self, answer: Answer) -> None:
        at = clock.now()
        if isinstance(answer, ChainFound):
            choice = self._contracts.chosen(answer, at)
            if choice is not None:
                if choice.against:
                    log.warning("the dated rules say otherwise: %s", "; ".join(choice.against))
                self._choose(self._chain or choice.chain, at)
        else:
            found = self._contracts.found(answer, at)
            if found is not None and found.contracts and self._chain is not None:
                self._choose(self._chain.grown(found.contracts), at)
        self._contracts.inquire(at)

    def _choose(self, chain: Chain, at: Micros) -> None:
        if chain == self._chain:
            return
        self._chain = chain
        self._recorder.tell(chain=msgspec.json.encode(chain).decode())
        log.info(
            "contracts=%d atm=%s expiry=%s", len(chain.contracts), rupees(chain.atm), chain.expiry
        )
        for address in CAST:
            self._post.tell(address, ChainChosen(at=at, plan=self._plan, chain=chain))

    def _take(self, ticks: Sequence[Tick]) -> None:
        """Leave ticks with the recorder. In the feed's thread."""
        self._recorder.take(ticks)
        if ticks[-1].symbol == self._contracts.index:
            self._spot = ticks[-1]

    def _wait_s(self) -> float:
        """Return the real seconds until the next whole market second."""
        now = clock.now()
        left_s = (self._pulses.next_after(now) - now) / SECOND / self._server.speed
        return min(LONGEST_WAIT_S, max(0.001, left_s))


class _Answers:
    """Where the lanes' answers arrive; the watchdog's word about entries is nobody's here."""

    def __init__(self, inbox: "queue.SimpleQueue[Answer | signal.Signals]") -> None:
        self._inbox = inbox

    def tell(self, message: object) -> None:
        if isinstance(message, ChainFound | StrikesFound):
            self._inbox.put(message)


@contextmanager
def _heard(inbox: "queue.SimpleQueue[Answer | signal.Signals]") -> Iterator[None]:
    """Put SIGTERM and SIGINT into the inbox; a second SIGINT ends at once."""

    def signalled(number: int, frame: Any) -> None:
        del frame
        signal.signal(number, before[signal.Signals(number)])
        inbox.put(signal.Signals(number))

    numbers = (signal.SIGTERM, signal.SIGINT)
    before = {number: signal.signal(number, signalled) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _forming(tick: Tick) -> Forming:
    return Forming(
        symbol=tick.symbol,
        minute=minute_of(tick.recv_at),
        high=tick.ltp,
        low=tick.ltp,
        last=tick.ltp,
        at=tick.recv_at,
    )
