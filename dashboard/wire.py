"""One connection of the page, with little patience: a slow or hostile client costs next to nothing.

A request that is not whole in time, an answer that nobody takes and a crowd end in a closed
connection, so that descriptors and memory of the trading process stay small.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

REQUEST_S = 5.0
"""Real seconds for a request to be whole, from the first byte or the connection's begin."""

ANSWER_S = 20.0
"""Real seconds for its answer; a lever waits up to 10."""

FLUSH_S = 5.0
"""Real seconds for a client to take the rest of an answer."""

IDLE = -1.0
"""Before any instant of the loop."""

quiet = logging.getLogger("dashboard.wire")
quiet.setLevel(logging.ERROR)
"""Nonsense on the wire is no line in the log: there would be as many as a stranger likes."""


class PageProtocol(H11Protocol):
    """uvicorn's HTTP with deadlines, in the page's loop. `most` connections live at a time."""

    most = 32

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.logger = quiet
        self._deadline: asyncio.TimerHandle | None = None
        self.busy_since = IDLE
        self.is_gone = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Take a connection, in place of another one that is not being answered in a crowd."""
        super().connection_made(transport)
        self._within(REQUEST_S, self._late)
        here = [each for each in self.connections if isinstance(each, PageProtocol)]
        here = [each for each in here if not each.is_gone]
        if len(here) > self.most:
            _least(here, self).go()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the deadline with the connection."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes; the first of a request begins its time."""
        if self._deadline is None:
            self._within(REQUEST_S, self._late)
        super().data_received(data)

    def on_response_complete(self) -> None:
        """Wait for the next request, or for the client to take the last of this answer."""
        self._stop_waiting()
        super().on_response_complete()
        if self.transport.is_closing():
            self._within(FLUSH_S, self.transport.abort)
        elif not self.cycle.response_complete:  # the next one was here already
            self._within(REQUEST_S, self._late)

    def timeout_keep_alive_handler(self) -> None:
        """End a connection that nobody uses; one that does not take its answer, at once."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            super().timeout_keep_alive_handler()

    @property
    def is_answering(self) -> bool:
        """Whether a whole request waits for the rest of its answer."""
        cycle: Any = self.cycle  # None before the first request, whatever its type says
        return cycle is not None and not cycle.more_body and not cycle.response_complete

    def go(self) -> None:
        """End the connection now; the loop hears of it a little later."""
        self.is_gone = True
        self.transport.abort()

    def _late(self) -> None:
        """End a request that is not whole in time; give the answer of a whole one some more."""
        if self.is_answering:
            self._within(ANSWER_S, self.transport.abort)
        else:
            self.transport.abort()

    def _within(self, span_s: float, then: Callable[[], None]) -> None:
        self._stop_waiting()
        self.busy_since = self.loop.time()
        self._deadline = self.loop.call_later(span_s, then)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
            self.busy_since = IDLE


def _least(here: list[PageProtocol], newcomer: PageProtocol) -> PageProtocol:
    """Return who is least missed: an idle one, else who has been at its request for longest."""
    missed = [each for each in here if each is not newcomer and not each.is_answering]
    return min(missed, key=lambda each: each.busy_since, default=newcomer)
