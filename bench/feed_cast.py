"""What bench/feed.py measures, each in a process of its own.

    python -m bench.feed_cast raw SYMBOLS PORT
    python -m bench.feed_cast cast SYMBOLS PORT HOSTED
    python -m bench.feed_cast hours SYMBOLS HOURS

`raw` is a bare loop: websocket-client receives, msgspec decodes. `cast` is the stream thread, the
feed, the bar actors (HOSTED symbols each), the strategy and the watchdog in threads, built by the
system an agent is built by; whoever else they tell only counts. `hours` is the same cast under the
pump, in virtual time, without a socket. Prints JSON lines.
"""

import json
import os
import random
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from time import process_time
from typing import Any

import msgspec
import websocket

from actors.delivery import Delivery
from actors.feed import FeedPorts
from actors.journal import JournalActor
from actors.monitor import MonitorActor
from actors.order import OrderActor
from actors.post_office import Post, PostOffice
from actors.pump import Pump, PumpStage
from actors.reconcile import ReconcileActor
from actors.stages import Maker, Stage, ThreadStage
from actors.system import Ports, System
from bench.feed_market import INDEX, SPOT, Crier, chain, is_index
from broker.stream import Link, OpenAlgoStream
from broker.wire_frames import Frame, decode
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
    StreamChange,
    StreamState,
    Write,
    WriteReply,
)
from domain.clock import Anchor, AnchoredClock
from domain.contracts import Chain
from domain.market import HistoryBar, Pair, Source, Tick, minute_of
from domain.session import DayPlan, instant
from domain.units import MINUTE, SECOND, Day, Micros, Paise, Symbol, Units
from messages.control import Pulse, RecoveryDone
from messages.market import BarClosed, FeedHealth, TicksArrived
from research.timeline import Timeline
from sandbox.params import SandboxParams

DAY = Day("2026-11-19")
BEGIN = "10:00:05"
"""All of a run lies in one minute: a tick that comes late would be left out of a closed one."""

WARM = 2 * SECOND
LOOK_S = 0.05
QUIET = SECOND
"""The peer is done when nothing was heard for so long, in real time."""

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


class HalfThreads(ThreadStage):
    """Threads for those who handle prices; an ear for all others."""

    def __init__(self, post: PostOffice, ear: Ear) -> None:
        super().__init__(post)
        self._office = post
        self._ear = ear

    def put(self, addresses: tuple[str, ...], maker: Maker) -> None:
        """Start an actor, or let the ear listen in its place."""
        if maker.func in OTHERS:
            for address in addresses:
                self._office.register(address, self._ear)
        else:
            super().put(addresses, maker)

    def is_alive(self, address: str) -> bool:
        """Whether it runs; the ear always does."""
        return address in {"order", "reconcile", "journal", "monitor"} or super().is_alive(address)

    def hosts(self) -> int:
        """Return how many bar actors there are."""
        refs = {id(ref) for address, ref in self._refs.items() if address.startswith("bar:")}
        return len(refs)

    def waiting(self) -> int:
        """Return how many messages wait in all inboxes together."""
        inboxes: list[Any] = [ref.actor_inbox for ref in {*self._refs.values()}]
        return sum(inbox.qsize() for inbox in inboxes)


class HalfPump(PumpStage):
    """The same in the pump's hands."""

    def __init__(self, pump: Pump, ear: Ear) -> None:
        super().__init__(pump)
        self._office = pump
        self._ear = ear

    def put(self, addresses: tuple[str, ...], maker: Maker) -> None:
        """Build an actor, or let the ear listen in its place."""
        if maker.func in OTHERS:
            for address in addresses:
                self._office.register(address, self._ear)
        else:
            super().put(addresses, maker)

    def is_alive(self, address: str) -> bool:
        """Whether it lives; the ear always does."""
        return address in {"order", "reconcile", "journal", "monitor"} or super().is_alive(address)


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


def raw(port: int) -> dict[str, Any]:
    """Receive and decode until the peer closes."""
    ws = websocket.WebSocket(skip_utf8_validation=True)
    ws.connect(f"ws://127.0.0.1:{port}")  # type: ignore[no-untyped-call]  # the library's
    for frame in _hello():
        ws.send(frame)
    began, cpu, frames, warm, since = 0, 0.0, 0, 0, 0
    while True:
        opcode, data = ws.recv_data()
        if opcode == websocket.ABNF.OPCODE_CLOSE:
            break
        found: Frame = decode(data)
        frames += type(found).__name__ == "MarketData" and not is_index(data)
        if not began and frames:
            began = clock.steady()
        if not cpu and began and clock.steady() - began >= WARM:
            cpu, warm, since = process_time(), frames, clock.steady()
    spent, span = process_time() - cpu, clock.steady() - since
    return {
        "frames": frames,
        "cpu_us": spent * SECOND / (frames - warm),
        "per_s": (frames - warm) * SECOND / span,
    }


def _hello() -> Iterator[str]:
    yield json.dumps({"action": "authenticate", "api_key": "bench"})
    pairs = [{"symbol": INDEX, "exchange": "NSE_INDEX"}]
    pairs += [{"symbol": c.symbol, "exchange": c.exchange} for c in chain(SYMBOLS).contracts]
    yield json.dumps({"action": "subscribe", "mode": 2, "symbols": pairs})


def cast(port: int, hosted: int) -> dict[str, Any]:
    """Let the cast hear the peer out, watching how many messages wait."""
    clock.use(AnchoredClock(Anchor(r0=clock.wall(), v0=instant(DAY, BEGIN), speed=1)))
    post, ear = PostOffice(), Ear()
    stage = HalfThreads(post, ear)
    link = Link(url=f"ws://127.0.0.1:{port}", api_key="bench", chunk=500)
    stream = OpenAlgoStream(link, Delivery(post))
    system, recovered = a_system(
        post, stage, {Source.PRIMARY: stream}, a_plan(), chain(SYMBOLS), hosted
    )
    while stage.hosts() < -(-SYMBOLS // hosted) + 1:
        threading.Event().wait(LOOK_S)
    post.tell("feed", recovered)
    watch = _Watch(post, stage, ear)
    watch.run()
    system.stop(5)
    stream.close()
    return watch.report()


class _Watch:
    """Tells the time and looks at the inboxes until nothing more comes."""

    def __init__(self, post: PostOffice, stage: HalfThreads, ear: Ear) -> None:
        self._post = post
        self._stage = stage
        self._ear = ear
        self._waits: list[int] = []
        self._marks: list[tuple[float, int, int]] = []

    def run(self) -> None:
        """Watch to the end. The main thread."""
        pause = threading.Event()
        second, heard, heard_at, began = 0, 0, 0, 0
        while not heard_at or clock.steady() - heard_at < QUIET or self._stage.waiting():
            pause.wait(LOOK_S)
            now = clock.now() // SECOND
            if now > second:
                second = now
                self._pulse(Micros(now * SECOND))
            frames = self._ear.health.ticks if self._ear.health else 0
            if frames > heard + 50:
                heard, heard_at = frames, clock.steady()
                began = began or heard_at
                self._marks.append((process_time(), frames, heard_at))
            if began and clock.steady() - began >= WARM:
                self._waits.append(self._stage.waiting())
        self._pulse(Micros(clock.now() + 2 * MINUTE))
        while self._stage.waiting():
            pause.wait(LOOK_S)
        pause.wait(1)

    def report(self) -> dict[str, Any]:
        """Return what was heard and what it cost."""
        assert self._ear.health is not None
        first = next(m for m in self._marks if m[2] - self._marks[0][2] >= WARM)
        last = self._marks[-1]
        half = len(self._waits) // 2
        begin = minute_of(instant(DAY, BEGIN))
        return {
            "ticks": self._ear.health.ticks,
            "cpu_us": (last[0] - first[0]) * SECOND / (last[1] - first[1]),
            "waits": [self._waits[:half], self._waits[half:]],
            "last": {
                symbol: (bars[-1][1], sum(volume for minute, _, volume in bars if minute >= begin))
                for symbol, bars in self._ear.bars.items()
            },
        }

    def _pulse(self, at: Micros) -> None:
        pulse = Pulse(at=at)
        for address in ("feed", "watchdog", "strategy"):
            self._post.tell(address, pulse)
        self._post.tell_all("bar:", pulse)


class _Still:
    """A stream that is always ready; its ticks are told by hand."""

    def __init__(self, post: Post) -> None:
        self._post = Delivery(post)
        self.epoch = 0

    def connect(self, epoch: int, symbols: tuple[Pair, ...]) -> None:
        """Be ready at once."""
        self.epoch = epoch
        change = StreamChange(
            source=Source.PRIMARY,
            epoch=epoch,
            state=StreamState.READY,
            at=clock.now(),
            subscribed=len(symbols),
        )
        self._post.changed(change)

    def subscribe(self, symbols: tuple[Pair, ...]) -> None:
        """Take more."""

    def resubscribe(self, symbols: tuple[Pair, ...]) -> None:
        """Take them again."""

    def close(self) -> None:
        """End."""


def hours(count: int) -> Iterator[dict[str, Any]]:
    """Play `count` hours of one tick a second and symbol; yield the memory after each."""
    plan = a_plan("23:59")
    timeline = Timeline(Micros(plan.open - 60 * SECOND))
    clock.use(timeline)
    pump, ear = Pump(), Ear()
    stream = _Still(pump)
    day_chain = chain(SYMBOLS)
    _, recovered = a_system(pump, HalfPump(pump, ear), {Source.PRIMARY: stream}, plan, day_chain, 1)
    pump.run()
    pump.tell("feed", recovered)
    pump.run()
    crier = Crier(tuple(each.symbol for each in day_chain.contracts))
    for second in range(count * 3600):
        at = Micros(plan.open + second * SECOND)
        timeline.move(at)
        ticks = (_index(at, stream.epoch, second), *_options(crier, at, stream.epoch))
        pump.tell("feed", TicksArrived(ticks=ticks))
        pulse = Pulse(at=at)
        for address in ("feed", "watchdog", "strategy"):
            pump.tell(address, pulse)
        if second % 60 in {0, 2}:
            pump.tell_all("bar:", pulse)
        pump.run()
        ear.told.clear()
        if (second + 1) % 3600 == 0:
            bars = sum(map(len, ear.bars.values()))
            ear.bars = {symbol: [] for symbol in ear.bars}
            yield {"hour": (second + 1) // 3600, "rss_kb": _resident_kb(), "bars": bars}


def _index(at: Micros, epoch: int, seq: int) -> Tick:
    return _tick(INDEX, "NSE_INDEX", Paise(SPOT + seq % 40 * 5), None, (at, epoch, seq))


def _options(crier: Crier, at: Micros, epoch: int) -> Iterator[Tick]:
    for _ in crier.symbols:
        symbol, price, volume = crier.next()
        yield _tick(symbol, "NFO", price, volume, (at, epoch, crier.said))


def _tick(
    symbol: Symbol,
    exchange: str,
    price: Paise,
    volume: Units | None,
    stamp: tuple[Micros, int, int],
) -> Tick:
    at, epoch, seq = stamp
    return Tick(
        symbol=symbol,
        exchange=exchange,
        source=Source.PRIMARY,
        epoch=epoch,
        seq=seq,
        recv_at=at,
        exch_at=at,
        ltp=price,
        low=price,
        high=price,
        cum_volume=volume,
    )


def _resident_kb() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


if __name__ == "__main__":
    KIND, SYMBOLS = sys.argv[1], int(sys.argv[2])
    if KIND == "hours":
        for line in hours(int(sys.argv[3])):
            print(json.dumps(line), flush=True)
    else:
        found = raw(int(sys.argv[3])) if KIND == "raw" else cast(*map(int, sys.argv[3:5]))
        print(json.dumps(found), flush=True)
