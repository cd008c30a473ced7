"""The stop's numbers, the ladder's rungs and the band, by the worked examples of the design."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.exits import (
    Reference,
    Tape,
    band_high,
    band_low,
    is_band,
    rung,
    rung_down,
    stop_plan,
)
from domain.orders import StopPlan
from domain.params import ExitParams, StopParams
from domain.units import Paise
from tests.orders import t

TICK = Paise(5)
WIDE = StopParams(limit_offset_p=300, limit_offset_bps=800)


@pytest.mark.parametrize(
    ("stop", "trigger", "limit"),
    [
        (14_100, 14_100, 15_230),
        (3_002, 3_005, 3_305),
        (3_750, 3_750, 4_050),
        (30_000, 30_000, 32_400),
    ],
)
def test_stop_stands_the_larger_offset_above_its_trigger(
    stop: int, trigger: int, limit: int
) -> None:
    assert stop_plan(stop, WIDE, TICK) == StopPlan(trigger=Paise(trigger), limit=Paise(limit))


def test_reference_stop_of_three_rupees() -> None:
    assert stop_plan(14_100, StopParams(), TICK) == StopPlan(
        trigger=Paise(14_100), limit=Paise(14_400)
    )


@given(st.integers(5, 10**6), st.integers(5, 5000), st.integers(0, 1500))
def test_stop_plan_is_on_tick_and_never_below_what_was_asked(
    stop: int, offset: int, bps: int
) -> None:
    plan = stop_plan(stop, StopParams(limit_offset_p=offset * 5, limit_offset_bps=bps), TICK)
    assert stop <= plan.trigger < stop + TICK
    assert plan.trigger % TICK == plan.limit % TICK == 0
    assert plan.limit - plan.trigger >= offset * 5


@pytest.mark.parametrize(
    ("reference", "rungs"),
    [(15_000, [15_750, 16_500, 17_250]), (3_000, [3_200, 3_400, 3_600]), (17_500, [18_375])],
)
def test_rungs_climb_by_a_step_each(reference: int, rungs: list[int]) -> None:
    climbed, price = [], Paise(0)
    for n in range(len(rungs)):
        price = rung(n, price, reference, ExitParams(), TICK)
        climbed.append(price)
    assert climbed == rungs


def test_rung_never_goes_back() -> None:
    assert rung(1, Paise(18_000), 15_000, ExitParams(), TICK) == 18_000


@pytest.mark.parametrize(
    ("reference", "high"), [(15_000, 20_400), (3_000, 4_800), (6_000, 8_160), (14_095, 19_165)]
)
def test_band_ends_above_at_nine_tenths_of_its_width(reference: int, high: int) -> None:
    assert band_high(reference, 9000, TICK) == high


@pytest.mark.parametrize(("reference", "low"), [(15_000, 9_600), (3_000, 1_200), (1_000, 5)])
def test_band_ends_below_at_the_same_distance_but_never_at_nothing(
    reference: int, low: int
) -> None:
    assert band_low(reference, 9000, TICK) == low


def a_price(ltp: int, ask: int = 0, when: float = 0) -> Reference:
    return Reference(ask=Paise(ask), ltp=Paise(ltp), at=t(when))


def test_best_ask_comes_before_the_last_price() -> None:
    assert a_price(14_000, 14_010).price == 14_010
    assert a_price(14_000).price == 14_000


def test_tape_forgets_prices_after_thirty_seconds() -> None:
    tape = Tape()
    assert tape.mean(t(0)) is None
    for when, ltp in ((0, 10_000), (20, 11_000), (31, 12_000)):
        tape.add(a_price(ltp, when=when))
    assert tape.mean(t(31)) == 11_500
    assert tape.mean(t(50)) == 11_500
    assert tape.mean(t(51)) == 12_000
    assert tape.mean(t(62)) is None


def test_tape_leaves_a_missing_price_out_of_its_mean() -> None:
    tape = Tape()
    tape.add(a_price(0, 14_010))
    assert tape.newest == a_price(0, 14_010)
    assert tape.mean(t(0)) is None


def test_quote_is_fresh_for_three_seconds() -> None:
    tape = Tape()
    assert tape.fresh(t(0), 3) is None
    tape.add(a_price(14_000))
    assert tape.fresh(t(3), 3) == a_price(14_000)
    assert tape.fresh(t(3.000001), 3) is None


@pytest.mark.parametrize(
    ("reference", "rungs"), [(15_000, [14_250, 13_500, 12_750]), (300, [100, 0, 0])]
)
def test_rungs_of_a_sale_descend_by_a_step_each_and_end_at_nothing(
    reference: int, rungs: list[int]
) -> None:
    descended, price = [], Paise(0)
    for n in range(len(rungs)):
        price = rung_down(n, price, reference, ExitParams(), TICK)
        descended.append(price)
    assert descended == rungs


def test_rung_of_a_sale_never_goes_back_up() -> None:
    assert rung_down(0, Paise(12_000), 15_000, ExitParams(), TICK) == 12_000


def test_best_bid_comes_before_the_last_price_in_a_sale() -> None:
    quote = Reference(ask=Paise(0), ltp=Paise(14_000), at=t(0), bid=Paise(13_990))
    assert (quote.sale, a_price(14_000).sale) == (13_990, 14_000)


@pytest.mark.parametrize(
    "reason",
    [
        "BAND",
        "Order price is beyond LPP limit",
        "beyond LPP",
        "16283: The order price is out of the current execution range",
        "price outside Price Band",
    ],
)
def test_refusal_for_the_band_is_told_by_its_code_or_words(reason: str) -> None:
    assert is_band(reason)


@pytest.mark.parametrize("reason", ["", "SESSION", "FUNDS", "abandoned", "Insufficient margin"])
def test_other_refusal_is_not_for_the_band(reason: str) -> None:
    assert not is_band(reason)


def test_most_careful_mean_is_looked_for_over_the_last_minute() -> None:
    tape = Tape()
    assert tape.extreme_mean(t(0), 1) is None
    for when, ltp in ((0, 10_000), (40, 14_000), (50, 12_000)):
        tape.add(a_price(ltp, when=when))
    assert (tape.extreme_mean(t(60), 1), tape.extreme_mean(t(60), -1)) == (10_000, 14_000)
    assert tape.extreme_mean(t(61), 1) == 13_000
    tape.add(a_price(20_000, when=101))
    assert (tape.extreme_mean(t(110), 1), tape.extreme_mean(t(111), 1)) == (13_000, 20_000)
