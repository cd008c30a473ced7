"""Orders as values: what is live, what remains, what may be asked."""

import pytest

from domain.books import Action
from domain.orders import Pending, State, is_legal
from domain.units import Micros, Paise, Units
from tests.orders import T0, t
from tests.trading import an_order

ENDED = {State.FILLED, State.CANCELLED, State.REJECTED, State.REFUSED, State.NOT_PLACED}


@pytest.mark.parametrize("state", State)
def test_order_of_each_state_knows_where_it_stands(state: State) -> None:
    order = an_order(state=state, filled=Units(65))
    assert order.is_live is (state not in ENDED)
    assert state.is_terminal is (state in ENDED)
    assert state.is_in_flight is (state in {State.SENDING, State.UNKNOWN})
    assert state.is_working is (state in {State.TRIGGER_PENDING, State.OPEN})
    assert order.remaining == (0 if state in ENDED else 585)


def test_buy_adds_to_a_net_position_and_sell_takes_away() -> None:
    assert (Action.BUY.sign, Action.SELL.sign) == (1, -1)


def test_average_of_three_trades_is_shown_in_whole_paise() -> None:
    order = an_order(filled=Units(650), value=325 * 12_990 + 195 * 12_985 + 130 * 12_970)
    assert order.value == 8_439_925
    assert order.average == Paise(12_985)  # 12984.5 rounded half up
    assert an_order().average == Paise(0)


def test_request_may_be_made_of_a_placed_live_order_with_nothing_in_the_air() -> None:
    assert an_order().may_be_asked(T0)
    assert not an_order(orderid="").may_be_asked(T0)
    assert not an_order(state=State.FILLED).may_be_asked(T0)
    assert not an_order(pending=Pending.CANCEL_UNKNOWN).may_be_asked(T0)


def test_request_is_not_repeated_within_a_second() -> None:
    order = an_order(asked_at=T0)
    assert not order.may_be_asked(Micros(t(1) - 1))
    assert order.may_be_asked(t(1))


REOPENED = "acked trigger_pending open filled"
LEGAL = {
    "planned": "sending refused",
    "sending": "planned acked refused unknown",
    "unknown": "acked not_placed",
    "acked": "trigger_pending open filled cancelled rejected",
    "trigger_pending": "open filled cancelled rejected",
    "open": "trigger_pending filled cancelled rejected",
    "filled": "",
    "cancelled": REOPENED,
    "rejected": REOPENED,
    "refused": REOPENED,
    "not_placed": REOPENED,
}
"""The table of the specification, written down once more; open to resting is our addition."""


@pytest.mark.parametrize("before", State)
@pytest.mark.parametrize("after", State)
def test_every_cell_of_the_table_of_moves(before: State, after: State) -> None:
    assert is_legal(before, after) is (before is after or after in LEGAL[before].split())
