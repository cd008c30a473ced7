"""What an unstarted actor is handed in a test: a post that records, a broker and a stream.

post, broker = RecordingPost(), FakeBroker()
actor = BarActor("bar:NIFTY", post, broker, params)     # built, never started
actor.on_receive(Pulse(at=at))
assert post.sent == [To("strategy", BarClosed(...))]
broker.answer(History(...))                             # the oldest read comes back
"""

from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

from domain.calls import Read, ReadReply, Write, WriteReply
from domain.units import Symbol


class To(NamedTuple):
    """One message on its way. `tell_all("bar:", m)` is recorded as `To("bar:*", m)`."""

    address: str
    message: object


class RecordingPost:
    """A post that delivers nothing and forgets nothing."""

    def __init__(self) -> None:
        self.sent: list[To] = []

    def tell(self, address: str, message: object) -> None:
        self.sent.append(To(address, message))

    def tell_all(self, prefix: str, message: object) -> None:
        self.sent.append(To(prefix + "*", message))

    def take(self) -> list[To]:
        """Return what was sent since the last take, and forget it."""
        taken, self.sent = self.sent, []
        return taken

    def to(self, address: str) -> list[Any]:
        """Return the messages told to one address."""
        return [message for told, message in self.sent if told == address]

    def of(self, kind: type) -> list[Any]:
        """Return the messages of one kind, whoever was told."""
        return [message for _, message in self.sent if isinstance(message, kind)]


class FakeBroker:
    """A broker that does nothing by itself: the test looks at the calls and answers them."""

    def __init__(self) -> None:
        self.reads: list[tuple[Read, Callable[[ReadReply], None]]] = []
        self.writes: list[tuple[Write, Callable[[WriteReply], None]]] = []

    def read(self, call: Read, done: Callable[[ReadReply], None]) -> None:
        self.reads.append((call, done))

    def write(self, call: Write, done: Callable[[WriteReply], None]) -> None:
        self.writes.append((call, done))

    def answer(self, reply: ReadReply) -> None:
        """Answer the oldest read that is still out."""
        _, done = self.reads.pop(0)
        done(reply)

    def confirm(self, reply: WriteReply) -> None:
        """Answer the oldest write that is still out."""
        _, done = self.writes.pop(0)
        done(reply)


class Connected(NamedTuple):
    """`connect` was called."""

    epoch: int
    symbols: tuple[tuple[Symbol, str], ...]


class Subscribed(NamedTuple):
    """`subscribe` was called."""

    symbols: tuple[tuple[Symbol, str], ...]


class Resubscribed(NamedTuple):
    """`resubscribe` was called."""

    symbols: tuple[tuple[Symbol, str], ...]


class Shut(NamedTuple):
    """`close` was called."""


class FakeStream:
    """A stream that only writes down what it was asked for, in order."""

    def __init__(self) -> None:
        self.calls: list[Connected | Subscribed | Resubscribed | Shut] = []

    def connect(self, epoch: int, symbols: tuple[tuple[Symbol, str], ...]) -> None:
        self.calls.append(Connected(epoch, symbols))

    def subscribe(self, symbols: tuple[tuple[Symbol, str], ...]) -> None:
        self.calls.append(Subscribed(symbols))

    def resubscribe(self, symbols: tuple[tuple[Symbol, str], ...]) -> None:
        self.calls.append(Resubscribed(symbols))

    def close(self) -> None:
        self.calls.append(Shut())


class FakeSpawner:
    """Spawns nobody: `alive` holds the addresses that live, `spawned` what was asked for."""

    def __init__(self, *alive: str) -> None:
        self.alive = set(alive)
        self.abandoned: list[str] = []
        self.hanging: Counter[str] = Counter()
        self.spawned: list[str | tuple[Symbol, ...]] = []

    def spawn(self, address: str) -> None:
        self.spawned.append(address)
        self.alive.add(address)

    def spawn_bars(self, symbols: tuple[Symbol, ...]) -> None:
        self.spawned.append(symbols)
        self.alive |= {f"bar:{symbol}" for symbol in symbols}

    def is_alive(self, address: str) -> bool:
        return address in self.alive

    def abandon(self, address: str) -> None:
        self.abandoned.append(address)
        self.hanging[address] += 1
        self.alive.discard(address)

    def stuck(self, address: str) -> int:
        return self.hanging[address]

    def take(self) -> list[str | tuple[Symbol, ...]]:
        """Return what was spawned since the last take, and forget it."""
        taken, self.spawned = self.spawned, []
        return taken
