import pytest

from domain.exits import stop_plan
from domain.params import SizingParams, StopParams
from domain.sizing import entry_units, lots
from domain.strategy import StopLimit
from domain.units import Paise, Units
from tests.trading import a_contract


@pytest.mark.parametrize(
    ("points", "lot", "wanted", "risk"),
    [
        (400, 65, 10, 260_000),
        (1_000, 65, 10, 650_000),
        (1_100, 65, 9, 643_500),
        (1_500, 65, 6, 585_000),
        (3_000, 65, 3, 585_000),
        (1_000, 75, 8, 600_000),
        (1_400, 65, 7, 637_000),
        (1_450, 65, 6, 565_500),
    ],
)
def test_one_r_buys_so_many_lots(points: int, lot: int, wanted: int, risk: int) -> None:
    found = lots(Paise(points), Units(lot), SizingParams())
    assert found == wanted
    assert found * lot * points == risk


def test_too_wide_a_stop_buys_nothing() -> None:
    assert lots(Paise(10_001), Units(65), SizingParams()) == 0


def test_stop_at_or_below_the_entry_buys_nothing() -> None:
    assert lots(Paise(0), Units(65), SizingParams()) == 0
    assert lots(Paise(-100), Units(65), SizingParams()) == 0


def units_of(swing: int, stop: int, *, basis: str = "swing", freeze: int = 1800) -> int:
    price = StopLimit(Paise(swing - 5), Paise(swing - 305))
    plan = stop_plan(stop, StopParams(), Paise(5))
    params = SizingParams(basis=basis)  # type: ignore[arg-type] # parametrised by the caller
    return entry_units(Paise(swing), price, plan, a_contract(freeze=freeze), params)


def test_by_swing_the_risk_is_measured_from_swing_to_trigger() -> None:
    assert units_of(13_000, 14_100) == 585


def test_by_worst_the_risk_is_measured_from_limit_to_limit() -> None:
    """126.95 to 144.00 is 17.05 points: 5 lots."""
    assert units_of(13_000, 14_100, basis="worst") == 325


def test_one_order_stays_below_the_freeze_quantity() -> None:
    assert units_of(13_000, 14_000, freeze=600) == 585
