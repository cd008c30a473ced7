"""A short is protected: one stop as large as the short, and what happens when there is none."""

import pytest

from domain import events as ev
from domain.books import Action, PriceType, Status
from domain.calls import Outcome
from domain.gate_exits import USUAL_TICK
from domain.orders import Purpose, State
from domain.positions import Phase
from domain.units import Units
from tests.orders import (
    CE,
    ENTRY,
    STOP,
    Bench,
    a_buy,
    a_reply,
    a_resting_entry,
    a_row,
    a_trade,
    an_open_short,
    planned,
    rows_of_short,
    sold,
    t,
)
from tests.shorts import (
    FILLED,
    HIGHER,
    brief,
    cover_row,
    leave,
    phase,
    sent,
)
from tests.trading import TAG


@pytest.mark.incident("INC-51")
def test_stop_works_five_seconds_after_a_visible_fill() -> None:
    bench = a_resting_entry().read(10, [FILLED], [sold()])
    assert sent(bench) == [("place", "SL", 650, 15_230)]
    stop = bench.order()
    assert stop.ticket == a_buy()
    assert (stop.purpose, stop.leg) == (Purpose.STOP, "2026-11-20-1-1")
    assert (stop.ticket.action, stop.ticket.pricetype) == (Action.BUY, PriceType.SL)


def test_stop_uses_the_next_price_when_its_own_was_used() -> None:
    bench = a_resting_entry()
    bench.read(10, [FILLED, a_row(a_buy(), "H1", Status.CANCELLED)], [sold()])
    assert sent(bench) == [("place", "SL", 650, 15_235)]


def test_resting_stop_asks_for_nothing_more() -> None:
    bench = an_open_short()
    for when in (12, 30, 600):
        bench.read(when, rows_of_short(), [sold()])
    assert (bench.writes, phase(bench)) == ([], (Phase.PROTECT, ""))
    assert bench.desk.exits.bare(t(600)) == {}


@pytest.mark.incident("INC-52")
def test_stop_grows_with_each_partial_fill() -> None:
    filling = a_row(ENTRY, status=Status.OPEN)
    bench = a_resting_entry().read(10, [filling], [sold(65)])
    assert brief(bench.writes) == [("place", "SL", 65, 15_230)]
    bench.read(10.5, [filling], [sold(65), sold(130)]).reply(10.8, orderid="S1")
    assert sent(bench) == []
    stop = a_row(a_buy(65), "S1")
    bench.read(12, [filling, stop], [sold(65), sold(130)])
    assert brief(bench.writes) == [("modify", "S1", 195, 15_230)]
    bench.reply(12.2, orderid="S1").read(12.5, [FILLED, stop], [sold()])
    assert sent(bench) == []
    assert sent(bench.settle(13)) == [("modify", "S1", 650, 15_230)]


def test_stop_that_bought_some_still_covers_the_rest() -> None:
    bought = a_trade(a_buy(), 130, 15_000, "S1")
    bench = an_open_short().read(12, rows_of_short(Status.OPEN), [sold(), bought])
    assert bench.ledger.uncovered(next(bench.ledger.open_legs())) == 0
    assert bench.writes == []


@pytest.mark.incident("INC-55")
def test_stop_cancelled_by_others_is_replaced() -> None:
    gone = rows_of_short(Status.CANCELLED)
    bench = an_open_short().read(20, gone, [sold()])
    assert bench.writes == []
    bench.read(21.5, gone, [sold()])
    assert sent(bench) == [("place", "SL", 650, 15_235)]


@pytest.mark.incident("INC-56")
@pytest.mark.parametrize("outcome", [Outcome.REJECTED, Outcome.NONSENSE])
def test_refused_stop_becomes_a_cover(outcome: Outcome) -> None:
    bench = a_resting_entry().read(10, [FILLED], [sold()]).reply(10.5, outcome, code="BAND")
    if outcome is Outcome.NONSENSE:  # it may wait for a human: nothing is sent beside it
        assert (bench.order().state, bench.writes) == (State.UNKNOWN, [])
        return
    assert phase(bench) == (Phase.CHASE, "STOP_REFUSED")
    assert bench.desk.exits.wanted_quotes(t(10.5)) == ((CE, "NFO"),)
    assert sent(bench.quote(11, 14_990, 15_000)) == [("place", "LIMIT", 650, 15_750)]


def test_stop_rejected_by_the_exchange_becomes_a_cover() -> None:
    bench = a_resting_entry().read(10, [FILLED], [sold()]).reply(10.5, orderid="S1")
    gone = rows_of_short(Status.REJECTED)
    bench.push(11, "S1", Status.REJECTED, "beyond LPP").read(11.5, gone, [sold()])
    assert phase(bench) == (Phase.CHASE, "STOP_REFUSED")
    assert bench.order().reason == "beyond LPP"


def test_push_without_a_reason_proves_no_rejection() -> None:
    bench = a_resting_entry().read(10, [FILLED], [sold()]).reply(10.5, orderid="S1")
    bench.push(11, "S1", Status.REJECTED)
    bench.push(11, "S1", Status.CANCELLED, "x").read(11.5, rows_of_short(Status.REJECTED), [sold()])
    assert phase(bench) == (Phase.PROTECT, "")


def test_stop_that_never_left_is_sent_again_a_second_later() -> None:
    bench = a_resting_entry().read(10, [FILLED], [sold()]).reply(10.5, Outcome.NOT_SENT)
    assert bench.settle(11.4).writes == []
    assert sent(bench.settle(11.5)) == [("place", "SL", 650, 15_230)]
    assert len(bench.ledger.orders) == 2


def test_stop_that_never_left_is_sent_again_after_a_restart() -> None:
    bench = a_resting_entry().read(10, [FILLED], [sold()]).reply(10.5, Outcome.NOT_SENT)
    again = bench.restart(13).read(13, [FILLED], [sold()])
    assert sent(again) == [("place", "SL", 650, 15_230)]
    assert len(again.ledger.orders) == 2


def test_stop_of_a_contract_nobody_knows_goes_by_the_usual_tick() -> None:
    """The day's contract facts may be lost with the journal, while a short is not."""
    filled = ev.FillsSeen(at=t(0), intent="i1", filled=Units(65), value=65 * 12_990)
    bench = Bench(events=[planned(), filled])
    bench.read(0, [], [a_trade(ENTRY, 65, 12_990)])
    assert phase(bench) == (Phase.PROTECT, "")
    assert sent(bench) == [("place", "SL", 65, 15_230)]
    assert USUAL_TICK == 5


# Moving a stop.


def test_moved_stop_is_modified_in_place() -> None:
    bench = an_open_short()
    bench.desk.move_stop(TAG, CE, HIGHER, t(20))
    assert sent(bench.settle(20)) == [("modify", "S1", 650, 15_340)]
    bench.desk.move_stop(TAG, CE, HIGHER, t(21))
    assert sent(bench.settle(21)) == []


def test_stop_of_another_strategy_or_symbol_is_not_moved() -> None:
    bench = an_open_short()
    bench.desk.move_stop("other", CE, HIGHER, t(20))
    bench.desk.leave("other", CE, "EXIT", t(20))
    assert (sent(bench.settle(20)), phase(bench)) == ([], (Phase.PROTECT, ""))


def test_stop_of_a_short_being_left_does_not_move() -> None:
    bench = leave(an_open_short(), 20)
    bench.desk.move_stop(TAG, CE, HIGHER, t(20))
    assert next(bench.ledger.open_legs()).stop == STOP


@pytest.mark.incident("INC-58")
def test_stop_modifications_stay_within_budget() -> None:
    bench = an_open_short()
    asked = 0
    for when in range(20, 120, 2):
        bench.desk.move_stop(TAG, CE, HIGHER if when % 4 == 0 else STOP, t(when))
        asked += len(bench.settle(when).take())
        bench.desk.replied(bench.order().intent, "modify", a_reply(), t(when + 0.1))
    assert asked == 20


# Uncovered.


SECOND_STOP = [("place", "SL", 650, 15_235)]


def test_restart_does_not_begin_the_wait_for_an_unknown_stop_anew() -> None:
    bench = a_resting_entry().read(10, [FILLED], [sold()]).reply(12, Outcome.UNKNOWN)
    assert sent(bench.settle(15)) == SECOND_STOP
    again = bench.restart(17).read(17.5, [FILLED], [sold()]).read(19.9, [FILLED], [sold()])
    assert (again.writes, phase(again)) == ([], (Phase.PROTECT, ""))
    again.quote(20, 14_990, 15_000)
    assert phase(again) == (Phase.CHASE, "EMERGENCY")
    again.quote(21.8, 14_990, 15_000)
    assert sent(again.read(22, [FILLED], [sold()])) == [("place", "LIMIT", 650, 15_750)]


"""The second stop: the same but for its fingerprint."""


def test_stop_of_unknown_fate_becomes_an_emergency_after_ten_seconds() -> None:
    bench = a_resting_entry().read(10, [FILLED], [sold()]).reply(12, Outcome.UNKNOWN)
    assert sent(bench.read(14.9, [FILLED], [sold()])) == []
    assert sent(bench.settle(15)) == SECOND_STOP
    bench.desk.replied(bench.order().intent, "place", a_reply(Outcome.UNKNOWN), t(15.2))
    assert sent(bench.read(19.9, [FILLED], [sold()])) == []
    assert bench.desk.exits.bare(t(19.9)) == {"2026-11-20-1-1": t(10)}
    bench.settle(20)
    assert phase(bench) == (Phase.CHASE, "EMERGENCY")
    assert sent(bench.quote(21, 14_000, 14_010)) == [], "one read missed the second stop"
    bench.read(22, [FILLED], [sold()])
    assert sent(bench) == [("place", "LIMIT", 650, 14_715)]


def test_second_stop_follows_an_answer_that_hangs() -> None:
    bench = a_resting_entry().read(10, [FILLED], [sold()])
    sent(bench)
    assert sent(bench.settle(14.9)) == []
    assert sent(bench.settle(15)) == SECOND_STOP


def test_stop_sent_again_late_has_its_time_to_be_answered() -> None:
    bench = a_resting_entry().read(10, [FILLED], [sold()]).reply(13.5, Outcome.NOT_SENT)
    assert sent(bench.settle(14.5)) == [("place", "SL", 650, 15_230)]
    assert sent(bench.settle(19.4)) == [], "its answer is waited for"
    assert sent(bench.settle(19.5)) == SECOND_STOP


def test_there_is_never_a_third_stop() -> None:
    bench = a_resting_entry().read(10, [FILLED], [sold()]).reply(12, Outcome.UNKNOWN)
    sent(bench.settle(15))
    for when in (16, 17, 18, 19):
        bench.read(when, [FILLED, a_row(bench.order().ticket, "S2")], [sold()])
    assert phase(bench) == (Phase.PROTECT, "")
    both = [FILLED, a_row(bench.order().ticket, "S2", Status.CANCELLED)]
    for when in (20, 22, 25, 28):
        bench.read(when, both, [sold()])
    assert bench.writes == [], "one was sent second already"


def test_surplus_of_two_stops_is_cancelled_when_both_show() -> None:
    bench = a_resting_entry().read(10, [FILLED], [sold()]).reply(12, Outcome.UNKNOWN)
    bench.settle(15).reply(15.5, orderid="S2")
    second = a_row(bench.order().ticket, "S2")
    both = [FILLED, a_row(a_buy(), "S1"), second]
    assert sent(bench.read(16, both, [sold()])) == [("cancel", "S2", 0, 0)]
    assert sent(bench.settle(17.5)) == [], "its end is asked for already"
    assert phase(bench) == (Phase.PROTECT, "")


def test_surplus_stop_that_was_not_read_yet_goes_first() -> None:
    bench = a_resting_entry().read(10, [FILLED], [sold()]).reply(12, Outcome.UNKNOWN)
    sent(bench.settle(15))
    second, name = a_row(bench.order().ticket, "S2"), bench.order(1).intent
    bench.read(16, [FILLED, second], [sold()])
    bench.desk.replied(name, "place", a_reply(Outcome.DONE, "S1"), t(17))
    assert sent(bench.settle(17)) == [("cancel", "S1", 0, 0)]


def a_cover_beside_a_stop() -> Bench:
    """A stop of unknown fate, a second one refused, and a cover that went beside it at 16 s."""
    bench = a_resting_entry().read(10, [FILLED], [sold()]).reply(12, Outcome.UNKNOWN)
    bench.read(13, [FILLED], [sold()]).settle(15).reply(15.2, Outcome.REJECTED)
    assert phase(bench) == (Phase.CHASE, "STOP_REFUSED"), "a second stop refused is no stop either"
    assert sent(bench.quote(15.5, 14_990, 15_000)) == [], "one read missed the first"
    assert sent(bench.read(16, [FILLED], [sold()])) == [("place", "LIMIT", 650, 15_750)]
    return bench


def covers_beside(bench: Bench, until: int) -> list[int]:
    """When covers went, each lost on its way; the books are read each second and show none."""
    went = []
    for when in range(17, until):
        bench.desk.replied(bench.order().intent, "place", a_reply(Outcome.UNKNOWN), t(when))
        bench.read(when, [FILLED], [sold()])
        went += [when] * len(sent(bench))
    return went


def test_further_covers_go_beside_orders_in_doubt_each_half_minute_three_in_all() -> None:
    bench = a_cover_beside_a_stop()
    assert covers_beside(bench, 140) == [46, 76]
    states = [order.state for order in list(bench.ledger.orders.values())[1:]]
    assert states == [State.UNKNOWN, State.REFUSED, *[State.UNKNOWN] * 3]


def test_cover_beside_that_provably_went_nowhere_is_not_counted() -> None:
    bench = a_cover_beside_a_stop()
    bench.desk.replied(bench.order().intent, "place", a_reply(Outcome.REJECTED), t(16.2))
    assert sent(bench.settle(16.2).settle(17.2)) == [("place", "LIMIT", 650, 15_755)]


def test_further_cover_waits_for_reads_after_the_last_one_was_sent() -> None:
    bench = a_cover_beside_a_stop()
    bench.desk.replied(bench.order().intent, "place", a_reply(Outcome.UNKNOWN), t(17))
    bench.read(18, [FILLED], [sold()]).settle(60)
    assert sent(bench.read(61, [FILLED], [sold()])) == [], "the read of 18 s came too soon to tell"
    assert sent(bench.read(63, [FILLED], [sold()])) == [("place", "LIMIT", 650, 15_755)]


def test_covers_beside_are_counted_after_a_restart_too() -> None:
    bench = a_cover_beside_a_stop()
    bench.desk.replied(bench.order().intent, "place", a_reply(Outcome.UNKNOWN), t(17))
    again = bench.settle(17).restart(18)
    for when in (18, 21, 24, 30, 45):
        again.read(when, [FILLED], [sold()]).quote(when, 14_990, 15_000)
    assert again.writes == []
    assert sent(again.read(46, [FILLED], [sold()])) == [("place", "LIMIT", 650, 15_755)]


def test_cover_goes_beside_an_answer_that_hangs_and_two_reads_missed() -> None:
    bench = a_resting_entry().read(10, [FILLED], [sold()])
    sent(bench)
    bench.desk.replied("none", "place", a_reply(), t(11))
    bench.read(13.5, [FILLED], [sold()]).quote(14.9, 14_990, 15_000).read(15, [FILLED], [sold()])
    assert phase(bench) == (Phase.CHASE, "STOP_JUMPED"), "its stop was met before it was confirmed"
    bench.read(15.5, [FILLED], [sold()])
    assert sent(bench) == [("place", "LIMIT", 650, 15_750)]


def a_lone_stop_in_the_dark() -> Bench:
    """A stop of unknown fate; the second one was refused."""
    bench = a_resting_entry().read(10, [FILLED], [sold()]).reply(12, Outcome.UNKNOWN)
    return bench.settle(15).reply(15.1, Outcome.REJECTED)


def test_cover_beside_needs_two_reads_two_seconds_apart() -> None:
    bench = a_lone_stop_in_the_dark()
    assert phase(bench) == (Phase.CHASE, "STOP_REFUSED")
    bench.quote(20.5, 14_990, 15_000).read(21, [FILLED], [sold()])
    assert sent(bench.read(22.9, [FILLED], [sold()])) == []
    assert sent(bench.read(23, [FILLED], [sold()])) == [("place", "LIMIT", 650, 15_750)]


def test_stop_that_turns_up_beside_its_cover_is_surplus() -> None:
    bench = a_resting_entry().read(10, [FILLED], [sold()]).reply(12, Outcome.UNKNOWN)
    for when in (13, 15, 20):
        bench.read(when, [FILLED], [sold()])
    bench.quote(20.5, 14_990, 15_000).reply(21, orderid="C1")
    both = [FILLED, a_row(a_buy(), "S1"), cover_row(bench)]
    assert ("cancel", "S1", 0, 0) in sent(bench.read(22, both, [sold()]))


def test_two_orders_that_may_fill_are_one_too_many() -> None:
    bench = a_resting_entry().read(10, [FILLED], [sold()]).reply(12, Outcome.UNKNOWN)
    for when in (13, 15, 20):
        bench.read(when, [FILLED], [sold()])
    bench.quote(20.5, 14_990, 15_000).reply(21, orderid="C1")
    both = [FILLED, a_row(a_buy(), "S1", Status.OPEN), cover_row(bench)]
    assert ("cancel", "C1", 0, 0) in sent(bench.read(22, both, [sold()]))


def test_second_stop_of_one_intent_is_cancelled() -> None:
    bench = a_resting_entry().read(10, [FILLED], [sold()]).reply(12, Outcome.UNKNOWN)
    twins = [FILLED, a_row(a_buy(), "S1"), a_row(a_buy(), "S2")]
    assert sent(bench.read(13, twins, [sold()])) == [("cancel", "S2", 0, 0)]
    assert sent(bench.settle(13.5)) == [], "its end is asked for already"
    assert bench.ledger.latches.keys() == {"DUPLICATE"}


def test_second_entry_of_one_intent_is_cancelled_and_protected_if_it_fills() -> None:
    bench = Bench().active(0).wish(0).reply(1, Outcome.UNKNOWN)
    twins = [a_row(ENTRY, "A1"), a_row(ENTRY, "A2")]
    assert sent(bench.read(2, twins)) == [("cancel", "A1", 0, 0), ("cancel", "A2", 0, 0)]
    full = [a_row(ENTRY, "A1", Status.COMPLETE), a_row(ENTRY, "A2", Status.COMPLETE)]
    bench.read(3, full, [sold(), a_trade(ENTRY, 650, 12_990, "A2")])
    assert sent(bench) == [("place", "SL", 650, 15_230), ("place", "SL", 650, 15_235)]
