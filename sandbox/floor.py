"""The market at work: it runs by the clock, and what comes out reaches everybody who listens."""

from collections.abc import Callable, Sequence
from typing import Protocol

from domain.units import Micros, Symbol
from sandbox.api.front import Api
from sandbox.api.requests import History
from sandbox.exchange import Exchange
from sandbox.hands import Hands
from sandbox.kinds import Out, PriceOut


class Listener(Protocol):
    """Somebody on the floor; must not block."""

    @property
    def symbols(self) -> set[Symbol]:
        """The symbols whose prices are wanted."""

    def take(self, out: Out) -> None:
        """Take a price it wants, or a change of an order."""

    def flush(self, at: Micros) -> None:
        """Let go of what is due by an instant."""


class Archive(Protocol):
    """Somebody else who keeps the bars of the day."""

    async def fetch(self, asked: History) -> None:
        """Let the market have the bars that are asked for; Refused if they cannot be had."""


class Floor:
    """One exchange, its clock, and its listeners. Everything happens in one thread.

    `halt_at` stops the clock at exactly that instant; `before_step` is called with each instant
    before its prices are delivered, `saw` with what came out before anybody is told. `archive`
    is asked ahead of answers that tell of bars.
    """

    def __init__(self, exchange: Exchange, api: Api, hands: Hands) -> None:
        self.exchange = exchange
        self.api = api
        self.hands = hands
        self.listeners: list[Listener] = []
        self.halt_at: Micros | None = None
        self.waits_for_subscriber = False
        self.called_at = Micros(0)
        """When somebody last called by REST, in machine time."""
        self.before_step: Callable[[Micros], None] = lambda _: None
        self.saw: Callable[[tuple[Out, ...]], None] = lambda _: None
        self.archive: Archive | None = None
        self._by_symbol: dict[Symbol, list[Listener]] = {}

    def step(self) -> Micros:
        """Let the market catch up with the clock and tell the listeners. Returns the instant."""
        self.api.stand(self.hands.stood())
        at = self._instant()
        self.before_step(at)
        outs = self.exchange.advance(at)
        self.saw(outs)
        for out in outs:
            for listener in self._listeners_of(out):
                listener.take(out)
        for listener in self.listeners:
            listener.flush(at)
        return at

    def join(self, listener: Listener) -> None:
        """Let somebody in."""
        self.listeners.append(listener)
        self.rewatch()

    def leave(self, listener: Listener) -> None:
        """Let somebody go."""
        self.listeners.remove(listener)
        self.rewatch()

    def rewatch(self) -> None:
        """Look anew at who wants which prices."""
        self._by_symbol = {}
        for listener in self.listeners:
            for symbol in listener.symbols:
                self._by_symbol.setdefault(symbol, []).append(listener)
        self.exchange.watch(self._by_symbol)

    def first_subscriber(self) -> None:
        """Let a clock run that stood still only until somebody looks at prices."""
        if self.waits_for_subscriber:
            self.waits_for_subscriber = False
            self.hands.run()

    def _listeners_of(self, out: Out) -> Sequence[Listener]:
        if isinstance(out, PriceOut):
            return self._by_symbol.get(out.symbol, ())
        return self.listeners

    def _instant(self) -> Micros:
        now = self.hands.now()
        if self.halt_at is None or now < self.halt_at:
            return now
        self.hands.stop_at(self.halt_at)
        at, self.halt_at = self.halt_at, None
        return at
