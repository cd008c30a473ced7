"""The path of the underlying against the figures of `sandbox.md` 3.1."""

import itertools
from math import log, sqrt
from statistics import fmean, pstdev

import pytest

from domain.units import Paise
from sandbox.market.hours import Session
from sandbox.market.regimes import Weather, season, weather
from sandbox.market.spot import path
from sandbox.params import MarketParams, RegimeParams

SESSION = Session(open_s=0, close_s=23_100, open_minute=555)
STILL = Weather(volatility=0.12, drift=0.0, jumps=())


def a_path(random_seed: int = 1, mood: Weather = STILL) -> list[int]:
    return path(Paise(2_600_000), mood, SESSION, random_seed)


@pytest.mark.slow
def test_spread_of_a_second_and_of_a_minute_over_200_days() -> None:
    """S 26,000, 12 %, u = 1: 1.31 points a second, 10.15 a minute, within 3 %.

    Dividing by u(t) makes every second one with u = 1; the tick of 0.05 hides in 3 %.
    """
    seconds: list[float] = []
    minutes: list[float] = []
    for random_seed in range(200):
        prices = a_path(random_seed)
        steps = [
            26_000 * log(b / a) / season(555 + (n + 1) // 60)
            for n, (a, b) in enumerate(itertools.pairwise(prices))
        ]
        seconds.append(fmean(step * step for step in steps))
        sums = [sum(steps[n : n + 60]) for n in range(59, len(steps) - 60, 60)]
        minutes.append(fmean(total * total for total in sums))
    assert sqrt(fmean(seconds)) == pytest.approx(1.31, rel=0.03)
    assert sqrt(fmean(minutes)) == pytest.approx(10.15, rel=0.03)


def test_seasonality_has_a_root_mean_square_of_1_008_over_375_minutes() -> None:
    squares = [season(minute) ** 2 for minute in range(555, 555 + 375)]
    assert sqrt(fmean(squares)) == pytest.approx(1.008, abs=0.001)


@pytest.mark.parametrize(
    ("wall", "u"),
    [
        ((9, 15), 1.90), ((9, 29), 1.90), ((9, 30), 1.20), ((10, 30), 0.80), ((12, 30), 0.75),
        ((14, 0), 1.05), ((15, 0), 1.25), ((15, 39), 1.25),
    ],
)  # fmt: skip
def test_seasonality_by_the_clock(wall: tuple[int, int], u: float) -> None:
    assert season(wall[0] * 60 + wall[1]) == u


def test_path_is_on_the_tick_one_price_a_second() -> None:
    prices = a_path()
    assert len(prices) == 23_100
    assert all(price % 5 == 0 for price in prices)
    assert prices == a_path()
    assert prices != a_path(2)


def test_drift_of_the_trend_is_0_8_percent_with_a_drawn_sign() -> None:
    params = MarketParams(regime="trend")
    drifts = {weather(params, seed, SESSION).drift * 22_500 for seed in range(30)}
    assert sorted(drifts) == pytest.approx([-0.008, 0.008])
    threefold = weather(MarketParams(regime="trend", trend_x=3), 1, SESSION)
    assert abs(threefold.drift) * 22_500 == pytest.approx(0.024)


def test_calm_has_no_drift_and_its_own_volatility() -> None:
    mood = weather(MarketParams(regime="calm", trend_x=3), 1, SESSION)
    assert (mood.drift, mood.volatility) == pytest.approx((0.0, 0.09))


def test_jumps_come_as_often_and_as_large_as_the_regime_says() -> None:
    often = RegimeParams(sigma_bp=900, drift_bp=0, jumps_per_day=2, jump_sd_bp=10)
    params = MarketParams(regime="calm", calm=often)
    days = [weather(params, seed, SESSION).jumps for seed in range(400)]
    jumps = [jump for day in days for jump in day]
    assert fmean(map(len, days)) == pytest.approx(2, abs=0.2)
    assert pstdev([size for _, size in jumps]) == pytest.approx(0.001, rel=0.1)
    assert all(0 <= when < 23_100 for when, _ in jumps)


def test_jump_shows_in_the_path_and_shifts_no_other_step() -> None:
    jumping = Weather(volatility=0.12, drift=0.0, jumps=((1_000, 0.01),))
    before, after = a_path(), a_path(mood=jumping)
    assert before[:1_000] == after[:1_000]
    assert after[1_000] / before[1_000] == pytest.approx(1.01, abs=0.0001)
    assert after[-1] / before[-1] == pytest.approx(1.01, abs=0.0001)


def test_closed_day_has_no_path() -> None:
    assert path(Paise(2_600_000), STILL, Session(0, 0, 555), 1) == []
