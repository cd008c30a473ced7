"""From a price frame on the socket to the order POST it causes, beside a raw-socket floor.

A server in a process of its own (bench/latency_peer.py) sends prices of 82 options and takes the
orders; it stamps both with one clock. Some prices, the marks, ask for one order each. What sits
between the two is the subject:

  floor   two bare sockets and a thread: a line that asks is answered with a POST
  client  the broker client alone: stream thread, decoder, governor, lane, HTTP session; the stream
          thread itself hands the order to the lane
  cast    the whole agent as run.py starts it, in a process of its own (bench/latency_cast.py),
          every actor in its thread: stream thread -> FeedActor -> BarActor of the symbol, one of
          83 -> StrategyActor -> OrderActor with risk gate and intent committed to the journal on
          disk -> entry lane -> HTTP session. Only the strategy is changed: beside its own work it
          wishes an entry at each mark

The books are always fresh, since they are read after each refusal: an entry that finds them older
than orders.baseline_max_age_s waits for them to be read first, and that is not in here. Market time
runs 10 times as fast as life, so that entries may follow each other so fast; whatever is done each
second or minute is done 10 times as often.

There are 10 marks a second. Each run has a server and an agent of its own; all subjects take turns
for some rounds, and the samples of a subject are put together: n of them, n / 100 beyond its p99.
The last line is the disk alone: a commit of two events to an order journal, as before each order.

No figure is printed, and the exit code is 1, unless every subject heard every frame that was sent,
and sent every order that was asked for, once and in order. Nothing is asserted about time.
"""

import argparse
import random
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

import msgspec

from bench.latency_frames import (
    API_KEY,
    INDEX,
    LEVEL,
    SPEED,
    live_by,
    tally,
    tally_ticks,
)
from bench.latency_peer import Address, Report
from broker.http import Http
from broker.lanes import Lanes
from broker.stream import Link, OpenAlgoStream
from domain import clock
from domain import events as ev
from domain.books import Action, OrderPush, PriceType
from domain.calls import PlaceOrder, Priority, StreamChange, StreamState, WriteReply
from domain.market import Tick
from domain.orders import Ticket
from domain.params import BrokerParams
from domain.units import SECOND, Micros, Paise, Symbol, Units
from journal.orders import OrderJournal

RATES = (500, 5000)
ORDERS_PER_S = 10
LOT = Units(65)
COMMITS = 100
STATE = Path("state")
"""Where `run.py sandbox` keeps its state directories: the disk that counts."""

DIED = "the server died"

PRICE, NUMBER, SYMBOL = b'"ltp": ', b'"volume": ', b'"symbol": "'
POST = b"POST /api/v1/placeorder HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s"


@dataclass
class Heard:
    """What a subject heard: how many frames that count, and their checksum. Known at its end."""

    frames: tuple[int, int] = (0, 0)


Subject = Callable[[Address, Path], AbstractContextManager[Heard]]


class Client:
    """The broker client: a mark is answered with an order in the stream's own thread."""

    def __init__(self, lanes: Lanes) -> None:
        self._lanes = lanes
        self.states: SimpleQueue[StreamState] = SimpleQueue()
        self.batches: list[tuple[Tick, ...]] = []

    def ticks(self, batch: tuple[Tick, ...]) -> None:
        self.batches.append(batch)
        for tick in batch:
            if tick.ltp < LEVEL:
                self._lanes.write(an_order(tick), ignore)

    def order(self, push: OrderPush) -> None:
        del push

    def changed(self, change: StreamChange) -> None:
        self.states.put(change.state)


def ignore(reply: WriteReply) -> None:
    """Take a reply and do nothing."""
    del reply


def an_order(tick: Tick) -> PlaceOrder:
    """Return the order a mark asks for."""
    ticket = Ticket(
        symbol=tick.symbol,
        exchange=tick.exchange,
        action=Action.SELL,
        quantity=LOT,
        pricetype=PriceType.LIMIT,
        price=tick.ltp,
        trigger=Paise(0),
        strategy="bench",
    )
    return PlaceOrder(ref="bench", ticket=ticket, priority=Priority.ENTRY)


@contextmanager
def client(address: Address, folder: Path) -> Iterator[Heard]:
    """Connect the broker client."""
    del folder
    params, heard = BrokerParams(), Heard()
    rng = random.Random(1)  # noqa: S311 - the jitter of a wait, no secret
    http = Http(f"http://127.0.0.1:{address.http}", API_KEY, params, SPEED)
    lanes = Lanes(http, params, "analyze", rng, speed=SPEED)
    lanes.start()
    events = Client(lanes)
    stream = OpenAlgoStream(Link(url=f"ws://127.0.0.1:{address.ws}", api_key=API_KEY), events)
    options = tuple((Symbol(symbol), "NFO") for symbol in address.options)
    stream.connect(1, ((INDEX, "NSE_INDEX"), *options))
    while events.states.get(timeout=10) is not StreamState.READY:
        continue
    try:
        yield heard
    finally:
        stream.close()
        stream.join(2)
        lanes.close(2)
        heard.frames = tally_ticks(events.batches)


@contextmanager
def floor(address: Address, folder: Path) -> Iterator[Heard]:
    """Connect two bare sockets and a thread between them."""
    del folder
    heard, lines = Heard(), list[bytes]()
    prices = socket.create_connection(("127.0.0.1", address.raw))
    orders = socket.create_connection(("127.0.0.1", address.http))
    orders.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with ThreadPoolExecutor(1) as pool, prices, orders:
        answering = pool.submit(answer, prices, orders, lines)
        try:
            yield heard
        finally:
            prices.shutdown(socket.SHUT_RDWR)
            answering.result()
            heard.frames = tally(read(line) for line in lines if NUMBER in line)


def answer(prices: socket.socket, orders: socket.socket, lines: list[bytes]) -> None:
    """Answer each line that asks with an order, until the prices end."""
    rest = b""
    asks, known = PRICE + b"4", len(PRICE)
    while chunk := prices.recv(65536):
        *whole, rest = (rest + chunk).split(b"\n")
        lines += whole
        for line in whole:
            if asks in line:
                begins = line.index(PRICE) + known
                price = line[begins : line.index(b",", begins)]
                body = b'{"symbol": "%s", "price": %s}' % (between(line, SYMBOL, b'"'), price)
                orders.sendall(POST % (len(body), body))
                orders.recv(4096)


def between(line: bytes, before: bytes, after: bytes) -> bytes:
    """Return what stands between two marks."""
    return line.partition(before)[2].partition(after)[0]


def read(line: bytes) -> tuple[str, int, int]:
    """Return symbol, ltp in paise and number of a frame."""
    price = between(line, PRICE, b",").decode()
    symbol = between(line, SYMBOL, b'"').decode()
    return symbol, round(float(price) * 100), int(between(line, NUMBER, b","))


@contextmanager
def cast(address: Address, folder: Path) -> Iterator[Heard]:
    """Start the agent; at the end let it park."""
    heard = Heard()
    said = msgspec.json.encode(address).decode()
    command = [sys.executable, "-m", "bench.latency_cast", str(folder), said]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=quiet) as agent:
        assert agent.stdout is not None
        try:
            yield heard
        finally:
            agent.terminate()
            told = agent.stdout.read()
            if told:
                heard.frames = msgspec.json.decode(told, type=tuple[int, int])


SUBJECTS: Mapping[str, Subject] = {"floor": floor, "client": client, "cast": cast}


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One subject at one rate, once."""

    subject: str
    rate: int
    report: Report
    frames: tuple[int, int]

    @property
    def complaint(self) -> str:
        """Return what it did not hear or not send; '' if it did its work."""
        report = self.report
        if report.wrong:
            return report.wrong
        if self.frames != report.frames:
            return f"heard (frames, checksum) {self.frames}, sent were {report.frames}"
        if report.orders != report.marks:
            missing = len(set(report.marks) - set(report.orders))
            sent = len(report.orders)
            return f"sent {sent} orders for {len(report.marks)} marks, {missing} of them never"
        return ""


def measure(subject: str, rate: int, seconds: int) -> Run:
    """Run a subject with a server and a state directory of its own."""
    command = [sys.executable, "-m", "bench.latency_peer"]
    numbers = map(str, (rate, seconds, rate // ORDERS_PER_S))
    pipe = subprocess.PIPE
    with (
        tempfile.TemporaryDirectory(prefix="bench-", dir=STATE) as folder,
        subprocess.Popen([*command, *numbers], stdin=pipe, stdout=pipe) as peer,
    ):
        assert peer.stdin is not None
        assert peer.stdout is not None
        with peer.stdin:
            address = msgspec.json.decode(peer.stdout.readline(), type=Address)
            live_by(address.r0, address.v0)
            with SUBJECTS[subject](address, Path(folder)) as heard:
                said = peer.stdout.readline()
            report = msgspec.json.decode(said, type=Report) if said else Report(wrong=DIED)
    return Run(subject=subject, rate=rate, report=report, frames=heard.frames)


def commits() -> list[int]:
    """Return how long a commit of two events to an order journal takes, in microseconds."""
    took = []
    with (
        tempfile.TemporaryDirectory(prefix="bench-", dir=STATE) as folder,
        OrderJournal(Path(folder) / "orders.db", 1, Micros(1)) as journal,
    ):
        for number in range(COMMITS):
            event = ev.WriteSent(at=clock.now(), intent=f"bench-{number}", op="place")
            begun = clock.steady()
            journal.append((event, event))
            took.append(clock.steady() - begun)
    return took


def complaint(runs: Sequence[Run]) -> str:
    """Return why these runs may not be compared; '' if all of a rate heard and sent the same."""
    first: dict[int, Report] = {}
    for run in runs:
        same = first.setdefault(run.rate, run.report)
        wrong = run.complaint
        if not wrong and (same.frames, same.orders) != (run.frames, run.report.orders):
            wrong = "heard or sent something else than the others"
        if wrong:
            return f"{run.subject} at {run.rate}/s: {wrong}"
    return ""


def percentile(late: Sequence[int], percent: int) -> int:
    """Return a percentile of ascending figures."""
    return late[min(len(late) - 1, len(late) * percent // 100)]


def report(runs: Sequence[Run], disk: Sequence[int]) -> None:
    """Print a line for each rate and subject, and one for the disk."""
    titles = ("frames/s", "subject", "n", "sent/s", "p50 us", "p99 us", "max us", "x floor p50")
    print("".join(f"{title:>{max(9, len(title) + 2)}}" for title in (*titles, "p99")))
    for rate in RATES:
        base: tuple[int, int] | None = None
        for name in SUBJECTS:
            mine = [run.report for run in runs if (run.rate, run.subject) == (rate, name)]
            late = sorted(us for each in mine for us in each.late)
            sent = min(each.frames[0] * SECOND // each.span_us for each in mine)
            p50, p99 = percentile(late, 50), percentile(late, 99)
            base = base or (p50, p99)
            ratios = f"{p50 / base[0]:>13.1f}{p99 / base[1]:>9.1f}"
            print(f"{rate:>10}{name:>9}{len(late):>9}{sent:>9}", end="")
            print(f"{p50:>9}{p99:>9}{late[-1]:>9}{ratios}")
    print(f"{'-':>10}{'commit':>9}{len(disk):>9}{'-':>9}", end="")
    print(f"{percentile(disk, 50):>9}{percentile(disk, 99):>9}{disk[-1]:>9}")


def main() -> int:
    """Measure every subject at every rate, compare, print; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.latency",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--seconds", type=int, default=10, metavar="N", help="of each run; default 10"
    )
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="default 3")
    asked = parser.parse_args()
    if min(asked.seconds, asked.rounds) < 1:
        parser.error("--seconds and --rounds: at least 1")
    STATE.mkdir(mode=0o700, exist_ok=True)
    runs: list[Run] = []
    disk: list[int] = []
    for number in range(asked.rounds):
        for rate in RATES:
            for subject in SUBJECTS:
                step = f"round {number + 1} of {asked.rounds}: {subject} at {rate}/s ..."
                print(step, file=sys.stderr, flush=True)
                runs.append(measure(subject, rate, asked.seconds))
                if wrong := complaint(runs):
                    print(wrong, file=sys.stderr)
                    return 1
            disk += commits()
    report(runs, sorted(disk))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
