"""Stretches of time, merged: when no call got through, when nobody could know better.

Instants are market time; a stretch holds its begin and not its end.
"""

from bisect import bisect_right
from collections.abc import Iterable

from domain.units import Micros
from sandbox.truth import Outage, Row

FOR_EVER = Micros(1 << 62)

Span = tuple[Micros, Micros]


class Spans:
    """A set of instants, as stretches that neither touch nor overlap."""

    def __init__(self, spans: Iterable[Span] = ()) -> None:
        merged: list[Span] = []
        for begin, end in sorted(spans):
            if merged and begin <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
            elif begin < end:
                merged.append((begin, end))
        self._spans = merged
        self._ends = [end for _, end in merged]

    def overlap(self, begin: Micros, end: Micros) -> Micros:
        """Return how much of `begin` to `end` lies within."""
        total = 0
        for since, until in self._spans[bisect_right(self._ends, begin) :]:
            if since >= end:
                break
            total += min(until, end) - max(since, begin)
        return Micros(total)

    def holds(self, at: Micros) -> bool:
        """Whether an instant lies within."""
        return self.overlap(at, Micros(at + 1)) > 0

    def due(self, since: Micros, span: Micros) -> Micros:
        """Return when `span` will have passed since then, not counting what lies within."""
        due = Micros(since + span)
        for begin, end in self._spans[bisect_right(self._ends, since) :]:
            if begin > due:
                break
            due = Micros(due + end - max(begin, since))
        return due


def outages(rows: Iterable[Row], what: frozenset[str] = frozenset({"calls"})) -> Iterable[Span]:
    """Yield when, by ground truth, no call of a kind got through; one span for each fault."""
    since: dict[tuple[str, str], Micros] = {}
    for row in rows:
        if isinstance(row.payload, Outage) and row.payload.what in what:
            key = row.payload.id, row.payload.what
            if row.payload.on:
                since.setdefault(key, row.at)
            elif key in since:
                yield since.pop(key), row.at
    for begin in since.values():
        yield begin, FOR_EVER
