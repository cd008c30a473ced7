"""A broker that keeps books and answers at once, and a cast that has an open short with it.

For tests that drive actors by hand: `frozen.tick`, then a `Pulse`. The short is that of
tests/orders.py: 650 units sold at 10:00, its stop S1 rests since. The agent was killed meanwhile;
the journal and the books of the `Clerk` are all that is left of the morning.
"""

import threading
from collections.abc import Callable
from pathlib import Path
from random import Random

from actors.alerts import Pager
from actors.feed import FeedPorts
from actors.post_office import Post
from actors.stages import Stage
from actors.system import Ports, System
from config.settings import load
from domain import clock
from domain.books import Action, OrderRow, PriceType, Status, TradeRow
from domain.calls import (
    CancelOrder,
    ChainRead,
    Failed,
    History,
    ModifyOrder,
    Outcome,
    PlaceOrder,
    Preflight,
    Quotes,
    Read,
    ReadBooks,
    ReadChain,
    ReadHistory,
    ReadQuotes,
    ReadReply,
    Write,
    WriteReply,
)
from domain.market import Source
from domain.orders import Ticket
from domain.pulse import PULSED
from domain.session import show
from domain.units import Micros
from journal.orders import OrderJournal
from messages.control import Ended, Pulse
from sandbox.params import SandboxParams
from tests.actors.fakes import FakeStream
from tests.orders import (
    ENTRY,
    a_buy,
    a_quote,
    a_ready,
    a_reply,
    a_row,
    a_trade,
    an_open_short,
    sold,
    some_books,
)
from tests.trading import DAY, PLAN, a_chain

STOP_ID = "S1"


class Clerk:
    """Does what it is asked, writes it down, and says so. Any thread."""

    def __init__(self) -> None:
        self.log: list[tuple[str, str]] = []
        """When each write came, and what it was."""
        self._lock = threading.Lock()
        self._tickets: dict[str, Ticket] = {"A1": ENTRY, STOP_ID: a_buy()}
        self._status = {"A1": Status.COMPLETE, STOP_ID: Status.TRIGGER_PENDING}
        self._trades: list[TradeRow] = [sold()]

    @property
    def net(self) -> int:
        """What is held, signed."""
        return sum(trade.action.sign * trade.quantity for trade in self._trades)

    @property
    def working(self) -> list[str]:
        """The ids of the orders that may still trade."""
        live = {Status.OPEN, Status.TRIGGER_PENDING}
        return [orderid for orderid, status in self._status.items() if status in live]

    def fill(self, orderid: str, price: int) -> None:
        """Let the market come to an order."""
        with self._lock:
            self._trade(orderid, price)

    def write(self, call: Write, done: Callable[[WriteReply], None]) -> None:
        with self._lock:
            outcome, orderid = self._do(call)
        done(a_reply(outcome, orderid, ref=call.ref, when=clock.now()))

    def read(self, call: Read, done: Callable[[ReadReply], None]) -> None:
        with self._lock:
            reply = self._tell(call)
        done(reply)

    def _do(self, call: Write) -> tuple[Outcome, str]:
        self.log.append((show(clock.now()), type(call).__name__))
        match call:
            case PlaceOrder(ticket=ticket):
                orderid = f"C{len(self._tickets)}"
                self._tickets[orderid] = ticket
                resting = ticket.pricetype is PriceType.SL
                self._status[orderid] = Status.TRIGGER_PENDING if resting else Status.OPEN
                if not resting:
                    self._trade(orderid, ticket.price)
                return Outcome.DONE, orderid
            case ModifyOrder(orderid=orderid, ticket=ticket):
                self._tickets[orderid] = ticket
                return Outcome.DONE, orderid
            case CancelOrder(orderid=orderid):
                if orderid not in self.working:
                    return Outcome.UNKNOWN, ""
                self._status[orderid] = Status.CANCELLED
                return Outcome.DONE, orderid

    def _trade(self, orderid: str, price: int) -> None:
        ticket = self._tickets[orderid]
        assert ticket.action is Action.BUY
        self._trades.append(a_trade(ticket, ticket.quantity, price, orderid))
        self._status[orderid] = Status.COMPLETE

    def _tell(self, call: Read) -> ReadReply:
        now = clock.now()
        reply: ReadReply = Failed(call=type(call).__name__, outcome=Outcome.UNKNOWN, at=now)
        match call:
            case Preflight():
                reply = a_ready(now)
            case ReadBooks():
                reply = some_books(self._rows(), self._trades, asked=now)
            case ReadQuotes(symbols=symbols):
                quotes = tuple(a_quote(14_000, 14_010, symbol=s, when=now) for s, _ in symbols)
                reply = Quotes(quotes=quotes, missing=())
            case ReadHistory(symbol=symbol):
                reply = History(symbol=symbol, bars=(), asked_at=now)
            case ReadChain():
                chain = a_chain()
                reply = ChainRead(expiry=chain.expiry, contracts=chain.contracts, missing=())
            case _:
                pass
        return reply

    def _rows(self) -> list[OrderRow]:
        return [
            a_row(ticket, orderid, self._status[orderid])
            for orderid, ticket in self._tickets.items()
        ]


class Door:
    """Where the cast says that it is over."""

    def __init__(self) -> None:
        self.ended: Ended | None = None

    def tell(self, message: Ended) -> None:
        self.ended = message


def a_cast(
    folder: Path, post: Post, stage: Stage, clerk: Clerk, pager: Pager | None = None
) -> System:
    """The whole cast, built on the journal of that short; nothing has begun yet."""
    with OrderJournal(folder / "orders.db", 1, Micros(1)) as journal:
        journal.append(an_open_short().events)
    chance = Random(1)
    ports = Ports(
        post=post,
        feed=FeedPorts(streams={Source.PRIMARY: FakeStream()}, broker=clerk, chance=chance),
        folder=folder,
        url="the clerk",
        pid=1,
        pager=pager,
    )
    assert PLAN.day == DAY
    settings = load("sandbox", env_file=folder / ".env", rooms={"sandbox": SandboxParams()})
    return System(settings, PLAN, ports, stage)


def tell_time(post: Post) -> None:
    """Tell everybody the second it is, as run.py's main loop does."""
    pulse = Pulse(at=clock.now())
    for address in PULSED:
        post.tell(address, pulse)
    post.tell_all("bar:", pulse)
