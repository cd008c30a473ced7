"""Money is exposed while a leg is open or an entry order lives."""

from domain.exposure import Exposure
from domain.orders import Purpose, State
from domain.positions import Phase
from tests.domain.tape import at
from tests.domain.wares import a_leg, an_order


def test_nothing_is_exposed_at_first() -> None:
    exposure = Exposure()
    assert (exposure.is_exposed, exposure.positions, exposure.order_at) == (False, 0, None)


def test_live_entry_exposes_and_a_dead_one_does_not() -> None:
    exposure = Exposure()
    seen = []
    for state in (State.TRIGGER_PENDING, State.CANCELLED):
        exposure.order(an_order(state=state), at("10:01"))
        seen.append(exposure.is_exposed)
    assert seen == [True, False]
    assert exposure.order_at == at("10:01")


def test_stop_order_alone_exposes_nothing_but_is_a_fact() -> None:
    exposure = Exposure()
    exposure.order(an_order(purpose=Purpose.STOP, state=State.TRIGGER_PENDING), at("10:00"))
    assert not exposure.is_exposed
    assert exposure.order_at == at("10:00")


def test_open_legs_are_counted_once_each() -> None:
    exposure = Exposure()
    exposure.leg(a_leg("a"), at("10:00"))
    exposure.leg(a_leg("a", phase=Phase.CHASE), at("10:01"))
    exposure.leg(a_leg("b"), at("10:02"))
    assert (exposure.is_exposed, exposure.positions) == (True, 2)
    for leg in "ab":
        exposure.leg(a_leg(leg, phase=Phase.DONE), at("10:03"))
    assert (exposure.is_exposed, exposure.positions) == (False, 0)
    assert exposure.order_at == at("10:03")
