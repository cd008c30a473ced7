"""Which intent an order belongs to, and whether it was written down before it was sent.

Orders are matched to intents by fingerprint (symbol, side, price, trigger) and never by the API's
ids: `sandbox.md` 9. An intent can only have yielded an order that arrived after the intent was
sent; a send that provably did not leave (`not_sent`) yields none. Then the rest of the order is
held against the intent's ticket. Rules I1 and I5 of `execution.md` 13.

A modification is held against what was planned in quantity, price and trigger. The exchange looks
at no other field of it, so a wrong product or price type there is not in truth and not judged.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from domain.books import Action
from domain.calls import Outcome
from domain.units import Micros
from sandbox.kinds import Change, OrderLine, Origin, Status
from sandbox.truth import Accepted, Refused, Row, State

Journal = Iterable[Mapping[str, Any]]
"""Rows of the agent's order journal as plain dicts: the columns of `event`, `body` decoded."""

Fingerprint = tuple[str, str, int, int]
Values = tuple[int, int, int]
"""Quantity, price and trigger a modification asks for."""

SAID = ("quantity", "product", "pricetype", "exchange")
"""What an order says besides its fingerprint."""


@dataclass(slots=True)
class Intent:
    """One journaled wish to place one order, and what became of it at the exchange."""

    id: str
    at: Micros
    seq: int
    key: tuple[object, ...] | None
    wish: str
    """Quantity, product, price type and exchange, in words."""
    sends: list[Micros] = field(default_factory=list)
    """When its placement was handed over and may have left."""
    accepted: list[str] = field(default_factory=list)
    rejected: int = 0
    modifies: list[tuple[Micros, Values]] = field(default_factory=list)
    cancels: list[Micros] = field(default_factory=list)


class Attribution:
    """The intents of a journal, by fingerprint, and the orders found to be theirs."""

    def __init__(self, journal: Journal) -> None:
        self.duplicates = 0
        """Accepted orders beyond the first of an intent, or of an entry decision."""
        self.without_intent = 0
        """Entries that arrived without anything durable that says so."""
        self._by_print: dict[Fingerprint, list[Intent]] = {}
        self._by_id: dict[str, Intent] = {}
        self._owner: dict[str, Intent] = {}
        self._entries: dict[tuple[object, ...], int] = {}
        for row in journal:
            self._read(row)

    def check(self, row: Row) -> Iterator[str]:
        """Yield what a row of truth breaks; rows come in order."""
        match row.payload:
            case Accepted(order=order) if order.origin is Origin.AGENT:
                yield from self._placed(order, row.seq)
            case Refused(order=OrderLine() as order) if order.origin is Origin.AGENT:
                yield from self._placed(order, row.seq)
            case State(origin=Origin.AGENT) as change:
                yield from self._changed(row, change)
            case _:
                pass

    def _read(self, row: Mapping[str, Any]) -> None:
        body = row["body"]
        known = self._by_id.get(body.get("intent", ""))
        if row["kind"] == "IntentPlanned":
            self._plan(row, body)
        elif not known:
            return
        elif row["kind"] in {"WriteSent", "WriteReplied"} and body["op"] == "place":
            _send(row, known)
        elif row["kind"] == "ModifyPlanned":
            known.modifies.append((Micros(row["at"]), _values(body["ticket"])))
        elif row["kind"] == "CancelPlanned":
            known.cancels.append(Micros(row["at"]))

    def _plan(self, row: Mapping[str, Any], body: Mapping[str, Any]) -> None:
        ticket, key = body["ticket"], body.get("key")
        intent = Intent(
            id=body["intent"],
            at=Micros(row["at"]),
            seq=row["seq"],
            key=tuple(key.values()) if key else None,
            wish=_wish(
                ticket["quantity"], ticket["product"], ticket["pricetype"], ticket["exchange"]
            ),
        )
        where = (ticket["symbol"], ticket["action"], ticket["price"], ticket["trigger"])
        self._by_print.setdefault(where, []).append(intent)
        self._by_id[intent.id] = intent

    def _placed(self, order: OrderLine, seq: int) -> Iterator[str]:
        where = (str(order.symbol), str(order.action), order.price, order.trigger)
        intents = self._by_print.get(where, [])
        if not intents:
            self.without_intent += order.action is Action.SELL
            yield f"I1 {order.symbol}: truth {seq}: {_what(order)} belongs to no journaled intent"
            return
        got = _wish(order.quantity, order.product, order.kind, order.exchange)
        intent = _likeliest(intents, got, order.placed_at)
        self._owner[order.orderid] = intent
        is_sent = any(send <= order.placed_at for send in intent.sends)
        self.without_intent += order.action is Action.SELL and not is_sent
        yield from _unlike(order, intent, got, seq)
        if order.status is Status.REJECTED:
            intent.rejected += 1
            return
        intent.accepted.append(order.orderid)
        yield from self._counted(order, intent, seq)

    def _counted(self, order: OrderLine, intent: Intent, seq: int) -> Iterator[str]:
        count = 0
        if intent.key is not None:
            self._entries[intent.key] = count = self._entries.get(intent.key, 0) + 1
        self.duplicates += len(intent.accepted) > 1 or count > 1
        if len(intent.accepted) > 1:
            yield (
                f"I1 {order.symbol}: truth {seq}: {len(intent.accepted)} accepted orders "
                f"{', '.join(intent.accepted)} of one intent {intent.id} (journal {intent.seq})"
            )
        if count > 1:
            yield (
                f"I1 {order.symbol}: truth {seq}: {count} accepted entries of one decision "
                f"{intent.key}"
            )

    def _changed(self, row: Row, change: State) -> Iterator[str]:
        intent = self._owner.get(change.orderid)
        if intent is None:
            return
        if change.change is None:
            values = (change.quantity, change.price, change.trigger)
            written = any(at <= row.at and planned == values for at, planned in intent.modifies)
            what = f"modify to {values}"
        elif change.change is Change.CANCELLED:
            written = any(at <= row.at for at in intent.cancels)
            what = "cancel"
        else:
            return
        if not written:
            yield (
                f"I5 {change.orderid}: truth {row.seq}: {what} of {intent.id} "
                "was in no earlier journal row"
            )


def _send(row: Mapping[str, Any], intent: Intent) -> None:
    """Note that a placement was handed over, or that it provably did not leave."""
    if row["kind"] == "WriteSent":
        intent.sends.append(Micros(row["at"]))
    elif row["body"]["outcome"] == Outcome.NOT_SENT and intent.sends:
        intent.sends.pop()


def _likeliest(intents: list[Intent], got: str, at: Micros) -> Intent:
    """Return whose order arrived at `at`: one that was sent by then, with the fewest orders yet."""
    sent = [intent for intent in intents if any(send <= at for send in intent.sends)]
    return min(sent or intents, key=lambda one: (len(one.accepted), one.wish != got, one.rejected))


def _unlike(order: OrderLine, intent: Intent, got: str, seq: int) -> Iterator[str]:
    """Yield what was not written down before the order arrived, and what it says otherwise."""
    where, source = f"{order.symbol}: truth {seq}", f"journal {intent.seq} ({intent.id})"
    if not any(send <= order.placed_at for send in intent.sends):
        yield f"I5 {where}: {_what(order)} arrived before {source} was sent"
    if intent.wish != got:
        yield f"I1 {where}: {source} says {intent.wish}, exchange got {got}"


def _what(order: OrderLine) -> str:
    return f"{order.action} {order.quantity} at {order.price} trigger {order.trigger}"


def _wish(quantity: int, product: str, pricetype: str, exchange: str) -> str:
    return f"{quantity} {product} {pricetype} {exchange}"


def _values(ticket: Mapping[str, Any]) -> Values:
    return ticket["quantity"], ticket["price"], ticket["trigger"]
