import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.pack import load
from domain.books import Action
from domain.charges import Charges, charge
from domain.units import Day, Paise

PACK = load()
JULY = PACK.charges(Day("2026-07-15"))
SOLD, BOUGHT = 650 * 13_000, 650 * 12_000


def test_worked_sale_of_july_2026() -> None:
    sale = charge(Action.SELL, SOLD, JULY)
    assert sale == Charges(
        brokerage=Paise(2000),
        stt=Paise(12_675),
        transaction=Paise(3002),
        sebi=Paise(8),
        gst=Paise(902),
    )
    assert sale.total == 18_587


def test_worked_purchase_of_july_2026() -> None:
    purchase = charge(Action.BUY, BOUGHT, JULY)
    assert purchase == Charges(
        brokerage=Paise(2000),
        transaction=Paise(2771),
        sebi=Paise(8),
        stamp=Paise(234),
        gst=Paise(860),
    )
    assert purchase.total == 5873


def test_worked_round_trip_before_and_after_the_budget() -> None:
    march = PACK.charges(Day("2026-03-30"))
    assert charge(Action.SELL, SOLD, march).stt == 8450
    for rates, paid in ((JULY, 24_460), (march, 20_235)):
        total = charge(Action.SELL, SOLD, rates).total + charge(Action.BUY, BOUGHT, rates).total
        assert total == paid
        assert SOLD - BOUGHT - total == 650_000 - paid


@pytest.mark.parametrize(
    ("day", "stt"),
    [
        ("2016-05-31", 1700),
        ("2016-06-01", 5000),
        ("2016-06-02", 5000),
        ("2023-03-31", 5000),
        ("2023-04-01", 6250),
        ("2023-04-02", 6250),
        ("2024-09-30", 6250),
        ("2024-10-01", 10_000),
        ("2024-10-02", 10_000),
        ("2026-03-31", 10_000),
        ("2026-04-01", 15_000),
        ("2026-04-02", 15_000),
    ],
)
def test_tax_on_a_crore_sold_is_the_rate_of_the_day(day: str, stt: int) -> None:
    assert charge(Action.SELL, 10**9, PACK.charges(Day(day))).stt == stt * 100


@pytest.mark.parametrize(("turnover", "sebi"), [(499_999, 0), (500_000, 1), (1_499_999, 1)])
def test_half_a_paisa_is_rounded_up(turnover: int, sebi: int) -> None:
    assert charge(Action.SELL, turnover, JULY).sebi == sebi


def test_order_that_never_traded_costs_nothing() -> None:
    assert charge(Action.BUY, 0, JULY) == Charges()
    assert Charges().total == 0


@given(st.sampled_from(Action), st.integers(1, 10**12))
def test_total_is_the_sum_of_lines_near_the_exact_rates(action: Action, turnover: int) -> None:
    lines = charge(action, turnover, JULY)
    share = turnover / 10**7
    taxed = 2000 + share * 3563
    exact = taxed * 1.18 + share * (15_000 if action is Action.SELL else 300)
    assert abs(lines.total - exact) <= 0.5 * 4 + 0.2
