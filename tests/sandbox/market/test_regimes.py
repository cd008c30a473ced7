"""Crash, expiry and halt: what befalls the spot, by the figures of `sandbox.md` 3.1."""

import itertools
from dataclasses import replace
from functools import cache
from math import exp, log, sqrt
from statistics import fmean
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.units import Paise
from sandbox.market.hours import Session
from sandbox.market.regimes import Pull, Slide, Weather, season, weather
from sandbox.market.spot import path
from sandbox.params import CrashParams, ExpiryParams, HaltParams, MarketParams

SESSION = Session(open_s=0, close_s=23_100, open_minute=555)
SPOT = Paise(2_600_000)
CRASH = CrashParams(sigma_bp=1800, drift_bp=0, jumps_per_day=3, jump_sd_bp=30)
EXPIRY = ExpiryParams(sigma_bp=1300, drift_bp=0, jumps_per_day=1, jump_sd_bp=40)
HALT = HaltParams(sigma_bp=900, drift_bp=0, jumps_per_day=0, jump_sd_bp=0)
DAYS = 120


def mood(regime: str, random_seed: int = 1, **changes: Any) -> Weather:
    """Return the weather of a day; `changes` are those of its own kind of day."""
    market = MarketParams()
    numbers = replace(getattr(market, regime), **changes)
    asked = replace(market, **{"regime": regime, regime: numbers})
    return weather(asked, random_seed, SESSION)


@cache
def days(regime: str, *, jumping: bool = False) -> list[list[int]]:
    """Return the paths of many days, by default without their jumps, which blur a spread."""
    moods = (mood(regime, seed) for seed in range(DAYS))
    still = (each if jumping else replace(each, jumps=()) for each in moods)
    return [path(SPOT, each, SESSION, seed) for seed, each in enumerate(still)]


def second(wall: str) -> int:
    return SESSION.second(wall)


def spread(regime: str, begin: str, end: str) -> float:
    """Return the yearly volatility measured between two times, as if u(t) were 1."""
    squares = []
    for prices in days(regime):
        for n in range(second(begin), second(end)):
            step = log(prices[n + 1] / prices[n])
            squares.append((step / season(555 + (n + 1) // 60)) ** 2)
    return sqrt(fmean(squares)) * sqrt(252 * 22_500)


def test_numbers_of_the_table_are_the_defaults() -> None:
    market = MarketParams()
    assert (market.crash, market.expiry, market.halt) == (CRASH, EXPIRY, HALT)
    assert (CRASH.shock_at, CRASH.drop_bp, CRASH.drop_min) == ("11:07", 300, 12)
    assert (CRASH.shock_sigma_bp, CRASH.half_life_min, CRASH.learn_min) == (4500, 40, 12)
    assert (CRASH.spread_x, CRASH.no_asks_s) == (3, 4)
    assert (EXPIRY.pull_from, EXPIRY.pull_points) == ("14:00", 100)
    assert (EXPIRY.jumps_from, EXPIRY.jumps_min) == ("14:45", 20)
    assert (HALT.halt_at, HALT.halt_min, HALT.drop_bp) == ("11:00", 45, 0)


def test_second_of_a_wall_time_counts_from_the_open() -> None:
    assert [second(wall) for wall in ("09:15", "09:15:07", "11:07", "09:00")] == [0, 7, 6720, -900]


def test_instants_of_a_span_begin_at_the_open() -> None:
    assert Session(open_s=100, close_s=200, open_minute=0).instants((3, 5)) == (
        103_000_000,
        105_000_000,
    )


@pytest.mark.slow
def test_crash_falls_by_3_percent_in_12_minutes_from_1107() -> None:
    """The mean over many days; the noise of one is 45 % a year on 12 minutes."""
    falls = [log(p[second("11:19")] / p[second("11:07")]) for p in days("crash")]
    noise = 0.45 * 0.8 * sqrt(720 / (252 * 22_500)) / sqrt(DAYS)
    assert fmean(falls) == pytest.approx(log(0.97), abs=3 * noise)
    rest = [log(p[-1] / p[second("11:19")]) for p in days("crash")]
    assert fmean(rest) == pytest.approx(0, abs=0.004)


def test_fall_is_even_and_exact_without_noise() -> None:
    still = replace(mood("crash"), volatility=0.0, shock=None, jumps=())
    prices = path(SPOT, still, SESSION, 1)
    assert {prices[second(wall)] for wall in ("09:15", "11:00", "11:07")} == {SPOT}
    assert prices[second("11:13")] == pytest.approx(SPOT * sqrt(0.97), abs=5)
    assert {*prices[second("11:19") :]} == {round(SPOT * 0.97 / 5) * 5}


def test_crash_is_45_percent_at_the_shock_and_halves_back_in_40_minutes() -> None:
    day = mood("crash")
    minute = second("11:07") // 60
    assert day.sigma(minute - 1) == pytest.approx(0.18)
    assert day.sigma(minute) == pytest.approx(0.45)
    assert day.sigma(minute + 40) == pytest.approx(0.18 + 0.27 / 2)
    assert day.sigma(minute + 120) == pytest.approx(0.18 + 0.27 / 8)


def test_options_learn_of_the_volatility_over_the_fall() -> None:
    """A premium that triples in an instant could not be covered inside its price band."""
    day = mood("crash")
    minute = second("11:07") // 60
    assert [day.implied(minute + n) for n in (-1, 0)] == pytest.approx([0.18, 0.18])
    assert day.implied(minute + 6) == pytest.approx((0.18 + day.sigma(minute + 6)) / 2)
    assert all(day.implied(minute + n) == day.sigma(minute + n) for n in (12, 13, 40))
    at_once = mood("crash", learn_min=0)
    assert all(at_once.implied(n) == at_once.sigma(n) for n in range(385))


def test_minute_that_holds_the_shock_belongs_to_it() -> None:
    day = mood("crash", shock_at="11:07:30")
    assert [day.sigma(n) for n in (111, 112)] == pytest.approx([0.18, 0.45])
    assert day.sigma(113) == pytest.approx(0.18 + 0.27 * 0.5 ** (30 / 2400))


@pytest.mark.slow
def test_spread_of_a_crash_over_many_days() -> None:
    assert spread("crash", "09:30", "11:06") == pytest.approx(0.18, rel=0.03)
    assert spread("crash", "11:07", "11:12") == pytest.approx(0.45, rel=0.05)
    assert spread("crash", "11:47", "11:49") == pytest.approx(0.315, rel=0.05)


def test_quotes_of_a_crash_are_three_times_as_wide_from_the_shock_on() -> None:
    day = mood("crash")
    assert [day.spread_x(n) for n in (0, 111, 112, 384)] == [1, 1, 3, 3]


def test_asks_of_a_crash_are_gone_for_4_seconds_of_the_fall_drawn_by_the_seed() -> None:
    spans = [mood("crash", seed).no_asks for seed in range(50)]
    assert {end - begin for begin, end in spans} == {4}
    assert all(second("11:07") <= begin and end <= second("11:19") for begin, end in spans)
    assert len({*spans}) > 40


def test_crash_outside_the_session_is_none() -> None:
    assert mood("crash", shock_at="09:00") == replace(
        mood("crash"), forces=(), shock=None, no_asks=(0, 0)
    )


def test_crash_jumps_three_times_a_day() -> None:
    jumps = [mood("crash", seed).jumps for seed in range(300)]
    assert fmean(map(len, jumps)) == pytest.approx(3, abs=0.3)
    sizes = [size for day in jumps for _, size in day]
    assert sqrt(fmean(size * size for size in sizes)) == pytest.approx(0.003, rel=0.1)


def test_expiry_jumps_between_1445_and_1505() -> None:
    jumps = [jump for seed in range(400) for jump in mood("expiry", seed).jumps]
    assert len(jumps) / 400 == pytest.approx(1, abs=0.15)
    assert all(second("14:45") <= when < second("15:05") for when, _ in jumps)
    assert sqrt(fmean(size * size for _, size in jumps)) == pytest.approx(0.004, rel=0.1)


@pytest.mark.slow
def test_expiry_is_pulled_to_the_nearest_hundred_from_1400() -> None:
    """Evenly spread prices are 25 points from the nearest hundred on average."""

    def distance(wall: str) -> float:
        return fmean(abs((p[second(wall)] + 5_000) % 10_000 - 5_000) for p in days("expiry")) / 100

    assert distance("13:59") == pytest.approx(25, abs=5)
    assert distance("14:20") < 20
    assert distance("14:40") < 20


def test_pull_goes_half_of_the_way_in_its_half_life() -> None:
    pull = Pull(begin=10, step=10_000.0, share=1 - 0.5 ** (1 / 300))
    level = log(2_603_000)
    assert pull.push(9, level) == 0.0
    for n in range(10, 310):
        level += pull.push(n, level)
    assert exp(level) == pytest.approx(2_601_500, abs=1)


@given(st.integers(1, 10_000_000))
def test_pull_never_passes_its_price_nor_ends_at_none(price: int) -> None:
    pull = Pull(begin=0, step=10_000.0, share=0.5)
    nearest = max(10_000, round(price / 10_000) * 10_000)
    before = log(nearest) - log(price)
    after = before - pull.push(0, log(price))
    assert after * before >= 0
    assert abs(after) <= abs(before)


@pytest.mark.slow
def test_spread_of_an_expiry_before_the_pull() -> None:
    assert spread("expiry", "09:30", "13:59") == pytest.approx(0.13, rel=0.03)


def test_slide_is_spent_when_it_ends() -> None:
    slide = Slide((10, 20), -0.1)
    pushes = [slide.push(n, 14.0) for n in range(40)]
    assert sum(pushes) == pytest.approx(-0.1)
    assert pushes[10] == pushes[21] == 0.0
    assert pushes[11] == pushes[20] == pytest.approx(-0.01)


def test_halt_is_a_calm_day_whose_spot_goes_on_unseen() -> None:
    day = mood("halt")
    assert day.halt == (second("11:00"), second("11:45"))
    calm = replace(mood("calm"), jumps=())
    assert path(SPOT, day, SESSION, 1) == path(SPOT, calm, SESSION, 1)


def test_halt_may_come_of_a_fall_to_the_first_circuit_limit() -> None:
    still = replace(mood("halt", drop_bp=1000), volatility=0.0)
    prices = path(SPOT, still, SESSION, 1)
    assert prices[second("10:54:59")] == SPOT
    assert prices[second("10:59:59")] == prices[second("11:45")] == SPOT * 9 // 10
    falling = prices[second("10:54:59") : second("11:00")]
    assert all(a > b for a, b in itertools.pairwise(falling))


@pytest.mark.parametrize("regime", ["calm", "trend"])
def test_nothing_befalls_other_days(regime: str) -> None:
    day = mood(regime)
    assert (day.forces, day.shock, day.no_asks, day.halt) == ((), None, (0, 0), (0, 0))
    assert {day.spread_x(n) for n in range(385)} == {1.0}
    assert {day.sigma(n) for n in range(385)} == {day.volatility}
    assert {day.implied(n) for n in range(385)} == {day.volatility}
