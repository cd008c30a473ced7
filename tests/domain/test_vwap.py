"""VWAP is exact: two integers, compared by cross-multiplication."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.vwap import SessionVwap
from tests.domain.tape import a_bar

WORKED = [
    a_bar("09:15", (10_000, 10_200, 9_800, 10_000), 1000),
    a_bar("09:16", (10_000, 10_400, 10_000, 10_200), 500),
]


@pytest.mark.incident("INC-17")
def test_worked_example_is_exact() -> None:
    vwap = SessionVwap()
    first, second = (Fraction(*vwap.after(bar)) / 100 for bar in WORKED)
    assert (first, second) == (Fraction(100), Fraction(100 * 1000 + 102 * 500, 1500))
    assert f"{float(second):.4f}" == "100.6667"


def test_before_any_volume_it_is_the_typical_price_of_the_bar() -> None:
    vwap = SessionVwap()
    quiet = a_bar("09:15", (10_000, 10_200, 9_700, 10_000), 0)
    assert vwap.after(quiet) == (29_900, 3)
    assert Fraction(*vwap.after(WORKED[0])) == 10_000


@given(st.lists(st.tuples(st.integers(1, 10**6), st.integers(0, 10**6)), min_size=1))
def test_it_lies_between_the_extremes_of_the_day(bars: list[tuple[int, int]]) -> None:
    vwap = SessionVwap()
    for close, volume in bars:
        num, den = vwap.after(a_bar("10:00", (close, close + 5, close, close), volume))
        assert den > 0
        closes = [price for price, _ in bars]
        assert min(closes) * den <= num <= (max(closes) + 5) * den
