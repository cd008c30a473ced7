import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.rules.lpp import LppBand
from domain.units import Paise

TICK = Paise(5)
BAND = LppBand(
    flat_up_to_p=Paise(5000), flat_p=Paise(2000), band_bps=4000, window_s=30, quiet_s=900
)


@pytest.mark.parametrize(
    ("reference", "low", "high"),
    [(30_000, 18_000, 42_000), (5_000, 3_000, 7_000), (5_005, 3_005, 7_005), (1_200, 5, 3_200)],
)
def test_band_of_the_exchange_is_rounded_inward(reference: int, low: int, high: int) -> None:
    assert BAND.around(Paise(reference), TICK) == (low, high)


@pytest.mark.parametrize(
    ("reference", "high"), [(15_000, 20_400), (3_000, 4_800), (14_095, 19_165), (6_000, 8_160)]
)
def test_safety_uses_a_share_of_the_distance(reference: int, high: int) -> None:
    assert BAND.around(Paise(reference), TICK, safety_bps=9000)[1] == high


@pytest.mark.incident("INC-48")
@given(st.integers(1, 10**7), st.integers(1000, 10_000))
def test_prices_are_ticks_and_quantities_are_lots_in_the_band(reference: int, safety: int) -> None:
    low, high = BAND.around(Paise(reference), TICK, safety)
    distance = max(2000, reference * 40 / 100) * safety / 10_000
    assert low % TICK == high % TICK == 0
    assert low >= TICK
    assert low >= reference - distance - 1e-6
    assert reference + distance - TICK - 1e-6 < high <= reference + distance + 1e-6
