"""Whether what the journal did to positions and latches is explained: rules I6, I7 and I11.

I6: a fill is only booked, a leg only ended, a stop only cancelled where true trades explain it, or
a journaled exit, or another purchase that is there in its place. I7: no order of somebody else is
touched. I11: no latch comes down unless a human took it down.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator

from domain.books import Action
from domain.units import Micros
from sandbox.kinds import Origin
from sandbox.lives import CHASE, DONE, STOP, Life, Lives, Row
from sandbox.truth import Accepted, State, Traded
from sandbox.truth import Row as TruthRow

OTHERS = "others:"
"""In front of a symbol: what everybody else traded of it, in place of an order's id."""


class Fills:
    """What truly traded, by order and instant; what others did is a net sum by symbol."""

    def __init__(self, rows: Iterable[TruthRow]) -> None:
        self._at: dict[str, list[Micros]] = defaultdict(list)
        self._sum: dict[str, list[int]] = defaultdict(list)
        self.live: dict[str, list[tuple[Micros, bool]]] = defaultdict(list)
        for row in rows:
            match row.payload:
                case Traded() as trade if trade.origin is not Origin.AGENT:
                    key = f"{OTHERS}{trade.symbol}"
                    before = self._sum[key][-1] if self._sum[key] else 0
                    self._at[key].append(row.at)
                    self._sum[key].append(before + trade.action.sign * trade.quantity)
                case Traded(orderid=orderid, quantity=quantity):
                    before = self._sum[orderid][-1] if self._sum[orderid] else 0
                    self._at[orderid].append(row.at)
                    self._sum[orderid].append(before + quantity)
                case Accepted(order=order):
                    self.live[order.orderid].append((row.at, True))
                case State(orderid=orderid, status=status):
                    self.live[orderid].append((row.at, status.is_live))
                case _:
                    pass

    def of(self, orderids: Iterable[str], at: Micros) -> int:
        """Return the units that orders had truly traded by an instant."""
        total = 0
        for orderid in orderids:
            place = bisect_right(self._at[orderid], at)
            total += self._sum[orderid][place - 1] if place else 0
        return total

    def is_live(self, orderid: str, at: Micros) -> bool:
        """Whether an order stood in the true book at an instant and had not been ended."""
        states = [is_live for when, is_live in self.live[orderid] if when <= at]
        return bool(states) and states[-1]


def unexplained(
    rows: Iterable[TruthRow], journal: Iterable[Row], behind: Micros = Micros(0)
) -> Iterator[str]:
    """Yield I6 for what the journal did without a true reason.

    The clock that the journal is stamped by may run `behind` truth so far.
    """
    fills, lives = Fills(rows), Lives()
    for row in journal:
        before = lives.phases.get(row["body"].get("leg", ""))
        lives.read(row)
        body, at = row["body"], Micros(row["at"])
        life = lives.orders.get(body.get("intent", ""))
        if row["kind"] == "FillsSeen" and life is not None:
            yield from _booked(row, life, fills, Micros(at + behind))
        elif row["kind"] == "CancelPlanned" and life is not None and life.purpose == STOP:
            yield from _cancelled(row, life, lives, fills)
        elif row["kind"] == "ExternalClosed":
            yield from _closed(row, lives, fills, Micros(at + behind))
        elif row["kind"] == "ExitPhase" and body["phase"] == DONE and before != DONE:
            short = _short(lives, body["leg"], fills, at)
            if short > 0:
                yield f"I6 {body['leg']}: journal {row['seq']}: done while {short} units are short"


def _booked(row: Row, life: Life, fills: Fills, at: Micros) -> Iterator[str]:
    true = fills.of(life.orderids, at)
    if row["body"]["filled"] > true:
        yield (
            f"I6 {life.symbol}: journal {row['seq']}: {row['body']['filled']} units of "
            f"{life.intent} are booked, {true} had traded"
        )


def _closed(row: Row, lives: Lives, fills: Fills, at: Micros) -> Iterator[str]:
    """What others are said to have bought back they must have bought."""
    leg = row["body"]["leg"]
    symbol = lives.symbol_of(leg)
    said = sum(
        units for name, units in lives.closed_by_others.items() if lives.symbol_of(name) == symbol
    )
    true = fills.of((f"{OTHERS}{symbol}",), at)
    if said > true:
        yield (
            f"I6 {symbol}: journal {row['seq']}: others are said to have bought back {said} units, "
            f"they bought {true}"
        )


def _cancelled(row: Row, life: Life, lives: Lives, fills: Fills) -> Iterator[str]:
    """A resting stop may go for an exit, for a smaller position, or because there is another one.

    Where a change is of what is left, a stop that is too large can only be replaced.
    """
    at = Micros(row["at"])
    is_exit = lives.phases.get(life.leg) in {CHASE, DONE}
    if is_exit or _short(lives, life.leg, fills, at) < life.units - life.filled:
        return
    others = (o for o in lives.of_leg(life.leg) if o is not life and o.is_buy)
    if not any(fills.is_live(orderid, at) for other in others for orderid in other.orderids):
        yield (
            f"I6 {life.symbol}: journal {row['seq']}: the stop {life.intent} is cancelled, and no "
            "trade, exit or other stop explains it"
        )


def _short(lives: Lives, leg: str, fills: Fills, at: Micros) -> int:
    """Return how many units of a leg were truly short, by the orders the journal knows of."""
    orders = list(lives.of_leg(leg))
    sold = sum(fills.of(life.orderids, at) for life in orders if not life.is_buy)
    bought = sum(fills.of(life.orderids, at) for life in orders if life.is_buy)
    return sold - bought - lives.closed_by_others.get(leg, 0)


def meddling(rows: Iterable[TruthRow]) -> Iterator[str]:
    """Yield I7: what we did to orders, or made of units, that are not ours."""
    human: set[str] = set()
    held: dict[str, int] = defaultdict(int)
    external: dict[str, int] = defaultdict(int)
    for row in rows:
        match row.payload:
            case Accepted(order=order) if order.origin is Origin.HUMAN:
                human.add(order.orderid)
            case State(orderid=orderid, origin=Origin.AGENT) if orderid in human:
                yield f"I7 {orderid}: truth {row.seq}: an order of the account's owner was changed"
            case Traded() as trade if trade.origin is Origin.HUMAN:
                external[trade.symbol] += trade.action.sign * trade.quantity
            case Traded() as trade:
                held[trade.symbol] += trade.action.sign * trade.quantity
                bought = trade.action is Action.BUY and held[trade.symbol] > 0
                if bought and external[trade.symbol] < 0:
                    yield f"I7 {trade.symbol}: truth {row.seq}: units of the account's owner bought"
            case _:
                pass


def lowered(journal: Iterable[Row]) -> Iterator[str]:
    """Yield I11 for each latch that came down although no human is there to take it down."""
    for row in journal:
        if row["kind"] == "LatchCleared":
            yield f"I11 journal {row['seq']}: latch {row['body']['name']} came down by itself"
