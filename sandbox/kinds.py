"""What crosses the border between the pure exchange and its shell: values only.

Prices are paise, quantities units, instants microseconds. The shell turns these into answers and
frames in OpenAlgo's spelling and applies the broker's quirks (`sandbox.md` 6) on the way; nothing
here lies. The words of the wire are this room's own, so that a mistake in `domain` or `broker`
cannot hide behind the same mistake here.
"""

from enum import StrEnum

import msgspec

from domain.books import Action
from domain.units import Day, Micros, Paise, Symbol, Units

NFO = "NFO"
NSE_INDEX = "NSE_INDEX"


class PriceKind(StrEnum):
    """The four price types of the wire. SL is the stop-limit."""

    MARKET = "MARKET"
    LIMIT = "LIMIT"
    SL = "SL"
    SLM = "SL-M"


STOPS = frozenset({PriceKind.SL, PriceKind.SLM})


class Status(StrEnum):
    """The five words an order's status may have."""

    OPEN = "open"
    TRIGGER_PENDING = "trigger pending"
    COMPLETE = "complete"
    REJECTED = "rejected"
    CANCELLED = "cancelled"

    @property
    def is_live(self) -> bool:
        """Whether the order may still trade."""
        return self in {Status.OPEN, Status.TRIGGER_PENDING}


class Origin(StrEnum):
    """Who sent an order: the API, the account's owner by hand, or the broker's risk desk."""

    AGENT = "agent"
    HUMAN = "human"
    RMS = "rms"


class Change(StrEnum):
    """Why an order update is pushed. A modify pushes none (seen on OpenAlgo)."""

    NEW = "new"
    TRIGGERED = "triggered"
    FILL = "fill"
    CANCELLED = "cancelled"
    REJECTED = "rejected"


class OrderIn(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An order as asked for, types already checked by the shell.

    `price` and `trigger` are whole paise. A price with a fraction of a paisa lies on no tick: the
    shell refuses it with `refusals.off_tick` and never rounds it into this struct.
    """

    symbol: Symbol
    exchange: str
    action: Action
    quantity: Units
    kind: PriceKind
    product: str = "MIS"
    price: Paise = Paise(0)
    trigger: Paise = Paise(0)
    strategy: str = ""


class ModifyIn(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Absolute targets for a live order. 0 keeps the old price or trigger (seen).

    The wire names symbol, action and product too; the exchange only looks at `orderid`. `kind` is
    what was asked for and changes nothing: a price type is fixed (seen).
    """

    orderid: str
    quantity: Units
    price: Paise = Paise(0)
    trigger: Paise = Paise(0)
    kind: PriceKind = PriceKind.LIMIT


class Twist(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What goes another way than usual with a write that the exchange takes.

    It comes into effect `late` after its answer. Of a placement at most `lots` trade and never all
    of it; `rejected_after` its acceptance, and not before something has traded, the rest is
    rejected.
    """

    late: Micros = Micros(0)
    lots: int | None = None
    rejected_after: Micros = Micros(0)


STRAIGHT = Twist()


class Done(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A write was accepted: HTTP 200 with this order id. Accepted is not filled."""

    orderid: str
    message: str = ""


class No(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A write was refused without a row in the book: the HTTP status and a broker-like text."""

    status: int
    text: str


Answer = Done | No


class Level(msgspec.Struct, frozen=True, gc=False):
    """One displayed price level."""

    price: Paise
    quantity: Units
    orders: int


class Shown(msgspec.Struct, frozen=True, gc=False):
    """Both displayed sides of one book, best level first."""

    bids: tuple[Level, ...] = ()
    asks: tuple[Level, ...] = ()


class OrderLine(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One row of the true order book. `value` is the sum of units times paise of its trades."""

    orderid: str
    symbol: Symbol
    exchange: str
    action: Action
    quantity: Units
    price: Paise
    trigger: Paise
    kind: PriceKind
    product: str
    strategy: str
    origin: Origin
    status: Status
    placed_at: Micros
    filled: Units = Units(0)
    value: int = 0
    reason: str = ""
    modifies: int = 0
    triggered: bool = False
    """An SL whose trigger was met; from then on it is a plain LIMIT."""

    @property
    def pending(self) -> Units:
        """Units that may still trade; 0 once the order has ended."""
        return Units(self.quantity - self.filled) if self.status.is_live else Units(0)

    @property
    def average(self) -> Paise:
        """Average fill in paise, rounded half up; 0 without a fill."""
        if not self.filled:
            return Paise(0)
        return Paise((2 * self.value + self.filled) // (2 * self.filled))


def line_of(order: OrderIn, orderid: str, at: Micros) -> OrderLine:
    """Return the row of an order of the agent's, as it is taken at `at`."""
    return OrderLine(
        orderid=orderid,
        symbol=order.symbol,
        exchange=order.exchange,
        action=order.action,
        quantity=order.quantity,
        price=order.price,
        trigger=order.trigger,
        kind=order.kind,
        product=order.product,
        strategy=order.strategy,
        origin=Origin.AGENT,
        status=Status.TRIGGER_PENDING if order.kind in STOPS else Status.OPEN,
        placed_at=at,
    )


class TradeLine(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One true trade: one print, whole lots."""

    at: Micros
    tradeid: str
    orderid: str
    symbol: Symbol
    exchange: str
    action: Action
    product: str
    quantity: Units
    price: Paise
    strategy: str
    origin: Origin


class PositionLine(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One position, also a closed one of today (`net` 0). Money in paise, charges in none of it.

    `average` is the average price of what is open, rounded half up, 0 when flat.
    """

    symbol: Symbol
    exchange: str
    product: str
    net: int
    average: Paise
    ltp: Paise
    unrealised: int
    realised: int


class FundsLine(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The account in paise: `available + reserved + used = capital + realised - charges`.

    `used` is blocked by positions, `reserved` by resting orders that would open one.
    """

    capital: int
    available: int
    reserved: int
    used: int
    realised: int
    unrealised: int
    charges: int


class MarginLine(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What one order would block, in paise; `total = span + exposure`."""

    total: int
    span: int
    exposure: int


class InstrumentLine(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One row of the symbol master. `kind` is CE, PE, FUT or INDEX; an index has no expiry."""

    symbol: Symbol
    exchange: str
    name: str
    kind: str
    expiry: Day | None
    strike: Paise
    lot: Units
    tick: Paise
    freeze: Units
    token: int


class QuoteLine(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A quote. An index has bid, ask, volume and oi 0; an empty side is 0 too."""

    ltp: Paise
    bid: Paise
    ask: Paise
    bid_quantity: Units
    ask_quantity: Units
    open: Paise
    high: Paise
    low: Paise
    prev_close: Paise
    volume: Units
    oi: Units


class DepthLine(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A quote with up to five levels a side, best first; missing levels are not there."""

    quote: QuoteLine
    last_quantity: Units
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


class BarLine(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One minute of history, named by its start. A minute without a trade has none."""

    minute: Micros
    open: Paise
    high: Paise
    low: Paise
    close: Paise
    volume: Units
    oi: Units


class TimingLine(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """When one exchange trades on a day."""

    exchange: str
    start: Micros
    end: Micros


class HolidayLine(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One day without normal trading. `sessions` are the special hours held on it, if any."""

    day: Day
    description: str
    closed: tuple[str, ...]
    sessions: tuple[TimingLine, ...] = ()


class PriceOut(msgspec.Struct, frozen=True, gc=False):
    """A quote update of a watched symbol, with all that any of the three frames needs.

    An update without a print repeats `ltp`, `ltt`, `volume` and `last_quantity`. An index has no
    volume, quantity, oi or depth: all 0. Levels are drawn only when somebody asks `market.depth`.
    """

    at: Micros
    symbol: Symbol
    exchange: str
    ltp: Paise
    ltt: Micros
    volume: Units
    last_quantity: Units
    open: Paise
    high: Paise
    low: Paise
    prev_close: Paise
    oi: Units
    bid: Paise
    ask: Paise
    shape: int
    """What the displayed sizes are drawn from."""
    lot: int
    tick: Paise
    shown: Shown | None = None
    """The displayed book itself, where a source or a test has one."""
    traded_at: Micros = Micros(0)
    """When the last trade was by the clock of whoever relays it, 0 where nobody said: frames tell
    this instead of `ltt`, which is when we heard of it."""

    @property
    def is_print(self) -> bool:
        """Whether something traded in this update."""
        return self.ltt == self.at


class OrderOut(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An order changed at `at`: what an `order_update` frame is made of.

    `price` is the limit price, or the price of the fill where `change` is FILL.
    """

    at: Micros
    change: Change
    order: OrderLine
    price: Paise


Out = PriceOut | OrderOut
