"""What is recorded before a write, and after its answer."""

from typing import Any

import msgspec
import pytest

from domain import events as ev
from domain.blotter import Blotter, Intent
from domain.calls import CancelOrder, ModifyOrder, Outcome, PlaceOrder, Priority
from domain.contracts import Side
from domain.ledger import Ledger
from domain.orders import Order, Pending, Purpose, State
from domain.params import OrderParams
from domain.positions import Phase
from domain.units import Micros, Paise, Symbol, Units
from tests.orders import ENTRY, STOP, T0, a_buy, a_reply, a_row, planned, t
from tests.trading import a_key, a_ticket

TICK = Paise(5)
WISH = Intent(
    purpose=Purpose.ENTRY, ticket=ENTRY, key=a_key(), side=Side.CE, stop=STOP, reason="best"
)
PROTECT = Intent(purpose=Purpose.STOP, ticket=a_buy(), leg="d-1-1", reason="protect")


def a_blotter(*events: ev.Event) -> Blotter:
    return Blotter(Ledger().fold(events), "d-1", OrderParams())


def after_place(intent: Intent = WISH) -> Blotter:
    blotter = a_blotter()
    blotter.place(intent, T0, TICK)
    blotter.drain()
    return blotter


def answered(outcome: Outcome, intent: Intent = WISH, orderid: str = "", **more: Any) -> Order:
    blotter = after_place(intent)
    blotter.replied("d-1-1", "place", a_reply(outcome, orderid, **more), t(1))
    return blotter.ledger.orders["d-1-1"]


def adopt(blotter: Blotter) -> None:
    """The books show the order in flight as A1, resting."""
    for state in (State.ACKED, State.TRIGGER_PENDING):
        assert blotter.move(blotter.ledger.orders["d-1-1"], state, t(1), orderid="A1")


def resting(purpose: Purpose = Purpose.STOP) -> Blotter:
    ticket = ENTRY if purpose is Purpose.ENTRY else a_buy()
    return a_blotter(
        planned(purpose=purpose, ticket=ticket),
        ev.StateChanged(
            at=t(1),
            intent="i1",
            state=State.TRIGGER_PENDING,
            pending=Pending.NONE,
            orderid="S1",
            reason="",
        ),
    )


def test_placed_order_is_planned_and_sent_in_one_breath() -> None:
    blotter = a_blotter()
    blotter.see_book([a_row(a_buy(), "H1")])
    blotter.pushed_ids.add("P1")
    blotter.place(WISH, T0, TICK, send_before=Micros(7))
    events, writes = blotter.drain()
    assert events == (
        planned("d-1-1", baseline=("H1", "P1")),
        ev.WriteSent(at=T0, intent="d-1-1", op="place"),
    )
    assert writes == (
        PlaceOrder(ref="d-1-1", ticket=ENTRY, priority=Priority.ENTRY, send_before=Micros(7)),
    )
    assert blotter.ledger.orders["d-1-1"].state is State.SENDING
    assert blotter.drain() == ((), ())


def test_exit_belongs_to_its_leg_and_goes_first() -> None:
    blotter = a_blotter()
    blotter.place(PROTECT, T0, TICK)
    events, writes = blotter.drain()
    assert events[0] == planned(
        "d-1-1",
        purpose=Purpose.STOP,
        ticket=a_buy(),
        key=None,
        side=None,
        stop=None,
        reason="protect",
    )
    assert writes == (PlaceOrder(ref="d-1-1", ticket=a_buy(), priority=Priority.EXIT),)


def test_price_used_by_anybody_today_is_left_free() -> None:
    blotter = a_blotter(planned())
    blotter.see_book([a_row(a_ticket(trigger=12_995, price=12_690), "H1")])
    blotter.place(WISH, T0, TICK)
    order = blotter.ledger.orders["d-1-1"]
    assert order.ticket == a_ticket(trigger=12_995, price=12_685)
    assert order.baseline == ("H1",)


def test_entry_without_a_free_price_does_not_go_but_an_exit_does() -> None:
    def every_price(ticket: Any) -> list[Any]:
        step = ticket.action.sign * 5
        prices = [Paise(ticket.price + k * step) for k in range(60)]
        return [a_row(msgspec.structs.replace(ticket, price=price)) for price in prices]

    blotter = a_blotter()
    blotter.see_book(every_price(ENTRY))
    assert blotter.place(WISH, T0, TICK) is None
    assert blotter.drain() == ((), ())
    blotter.see_book(every_price(a_buy()))
    blotter.place(PROTECT, T0, TICK)
    assert blotter.ledger.orders["d-1-1"].ticket == a_buy()


def test_pushed_id_is_known_until_the_book_shows_it() -> None:
    blotter = a_blotter()
    blotter.pushed_ids |= {"P1", "P2"}
    blotter.see_book([a_row(ENTRY, "P1")])
    assert blotter.pushed_ids == {"P2"}


def test_modify_asks_for_absolute_values() -> None:
    blotter = resting()
    blotter.modify(blotter.ledger.orders["i1"], a_buy(325), t(2), "grow")
    assert blotter.drain() == (
        (
            ev.ModifyPlanned(at=t(2), intent="i1", ticket=a_buy(325), reason="grow"),
            ev.WriteSent(at=t(2), intent="i1", op="modify"),
        ),
        (ModifyOrder(ref="i1", orderid="S1", ticket=a_buy(325), priority=Priority.EXIT),),
    )


@pytest.mark.parametrize(
    ("purpose", "priority"),
    [
        (Purpose.STOP, Priority.EXIT),
        (Purpose.COVER, Priority.EXIT),
        (Purpose.ENTRY, Priority.CANCEL),
    ],
)
def test_cancel_of_an_exit_comes_before_that_of_an_entry(
    purpose: Purpose, priority: Priority
) -> None:
    blotter = resting(purpose)
    blotter.cancel(blotter.ledger.orders["i1"], t(2), "over")
    assert blotter.drain() == (
        (
            ev.CancelPlanned(at=t(2), intent="i1", reason="over"),
            ev.WriteSent(at=t(2), intent="i1", op="cancel"),
        ),
        (CancelOrder(ref="i1", orderid="S1", strategy="sutradhar", priority=priority),),
    )


def test_acknowledged_order_has_its_id() -> None:
    order = answered(Outcome.DONE, orderid="A1")
    assert (order.state, order.orderid, order.changed_at) == (State.ACKED, "A1", t(1))


@pytest.mark.parametrize(
    ("outcome", "entry", "stop"),
    [
        (Outcome.REJECTED, State.REFUSED, State.REFUSED),
        (Outcome.UNKNOWN, State.UNKNOWN, State.UNKNOWN),
        (Outcome.NOT_SENT, State.REFUSED, State.PLANNED),
        (Outcome.NONSENSE, State.REFUSED, State.UNKNOWN),
    ],
)
def test_place_that_failed_says_what_is_known(outcome: Outcome, entry: State, stop: State) -> None:
    assert answered(outcome).state is entry
    assert answered(outcome, PROTECT).state is stop


@pytest.mark.incident("INC-39")
def test_success_without_an_order_id_is_no_acknowledgement() -> None:
    order = answered(Outcome.NONSENSE, code="NO_ORDERID", text="success without an order id")
    assert (order.state, order.orderid, order.reason) == (State.REFUSED, "", "NO_ORDERID")


def test_refusal_keeps_its_code_or_at_least_its_kind() -> None:
    assert answered(Outcome.REJECTED, code="FUNDS").reason == "FUNDS"
    assert answered(Outcome.REJECTED).reason == "rejected"


def test_order_that_never_left_goes_again_with_the_same_price() -> None:
    blotter = after_place(PROTECT)
    blotter.replied("d-1-1", "place", a_reply(Outcome.NOT_SENT), t(1))
    blotter.drain()
    blotter.send("d-1-1", t(2))
    assert blotter.drain() == (
        (ev.WriteSent(at=t(2), intent="d-1-1", op="place"),),
        (PlaceOrder(ref="d-1-1", ticket=a_buy(), priority=Priority.EXIT),),
    )
    assert blotter.ledger.orders["d-1-1"].sent_at == t(2)


def test_late_failure_of_an_order_the_books_showed_changes_nothing() -> None:
    blotter = after_place()
    adopt(blotter)
    blotter.replied("d-1-1", "place", a_reply(Outcome.UNKNOWN), t(20))
    assert blotter.ledger.orders["d-1-1"].state is State.TRIGGER_PENDING


def test_late_acknowledgement_of_the_adopted_id_changes_nothing() -> None:
    blotter = after_place()
    adopt(blotter)
    blotter.replied("d-1-1", "place", a_reply(Outcome.DONE, "A1"), t(2))
    assert blotter.ledger.orders["d-1-1"].state is State.TRIGGER_PENDING
    assert list(blotter.ledger.orders) == ["d-1-1"]


@pytest.mark.parametrize(("intent", "leg"), [(WISH, "d-1-2"), (PROTECT, "d-1-1")])
def test_second_order_of_one_intent_is_taken_in_and_freezes(intent: Intent, leg: str) -> None:
    blotter = after_place(intent)
    adopt(blotter)
    blotter.replied("d-1-1", "place", a_reply(Outcome.DONE, "A2"), t(2))
    twin = blotter.ledger.orders["d-1-2"]
    assert (twin.state, twin.orderid, twin.leg) == (State.ACKED, "A2", leg)
    assert (twin.ticket, twin.purpose, twin.key) == (intent.ticket, intent.purpose, intent.key)
    assert blotter.ledger.latches == {"DUPLICATE": "d-1-1: A1 A2"}


def test_illegal_move_is_journaled_and_changes_nothing() -> None:
    blotter = after_place()
    before = blotter.ledger.orders["d-1-1"]
    assert not blotter.move(before, State.FILLED, t(1), reason="by magic")
    assert blotter.ledger.orders["d-1-1"] == before
    said = "sending to filled by magic"
    found = ev.FindingApplied(at=t(1), kind="ILLEGAL_MOVE", subject="d-1-1", detail=said)
    assert blotter.drain() == ((found,), ())
    assert blotter.alarms == ["ILLEGAL_MOVE d-1-1"]


@pytest.mark.parametrize("orderid", ["S1", "H1"])
def test_answer_with_the_id_of_another_order_is_not_taken(orderid: str) -> None:
    """The server named our own resting stop, or an order that was there before."""
    blotter = resting()
    blotter.see_book([a_row(a_buy(), "H1")])
    name = blotter.place(WISH, T0, TICK).intent  # type: ignore[union-attr]  # a price is free
    blotter.replied(name, "place", a_reply(Outcome.DONE, orderid), t(1))
    order = blotter.ledger.orders[name]
    assert (order.state, order.orderid) == (State.UNKNOWN, "")
    assert blotter.alarms == [f"STRANGE_ID {name}"]


def test_answer_with_an_id_that_others_have_is_not_taken() -> None:
    blotter = after_place()
    blotter.record(ev.ExternalSeen(at=t(1), symbol=Symbol("X"), orderids=("H1",), net=0))
    blotter.replied("d-1-1", "place", a_reply(Outcome.DONE, "H1"), t(1))
    assert blotter.ledger.orders["d-1-1"].state is State.UNKNOWN


def test_answer_with_a_known_id_makes_no_twin_of_an_order_the_books_gave_its_own() -> None:
    blotter = resting()
    name = blotter.place(WISH, T0, TICK).intent  # type: ignore[union-attr]  # a price is free
    blotter.move(blotter.ledger.orders[name], State.ACKED, t(1), orderid="A7")
    blotter.replied(name, "place", a_reply(Outcome.DONE, "S1"), t(2))
    order = blotter.ledger.orders[name]
    assert (order.state, order.orderid, len(blotter.ledger.orders)) == (State.ACKED, "A7", 2)
    assert (blotter.alarms, blotter.ledger.latches) == ([f"STRANGE_ID {name}"], {})


@pytest.mark.parametrize("intent", [WISH, PROTECT])
def test_answer_of_the_other_world_leaves_an_order_unknown(intent: Intent) -> None:
    order = answered(Outcome.NONSENSE, intent, "L1", code="MODE")
    assert (order.state, order.orderid) == (State.UNKNOWN, "")


def test_late_refusal_of_an_order_in_doubt_proves_nothing() -> None:
    blotter = after_place()
    blotter.move(blotter.ledger.orders["d-1-1"], State.UNKNOWN, t(1))
    blotter.replied("d-1-1", "place", a_reply(Outcome.REJECTED), t(20))
    assert blotter.ledger.orders["d-1-1"].state is State.UNKNOWN
    assert blotter.alarms == []


def test_answer_to_an_order_of_another_life_is_a_finding() -> None:
    blotter = a_blotter()
    blotter.replied("gone", "cancel", a_reply(), t(1))
    stray = ev.FindingApplied(at=t(1), kind="STRAY_REPLY", subject="gone", detail="cancel")
    assert blotter.drain() == ((stray,), ())


def asked(op: str, outcome: Outcome) -> Order:
    blotter = resting()
    order = blotter.ledger.orders["i1"]
    if op == "modify":
        blotter.modify(order, a_buy(325), t(2), "less")
    else:
        blotter.cancel(order, t(2), "over")
    blotter.replied("i1", op, a_reply(outcome), t(3))
    return blotter.ledger.orders["i1"]


@pytest.mark.parametrize(
    ("op", "outcome", "pending"),
    [
        ("modify", Outcome.DONE, Pending.NONE),
        ("modify", Outcome.NOT_SENT, Pending.NONE),
        ("modify", Outcome.REJECTED, Pending.MODIFY_UNKNOWN),
        ("modify", Outcome.UNKNOWN, Pending.MODIFY_UNKNOWN),
        ("modify", Outcome.NONSENSE, Pending.MODIFY_UNKNOWN),
        ("cancel", Outcome.DONE, Pending.CANCEL),
        ("cancel", Outcome.NOT_SENT, Pending.NONE),
        ("cancel", Outcome.REJECTED, Pending.CANCEL_UNKNOWN),
        ("cancel", Outcome.UNKNOWN, Pending.CANCEL_UNKNOWN),
    ],
)
def test_answer_to_a_request_never_ends_an_order(
    op: str, outcome: Outcome, pending: Pending
) -> None:
    order = asked(op, outcome)
    assert (order.state, order.pending) == (State.TRIGGER_PENDING, pending)
    assert order.ticket == a_buy(325 if (op, outcome) == ("modify", Outcome.DONE) else 650)


@pytest.mark.incident("INC-53")
@pytest.mark.parametrize(
    "text", ["Cannot cancel order in complete status", "already cancelled", ""]
)
def test_failed_cancel_is_decided_by_the_books(text: str) -> None:
    blotter = resting()
    blotter.cancel(blotter.ledger.orders["i1"], t(2), "over")
    blotter.replied("i1", "cancel", a_reply(Outcome.REJECTED, status=400, text=text), t(3))
    order = blotter.ledger.orders["i1"]
    assert (order.state, order.pending) == (State.TRIGGER_PENDING, Pending.CANCEL_UNKNOWN)


def test_answer_to_an_earlier_request_does_not_answer_the_later_one() -> None:
    blotter = resting()
    blotter.modify(blotter.ledger.orders["i1"], a_buy(325), t(2), "less")
    blotter.cancel(blotter.ledger.orders["i1"], t(3), "over")
    blotter.replied("i1", "modify", a_reply(Outcome.DONE), t(4))
    order = blotter.ledger.orders["i1"]
    assert (order.pending, order.ticket.quantity) == (Pending.CANCEL, Units(650))


def test_answer_about_an_order_that_ended_changes_nothing() -> None:
    blotter = resting()
    blotter.cancel(blotter.ledger.orders["i1"], t(2), "over")
    blotter.move(blotter.ledger.orders["i1"], State.CANCELLED, t(3), pending=Pending.CANCEL)
    blotter.replied("i1", "cancel", a_reply(Outcome.REJECTED), t(4))
    assert blotter.ledger.orders["i1"].state is State.CANCELLED


def test_phase_is_recorded_once() -> None:
    blotter = a_blotter(
        planned(), ev.FillsSeen(at=t(1), intent="i1", filled=Units(65), value=65 * 12_990)
    )
    for _ in range(2):
        blotter.finish("i1", Phase.CHASE, "EXIT", t(2))
    chase = ev.ExitPhase(at=t(2), leg="i1", phase=Phase.CHASE, reason="EXIT")
    assert blotter.drain() == ((chase,), ())
