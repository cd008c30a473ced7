"""An order that takes no change must not hold the way out: it is cancelled and another is sent."""

import pytest

from domain.books import OrderRow, Status
from domain.calls import Outcome
from tests.orders import (
    ENTRY,
    Bench,
    a_buy,
    a_reply,
    a_resting_entry,
    a_row,
    an_open_short,
    rows_of_short,
    sold,
)
from tests.shorts import FILLED, FORCE, brief, sent

SMALL = a_buy(325)


def a_small_stop_jumped() -> Bench:
    """Half an entry is protected by S1; then the rest fills, and S1 is triggered, in one read."""
    bench = a_resting_entry().read(10, [a_row(ENTRY)], [sold(325)]).reply(10.5, orderid="S1")
    half = [a_row(ENTRY, status=Status.OPEN), a_row(SMALL, "S1")]
    bench.read(11, half, [sold(325)])
    bench.take()
    return bench.read(12, jumped(), [sold()])


def jumped(stop: Status = Status.OPEN) -> list[OrderRow]:
    return [FILLED, a_row(SMALL, "S1", stop)]


def covered(bench: Bench, seconds: float) -> list[tuple[str, str, int, int]]:
    """Cancel S1 for good, in two reads; return what is sent after them."""
    bench.reply(seconds, orderid="S1").quote(seconds + 1, 15_990, 16_000)
    gone = jumped(Status.CANCELLED)
    bench.read(seconds + 1, gone, [sold()]).quote(seconds + 3, 15_990, 16_000)
    return sent(bench.read(seconds + 3, gone, [sold()]))


def test_stop_that_refuses_a_new_quantity_is_replaced_by_a_cover_of_the_whole() -> None:
    bench = a_small_stop_jumped()
    bench.quote(13, 15_990, 16_000)
    assert brief(bench.writes) == [("modify", "S1", 650, 15_230)]
    bench.reply(13.2, Outcome.REJECTED, status=400, code="MODIFIES").read(13.5, jumped(), [sold()])
    assert brief(bench.settle(14).writes) == [("cancel", "S1", 0, 0)]
    assert covered(bench, 14.2) == [("place", "LIMIT", 650, 16_800)]


def test_new_quantity_that_is_acknowledged_and_not_taken_is_not_asked_again() -> None:
    bench = a_small_stop_jumped().settle(FORCE).quote(FORCE, 15_990, 16_000)
    assert brief(bench.writes) == [("modify", "S1", 650, 15_230)]
    bench.reply(FORCE + 0.2, orderid="S1").read(FORCE + 0.5, jumped(), [sold()])
    assert brief(bench.settle(FORCE + 1).writes) == [("cancel", "S1", 0, 0)]
    assert covered(bench, FORCE + 1.2) == [("place", "LIMIT", 650, 16_800)]


@pytest.mark.parametrize("code", ["TRIGGER_SIDE", "MODIFIES", "SCHEMA", ""])
def test_order_that_refuses_its_price_for_certain_is_cancelled_a_second_later(code: str) -> None:
    bench = an_open_short().read(12, rows_of_short(Status.OPEN), [sold()])
    bench.settle(13).quote(13, 15_990, 16_000)
    assert brief(bench.writes) == [("modify", "S1", 650, 16_800)]
    bench.reply(13.2, Outcome.REJECTED, code=code)
    bench.read(13.5, rows_of_short(Status.OPEN), [sold()])
    assert brief(bench.settle(14).writes) == [("cancel", "S1", 0, 0)]


def test_modify_that_is_accepted_makes_a_refusal_forgotten() -> None:
    bench = an_open_short().read(12, rows_of_short(Status.OPEN), [sold()])
    bench.settle(13).quote(13, 15_990, 16_000).reply(13.2, Outcome.REJECTED, code="BAND")
    bench.read(13.5, rows_of_short(Status.OPEN), [sold()])
    assert bench.order().modify_refused == "BAND"
    bench.quote(15, 15_990, 16_000).reply(15.2, orderid="S1")
    assert bench.order().modify_refused == ""


def test_quantity_changes_count_among_the_changes_of_an_order() -> None:
    """The entry fills lot by lot while its cover is open: after eight changes it is replaced."""
    filling = a_row(ENTRY, status=Status.OPEN)
    bench = a_resting_entry().read(10, [filling], [sold(65)]).reply(10.5, Outcome.REJECTED)
    bench.quote(11, 15_990, 16_000)
    answer_all(bench)
    asked = []
    for lots in range(2, 11):
        cover = a_row(bench.order().ticket, "C1")
        bench.read(10 + 2 * lots, [filling, cover], [sold(65 * lots)])
        asked += [kind for kind, name, *_ in brief(bench.writes) if name == "C1"]
        answer_all(bench)
    assert asked == ["modify"] * 8 + ["cancel"]


def answer_all(bench: Bench) -> None:
    """Let the broker take whatever was sent; every id it gives is C1."""
    for write in bench.take():
        op = type(write).__name__.removesuffix("Order").lower()
        bench.desk.replied(write.ref, op, a_reply(Outcome.DONE, "C1"), bench.now)
    bench.settle(0)
