"""A human's levers: which latch each raises, what takes one down, what a restart finds."""

import pytest

from domain import events as ev
from domain.calls import Outcome
from domain.levers import Lever
from domain.reasons import LATCHES, Condition
from domain.strategy import Mode
from domain.switch import TWICE_WITHIN, Taps, kill_level, why_not_cleared
from domain.units import Micros
from tests.orders import Bench, a_resting_entry, an_open_short, t
from tests.shorts import phase

BY_HAND = "BY_HAND"


def pull(bench: Bench, seconds: float, lever: Lever, name: str = "") -> str:
    refusal = bench.desk.pull(lever, name, BY_HAND, t(seconds))
    bench.settle(seconds)
    return refusal


@pytest.mark.parametrize(
    ("text", "lever"),
    [
        ("FLATTEN", Lever.FLATTEN),
        (" FLATTEN\n", Lever.FLATTEN),
        ("", Lever.FREEZE),
        ("flatten", Lever.FREEZE),
        ("FLATTEN now", Lever.FREEZE),
        ("FREEZE", Lever.FREEZE),
        ("HALT", Lever.FREEZE),
    ],
)
def test_file_flattens_by_one_word_only(text: str, lever: Lever) -> None:
    assert kill_level(text) is lever


def test_second_signal_flattens_if_it_comes_soon() -> None:
    taps, soon = Taps(), TWICE_WITHIN
    assert taps.tap(Micros(0)) is Lever.FREEZE
    assert taps.tap(Micros(soon + 1)) is Lever.FREEZE
    assert taps.tap(Micros(2 * soon + 1)) is Lever.FLATTEN


def test_freeze_ends_entries_and_is_up_once() -> None:
    bench = a_resting_entry()
    assert pull(bench, 2, Lever.FREEZE) == ""
    assert bench.desk.mode(t(2)) is Mode.REDUCE_ONLY
    assert [type(write).__name__ for write in bench.take()] == ["CancelOrder"]
    before = len(bench.events)
    assert pull(bench, 3, Lever.FREEZE) == ""
    assert [e for e in bench.events[before:] if isinstance(e, ev.LatchSet)] == []


def test_freeze_leaves_the_stop_alone() -> None:
    bench = an_open_short()
    bench.take()
    pull(bench, 12, Lever.FREEZE)
    bench.settle(20)
    assert (bench.take(), phase(bench)[0]) == ([], "protect")


def test_flatten_leaves_every_short() -> None:
    bench = an_open_short()
    pull(bench, 12, Lever.FLATTEN)
    assert phase(bench) == ("chase", BY_HAND)


def test_halt_is_obeyed_before_flatten() -> None:
    bench = an_open_short()
    bench.take()
    pull(bench, 12, Lever.HALT)
    pull(bench, 12, Lever.FLATTEN)
    bench.settle(40)
    assert (bench.take(), bench.desk.mode(t(40))) == ([], Mode.HALTED)
    assert pull(bench, 41, Lever.CLEAR, "HALT") == ""
    assert phase(bench) == ("chase", BY_HAND)


@pytest.mark.parametrize("lever", [Lever.FREEZE, Lever.FLATTEN, Lever.HALT])
def test_latch_is_found_again_by_the_next_process(lever: Lever) -> None:
    bench = Bench().active(0)
    pull(bench, 1, lever)
    again = bench.restart(5)
    assert dict(again.ledger.latches) == {lever.name: BY_HAND}
    assert why_not_cleared("DAY_DONE", again.ledger) == f"DAY_DONE is not up; up: {lever.name}"


def test_cleared_latch_stays_down_in_the_next_process() -> None:
    bench = Bench().active(0)
    pull(bench, 1, Lever.FREEZE)
    assert pull(bench, 2, Lever.CLEAR, "FREEZE") == ""
    assert bench.desk.mode(t(2)) is Mode.ACTIVE
    assert dict(bench.restart(5).ledger.latches) == {}


def test_what_is_no_latch_is_told_from_one_that_is_not_up() -> None:
    bench = Bench().active(0)
    assert pull(bench, 1, Lever.CLEAR, "FREZE") == "FREZE is no latch; up: none"
    assert pull(bench, 1, Lever.CLEAR, "FREEZE") == "FREEZE is not up; up: none"


def test_end_of_the_day_cannot_be_cleared() -> None:
    bench = Bench().active(0)
    bench.desk.flatten("DAY_STOP", t(1))
    assert pull(bench, 2, Lever.CLEAR, "DAY_DONE").startswith("DAY_DONE ends with the trading day")
    assert "DAY_DONE" in bench.ledger.latches


def test_flatten_is_cleared_once_the_book_is_proved_flat() -> None:
    bench = Bench().active(0)
    pull(bench, 1, Lever.FLATTEN)
    refused = "FLATTEN stays until the book is proved flat; `run.py status` tells how far it is"
    assert pull(bench, 2, Lever.CLEAR, "FLATTEN") == refused
    bench.read(3).read(6)
    assert bench.ledger.proved_flat_at is not None
    assert pull(bench, 7, Lever.CLEAR, "FLATTEN") == ""


def test_own_long_stays_while_our_trades_are_long() -> None:
    bench = an_open_short()
    bench.desk.latch("OWN_LONG", "too many", t(12))
    stop = bench.order()
    bench.desk.blotter.record(
        ev.FillsSeen(at=t(13), intent=stop.intent, filled=stop.ticket.quantity, value=1)
    )
    assert pull(bench, 14, Lever.CLEAR, "OWN_LONG") == ""
    bench.desk.latch("OWN_LONG", "too many", t(15))
    twice = ev.FillsSeen(at=t(15), intent=stop.intent, filled=stop.ticket.quantity * 2, value=2)  # type: ignore[arg-type]
    bench.ledger.apply(twice)
    told = why_not_cleared("OWN_LONG", bench.ledger)
    assert told == f"OWN_LONG stays while {stop.ticket.symbol} is long by our own trades"


def test_mode_flip_stays_while_the_server_is_elsewhere() -> None:
    bench = Bench().active(0)
    bench.desk.flipped("the books are of live mode", t(1))
    assert pull(bench, 2, Lever.CLEAR, "MODE_FLIP").startswith("MODE_FLIP stays while the server")
    bench.desk.standing.release(Condition.OTHER_WORLD)
    assert pull(bench, 3, Lever.CLEAR, "MODE_FLIP") == ""


@pytest.mark.parametrize("name", sorted(LATCHES - {"DAY_DONE", "FLATTEN"}))
def test_latch_whose_cause_is_gone_is_cleared(name: str) -> None:
    bench = Bench().active(0)
    bench.desk.latch(name, "why", t(1))
    assert pull(bench, 2, Lever.CLEAR, name) == ""
    assert bench.events[-1] == ev.LatchCleared(at=t(2), name=name, reason=BY_HAND)
    assert bench.desk.mode(t(2)) is Mode.ACTIVE


def test_foreign_orders_are_acknowledged_in_the_journal() -> None:
    bench = Bench().active(0)
    assert pull(bench, 1, Lever.ACK_FOREIGN) == ""
    assert bench.events[-1] == ev.ForeignAcknowledged(at=t(1))


def test_reading_now_changes_nothing() -> None:
    bench = Bench().active(0)
    before = list(bench.events)
    assert (pull(bench, 1, Lever.RECONCILE), bench.events) == ("", before)


def test_latch_of_order_mode_comes_back_as_long_as_its_cause_lasts() -> None:
    bench = Bench().active(0).wish(0)
    bench.reply(0.5, Outcome.NONSENSE)
    assert pull(bench, 1, Lever.CLEAR, "ORDER_MODE") == ""
    bench.wish(2)
    assert "ORDER_MODE" not in bench.ledger.latches
