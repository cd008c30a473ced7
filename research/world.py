"""A whole trading day in one thread: the exchange, the actors, and nothing in between but bytes.

The world moves time from one happening to the next: a step of the market, an answer arriving, a
second of pulse. After each it lets the pump run dry. Nobody waits, so a day takes seconds.
"""

import random
from collections.abc import Callable

from actors.pump import Pump
from broker.asks import HttpAnswer, HttpAsk
from broker.http import Http
from domain import clock
from domain.params import BrokerParams
from domain.pulse import PULSED, PulsePlan
from domain.units import Micros, seconds
from messages.control import Pulse
from research.lanes import VirtualLanes
from research.stream import VirtualStream
from research.timeline import Timeline
from sandbox.api.answers import JSON, Answer
from sandbox.api.desk import Desk
from sandbox.api.front import PREFIX, Api
from sandbox.exchange import Exchange
from sandbox.faults import Script
from sandbox.frames import Frames
from sandbox.interference import Interference

NET = seconds(0.0005)
"""How long a packet takes one way."""

STEP = seconds(0.5)
"""How often prices reach the stream: four batches a second, as a busy socket delivers."""

PEER = "127.0.0.1"


class World:
    """One day of one exchange and one agent. Takes over the clock (`domain.clock`) when built."""

    def __init__(
        self, exchange: Exchange, api_key: str, start: Micros, pump: Pump, pulses: PulsePlan
    ) -> None:
        self.exchange = exchange
        self.pump = pump
        self.timeline = Timeline(start)
        self._desk = Desk(exchange, api_key)
        self._api = Api(self._desk)
        self._api_key = api_key
        self._http = Http(f"http://{PEER}", api_key, BrokerParams())
        self._pulses = pulses
        self._streams: list[VirtualStream] = []
        self._market_at = start
        self._interference = Interference(exchange, Script())
        self.before_pulse: Callable[[Micros], None] = lambda _: None
        exchange.advance(start)
        clock.use(self.timeline)

    def lanes(self, params: BrokerParams, mode: str, rng: random.Random) -> VirtualLanes:
        """Return the agent's broker."""
        return VirtualLanes(self.timeline, self._carry, params, mode, rng)

    def stream(self, chunk: int) -> VirtualStream:
        """Return one WebSocket source of the agent."""
        stream = VirtualStream(
            self.timeline, self._desk, Frames(is_live=False), self._api_key, chunk
        )
        stream.changed = self._rewatch
        stream.refused = lambda: self._interference.refuses(self.timeline.now())
        stream.opened = lambda: self._interference.opened(self.timeline.now(), stream)
        self._streams.append(stream)
        return stream

    def suffer(self, script: Script) -> None:
        """Let the faults of a script hit the streams, those there are and those to come."""
        self._interference = Interference(self.exchange, script)
        for instant in script.instants:
            self.timeline.later(instant, lambda: self._interference.step(self.timeline.now()))

    def run(self, until: Callable[[], bool], last: Micros) -> None:
        """Let the day happen until the condition holds or virtual time passes `last`."""
        self.pump.run()
        while not until() and self.timeline.now() < last:
            self._step()

    def _step(self) -> None:
        """Go to the next happening and let everything follow from it."""
        due = self.timeline.next_at()
        at = self._market_at if due is None else min(due, self._market_at)
        self.timeline.move(at)
        self._deliver(at)
        while (action := self.timeline.take()) is not None:
            action()
            self.pump.run()
        if at >= self._market_at:
            self._market_at = Micros(at + STEP)
            self._pulse(at)

    def _deliver(self, at: Micros) -> None:
        outs = self.exchange.advance(at)
        if outs:
            for stream in self._streams:
                stream.deliver(outs)
            self.pump.run()

    def _pulse(self, at: Micros) -> None:
        second = self._pulses.due(at)
        if second is None:
            return
        self.before_pulse(second)
        pulse = Pulse(at=second)
        for address in PULSED:
            self.pump.tell(address, pulse)
        if self._pulses.due_to_bars(second):
            self.pump.tell_all("bar:", pulse)
        self.pump.run()

    def _carry(self, ask: HttpAsk, then: Callable[[HttpAnswer], None]) -> None:
        """Carry one HTTP exchange: there, the exchange's own time, and back."""
        body = self._http.with_key(ask.body)

        def arrive() -> None:
            at = self.timeline.now()
            call = self._api.call(at, "POST", PREFIX + ask.route, body, JSON, PEER)
            self.timeline.later(call.ready_at, lambda: leave(call.answer))

        def leave(answer: Callable[[], Answer]) -> None:
            said = answer()
            reply = HttpAnswer(status=said.status, body=self._http.scrubbed(said.body))
            back = Micros(self.timeline.now() + NET)
            self.timeline.later(back, lambda: then(reply))

        self.timeline.later(Micros(self.timeline.now() + NET), arrive)

    def _rewatch(self) -> None:
        self.exchange.watch(symbol for stream in self._streams for symbol in stream.symbols)
