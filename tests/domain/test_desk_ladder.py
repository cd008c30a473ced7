"""A short is left: one order climbs, never too much is bought, nothing is given up or left over."""

import pytest

from domain import events as ev
from domain.books import PriceType, Status
from domain.calls import ModifyOrder, Outcome, PlaceOrder
from domain.orders import Pending, State
from domain.positions import Phase
from tests.orders import (
    CE,
    ENTRY,
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
from tests.shorts import (
    FILLED,
    FORCE,
    HIGHER,
    QUIET,
    a_chase,
    a_climb,
    brief,
    cover_row,
    leave,
    phase,
    read_climb,
    sent,
)
from tests.trading import TAG


@pytest.mark.incident("INC-54")
def test_stop_jumped_over_is_repriced_within_a_second() -> None:
    bench = an_open_short().read(20, rows_of_short(Status.OPEN), [sold()])
    assert (bench.settle(20.9).writes, phase(bench)) == ([], (Phase.PROTECT, ""))
    bench.settle(21)
    assert phase(bench) == (Phase.CHASE, "STOP_JUMPED")
    # The band is measured from the quote alone: 17500 gives 23800.
    assert sent(bench.quote(21.2, 17_500)) == [("modify", "S1", 650, 18_375)]


def test_chase_cancels_the_stop_proves_its_end_and_covers_the_residual() -> None:
    bench = leave(an_open_short(), 20)
    assert phase(bench) == (Phase.CHASE, "EXIT")
    bench.read(21, rows_of_short(), [sold()])
    assert brief(bench.writes) == [("cancel", "S1", 0, 0)]
    bench.reply(21.2, orderid="S1")
    bought = a_trade(a_buy(), 130, 15_000, "S1")
    gone = rows_of_short(Status.CANCELLED)
    bench.quote(22, 14_990, 15_000).read(22, gone, [sold(), bought])
    assert bench.writes == []
    bench.read(23, gone, [sold(), bought])
    assert sent(bench) == [("place", "LIMIT", 520, 15_750)]


def test_resting_stop_is_kept_until_the_books_are_read_again() -> None:
    bench = leave(an_open_short(), 20)
    for when in (21, 25, 60):
        assert bench.settle(when).writes == []
    assert sent(bench.read(61, rows_of_short(), [sold()])) == [("cancel", "S1", 0, 0)]


@pytest.mark.incident("INC-64")
def test_stop_filling_during_force_close_opens_no_long() -> None:
    bench = an_open_short().settle(FORCE)
    bench.read(FORCE + 1, rows_of_short(), [sold()])
    assert brief(bench.writes) == [("cancel", "S1", 0, 0)]
    bench.reply(FORCE + 1.2, Outcome.REJECTED).quote(FORCE + 1.5, 14_990, 15_000)
    bought = a_trade(a_buy(), 650, 15_000, "S1")
    bench.read(FORCE + 2, rows_of_short(Status.COMPLETE), [sold(), bought])
    bench.read(FORCE + 5, rows_of_short(Status.COMPLETE), [sold(), bought])
    assert (sent(bench), phase(bench)) == ([], (Phase.DONE, "FORCE_CLOSE"))
    assert bench.ledger.own_net() == {CE: 0}


@pytest.mark.incident("INC-63")
def test_exit_under_way_is_not_started_again() -> None:
    bench = a_climb()
    for when in (24.6, 24.8, 24.9):
        leave(bench, when)
    assert bench.writes == []
    assert len([e for e in bench.events if isinstance(e, ev.ExitPhase)]) == 1


def test_ladder_climbs_a_rung_each_two_seconds() -> None:
    bench, prices = a_climb(), []
    for n in range(3):
        when = 25 + 2 * n
        prices += brief(bench.quote(when, 14_990, 15_000).writes)
        bench.reply(when + 0.2, orderid="C1")
        read_climb(bench, when + 0.5)
    # At a reference of 14990 the band ends at 20386.4: 20385.
    assert prices == [("modify", "C1", 650, p) for p in (16_500, 17_250, 18_000)]


def test_ladder_ends_at_the_band_and_goes_on_when_that_moves() -> None:
    # Last prices of 3000, an ask of 6000: rung 6300 is cut to 4800 and rests there.
    bench = a_chase((3_000, 3_000), (3_000, 6_000))
    assert brief(bench.writes) == [("place", "LIMIT", 650, 4_800)]
    bench.reply(23.2, orderid="C1")
    read_climb(bench, 24.5)
    for when in (25, 27, 29):
        assert brief(bench.quote(when, 3_000, 6_000).writes) == []
    # Once the last 30 s saw 6000 only, the rung that was cut is asked again, uncut.
    assert brief(bench.quote(60, 6_000).writes) == [("modify", "C1", 650, 6_300)]


def test_cover_waits_a_rung_for_a_quote_and_then_goes_blind() -> None:
    bench = a_chase()
    assert sent(bench) == [("place", "LIMIT", 650, 15_230)]  # no quote since 20 s
    early = leave(an_open_short(), 20).read(20, rows_of_short(), [sold()])
    early.reply(20.1, orderid="S1")
    gone = rows_of_short(Status.CANCELLED)
    assert sent(early.read(20.2, gone, [sold()]).read(21.2, gone, [sold()])) == []
    assert sent(early.settle(22)) == [("place", "LIMIT", 650, 15_230)]


def test_blind_ladder_climbs_from_the_stored_limit() -> None:
    bench = a_chase().reply(23.2, orderid="C1")
    read_climb(bench, 24)
    assert brief(bench.settle(25).writes) == [("modify", "C1", 650, 15_995)]
    bench.reply(25.2, orderid="C1")
    assert brief(bench.settle(27).writes) == [("modify", "C1", 650, 16_760)]


def test_blind_price_is_not_below_one_already_asked() -> None:
    bench = a_chase((14_990, 15_000))
    assert brief(bench.writes) == [("place", "LIMIT", 650, 15_750)]
    bench.reply(23.2, Outcome.REJECTED)
    assert sent(bench.settle(26)) == [("place", "LIMIT", 650, 15_755)]  # 15230 by itself


def test_quote_without_any_price_is_no_quote() -> None:
    bench = a_chase()
    assert sent(bench) == [("place", "LIMIT", 650, 15_230)]
    later = leave(an_open_short(), 20).quote(21, 0)
    assert later.desk.exits.wanted_quotes(t(21)) == ()
    assert later.desk.exits.wanted_quotes(t(22.1)) == ((CE, "NFO"),)


def test_cover_that_never_left_is_sent_again_unless_the_short_changed() -> None:
    bench = a_chase().reply(23.2, Outcome.NOT_SENT)
    assert bench.settle(24).writes == []
    assert sent(bench.settle(24.2)) == [("place", "LIMIT", 650, 15_230)]
    bench.desk.replied(bench.order().intent, "place", a_reply(Outcome.NOT_SENT), t(24.5))
    bought = a_trade(a_buy(), 65, 15_000, "S1")
    bench.read(25.6, rows_of_short(Status.CANCELLED), [sold(), bought])
    assert bench.order(2).state is State.REFUSED
    assert sent(bench) == [("place", "LIMIT", 585, 15_230)]


def test_order_changed_too_often_is_cancelled_and_replaced() -> None:
    bench = a_climb()
    when = 25.0
    for _ in range(8):
        bench.quote(when, 100_000, 15_000).reply(when + 0.2, orderid="C1")
        read_climb(bench, when + 0.5)
        when += 2
    assert sent(bench.quote(when, 100_000, 15_000)) == [("cancel", "C1", 0, 0)]
    gone = [*rows_of_short(Status.CANCELLED), cover_row(bench, Status.CANCELLED)]
    bench.read(when + 1, gone, [sold()]).read(when + 2.5, gone, [sold()])
    ((kind, name, units, price),) = sent(bench)
    assert (kind, name, units) == ("place", "LIMIT", 650)
    assert price > 21_000


def test_cover_grows_with_a_short_that_grows_and_shrinks_with_one_that_shrinks() -> None:
    filling = a_row(ENTRY, status=Status.OPEN)
    bench = a_resting_entry().read(10, [filling], [sold(130)]).reply(10.5, Outcome.REJECTED)
    bench.quote(11, 14_990, 15_000)
    cover = [w for w in bench.take() if isinstance(w, PlaceOrder)]
    assert brief(cover) == [("place", "LIMIT", 130, 15_750)]
    bench.desk.replied(cover[0].ref, "place", a_reply(Outcome.DONE, "C1"), t(11.2))
    row = a_row(cover[0].ticket, "C1")
    bench.read(12, [filling, row], [sold(130), sold(65)])
    assert ("modify", "C1", 195, 15_750) in sent(bench)


# The end of a leg.


@pytest.mark.incident("INC-57")
def test_no_stop_outlives_its_position() -> None:
    bench = a_climb()
    late_stop = [FILLED, a_row(a_buy(), "S1"), cover_row(bench, Status.COMPLETE)]
    covered = a_trade(a_buy(), 650, 15_700, "C1")
    bench.read(26, late_stop, [sold(), covered])
    assert sent(bench) == [("cancel", "S1", 0, 0)]
    assert phase(bench) == (Phase.CHASE, "EXIT")
    gone = [*rows_of_short(Status.CANCELLED), cover_row(bench, Status.COMPLETE)]
    bench.read(27, gone, [sold(), covered]).read(28.5, gone, [sold(), covered])
    assert phase(bench) == (Phase.DONE, "EXIT")


def test_stop_that_comes_back_after_the_end_of_its_leg_is_cancelled() -> None:
    bench = a_climb()
    covered = a_trade(a_buy(), 650, 15_700, "C1")
    gone = [*rows_of_short(Status.CANCELLED), cover_row(bench, Status.COMPLETE)]
    bench.read(26, gone, [sold(), covered])
    assert phase(bench) == (Phase.DONE, "EXIT")
    revived = [FILLED, a_row(a_buy(), "S1"), cover_row(bench, Status.COMPLETE)]
    assert sent(bench.read(60, revived, [sold(), covered])) == [("cancel", "S1", 0, 0)]


def test_stop_that_did_its_work_ends_the_leg() -> None:
    bought = a_trade(a_buy(), 650, 15_000, "S1")
    bench = an_open_short().read(20, rows_of_short(Status.COMPLETE), [sold(), bought])
    assert (bench.writes, phase(bench)) == ([], (Phase.DONE, "stopped"))


def test_unsent_order_of_a_closed_short_is_forgotten() -> None:
    bench = a_chase().reply(23.2, Outcome.NOT_SENT)
    bought = a_trade(a_buy(), 650, 15_000, "S1")
    bench.read(23.5, rows_of_short(Status.CANCELLED), [sold(), bought])
    assert (bench.order().state, bench.writes) == (State.REFUSED, [])
    assert phase(bench) == (Phase.DONE, "EXIT")


def test_leg_waits_for_an_order_in_flight_before_it_ends() -> None:
    bench = a_chase()
    bought = a_trade(a_buy(), 650, 15_000, "S1")
    bench.read(23.5, rows_of_short(Status.CANCELLED), [sold(), bought])
    assert phase(bench) == (Phase.CHASE, "EXIT")


def test_leg_of_an_entry_that_may_fill_on_does_not_end() -> None:
    filling = a_row(ENTRY, status=Status.OPEN)
    bench = a_resting_entry().read(10, [filling], [sold(65)]).reply(10.5, orderid="S1")
    stop = bench.order().ticket
    bought = a_trade(stop, 65, 15_000, "S1")
    bench.read(12, [filling, a_row(stop, "S1", Status.COMPLETE)], [sold(65), bought])
    assert phase(bench) == (Phase.PROTECT, "")
    bench.read(13, [filling, a_row(stop, "S1", Status.COMPLETE)], [sold(65), bought, sold(65)])
    assert ("place", "SL", 65, 15_235) in sent(bench)


def test_units_bought_back_too_many_freeze_the_day() -> None:
    bought = a_trade(a_buy(), 715, 15_000, "S1")
    bench = an_open_short()
    for when in (20, 21):
        bench.read(when, rows_of_short(Status.COMPLETE), [sold(), bought])
    assert bench.ledger.latches == {"OWN_LONG": f"{CE}: 65 units bought back too many"}
    assert phase(bench) == (Phase.DONE, "stopped")


# The quiet before the broker's own square-off.


@pytest.mark.incident("INC-71")
def test_square_off_race_never_flips_the_position() -> None:
    bench = an_open_short()
    for second in range(60):
        when = QUIET + second
        bench.read(when, rows_of_short(), [sold()]).quote(when, 14_990, 15_000)
    assert (bench.writes, phase(bench)) == ([], (Phase.CHASE, "FORCE_CLOSE"))


def test_nothing_new_is_bought_and_nothing_climbs_in_the_quiet() -> None:
    bench = a_climb()
    for when in (QUIET, QUIET + 5):
        read_climb(bench, when).quote(when, 14_990, 15_000)
    assert bench.writes == []
    unsent = a_chase().reply(23.2, Outcome.NOT_SENT).settle(QUIET)
    assert (unsent.order().state, unsent.writes) == (State.REFUSED, [])


def test_order_left_over_in_the_quiet_is_cancelled_once_trades_explain_the_flat() -> None:
    bench = a_climb()
    bought = a_trade(a_buy(), 650, 15_000, "S1")
    bench.read(
        QUIET, [FILLED, a_row(a_buy(), "S1", Status.COMPLETE), cover_row(bench)], [sold(), bought]
    )
    assert sent(bench) == [("cancel", "C1", 0, 0)]


def test_unsent_stop_is_given_up_once_the_short_is_left() -> None:
    bench = a_resting_entry().read(10, [FILLED], [sold()]).reply(10.5, Outcome.NOT_SENT)
    leave(bench, 10.6)
    assert (bench.order().state, bench.writes) == (State.REFUSED, [])


def test_request_in_the_air_is_waited_for() -> None:
    bench = an_open_short()
    bench.desk.move_stop(TAG, CE, HIGHER, t(20))
    sent(bench.settle(20))
    leave(bench, 21).read(22, rows_of_short(), [sold()])
    assert (bench.writes, bench.order().pending) == ([], Pending.MODIFY)


@pytest.mark.incident("INC-65")
def test_cover_needs_no_position_row_and_never_doubles() -> None:
    bench = a_chase((14_990, 15_000))
    for when in range(24, 60):
        bench.quote(when, 14_990, 15_000)
    assert sent(bench) == [("place", "LIMIT", 650, 15_750)]


@pytest.mark.incident("INC-70")
def test_lost_fill_push_does_not_repeat_the_exit() -> None:
    bench = a_climb()
    covered = a_trade(a_buy(), 650, 15_700, "C1")
    gone = [*rows_of_short(Status.CANCELLED), cover_row(bench, Status.COMPLETE)]
    for when in (26, 30, 60):
        bench.read(when, gone, [sold(), covered]).quote(when, 14_990, 15_000)
    assert bench.writes == []


@pytest.mark.incident("INC-66")
def test_force_close_ladder_ends_flat_without_market_orders() -> None:
    bench = a_climb()
    kinds: set[PriceType] = set()
    for when in (25, 27, 29):
        for write in bench.quote(when, 14_990, 15_000).take():
            assert isinstance(write, ModifyOrder | PlaceOrder)
            kinds.add(write.ticket.pricetype)
            bench.desk.replied(write.ref, "modify", a_reply(Outcome.DONE, "C1"), t(when))
    assert kinds == {PriceType.LIMIT}


def test_ladder_below_the_price_already_asked_only_counts() -> None:
    """After a restart the ladder begins anew, under an order that climbed before."""
    bench = a_climb()
    bench.quote(25, 14_990, 15_000).reply(25.2, orderid="C1")
    ticket = bench.order().ticket
    assert ticket.price == 16_500
    rows = [*rows_of_short(Status.CANCELLED), a_row(ticket, "C1")]
    again = bench.restart(30).read(30, rows, [sold()])
    for when in (31, 33.5):
        assert again.quote(when, 14_990, 15_000).writes == []
    assert sent(again.quote(36, 14_990, 15_000)) == [("modify", "C1", 650, 17_250)]
