"""What everything else sees of the broker: two small Protocols and where a stream delivers.

A call is handed in with a callback and returns at once; the callback runs in a lane's thread (in
the pump: in the pump's) and must do nothing but tell an actor. Writes are never retried here; reads
are, on failures that prove nothing (`BrokerParams.read_retries`).
"""

from collections.abc import Callable
from typing import Protocol

from domain.books import OrderPush
from domain.calls import Read, ReadReply, StreamChange, Write, WriteReply
from domain.market import Tick
from domain.units import Symbol


class Broker(Protocol):
    """REST: calls go out in lanes, answers come back through the callback. Any thread may call."""

    def write(self, call: Write, done: Callable[[WriteReply], None]) -> None:
        """Send one order write. `done` is called exactly once, also when nothing was sent."""

    def read(self, call: Read, done: Callable[[ReadReply], None]) -> None:
        """Do one read job. `done` is called exactly once."""


class StreamEvents(Protocol):
    """Where a stream delivers. Called in the stream's own thread; must only tell actors."""

    def ticks(self, batch: tuple[Tick, ...]) -> None:
        """Take what one socket read brought; `Tick.volume` is not filled in yet."""

    def order(self, push: OrderPush) -> None:
        """Take an order update."""

    def changed(self, change: StreamChange) -> None:
        """Take a change of the connection's state."""


class Stream(Protocol):
    """One WebSocket source. Each `connect` is a new socket with every subscription made again."""

    def connect(self, epoch: int, symbols: tuple[tuple[Symbol, str], ...]) -> None:
        """Drop any socket, open a new one, authenticate, subscribe `symbols`.

        The primary's order updates are subscribed too; those of another server are not ours.
        """

    def subscribe(self, symbols: tuple[tuple[Symbol, str], ...]) -> None:
        """Subscribe more symbols on the open socket; a later `connect` must name them again."""

    def resubscribe(self, symbols: tuple[tuple[Symbol, str], ...]) -> None:
        """Unsubscribe symbols on the open socket and subscribe them again."""

    def close(self) -> None:
        """Close the socket and end its thread."""
