"""Stops as large as the short whatever the broker takes, inside the band, or the ladder instead."""

from dataclasses import replace as changed
from typing import Any

import pytest
from msgspec.structs import replace

from domain.books import OrderRow, Status
from domain.calls import Outcome
from domain.orders import StopPlan
from domain.positions import Phase
from domain.protection import STOP_MODIFIES
from domain.units import Paise
from tests.orders import (
    CE,
    ENTRY,
    PARAMS,
    Bench,
    a_buy,
    a_reply,
    a_resting_entry,
    a_row,
    a_trade,
    an_open_short,
    rows_of_short,
    sold,
    t,
)
from tests.shorts import FILLED, FORCE, HIGHER, brief, phase, sent
from tests.trading import TAG

FILLING = a_row(ENTRY, status=Status.OPEN)


def a_filling_entry(**changes: Any) -> Bench:
    """An entry of 650 that rests as A1 and is about to fill; `changes` are of the desk's terms."""
    bench = Bench(params=changed(PARAMS, **changes)).active(0).wish(0).reply(0.5, orderid="A1")
    return bench.read(1, [a_row(ENTRY)])


def rows(bench: Bench, *stops: str) -> list[OrderRow]:
    """The book with the entry filling and these stops resting, in the order they were placed."""
    orders = list(bench.ledger.orders.values())[1:]
    return [FILLING, *(a_row(o.ticket, name) for o, name in zip(orders, stops, strict=True))]


# One stop for each part of a short.


def test_each_part_has_its_own_stop_where_a_quantity_cannot_grow() -> None:
    bench = a_filling_entry(modify_qty="none").read(10, [FILLING], [sold(65)])
    assert brief(bench.writes) == [("place", "SL", 65, 15_230)]
    bench.reply(10.3, orderid="S1").read(10.5, rows(bench, "S1"), [sold(65), sold(130)])
    assert brief(bench.writes) == [("place", "SL", 130, 15_230)]
    bench.reply(11, orderid="S2")
    bench.read(12, rows(bench, "S1", "S2"), [sold(195)])
    assert (bench.writes, bench.desk.exits.bare(t(12))) == ([], {})


def test_part_is_covered_although_the_first_stop_was_not_read_yet() -> None:
    bench = a_filling_entry(modify_qty="none").read(10, [FILLING], [sold(65)])
    bench.read(10.2, [FILLING], [sold(130)])
    assert brief(bench.writes) == [("place", "SL", 65, 15_230)], "one in flight at a time"
    bench.reply(10.3, orderid="S1")
    assert sent(bench) == [("place", "SL", 65, 15_235)]


def test_stop_that_refuses_to_grow_has_one_more_beside_it() -> None:
    bench = a_resting_entry().read(10, [FILLING], [sold(65)]).reply(10.3, orderid="S1")
    bench.read(10.5, rows(bench, "S1"), [sold(195)])
    assert brief(bench.writes) == [("modify", "S1", 195, 15_230)]
    bench.reply(10.8, Outcome.REJECTED, code="MODIFIES").read(11, rows(bench, "S1"), [sold(195)])
    assert sent(bench.settle(11.6)) == [("place", "SL", 130, 15_230)]


def test_stop_grows_no_further_than_one_order_may_hold() -> None:
    bench = a_resting_entry()
    huge = [a_trade(ENTRY, 1_820, 12_990)]  # one order holds 1755 units: no leg should be larger
    bench.read(10, [FILLED], huge)
    assert sent(bench) == [("place", "SL", 1_755, 15_230)]
    bench.desk.replied(bench.order().intent, "place", a_reply(orderid="S1"), t(10.5))
    bench.read(11, [FILLED, a_row(bench.order().ticket, "S1")], huge)
    assert sent(bench) == [("place", "SL", 65, 15_230)]
    pages = bench.desk.pages(t(11))
    assert [page.code for page in pages] == ["EXIT_FITTED"]


@pytest.mark.parametrize(
    ("modify_qty", "asked"),
    [("total", [("modify", "S1", 585, 15_230)]), ("none", [("cancel", "S1", 0, 0)])],
)
def test_stop_larger_than_the_short_is_made_smaller_or_replaced(
    modify_qty: str, asked: list[object]
) -> None:
    bench = a_filling_entry(modify_qty=modify_qty).read(10, [FILLED], [sold()])
    bench.reply(10.3, orderid="S1").read(11, rows_of_short(), [sold()])
    leg = next(bench.ledger.open_legs())
    bench.ledger.legs[leg.leg] = replace(leg, sold=replace(leg.sold, units=585))
    assert sent(bench.settle(12)) == asked


def test_of_two_stops_that_are_too_large_together_one_at_a_time_is_replaced() -> None:
    bench = a_filling_entry(modify_qty="none").read(10, [FILLED], [sold()])
    bench.reply(12, Outcome.UNKNOWN).settle(15).reply(15.5, orderid="S2")
    leg = next(bench.ledger.open_legs())
    bench.ledger.legs[leg.leg] = replace(leg, sold=replace(leg.sold, units=1_235))
    both = [FILLED, a_row(a_buy(), "S1"), a_row(bench.order().ticket, "S2")]
    assert sent(bench.read(16, both, [sold()])) == [("cancel", "S2", 0, 0)]
    assert sent(bench.settle(17.5)) == [], "the other one is the cover of half the short"


def test_stop_whose_change_is_in_the_air_is_waited_for() -> None:
    bench = a_resting_entry().read(10, [FILLING], [sold(65)]).reply(10.3, orderid="S1")
    bench.read(10.5, rows(bench, "S1"), [sold(195)]).take()
    assert sent(bench.read(11.6, [FILLED, *rows(bench, "S1")[1:]], [sold()])) == []


def test_unsent_stop_of_a_short_that_shrank_is_given_up_for_a_smaller_one() -> None:
    bench = a_resting_entry().read(10, [FILLED], [sold()]).reply(10.2, Outcome.NOT_SENT)
    leg = next(bench.ledger.open_legs())
    bench.ledger.legs[leg.leg] = replace(leg, sold=replace(leg.sold, units=585))
    assert sent(bench.settle(10.4)) == []
    assert sent(bench.settle(10.5)) == [("place", "SL", 585, 15_230)]


# The prices of a stop.


def quoted(bench: Bench, seconds: float, ltp: int) -> Bench:
    return bench.quote(seconds, ltp, ltp + 10)


def test_stop_already_met_by_a_fresh_price_becomes_the_ladder() -> None:
    bench = a_resting_entry().read(9, [FILLING])
    assert bench.desk.exits.wanted_quotes(t(9)) == ((CE, "NFO"),), "its stop may be due any moment"
    quoted(bench, 9.5, 14_100).read(10, [FILLED], [sold()])
    assert phase(bench) == (Phase.CHASE, "STOP_JUMPED")
    assert sent(bench) == [("place", "LIMIT", 650, 14_820)]
    (page,) = bench.desk.pages(t(10))
    assert (page.code, page.text) == (
        "GAP",
        "650 units: stop 141.00 jumped, rungs 148.20 155.30 162.40",
    )


def test_price_that_is_old_does_not_hold_up_a_stop() -> None:
    bench = quoted(a_resting_entry(), 5, 14_100).read(10, [FILLED], [sold()])
    assert sent(bench) == [("place", "SL", 650, 15_230)]


def test_stop_is_cut_to_the_band_but_never_below_its_trigger() -> None:
    # 10000 + 4000 x 0.9 = 13600 is below the trigger; 11000 + 3960 = 14960 is not.
    for ltp, limit in ((10_000, 14_100), (11_000, 14_960)):
        bench = quoted(a_resting_entry(), 9, ltp).read(10, [FILLED], [sold()])
        assert sent(bench) == [("place", "SL", 650, limit)]


def test_stop_off_the_tick_is_rounded_outward() -> None:
    bench = a_resting_entry()
    entry = bench.order()
    bench.ledger._keep(replace(entry, stop=StopPlan(trigger=Paise(14_101), limit=Paise(15_232))))
    bench.read(10, [FILLED], [sold()])
    assert bench.order().ticket == a_buy(trigger=14_105, price=15_235)
    bench.reply(10.5, orderid="S1")
    stop = a_row(bench.order().ticket, "S1")
    assert sent(bench.read(11, [FILLED, stop], [sold()])) == []


def test_moved_stop_that_the_price_has_passed_becomes_the_ladder() -> None:
    bench = an_open_short()
    bench.desk.move_stop(TAG, CE, HIGHER, t(20))
    bench.settle(20).reply(20.2, Outcome.REJECTED, code="TRIGGER_SIDE")
    bench.read(20.5, rows_of_short(), [sold()])
    assert phase(bench) == (Phase.CHASE, "STOP_JUMPED")


def moved_to_higher(bench: Bench, seconds: float) -> Bench:
    bench.desk.move_stop(TAG, CE, HIGHER, t(seconds))
    return bench.settle(seconds)


def refuse_moves(bench: Bench, start: int, end: int, **answer: Any) -> list[int]:
    """Answer every change so, second by second; return when one was asked for."""
    asked = []
    for second in range(start, end):
        if bench.settle(second).writes:
            asked.append(second - start)
            bench.reply(second + 0.1, **answer).read(second + 0.2, rows_of_short(), [sold()])
    return asked


def test_stop_follows_its_plan_once_the_broker_is_back() -> None:
    bench = moved_to_higher(an_open_short(), 20)
    asked = refuse_moves(bench, 20, 60, outcome=Outcome.NOT_SENT, status=0, text="refused")
    assert asked == [0, 1, 3, 8, 18, 28, 38]
    (page, *_) = bench.desk.pages(t(60))
    assert (page.code, page.count > 1) == ("STOP_STAYS", True)
    assert page.text == "650 units: rests at 141.00, planned at 142.00: refused"
    assert brief(bench.settle(70).writes) == [("modify", "S1", 650, 15_340)]
    assert bench.reply(70.2, orderid="S1").settle(70.3).order().ticket.trigger == 14_200
    bench.desk.pages(t(131))
    assert bench.settle(140).desk.pages(t(200)) == ()


def test_stop_that_takes_no_change_for_good_is_asked_each_minute() -> None:
    bench = moved_to_higher(an_open_short(), 20)
    asked = refuse_moves(bench, 20, 160, outcome=Outcome.REJECTED, code="PRICE")
    assert asked == [0, 60, 120]


def test_stop_that_was_changed_too_often_stays_and_a_human_hears_of_it() -> None:
    bench = an_open_short()
    bench.ledger._keep(replace(bench.order(), modifies=STOP_MODIFIES))
    assert moved_to_higher(bench, 20).writes == []
    (page,) = bench.desk.pages(t(20))
    assert page.code == "STOP_STAYS"
    assert page.text.endswith("planned at 142.00: it was changed 20 times")


# A stop the exchange refuses.


@pytest.mark.incident("INC-56")
def test_stop_refused_for_the_band_is_cut_once_and_sent() -> None:
    bench = quoted(a_resting_entry(), 9, 13_000).read(10, [FILLED], [sold()])
    assert brief(bench.writes) == [("place", "SL", 650, 15_230)]
    # The band we reckon with ends at 17680; half the distance is 15340, and no lower either.
    bench.reply(10.5, Outcome.REJECTED, code="BAND")
    assert brief(bench.writes) == [("place", "SL", 650, 14_170)]
    tight = quoted(quoted(a_resting_entry(), 2, 12_000), 9, 13_400).read(10, [FILLED], [sold()])
    assert brief(tight.writes) == [("place", "SL", 650, 15_230)]
    tight.reply(10.5, Outcome.REJECTED, code="BAND")
    assert brief(tight.writes) == [("place", "SL", 650, 14_160)]  # 12000 + 4800 x 0.45
    assert phase(tight) == (Phase.PROTECT, "")
    tight.reply(10.8, Outcome.REJECTED, code="BAND")
    assert phase(tight) == (Phase.CHASE, "STOP_REFUSED")
    assert sent(tight) == [("place", "LIMIT", 650, 14_085)]
    assert [page.code for page in tight.desk.pages(t(11))] == ["STOP_REFUSED"]


def test_stop_whose_trigger_no_cut_can_reach_becomes_a_cover() -> None:
    bench = quoted(a_resting_entry(), 9, 14_095).read(10, [FILLED], [sold()])
    assert brief(bench.writes) == [("place", "SL", 650, 15_230)]
    bench.ledger._keep(replace(bench.order(), ticket=a_buy(price=14_105)))
    bench.reply(10.5, Outcome.REJECTED, code="BAND")
    assert phase(bench) == (Phase.CHASE, "STOP_REFUSED")


def test_stop_refused_for_the_band_without_any_price_becomes_a_cover() -> None:
    bench = a_resting_entry().read(10, [FILLED], [sold()])
    bench.reply(10.5, Outcome.REJECTED, code="BAND")
    assert phase(bench) == (Phase.CHASE, "STOP_REFUSED")


def test_second_stop_refused_for_the_band_is_cut_once_too() -> None:
    bench = quoted(quoted(a_resting_entry(), 2, 12_000), 9, 13_400).read(10, [FILLED], [sold()])
    bench.reply(12, Outcome.UNKNOWN).settle(15).reply(15.2, Outcome.REJECTED, code="BAND")
    assert sent(bench) == [("place", "SL", 650, 14_160)]
    bench.desk.replied(bench.order().intent, "place", a_reply(orderid="S3"), t(15.5))
    row = a_row(bench.order().ticket, "S3")
    assert (sent(bench.read(16, [FILLED, row], [sold()])), phase(bench)) == (
        [],
        (Phase.PROTECT, ""),
    )


def test_stop_refused_long_ago_does_not_end_a_short_whose_stop_worked_since() -> None:
    tight = quoted(quoted(a_resting_entry(), 2, 12_000), 9, 13_400).read(10, [FILLED], [sold()])
    tight.reply(10.5, Outcome.REJECTED, code="BAND").reply(10.8, orderid="S1")
    stop = tight.order().ticket
    tight.read(11, [FILLED, a_row(stop, "S1")], [sold()])
    gone = [FILLED, a_row(stop, "S1", Status.CANCELLED)]
    tight.read(60, gone, [sold()]).read(61.5, gone, [sold()])
    assert phase(tight) == (Phase.PROTECT, "")
    assert sent(tight) == [("place", "SL", 650, 15_235)]


# Pages.


def test_short_that_stays_bare_is_paged() -> None:
    bench = a_resting_entry().read(10, [FILLED], [sold()]).reply(12, Outcome.UNKNOWN)
    bench.settle(15)
    assert [page.code for page in bench.desk.pages(t(15))] == ["SECOND_STOP"]
    bench.settle(20)
    (page,) = bench.desk.pages(t(20))
    assert (page.code, page.text) == ("UNCOVERED", "650 units without a working order for 10 s")


def test_close_without_books_is_paged_at_once() -> None:
    bench = an_open_short().settle(FORCE)
    assert bench.settle(FORCE + 4.9).desk.pages(t(FORCE + 4.9)) == ()
    bench.settle(FORCE + 5)
    (page,) = bench.desk.pages(t(FORCE + 5))
    assert (page.code, page.text) == (
        "NO_SNAPSHOT",
        f"{CE} short 650 last=unknown orders=S1",
    )


# A word of the broker's own.


def test_stop_that_the_price_went_past_is_left_though_its_row_says_nothing_we_know() -> None:
    bench = an_open_short()
    vague = rows_of_short(Status.UNKNOWN)
    trigger = bench.order().ticket.trigger
    bench.read(20, vague, [sold()])
    assert bench.desk.wanted_quotes(t(20)) == ((CE, "NFO"),)
    bench.quote(21, trigger - 5).read(23, vague, [sold()])
    assert phase(bench) == (Phase.PROTECT, "")
    bench.quote(24, trigger).quote(24.5, trigger - 5).quote(25, trigger).settle(26)
    assert phase(bench) == (Phase.PROTECT, ""), "the books were not read since then"
    bench.read(26.5, vague, [sold()], asked=25.2)
    assert phase(bench) == (Phase.CHASE, "STOP_JUMPED")


def test_stop_is_judged_by_its_row_again_once_that_says_what_we_know() -> None:
    bench = an_open_short()
    trigger = bench.order().ticket.trigger
    bench.read(20, rows_of_short(Status.UNKNOWN), [sold()])
    bench.read(21, rows_of_short(), [sold()]).quote(22, trigger).read(24, rows_of_short(), [sold()])
    assert phase(bench) == (Phase.PROTECT, "")
