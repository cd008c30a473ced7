"""How an exit is made to fit, row by row; what it is refused for."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.books import Action, PriceType
from domain.gate_exits import USUAL_TICK, ExitCase, exit_verdict, sized_for
from domain.orders import Ticket
from domain.units import Paise, Units
from tests.orders import a_buy
from tests.trading import a_contract

SAFETY = 9000


def a_case(ticket: Ticket | None = None, **more: Any) -> ExitCase:
    """A stop for 650 units of a short of 650, the market far below."""
    known: dict[str, Any] = {
        "tick": Paise(5),
        "slice_max": Units(1755),
        "open_units": Units(650),
        "last": Paise(13_000),
        "reference": 14_100,
    }
    return ExitCase(ticket=ticket or a_buy(), **known | more)


def a_sell(units: int, price: int, trigger: int = 0) -> Ticket:
    return Ticket(
        symbol=a_buy().symbol,
        exchange="NFO",
        action=Action.SELL,
        quantity=Units(units),
        pricetype=PriceType.SL if trigger else PriceType.LIMIT,
        price=Paise(price),
        trigger=Paise(trigger),
        strategy="sutradhar",
    )


def codes(case: ExitCase) -> list[str]:
    return [refusal.code for refusal in exit_verdict(case, SAFETY).failed]


def test_fitting_exit_goes_as_it_is() -> None:
    verdict = exit_verdict(a_case(), SAFETY)
    assert (verdict.ticket, verdict.failed, verdict.needs_ladder) == (a_buy(), (), False)


def test_exit_above_the_freeze_quantity_is_sliced() -> None:
    case = a_case(a_buy(2600), open_units=Units(2600))
    verdict = exit_verdict(case, SAFETY)
    assert (verdict.ticket, codes(case)) == (a_buy(1755), ["SLICED"])
    assert codes(a_case(a_buy(1755), open_units=Units(1755))) == []


def test_buy_is_rounded_up_and_sell_down() -> None:
    buy = a_case(a_buy(trigger=14_101, price=15_229))
    assert exit_verdict(buy, SAFETY).ticket == a_buy(trigger=14_105, price=15_230)
    assert codes(buy) == ["TICK"]
    sell = a_case(a_sell(650, 12_999), reference=None)
    assert exit_verdict(sell, SAFETY).ticket == a_sell(650, 12_995)
    assert exit_verdict(a_case(a_sell(650, 3), reference=None), SAFETY).ticket == a_sell(650, 5)


@pytest.mark.parametrize(
    ("trigger", "price", "last", "needs_ladder"),
    [
        (14_100, 15_230, 14_095, False),
        (14_100, 15_230, 14_100, True),
        (14_100, 15_230, 17_500, True),
        (14_100, 15_230, None, False),
        (14_100, 14_100, None, False),
        (14_100, 14_095, None, True),
    ],
)
def test_stop_the_market_has_passed_becomes_a_ladder(
    trigger: int, price: int, last: int | None, *, needs_ladder: bool
) -> None:
    case = a_case(a_buy(trigger=trigger, price=price), last=last)
    verdict = exit_verdict(case, SAFETY)
    assert verdict.needs_ladder is needs_ladder
    assert (verdict.ticket is None) is needs_ladder
    assert codes(case) == (["TRIGGER_SIDE"] if needs_ladder else [])


def test_limit_without_a_trigger_has_no_side() -> None:
    assert codes(a_case(a_buy(trigger=0, price=13_500), last=Paise(17_500))) == []


def test_exit_is_clamped_to_the_band() -> None:
    # The worked example of execution.md 9.5: 15000 gives 20400, 3000 gives 4800.
    for reference, high in ((15_000, 20_400), (3_000, 4_800)):
        case = a_case(a_buy(trigger=0, price=30_000), reference=reference)
        assert exit_verdict(case, SAFETY).ticket == a_buy(trigger=0, price=high)
        assert codes(case) == ["BAND"]
    low = a_case(a_sell(650, 5), reference=15_000)
    assert exit_verdict(low, SAFETY).ticket == a_sell(650, 9_600)
    assert exit_verdict(a_case(a_buy(price=90_000), reference=None), SAFETY).failed == ()


@pytest.mark.parametrize(
    ("units", "working", "passes"),
    [
        (650, 0, True),
        (655, 0, False),
        (325, 325, True),
        (330, 325, False),
        (650, 650, False),
        (0, 0, False),
    ],
)
def test_no_more_is_bought_than_is_short(units: int, working: int, *, passes: bool) -> None:
    case = a_case(a_buy(units), working=Units(working))
    verdict = exit_verdict(case, SAFETY)
    assert (verdict.ticket is not None) is passes
    assert codes(case) == ([] if passes else ["OVER_COVER"])


def test_lost_contract_facts_fall_back_to_the_usual_tick() -> None:
    assert sized_for(None, Units(2600)) == (USUAL_TICK, 2600)
    assert sized_for(a_contract(), Units(2600)) == (Paise(5), 1755)


@given(
    units=st.integers(-10, 4000),
    open_units=st.integers(-2000, 4000),
    working=st.integers(0, 4000),
    price=st.integers(-50, 60_000),
    trigger=st.integers(0, 60_000),
    reference=st.none() | st.integers(5, 60_000),
)
def test_whatever_passes_is_on_the_tick_and_turns_nothing_over(
    units: int, open_units: int, working: int, price: int, trigger: int, reference: int | None
) -> None:
    case = a_case(
        a_buy(units, trigger=trigger, price=price),
        open_units=Units(open_units),
        working=Units(working),
        reference=reference,
    )
    ticket = exit_verdict(case, SAFETY).ticket
    if ticket is not None:
        assert ticket.price % 5 == 0
        assert ticket.price > 0
        assert ticket.trigger % 5 == 0
        assert 0 < ticket.quantity <= min(1755, open_units - working)
