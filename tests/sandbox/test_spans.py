"""Stretches of time: merged, measured, skipped."""

from hypothesis import given
from hypothesis import strategies as st

from domain.units import Micros
from sandbox.spans import FOR_EVER, Span, Spans, outages
from sandbox.truth import Outage, Payload, Row, TimePassed

SPANS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=6)


def some(*spans: tuple[int, int]) -> list[Span]:
    return [(Micros(begin), Micros(end)) for begin, end in spans]


def within(spans: list[tuple[int, int]], at: int) -> bool:
    return any(begin <= at < end for begin, end in spans)


@given(SPANS, st.integers(0, 40), st.integers(0, 40))
def test_overlap_counts_each_instant_once(
    spans: list[tuple[int, int]], begin: int, length: int
) -> None:
    end = begin + length
    counted = sum(within(spans, at) for at in range(begin, end))
    assert Spans(some(*spans)).overlap(Micros(begin), Micros(end)) == counted


@given(SPANS, st.integers(0, 40), st.integers(0, 20))
def test_due_is_when_so_many_instants_outside_have_passed(
    spans: list[tuple[int, int]], since: int, span: int
) -> None:
    due = Spans(some(*spans)).due(Micros(since), Micros(span))
    outside = [at for at in range(since, due) if not within(spans, at)]
    assert len(outside) == span


def rows(*payloads: tuple[int, Payload]) -> list[Row]:
    return [
        Row(seq=seq, at=Micros(at), kind="x", payload=payload)
        for seq, (at, payload) in enumerate(payloads, 1)
    ]


def test_outages_are_told_by_fault_and_kind() -> None:
    told = rows(
        (1, Outage(id="a", on=True, what="calls")),
        (2, Outage(id="b", on=True, what="writes")),
        (3, TimePassed()),
        (4, Outage(id="a", on=False, what="calls")),
        (5, Outage(id="c", on=True, what="calls")),
        (6, Outage(id="d", on=False, what="calls")),
    )
    assert list(outages(told)) == [(1, 4), (5, FOR_EVER)]
    assert list(outages(told, frozenset({"writes"}))) == [(2, FOR_EVER)]
