"""What bench/feed.py measures at a socket, each in a process of its own.

    python -m bench.feed_cast raw SYMBOLS PORT
    python -m bench.feed_cast cast SYMBOLS PORT HOSTED

`raw` is a bare loop: websocket-client receives, msgspec decodes. `cast` is the stream thread, the
feed, the bar actors (HOSTED symbols each), the strategy and the watchdog in threads. Prints one
JSON line.
"""

import json
import sys
import threading
from collections.abc import Iterator
from time import process_time
from typing import Any

import websocket

from actors.delivery import Delivery
from actors.post_office import PostOffice
from bench.feed_market import INDEX, chain, is_index
from bench.feed_stand import DAY, CountedThreads, Ear, Half, a_plan, a_system
from broker.stream import Link, OpenAlgoStream
from broker.wire_frames import Frame, decode
from domain import clock
from domain.clock import Anchor, AnchoredClock
from domain.market import Source, minute_of
from domain.session import instant
from domain.units import MINUTE, SECOND, Micros
from messages.control import Pulse

BEGIN = "10:00:05"
"""All of a run lies in one minute: a tick that comes late would be left out of a closed one."""

WARM = 2 * SECOND
LOOK_S = 0.05
QUIET = SECOND
"""The peer is done when nothing was heard for so long, in real time."""


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
    stage = CountedThreads(post)
    link = Link(url=f"ws://127.0.0.1:{port}", api_key="bench", chunk=500)
    stream = OpenAlgoStream(link, Delivery(post))
    system, recovered = a_system(
        post, Half(stage, post, ear), {Source.PRIMARY: stream}, a_plan(), chain(SYMBOLS), hosted
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

    def __init__(self, post: PostOffice, stage: CountedThreads, ear: Ear) -> None:
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


if __name__ == "__main__":
    KIND, SYMBOLS = sys.argv[1], int(sys.argv[2])
    found = raw(int(sys.argv[3])) if KIND == "raw" else cast(*map(int, sys.argv[3:5]))
    print(json.dumps(found), flush=True)
