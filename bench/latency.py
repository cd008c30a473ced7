"""From a price frame on the socket to the order POST it causes, beside a raw-socket floor.

    python -m bench.latency [SECONDS]

The server is a process of its own (bench/latency_peer.py) and stamps both ends with one clock. A
*subject* is what sits between: `Floor` is a blocking socket that answers bytes with bytes, `Client`
is the broker client: stream thread, decoder, governor, lane, HTTP session. Another subject, such as
the whole cast of actors, takes part by being added to SUBJECTS. Prints, asserts nothing.
"""

import json
import random
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from queue import SimpleQueue

from bench.latency_peer import SYMBOL
from broker.http import Http
from broker.lanes import Lanes
from broker.stream import Link, OpenAlgoStream
from domain import clock
from domain.books import Action, OrderPush, PriceType
from domain.calls import PlaceOrder, Priority, StreamChange, StreamState, WriteReply
from domain.clock import Anchor, AnchoredClock
from domain.market import Tick
from domain.orders import Ticket
from domain.params import BrokerParams
from domain.units import Paise, Symbol, Units

RATES = (500, 5000)
ORDERS_PER_S = 50
SPEED = 60
"""Market time runs this fast, so that the rate governor works but is not what is measured."""

ASKS = b'"ltp": 2,'
NUMBER = b'"volume": '
POST = b"POST /api/v1/placeorder HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s"

Ports = dict[str, int]


class Client:
    """The broker client: a tick that asks for an order is answered in the stream's own thread."""

    def __init__(self, lanes: Lanes) -> None:
        self._lanes = lanes
        self.states: SimpleQueue[StreamState] = SimpleQueue()

    def ticks(self, batch: tuple[Tick, ...]) -> None:
        for tick in batch:
            if tick.ltp == 200:
                self._lanes.write(an_order(tick), ignore)

    def order(self, push: OrderPush) -> None:
        del push

    def changed(self, change: StreamChange) -> None:
        self.states.put(change.state)


def ignore(reply: WriteReply) -> None:
    """Take a reply and do nothing."""
    del reply


def an_order(tick: Tick) -> PlaceOrder:
    """Return an order whose price is the number of the frame that caused it."""
    ticket = Ticket(
        symbol=tick.symbol,
        exchange=tick.exchange,
        action=Action.SELL,
        quantity=Units(65),
        pricetype=PriceType.LIMIT,
        price=Paise(tick.cum_volume or 1),
        trigger=Paise(0),
        strategy="bench",
    )
    return PlaceOrder(ref="bench", ticket=ticket, priority=Priority.EXIT)


@contextmanager
def client(ports: Ports) -> Iterator[str]:
    """Connect the broker client; yield the kind of frames it wants."""
    params = BrokerParams()
    http = Http(f"http://127.0.0.1:{ports['http']}", "bench", params, SPEED)
    rng = random.Random(1)  # noqa: S311 - the jitter of a wait, no secret
    lanes = Lanes(http, params, "live", rng, speed=SPEED)
    lanes.start()
    events = Client(lanes)
    stream = OpenAlgoStream(Link(url=f"ws://127.0.0.1:{ports['ws']}", api_key="bench"), events)
    stream.connect(1, ((Symbol(SYMBOL), "NFO"),))
    while events.states.get(timeout=10) is not StreamState.READY:
        continue
    try:
        yield "ws"
    finally:
        stream.close()
        stream.join(2)
        lanes.close(2)


@contextmanager
def floor(ports: Ports) -> Iterator[str]:
    """Connect two bare sockets and a thread between them."""
    prices = socket.create_connection(("127.0.0.1", ports["raw"]))
    orders = socket.create_connection(("127.0.0.1", ports["http"]))
    orders.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with ThreadPoolExecutor(1) as pool, prices, orders:
        pool.submit(answer, prices, orders)
        try:
            yield "raw"
        finally:
            prices.shutdown(socket.SHUT_RDWR)


def answer(prices: socket.socket, orders: socket.socket) -> None:
    """Answer each line that asks with an order, until the prices end."""
    rest = b""
    while chunk := prices.recv(65536):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if ASKS in line:
                number = int(line.partition(NUMBER)[2].partition(b",")[0])
                body = b'{"price":%d.%02d}' % divmod(number, 100)
                orders.sendall(POST % (len(body), body))
                orders.recv(4096)


SUBJECTS: dict[str, Callable[[Ports], AbstractContextManager[str]]] = {
    "floor": floor,
    "client": client,
}


def percentile(late: list[int], percent: int) -> int:
    """Return a percentile of sorted figures."""
    return late[min(len(late) - 1, len(late) * percent // 100)]


def main(seconds: int) -> None:
    """Measure every subject at every rate and print a table."""
    real = clock.wall()
    clock.use(AnchoredClock(Anchor(r0=real, v0=real, speed=SPEED)))
    command = [sys.executable, "-m", "bench.latency_peer"]
    with subprocess.Popen(command, stdin=-1, stdout=-1, text=True) as peer:
        assert peer.stdin is not None
        assert peer.stdout is not None
        ports: Ports = json.loads(peer.stdout.readline())
        print(f"{'frames/s':>8} {'subject':>8} {'n':>5} {'p50 us':>8} {'p99 us':>8} {'x floor':>8}")
        for rate in RATES:
            base = 0
            for name, subject in SUBJECTS.items():
                with subject(ports) as kind:
                    print(kind, rate, seconds, rate // ORDERS_PER_S, file=peer.stdin, flush=True)
                    late: list[int] = json.loads(peer.stdout.readline())
                p50, p99 = percentile(late, 50), percentile(late, 99)
                base = base or p50
                shown = f"{p50:>8} {p99:>8} {p50 / base:>8.1f}"
                print(f"{rate:>8} {name:>8} {len(late):>5} {shown}")
        peer.stdin.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 4)
