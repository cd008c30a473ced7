from typing import Any

import pytest
from msgspec.structs import replace

from domain.books import PriceType
from domain.contracts import Side
from domain.facts import Facts, order_view
from domain.orders import Order, Pending, Purpose, State, StopPlan
from domain.positions import Execution, Phase
from domain.strategy import Limit, PositionView
from domain.units import Paise, Units
from tests.trading import (
    TAG,
    a_contract,
    a_key,
    a_leg,
    a_ticket,
    an_entry,
    an_order,
    at,
)

CE = a_contract().symbol
PE = a_contract(side=Side.PE).symbol
STOP = StopPlan(trigger=Paise(13_600), limit=Paise(13_900))


def facts(*orders: Order) -> Facts:
    found = Facts(TAG)
    for order in orders:
        found.order(order)
    return found


def ask(found: Facts, attempt: int = 0) -> None:
    found.asked(a_key(attempt=attempt), Side.CE, a_ticket(), STOP)


def test_resting_stop_is_seen_as_it_rests() -> None:
    assert order_view(an_order()) == an_entry()


@pytest.mark.parametrize(
    ("changes", "touched"),
    [
        ({"state": State.TRIGGER_PENDING}, False),
        ({"state": State.OPEN}, True),
        ({"state": State.ACKED}, False),
        ({"state": State.CANCELLED, "filled": Units(65)}, True),
        ({"state": State.OPEN, "ticket": a_ticket(trigger=0)}, False),
    ],
)
def test_touched_means_that_the_trigger_was_met(changes: dict[str, Any], touched: bool) -> None:
    assert order_view(an_order(**changes)).touched is touched


def test_order_that_becomes_a_newer_swings_is_seen_as_that_one() -> None:
    """While the change is in the air, and no longer once it did not take."""
    newer = a_key(index=7)
    moving = an_order(
        pending=Pending.MODIFY, target=a_ticket(trigger=13_000, price=12_700), target_key=newer
    )
    assert order_view(moving).minute == newer.minute
    assert order_view(replace(moving, pending=Pending.NONE)).minute == a_key().minute


def test_change_of_a_live_entry_is_no_entry_of_its_own() -> None:
    found = facts(an_order())
    found.asked(a_key(index=7), Side.CE, a_ticket(trigger=13_000), STOP)
    assert found.entries["CE"].minute == a_key().minute
    found.order(an_order(state=State.CANCELLED))
    assert found.entries["CE"].ended_at is not None
    assert found.is_flat


def test_change_answers_what_was_asked_before_the_entry_was_known() -> None:
    found = facts()
    found.asked(a_key(index=7), Side.CE, a_ticket(trigger=13_000), STOP)
    found.order(an_order(pending=Pending.MODIFY, target=a_ticket(), target_key=a_key(index=7)))
    found.order(an_order(state=State.CANCELLED))
    assert found.is_flat


def test_attempt_counts_the_orders_a_decision_had_before_they_became_others() -> None:
    found = facts(an_order(a_key(index=7), former=(a_key(), a_key(attempt=1))))
    assert found.attempt("CE", CE, a_key().minute) == 2
    assert found.attempt("CE", CE, a_key(index=9).minute) == 0
    assert found.attempt("PE", CE, a_key().minute) == 0


def test_limit_entry_is_seen_as_a_limit() -> None:
    view = order_view(an_order(ticket=a_ticket(trigger=0, price=12_000)))
    assert view.price == Limit(Paise(12_000))
    assert a_ticket(trigger=0).pricetype is PriceType.LIMIT


def test_modify_in_the_air_counts_as_done() -> None:
    target = a_ticket(units=455)
    view = order_view(an_order(pending=Pending.MODIFY_UNKNOWN, target=target))
    assert view.units == 455
    assert order_view(an_order(pending=Pending.NONE, target=target)).units == 650


@pytest.mark.parametrize("pending", [Pending.CANCEL, Pending.CANCEL_UNKNOWN])
def test_entry_whose_cancel_is_in_the_air_is_ending(pending: Pending) -> None:
    assert order_view(an_order(pending=pending)).ending


@pytest.mark.parametrize("missing", ["key", "stop"])
def test_order_without_key_or_stop_is_no_entry(missing: str) -> None:
    with pytest.raises(ValueError, match="is no entry"):
        order_view(replace(an_order(), **{missing: None}))


def test_exits_and_entries_of_others_are_left_aside() -> None:
    foreign = an_order(replace(a_key(), strategy="other"))
    stop = an_order(purpose=Purpose.STOP)
    keyless = replace(an_order(), key=None)
    for order in (foreign, stop, keyless):
        found = facts(order)
        assert (dict(found.entries), found.ended, dict(found.shorts)) == ({}, (), {})


def test_live_entry_stands_before_those_that_ended_in_its_slot() -> None:
    over = an_order(a_key(index=1), state=State.CANCELLED, changed_at=at("10:30"))
    live = an_order(a_key(index=5), intent="2026-11-20-1-9")
    found = facts(over, live)
    assert found.entries["CE"].minute == a_key(index=5).minute
    assert [v.ended_at for v in found.ended] == [at("10:30")]


def test_last_that_ended_stands_in_an_empty_slot() -> None:
    first = an_order(a_key(index=9), intent="a", state=State.CANCELLED, changed_at=at("11:00"))
    second = an_order(a_key(index=1), intent="b", state=State.FILLED, changed_at=at("10:00"))
    found = facts(first, second)
    assert found.entries["CE"].state is State.CANCELLED
    assert [v.state for v in found.ended] == [State.FILLED, State.CANCELLED]


def test_pictures_are_the_same_objects_until_something_changes() -> None:
    found = facts(an_order())
    before = (found.entries, found.ended, found.positions, found.refusals, found.shorts)
    assert all(
        a is b
        for a, b in zip(
            before,
            (found.entries, found.ended, found.positions, found.refusals, found.shorts),
            strict=True,
        )
    )
    found.order(an_order(state=State.CANCELLED))
    assert found.entries is not before[0]


def test_entry_asked_for_is_live_before_anybody_answers() -> None:
    found = facts()
    ask(found)
    assert found.entries["CE"] == an_entry(state=State.PLANNED)
    assert found.shorts == {CE: Side.CE}
    assert not found.is_flat


def test_answer_takes_the_place_of_the_question() -> None:
    found = facts()
    ask(found)
    found.order(an_order(state=State.SENDING))
    assert found.entries["CE"].state is State.SENDING
    found.order(an_order(state=State.CANCELLED))
    assert found.entries["CE"].ended_at is not None
    assert found.is_flat


def test_order_of_another_key_does_not_answer_the_question() -> None:
    found = facts()
    ask(found, attempt=1)
    found.order(an_order(state=State.CANCELLED))
    assert (found.entries["CE"].attempt, found.entries["CE"].state) == (1, State.PLANNED)


def test_what_has_its_order_already_is_not_asked_again() -> None:
    found = facts(an_order(state=State.CANCELLED))
    ask(found)
    assert found.entries["CE"].state is State.CANCELLED


def test_refusal_ends_what_was_asked_and_names_the_reason() -> None:
    found = facts()
    ask(found)
    found.refused(a_key(), "MARGIN", at("10:05"))
    over = an_entry(state=State.REFUSED, ended_at=at("10:05"), reason="MARGIN")
    assert (found.entries["CE"], found.ended) == (over, (over,))
    assert found.refusals == {"CE": "MARGIN"}
    assert found.is_flat


def test_refusal_of_something_not_asked_changes_nothing() -> None:
    found = facts()
    ask(found, attempt=1)
    found.refused(a_key(), "MARGIN", at("10:05"))
    found.refused(a_key(slot="PE"), "MARGIN", at("10:05"))
    assert found.ended == ()


def test_refusal_at_the_instant_an_order_ended_is_the_later_of_the_two() -> None:
    found = facts()
    late = a_key(a_contract(25_000).symbol, 7)
    found.asked(late, Side.CE, a_ticket(), STOP)
    found.order(an_order(state=State.CANCELLED, changed_at=at("10:05")))
    found.refused(late, "ENTRIES_DAY", at("10:05"))
    assert [v.state for v in found.ended] == [State.CANCELLED, State.REFUSED]
    assert found.entries["CE"].state is State.REFUSED


def test_order_says_more_than_its_refusal() -> None:
    found = facts()
    ask(found)
    found.refused(a_key(), "MARGIN", at("10:05"))
    found.order(an_order(state=State.REFUSED, reason="FUNDS", changed_at=at("10:05")))
    assert [v.reason for v in found.ended] == ["FUNDS"]


def test_withdrawn_question_is_forgotten() -> None:
    found = facts()
    ask(found)
    found.withdrawn("PE")
    assert "CE" in found.entries
    found.withdrawn("CE")
    assert dict(found.entries) == {}


@pytest.mark.parametrize(("ended", "attempt"), [((), 0), ((0,), 1), ((0, 1), 2), ((0, 2), 3)])
def test_attempt_is_one_above_the_last_that_ended(ended: tuple[int, ...], attempt: int) -> None:
    orders = (an_order(a_key(attempt=n), state=State.CANCELLED) for n in ended)
    found = facts(*orders, an_order(a_key(index=7, attempt=5), intent="z", state=State.FILLED))
    assert found.attempt("CE", CE, a_key().minute) == attempt
    assert found.attempt("CE", PE, a_key().minute) == 0


def test_open_short_is_a_position_with_its_average_rounded_half_up() -> None:
    found = facts()
    uneven = Execution(units=Units(2), value=25_899)
    found.leg(replace(a_leg(), sold=uneven))
    found.leg(a_leg(PE, leg="2", side=Side.PE, units=650, bought=((65, 12_000),)))
    assert found.positions == {
        CE: PositionView(CE, Side.CE, Units(2), Paise(12_950), Paise(14_100)),
        PE: PositionView(PE, Side.PE, Units(585), Paise(12_950), Paise(14_100)),
    }
    assert not found.is_flat


def test_bought_back_leg_takes_room_until_it_is_done() -> None:
    found = facts()
    found.leg(a_leg(bought=((650, 12_000),), phase=Phase.CHASE))
    assert (dict(found.positions), dict(found.shorts)) == ({}, {CE: Side.CE})
    found.leg(a_leg(bought=((650, 12_000),), phase=Phase.DONE))
    assert found.is_flat
    assert len(found.legs) == 1


def test_short_of_another_strategy_takes_room_and_is_no_position_of_ours() -> None:
    found = facts()
    found.leg(a_leg(strategy="other"))
    assert dict(found.positions) == {}
    assert found.shorts == {CE: Side.CE}


def test_partly_filled_entry_and_its_leg_are_one_short() -> None:
    found = facts(an_order(state=State.OPEN, filled=Units(65)))
    found.leg(a_leg(units=65))
    assert found.shorts == {CE: Side.CE}


def test_order_without_a_side_takes_no_room() -> None:
    assert facts(an_order(side=None)).is_flat
