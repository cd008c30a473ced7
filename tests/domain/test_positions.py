"""Legs: what is still short, and what was earned."""

import pytest

from domain.units import Units
from tests.trading import a_leg


def test_leg_is_short_what_was_sold_and_not_bought_back() -> None:
    leg = a_leg(units=650, bought=((65, 14_000), (130, 14_100)))
    assert leg.bought_units == Units(195)
    assert leg.short == Units(455)
    assert a_leg(units=65, bought=((130, 14_000),)).short == -65


def test_result_counts_only_the_units_bought_back() -> None:
    assert a_leg(units=650, average=12_950).gross == 0
    assert a_leg(units=650, average=12_950, bought=((650, 14_300),)).gross == -877_500
    assert a_leg(units=650, average=12_950, bought=((65, 12_000),)).gross == 65 * 950


@pytest.mark.incident("INC-68")
def test_trade_is_closed_and_priced_by_trades_only() -> None:
    leg = a_leg(units=650, average=12_950, bought=((325, 14_000), (325, 14_100)))
    assert (leg.short, leg.gross) == (0, 650 * 12_950 - 325 * 14_000 - 325 * 14_100)


def test_leg_without_a_sale_earned_nothing() -> None:
    assert a_leg(units=0, average=0).gross == 0
