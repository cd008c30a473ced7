"""A whole trading day in one thread: the exchange, the actors, and nothing in between but bytes.

The world moves time from one happening to the next: a step of the market, an answer arriving, a
second of pulse. After each it lets the pump run dry. Nobody waits, so a day takes seconds.
"""

import random
from collections.abc import Callable

from actors.pump import Pump
from broker.asks import Fault, HttpAnswer, HttpAsk
from broker.http import Http
from domain import clock
from domain.market import Source
from domain.params import BrokerParams
from domain.pulse import PULSED, PulsePlan
from domain.units import Micros, seconds
from messages.control import Pulse
from research.lanes import VirtualLanes
from research.stream import Site, VirtualStream
from research.timeline import Timeline
from sandbox.api.answers import JSON, Answer
from sandbox.api.desk import Desk
from sandbox.api.front import PREFIX, Api
from sandbox.exchange import Exchange
from sandbox.faults import Script
from sandbox.interference import Interference

NET = seconds(0.0005)
"""How long a packet takes one way."""

STEP = seconds(0.5)
"""How often prices reach the stream: four batches a second, as a busy socket delivers."""

PEER = "127.0.0.1"

_CUT = HttpAnswer(status=None, fault=Fault.RESET)


class World:
    """One day of one exchange and one agent. Takes over the clock (`domain.clock`) when built."""

    def __init__(
        self, exchange: Exchange, api_key: str, start: Micros, pump: Pump, pulses: PulsePlan
    ) -> None:
        self.exchange = exchange
        self.pump = pump
        self.timeline = Timeline(start)
        desk = Desk(exchange, api_key, exchange.is_live)
        self._api = Api(desk)
        self._site = Site(self.timeline, desk, api_key)
        self._http = Http(f"http://{PEER}", api_key, BrokerParams())
        self._pulses = pulses
        self._streams: list[VirtualStream] = []
        self._market_at = start
        self.before_pulse: Callable[[Micros], None] = lambda _: None
        exchange.advance(start)
        clock.use(self.timeline)

    def lanes(self, params: BrokerParams, mode: str, rng: random.Random) -> VirtualLanes:
        """Return the agent's broker."""
        self._http = Http(f"http://{PEER}", self._site.api_key, params)
        return VirtualLanes(self.timeline, self._carry, params, mode, rng)

    def stream(self, chunk: int, source: Source = Source.PRIMARY) -> VirtualStream:
        """Return one WebSocket source of the agent."""
        stream = VirtualStream(self._site, chunk, source)
        stream.changed = self._rewatch
        self._streams.append(stream)
        return stream

    def suffer(self, script: Script) -> None:
        """Let the faults of a script hit the calls and the streams to come."""
        interference = Interference(self.exchange, script)
        self._site.interference = interference
        self._api.befall = interference.befall
        for instant in script.instants:
            self.timeline.later(instant, lambda: interference.step(self.timeline.now()))

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
        interference = self._site.interference
        interference.saw(outs)
        for stream in self._streams:
            stream.deliver(outs, at)
            stream.keep_alive(at)
        interference.step(at)
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
        """Carry one HTTP exchange: there, the exchange's own time, and back.

        An answer later than the client's patience is a time-out; what it asked for happens.
        """
        body = self._http.with_key(ask.body)
        patience = Micros(self.timeline.now() + seconds(self._http.timeouts(ask.route)[1]))

        def arrive() -> None:
            at = self.timeline.now()
            call = self._api.call(at, "POST", PREFIX + ask.route, body, JSON, PEER)
            if call.ready_at > patience:
                late = HttpAnswer(status=None, fault=Fault.TIMEOUT)
                self.timeline.later(patience, lambda: then(late))
            else:
                self.timeline.later(call.ready_at, lambda: leave(call.answer))

        def leave(answer: Callable[[], Answer]) -> None:
            said = answer()
            reply = (
                _CUT
                if said.is_cut
                else HttpAnswer(
                    status=said.status,
                    body=self._http.scrubbed(said.body),
                    retry_after_s=said.retry_after_s,
                )
            )
            back = Micros(self.timeline.now() + NET)
            self.timeline.later(back, lambda: then(reply))

        self.timeline.later(Micros(self.timeline.now() + NET), arrive)

    def _rewatch(self) -> None:
        self.exchange.watch(symbol for stream in self._streams for symbol in stream.symbols)
