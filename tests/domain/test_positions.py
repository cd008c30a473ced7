"""Legs: what is still short, and what was earned."""

import pytest

from domain.positions import Execution, Phase
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


def test_excess_that_was_bought_is_no_realised_loss_of_the_short() -> None:
    doubled = a_leg(units=650, average=12_950, bought=((650, 13_000), (650, 13_000)))
    assert (doubled.short, doubled.gross) == (-650, 650 * (12_950 - 13_000))
    assert a_leg(units=650, average=12_950, bought=((325, 13_000),)).gross == 325 * -50


def test_leg_that_is_short_again_after_its_end_is_to_be_left_again() -> None:
    done = a_leg(bought=((650, 13_000), (65, 13_000)), phase=Phase.DONE)
    sold_twice = (*done.bought, Execution(units=Units(-130), value=-130 * 12_900))
    again = done.returned_by(sold_twice)
    assert (again.short, again.phase) == (65, Phase.CHASE)
    assert done.returned_by(done.bought) == done
