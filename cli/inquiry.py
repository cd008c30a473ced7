"""One question after the other to the server, and what its stream says, for `run.py doctor`.

The client is the agent's own; what is left out are the lanes, which would send several things at
once and warm connections that are never used.
"""

import queue
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from broker import scripts
from broker.endpoint import Access
from broker.http import Http
from broker.port import StreamEvents
from broker.stream import Link, OpenAlgoStream
from config.groups import BackupParams, OpenAlgoParams
from config.settings import Settings
from domain import clock
from domain.books import OrderPush
from domain.calls import Read, ReadReply, StreamChange, StreamState
from domain.market import Pair, Source, Tick
from domain.units import SECOND, seconds

LEAVE_S = 5.0
ENDED = frozenset({StreamState.REFUSED, StreamState.CLOSED})


class Asker:
    """Asks and waits for the answer; nothing is asked twice. One thread.

    Raises ConfigError for a URL or key that may not be used.
    """

    def __init__(self, settings: Settings, source: Source = Source.PRIMARY) -> None:
        openalgo = settings.openalgo
        server = openalgo.backup if source is Source.BACKUP else openalgo
        key = server.api_key.get_secret_value()
        access = access_of(server)
        self._session = Http(server.rest_url, key, settings.broker, access=access).session()

    def ask(self, call: Read) -> ReadReply:
        """Carry one read and return its reply, Failed if it gave nothing usable."""
        script = scripts.read(call)
        try:
            ask = next(script)
            while True:
                ask = script.send(self._session.post(ask))
        except StopIteration as end:
            reply: ReadReply = end.value
            return reply

    def close(self) -> None:
        """Drop the connection."""
        self._session.close()


class Ear(StreamEvents):
    """Takes what a stream delivers, in its thread, and hands it out one by one in ours."""

    def __init__(self) -> None:
        self._heard: queue.SimpleQueue[Tick | StreamChange] = queue.SimpleQueue()
        self._early: deque[Tick] = deque()

    def ticks(self, batch: tuple[Tick, ...]) -> None:
        """Take prices."""
        for tick in batch:
            self._heard.put(tick)

    def order(self, push: OrderPush) -> None:
        """Leave an order update alone: it is another's."""

    def changed(self, change: StreamChange) -> None:
        """Take a change of the connection."""
        self._heard.put(change)

    def next(self, within_s: float) -> Tick | StreamChange | None:
        """Return the next thing that came; None if nothing does within so many real seconds."""
        try:
            return self._heard.get(timeout=max(0.0, within_s))
        except queue.Empty:
            return None

    def settled(self, within_s: float) -> StreamChange | None:
        """Return how the connection stands once it is READY, REFUSED or CLOSED."""
        deadline = clock.machine() + seconds(within_s)
        while True:
            heard = self.next((deadline - clock.machine()) / SECOND)
            if heard is None:
                return None
            if isinstance(heard, Tick):
                self._early.append(heard)
            elif heard.state is not StreamState.CONNECTING:
                return heard

    def price(self, within_s: float) -> Tick | None:
        """Return the next price; None if none comes in time or the connection has ended."""
        if self._early:
            return self._early.popleft()
        deadline = clock.machine() + seconds(within_s)
        while True:
            heard = self.next((deadline - clock.machine()) / SECOND)
            if heard is None or isinstance(heard, Tick):
                return heard
            if heard.state in ENDED:
                return None


def access_of(server: OpenAlgoParams | BackupParams) -> Access:
    """Return what gets past a proxy before a server. Raises ConfigError for a bad `ca_file`."""
    return Access(basic_auth=server.basic_auth.get_secret_value(), ca_file=server.ca_file)


def link_of(settings: Settings, source: Source = Source.PRIMARY) -> Link:
    """Return how a stream of the settings is reached; the backup's only if there is one."""
    openalgo = settings.openalgo
    server = openalgo.backup if source is Source.BACKUP else openalgo
    return Link(
        url=server.stream_url,
        api_key=server.api_key.get_secret_value(),
        source=source,
        chunk=settings.feed.subscribe_chunk,
        plain_hosts=settings.broker.plain_http_hosts,
        access=access_of(server),
    )


@contextmanager
def hearing(
    settings: Settings, pairs: tuple[Pair, ...], source: Source = Source.PRIMARY
) -> Iterator[Ear]:
    """Connect a stream and subscribe these symbols. Raises ConfigError for a bad URL."""
    ear = Ear()
    stream = OpenAlgoStream(link_of(settings, source), ear)
    stream.connect(1, pairs)
    try:
        yield ear
    finally:
        stream.close()
        stream.join(LEAVE_S)
