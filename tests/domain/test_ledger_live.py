"""The orders that live are found without looking at those that ended, whatever happened to them."""

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from domain import events as ev
from domain.ledger import Ledger
from domain.orders import Order, Pending, Purpose, State, StopPlan
from domain.units import Micros, Paise, Units
from tests.orders import a_buy, planned, t
from tests.trading import a_ticket

INTENTS = ("i1", "i2", "s1", "s2", "c1")
PURPOSES = {"i": Purpose.ENTRY, "s": Purpose.STOP, "c": Purpose.COVER}

intents = st.sampled_from(INTENTS)
moments = st.integers(0, 60).map(t)


def intended(intent: str, at: Micros) -> ev.IntentPlanned:
    """An entry, or a BUY of the leg of entry i1 or i2."""
    if intent.startswith("i"):
        return planned(intent, at)
    exit_of = {"leg": f"i{intent[1]}", "ticket": a_buy(), "key": None, "side": None, "stop": None}
    return planned(intent, at, purpose=PURPOSES[intent[0]], **exit_of)


def moved(intent: str, at: Micros, state: State, pending: Pending) -> ev.StateChanged:
    return ev.StateChanged(
        at=at, intent=intent, state=state, pending=pending, orderid="", reason=""
    )


happenings = st.one_of(
    st.builds(intended, intents, moments),
    st.builds(moved, intents, moments, st.sampled_from(State), st.sampled_from(Pending)),
    st.builds(
        ev.FillsSeen,
        at=moments,
        intent=intents,
        filled=st.integers(1, 650).map(Units),
        value=st.just(8_450_000),
    ),
    st.builds(ev.WriteSent, at=moments, intent=intents, op=st.sampled_from(["place", "cancel"])),
    st.builds(
        ev.ModifyPlanned, at=moments, intent=intents, ticket=st.just(a_ticket()), reason=st.just("")
    ),
    st.builds(ev.CancelPlanned, at=moments, intent=intents, reason=st.just("")),
    st.builds(
        ev.StopPlanned,
        at=moments,
        intent=intents,
        stop=st.just(StopPlan(trigger=Paise(14_200), limit=Paise(15_340))),
    ),
)


def lived(happened: list[ev.Event]) -> Iterator[Ledger]:
    """The ledger after each event; of an order nobody planned there is none."""
    ledger = Ledger()
    for event in happened:
        intent = getattr(event, "intent", "")
        if isinstance(event, ev.IntentPlanned) or intent in ledger.orders:
            ledger.apply(event)
            yield ledger


def filtered(ledger: Ledger, *purposes: Purpose) -> list[Order]:
    return [o for o in ledger.orders.values() if o.is_live and o.purpose in purposes]


@given(st.lists(happenings, max_size=30))
def test_live_orders_are_those_that_have_not_ended_in_the_order_they_were_planned(
    happened: list[ev.Event],
) -> None:
    for ledger in lived(happened):
        assert list(ledger.live()) == filtered(ledger, *Purpose)
        for purpose in Purpose:
            assert list(ledger.live(purpose)) == filtered(ledger, purpose)
        buys = filtered(ledger, Purpose.STOP, Purpose.COVER)
        for leg in ("i1", "i2"):
            assert list(ledger.exits(leg)) == [order for order in buys if order.leg == leg]


def test_order_that_came_back_to_life_takes_its_old_place() -> None:
    ledger = Ledger().fold([planned("i1"), planned("i2")])
    ledger.apply(moved("i1", t(1), State.CANCELLED, Pending.NONE))
    assert [order.intent for order in ledger.live()] == ["i2"]
    ledger.apply(moved("i1", t(2), State.OPEN, Pending.NONE))
    assert [order.intent for order in ledger.live()] == ["i1", "i2"]
