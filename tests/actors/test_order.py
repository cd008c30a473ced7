"""OrderActor commits, then sends, then tells; and nothing leaves without the journal."""

import logging
from pathlib import Path

import pytest
from msgspec.structs import replace

from actors.bulletin import AUDIENCE
from domain import events as ev
from domain.books import OrderPush, Status
from domain.calls import (
    CancelOrder,
    Failed,
    MarginRead,
    Outcome,
    PlaceOrder,
    Quotes,
    ReadMargin,
    ReadQuotes,
    Ready,
)
from domain.ledger import Ledger
from domain.orders import Order, State
from domain.positions import Leg, Phase
from domain.units import Paise, Units, seconds
from messages.control import ModeEntered, Pulse
from messages.orders import (
    Attention,
    BrokerReplied,
    CancelEntry,
    EntryRefused,
    ExitPosition,
    FlattenAll,
    JoinContracts,
    MarginSeen,
    MoveStop,
    OrderChanged,
    OrderPushed,
    PlanDay,
    PositionChanged,
    PreflightDone,
    QuotesRead,
    RaiseStop,
    TriggerMet,
)
from tests.actors.fakes import To
from tests.actors.order_stand import FILLED, HIGHER, Stand, of, place
from tests.orders import (
    CE,
    ENTRY,
    T0,
    a_buy,
    a_quote,
    a_ready,
    a_reply,
    a_row,
    sold,
    t,
)
from tests.trading import DAY, PLAN, TAG, a_chain, a_contract, a_key


@pytest.fixture
def stand(tmp_path: Path) -> Stand:
    return Stand(tmp_path)


# Commit, send, tell.


def test_intent_is_committed_before_it_is_sent_and_told_after(stand: Stand) -> None:
    stand.ready()
    told = stand.hear(1, place(1))
    assert stand.journal is not None
    assert stand.journal.sent_before == 0
    (write,) = stand.sent()
    assert isinstance(write, PlaceOrder)
    assert write.ticket == ENTRY
    assert write.send_before is not None
    planned, sent = stand.committed()[-2:]
    assert (type(planned), type(sent)) == (ev.IntentPlanned, ev.WriteSent)
    (order,) = {message.order.intent: message.order for message in of(OrderChanged, told)}.values()
    assert (order.intent, order.state) == (write.ref, State.SENDING)
    assert [to.address for to in told if isinstance(to.message, OrderChanged)] == list(AUDIENCE)


def test_what_is_committed_folds_to_what_the_actor_believes(stand: Stand) -> None:
    stand.protected()
    assert vars(Ledger().fold(stand.committed())) == vars(stand.actor._desk.ledger)


def test_answers_come_back_as_messages_to_ourselves(stand: Stand) -> None:
    stand.ready().hear(1, place(1))
    stand.post.take()
    reply = a_reply(Outcome.DONE, "A1")
    stand.broker.confirm(reply)
    answer = BrokerReplied(intent=f"{DAY}-1-1", op="place", reply=reply)
    assert stand.post.take() == [To("order", answer)]


def test_fill_is_told_with_its_leg_and_the_stop_is_sent_in_the_same_breath(stand: Stand) -> None:
    stand.ready().hear(1, place(1))
    stand.reply(1.5, orderid="A1")
    told = stand.read(10, [FILLED], [sold()])
    (stop,) = stand.sent()
    assert isinstance(stop, PlaceOrder)
    assert stop.ticket == a_buy()
    legs: list[Leg] = [message.leg for message in of(PositionChanged, told)]
    assert [(leg.short, leg.phase) for leg in legs] == [(650, Phase.PROTECT)] * len(AUDIENCE)
    orders: list[Order] = [message.order for message in of(OrderChanged, told)]
    assert [order.state for order in orders[:: len(AUDIENCE)]] == [State.FILLED, State.SENDING]


def test_leg_that_is_left_is_told(stand: Stand) -> None:
    stand.protected()
    told = stand.hear(20, ExitPosition(at=t(20), strategy=TAG, symbol=CE, reason="EXIT"))
    assert {(m.leg.phase, m.leg.reason) for m in of(PositionChanged, told)} == {
        (Phase.CHASE, "EXIT")
    }


def test_refusal_of_an_entry_goes_to_the_strategy_and_the_monitor_once(stand: Stand) -> None:
    stand.ready()
    wanted = place(1, units=660)
    refusal = EntryRefused(at=t(1), key=wanted.key, code="LOT", text="660 units, lot 65")
    assert stand.hear(1, wanted) == [To("strategy", refusal), To("monitor", refusal)]
    assert stand.hear(2, Pulse(at=t(2))) == []


@pytest.mark.incident("INC-43")
def test_rejected_entry_is_not_resent_each_bar(stand: Stand) -> None:
    stand.ready().hear(1, place(1))
    stand.reply(1.5, Outcome.REJECTED)
    for when in (2, 3, 4):
        (refusal, _) = of(EntryRefused, stand.hear(when, place(when)))
        assert refusal.code == "USED_KEY"
    assert stand.sent() == []


@pytest.mark.incident("INC-115")
def test_command_older_than_this_boot_is_ignored(stand: Stand) -> None:
    stand.ready()
    (refusal, _) = of(EntryRefused, stand.hear(1, place(-60)))
    assert (refusal.code, stand.sent()) == ("OLD", [])


def test_story_is_logged_with_its_tag(stand: Stand, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    stand.ready().hear(1, place(1))
    stand.reply(2, Outcome.UNKNOWN)
    lines = [(r.levelname, getattr(r, "tag", ""), r.getMessage()) for r in caplog.records]
    assert ("INFO", "MODE", "ACTIVE") in lines
    assert ("WARNING", "ORDER", f"entry {CE} is unknown orderid=") in lines


# Commands reach the desk.


def test_each_command_reaches_the_desk(stand: Stand) -> None:
    stand.ready().hear(1, place(1))
    stand.reply(1.5, orderid="A1")
    stand.read(2, [a_row(ENTRY)])
    stand.hear(3, RaiseStop(at=t(3), key=a_key(), stop=HIGHER))
    assert stand.actor._desk.ledger.orders[f"{DAY}-1-1"].stop == HIGHER
    stand.hear(4, CancelEntry(at=t(4), strategy=TAG, slot="CE", reason="outranked"))
    assert [type(write) for write in stand.sent()] == [CancelOrder]
    told = stand.hear(5, FlattenAll(at=t(5), reason="DAY_STOP"))
    assert of(ModeEntered, told)[0].reason == "DAY_DONE"


def test_stop_of_a_short_is_moved(stand: Stand) -> None:
    stand.protected()
    stand.hear(20, MoveStop(at=t(20), strategy=TAG, symbol=CE, stop=HIGHER))
    (write,) = stand.sent()
    assert (write.ref, write.ticket.trigger) == (f"{DAY}-1-2", 14_200)  # type: ignore[union-attr]


def test_price_at_the_trigger_of_a_resting_entry_starts_a_read(stand: Stand) -> None:
    stand.ready()
    (attention,) = of(Attention, stand.hear(2, TriggerMet(at=t(2), symbol=CE)))
    assert attention.now


def test_contracts_of_the_day_are_journaled(stand: Stand) -> None:
    stand.ready().hear(1, PlanDay(at=t(1), plan=PLAN, chain=a_chain()))
    planned = [event for event in stand.committed() if isinstance(event, ev.DayPlanned)]
    assert planned == [ev.DayPlanned(at=T0, plan=PLAN, chain=a_chain())]


def test_restart_goes_by_its_own_force_close(stand: Stand) -> None:
    """Who named another one on the command line means it; the contracts are still those."""
    former = replace(PLAN, force_close=t(9_000), last_entry=t(8_700))
    stand.begin(0, ev.DayPlanned(at=T0, plan=former, chain=a_chain()))
    planned = [event for event in stand.committed() if isinstance(event, ev.DayPlanned)]
    assert planned[1:] == [ev.DayPlanned(at=T0, plan=PLAN, chain=a_chain())]


def test_contracts_that_join_are_journaled(stand: Stand) -> None:
    further = (a_contract(26_500), a_contract(26_550))
    stand.ready().hear(1, PlanDay(at=t(1), plan=PLAN, chain=a_chain()))
    stand.hear(2, JoinContracts(at=t(2), contracts=further))
    joined = [event for event in stand.committed() if isinstance(event, ev.ContractsJoined)]
    assert [event.contracts for event in joined] == [further]


def test_push_starts_a_read_and_nothing_else(stand: Stand) -> None:
    stand.protected()
    push = OrderPush(
        orderid="S1",
        symbol=CE,
        status=Status.COMPLETE,
        filled=Units(650),
        reason="",
        mode="analyze",
        got_at=t(20),
    )
    told = stand.hear(20, OrderPushed(push=push))
    assert told == [
        To("reconcile", Attention(at=t(20), every=seconds(10), now=True, reason="stops rest"))
    ]


@pytest.mark.parametrize(("outcome", "now"), [(Outcome.DONE, False), (Outcome.UNKNOWN, True)])
def test_answer_that_leaves_doubt_starts_a_read(stand: Stand, outcome: Outcome, now: bool) -> None:
    stand.ready().hear(1, place(1))
    attention = of(Attention, stand.reply(2, outcome, orderid="A1"))
    assert [message.now for message in attention] == [now]


# Quotes for the ladder.


def quotes_asked(stand: Stand) -> list[ReadQuotes]:
    return [call for call in stand.asked() if isinstance(call, ReadQuotes)]


def test_quotes_are_asked_for_while_a_short_is_left_and_not_in_a_storm(stand: Stand) -> None:
    stand.protected()
    stand.hear(20, ExitPosition(at=t(20), strategy=TAG, symbol=CE, reason="EXIT"))
    wanted = ReadQuotes(symbols=((CE, "NFO"),), urgent=True)
    assert quotes_asked(stand) == [wanted]
    stand.hear(20.5, Pulse(at=t(20.5)))
    assert quotes_asked(stand) == [wanted]
    del stand.broker.reads[0]
    failed = Failed(call="ReadQuotes", outcome=Outcome.REJECTED, at=t(20.6), status=400)
    stand.post.take()
    stand.broker.answer(failed)
    assert stand.post.take() == [To("order", QuotesRead(question=1, reply=failed))]
    stand.hear(20.6, QuotesRead(question=1, reply=failed))
    assert quotes_asked(stand) == []
    stand.hear(21, Pulse(at=t(21)))
    assert quotes_asked(stand) == [wanted]
    quotes = Quotes(quotes=(a_quote(14_990, 15_000, when=t(21)),), missing=())
    stand.hear(21.2, QuotesRead(question=2, reply=quotes))
    stand.broker.reads.clear()
    assert stand.actor._desk.exits.wanted_quotes(t(21.9)) == ()


def test_prices_that_never_come_are_asked_for_again(stand: Stand) -> None:
    stand.protected()
    stand.hear(20, ExitPosition(at=t(20), strategy=TAG, symbol=CE, reason="EXIT"))
    wanted = ReadQuotes(symbols=((CE, "NFO"),), urgent=True)
    stand.hear(29.9, Pulse(at=t(29.9)))
    assert quotes_asked(stand) == [wanted]
    stand.hear(30, Pulse(at=t(30)))
    assert quotes_asked(stand) == [wanted, wanted]
    late = Quotes(quotes=(a_quote(9_000, 9_005, when=t(20)),), missing=())
    stand.hear(30.1, QuotesRead(question=1, reply=late))
    assert stand.actor._desk.exits.last_price(CE) is None


def test_preflight_answer_comes_back_as_a_message_to_ourselves(stand: Stand) -> None:
    stand.begin().post.take()
    ready: Ready = a_ready()
    stand.broker.answer(ready)
    assert stand.post.take() == [To("order", PreflightDone(reply=ready))]


def test_margin_of_one_lot_is_asked_for_after_a_wish_and_goes_to_the_gate(stand: Stand) -> None:
    stand.protected()
    stand.hear(12, Pulse(at=t(12)))
    (asked, done) = next(r for r in stand.broker.reads if isinstance(r[0], ReadMargin))
    assert isinstance(asked, ReadMargin)
    assert (asked.ticket.symbol, asked.ticket.quantity) == (CE, 65)
    stand.post.take()
    said = MarginRead(total=Paise(15_000_000))
    done(said)
    assert stand.post.take() == [To("order", MarginSeen(question=1, reply=said))]
    stand.hear(13, MarginSeen(question=1, reply=said))
    margins = stand.actor._desk.entries.margins
    assert margins.per_lot(t(13)) == {CE: 15_000_000}
    failed = Failed(call="ReadMargin", outcome=Outcome.REJECTED, at=t(14), status=404)
    stand.hear(14, MarginSeen(question=2, reply=failed))
    assert margins.per_lot(t(14)) == {CE: 15_000_000}
