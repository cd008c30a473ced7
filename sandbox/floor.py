"""The market at work: it runs by the clock, and what comes out reaches everybody who listens."""

from collections.abc import Callable, Sequence
from typing import Protocol

from domain.units import Micros, Symbol
from sandbox.api.front import Api
from sandbox.exchange import Exchange
from sandbox.hands import Hands
from sandbox.kinds import OrderOut, PriceOut


class Listener(Protocol):
    """Somebody on the floor; must not block."""

    @property
    def symbols(self) -> set[Symbol]:
        """The symbols whose prices are wanted."""

    def market(self, price: PriceOut) -> None:
        """Take a price."""

    def order(self, out: OrderOut) -> None:
        """Take a change of an order."""


class Floor:
    """One exchange, its clock, and its listeners. Everything happens in one thread.

    `halt_at` stops the clock at exactly that instant; `before_step` is called with each instant
    before its prices are delivered.
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
        self._by_symbol: dict[Symbol, list[Listener]] = {}

    def step(self) -> Micros:
        """Let the market catch up with the clock and tell the listeners. Returns the instant."""
        self.api.stand(self.hands.stood())
        at = self._instant()
        self.before_step(at)
        for out in self.exchange.advance(at):
            for listener in self._listeners_of(out):
                if isinstance(out, PriceOut):
                    listener.market(out)
                else:
                    listener.order(out)
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

    def _listeners_of(self, out: PriceOut | OrderOut) -> Sequence[Listener]:
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
