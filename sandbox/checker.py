"""Judges the agent by ground truth and by its own journal; never by what the API said.

`sandbox.md` 9, `testing.md` 4. What is judged now:

| Rule | Measured |
|---|---|
| I1, I5 | `attribution`: accepted orders per intent, per entry decision, each as its intent says;
journaled and sent before arrival |
| I2, I3, I4 | `coverage`: own net above 0, uncovered shorts, surplus BUY; by symbol and product |
| I6, I7, I11 | `explained`: what is booked, ended or cancelled without a true reason; orders of
others touched; latches that came down (where no human is there to take them down) |
| I8 | `entries`: entries sent after the last entry time, outside ACTIVE or under a latch |
| I9 | writes per calendar second and per rolling second, at `arrived` |
| L1, L2 | `liveness`: orders in flight, trades not booked; orders lost. From `Terms.calm_at` on |
| L3 | flat, and proved so in the journal after that, within 120 s of force close, of the end of
the faults, or within 150 s of a placement in doubt by then; not by the broker's hand. A truth that
ends before then breaks nothing: the day was interrupted |

Judged elsewhere: I10 where the journal is written (`research/order_agent.py`), I12 by a canary in
the tests, I13 and L4 by `run.py drill feed`. Not judged: a stop so far away that it never protects;
of I8 a stale feed or an incomplete bar.

At a speed above 1 a stall of this machine is stretched into market seconds: every bound then grows
by `STALL_S` x speed, a fill may be booked that much before it is in truth (who follows a clock that
stood learns late that it goes), and I9 is not judged. A short that never gets a stop breaks I3 at
any speed.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from domain.books import Action
from domain.session import show
from domain.units import SECOND, Micros, seconds
from sandbox.attribution import Attribution, Journal
from sandbox.book import Book
from sandbox.coverage import Bounds, Coverage, Naked
from sandbox.entries import unlawful
from sandbox.explained import lowered, meddling, unexplained
from sandbox.kinds import Origin
from sandbox.liveness import RESOLVED_S, in_doubt, lost, unbooked, unresolved
from sandbox.lives import beside, covers, known_since
from sandbox.spans import Span, Spans, outages
from sandbox.truth import Arrived, Row, Traded

STALL_S = 2
NAKED_S = 10.0
SURPLUS_S = 5.0
FLAT_S = 120.0

MUTE = frozenset({"calls", "writes"})
"""Kinds of outage in which nothing that would cover a short gets through."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How to judge. `speed` is 1 in the pump; `detection_s` is 2 x `reconcile.fast_s`.

    `force_close` and `until` (how far truth is complete) are read from journal and truth where
    they are None. Without a force close in either place nothing of L3 is due. `calm_at` is when the
    faults stopped: without it L1, L2 and what is lost are not judged. `outage` adds to what truth
    says of that. In `unseen` time nobody could know of what happened, in `unheard` time a change
    did not get through. `is_alone`: no human is there to take a latch down.
    """

    speed: int = 1
    detection_s: float = 3.0
    order_rate_per_s: int = 8
    force_close: Micros | None = None
    until: Micros | None = None
    calm_at: Micros | None = None
    outage: tuple[Span, ...] = ()
    unseen: tuple[Span, ...] = ()
    unheard: tuple[Span, ...] = ()
    is_alone: bool = False

    def bound(self, base_s: float) -> Micros:
        """Return a bound in market time at this speed."""
        stall = STALL_S * self.speed if self.speed > 1 else 0
        return seconds(base_s + stall)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What the day came to. Money in paise, spans in market seconds.

    `flat`: nothing held, nothing working. `flat_at` is when that last became so, None if nothing
    was ever held. `entries` and `exits` are orders with a fill; `orders_sent` those with a row.
    """

    flat: bool
    flat_at: Micros | None
    naked_seconds_max: int
    naked_unit_seconds: float
    orders_sent: int
    entries: int
    exits: int
    realised_pnl_paise: int
    charges_paise: int
    forced_close: bool
    invariants_broken: list[str] = field(default_factory=list)
    naked: tuple[Naked, ...] = ()
    orders_duplicated: int = 0
    orders_lost: int = 0
    entries_without_intent: int = 0
    long_unit_seconds: float = 0
    doubled: int = 0
    """How often a BUY beside another one in flight bought more than was short (I2 excepts it)."""


def judge(rows: Iterable[Row], journal: Journal, terms: Terms | None = None) -> Report:
    """Fold truth with the journal. Rows of both come in order of their seq."""
    rows, journal, terms = list(rows), list(journal), terms or Terms()
    walk = _Walk(rows, journal, terms)
    for row in rows:
        walk.take(row)
    return walk.report()


class _Walk:
    """One pass over the day."""

    def __init__(
        self, rows: Sequence[Row], journal: Sequence[Mapping[str, Any]], terms: Terms
    ) -> None:
        self._terms = terms
        self._book = Book(0)
        self._broken: list[str] = []
        self._attribution = Attribution(journal)
        outage = (*outages(rows, MUTE), *terms.outage)
        bounds = Bounds(
            naked=terms.bound(NAKED_S + terms.detection_s),
            surplus=terms.bound(SURPLUS_S),
            outage=Spans(outage),
            unseen=Spans((*outage, *terms.unseen)),
            unheard=Spans((*outage, *terms.unseen, *terms.unheard)),
            covers=covers(journal),
            beside=beside(journal),
            known_since=known_since(journal),
        )
        self._coverage = Coverage(bounds)
        self._by_journal = [
            *unexplained(rows, journal, behind=terms.bound(0)),
            *meddling(rows),
        ]
        self._by_journal += lowered(journal) if terms.is_alone else ()
        self._later = _Later(rows, journal)
        self._writes = _Writes(terms.order_rate_per_s) if terms.speed == 1 else None
        plan = _plan(journal)
        self._force_close = terms.force_close or plan.get("force_close")
        self._unlawful = list(unlawful(journal, plan.get("last_entry", self._force_close)))
        self._proved = [Micros(row["at"]) for row in journal if row["kind"] == "ProvedFlat"]
        self._flat_at: Micros | None = None
        self._now = Micros(0)
        self._forced = False
        self._was_flat = True

    def take(self, row: Row) -> None:
        """Judge one row of truth."""
        self._broken += self._coverage.check(row)
        self._broken += self._attribution.check(row)
        self._book.apply(row.at, row.payload)
        self._now = row.at
        match row.payload:
            case Arrived() if self._writes is not None:
                self._broken += self._writes.check(row)
            case Traded() as trade if trade.origin is not Origin.HUMAN:
                self._traded(row, trade)
            case _:
                pass
        if self._coverage.is_flat and not self._was_flat:
            self._flat_at = row.at
        self._was_flat = self._coverage.is_flat

    def report(self) -> Report:
        """Return the verdict over everything taken."""
        until = max(self._now, self._terms.until or self._now)
        self._broken += self._coverage.until(until)
        flat = self._coverage.is_flat
        self._broken += [*self._unlawful, *self._by_journal, *self._closed(until, is_flat=flat)]
        if self._terms.calm_at is not None:
            self._broken += self._later.broken(self._terms.calm_at, until)
        orders = [o for o in self._book.orders.values() if o.origin is not Origin.HUMAN]
        filled = [order for order in orders if order.filled]
        return Report(
            flat=flat,
            flat_at=self._flat_at if filled and flat else None,
            naked_seconds_max=-(-self._coverage.naked_max // SECOND),
            naked_unit_seconds=self._coverage.unit_micros / SECOND,
            orders_sent=sum(order.origin is Origin.AGENT for order in orders),
            entries=sum(order.action is Action.SELL for order in filled),
            exits=sum(order.action is Action.BUY for order in filled),
            realised_pnl_paise=self._book.realised,
            charges_paise=self._book.charges,
            forced_close=self._forced,
            invariants_broken=self._broken,
            naked=self._coverage.stretches(until),
            orders_duplicated=self._attribution.duplicates,
            orders_lost=self._later.lost,
            entries_without_intent=self._attribution.without_intent,
            long_unit_seconds=self._coverage.long_unit_micros / SECOND,
            doubled=self._coverage.doubled,
        )

    def _traded(self, row: Row, trade: Traded) -> None:
        late = self._force_close is not None and row.at >= self._force_close
        self._forced = self._forced or (late and trade.action is Action.BUY)
        if trade.origin is Origin.RMS:
            self._broken.append(
                f"L3 {trade.symbol}: truth {row.seq}: the broker closed {trade.quantity} units"
            )

    def _closed(self, until: Micros, *, is_flat: bool) -> Iterator[str]:
        if self._force_close is None:
            return
        since = max(self._force_close, self._terms.calm_at or Micros(0))
        soon = Micros(since + self._terms.bound(FLAT_S))
        due = soon if self._terms.calm_at is None else max(soon, self._later.doubt(since, soon))
        if not is_flat:
            held, working = self._coverage.held, self._coverage.working
            if until > due:
                yield f"L3 not flat at {show(until)}: held {held}, working {working}"
            return
        flat_at = self._flat_at or Micros(0)
        if flat_at > due:
            yield f"L3 flat at {show(flat_at)}, later than {show(due)}"
        has_traded = any(trade.origin is not Origin.HUMAN for trade in self._book.trades)
        if has_traded and until > due and not any(flat_at <= at <= due for at in self._proved):
            yield f"L3 no ProvedFlat in the journal after {show(flat_at)} and by {show(due)}"


class _Later:
    """What is due some time after the faults stopped."""

    def __init__(self, rows: Sequence[Row], journal: Sequence[Mapping[str, Any]]) -> None:
        self._rows = rows
        self._journal = journal
        self.lost = 0

    def doubt(self, since: Micros, until: Micros) -> Micros:
        """Return until when what was in doubt within a stretch may stay so, and hold up a proof."""
        sent = in_doubt(self._journal, since, until)
        return Micros(max(sent, default=0) + seconds(RESOLVED_S))

    def broken(self, calm_at: Micros, until: Micros) -> Iterator[str]:
        """Yield what is not as it should be by then."""
        yield from unresolved(self._journal, calm_at, until)
        yield from unbooked(self._rows, self._journal, calm_at, until)
        for text in lost(self._rows, self._journal):
            self.lost += 1
            yield text


class _Writes:
    """Counts what arrived in each calendar second and in each rolling one."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._rolling: deque[Micros] = deque()
        self._calendar: deque[Micros] = deque()

    def check(self, row: Row) -> Iterator[str]:
        """Count one write; yield what it breaks."""
        self._rolling.append(row.at)
        self._calendar.append(row.at)
        while self._rolling[0] <= row.at - SECOND:
            self._rolling.popleft()
        while self._calendar[0] // SECOND < row.at // SECOND:
            self._calendar.popleft()
        for name, found in (("rolling", self._rolling), ("calendar", self._calendar)):
            if len(found) == self._rate + 1:
                yield (
                    f"I9 truth {row.seq}: {len(found)} writes in the {name} second of "
                    f"{show(row.at)}, allowed are {self._rate}"
                )


def _plan(journal: Journal) -> dict[str, Micros]:
    """Return the instants of the day as last planned; empty without a plan."""
    planned = [row["body"]["plan"] for row in journal if row["kind"] == "DayPlanned"]
    names = ("force_close", "last_entry")
    return {name: Micros(planned[-1][name]) for name in names} if planned else {}
