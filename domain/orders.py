"""An order's identity and life, as values. `ledger.py` folds them, `desk.py` decides."""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from domain.books import Action, PriceType
from domain.contracts import Side
from domain.units import SECOND, Micros, Paise, Symbol, Units, divide_half_up

ASK_APART = SECOND
"""How far apart two requests about one order are sent, so that a refusal never becomes a storm."""

CANCEL_AGAIN = Micros(5 * SECOND)
"""How long after a cancel of unknown fate it is asked for again: twice cancelled is cancelled."""


class Purpose(StrEnum):
    """Why an order exists."""

    ENTRY = "entry"
    STOP = "stop"
    COVER = "cover"
    SELL_BACK = "sell_back"


class State(StrEnum):
    """An order's place in life; `execution.md` section 5 has the table of moves."""

    PLANNED = "planned"
    SENDING = "sending"
    UNKNOWN = "unknown"
    ACKED = "acked"
    TRIGGER_PENDING = "trigger_pending"
    OPEN = "open"
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    REFUSED = "refused"
    NOT_PLACED = "not_placed"

    @property
    def is_terminal(self) -> bool:
        """Whether the order has ended; late evidence may still reopen it."""
        return self in _TERMINAL

    @property
    def is_in_flight(self) -> bool:
        """Whether bytes may be on the wire and no order id is known."""
        return self in {State.SENDING, State.UNKNOWN}

    @property
    def is_working(self) -> bool:
        """Whether the order was read in a book and lives."""
        return self in {State.TRIGGER_PENDING, State.OPEN}


_TERMINAL = frozenset(
    {State.FILLED, State.CANCELLED, State.REJECTED, State.REFUSED, State.NOT_PLACED}
)
_ENDS = frozenset({State.FILLED, State.CANCELLED, State.REJECTED})
_SHOWN = frozenset({State.TRIGGER_PENDING, State.OPEN})
_REOPENED = _SHOWN | {State.ACKED, State.FILLED}

MOVES: Mapping[State, frozenset[State]] = {
    State.PLANNED: frozenset({State.SENDING, State.REFUSED}),
    State.SENDING: frozenset({State.ACKED, State.PLANNED, State.REFUSED, State.UNKNOWN}),
    State.UNKNOWN: frozenset({State.ACKED, State.NOT_PLACED}),
    State.ACKED: _SHOWN | _ENDS,
    State.TRIGGER_PENDING: _ENDS | {State.OPEN},
    State.OPEN: _ENDS | {State.TRIGGER_PENDING},
    State.FILLED: frozenset(),
    State.CANCELLED: _REOPENED,
    State.REJECTED: _REOPENED,
    State.REFUSED: _REOPENED,
    State.NOT_PLACED: _REOPENED,
}
"""Every legal move of `execution.md` 5; an end is left only by late evidence (a reopening).

One is added: a row can carry another row's status, so a stop-limit that never traded and is read
resting again, twice, was never met. A move to the same state changes what is in the air, never
the place in life, and is always legal.
"""


def is_legal(before: State, after: State) -> bool:
    """Whether an order may move so. Any other move is a finding, and causes a resync."""
    return before is after or after in MOVES[before]


WAITS = frozenset({"NO_ORDERID", "SEMI_AUTO"})
"""Why a refused order may still be placed: it was accepted without an id."""


APPEARS_WITHIN = 135 * SECOND
"""How long after its sending an order that nobody can find may still come up in the books."""


class Pending(StrEnum):
    """The request in the air for an order that is already placed."""

    NONE = "none"
    MODIFY = "modify"
    MODIFY_UNKNOWN = "modify_unknown"
    CANCEL = "cancel"
    CANCEL_UNKNOWN = "cancel_unknown"


class Ticket(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An order as it goes over the wire: units and paise, `trigger` 0 for a LIMIT."""

    symbol: Symbol
    exchange: str
    action: Action
    quantity: Units
    pricetype: PriceType
    price: Paise
    trigger: Paise
    strategy: str
    product: str = "MIS"


class StopPlan(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The protective stop of an entry; it travels with it, so that protecting needs no feed."""

    trigger: Paise
    limit: Paise


class EntryKey(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One entry decision. The same key twice is the same wish, never a second order."""

    strategy: str
    slot: str
    symbol: Symbol
    minute: Micros
    attempt: int


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """One order of ours. `filled` only grows; `value` is the sum of units x paise of its trades.

    `changed_at` is when state, id, numbers or fills last changed; `asked_at` is when a modify or a
    cancel was last sent, `pending_since` the same while it is in the air. `modify_refused` is the
    code of the refusal if the last modify was refused for certain. `target` is what a modify in the
    air asks for, `target_key` and `target_stop` the decision the entry stands for once it took and
    the stop planned then; `former` are those it stood for before.
    """

    intent: str
    purpose: Purpose
    leg: str
    ticket: Ticket
    baseline: tuple[str, ...]
    key: EntryKey | None = None
    side: Side | None = None
    stop: StopPlan | None = None
    state: State = State.PLANNED
    pending: Pending = Pending.NONE
    pending_since: Micros | None = None
    target: Ticket | None = None
    target_key: EntryKey | None = None
    target_stop: StopPlan | None = None
    former: tuple[EntryKey, ...] = ()
    orderid: str = ""
    sent_at: Micros | None = None
    changed_at: Micros = Micros(0)
    asked_at: Micros | None = None
    modifies: int = 0
    modify_refused: str = ""
    filled: Units = Units(0)
    value: int = 0
    reason: str = ""

    @property
    def remaining(self) -> Units:
        """Units that may still fill; 0 once terminal."""
        return Units(0) if self.state.is_terminal else Units(self.ticket.quantity - self.filled)

    @property
    def is_live(self) -> bool:
        """Whether the order may still do something at the broker, or already stands there."""
        return not self.state.is_terminal

    def not_after(self, at: Micros) -> "Order":
        """Return the order with no instant later than `at`: the clock was set back."""
        return msgspec.structs.replace(
            self,
            sent_at=_not_after(self.sent_at, at),
            asked_at=_not_after(self.asked_at, at),
            pending_since=_not_after(self.pending_since, at),
            changed_at=min(self.changed_at, at),
        )

    @property
    def may_appear(self) -> bool:
        """Whether it was accepted without an id: a human may still approve it."""
        return self.state is State.REFUSED and self.reason in WAITS

    @property
    def average(self) -> Paise:
        """Average fill in paise, rounded half up; 0 without a fill."""
        return Paise(divide_half_up(self.value, self.filled) if self.filled else 0)

    def stood_for(self, key: EntryKey) -> bool:
        """Whether this order is, or was, the one of a decision."""
        return key == self.key or key in self.former

    def may_be_asked(self, at: Micros) -> bool:
        """Whether a modify or cancel may go: placed, alive, nothing in the air or just sent."""
        if not self.orderid or not self.is_live or self.pending is not Pending.NONE:
            return False
        return self.asked_at is None or at >= self.asked_at + ASK_APART

    def may_be_ended(self, at: Micros) -> bool:
        """Whether a cancel may go; one that nobody knows the fate of may be asked for once more."""
        if self.pending is not Pending.CANCEL_UNKNOWN:
            return self.may_be_asked(at)
        return self.is_live and at >= (self.asked_at or at) + CANCEL_AGAIN


def _not_after(instant: Micros | None, at: Micros) -> Micros | None:
    return None if instant is None else min(instant, at)
