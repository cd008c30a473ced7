"""What is asked of the broker and what comes back: typed calls and typed answers, values only.

The shells that carry them are behind `broker/port.py`. Nothing here knows how the wire looks.
"""

from enum import IntEnum, StrEnum

import msgspec

from domain.books import Books
from domain.contracts import Contract
from domain.market import HistoryBar, Quote, Source
from domain.orders import Ticket
from domain.units import Day, Micros, Paise, Symbol


class Priority(IntEnum):
    """Who is served first: exits and stops, then cancels of entries, then entries."""

    EXIT = 0
    CANCEL = 1
    ENTRY = 2


class Outcome(StrEnum):
    """What is known after a call, sorted by what we will do about it."""

    DONE = "done"
    REJECTED = "rejected"
    NOT_SENT = "not_sent"
    UNKNOWN = "unknown"
    NONSENSE = "nonsense"


class PlaceOrder(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Place one order.

    `send_before` is machine time: an entry not on the wire by then is dropped.
    """

    ref: str
    ticket: Ticket
    priority: Priority
    send_before: Micros | None = None


class ModifyOrder(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Change an order to the absolute values of `ticket`."""

    ref: str
    orderid: str
    ticket: Ticket
    priority: Priority
    send_before: Micros | None = None


class CancelOrder(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Cancel one order by its id."""

    ref: str
    orderid: str
    strategy: str
    priority: Priority
    send_before: Micros | None = None


Write = PlaceOrder | ModifyOrder | CancelOrder


class WriteReply(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The answer to a write. `ref` is the caller's; `mode` is '' where the answer named none.

    DONE: accepted, `orderid` is set (not filled). REJECTED: provably refused, `code` says why in
    the words of `broker/errors.py`. NOT_SENT: nothing left this machine, or a 429. UNKNOWN: it may
    have been executed. NONSENSE: success without an order id, or in the wrong mode.
    """

    ref: str
    route: str
    outcome: Outcome
    at: Micros
    status: int = 0
    orderid: str = ""
    mode: str = ""
    code: str = ""
    text: str = ""


class ReadBooks(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Read order book, trade book and position book, in this order, as one job."""

    urgent: bool = False


class ReadQuotes(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Read quotes of several (symbol, exchange) pairs with one /multiquotes call."""

    symbols: tuple[tuple[Symbol, str], ...]
    urgent: bool = False


class ReadHistory(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Read one symbol's one-minute bars of a day. A lower `rank` is served first."""

    symbol: Symbol
    exchange: str
    day: Day
    rank: int = 0


class ReadChain(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Read the nearest expiry on or after `day` and the contract facts of the strikes wanted."""

    underlying: str
    exchange: str
    day: Day
    strikes: tuple[Paise, ...]


class ReadMargin(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Read the margin one order would need."""

    ticket: Ticket


class Preflight(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Read what must be true before anything else: key, mode, clock, funds, calendar of `day`."""

    day: Day


class ReadServer(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Read what the server itself is: key, broker, mode, order mode, clock. Asks no broker."""


class ReadFunds(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Read how much cash is available."""


class ReadTimings(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Read whether the server's calendar has a session on `day`."""

    day: Day


Inquiry = ReadServer | ReadFunds | ReadTimings | Preflight
"""The reads about server and account; `Preflight` is the other three as one job."""

Read = ReadBooks | ReadQuotes | ReadHistory | ReadChain | ReadMargin | Inquiry

PAPER_EXCHANGE = "sutradhar_sandbox"
"""The broker name our paper exchange answers with, and nobody else."""


class Failed(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """A read that gave nothing usable, after its retries. REJECTED with status 403: no session."""

    call: str
    outcome: Outcome
    at: Micros
    status: int = 0
    text: str = ""


class Quotes(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Quotes that came, and the symbols that did not with the server's reason."""

    quotes: tuple[Quote, ...]
    missing: tuple[tuple[Symbol, str], ...]


class History(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Bars of one symbol as sent, in order of their minute; includes the minute still forming."""

    symbol: Symbol
    bars: tuple[HistoryBar, ...]
    asked_at: Micros


class ChainRead(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The expiry found and the contracts of the master; `missing` strikes exist on no side."""

    expiry: Day
    contracts: tuple[Contract, ...]
    missing: tuple[str, ...]


class MarginRead(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """Total margin one order would need, in paise."""

    total: Paise


class Ready(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What the server said of itself. `skew` is its clock minus ours; `mode` analyze or live."""

    broker: str
    mode: str
    skew: Micros
    available: Paise
    semi_auto: bool
    nfo_open: bool
    at: Micros


class ServerRead(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """What the server itself is; the fields are those of `Ready`."""

    broker: str
    mode: str
    skew: Micros
    semi_auto: bool


class FundsRead(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """The cash available, in paise."""

    available: Paise


class TimingsRead(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """Whether the options exchange has a session that day."""

    nfo_open: bool


InquiryReply = ServerRead | FundsRead | TimingsRead | Ready
ReadReply = Books | Quotes | History | ChainRead | MarginRead | InquiryReply | Failed


class ApiSeen(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One HTTP exchange, for the status page: no bodies, no key."""

    route: str
    at: Micros
    status: int
    text: str
    orderid: str = ""


class StreamState(StrEnum):
    """Where a connection stands. READY: authenticated and every subscription was answered."""

    CONNECTING = "connecting"
    READY = "ready"
    REFUSED = "refused"
    CLOSED = "closed"


class StreamChange(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A connection changed.

    `refused` symbols got an error of their own; `code` is the close code. `is_denied`: the key was
    not taken.
    """

    source: Source
    epoch: int
    state: StreamState
    at: Micros
    code: int = 0
    text: str = ""
    subscribed: int = 0
    refused: tuple[Symbol, ...] = ()
    is_denied: bool = False
