"""Where streams and lanes deliver: what comes is told to the actor it concerns."""

from collections.abc import Callable

from actors.post_office import Post
from broker.port import StreamEvents
from domain.books import OrderPush
from domain.calls import ApiSeen, StreamChange
from domain.market import Tick
from messages.control import ApiCalled
from messages.market import StreamMoved, TicksArrived
from messages.orders import OrderPushed


class Delivery(StreamEvents):
    """Where a stream delivers: each thing that comes is told to the actor it concerns."""

    def __init__(self, post: Post) -> None:
        self._post = post

    def ticks(self, batch: tuple[Tick, ...]) -> None:
        """Pass prices on. In the stream's thread."""
        self._post.tell("feed", TicksArrived(ticks=batch))

    def order(self, push: OrderPush) -> None:
        """Pass an order update on. In the stream's thread."""
        self._post.tell("order", OrderPushed(push=push))

    def changed(self, change: StreamChange) -> None:
        """Pass a change of the connection on. In the stream's thread."""
        self._post.tell("feed", StreamMoved(change=change))


def api_seen(post: Post) -> Callable[[ApiSeen], None]:
    """Return what tells the status page of each HTTP exchange; it runs in a lane's thread."""
    return lambda seen: post.tell("monitor", ApiCalled(seen=seen))
