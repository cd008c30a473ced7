"""What a session of kills came to, judged by the exchange's truth and the journal alone."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from domain.ledger import Ledger
from domain.units import SECOND, Micros
from journal.orders import NAME as JOURNAL
from journal.orders import JournalReader, verify
from sandbox.checker import Report, Terms, judge
from sandbox.coverage import Bounds, Coverage
from sandbox.kinds import Origin
from sandbox.truth import Accepted, Row
from tests.e2e.sessions import Truth
from tests.processes.kill_session import DAY, SPEED, Killed

NEVER = Micros(2**62)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """One session. `lost` are orders or fills of ours that the journal does not know at the end."""

    report: Report
    lost: tuple[str, ...]
    naked_s: tuple[int, ...]
    """The longest uncovered stretch after each kill and before the next, in market seconds."""

    @property
    def duplicates(self) -> tuple[str, ...]:
        """What breaks I1: two orders of one intent, or one that was never wished for."""
        return tuple(text for text in self.report.invariants_broken if text.startswith("I1 "))

    @property
    def broken(self) -> tuple[str, ...]:
        """Everything that is not as it should be."""
        uncovered = () if self.report.flat else ("not flat at the end",)
        return (*self.report.invariants_broken, *self.lost, *uncovered)


def verdict(folder: Path, killed: Sequence[Killed]) -> Verdict:
    """Judge a session that is over."""
    rows = Truth(folder).rows
    path = folder / JOURNAL
    journal = JournalReader(path).rows(DAY) if path.exists() else []
    return Verdict(
        report=judge(rows, journal, Terms(speed=SPEED)),
        lost=tuple(_lost(rows, Ledger().fold(verify(path, DAY)))),
        naked_s=tuple(_naked(rows, [each.seq for each in killed])),
    )


def _lost(rows: Sequence[Row], ledger: Ledger) -> list[str]:
    """Return the orders of the agent that its journal has not, or not with all their fills."""
    known = {order.orderid: order.filled for order in ledger.orders.values() if order.orderid}
    placed = [
        row.payload.order
        for row in rows
        if isinstance(row.payload, Accepted) and row.payload.order.origin is Origin.AGENT
    ]
    filled = {order.orderid: 0 for order in placed}
    for row in rows:
        orderid = getattr(row.payload, "orderid", "")
        if row.kind == "traded" and orderid in filled:
            filled[orderid] += getattr(row.payload, "quantity", 0)
    return [
        f"lost: {order.symbol} {order.action} {order.orderid}: the journal knows "
        f"{known.get(order.orderid, 'nothing')}, {filled[order.orderid]} units are filled"
        for order in placed
        if known.get(order.orderid) != filled[order.orderid]
    ]


def _naked(rows: Sequence[Row], seqs: Sequence[int]) -> list[int]:
    """Return the longest uncovered stretch in each span of truth that a kill begins."""
    coverage = Coverage(Bounds(naked=NEVER, surplus=NEVER))
    longest: list[int] = []
    taken = 0
    for start, end in pairwise([*seqs, len(rows)]):
        for row in rows[taken:start]:
            list(coverage.check(row))
        coverage.naked_max = Micros(0)
        for row in rows[start:end]:
            list(coverage.check(row))
        taken = max(start, end)
        longest.append(-(-coverage.naked_max // SECOND))
    return longest


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that `share` of all do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
