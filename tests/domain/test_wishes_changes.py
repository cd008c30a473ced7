"""Wishes for an entry that rests: what may be changed of it, and when."""

from dataclasses import replace as other

from msgspec.structs import replace

from domain.strategy import StopLimit
from domain.units import Paise
from tests.domain.test_wishes import a_place, a_wish, decided
from tests.trading import a_key, a_ticket, an_order


def test_taking_risk_off_needs_no_leave_to_enter() -> None:
    less = replace(a_place(), ticket=a_ticket(units=455))
    assert decided(a_wish(units=455), an_order(), may_place=False) == [less]
    assert decided(a_wish(units=715), an_order(), may_place=False) == []
    assert decided(a_wish(units=455, index=7), an_order(), may_place=False) == []
    moved = a_wish(units=455, price=StopLimit(Paise(12_800), Paise(12_500)))
    assert decided(moved, an_order(), may_place=False) == []


def test_newer_wish_asks_for_the_attempt_that_is_free() -> None:
    newer = other(a_wish(index=7), units=a_wish().units)
    held = an_order(former=(a_key(index=7),))
    (changed,) = decided(newer, held)
    assert getattr(changed, "key", None) == a_key(index=7, attempt=1)
