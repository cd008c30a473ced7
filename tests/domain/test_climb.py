"""The one order that leaves: turned from a stop where the broker can, sliced, bounded, paged."""

from dataclasses import replace as changed

import pytest
from msgspec.structs import replace

from domain import events as ev
from domain.books import Status
from domain.calls import ModifyOrder, Outcome
from domain.gate_exits import ExitVerdict
from domain.positions import Leg
from domain.units import Paise
from tests.orders import (
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
from tests.shorts import FILLED, a_chase, a_climb, brief, cover_row, leave, read_climb, sent

# Turning the stop into the order that leaves.


def a_short_of_a_changing_broker() -> Bench:
    """The short of tests/orders.py at a broker that lets a stop become a limit; left at 20 s."""
    params = changed(PARAMS, exit_modify="change_type")
    bench = Bench(params=params).active(0).wish(0).reply(0.5, orderid="A1")
    bench.read(1, [a_row(ENTRY)]).read(10, [FILLED], [sold()]).reply(10.5, orderid="S1")
    leave(bench.read(11, rows_of_short(), [sold()]), 20).quote(20.5, 14_990, 15_000)
    return bench.read(21, rows_of_short(), [sold()])


def test_stop_becomes_the_limit_that_leaves_where_the_broker_can() -> None:
    bench = a_short_of_a_changing_broker()
    assert brief(bench.writes) == [("modify", "S1", 650, 15_750)]
    write = bench.writes[0]
    assert isinstance(write, ModifyOrder)
    assert write.ticket == a_buy(trigger=0, price=15_750)
    bench.reply(21.2, orderid="S1").settle(22.5)
    assert bench.writes == [], "it was not read as a limit yet"
    limit = a_row(a_buy(trigger=0, price=15_750), "S1")
    bench.quote(22.8, 14_990, 15_000).read(23, [FILLED, limit], [sold()])
    assert brief(bench.writes) == [("modify", "S1", 650, 16_500)]


def test_stop_that_stays_a_stop_after_its_change_is_cancelled() -> None:
    bench = a_short_of_a_changing_broker().reply(21.2, orderid="S1")
    assert sent(bench.read(23, rows_of_short(), [sold()])) == [("cancel", "S1", 0, 0)]


def test_stop_that_refuses_to_change_for_certain_is_cancelled() -> None:
    bench = a_short_of_a_changing_broker().reply(21.2, Outcome.REJECTED, code="PRICE")
    assert sent(bench.read(23, rows_of_short(), [sold()])) == [("cancel", "S1", 0, 0)]


def test_stop_whose_change_is_refused_for_now_is_asked_again() -> None:
    bench = a_short_of_a_changing_broker().reply(21.2, Outcome.REJECTED, code="SESSION")
    bench.read(21.4, rows_of_short(), [sold()])
    assert sent(bench.settle(22.3)) == []
    bench.quote(22.4, 14_990, 15_000)
    assert sent(bench) == [("modify", "S1", 650, 15_750)]


def test_changing_broker_waits_for_a_quote_as_well() -> None:
    params = changed(PARAMS, exit_modify="change_type")
    bench = Bench(params=params).active(0).wish(0).reply(0.5, orderid="A1")
    bench.read(1, [a_row(ENTRY)]).read(10, [FILLED], [sold()]).reply(10.5, orderid="S1")
    leave(bench.read(11, rows_of_short(), [sold()]), 20)
    assert sent(bench.read(21, rows_of_short(), [sold()])) == []
    assert sent(bench.settle(22)) == [("modify", "S1", 650, 15_230)]


# What one order may buy.


def grow(bench: Bench, leg: Leg) -> None:
    """Make a short larger than one order may buy; nothing is known of the broker's."""
    bench.ledger.legs[leg.leg] = replace(leg, sold=replace(leg.sold, units=1_820))
    bench.desk.memory.net = None


def test_cover_is_sliced_and_the_rest_follows() -> None:
    bench = a_chase((14_990, 15_000))
    huge = [a_trade(ENTRY, 1_820, 12_990)]
    bench.reply(23.2, orderid="C1")
    small = a_row(bench.order().ticket, "C1", Status.COMPLETE)
    bought = a_trade(bench.order().ticket, 650, 15_700, "C1")
    bench.quote(25.5, 14_990, 15_000)
    bench.read(26, [*rows_of_short(Status.CANCELLED), small], [*huge, bought])
    assert sent(bench) == [("place", "LIMIT", 1_170, 16_500)]
    large = a_chase((14_990, 15_000))
    leg = next(large.ledger.open_legs())
    grow(large, leg)
    large.reply(23.2, Outcome.REJECTED).take()
    assert sent(large.settle(24.2)) == [("place", "LIMIT", 1_755, 15_750)]


def test_cover_of_a_whole_slice_that_never_left_is_sent_again() -> None:
    bench = a_chase((14_990, 15_000))
    leg = next(bench.ledger.open_legs())
    grow(bench, leg)
    bench.reply(23.2, Outcome.REJECTED).settle(24.2).reply(24.3, Outcome.NOT_SENT)
    assert sent(bench.settle(25.3)) == [("place", "LIMIT", 1_755, 15_750)]


def test_cover_takes_no_new_quantity_where_none_can_be_changed() -> None:
    params = changed(PARAMS, modify_qty="none")
    bench = Bench(params=params).active(0).wish(0).reply(0.5, orderid="A1")
    filling = a_row(ENTRY, status=Status.OPEN)
    bench.read(1, [a_row(ENTRY)]).read(10, [filling], [sold(65)]).reply(10.5, Outcome.REJECTED)
    bench.quote(11, 14_990, 15_000).reply(11.2, orderid="C1").take()
    rows = [filling, a_row(bench.order().ticket, "C1")]
    assert ("cancel", "C1", 0, 0) in sent(bench.read(12, rows, [sold(130)]))


def test_order_that_may_fill_is_replaced_where_a_change_is_of_what_is_left() -> None:
    bench = a_climb()
    bearings = bench.desk.exits.bearings
    bearings.terms = changed(bearings.terms, modify_qty="remaining")
    bench.quote(26, 15_500, 15_990)
    assert ("cancel", "C1", 0, 0) in sent(read_climb(bench, 26.5))


def test_order_that_would_buy_too_much_is_found_and_not_sent() -> None:
    """No path of the desk leads here: the gate's row 12 is the last net."""
    bench = an_open_short()
    (leg,) = bench.ledger.open_legs()
    bearings = bench.desk.exits.bearings
    for second in (20, 21):
        verdict = bearings.fit(leg, a_buy(), [bench.order()], t(second))
        assert verdict.ticket is None
    bench.settle(21)
    found = [e for e in bench.events if isinstance(e, ev.FindingApplied)]
    assert [(e.kind, e.subject) for e in found] == [("OVER_COVER", leg.leg)]
    (page,) = bench.desk.pages(t(21))
    assert (page.code, page.is_critical, page.count) == ("OVER_COVER", True, 2)


def test_order_the_gate_refuses_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = a_chase()
    bench.reply(23.2, Outcome.REJECTED)
    refused = ExitVerdict(ticket=None)
    monkeypatch.setattr(bench.desk.exits.bearings, "fit", lambda *_: refused)
    assert sent(bench.settle(24.2)) == []
    bare = a_resting_entry()
    monkeypatch.setattr(bare.desk.exits.bearings, "fit", lambda *_: refused)
    assert sent(bare.read(10, [FILLED], [sold()])) == []


# Pages.


def test_refused_cover_is_paged_with_its_reason() -> None:
    bench = a_chase((14_990, 15_000)).reply(23.2, Outcome.REJECTED, code="FUNDS")
    (page,) = bench.desk.pages(t(23.2))
    assert (page.code, page.text) == ("EXIT_REFUSED", "650 units: FUNDS")


def test_modify_that_never_got_there_is_paged() -> None:
    bench = a_climb().quote(25, 14_990, 15_000).reply(25.2, Outcome.NOT_SENT)
    (page,) = bench.desk.pages(t(25.2))
    assert (page.code, page.text) == ("EXIT_REFUSED", "650 units: never got there")


def test_gap_without_a_quote_names_the_rungs_from_the_stored_limit() -> None:
    bench = an_open_short().read(20, rows_of_short(Status.OPEN), [sold()]).settle(21)
    bench.settle(23)
    gap = [page for page in bench.desk.pages(t(23)) if page.code == "GAP"]
    assert [page.text for page in gap] == [
        "650 units: stop 141.00 jumped, rungs 159.95 167.60 175.25"
    ]


def test_gap_is_told_once() -> None:
    bench = an_open_short().read(20, rows_of_short(Status.OPEN), [sold()]).settle(21)
    bench.quote(21.2, 17_500).reply(21.4, orderid="S1")
    assert [page.code for page in bench.desk.pages(t(21.4))] == ["GAP"]
    raised = replace(a_buy(), price=bench.order().ticket.price)
    bench.read(22, [FILLED, a_row(raised, "S1", Status.OPEN)], [sold()])
    for when in (23.5, 60, 90):
        bench.quote(when, 17_500).take()
    assert "GAP" not in [page.code for page in bench.desk.pages(t(90))]


def test_cover_that_ended_unfilled_is_followed_by_another() -> None:
    """A cover cancelled by others, or one that was never placed, is no refusal."""
    bench = a_climb()
    gone = [*rows_of_short(Status.CANCELLED), cover_row(bench, Status.CANCELLED)]
    bench.quote(25, 14_990, 15_000).reply(25.2, Outcome.UNKNOWN)
    bench.read(26, gone, [sold()]).quote(27.5, 14_990, 15_000)
    assert sent(bench.read(28, gone, [sold()])) == [("place", "LIMIT", 650, 16_500)]
    assert bench.desk.pages(t(28)) == ()


def test_late_answer_of_a_stop_given_up_on_is_cancelled_beside_its_cover() -> None:
    bench = a_resting_entry().read(10, [FILLED], [sold()]).reply(12, Outcome.UNKNOWN)
    bench.settle(15).reply(15.1, Outcome.REJECTED).read(15.2, [FILLED], [sold()])
    bench.quote(17.2, 14_990, 15_000).read(17.5, [FILLED], [sold()])
    assert brief(bench.writes) == [("place", "LIMIT", 650, 15_750)]
    bench.desk.replied(bench.order(1).intent, "place", a_reply(orderid="S1"), t(18))
    assert ("cancel", "S1", 0, 0) in brief(bench.settle(18).writes)


def test_climb_goes_on_with_prices_as_they_come() -> None:
    bench = a_climb()
    read_climb(bench, 24.9)
    assert brief(bench.quote(25, 14_990, 16_000).writes) == [("modify", "C1", 650, 17_600)]


def test_modify_whose_answer_hangs_is_over_once_the_book_shows_it() -> None:
    bench = a_climb().quote(25, 14_990, 15_000)
    assert sent(bench) == [("modify", "C1", 650, 16_500)]
    raised = a_row(replace(bench.order().ticket, price=Paise(16_500)), "C1")
    bench.read(26.5, [*rows_of_short(Status.CANCELLED), raised], [sold()])
    assert sent(bench.quote(27, 14_990, 15_000)) == [("modify", "C1", 650, 17_250)]


def test_modify_whose_answer_hangs_is_sent_again_once_the_book_lacks_it_for_long() -> None:
    bench = a_climb().quote(25, 14_990, 15_000)
    sent(bench)
    for when in (26.5, 30, 34.9):
        read_climb(bench, when).quote(when, 14_990, 15_000)
    assert bench.writes == []
    read_climb(bench, 35).quote(35, 14_990, 15_000)
    assert sent(bench) == [("modify", "C1", 650, 16_500)]
    read_climb(bench, 36).quote(38, 14_990, 15_000)
    assert bench.writes == []


def test_cover_refused_for_the_band_where_no_price_was_ever_seen_is_asked_again() -> None:
    bench = a_chase().reply(23.2, Outcome.REJECTED, code="BAND")
    assert sent(bench.settle(25)) == [("place", "LIMIT", 650, 15_235)]


# What has no effect gives way.


def play_met(bench: Bench, start: int, end: int, trade: bool) -> list[tuple[str, str, int, int]]:
    """Show the stop open at the broker, the market far below its limit; return what was asked."""
    asked = []
    done = [a_trade(a_buy(), 65, 15_000, "S1")] * trade
    price = 15_230
    for second in range(start, end):
        bench.quote(second, 15_000, 15_010)
        for kind, name, units, limit in brief(bench.writes):
            asked.append((kind, name, units, limit))
            price = limit or price
            bench.reply(second + 0.1, orderid="S1")
        met = a_row(a_buy(price=price), "S1", Status.OPEN)
        bench.read(second + 0.5, [FILLED, met], [sold(), *done])
    return asked


def test_stop_that_seems_met_and_does_not_trade_at_the_market_gives_way() -> None:
    bench = an_open_short().read(20, rows_of_short(Status.OPEN), [sold()])
    asked = play_met(bench, 21, 29, trade=False)
    assert asked[-1] == ("cancel", "S1", 0, 0), asked
    assert [kind for kind, *_ in asked[:-1]] == ["modify"] * (len(asked) - 1)


def test_stop_that_trades_goes_on_climbing() -> None:
    bench = an_open_short().read(20, rows_of_short(Status.OPEN), [sold()])
    assert {kind for kind, *_ in play_met(bench, 21, 29, trade=True)} == {"modify"}


def test_change_that_never_has_an_effect_gives_way_to_another_order() -> None:
    bench = a_climb()
    asked: list[str] = []
    for tenth in range(250, 600):
        when = tenth / 10
        bench.quote(when, 14_990, 15_000)
        if bench.writes and asked[-1:] != ["cancel"]:
            asked.append(brief(bench.writes)[0][0])
            bench.reply(when, Outcome.UNKNOWN, status=500)
            read_climb(bench, when + 0.05)
    assert asked == ["modify"] * 4 + ["cancel"]


def test_cover_that_is_rejected_without_a_word_comes_nearer_to_the_market() -> None:
    bench = a_chase((14_990, 15_000))
    prices = []
    for start in (23, 31, 41):
        prices += [price for _, _, _, price in sent(bench)]
        name = f"C{start}"
        bench.desk.replied(bench.order().intent, "place", a_reply(orderid=name), t(start + 0.2))
        ended = [
            a_row(order.ticket, order.orderid, Status.REJECTED)
            for order in bench.ledger.orders.values()
            if order.orderid.startswith("C")
        ]
        rows = [*rows_of_short(Status.CANCELLED), *ended]
        bench.read(start + 1, rows, [sold()]).read(start + 4, rows, [sold()])
        bench.quote(start + 6.5, 14_990, 15_000)
    assert prices == [15_750, 15_660, 15_325]
    assert {page.code for page in bench.desk.pages(t(50))} >= {"EXIT_REFUSED"}


def test_cover_whose_row_says_a_word_of_the_broker_s_own_climbs_all_the_same() -> None:
    bench = a_chase((14_990, 15_000)).reply(23.2, orderid="C1")
    rows = [*rows_of_short(Status.CANCELLED), cover_row(bench, Status.UNKNOWN)]
    bench.read(24.5, rows, [sold()])
    bench.quote(26, 15_990, 16_000).settle(26.5)
    assert brief(bench.writes) == [("modify", "C1", 650, 17_600)]
