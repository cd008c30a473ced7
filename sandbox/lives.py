"""What the agent's journal says of its orders: whose they are, where they stand, what they filled.

A fold of its own, over plain rows, that shares nothing with the agent's: a mistake in one of them
must not hide behind the other.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from domain.units import Micros, seconds
from sandbox.coverage import Beside

Row = Mapping[str, Any]

SENDING, UNKNOWN, PLANNED, ACKED = "sending", "unknown", "planned", "acked"
IN_FLIGHT = frozenset({SENDING, UNKNOWN})
CONFIRM = seconds(5)
"""How long a placement that is not answered counts as one that will be."""

ENTRY, STOP, COVER = "entry", "stop", "cover"
CHASE, DONE = "chase", "done"


@dataclass(slots=True)
class Life:
    """One order by the journal. `sent_at` is when its placement was last handed over."""

    intent: str
    purpose: str
    leg: str
    symbol: str
    units: int
    state: str = PLANNED
    sent_at: Micros | None = None
    orderids: list[str] = field(default_factory=list)
    filled: int = 0

    def is_doubtful(self, at: Micros) -> bool:
        """Whether it may be at the broker, and nobody knows."""
        is_overdue = self.sent_at is not None and at >= self.sent_at + CONFIRM
        return self.state == UNKNOWN or (self.state == SENDING and is_overdue)

    @property
    def is_buy(self) -> bool:
        """Whether it buys a short back."""
        return self.purpose in {STOP, COVER}


class Lives:
    """The orders and legs of a journal, row by row."""

    def __init__(self) -> None:
        self.orders: dict[str, Life] = {}
        self.phases: dict[str, str] = {}
        self.closed_by_others: dict[str, int] = {}
        """Units of a leg that the journal says others bought back."""

    def read(self, row: Row) -> None:
        """Take a row in."""
        kind, body = row["kind"], row["body"]
        if kind == "IntentPlanned":
            ticket = body["ticket"]
            self.orders[body["intent"]] = Life(
                intent=body["intent"],
                purpose=body["purpose"],
                leg=body["leg"],
                symbol=ticket["symbol"],
                units=ticket["quantity"],
            )
        elif kind == "ExitPhase":
            self.phases[body["leg"]] = body["phase"]
        elif kind == "ExternalClosed":
            closed = self.closed_by_others.get(body["leg"], 0)
            self.closed_by_others[body["leg"]] = closed + body["units"]
        elif (life := self.orders.get(body.get("intent", ""))) is not None:
            _take(life, Micros(row["at"]), kind, body)

    def of_leg(self, leg: str) -> Iterator[Life]:
        """Yield the orders of a leg, its entry first."""
        return (life for life in self.orders.values() if life.leg == leg)

    def symbol_of(self, leg: str) -> str:
        """Return the symbol of a leg, '' of one that is in no row."""
        return next((life.symbol for life in self.of_leg(leg)), "")

    @property
    def known(self) -> set[str]:
        """The broker's ids of our orders, as far as the journal knows them."""
        return {orderid for life in self.orders.values() for orderid in life.orderids}


def _take(life: Life, at: Micros, kind: str, body: Row) -> None:
    if kind == "WriteSent" and body["op"] == "place":
        life.state, life.sent_at = SENDING, at
    elif kind == "StateChanged":
        life.state = body["state"]
        if body["orderid"] and body["orderid"] not in life.orderids:
            life.orderids.append(body["orderid"])
    elif kind in {"ModifyPlanned", "CancelPlanned"} and life.state in IN_FLIGHT:
        life.state = ACKED  # only who knows its id can ask for that
    elif kind == "FillsSeen":
        life.filled = max(life.filled, body["filled"])


def covers(journal: Iterable[Row]) -> dict[str, list[Micros]]:
    """Return when covers were sent, by symbol: new ones, and changes of one that is open."""
    lives, found = Lives(), dict[str, list[Micros]]()
    for row in journal:
        lives.read(row)
        if row["kind"] != "WriteSent":
            continue
        life = lives.orders.get(row["body"]["intent"])
        if life is None or not life.is_buy:
            continue
        op = row["body"]["op"]
        is_climb = op == "modify" and lives.phases.get(life.leg) == CHASE
        if is_climb or (op == "place" and life.purpose == COVER):
            found.setdefault(life.symbol, []).append(Micros(row["at"]))
    return found


def known_since(journal: Iterable[Row]) -> dict[str, Micros]:
    """Return when the journal first knew each of the broker's ids."""
    found: dict[str, Micros] = {}
    for row in journal:
        if row["kind"] == "StateChanged" and row["body"]["orderid"]:
            found.setdefault(row["body"]["orderid"], Micros(row["at"]))
    return found


def beside(journal: Iterable[Row]) -> dict[str, list[Beside]]:
    """Return the BUY orders that were sent while another one of their leg was in doubt."""
    lives, found = Lives(), dict[str, list[Beside]]()
    for row in journal:
        lives.read(row)
        if row["kind"] != "WriteSent" or row["body"]["op"] != "place":
            continue
        life = lives.orders.get(row["body"]["intent"])
        if life is None or not life.is_buy:
            continue
        others = (o for o in lives.of_leg(life.leg) if o is not life and o.is_buy)
        if any(other.is_doubtful(Micros(row["at"])) for other in others):
            noted = Beside(at=Micros(row["at"]), units=life.units)
            found.setdefault(life.symbol, []).append(noted)
    return found
