"""What has to be true some time after the faults stopped: rules L1 and L2 of `execution.md` 13.

L1: nothing that was sent by then is SENDING or UNKNOWN 150 s later. L2: the journal tells of every
trade of ours within 60 s. And at the end no accepted order of ours is one the journal never learned
of: such an order is lost.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from domain.session import show
from domain.units import Micros, seconds
from sandbox.kinds import Origin
from sandbox.lives import IN_FLIGHT, Lives, Row
from sandbox.truth import Accepted, Traded
from sandbox.truth import Row as TruthRow

RESOLVED_S = 150
BOOKED_S = 60


def unresolved(journal: Iterable[Row], calm_at: Micros, until: Micros) -> Iterator[str]:
    """Yield L1 for each order that is still in flight; `until` is how far the day was played."""
    due = Micros(calm_at + seconds(RESOLVED_S))
    if until < due:
        return
    lives = Lives()
    for row in journal:
        if row["at"] <= due:
            lives.read(row)
    for life in lives.orders.values():
        if life.state in IN_FLIGHT and life.sent_at is not None and life.sent_at <= calm_at:
            yield f"L1 {life.symbol}: {life.intent} is {life.state} at {show(due)}"


def in_doubt(journal: Iterable[Row], since: Micros, until: Micros) -> list[Micros]:
    """Return when each placement was sent that was in flight at some time of a stretch."""
    lives = Lives()
    found: dict[str, Micros] = {}
    for row in journal:
        if row["at"] > until:
            break
        if row["at"] > since:
            found |= _flying(lives)
        lives.read(row)
    return list((found | _flying(lives)).values())


def _flying(lives: Lives) -> dict[str, Micros]:
    flying = (life for life in lives.orders.values() if life.state in IN_FLIGHT)
    return {life.intent: life.sent_at for life in flying if life.sent_at is not None}


def unbooked(
    rows: Iterable[TruthRow], journal: Iterable[Row], calm_at: Micros, until: Micros
) -> Iterator[str]:
    """Yield L2 for each order whose trades the journal did not tell of in time."""
    told: dict[str, list[tuple[Micros, int]]] = defaultdict(list)
    lives = Lives()
    for said in journal:
        lives.read(said)
        life = lives.orders.get(said["body"].get("intent", ""))
        for orderid in life.orderids if life is not None else ():
            told[orderid].append((Micros(said["at"]), life.filled if life is not None else 0))
    traded: dict[str, int] = defaultdict(int)
    for row in rows:
        if not isinstance(row.payload, Traded) or row.payload.origin is not Origin.AGENT:
            continue
        trade = row.payload
        traded[trade.orderid] += trade.quantity
        due = Micros(max(row.at, calm_at) + seconds(BOOKED_S))
        seen = max((filled for at, filled in told[trade.orderid] if at <= due), default=0)
        if until >= due and seen < traded[trade.orderid]:
            yield (
                f"L2 {trade.symbol}: truth {row.seq}: {traded[trade.orderid]} units of "
                f"{trade.orderid} traded, the journal tells of {seen} by {show(due)}"
            )


def lost(rows: Iterable[TruthRow], journal: Iterable[Row]) -> Iterator[str]:
    """Yield each accepted order of ours that the journal never learned of."""
    lives = Lives()
    for said in journal:
        lives.read(said)
    known = lives.known
    for row in rows:
        if isinstance(row.payload, Accepted):
            order = row.payload.order
            if order.origin is Origin.AGENT and order.orderid not in known:
                yield (
                    f"LOST {order.symbol}: truth {row.seq}: {order.action} {order.quantity} "
                    f"{order.orderid} is in no journal row"
                )
