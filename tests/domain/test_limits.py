from fractions import Fraction

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.charges import ChargeRates
from domain.contracts import Side
from domain.limits import (
    DAY_STOP,
    DAY_TARGET,
    DayLimit,
    Result,
    Tally,
    leg_result,
    room,
    verdict,
)
from domain.params import DayParams, LimitParams
from domain.positions import Execution, Leg, Phase
from domain.strategy import Last, Room
from domain.units import SECOND, Micros, Paise, Symbol, Units
from tests.trading import OPEN, Prices, a_contract, a_leg

# The rates of July 2026: market-rules.md section 5.
RATES = ChargeRates(
    brokerage=Paise(2_000),
    stt_sell=15_000,
    transaction=3_553,
    sebi=10,
    stamp_buy=300,
    gst_bps=1_800,
)
FREE = ChargeRates(brokerage=Paise(0), stt_sell=0, transaction=0, sebi=0, stamp_buy=0, gst_bps=0)
PARAMS = DayParams()


def test_part_that_others_bought_back_costs_what_they_paid_and_no_charges_of_ours() -> None:
    others = Execution(units=Units(650), value=650 * 13_000)
    returned = msgspec.structs.replace(a_leg(), returned=others)
    assert leg_result(returned, None, FREE).pnl == 650 * (12_950 - 13_000)
    bought = a_leg(bought=((650, 13_000),))
    assert leg_result(returned, None, RATES).pnl > leg_result(bought, None, RATES).pnl


def mark(price: int, *, fresh: bool = True) -> Last:
    return Last(Paise(price), OPEN, fresh)


def shorts(ce: int, pe: int) -> dict[Symbol, Side]:
    calls = {a_contract(26_000 + 50 * n).symbol: Side.CE for n in range(ce)}
    puts = {a_contract(26_000 + 50 * n, Side.PE).symbol: Side.PE for n in range(pe)}
    return calls | puts


@pytest.mark.parametrize(
    ("ce", "pe", "left"),
    [
        (0, 0, Room(5, 3, 3)),
        (2, 1, Room(2, 1, 2)),
        (3, 2, Room(0, 0, 1)),
        (4, 3, Room(0, 0, 0)),
    ],
)
def test_room_is_what_open_and_resting_shorts_leave(ce: int, pe: int, left: Room) -> None:
    assert room(LimitParams(), shorts(ce, pe)) == left


def test_short_that_gains_is_worth_its_profit_after_charges_by_what_it_risked() -> None:
    """650 at 129.50, stop 141.00: risk 7,475. Mark 120.00: 6,175 less about 244."""
    found = leg_result(a_leg(), mark(12_000), RATES)
    charges = 617_500 - found.pnl
    assert charges == 18_525 + 5_873
    assert found == Result(pnl=593_102, r=Fraction(593_102, 747_500), fresh=True, marked_at=OPEN)
    assert round(float(found.r), 3) == 0.793


def test_short_stopped_beyond_its_stop_has_lost_more_than_one_r() -> None:
    """Stop filled at 143.00: -8,775 gross, -1.174 R before charges."""
    stopped = a_leg(bought=((650, 14_300),), phase=Phase.DONE)
    found = leg_result(stopped, None, FREE)
    assert (found.pnl, found.fresh) == (-877_500, True)
    assert round(float(found.r), 3) == -1.174
    assert leg_result(stopped, None, RATES).pnl < -877_500


def test_every_buying_order_pays_its_own_charges() -> None:
    at_once = leg_result(a_leg(bought=((650, 12_000),)), None, RATES)
    in_two = leg_result(a_leg(bought=((325, 12_000), (325, 12_000))), None, RATES)
    # One brokerage more with its 18 %, and a paisa of rounding.
    assert at_once.pnl - in_two.pnl == 2_361


def test_part_bought_back_counts_at_its_price_and_the_rest_at_the_mark() -> None:
    found = leg_result(a_leg(bought=((325, 12_500),)), mark(12_700), FREE)
    assert found.pnl == 325 * (12_950 - 12_500) + 325 * (12_950 - 12_700)


def test_short_without_a_mark_counts_at_its_average_and_is_not_fresh() -> None:
    assert leg_result(a_leg(), None, FREE) == Result(pnl=0, r=Fraction(0), fresh=False)


def test_short_sold_at_its_stop_has_no_r_but_its_money_counts() -> None:
    for average in (14_100, 14_150):
        found = leg_result(a_leg(average=average), mark(14_200), FREE)
        assert (found.pnl, found.r) == (650 * (average - 14_200), Fraction(0))


def test_leg_that_never_filled_is_worth_nothing() -> None:
    assert leg_result(a_leg(units=0), None, RATES) == Result()


def test_day_sums_closed_and_open_shorts() -> None:
    tally = Tally(FREE)
    closed = a_leg(bought=((650, 12_000),), phase=Phase.DONE, leg="1")
    other = a_leg(a_contract(side=Side.PE).symbol, leg="2", side=Side.PE)
    found = tally.of([closed, other], Prices(13_000))
    assert found == Result(
        pnl=617_500 - 32_500, r=Fraction(617_500 - 32_500, 747_500), marked_at=OPEN
    )


def test_closed_short_is_worked_out_once_and_again_when_it_changes() -> None:
    asked: list[Symbol] = []

    def marks(symbol: Symbol) -> None:
        asked.append(symbol)

    tally = Tally(FREE)
    closed = a_leg(bought=((650, 12_000),))
    first = tally.of([closed], marks)
    assert tally.of([closed], marks) == first
    assert len(asked) == 1
    late_trade = a_leg(bought=((650, 12_100),))
    assert tally.of([late_trade], marks).pnl == 650 * 850


def test_open_short_is_worked_out_again_at_each_mark() -> None:
    tally, leg = Tally(FREE), a_leg()
    assert tally.of([leg], Prices(13_000)).pnl == -32_500
    assert tally.of([leg], Prices(12_900)).pnl == 32_500


@pytest.mark.parametrize(
    ("r", "found"),
    [
        (Fraction(-5), DAY_STOP),
        (Fraction(-4_999, 1_000), ""),
        (Fraction(5), DAY_TARGET),
        (Fraction(4_999, 1_000), ""),
    ],
)
def test_day_ends_at_exactly_five_r(r: Fraction, found: str) -> None:
    assert verdict(Result(r=r), PARAMS) == found


def test_target_needs_fresh_marks_and_the_stop_does_not() -> None:
    assert verdict(Result(r=Fraction(6), fresh=False), PARAMS) == ""
    assert verdict(Result(r=Fraction(-6), fresh=False), PARAMS) == DAY_STOP


def test_day_ends_by_its_loss_in_rupees_alone() -> None:
    assert verdict(Result(pnl=-4_875_000), PARAMS) == DAY_STOP
    assert verdict(Result(pnl=-4_874_999), PARAMS) == ""
    assert verdict(Result(pnl=-4_875_000), DayParams(loss_p=0)) == ""


def test_limit_must_be_met_for_a_while() -> None:
    limit = DayLimit(PARAMS)
    over = Result(r=Fraction(-5))
    at = OPEN
    assert limit.check(over, at) == ""
    assert limit.check(over, Micros(at + SECOND)) == ""
    assert limit.check(over, Micros(at + 2 * SECOND)) == DAY_STOP


def test_one_price_of_a_short_proves_nothing_until_a_second_one_does() -> None:
    limit = DayLimit(PARAMS)

    def over(second: float, r: int = -5) -> Result:
        return Result(r=Fraction(r), marked_at=Micros(OPEN + round(second * SECOND)))

    assert limit.check(over(0), OPEN) == ""
    for second in (2, 10, 29):
        assert limit.check(over(0), Micros(OPEN + second * SECOND)) == ""
    assert limit.check(over(29.5), Micros(OPEN + 29 * SECOND)) == DAY_STOP
    alone = DayLimit(PARAMS)
    alone.check(over(0), OPEN)
    assert alone.check(over(0), Micros(OPEN + 30 * SECOND)) == DAY_STOP
    target = DayLimit(PARAMS)
    target.check(over(0, 5), OPEN)
    assert target.check(over(0, 5), Micros(OPEN + 300 * SECOND)) == ""
    assert target.check(over(300, 5), Micros(OPEN + 301 * SECOND)) == DAY_TARGET


def test_result_is_as_old_as_its_oldest_mark() -> None:
    old, new = Result(marked_at=OPEN), Result(marked_at=Micros(OPEN + 1))
    assert (old + new).marked_at == (new + old).marked_at == OPEN
    assert (Result() + new).marked_at == OPEN + 1
    assert (Result() + Result()).marked_at is None


def test_price_that_came_back_starts_the_wait_again() -> None:
    limit = DayLimit(PARAMS)
    over, fine = Result(r=Fraction(-5)), Result(r=Fraction(-4))
    assert limit.check(over, OPEN) == ""
    assert limit.check(fine, Micros(OPEN + SECOND)) == ""
    assert limit.check(over, Micros(OPEN + 2 * SECOND)) == ""
    assert limit.check(over, Micros(OPEN + 3 * SECOND)) == ""
    assert limit.check(over, Micros(OPEN + 4 * SECOND)) == DAY_STOP


@pytest.mark.incident("INC-79")
@given(st.lists(st.tuples(st.integers(9_000, 14_000), st.integers(9_000, 20_000)), max_size=6))
def test_loss_limit_survives_restarts_and_needs_a_cause(trades: list[tuple[int, int]]) -> None:
    """The day's result is a function of its trades: whoever folds them again gets the same."""
    legs: list[Leg] = [
        a_leg(average=sold, bought=((650, bought),), leg=str(n))
        for n, (sold, bought) in enumerate(trades)
    ]
    live, again = Tally(RATES), Tally(RATES)
    for n in range(len(legs)):
        live.of(legs[:n], Prices())
    assert live.of(legs, Prices()) == again.of(reversed(legs), Prices())
    assert verdict(Result(), PARAMS) == ""
