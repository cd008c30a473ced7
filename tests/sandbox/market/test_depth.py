"""Five displayed levels a side."""

from hypothesis import given
from hypothesis import strategies as st

from domain.units import Micros, Paise, Symbol, Units
from sandbox.kinds import Level, PriceOut, Shown
from sandbox.market.depth import shown, totals


def an_update(
    bid: int, ask: int, shape: int = 0, book: Shown | None = None, tick: int = 5
) -> PriceOut:
    zero, none = Paise(0), Units(0)
    return PriceOut(
        Micros(1), Symbol("X"), "NFO", zero, Micros(0), none, none, zero, zero, zero, zero,
        none, Paise(bid), Paise(ask), shape, 65, Paise(tick), book,
    )  # fmt: skip


def test_levels_stand_a_tick_apart_in_whole_lots_growing_away_from_the_touch() -> None:
    book = shown(an_update(15_000, 15_050))
    assert book.bids[:2] == (
        Level(Paise(15_000), Units(65), 1),
        Level(Paise(14_995), Units(130), 2),
    )
    assert [level.price for level in book.asks] == [15_050, 15_055, 15_060, 15_065, 15_070]


def test_levels_stand_a_dated_tick_apart() -> None:
    book = shown(an_update(20, 15_050, tick=10))
    assert [level.price for level in book.bids] == [20, 10]
    assert [level.price for level in book.asks] == [15_050, 15_060, 15_070, 15_080, 15_090]
    sums = sum(x.quantity for x in book.bids), sum(x.quantity for x in book.asks)
    assert totals(an_update(20, 15_050, tick=10)) == sums


def test_no_level_stands_at_or_under_zero_and_an_empty_side_is_empty() -> None:
    assert [level.price for level in shown(an_update(15, 20)).bids] == [15, 10, 5]
    assert shown(an_update(0, 0)) == Shown()


sides = st.sampled_from((0, 5, 15, 25, 15_000))


@given(bid=sides, ask=sides, shape=st.integers(0, 2**64 - 1))
def test_totals_are_the_sums_of_the_levels(bid: int, ask: int, shape: int) -> None:
    update = an_update(bid, ask, shape)
    book = shown(update)
    assert all(level.quantity % 65 == 0 < level.quantity for level in book.bids + book.asks)
    sums = sum(x.quantity for x in book.bids), sum(x.quantity for x in book.asks)
    assert totals(update) == sums


def test_book_that_an_update_carries_is_what_is_shown() -> None:
    book = Shown((Level(Paise(5), Units(650), 1),), ())
    assert shown(an_update(5, 0, book=book)) == book
    assert totals(an_update(5, 0, book=book)) == (650, 0)
