import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.params import FilterParams
from domain.selection import Fit, Rejection, rank, stage_one, stage_two, stop_of
from domain.swings import SwingEvent, SwingKind
from domain.units import Paise
from tests.trading import a_contract, minute

PARAMS = FilterParams()


def a_low(price: int, vwap: tuple[int, int] = (10_000, 1)) -> SwingEvent:
    return SwingEvent(
        kind=SwingKind.LOW,
        price=Paise(price),
        index=1,
        minute=minute(1),
        vwap_num=vwap[0],
        vwap_den=vwap[1],
        hh=Paise(price + 600),
    )


@pytest.mark.parametrize(
    ("price", "passes"), [(10_000, True), (30_000, True), (9_995, False), (30_005, False)]
)
def test_swing_must_lie_within_the_price_range(price: int, passes: bool) -> None:
    found = stage_one(a_low(price, (5_000, 1)), PARAMS)
    assert (found is None) is passes


def test_price_out_of_range_drops_the_older_candidate_and_says_the_number() -> None:
    detail = "swing=99.95 min=100.00 max=300.00"
    assert stage_one(a_low(9_995), PARAMS) == Rejection(rule="price", detail=detail, drops=True)


@pytest.mark.parametrize(
    ("price", "vwap", "passes"),
    [
        (13_000, (12_500, 1), True),
        (12_995, (12_500, 1), False),
        # VWAP 100.6667 is 302.00 / 3: 4 % above is 104.6933, between two ticks.
        (10_470, (30_200, 3), True),
        (10_465, (30_200, 3), False),
    ],
)
def test_swing_must_stand_the_premium_above_vwap(
    price: int, vwap: tuple[int, int], passes: bool
) -> None:
    assert (stage_one(a_low(price, vwap), PARAMS) is None) is passes


def test_low_premium_keeps_the_older_candidate_and_says_the_number() -> None:
    detail = "swing=129.95 vwap=125.00 bps=396 min=400"
    found = stage_one(a_low(12_995, (12_500, 1)), PARAMS)
    assert found == Rejection(rule="premium", detail=detail)


def test_swing_without_vwap_fails_and_keeps_the_older_candidate() -> None:
    found = stage_one(a_low(12_995, (0, 0)), PARAMS)
    assert found == Rejection(rule="vwap", detail="swing=129.95 vwap=none")


@given(st.integers(10_000, 30_000), st.integers(1, 10**9), st.integers(1, 10**5))
def test_premium_is_compared_without_rounding(price: int, num: int, den: int) -> None:
    passes = stage_one(a_low(price, (num, den)), PARAMS) is None
    assert passes is (price * 100 * den >= num * 104)


@pytest.mark.parametrize(
    ("swing", "hh", "points", "is_in"),
    [
        (12_500, 13_000, 600, True),
        (12_500, 13_500, 1_100, True),
        (12_500, 13_900, 1_500, False),
        (13_000, 14_200, 1_300, True),  # exactly 10 %
        (13_000, 14_205, 1_305, False),
        (15_000, 15_200, 300, True),  # exactly 2 %
        (15_000, 15_195, 295, False),
        (20_000, 21_900, 2_000, True),
        (20_000, 21_905, 2_005, False),
    ],
)
def test_stop_must_stand_two_to_ten_percent_above_the_swing(
    swing: int, hh: int, points: int, is_in: bool
) -> None:
    fit = stage_two(Paise(swing), stop_of(Paise(hh), 100, Paise(5)), PARAMS)
    assert (fit.points, not fit.out) == (points, is_in)


def test_candidate_that_is_out_says_the_number() -> None:
    assert stage_two(Paise(12_500), Paise(14_000), PARAMS) == Fit(
        stop=Paise(14_000),
        points=Paise(1_500),
        out="swing=125.00 stop=140.00 points=15.00 bps=1200 min=200 max=1000",
    )


def test_stop_is_rounded_up_to_the_tick() -> None:
    assert stop_of(Paise(13_000), 7, Paise(5)) == 13_010


def test_tie_in_points_goes_to_the_round_strike() -> None:
    """26200CE with 11 points against 26250CE with 9."""
    far = rank(a_contract(26_200), Paise(13_000), Paise(1_100), 1_000)
    near = rank(a_contract(26_250), Paise(13_000), Paise(900), 1_000)
    assert far < near


def test_ranking_goes_on_by_higher_swing_and_then_by_name() -> None:
    low, high = (rank(a_contract(26_200), Paise(s), Paise(900), 1_000) for s in (13_000, 13_005))
    assert high < low
    first = rank(a_contract(26_200), Paise(13_000), Paise(900), 1_000)
    second = rank(a_contract(26_300), Paise(13_000), Paise(900), 1_000)
    assert first < second


def test_distance_counts_before_the_round_strike() -> None:
    odd = rank(a_contract(26_250), Paise(13_000), Paise(1_050), 1_000)
    even = rank(a_contract(26_200), Paise(13_000), Paise(1_055), 1_000)
    assert odd < even
