"""Wishes against facts: the table of the design, row by row, and how often a thing is said."""

from collections.abc import Iterable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.contracts import Side
from domain.facts import Facts
from domain.orders import Order, Pending, State, StopPlan
from domain.params import StopParams
from domain.positions import Leg, Phase
from domain.strategy import (
    EntryWish,
    ExitWish,
    Limit,
    StopAbove,
    StopAt,
    StopLimit,
    StopWish,
    Wishes,
)
from domain.units import SECOND, Micros, Paise, Symbol, Units
from domain.wishes import (
    Cancel,
    Decision,
    Flatten,
    Leave,
    Move,
    Place,
    Raise,
    Said,
    Stance,
    Terms,
    compare,
)
from tests.trading import OPEN, TAG, a_chain, a_contract, a_key, a_leg, a_ticket, an_order, minute

CE = a_contract().symbol
OTHER = a_contract(26_100).symbol
PE = a_contract(side=Side.PE).symbol
TERMS = Terms(
    strategy=TAG,
    chain=a_chain(a_contract(), a_contract(26_100), a_contract(side=Side.PE)),
    stop=StopParams(),
    fingerprint_ticks=60,
)
STOP = StopPlan(trigger=Paise(13_600), limit=Paise(13_900))


def a_wish(
    symbol: Symbol = CE,
    index: int = 1,
    *,
    slot: str = "CE",
    units: int = 650,
    price: StopLimit | Limit | None = None,
    stop: StopAt | StopAbove | None = None,
) -> EntryWish:
    return EntryWish(
        slot=slot,
        symbol=symbol,
        units=Units(units),
        price=price or StopLimit(Paise(12_695), Paise(12_395)),
        stop=stop or StopAt(Paise(13_600)),
        minute=minute(index),
    )


def facts_of(*orders: Order, legs: Iterable[Leg] = ()) -> Facts:
    found = Facts(TAG)
    for order in orders:
        found.order(order)
    for leg in legs:
        found.leg(leg)
    return found


def decided(
    wishes: Wishes | EntryWish | None,
    facts: Facts | Order | None = None,
    *,
    may_place: bool = True,
    unready: Iterable[Symbol] = (),
    over: Mapping[Symbol, str] | None = None,
) -> list[Decision]:
    if wishes is None or isinstance(wishes, EntryWish):
        wishes = Wishes(entries=(wishes,) if wishes else ())
    if facts is None or isinstance(facts, Order):
        facts = facts_of(*((facts,) if facts else ()))
    late = set(unready)
    ended = dict(over or {})
    stance = Stance(
        may_place=may_place,
        is_ready=lambda symbol: symbol not in late,
        over=lambda symbol: ended.get(symbol, ""),
    )
    return list(compare(wishes, facts, TERMS, stance))


def a_place(attempt: int = 0) -> Place:
    return Place(
        key=a_key(attempt=attempt),
        side=Side.CE,
        ticket=a_ticket(),
        stop=STOP,
        reason="swing 09:16:00",
    )


def cancelled(reason: str, key: int = 1) -> Cancel:
    return Cancel(key=a_key(index=key), reason=reason)


@pytest.mark.incident("INC-47")
@pytest.mark.parametrize(
    ("wish", "held", "due"),
    [
        # wanted, slot empty
        (a_wish(), None, [a_place()]),
        (a_wish(), an_order(state=State.CANCELLED), [a_place(attempt=1)]),
        # nothing wanted, nothing there
        (None, None, []),
        (None, an_order(state=State.FILLED), []),
        # the same
        (a_wish(), an_order(), []),
        # same symbol, other price: an absolute target with the same key
        (
            a_wish(price=StopLimit(Paise(12_800), Paise(12_500))),
            an_order(),
            [replace(a_place(), ticket=a_ticket(trigger=12_800, price=12_500))],
        ),
        # same symbol, other units: the same; another swing: the order is that one's from then on
        (a_wish(units=455), an_order(), [replace(a_place(), ticket=a_ticket(units=455))]),
        (
            a_wish(index=7),
            an_order(),
            [replace(a_place(), key=a_key(index=7), reason="swing 09:22:00")],
        ),
        (
            a_wish(index=7),
            an_order(former=(a_key(index=7), a_key(index=7, attempt=1))),
            [replace(a_place(), key=a_key(index=7, attempt=2), reason="swing 09:22:00")],
        ),
        # another symbol, or no longer wanted
        (a_wish(OTHER), an_order(), [cancelled(f"{OTHER} is wished")]),
        (None, an_order(), [cancelled("no longer wished")]),
        # the stop planned for it: only up
        (
            a_wish(stop=StopAt(Paise(13_700))),
            an_order(),
            [Raise(key=a_key(), stop=StopPlan(trigger=Paise(13_700), limit=Paise(14_000)))],
        ),
        (a_wish(stop=StopAt(Paise(13_500))), an_order(), []),
        # its end is under way, or it is filling: nothing beside it
        (a_wish(OTHER), an_order(pending=Pending.CANCEL), []),
        (None, an_order(state=State.OPEN), []),
        (None, an_order(state=State.OPEN, filled=Units(65)), []),
        (a_wish(units=65), an_order(state=State.OPEN), []),
        # outcome unknown: nothing is placed beside it
        (a_wish(OTHER), an_order(state=State.UNKNOWN), [cancelled(f"{OTHER} is wished")]),
        (a_wish(), an_order(state=State.UNKNOWN), []),
        # asked for and not answered: the same again, with the same key
        (a_wish(), an_order(state=State.PLANNED), [a_place()]),
        # not a contract of the day
        (a_wish(Symbol("NIFTY23NOV2699000CE")), None, []),
        (a_wish(Symbol("NIFTY23NOV2699000CE")), an_order(), [cancelled("no longer wished")]),
    ],
)
def test_each_order_decision_is_reachable(
    wish: EntryWish | None, held: Order | None, due: list[Decision]
) -> None:
    assert decided(wish, held) == due


@pytest.mark.incident("INC-44")
def test_resting_entry_is_resized_when_its_stop_moves() -> None:
    """At 14 points 7 lots: the resting order becomes smaller, and its stop's plan moves up."""
    grown = a_wish(units=455, stop=StopAt(Paise(14_100)))
    assert decided(grown, an_order(pending=Pending.CANCEL)) == []
    (changed,) = decided(grown, an_order())
    assert isinstance(changed, Place)
    assert (changed.key, changed.stop.trigger) == (a_key(), 14_100)
    assert changed.ticket == a_ticket(units=455)
    assert changed.ticket.quantity * (14_100 - 12_700) == 637_000
    smaller = an_order(ticket=a_ticket(units=455), stop=changed.stop)
    assert decided(grown, smaller) == []


def test_each_side_is_decided_by_itself() -> None:
    put = a_wish(PE, slot="PE")
    found = decided(Wishes(entries=(put, a_wish())), an_order())
    assert [d.key.slot for d in found if isinstance(d, Place)] == ["PE"]


@pytest.mark.parametrize(
    ("wish", "held", "due"),
    [
        (a_wish(), None, []),
        (a_wish(price=StopLimit(Paise(12_800), Paise(12_500))), an_order(), []),
        (a_wish(), an_order(state=State.PLANNED), []),
        (None, an_order(), [cancelled("no longer wished")]),
        (
            a_wish(stop=StopAt(Paise(13_700))),
            an_order(),
            [Raise(key=a_key(), stop=StopPlan(trigger=Paise(13_700), limit=Paise(14_000)))],
        ),
    ],
)
def test_when_nothing_may_be_placed_ends_and_stops_still_go(
    wish: EntryWish | None, held: Order | None, due: list[Decision]
) -> None:
    assert decided(wish, held, may_place=False) == due


def test_symbol_whose_bars_are_behind_is_left_as_it_is() -> None:
    assert decided(a_wish(), unready=[CE]) == []
    assert decided(None, an_order(), unready=[CE]) == []
    assert decided(a_wish(units=65), an_order(), unready=[CE]) == []


@pytest.mark.parametrize("unready", [(), (CE,)])
@pytest.mark.parametrize(
    ("wish", "held", "due"),
    [
        (a_wish(), None, []),
        (a_wish(), an_order(), [cancelled("blind")]),
        (None, an_order(), [cancelled("blind")]),
        (a_wish(OTHER), an_order(), [cancelled("blind")]),
        (a_wish(), an_order(state=State.PLANNED), [cancelled("blind")]),
        (a_wish(), an_order(pending=Pending.CANCEL), []),
        (a_wish(), an_order(state=State.OPEN), []),
        (a_wish(), an_order(state=State.CANCELLED), []),
    ],
)
def test_where_nothing_may_rest_entries_end_whether_the_bars_are_known_or_not(
    wish: EntryWish | None, held: Order | None, due: list[Decision], unready: tuple[Symbol, ...]
) -> None:
    assert decided(wish, held, unready=unready, over={CE: "blind"}) == due


def test_entry_is_not_left_for_a_symbol_in_which_nothing_may_rest() -> None:
    assert decided(a_wish(OTHER), over={OTHER: "silent"}) == []
    assert decided(a_wish(OTHER), an_order(), unready=[CE], over={OTHER: "silent"}) == []


def test_entry_makes_room_though_the_symbol_wished_instead_is_behind() -> None:
    due = [cancelled(f"{OTHER} is wished")]
    assert decided(a_wish(OTHER), an_order(), unready=[OTHER]) == due


@pytest.mark.parametrize(
    ("wish", "held"),
    [
        # a sent limit lies up to 59 ticks below the wished one
        (a_wish(), an_order(ticket=a_ticket(price=12_395 - 59 * 5))),
        (a_wish(price=Limit(Paise(12_000))), an_order(ticket=a_ticket(trigger=0, price=11_990))),
    ],
)
def test_fingerprint_is_no_other_price(wish: EntryWish, held: Order) -> None:
    assert decided(wish, held) == []


@pytest.mark.parametrize(
    ("wish", "held"),
    [
        (a_wish(), an_order(ticket=a_ticket(price=12_395 - 60 * 5))),
        (a_wish(), an_order(ticket=a_ticket(price=12_400))),
        (a_wish(price=Limit(Paise(12_000))), an_order(ticket=a_ticket(trigger=0, price=12_005))),
        (a_wish(price=Limit(Paise(12_395))), an_order()),
    ],
)
def test_other_price_is_another_target_of_the_same_key(wish: EntryWish, held: Order) -> None:
    (found,) = decided(wish, held)
    assert isinstance(found, Place)
    assert found.key == a_key()


def test_limit_entry_becomes_a_limit_order() -> None:
    (found,) = decided(a_wish(price=Limit(Paise(12_000))))
    assert isinstance(found, Place)
    assert found.ticket == a_ticket(trigger=0, price=12_000)


@pytest.mark.parametrize(
    ("price", "trigger"),
    [
        (StopLimit(Paise(12_695), Paise(12_395)), 16_505),  # 126.95 and 30 %: 165.035
        (Limit(Paise(12_000)), 15_600),
    ],
)
def test_stop_above_is_measured_from_where_the_fill_is_expected(
    price: StopLimit | Limit, trigger: int
) -> None:
    (found,) = decided(a_wish(price=price, stop=StopAbove(3_000)))
    assert isinstance(found, Place)
    assert found.stop == StopPlan(trigger=Paise(trigger), limit=Paise(trigger + 300))


def test_wish_that_stems_from_nothing_says_so() -> None:
    (found,) = decided(EntryWish("CE", CE, Units(65), Limit(Paise(12_000)), StopAbove(3_000)))
    assert isinstance(found, Place)
    assert found.reason == "wished"


# Exits.


def test_exit_of_an_open_short_is_told_until_it_is_leaving() -> None:
    wishes = Wishes(exits=(ExitWish(CE, "time"),))
    assert decided(wishes, facts_of(legs=[a_leg()])) == [Leave(symbol=CE, reason="time")]
    assert decided(wishes, facts_of(legs=[a_leg(phase=Phase.CHASE)])) == []
    assert decided(wishes) == []


def test_stop_is_moved_where_it_differs() -> None:
    legs = [a_leg(stop=14_100)]
    moved = StopPlan(trigger=Paise(13_500), limit=Paise(13_800))
    wishes = Wishes(stops=(StopWish(CE, Paise(13_496)),))
    assert decided(wishes, facts_of(legs=legs)) == [Move(symbol=CE, stop=moved)]
    assert decided(Wishes(stops=(StopWish(CE, Paise(14_100)),)), facts_of(legs=legs)) == []
    assert decided(wishes) == []


@pytest.mark.parametrize(
    "leg", [a_leg(bought=((650, 12_000),)), a_leg(strategy="other"), a_leg(phase=Phase.DONE)]
)
def test_short_that_is_over_or_not_ours_is_not_touched(leg: Leg) -> None:
    wishes = Wishes(exits=(ExitWish(CE, "time"),), stops=(StopWish(CE, Paise(15_000)),))
    assert decided(wishes, facts_of(legs=[leg])) == []


def test_stop_of_a_symbol_outside_the_chain_is_not_moved() -> None:
    gone = Symbol("NIFTY23NOV2699000CE")
    wishes = Wishes(stops=(StopWish(gone, Paise(15_000)),))
    assert decided(wishes, facts_of(legs=[a_leg(gone)])) == []


def test_flatten_goes_alone_and_only_while_there_is_something() -> None:
    wishes = Wishes(flatten="done", entries=(a_wish(PE, slot="PE"),))
    assert decided(wishes, facts_of(legs=[a_leg()])) == [Flatten(reason="done")]
    assert [type(d) for d in decided(wishes)] == [Place]


# How often.


def test_what_was_said_is_repeated_only_after_a_while() -> None:
    said = Said()
    later = Micros(OPEN + 5 * SECOND)
    assert said.news([a_place()], OPEN) == (a_place(),)
    assert said.news([a_place(), cancelled("x")], Micros(later - 1)) == (cancelled("x"),)
    assert said.news([a_place()], later) == (a_place(),)


def test_slot_is_asked_for_an_order_once_a_second_at_most() -> None:
    """Refused at once, asked again at once: one attempt after the other would make a storm."""
    said = Said()
    first, second, other = a_place(), a_place(attempt=1), replace(a_place(), key=a_key(slot="PE"))
    assert said.news([first], OPEN) == (first,)
    assert said.news([second, other], Micros(OPEN + SECOND - 1)) == (other,)
    assert said.news([second], Micros(OPEN + SECOND)) == (second,)


wishes_of_a_side = st.one_of(
    st.none(),
    st.builds(
        a_wish,
        st.sampled_from([CE, OTHER]),
        st.integers(1, 2),
        units=st.sampled_from([65, 650]),
        stop=st.sampled_from([StopAt(Paise(13_600)), StopAt(Paise(13_700))]),
    ),
)
states = st.sampled_from(list(State))


@given(wishes_of_a_side, st.lists(st.tuples(states, st.integers(1, 2)), max_size=4), st.booleans())
def test_one_entry_lives_per_slot_and_a_live_one_is_never_doubled(
    wish: EntryWish | None, past: list[tuple[State, int]], may_place: bool
) -> None:
    """A new key comes into an empty slot, or takes over its symbol's order; nobody has used it."""
    orders = [
        an_order(a_key(index=index, attempt=n), intent=str(n), state=state)
        for n, (state, index) in enumerate(past)
    ]
    live = [order for order in orders if order.is_live]
    if len(live) > 1:
        return
    for found in decided(wish, facts_of(*orders), may_place=may_place):
        if isinstance(found, Place):
            rests = [o for o in live if o.state is not State.PLANNED]
            assert may_place or [found.ticket.quantity < o.ticket.quantity for o in rests] == [True]
            is_change = [o.key for o in live] == [found.key]
            assert is_change or found.key not in {o.key for o in orders}
            assert all(o.ticket.symbol == found.key.symbol for o in live)
