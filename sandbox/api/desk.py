"""What the routes share: the exchange, who may call, and how the server dresses its answers."""

from dataclasses import dataclass, field, replace
from typing import Protocol

from domain.units import Day, Micros, Symbol
from sandbox.api.answers import Body, Refused
from sandbox.api.limits import CalendarSecond
from sandbox.api.spelling import STAMPS, stamp
from sandbox.exchange import Deferred, Exchange
from sandbox.kinds import (
    STRAIGHT,
    BarLine,
    DepthLine,
    FundsLine,
    InstrumentLine,
    ModifyIn,
    OrderIn,
    OrderLine,
    PositionLine,
    QuoteLine,
    TradeLine,
    Twist,
)

BROKER = "sutradhar_sandbox"
NO_SUCH_KEY = "Invalid openalgo apikey"


class Prices(Protocol):
    """What the price routes tell: the exchange itself, or what a sick server makes of it."""

    def quote(self, at: Micros, symbol: Symbol) -> QuoteLine:
        """Return a quote; KeyError for an unknown symbol."""

    def depth(self, at: Micros, symbol: Symbol) -> DepthLine:
        """Return a quote with its levels; KeyError for an unknown symbol."""

    def history(
        self, at: Micros, symbol: Symbol, from_day: Day, to_day: Day
    ) -> tuple[BarLine, ...]:
        """Return one-minute bars; KeyError for an unknown symbol."""


class Books(Protocol):
    """What the account routes tell: the true books, or what a sick server makes of them."""

    @property
    def has_funds(self) -> bool:
        """Whether there is an answer about the money at all."""

    def order(self, orderid: str) -> OrderLine | None:
        """Return one order, or None."""

    def orders(self) -> tuple[OrderLine, ...]:
        """Return the order book, oldest first."""

    def trades(self) -> tuple[TradeLine, ...]:
        """Return the trades, oldest first."""

    def positions(self, at: Micros) -> tuple[PositionLine, ...]:
        """Return the positions, in order of opening."""

    def funds(self, at: Micros) -> FundsLine:
        """Return the account's money."""


class Counter(Protocol):
    """Where order writes are handed in: the exchange itself, or another world's."""

    def place(self, at: Micros, order: OrderIn, twist: Twist) -> Deferred:
        """Take a new order."""

    def modify(self, at: Micros, change: ModifyIn, twist: Twist) -> Deferred:
        """Change a live order."""

    def cancel(self, at: Micros, orderid: str, twist: Twist) -> Deferred:
        """End a live order."""


@dataclass(slots=True)
class Desk:
    """One account of the exchange as the wire sees it.

    `is_live` answers as a live OpenAlgo with a real broker does (`sandbox.profile` live_quirks);
    else as one whose analyzer is on.
    """

    exchange: Exchange
    api_key: str
    is_live: bool = False
    writes: CalendarSecond = field(default_factory=CalendarSecond)
    twist: Twist = STRAIGHT
    _told: Prices | None = None
    _books: Books | None = None
    _counter: Counter | None = None

    @property
    def prices(self) -> Prices:
        """What the price routes tell."""
        return self._told or self.exchange

    def showing(self, prices: Prices) -> "Desk":
        """Return this desk with other prices on show; everything else is shared."""
        return replace(self, _told=prices)

    @property
    def books(self) -> Books:
        """What the account routes tell."""
        return self._books or self.exchange

    def telling(self, books: Books) -> "Desk":
        """Return this desk with other books on show."""
        return replace(self, _books=books)

    @property
    def counter(self) -> Counter:
        """Where order writes are handed in."""
        return self._counter or self.exchange

    @property
    def has_funds(self) -> bool:
        """Whether the server knows the account's money at all (`{}` is possible, in its code)."""
        return self._books is None or self._books.has_funds

    def elsewhere(self, world: Books, counter: Counter) -> "Desk":
        """Return this desk in the server's other mode, with another world's orders."""
        return replace(self, is_live=not self.is_live, _books=world, _counter=counter)

    @property
    def is_elsewhere(self) -> bool:
        """Whether writes go to another world."""
        return self._counter is not None

    def twisted(self, twist: Twist) -> "Desk":
        """Return this desk for a write that goes another way than usual."""
        return replace(self, twist=twist)

    @property
    def mode_key(self) -> Body:
        """The `mode` key that an analyzing server adds, or nothing."""
        return {} if self.is_live else {"mode": "analyze"}

    @property
    def mode(self) -> str:
        """The mode in a word, as the analyzer route and order updates name it."""
        return "live" if self.is_live else "analyze"

    def stamp(self, at: Micros) -> str:
        """Return an instant as order rows write it, by the server's own clock."""
        skewed = Micros(at + self.skew)
        return stamp(skewed, STAMPS[self.exchange.stamp_form if self.is_live else 0])

    @property
    def skew(self) -> Micros:
        """How far the server's own clock is ahead."""
        return Micros(sum(self.exchange.skews.values()))

    def known(self, symbol: str, exchange: str) -> InstrumentLine:
        """Return a row of the symbol master, or refuse in the words of the price routes."""
        found = self.exchange.instrument(symbol, exchange)
        if found is None:
            raise Refused(400, not_in_master(symbol, exchange))
        return found

    def check_key(self, key: str) -> None:
        """Refuse a wrong key; OpenAlgo says the same of a broker session that is gone."""
        if key != self.api_key:
            raise Refused(403, NO_SUCH_KEY)


def not_in_master(symbol: str, exchange: str) -> str:
    """Return what the price routes say of an unknown symbol (seen)."""
    return (
        f"Symbol '{symbol}' not found for exchange '{exchange}'. Please verify the symbol name "
        "and ensure master contracts are downloaded."
    )
