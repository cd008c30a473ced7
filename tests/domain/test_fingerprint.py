"""An order is recognised by its price and by what was known before it."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.fingerprint import candidates, fingerprinted, numbers, row_numbers
from domain.orders import Ticket
from domain.units import Paise, seconds
from tests.orders import ENTRY, a_buy, a_row, t
from tests.trading import a_ticket, an_order

TICK = Paise(5)
SKEW = seconds(180)


def at_price(ticket: Ticket, price: int) -> Ticket:
    return msgspec.structs.replace(ticket, price=Paise(price))


def test_first_sell_keeps_its_price_and_the_next_goes_a_tick_lower() -> None:
    first = fingerprinted(ENTRY, set(), TICK, 60)
    assert first == (at_price(ENTRY, 12_695), 0)
    second = fingerprinted(ENTRY, {numbers(ENTRY)}, TICK, 60)
    assert second == (at_price(ENTRY, 12_690), 1)


def test_buy_goes_a_tick_higher() -> None:
    stop = a_buy(price=15_230)
    assert fingerprinted(stop, {numbers(stop)}, TICK, 60) == (at_price(stop, 15_235), 1)


def test_gap_between_used_prices_is_taken() -> None:
    used = {numbers(at_price(ENTRY, price)) for price in (12_695, 12_690, 12_680)}
    assert fingerprinted(ENTRY, used, TICK, 60) == (at_price(ENTRY, 12_685), 2)


def test_no_free_price_is_no_fingerprint() -> None:
    used = {numbers(at_price(ENTRY, 12_695 - 5 * k)) for k in range(60)}
    assert fingerprinted(ENTRY, used, TICK, 60) is None


def test_price_never_falls_to_nothing() -> None:
    cheap = a_ticket(trigger=15, price=10)
    used = {numbers(at_price(cheap, price)) for price in (10, 5)}
    assert fingerprinted(cheap, used, TICK, 60) is None


@pytest.mark.parametrize("field", ["symbol", "action", "product", "quantity", "trigger"])
def test_other_numbers_do_not_use_up_a_price(field: str) -> None:
    other = {"symbol": "X", "action": "BUY", "product": "NRML", "quantity": 65, "trigger": 5}
    used = {numbers(msgspec.structs.replace(ENTRY, **{field: other[field]}))}
    assert fingerprinted(ENTRY, used, TICK, 60) == (ENTRY, 0)


@given(st.sets(st.integers(0, 59), max_size=59), st.booleans())
def test_fingerprint_is_free_and_never_less_willing(taken: set[int], buys: bool) -> None:
    base = a_buy() if buys else ENTRY
    sign = base.action.sign
    used = {numbers(at_price(base, base.price + sign * k * TICK)) for k in taken}
    found = fingerprinted(base, used, TICK, 60)
    assert found is not None
    ticket, k = found
    assert numbers(ticket) not in used
    assert k == min(set(range(60)) - taken)
    assert sign * (ticket.price - base.price) == k * TICK


def test_row_with_every_number_equal_is_a_candidate() -> None:
    order = an_order(orderid="", ticket=ENTRY, sent_at=t(0))
    row = a_row(ENTRY, "A1")
    assert row_numbers(row) == numbers(ENTRY)
    assert candidates(order, [row], set(), SKEW) == (row,)


@pytest.mark.incident("INC-40")
def test_human_order_with_equal_numbers_is_not_adopted() -> None:
    row = a_row(ENTRY, "H1")
    seen_before = an_order(orderid="", ticket=ENTRY, baseline=("H1",))
    assert candidates(seen_before, [row], set(), SKEW) == ()
    told_apart_since = an_order(orderid="", ticket=ENTRY)
    assert candidates(told_apart_since, [row], {"H1"}, SKEW) == ()
    another_price = a_row(at_price(ENTRY, 12_690), "H2")
    assert candidates(told_apart_since, [another_price], set(), SKEW) == ()


def test_time_stamp_only_excludes() -> None:
    order = an_order(orderid="", ticket=ENTRY, sent_at=t(0))
    near, far = a_row(ENTRY, "A1", placed_at=t(180)), a_row(ENTRY, "A2", placed_at=t(-181))
    assert candidates(order, [near, far], set(), SKEW) == (near,)
    never_sent = an_order(orderid="", ticket=ENTRY, sent_at=None)
    assert candidates(never_sent, [far], set(), SKEW) == (far,)
