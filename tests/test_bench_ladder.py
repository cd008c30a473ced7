"""The ladder's measurement: both subjects leave the same short, and each kind of book is drawn."""

from math import inf

import pytest

from bench.ladder import Left, percentile, play, row
from bench.ladder_book import Kind, draw, tape

EACH_KIND = range(len(Kind))


@pytest.mark.parametrize("number", EACH_KIND, ids=[kind.name for kind in Kind])
def test_ladder_leaves_every_kind_of_book_in_time(number: int) -> None:
    ladder, single = play(number)
    assert ladder.kind is single.kind is list(Kind)[number]
    assert 0 < ladder.seconds < inf


def test_scenario_is_the_same_every_time_and_moves_only_after_the_calm() -> None:
    books = [draw(number) for number in range(60)]
    assert books == [draw(number) for number in range(60)]
    assert {book.kind for book in books} == {*Kind}
    gap = next(book for book in books if book.kind is Kind.GAP)
    ticks = tape(gap).lines[next(s for s in tape(gap).lines if s != "NIFTY")]
    calm = [p for at, p in zip(ticks.at, ticks.ltp, strict=True) if at < gap.leaves_at]
    assert max(calm) < gap.price * 105 // 100


def test_short_that_is_never_left_counts_as_the_longest() -> None:
    assert percentile([1.0, inf, 2.0], 0.5) == 2.0
    assert percentile([1.0, inf, 2.0], 0.99) == inf
    left = Left(kind=Kind.GAP, seconds=2.0, cost=10.0)
    never = Left(kind=Kind.GAP, seconds=inf, cost=inf)
    assert "never" in row("gap", [(left, never)] * 3)
