"""Wishes on their way to the broker, and what became of them."""

import msgspec

from domain.books import Books, OrderPush
from domain.calls import ReadReply, WriteReply
from domain.contracts import Chain, Contract, Side
from domain.events import Event
from domain.levers import Lever
from domain.orders import EntryKey, Order, StopPlan, Ticket
from domain.pages import Page
from domain.positions import Leg
from domain.session import DayPlan
from domain.units import Micros, Paise, Symbol, Units


class PlaceEntry(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """Rest this SELL; where another order lives in its slot, that one ends and this is refused.

    StrategyActor -> OrderActor.
    """

    at: Micros
    key: EntryKey
    side: Side
    ticket: Ticket
    stop: StopPlan
    last: Paise
    reason: str


class CancelEntry(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """End the resting entry of a slot, if it is still untouched. StrategyActor -> OrderActor."""

    at: Micros
    strategy: str
    slot: str
    reason: str


class RaiseStop(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """The stop planned for a resting entry moved up. StrategyActor -> OrderActor."""

    at: Micros
    key: EntryKey
    stop: StopPlan


class MoveStop(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """Move the working stop of a short: it is modified where it rests, so it covers all the while.

    StrategyActor -> OrderActor.
    """

    at: Micros
    strategy: str
    symbol: Symbol
    stop: StopPlan


class ExitPosition(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """Leave one short now. StrategyActor -> OrderActor."""

    at: Micros
    strategy: str
    symbol: Symbol
    reason: str


class FlattenAll(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """Cancel entries, leave every short, enter nothing more today.

    StrategyActor, WatchdogActor -> OrderActor.
    """

    at: Micros
    reason: str


class PullLever(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """A human's word: freeze, flatten, halt, clear a latch, acknowledge foreign orders.

    `name` is the latch to clear, empty for the others. A lever may be told again: it asks for a
    state, not for a step. `request` is what the answer is to name. main -> OrderActor.
    """

    at: Micros
    lever: Lever
    reason: str
    name: str = ""
    request: str = ""


class LeverPulled(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """What came of a lever, once it is on disk: `refusal` is empty if it is so. OrderActor -> main.

    `latches` are those that are up, `mode` is the agent's.
    """

    at: Micros
    request: str
    refusal: str
    mode: str
    latches: tuple[str, ...]


class PlanDay(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """Journal the day's contracts, chosen once. StrategyActor -> OrderActor."""

    at: Micros
    plan: DayPlan
    chain: Chain


class JoinContracts(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """Journal contracts that join the day's. StrategyActor -> OrderActor."""

    at: Micros
    contracts: tuple[Contract, ...]


class StrategyReady(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """Strategies have their state and may wish. StrategyActor -> OrderActor."""

    at: Micros


class StrategyLost(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """The strategy died: enter nothing until it is ready, nor ever again if it died too often.

    WatchdogActor -> OrderActor.
    """

    at: Micros
    too_often: bool


class ActorLost(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """An actor died more often than it may: enter nothing more.

    `poison` is the kind of a message that killed it twice and is kept away from it now: what it
    would have said is not known to it, so read the books again. WatchdogActor -> OrderActor.
    """

    at: Micros
    address: str
    poison: str = ""


class TriggerMet(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """A price met the trigger of a resting entry: read the books. StrategyActor -> OrderActor.

    Many brokers push nothing (`execution.md` 7.2).
    """

    at: Micros
    symbol: Symbol


class FeedTrusted(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """Whether prices are good enough to enter on; `is_blind`: there are none at all.

    WatchdogActor -> OrderActor, StrategyActor.
    """

    at: Micros
    entries: bool
    reason: str
    is_blind: bool = False


class BrokerReplied(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """A write was answered. Order lane -> OrderActor."""

    intent: str
    op: str
    reply: WriteReply


class PreflightDone(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """What the server said of itself. Read lane -> OrderActor."""

    reply: ReadReply


class MarginSeen(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """What one lot would need, the answer to `question`. Read lane -> OrderActor."""

    question: int
    reply: ReadReply


class QuotesRead(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """Prices for the exit ladder, the answer to `question`. Read lane -> OrderActor."""

    question: int
    reply: ReadReply


class OrderPushed(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """The broker says an order changed: a hint. Stream thread -> OrderActor."""

    push: OrderPush


class Attention(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """How soon to read the books: every `every` microseconds, and `now`.

    `is_unwritten`: orders left that no disk took, so the journal does not tell how shorts are
    covered. OrderActor -> ReconcileActor.
    """

    at: Micros
    every: Micros
    now: bool
    reason: str
    is_unwritten: bool = False


class BooksRead(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """The answer to `question`: the broker's books, and our journal from `since` to `seq`.

    `boots` is how many processes began within the last hour.

    Read lane -> ReconcileActor.
    """

    question: int
    reply: ReadReply
    since: int
    events: tuple[Event, ...]
    seq: int
    boots: int = 0


class BooksJudged(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """A snapshot and whether it may be believed; empty `faults`: valid.

    `lags`: one book is merely behind another, and it is read once more before it counts. `gone` are
    symbols whose position of ours is not there, whatever the trades say.

    ReconcileActor -> OrderActor.
    """

    books: Books
    faults: tuple[str, ...]
    digest: str
    lags: bool = False
    gone: tuple[Symbol, ...] = ()


class BooksFailed(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """The books could not be read; 403 means no broker session. ReconcileActor -> OrderActor."""

    at: Micros
    status: int
    text: str


class CoverageMeasured(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """How our shorts are covered, by the journal on disk and the broker's books.

    `read_at` is when the last valid snapshot was judged, None before the first; `bare` holds
    symbol, uncovered units and since when; both in machine time. `boots` is how many processes
    began within the last hour. ReconcileActor -> WatchdogActor.
    """

    at: Micros
    read_at: Micros | None
    bare: tuple[tuple[Symbol, Units, Micros], ...]
    boots: int = 0


class OrderChanged(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """An order of ours moved.

    OrderActor -> WatchdogActor, StrategyActor, FeedActor, MonitorActor.
    """

    at: Micros
    order: Order


class PositionChanged(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """A leg opened, shrank, changed phase or ended.

    OrderActor -> WatchdogActor, StrategyActor, FeedActor, MonitorActor.
    """

    at: Micros
    leg: Leg


class EntryRefused(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """The order desk refused an entry. OrderActor -> StrategyActor, MonitorActor."""

    at: Micros
    key: EntryKey
    code: str
    text: str


class FactsWanted(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """Tell the whole picture again: somebody was restarted.

    StrategyActor, FeedActor, ReconcileActor, WatchdogActor -> OrderActor.
    """

    who: str


class Paged(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """A human must know this, and it was logged. OrderActor, WatchdogActor -> AlertsActor."""

    at: Micros
    page: Page
