"""The order journal, folded: what each event changes, and what can be asked of the result."""

from collections.abc import Iterable

import msgspec
import pytest

from domain import events as ev
from domain.books import Action
from domain.calls import Outcome
from domain.contracts import Side
from domain.ledger import Ledger
from domain.orders import Order, Pending, Purpose, State, StopPlan, Ticket
from domain.positions import Execution, Leg, Phase
from domain.units import Micros, Paise, Units
from tests.orders import CE, ENTRY, PE, PLANNED, STOP, T0, a_buy, planned, t
from tests.trading import PLAN, TAG, a_chain, a_contract, a_key, a_ticket

HIGHER = StopPlan(trigger=Paise(14_200), limit=Paise(15_340))


def folded(*events: ev.Event) -> Ledger:
    return Ledger().fold(events)


def filled(intent: str = "i1", units: int = 650, price: int = 12_990, when: float = 2) -> ev.Event:
    return ev.FillsSeen(at=t(when), intent=intent, filled=Units(units), value=units * price)


def moved(
    intent: str = "i1",
    state: State = State.ACKED,
    *,
    when: float = 1,
    pending: Pending = Pending.NONE,
    orderid: str = "",
    reason: str = "",
    ticket: Ticket | None = None,
) -> ev.StateChanged:
    return ev.StateChanged(
        at=t(when),
        intent=intent,
        state=state,
        pending=pending,
        orderid=orderid,
        reason=reason,
        ticket=ticket,
    )


def a_stop(intent: str = "s1", units: int = 650) -> ev.IntentPlanned:
    return planned(
        intent, purpose=Purpose.STOP, leg="i1", ticket=a_buy(units), key=None, side=None, stop=None
    )


def test_planned_intent_is_an_order_nobody_has_sent() -> None:
    ledger = folded(planned())
    assert ledger.orders == {
        "i1": Order(
            intent="i1",
            purpose=Purpose.ENTRY,
            leg="i1",
            ticket=ENTRY,
            baseline=(),
            key=a_key(),
            side=Side.CE,
            stop=STOP,
            changed_at=T0,
        )
    }
    assert (ledger.moved_at, ledger.is_quiet) == (T0, False)


def test_sent_acknowledged_and_read_order_keeps_what_it_learned() -> None:
    ledger = folded(
        planned(),
        ev.WriteSent(at=t(1), intent="i1", op="place"),
        moved(when=2, orderid="A1"),
        moved(when=3, state=State.TRIGGER_PENDING, ticket=a_ticket(price=12_690)),
        moved(when=4, state=State.CANCELLED, reason="by others"),
    )
    order = ledger.orders["i1"]
    assert (order.state, order.orderid, order.sent_at) == (State.CANCELLED, "A1", t(1))
    assert (order.ticket.price, order.reason, order.changed_at) == (12_690, "by others", t(4))
    assert ledger.is_quiet


def test_request_in_the_air_is_no_change_of_the_order() -> None:
    target = a_ticket(units=325)
    asked: list[ev.Event] = [
        planned(),
        moved(orderid="A1"),
        ev.ModifyPlanned(at=t(5), intent="i1", ticket=target, reason="fewer"),
        ev.WriteSent(at=t(5), intent="i1", op="modify"),
    ]
    order = folded(*asked).orders["i1"]
    assert (order.pending, order.target, order.modifies) == (Pending.MODIFY, target, 0)
    assert (order.pending_since, order.asked_at, order.changed_at) == (t(5), t(5), t(1))
    late = moved(when=6, pending=Pending.MODIFY_UNKNOWN)
    order = folded(*asked, late).orders["i1"]
    assert (order.pending_since, order.target, order.changed_at) == (t(5), target, t(1))
    order = folded(*asked, late, moved(when=7)).orders["i1"]
    assert (order.pending_since, order.target, order.asked_at) == (None, None, t(5))
    assert (order.changed_at, order.modifies) == (t(1), 0)
    order = folded(*asked, late, moved(when=7, ticket=target)).orders["i1"]
    assert (order.changed_at, order.modifies) == (t(7), 1)


def test_cancel_forgets_the_target_of_a_modification() -> None:
    order = folded(
        planned(),
        moved(orderid="A1"),
        ev.ModifyPlanned(at=t(5), intent="i1", ticket=a_ticket(units=325), reason="fewer"),
        ev.CancelPlanned(at=t(6), intent="i1", reason="over"),
    ).orders["i1"]
    assert (order.pending, order.target, order.asked_at) == (Pending.CANCEL, None, t(6))


def test_first_fill_opens_a_leg_and_later_ones_grow_it() -> None:
    ledger = folded(planned(), filled(units=325), filled(units=520, when=3))
    assert ledger.legs == {
        "i1": Leg(
            leg="i1",
            strategy=TAG,
            slot="CE",
            symbol=CE,
            exchange="NFO",
            side=Side.CE,
            opened_at=t(2),
            stop=STOP,
            first_stop=STOP,
            sold=Execution(units=Units(520), value=520 * 12_990),
        )
    }
    assert ledger.orders["i1"].changed_at == t(3)


@pytest.mark.parametrize("missing", ["key", "side", "stop"])
def test_entry_that_cannot_be_protected_is_no_event_of_ours(missing: str) -> None:
    with pytest.raises(ValueError, match="entry i1 has no key, side or stop"):
        folded(msgspec.structs.replace(planned(), **{missing: None}), filled())


def test_buys_of_a_leg_are_kept_order_by_order() -> None:
    cover = planned("c1", purpose=Purpose.COVER, leg="i1", ticket=a_buy(325, trigger=0))
    ledger = folded(
        planned(), filled(), a_stop(), cover, filled("s1", 325, 15_000), filled("c1", 65, 15_100)
    )
    assert ledger.legs["i1"].bought == (
        Execution(units=Units(325), value=325 * 15_000),
        Execution(units=Units(65), value=65 * 15_100),
    )
    assert ledger.own_net() == {CE: -260}
    assert folded(planned()).own_net() == {}


def test_buy_without_a_leg_only_counts_as_our_net() -> None:
    assert folded(a_stop(), filled("s1", 65)).own_net() == {CE: 65}


def test_leg_moves_through_its_phases_and_keeps_its_first_reason() -> None:
    chase = ev.ExitPhase(at=t(3), leg="i1", phase=Phase.CHASE, reason="STOP_JUMPED")
    done = ev.ExitPhase(at=t(4), leg="i1", phase=Phase.DONE, reason="closed")
    leg = folded(planned(), filled(), chase, done).legs["i1"]
    assert (leg.phase, leg.reason) == (Phase.DONE, "STOP_JUMPED")


def test_late_fill_of_an_entry_opens_a_finished_leg_again() -> None:
    done = ev.ExitPhase(at=t(4), leg="i1", phase=Phase.DONE, reason="closed")
    again = folded(planned(), filled(units=65), done, filled(units=130, when=5)).legs["i1"]
    assert (again.phase, again.short) == (Phase.PROTECT, 130)
    chase = ev.ExitPhase(at=t(4), leg="i1", phase=Phase.CHASE, reason="EXIT")
    assert folded(planned(), filled(units=65), chase, filled()).legs["i1"].phase is Phase.CHASE


def test_stop_moves_with_the_entry_and_its_leg_but_risk_is_measured_from_the_first() -> None:
    raised = ev.StopPlanned(at=t(1), intent="i1", stop=HIGHER)
    ledger = folded(planned(), raised)
    assert (ledger.orders["i1"].stop, ledger.legs) == (HIGHER, {})
    leg = folded(planned(), filled(), raised).legs["i1"]
    assert (leg.stop, leg.first_stop) == (HIGHER, STOP)


def test_cover_counts_only_what_was_read_working() -> None:
    events: list[ev.Event] = [planned(), filled(), a_stop(units=325)]
    ledger = folded(*events)
    assert (ledger.covered("i1"), ledger.uncovered(ledger.legs["i1"])) == (0, 650)
    ledger = folded(*events, moved("s1", State.TRIGGER_PENDING, orderid="S1"))
    assert (ledger.covered("i1"), ledger.uncovered(ledger.legs["i1"])) == (325, 325)
    ledger = folded(*events, moved("s1", State.OPEN), filled("i1", 130))
    assert ledger.uncovered(ledger.legs["i1"]) == 0


def test_ids_known_are_ours_and_those_of_others() -> None:
    seen = ev.ExternalSeen(at=t(1), symbol=PE, orderids=("H1", "H2"), net=-65)
    ledger = folded(planned(), moved(orderid="A1"), planned("i2"), seen)
    assert ledger.own_ids() == {"A1"}
    assert ledger.known_ids() == {"A1", "H1", "H2"}


def test_shorts_are_open_legs_and_live_entries() -> None:
    put = planned("i2", ticket=a_ticket(PE), key=a_key(PE, slot="PE"), side=Side.PE)
    ledger = folded(planned(), filled(), moved(state=State.FILLED), put, a_stop())
    assert ledger.shorts() == {CE: Side.CE, PE: Side.PE}
    ended: list[ev.Event] = [
        moved("i2", State.REFUSED),
        ev.ExitPhase(at=t(9), leg="i1", phase=Phase.DONE, reason=""),
    ]
    assert ledger.fold(ended).shorts() == {}
    assert folded(planned(side=None)).shorts() == {}


@pytest.mark.parametrize("state", [State.SENDING, State.UNKNOWN])
def test_order_in_flight_is_outstanding_on_its_symbol_and_side(state: State) -> None:
    ledger = folded(planned(), moved(state=state))
    assert ledger.outstanding(CE, Action.SELL) == ledger.orders["i1"]
    assert ledger.outstanding(CE, Action.BUY) is None
    assert ledger.outstanding(PE, Action.SELL) is None
    assert folded(planned(), moved()).outstanding(CE, Action.SELL) is None


def test_day_latches_mode_and_proof_are_notes() -> None:
    ledger = folded(
        PLANNED,
        ev.ModeChanged(at=t(1), mode="ACTIVE", reason=""),
        ev.LatchSet(at=t(2), name="DAY_DONE", reason="DAY_STOP"),
        ev.LatchSet(at=t(3), name="DAY_DONE", reason="again"),
        ev.LatchSet(at=t(3), name="FREEZE", reason="human"),
        ev.LatchCleared(at=t(4), name="FREEZE", reason="human"),
        ev.LatchCleared(at=t(4), name="NEVER_SET", reason="human"),
        ev.Recovered(at=t(5), orders=0, shorts=0),
        ev.FindingApplied(at=t(5), kind="REVIVED", subject="i1", detail=""),
        ev.ProvedFlat(at=t(6), first="a", second="b"),
    )
    assert (ledger.plan, ledger.chain) == (PLAN, a_chain())
    assert (ledger.mode, ledger.latches) == ("ACTIVE", {"DAY_DONE": "DAY_STOP"})
    assert ledger.proved_flat_at == t(6)
    assert ledger.contract(CE) == a_chain().contracts[0]
    assert Ledger().contract(CE) is None


def test_contracts_that_join_are_part_of_the_days_chain() -> None:
    further = a_contract(26_500)
    joined = ev.ContractsJoined(at=t(1), contracts=(further,))
    assert folded(PLANNED, joined, joined).chain == a_chain().grown((further,))
    assert folded(joined).chain is None


ANSWERED = ev.WriteReplied(
    at=t(7),
    intent="i1",
    op="place",
    outcome=Outcome.DONE,
    status=200,
    orderid="A1",
    mode="analyze",
    code="",
    text="",
)


@pytest.mark.parametrize("event", [moved(when=7), filled(when=7), planned("i2", at=t(7))])
def test_proof_is_void_once_an_order_moves(event: ev.Event) -> None:
    ledger = folded(planned(), ev.ProvedFlat(at=t(6), first="a", second="b"), ANSWERED)
    proved = [ledger.proved_flat_at]
    ledger.apply(event)
    assert [*proved, ledger.proved_flat_at] == [t(6), None]
    assert ledger.moved_at == t(7)


@pytest.mark.incident("INC-77")
def test_second_trade_in_a_symbol_survives_a_crash() -> None:
    second = planned("i2", key=a_key(index=2))
    done = ev.ExitPhase(at=t(4), leg="i1", phase=Phase.DONE, reason="stopped")
    ledger = folded(planned(), filled(), done, second, filled("i2", 65))
    assert {leg.leg: leg.sold.units for leg in ledger.legs.values()} == {"i1": 650, "i2": 65}


STATES: Iterable[State] = State


@pytest.mark.incident("INC-76")
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("pending", Pending)
def test_order_of_every_status_survives_the_journal(state: State, pending: Pending) -> None:
    limit = a_ticket(trigger=0)
    events: list[ev.Event] = [
        planned(ticket=limit, stop=None, key=None, side=None),
        moved(state=state, pending=pending, ticket=limit),
        ev.StateChanged(at=t(2), intent="i1", state=state, pending=pending, orderid="", reason=""),
    ]
    kept = [msgspec.json.decode(msgspec.json.encode(event), type=ev.Event) for event in events]
    assert kept == events
    assert vars(folded(*kept)) == vars(folded(*events))
    order = folded(*events).orders["i1"]
    assert msgspec.json.decode(msgspec.json.encode(order), type=Order) == order


def test_ledger_of_nothing_is_quiet() -> None:
    ledger = Ledger()
    assert ledger.is_quiet
    assert ledger.moved_at == Micros(0)
