"""What may be left alone until the next process starts, and what may not."""

from domain import events as ev
from domain.books import Status
from domain.parking import unsafe
from tests.orders import (
    ENTRY,
    Bench,
    a_buy,
    a_resting_entry,
    a_row,
    an_open_short,
    rows_of_short,
    sold,
    t,
)
from tests.shorts import a_climb, leave


def parked(bench: Bench, seconds: float) -> bool:
    bench.settle(seconds)
    return bench.desk.is_parked()


def test_short_beside_a_resting_stop_may_be_left() -> None:
    bench = an_open_short()
    bench.desk.park(t(12))
    assert (unsafe(bench.ledger), parked(bench, 13)) == ((), False)
    bench.read(14, rows_of_short(), [sold()])
    assert parked(bench, 14)


def test_entry_that_may_still_fill_keeps_the_process() -> None:
    bench = a_resting_entry()
    symbol = ENTRY.symbol
    assert unsafe(bench.ledger) == (f"{symbol}: the entry A1 may still fill",)
    bench.desk.park(t(2))
    bench.read(3, [a_row(ENTRY)])
    assert not parked(bench, 3)


def test_entry_without_an_id_is_told_too() -> None:
    bench = Bench().active(0).wish(0)
    (line,) = unsafe(bench.ledger)
    assert line.endswith("the entry without an id may still fill")


def test_stop_that_was_not_read_yet_is_no_stop() -> None:
    bench = a_resting_entry().read(10, [a_row(ENTRY, status=Status.COMPLETE)], [sold()])
    assert unsafe(bench.ledger) == (
        f"{ENTRY.symbol}: 650 units without a stop that was read resting",
    )


def test_stop_for_a_part_leaves_the_rest_bare() -> None:
    bench = an_open_short()
    part = [a_row(ENTRY, status=Status.COMPLETE), a_row(a_buy(325), "S1")]
    rest = a_resting_entry().read(10, [a_row(ENTRY, status=Status.COMPLETE)], [sold(325)])
    rest.reply(10.5, orderid="S1")
    rest.read(11, part, [sold(325)])
    rest.read(12, part, [sold(650)])
    (line,) = unsafe(rest.ledger)
    assert line == f"{ENTRY.symbol}: 325 units without a stop that was read resting"
    assert unsafe(bench.ledger) == ()


def test_cover_that_climbs_is_no_stop_and_is_chased_on_while_parking() -> None:
    bench = a_climb()
    bench.desk.park(t(25))
    assert unsafe(bench.ledger) == (f"{ENTRY.symbol}: 650 units are being left, no stop rests",)
    assert not parked(bench, 26)


def test_stop_whose_end_was_asked_for_is_no_stop() -> None:
    bench = leave(an_open_short(), 20)
    bench.read(21, rows_of_short(), [sold()])
    assert unsafe(bench.ledger) == (f"{ENTRY.symbol}: 650 units are being left, no stop rests",)


def test_short_that_was_bought_back_needs_no_stop() -> None:
    bench = an_open_short()
    stop = bench.order()
    units = stop.ticket.quantity
    bench.ledger.apply(ev.FillsSeen(at=t(12), intent=stop.intent, filled=units, value=1))
    assert unsafe(bench.ledger) == ()


def test_stop_that_was_met_and_did_not_fill_protects_nobody() -> None:
    bench = an_open_short().read(12, rows_of_short(Status.OPEN), [sold()])
    assert unsafe(bench.ledger) == (
        f"{ENTRY.symbol}: 650 units without a stop that was read resting",
    )
