"""Black-76, smile and spread against the worked table of `sandbox.md` 3.1."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.market.pricing import YEAR_S, moment, on_ticks, smile, years_left
from sandbox.params import MarketParams

YEARS = 5 / 365
NOW = moment(MarketParams(), YEARS, 0.12)
SPOT = 2_600_000 / NOW.growth
"""The table is given for a forward of 26,000."""


@pytest.mark.parametrize(
    ("strike", "kind", "m", "iv", "mid", "quote"),
    [
        (26_000, "CE", 0.0, 12.000, 145.550, (145.25, 145.85)),
        (26_000, "PE", 0.0, 12.000, 145.550, (145.25, 145.85)),
        (26_500, "CE", 1.3562, 11.355, 11.870, (11.80, 11.95)),
        (25_500, "PE", -1.3826, 13.340, 20.585, (20.50, 20.70)),
        (27_000, "CE", 2.6871, 11.365, 0.236, (0.15, 0.30)),
    ],
)
def test_worked_table(
    strike: int, kind: str, m: float, iv: float, mid: float, quote: tuple[float, float]
) -> None:
    strike *= 100
    reach = NOW.reach(strike, SPOT)
    worth = (NOW.call if kind == "CE" else NOW.put)(strike, SPOT, reach)
    assert reach == pytest.approx(m, abs=0.0001)
    assert 12 * smile(reach) == pytest.approx(iv, abs=0.005)
    assert worth / 100 == pytest.approx(mid, abs=0.005)
    bid, ask = on_ticks(worth, NOW.half_spread(worth, reach))
    assert (bid / 100, ask / 100) == quote


@given(st.integers(24_000, 28_000), st.integers(2_500_000, 2_700_000), st.floats(60, 20 * 86_400))
def test_parity_holds_within_the_spread(strike: int, spot: int, left_s: float) -> None:
    """Call - put = discount x (forward - strike), as far as the quotes can tell."""
    now = moment(MarketParams(), left_s / YEAR_S, 0.125)
    m = now.reach(strike * 100, spot)
    quotes = []
    for value in (now.call, now.put):
        mid = max(0.0, value(strike * 100, spot, m))
        quotes.append(on_ticks(mid, now.half_spread(mid, m)))
    (call_bid, call_ask), (put_bid, put_ask) = quotes
    fair = now.discount * (spot * now.growth - strike * 100)
    assert call_bid - put_ask <= fair + 1e-6
    assert fair <= call_ask - put_bid + 1e-6


@given(st.floats(0, 100_000), st.floats(5, 500))
def test_quote_lies_on_the_tick_around_the_mid(mid: float, half: float) -> None:
    bid, ask = on_ticks(mid, half)
    assert bid % 5 == ask % 5 == 0
    assert 0 <= bid <= mid <= ask
    assert ask >= 5
    assert bid == 0 or bid <= mid - half


def test_reach_is_clipped() -> None:
    assert NOW.reach(5_000_000, SPOT) == 6
    assert NOW.reach(100_000, SPOT) == -6


def test_time_never_runs_out_entirely() -> None:
    assert years_left(1_000, 1_000 + YEAR_S) == 1
    assert years_left(2_000, 1_000) == 1 / YEAR_S
    spent = moment(MarketParams(), years_left(2_000, 1_000), 0.12)
    m = spent.reach(2_500_000, 2_600_000)
    assert spent.call(2_500_000, 2_600_000, m) == pytest.approx(100_000, abs=1)
