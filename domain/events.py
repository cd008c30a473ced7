"""What the order journal records. The state of orders and legs is a fold of these, nothing else.

Each event is written, with its instant in market time, before anything it announces is done.
"""

import msgspec

from domain.calls import Outcome
from domain.contracts import Chain, Contract, Side
from domain.orders import EntryKey, Pending, Purpose, State, StopPlan, Ticket
from domain.positions import Phase
from domain.session import DayPlan
from domain.units import Micros, Symbol, Units


class DayPlanned(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """The day's instants and contracts were fixed; a restart uses them."""

    at: Micros
    plan: DayPlan
    chain: Chain


class ContractsJoined(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """The market came near the last strikes: these contracts are watched as well from now on."""

    at: Micros
    contracts: tuple[Contract, ...]


class IntentPlanned(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """One order is wished for: everything needed to recognise and to protect it later."""

    at: Micros
    intent: str
    purpose: Purpose
    leg: str
    ticket: Ticket
    baseline: tuple[str, ...]
    fingerprint: int
    reason: str
    key: EntryKey | None = None
    side: Side | None = None
    stop: StopPlan | None = None


class ModifyPlanned(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """An order shall get the absolute values of `ticket`.

    An entry that is to stand for another decision from then on names it by its `key`, and the stop
    planned for it then.
    """

    at: Micros
    intent: str
    ticket: Ticket
    reason: str
    key: EntryKey | None = None
    stop: StopPlan | None = None


class CancelPlanned(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """An order shall end."""

    at: Micros
    intent: str
    reason: str


class WriteSent(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """A write is handed to its lane; committed together with what planned it. `op` names it."""

    at: Micros
    intent: str
    op: str


class WriteReplied(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """A write was answered, or not."""

    at: Micros
    intent: str
    op: str
    outcome: Outcome
    status: int
    orderid: str
    mode: str
    code: str
    text: str


class StateChanged(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """Evidence moved an order. `ticket` carries the values read from the book after a modify."""

    at: Micros
    intent: str
    state: State
    pending: Pending
    orderid: str
    reason: str
    ticket: Ticket | None = None


class FillsSeen(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """The trades of an order now sum to `filled` units worth `value` (units times paise)."""

    at: Micros
    intent: str
    filled: Units
    value: int


class FillsAgreed(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """Units of an entry filled by two of push, order row and position row, without a trade yet.

    They may be protected; nothing is counted by them. 0 takes it back.
    """

    at: Micros
    intent: str
    units: Units


class StopPlanned(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """The protective stop of an entry or a leg was moved; never lowered by our own data."""

    at: Micros
    intent: str
    stop: StopPlan


class ExitPhase(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """A leg moved on in its phases; the first reason is kept."""

    at: Micros
    leg: str
    phase: Phase
    reason: str


class ExternalSeen(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """Orders or trades that are not ours; their ids join the baseline for ever.

    `orderids` are those not seen before, `net` is what all of others' trades in the symbol come to.
    """

    at: Micros
    symbol: Symbol
    orderids: tuple[str, ...]
    net: int


class ExternalClosed(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """Others bought back units of a short of ours, for `value` (units times paise) by the book."""

    at: Micros
    leg: str
    units: Units
    value: int


class ForeignAcknowledged(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """A human knows of every foreign order seen so far."""

    at: Micros


class OrphanFound(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """A short the journal does not know is taken over: its SELL order, and the stop it shall have.

    `intent` names the order and its leg; its trades sum to `filled` units worth `value`.
    """

    at: Micros
    intent: str
    orderid: str
    ticket: Ticket
    side: Side
    filled: Units
    value: int
    stop: StopPlan


class FindingApplied(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """The comparison of books and journal found something; what it was, in words."""

    at: Micros
    kind: str
    subject: str
    detail: str


class ModeChanged(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """The agent's mode changed, and why."""

    at: Micros
    mode: str
    reason: str


class OrderRefused(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """The risk gate, or the desk before it, held an entry back; nothing was sent."""

    at: Micros
    symbol: Symbol
    code: str
    text: str
    key: EntryKey


class ClockJumped(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """The clock was set, or the process slept: nothing recorded before it is later than `at`."""

    at: Micros
    reason: str


class LatchSet(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """A latch went up; only a human, or the next trading day, takes it down."""

    at: Micros
    name: str
    reason: str


class LatchCleared(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """A human took a latch down."""

    at: Micros
    name: str
    reason: str


class Recovered(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """Recovery ended: orders adopted, shorts found, in counts."""

    at: Micros
    orders: int
    shorts: int


class ProvedFlat(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag=True):
    """Two valid snapshots proved the book flat; their hashes."""

    at: Micros
    first: str
    second: str


Event = (
    DayPlanned
    | ContractsJoined
    | IntentPlanned
    | ModifyPlanned
    | CancelPlanned
    | WriteSent
    | WriteReplied
    | StateChanged
    | FillsSeen
    | FillsAgreed
    | StopPlanned
    | ExitPhase
    | ExternalSeen
    | ExternalClosed
    | ForeignAcknowledged
    | OrphanFound
    | FindingApplied
    | ModeChanged
    | OrderRefused
    | ClockJumped
    | LatchSet
    | LatchCleared
    | Recovered
    | ProvedFlat
)
"""Every kind of event; decoded by its tag."""
