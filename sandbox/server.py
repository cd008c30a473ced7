"""The server around the paper exchange: three ports, one loop, one process.

The sockets are bound by the caller, so that a taken port ends the start before anything runs. The
market is paced here; everything that decides is pure and lives elsewhere.
"""

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn

from domain import clock
from domain.clock import Anchor
from domain.units import Micros, seconds
from sandbox.api.desk import Desk
from sandbox.api.front import Api
from sandbox.apps import PACE_S, Stream, discovery_of, rest_app
from sandbox.connection import RestProtocol, StreamProtocol
from sandbox.control import Control, control_app
from sandbox.exchange import Exchange
from sandbox.faults import Script
from sandbox.floor import Floor
from sandbox.frames import Frames
from sandbox.hands import Hands
from sandbox.interference import Interference
from sandbox.kinds import NFO
from sandbox.relay.relay import Relay
from sandbox.sockets import address_of
from sandbox.truth import Truth

log = logging.getLogger(__name__)

PING_S = 20.0
FRAME_BYTES = 1 << 20
KEEP_ALIVE_S = 75
LEAVE_S = 1
QUIET_END = seconds(5)
NO_FAULTS = Script()

Ready = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Listening sockets; without the third there is no control app."""

    rest: socket.socket
    stream: socket.socket
    control: socket.socket | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """What is served, and how the server behaves.

    The market is played up to `start_at` before anybody is let in. `wait_s` is how long, in real
    seconds, the clock then stands still for a first subscriber; 0 lets it run at once.
    `ends_with_day`: leave once the day is closed and nobody has called for 5 real seconds.
    `dies_with_parent`: leave when standard input ends. With a `relay` prices and bars are another
    server's, and the clock runs by its `anchor`; nobody can wait for a subscriber then.
    """

    exchange: Exchange
    truth: Truth
    api_key: str
    start_at: Micros
    speed: int = 1
    wait_s: int = 0
    is_live: bool = False
    faults: Script = NO_FAULTS
    control_token: str = ""
    ends_with_day: bool = False
    dies_with_parent: bool = False
    relay: Relay | None = None
    anchor: Anchor | None = None


def serve(serving: Serving, ports: Ports, ready: Ready) -> bool:
    """Serve until a signal, the end of the day or of the parent says otherwise.

    Returns whether it was the day that ended. Blocks the calling thread, which must be the main
    one. `ready` is called with the discovery document once every port answers. Whatever breaks in
    the market ends the process.
    """

    async def live() -> bool:
        house = House(serving, ports)
        _listen_to_the_world(house)
        await house.run(ready)
        return house.is_day_over

    return asyncio.run(live())


def _listen_to_the_world(house: "House") -> None:
    """Leave on a signal, and with the parent if told so."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, house.stop, signal.Signals(number).name)
    loop.add_signal_handler(signal.SIGUSR1, house.end_day, "told so")
    if house.dies_with_parent:
        stdin = sys.stdin.fileno()

        def read() -> None:
            if not os.read(stdin, 1024):
                loop.remove_reader(stdin)
                house.stop("the parent is gone")

        loop.add_reader(stdin, read)


class _Server(uvicorn.Server):
    """uvicorn without its own signal handling: one process has one answer to a signal."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.is_up.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class House:
    """Everything one process runs."""

    def __init__(self, serving: Serving, ports: Ports) -> None:
        self._serving = serving
        self.dies_with_parent = serving.dies_with_parent
        desk = Desk(serving.exchange, serving.api_key, serving.is_live)
        serving.exchange.advance(serving.start_at)
        hands = Hands(serving.start_at, serving.speed, paused=serving.wait_s > 0)
        if serving.anchor is not None:
            hands.adopt(serving.anchor)
        clock.use(hands.clock)
        self.floor = Floor(serving.exchange, Api(desk), hands)
        self.floor.waits_for_subscriber = serving.wait_s > 0
        interference = Interference(serving.exchange, serving.faults)
        self.floor.before_step = interference.step
        self.floor.saw = interference.saw
        self.floor.api.befall = interference.befall
        self.floor.archive = serving.relay
        frames = Frames(is_live=serving.is_live, quirks=serving.exchange.quirks)
        self.stream = Stream(self.floor, desk, frames, interference)
        self._stop = asyncio.Event()
        self.is_day_over = False
        self._quiet_since: Micros | None = None
        control = ports.control
        self._document = discovery_of(
            self.floor,
            f"ws://{address_of(ports.stream)}",
            f"http://{address_of(control)}" if control else None,
        )
        self._servers = [
            (_server(rest_app(self.floor, self._document)), ports.rest),
            (_server(self.stream), ports.stream),
        ]
        if control is not None:
            view = Control(self.floor, self.stream, serving.truth, interference)
            app = control_app(view, serving.control_token)
            self._servers.append((_server(app), control))

    async def run(self, ready: Ready) -> None:
        """Serve until told to stop. Exceptions of any part come out; the ports are free then."""
        try:
            await self._serve(ready)
            self._serving.exchange.leave(self.floor.hands.now())
        finally:
            for _, listener in self._servers:
                listener.close()

    def stop(self, why: str) -> None:
        """Let the server leave."""
        log.info("exchange closed why=%s", why)
        self._stop.set()

    def end_day(self, why: str) -> None:
        """Let the server leave this day, wherever its clock is."""
        self.is_day_over = True
        self.stop(f"the day is over, {why}")

    async def _serve(self, ready: Ready) -> None:
        async with asyncio.TaskGroup() as group:
            for server, listener in self._servers:
                group.create_task(server.serve(sockets=[listener]))
            pace = group.create_task(self._pace())
            wait = group.create_task(self._start_waiting())
            relay = group.create_task(self._relay())
            for server, _ in self._servers:
                await server.is_up.wait()
            ready(self._document())
            await self._stop.wait()
            for task in (pace, wait, relay):
                task.cancel()
            for server, _ in self._servers:
                server.should_exit = True

    async def _pace(self) -> None:
        """Let the market catch up with the clock, again and again."""
        while True:
            at = self.floor.step()
            if self._serving.ends_with_day and self._is_over(at):
                self.end_day("nobody calls any more")
                return
            await asyncio.sleep(PACE_S)  # noqa: TID251 - the sandbox server may

    async def _relay(self) -> None:
        if self._serving.relay is not None:
            await self._serving.relay.run(self.floor.hands)

    async def _start_waiting(self) -> None:
        await asyncio.sleep(self._serving.wait_s)  # noqa: TID251 - the sandbox server may
        self.floor.first_subscriber()

    def _is_over(self, at: Micros) -> bool:
        hours = self._serving.exchange.timings(self._serving.exchange.day)
        close = next((hour.end for hour in hours if hour.exchange == NFO), at)
        if at <= close or self.stream.connections:
            self._quiet_since = None
            return False
        machine = clock.steady()
        since = max(self._quiet_since or machine, self.floor.called_at)
        self._quiet_since = since
        return machine - since >= QUIET_END


def _server(app: Any) -> _Server:
    return _Server(
        uvicorn.Config(
            app,
            http=RestProtocol,
            ws=StreamProtocol,
            ws_max_size=FRAME_BYTES,
            ws_ping_interval=PING_S,
            ws_ping_timeout=PING_S,
            ws_per_message_deflate=False,
            lifespan="off",
            log_config=None,
            access_log=False,
            date_header=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=LEAVE_S,
        )
    )
