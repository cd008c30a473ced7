"""Where streams and lanes deliver: what comes is told to the actor it concerns."""

from collections.abc import Callable

from actors.post_office import Post
from broker.port import StreamEvents
from domain import clock
from domain.books import OrderPush
from domain.calls import ApiSeen, StreamChange
from domain.market import Tick
from messages.control import ApiCalled, WorkerDied
from messages.market import StreamMoved, TicksArrived, TicksDropped
from messages.orders import OrderPushed

LAGGING = 100
"""So many messages unread mean that FeedActor lags: prices are told in fewer, larger batches."""


class Delivery(StreamEvents):
    """Where a stream delivers: each thing that comes is told to the actor it concerns.

    One for each stream, in its thread. `waiting` tells how many messages FeedActor has not read.
    While it lags prices wait here, `most` of them, and more than that are let go and counted.
    """

    def __init__(
        self, post: Post, waiting: Callable[[], int] = lambda: 0, most: int = 20_000
    ) -> None:
        self._post = post
        self._waiting = waiting
        self._most = most
        self._held: list[Tick] = []

    def ticks(self, batch: tuple[Tick, ...]) -> None:
        """Pass prices on."""
        self._held += batch
        if self._waiting() < LAGGING:
            self._pass_on()
        elif len(self._held) > self._most:
            dropped = TicksDropped(at=self._held[-1].recv_at, count=len(self._held))
            self._held.clear()
            self._post.tell("feed", dropped)

    def order(self, push: OrderPush) -> None:
        """Pass an order update on."""
        self._post.tell("order", OrderPushed(push=push))

    def changed(self, change: StreamChange) -> None:
        """Pass a change of the connection on, after the prices that came before it."""
        self._pass_on()
        self._post.tell("feed", StreamMoved(change=change))

    def _pass_on(self) -> None:
        if self._held:
            self._post.tell("feed", TicksArrived(ticks=tuple(self._held)))
            self._held.clear()


def api_seen(post: Post) -> Callable[[ApiSeen], None]:
    """Return what tells the status page of each HTTP exchange; it runs in a lane's thread."""
    return lambda seen: post.tell("monitor", ApiCalled(seen=seen))


def worker_died(post: Post) -> Callable[[str], None]:
    """Return what tells the watchdog of a lane's worker; it runs in the dying thread."""
    return lambda lane: post.tell("watchdog", WorkerDied(at=clock.now(), lane=lane))
