"""The order desk where answers come from the wrong world, are refused, or come from a human."""

import pytest

from domain import events as ev
from domain.books import Status
from domain.calls import CancelOrder, Outcome, PlaceOrder, Priority
from domain.orders import State
from domain.reasons import Condition
from domain.reconcile import Verdict
from domain.strategy import Mode
from domain.units import seconds
from tests.orders import (
    CE,
    ENTRY,
    Bench,
    a_buy,
    a_position,
    a_ready,
    a_reply,
    a_resting_entry,
    a_row,
    a_trade,
    an_entry_wish,
    an_open_short,
    rows_of_short,
    sold,
    some_books,
    t,
)
from tests.trading import PLAN


def mode(bench: Bench) -> Mode:
    return bench.desk.mode(bench.now)


def holds(bench: Bench) -> set[Condition]:
    return set(bench.desk.standing.conditions)


# The other world.


@pytest.mark.parametrize("said", ["live", ""])
def test_order_placed_live_while_paper_was_meant_is_cancelled_by_its_id(said: str) -> None:
    bench = Bench().active(0).wish(0)
    bench.reply(0.5, Outcome.NONSENSE, "L7", code="MODE", mode=said, text="mode live")
    (cancel,) = bench.take()
    intent = bench.order().intent
    assert cancel == CancelOrder(
        ref=intent, orderid="L7", strategy=ENTRY.strategy, priority=Priority.EXIT
    )
    assert (bench.order().state, bench.order().orderid) == (State.UNKNOWN, "")
    assert bench.ledger.latches.keys() == {"MODE_FLIP"}
    kinds = [e.kind for e in bench.events if isinstance(e, ev.FindingApplied)]
    assert kinds == ["LIVE_ORDER"]


@pytest.mark.parametrize("reply", [{"orderid": ""}, {"orderid": "L7", "mode": "analyze"}])
def test_answer_that_names_no_live_order_cancels_nothing(reply: dict[str, str]) -> None:
    bench = Bench().active(0).wish(0)
    bench.reply(0.5, Outcome.NONSENSE, code="MODE", text="other mode", **{"mode": "live"} | reply)
    assert bench.take() == []
    assert holds(bench) == {Condition.OTHER_WORLD}


def test_answer_to_a_change_in_the_other_world_cancels_nothing_there() -> None:
    bench = a_resting_entry()
    bench.desk.cancel(ENTRY.strategy, "CE", "outranked")
    bench.settle(2)
    bench.reply(2.5, Outcome.NONSENSE, "A1", code="MODE", mode="live")
    assert bench.take() == []
    assert holds(bench) == {Condition.OTHER_WORLD}


def test_stray_answer_of_the_other_world_cancels_nothing() -> None:
    bench = Bench().active(0)
    reply = a_reply(Outcome.NONSENSE, "L7", code="MODE", mode="live")
    bench.desk.blotter.end_abroad("gone", reply, t(1))
    assert bench.settle(1).take() == []


def test_preflight_in_the_right_mode_counts_as_a_read() -> None:
    bench = Bench().active(0)
    bench.desk.flipped("live", t(5))
    bench.read(6)
    assert holds(bench) == {Condition.OTHER_WORLD}
    bench.desk.preflight(a_ready(t(7)), t(7))
    assert holds(bench) == set()


# Refused writes.


def refused(code: str = "DENIED") -> Bench:
    bench = Bench().active(0).wish(0)
    return bench.reply(1, Outcome.REJECTED, status=403, code=code, text="no").read(2)


def test_writes_refused_while_reads_work_end_entries_until_one_is_taken() -> None:
    bench = refused()
    assert (mode(bench), holds(bench)) == (Mode.REDUCE_ONLY, {Condition.WRITES_REFUSED})
    assert bench.desk.attention(t(2))[1] == "idle"
    bench.desk.preflight(a_ready(t(3)), t(3))
    assert mode(bench) is Mode.ACTIVE, "nothing is open: the next entry shows it"


def test_refused_cover_is_proved_taken_by_a_write_alone() -> None:
    bench = an_open_short()
    bench.desk.leave(ENTRY.strategy, CE, "test", t(20))
    bench.read(21, rows_of_short(), [sold()])
    bench.reply(21.5, Outcome.REJECTED, status=401, code="DENIED", text="no")
    bench.read(22, rows_of_short(), [sold()])
    assert Condition.WRITES_REFUSED in holds(bench)
    bench.desk.preflight(a_ready(t(22)), t(22))
    assert Condition.WRITES_REFUSED in holds(bench)
    assert [type(write) for write in bench.settle(23).writes] == [CancelOrder], "tried again"
    bench.reply(24, orderid="S1")
    assert Condition.WRITES_REFUSED not in holds(bench)


def test_refusal_in_semi_auto_freezes() -> None:
    assert refused("SEMI_AUTO").ledger.latches.keys() >= {"ORDER_MODE"}


def test_lost_session_explains_every_refusal() -> None:
    bench = refused()
    bench.desk.lost_session()
    assert holds(bench) == {Condition.LOGIN}


def test_order_accepted_without_an_id_is_read_for_as_long_as_it_may_appear() -> None:
    bench = Bench().active(0).wish(0).reply(1, Outcome.NONSENSE, code="NO_ORDERID", text="queued")
    assert bench.desk.attention(t(2)) == (seconds(1.5), "proof wanted")
    assert bench.desk.attention(t(140)) == (seconds(60), "idle")
    bench.read(50, [a_row(ENTRY, "A9")])
    assert (bench.order().state, bench.order().orderid) == (State.TRIGGER_PENDING, "A9")


# Books, clocks.


def test_books_never_believed_are_not_cured_by_a_preflight() -> None:
    bench = Bench()
    bench.desk.doubts.login_is_missed(t(0))
    assert bench.desk.doubts.login_is_missed(t(60))
    bench.desk.lost_session("no books")
    bench.desk.preflight(a_ready(t(61)), t(61))
    assert Condition.LOGIN in holds(bench)
    bench.read(62)
    assert Condition.LOGIN not in holds(bench)


def test_three_snapshots_not_believed_end_a_resting_entry() -> None:
    bench = a_resting_entry()
    for second in (2, 3, 4):
        bench.desk.disbelieved(Verdict(faults=("order A1 is missing",)), t(second))
    assert [type(write) for write in bench.settle(5).take()] == [CancelOrder]
    assert mode(bench) is Mode.REDUCE_ONLY
    bench.read(6, [a_row(ENTRY)])
    assert mode(bench) is Mode.ACTIVE


def test_after_a_sleep_a_bare_short_waits_for_the_books_before_it_is_chased() -> None:
    bench = a_resting_entry().read(10, [a_row(ENTRY, status=Status.COMPLETE)], [sold()])
    bench.take()
    bench.desk.jumped("slept", t(110))
    bench.settle(110)
    assert [w for w in bench.take() if isinstance(w, PlaceOrder) and not w.ticket.trigger] == []
    assert holds(bench) == {Condition.RESYNC}
    assert bench.desk.doubts.take_read()


# Others.


def test_resting_entry_ends_where_somebody_else_trades_and_none_follows() -> None:
    bench = a_resting_entry()
    human = a_trade(a_buy(65, trigger=0), 65, 13_000, "H1")
    bench.read(2, [a_row(ENTRY), a_row(a_buy(65, trigger=0), "H1", Status.COMPLETE)], [human])
    (cancel,) = bench.take()
    assert isinstance(cancel, CancelOrder)
    assert bench.ledger.externals == {CE: 65}
    assert mode(bench) is Mode.ACTIVE


def test_rows_of_others_after_the_force_close_are_no_other_trader() -> None:
    bench = Bench().active(0)
    late = (PLAN.force_close - t(0)) / seconds(1)
    rows = [a_row(a_buy(65), f"H{n}") for n in range(5)]
    bench.read(late + 1, rows)
    assert Condition.ANOTHER_TRADER not in holds(bench)
    early = Bench().active(0).read(1, rows)
    assert Condition.ANOTHER_TRADER in holds(early.settle(1))


# Never more than the broker is short.


def a_stop_in_doubt() -> Bench:
    """The stop of a short is UNKNOWN, and a human buys the short back at once."""
    bench = a_resting_entry().read(10, [a_row(ENTRY, status=Status.COMPLETE)], [sold()])
    return bench.reply(11, Outcome.UNKNOWN)


def bought_back(bench: Bench, when: float, units: int = 650) -> Bench:
    human = a_buy(units, trigger=0)
    rows = [a_row(ENTRY, status=Status.COMPLETE), a_row(human, "H1", Status.COMPLETE)]
    return bench.read(when, rows, [sold(), a_trade(human, units, 13_000, "H1")])


def bought_units(bench: Bench) -> list[int]:
    return [w.ticket.quantity for w in bench.take() if isinstance(w, PlaceOrder)]


def test_nothing_is_bought_beside_an_order_in_doubt_where_the_broker_is_short_no_more() -> None:
    bench = a_stop_in_doubt()
    for when in range(12, 60, 2):
        bought_back(bench, when)
        bench.quote(when, 13_000, 13_010)
    assert bought_units(bench) == []
    for when in (150, 152, 154, 156):
        bought_back(bench, when)
    (leg,) = bench.ledger.legs.values()
    assert (leg.short, bought_units(bench)) == (0, [])


def test_part_bought_back_bounds_what_goes_beside_an_order_in_doubt() -> None:
    bench = a_stop_in_doubt()
    for when in range(12, 18, 2):
        bought_back(bench, when, 325)
    assert bought_units(bench) == [325]


def test_one_read_that_fails_makes_the_broker_s_short_no_larger() -> None:
    bench = a_stop_in_doubt()
    bought_back(bench, 12)
    for when in range(13, 42):
        bench.desk.doubted()
        bench.settle(when)
    assert bought_units(bench) == []
    assert bench.desk.memory.broker_short(CE) == 0
    bench.settle(42)
    assert bench.desk.memory.broker_short(CE) is None, "unread for half a minute"


def test_climbing_cover_ends_where_the_broker_is_short_no_more() -> None:
    bench = an_open_short()
    bench.desk.leave(ENTRY.strategy, CE, "test", t(20))
    gone = rows_of_short(Status.CANCELLED)
    for when in (21, 23, 25):
        bench.read(when, rows_of_short() if when == 21 else gone, [sold()])
        bench.quote(when, 13_000, 13_010)
        if bench.writes and isinstance(bench.writes[0], CancelOrder):
            bench.reply(when, orderid="S1")
    (cover,) = [w for w in bench.take() if isinstance(w, PlaceOrder)]
    bench.writes.append(cover)
    bench.reply(26, orderid="C1")
    human = a_buy(trigger=0)
    live = [*gone, a_row(cover.ticket, "C1")]
    bench.read(27, live, [sold()])
    while bench.writes:
        bench.reply(27.5, orderid="C1")
    rows = [*live, a_row(human, "H1", Status.COMPLETE)]
    bench.read(29, rows, [sold(), a_trade(human, 650, 13_000, "H1")])
    assert [type(write) for write in bench.settle(30).take()] == [CancelOrder]


# One row that calls a resting stop open.


def leaked(when: float, last: int) -> Bench:
    """The stop at 141.00 is read open; the price is this."""
    bench = an_open_short().read(when, rows_of_short(Status.OPEN), [sold()])
    assert bench.desk.wanted_quotes(t(when)) == ((CE, "NFO"),)
    assert bench.desk.attention(t(when))[0] == seconds(1.5)
    return bench.quote(when + 0.5, last)


def phase(bench: Bench) -> str:
    (leg,) = bench.ledger.legs.values()
    return leg.phase.value


def test_short_is_not_left_for_one_row_that_the_price_belies() -> None:
    bench = leaked(20, 12_000)
    assert phase(bench.settle(21.5)) == "protect"
    bench.read(22, rows_of_short(), [sold()]).read(24, rows_of_short(), [sold()])
    assert phase(bench.settle(30)) == "protect"


def test_second_row_decides_against_the_price() -> None:
    bench = leaked(20, 12_000)
    bench.read(21.5, rows_of_short(Status.OPEN), [sold()])
    assert phase(bench) == "chase"


def test_price_beyond_the_trigger_decides_at_once() -> None:
    assert phase(leaked(20, 15_500).settle(21)) == "chase"


def test_order_in_doubt_ages_on_after_the_clock_was_set_back() -> None:
    """An hour back: what is in the air is not of the future."""
    bench = Bench().active(3600).wish(3600, an_entry_wish(when=t(3600)))
    bench.reply(3601, Outcome.UNKNOWN)
    assert bench.order().sent_at == t(3600)
    bench.desk.jumped("the clock jumped by -3600.0 s", t(0))
    assert (bench.order().sent_at, bench.order().changed_at) == (t(0), t(0))
    assert bench.ledger.moved_at == t(0)
    bench.now = t(0)
    for when in (4, 100, 136, 138):
        bench.read(when)
    assert bench.order().state is State.NOT_PLACED


def test_short_that_only_seems_to_be_there_is_not_left_but_protected() -> None:
    bench = a_resting_entry()
    row = a_row(ENTRY, status=Status.COMPLETE)
    for when in (2, 4):
        books = some_books([row], asked=t(when), positions=[a_position(net=-650)])
        bench.desk.disbelieved(Verdict(faults=("lag",)), t(when), books)
    bench.desk.flatten("DAY_STOP", t(4))
    bench.settle(4)
    (stop,) = [w.ticket for w in bench.take() if isinstance(w, PlaceOrder)]
    assert (stop.trigger, phase(bench)) == (14_100, "protect")
    bench.read(6, [row], [sold()])
    assert phase(bench) == "chase"
