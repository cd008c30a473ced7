"""What was lost is taken over once, all at once, and never waits long for a price."""

import pytest

from domain import events as ev
from domain.blotter import Blotter
from domain.books import OrderRow, Status
from domain.ledger import Ledger
from domain.levers import Lever
from domain.orders import Purpose, State
from domain.orphans import unwritten
from domain.params import OrderParams
from domain.reasons import Condition
from domain.rebuild import Rebuild
from domain.strategy import Mode
from domain.units import Paise, Symbol
from tests.domain.test_orphans import TERMS
from tests.orders import (
    CE,
    ENTRY,
    PE,
    PLANNED,
    T0,
    Bench,
    a_buy,
    a_ready,
    a_resting_entry,
    a_row,
    an_open_short,
    rows_of_short,
    sold,
    some_books,
    t,
)

NAKED = some_books([a_row(ENTRY, status=Status.COMPLETE)], [sold()])
COVERED = some_books(rows_of_short(), [sold()])


def unpriced(_: Symbol) -> Paise | None:
    return None


DAMAGED = ev.FindingApplied(at=T0, kind="JOURNAL_LOST", subject="orders.db.corrupt-1", detail="x")


def a_rebuild(*events: ev.Event) -> tuple[Rebuild, Blotter]:
    blotter = Blotter(Ledger().fold(events), "d-1", OrderParams())
    return Rebuild(blotter, TERMS), blotter


def test_books_without_orphans_are_weighed_at_once() -> None:
    rebuild, blotter = a_rebuild()
    assert rebuild.is_done(some_books(), unpriced, T0)
    assert blotter.events == []


def test_orphans_are_recorded_before_the_books_are_weighed() -> None:
    rebuild, blotter = a_rebuild(DAMAGED)
    assert rebuild.is_done(COVERED, unpriced, T0)
    assert isinstance(blotter.events[0], ev.OrphanFound)
    assert [order.purpose for order in blotter.ledger.live()] == [Purpose.STOP]
    assert rebuild.wanted == ()
    count = len(blotter.events)
    assert rebuild.is_done(COVERED, unpriced, t(2))
    assert len(blotter.events) == count


def test_price_is_wanted_until_it_comes() -> None:
    rebuild, blotter = a_rebuild()
    assert not rebuild.is_done(NAKED, unpriced, T0)
    assert (rebuild.wanted, blotter.events) == (((CE, "NFO"),), [])
    assert rebuild.is_done(NAKED, lambda _: Paise(13_500), t(1))
    assert rebuild.wanted == ()
    (leg,) = blotter.ledger.legs.values()
    assert leg.stop.trigger == 17_550


def test_price_is_waited_for_three_seconds_only() -> None:
    rebuild, blotter = a_rebuild()
    assert not rebuild.is_done(NAKED, unpriced, T0)
    assert not rebuild.is_done(NAKED, unpriced, t(2.9))
    assert rebuild.is_done(NAKED, unpriced, t(3))
    (leg,) = blotter.ledger.legs.values()
    assert leg.stop.trigger == 16_890


def test_of_an_empty_journal_a_human_is_told_what_was_found_and_what_is_covered_is_left() -> None:
    rebuild, blotter = a_rebuild()
    assert rebuild.is_done(COVERED, unpriced, T0)
    said = f"another trader? not in the journal: {CE} short 650, BUY orders S1"
    (finding,) = blotter.events
    assert finding == ev.FindingApplied(at=T0, kind="ANOTHER_TRADER", subject="shorts", detail=said)
    assert blotter.ledger.legs == {}
    assert rebuild.is_done(COVERED, unpriced, t(2))
    assert blotter.events == [finding]


def test_of_an_empty_journal_what_is_naked_is_protected_and_told_of_first() -> None:
    rebuild, blotter = a_rebuild()
    assert rebuild.is_done(NAKED, lambda _: Paise(13_500), T0)
    assert [type(event) for event in blotter.events] == [ev.FindingApplied, ev.OrphanFound]
    assert list(blotter.ledger.unsafe) == [Condition.ANOTHER_TRADER]


def a_start(*events: ev.Event) -> Bench:
    bench = Bench(events=[PLANNED, *events])
    bench.desk.preflight(a_ready(), T0)
    bench.desk.strategy_ready()
    bench.desk.trusted(entries=True, reason="")
    return bench


def test_short_of_another_agent_is_never_touched_not_even_by_the_force_close() -> None:
    """A second agent on another host, or with a fresh state directory."""
    bench = a_start()
    for second in range(4):
        bench.read(second, rows_of_short(), [sold()])
    (page,) = bench.desk.pages(t(4))
    assert (page.code, f"{CE} short 650, BUY orders S1" in page.text) == ("ANOTHER_TRADER", True)
    assert bench.desk.mode(t(4)) is Mode.REDUCE_ONLY
    bench.desk.flatten("FLATTEN", t(5))
    for second in range(5, 16):
        bench.quote(second, 13_000, 13_005)
        bench.read(second, rows_of_short(), [sold()])
    assert bench.writes == []
    assert bench.ledger.proved_flat_at is not None


def test_who_trades_is_known_after_the_word_of_a_human_and_stays_a_stranger() -> None:
    bench = a_start().read(1, rows_of_short(), [sold()])
    assert bench.desk.pull(Lever.ACK_FOREIGN, "", "BY_HAND", t(2)) == ""
    for second in range(3, 6):
        bench.read(second, rows_of_short(), [sold()])
    assert bench.desk.mode(t(6)) is Mode.ACTIVE
    assert (bench.ledger.legs, bench.writes) == ({}, [])


def test_short_that_nothing_covers_is_left_with_the_day_whoever_sold_it() -> None:
    bench = a_start().quote(0, 13_500, 13_505)
    bench.read(1, [a_row(ENTRY, status=Status.COMPLETE)], [sold()])
    (stop,) = bench.placed()
    assert (stop.quantity, stop.trigger) == (650, 17_550)
    assert bench.desk.mode(t(2)) is Mode.REDUCE_ONLY
    assert list(bench.ledger.unsafe) == [Condition.ANOTHER_TRADER]


def test_short_of_a_damaged_journal_is_ours_with_its_stop() -> None:
    bench = a_start(DAMAGED)
    for second in range(4):
        bench.read(second, rows_of_short(), [sold()])
    (leg,) = bench.ledger.open_legs()
    assert (leg.short, bench.ledger.uncovered(leg), bench.writes) == (650, 0, [])


def without_stop() -> list[ev.Event]:
    """The journal of a short whose stop left while no disk took anything."""
    return [e for e in an_open_short().events if getattr(e, "intent", "") != STOP_INTENT]


STOP_INTENT = an_open_short().order().intent


def test_stop_that_no_disk_took_is_taken_back_before_another_one_goes() -> None:
    bench = Bench(events=without_stop(), boot=2)
    bench.desk.preflight(a_ready(), t(40))
    for second in (41, 43, 45):
        bench.read(second, rows_of_short(), [sold()])
    (leg,) = bench.ledger.open_legs()
    (stop,) = bench.ledger.exits(leg.leg)
    assert (stop.orderid, stop.purpose, stop.state) == ("S1", Purpose.STOP, State.TRIGGER_PENDING)
    assert (bench.ledger.uncovered(leg), bench.ledger.foreign, bench.writes) == (0, set(), [])


@pytest.mark.parametrize(
    "rows",
    [
        [a_row(a_buy(trigger=14_105, price=15_230), "S1")],
        [a_row(a_buy(325), "S1")],
        [a_row(a_buy(), "S1", Status.CANCELLED)],
        [a_row(a_buy(), "S1", product="NRML")],
        [a_row(a_buy(symbol=PE), "S1")],
        [a_row(a_buy(), "S1"), a_row(a_buy(), "S2")],
    ],
    ids=["other trigger", "other units", "ended", "other product", "other symbol", "two of them"],
)
def test_order_that_is_not_surely_that_stop_is_somebody_elses(rows: list[OrderRow]) -> None:
    ledger = Ledger().fold(without_stop())
    assert unwritten(some_books([rows_of_short()[0], *rows], [sold()]), ledger, "d-2") == ()


def test_stop_that_is_known_is_not_taken_twice() -> None:
    books = some_books(rows_of_short(), [sold()])
    assert unwritten(books, an_open_short().ledger, "d-2") == ()
    stranger = ev.ExternalSeen(at=t(12), symbol=CE, orderids=("S1",), net=0)
    assert unwritten(books, Ledger().fold([*without_stop(), stranger]), "d-2") == ()


def test_stop_that_may_have_left_is_looked_for_by_its_own_numbers() -> None:
    bench = a_resting_entry().read(10, [a_row(ENTRY, status=Status.COMPLETE)], [sold()])
    again = bench.restart(40)
    assert [order.state for order in again.ledger.live()] == [State.UNKNOWN]
    books = some_books(rows_of_short(), [sold()])
    assert unwritten(books, again.ledger, "d-2") == ()


def test_desk_goes_by_no_snapshot_before_the_orphan_has_its_price() -> None:
    bench = Bench(events=[PLANNED, DAMAGED])
    bench.desk.preflight(a_ready(), T0)
    bench.read(1, [a_row(ENTRY, status=Status.COMPLETE)], [sold()])
    assert not bench.desk.is_recovered
    bench.read(5, [a_row(ENTRY, status=Status.COMPLETE)], [sold()])
    assert bench.desk.is_recovered


@pytest.mark.parametrize("found", [(), (DAMAGED,)], ids=["whole", "put back"])
def test_journal_put_back_takes_the_stop_that_replaced_its_own(found: tuple[ev.Event, ...]) -> None:
    rebuild, blotter = a_rebuild(*an_open_short().events, *found)
    second = a_row(a_buy(trigger=13_900, price=15_000), "S2")
    books = some_books([*rows_of_short(Status.CANCELLED), second], [sold()])
    assert rebuild.is_done(books, unpriced, t(60))
    assert ("S2" in blotter.ledger.own_ids()) == bool(found)
