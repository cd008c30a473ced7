"""The clock is set back by an hour: nothing waits for an instant that lies ahead again."""

from domain import events as ev
from domain.books import Status
from domain.calls import Outcome
from domain.exits import Reference, Tape
from domain.orders import State
from domain.pages import PageCode, Pages
from domain.proof import Vigil
from domain.reasons import Condition
from domain.units import MINUTE, Micros, Paise
from tests.orders import (
    CE,
    T0,
    Bench,
    a_buy,
    a_resting_entry,
    a_row,
    a_trade,
    an_open_short,
    rows_of_short,
    sold,
    t,
)
from tests.shorts import a_climb, cover_row, leave, sent

HOUR = 3_600


def set_back(bench: Bench, seconds: float) -> Bench:
    """Set the clock back to an hour before these seconds."""
    bench.desk.jumped("the clock jumped by -3600.0 s", t(seconds - HOUR))
    bench.now = t(seconds - HOUR)
    return bench


def test_ladder_climbs_on() -> None:
    bench = a_climb().quote(25, 14_990, 15_000)
    bench.reply(25.2, orderid="C1")
    bench = set_back(bench, 26).quote(28 - HOUR, 14_990, 16_000)
    assert sent(bench) == [("modify", "C1", 650, 18_400)]


def test_ladder_that_backed_off_climbs_on() -> None:
    bench = a_climb()
    for when in (25, 26, 28, 33):
        bench.quote(when, 14_990, 15_000).reply(when, Outcome.NOT_SENT)
    bench = set_back(bench, 34).quote(35.1 - HOUR, 14_990, 15_000)
    assert sent(bench) == [("modify", "C1", 650, 16_500)]


def test_price_of_before_is_not_fresh_for_an_hour() -> None:
    bench = set_back(a_climb().quote(24.8, 14_990, 15_000), 24.9)
    assert bench.desk.wanted_quotes(bench.now) != ()
    tape = Tape()
    tape.add(Reference(ask=Paise(0), ltp=Paise(15_000), at=t(0)))
    tape.not_after(t(-HOUR))
    assert (tape.mean(t(-HOUR)), tape.extreme_mean(t(-HOUR), 1)) == (15_000, 15_000)
    assert (tape.mean(t(60 - HOUR)), tape.extreme_mean(t(61 - HOUR), 1)) == (None, None)
    early = Reference(ask=Paise(0), ltp=Paise(15_000), at=t(-2 * HOUR))
    tape.add(early)
    tape.not_after(t(-HOUR))
    assert tape.newest == early


def test_stop_is_cancelled_and_its_end_believed() -> None:
    bench = leave(an_open_short(), 20).read(21, rows_of_short(), [sold()])
    bench.reply(21.2, orderid="S1").take()
    gone = rows_of_short(Status.CANCELLED)
    bench = set_back(bench.read(22, gone, [sold()]), 22.5)
    bench.read(23 - HOUR, gone, [sold()]).quote(24 - HOUR, 14_990, 15_000)
    bench.read(24.5 - HOUR, gone, [sold()])
    assert sent(bench) == [("place", "LIMIT", 650, 15_750)]


def test_chase_that_waits_for_the_books_goes_by_those_read_now() -> None:
    bench = set_back(leave(an_open_short(), 20), 20.5)
    assert sent(bench.read(21 - HOUR, rows_of_short(), [sold()])) == [("cancel", "S1", 0, 0)]


def test_excess_that_was_seen_once_is_proved_by_the_next_read() -> None:
    bench = a_climb()
    cover = bench.order()
    late = [sold(), a_trade(cover.ticket, 650, 15_700, "C1"), a_trade(a_buy(), 65, 15_000, "S1")]
    rows = [*rows_of_short(Status.CANCELLED), cover_row(bench, Status.COMPLETE)]
    bench = set_back(bench.read(26, rows, late), 26.5).quote(27 - HOUR, 14_990, 15_000)
    bench.read(27 - HOUR, rows, late)
    assert [write.ticket.quantity for write in bench.writes if hasattr(write, "ticket")] == [65]


def test_human_who_bought_our_short_back_is_seen_twice_all_the_same() -> None:
    foreign = a_row(a_buy(trigger=0, price=15_000), "F1", Status.COMPLETE)
    rows, trades = [*rows_of_short(), foreign], [sold(), a_trade(a_buy(), 650, 15_000, "F1")]
    bench = set_back(an_open_short().read(20, rows, trades), 20.5)
    for when in (21, 22):
        bench.read(when - HOUR, rows, trades)
    assert sent(bench) == [("cancel", "S1", 0, 0)]


def test_claim_of_a_fill_is_agreed_on_after_its_time() -> None:
    bench = a_resting_entry()
    bench.desk.claims._since["x"] = t(0), 65
    set_back(bench, 10)
    assert not bench.desk.claims.is_waiting


def test_answer_of_the_other_world_holds_up_two_reads() -> None:
    bench = an_open_short()
    bench.desk.flipped("live", t(20))
    set_back(bench, 20.5)
    for when in (21, 22):
        bench.read(when - HOUR, rows_of_short(), [sold()])
    assert not bench.desk.standing.holds(Condition.OTHER_WORLD)


def test_what_doubts_remember_is_not_later_than_now() -> None:
    bench = an_open_short()
    doubts = bench.desk.doubts
    doubts.denied(t(20))
    doubts.invalid(("x",), t(20), lags=False)
    doubts.login_is_missed(t(20))
    set_back(bench, 20.5)
    bench.read(21 - HOUR, rows_of_short(), [sold()])
    assert bench.desk.standing.holds(Condition.WRITES_REFUSED)


def test_what_the_broker_held_bounds_exits_no_hour_longer() -> None:
    bench = set_back(an_open_short(), 11)
    bench.desk.doubted()
    assert bench.settle(29 - HOUR).desk.memory.broker_short(CE) == 650
    assert bench.settle(41 - HOUR).desk.memory.broker_short(CE) is None


def test_page_is_told_again_within_its_minute() -> None:
    pages = Pages()
    pages.add(PageCode.BOOKS, "books", "text", t(0))
    assert len(pages.drain(t(0))) == 1
    pages.not_after(t(-HOUR))
    pages.add(PageCode.BOOKS, "books", "text", t(1 - HOUR))
    assert (pages.drain(t(59 - HOUR)), len(pages.drain(t(60 - HOUR)))) == ((), 1)


def test_vigil_counts_from_the_new_time() -> None:
    vigil = Vigil(120, None)
    assert vigil.overdue(t(0), waiting=True) is None
    assert vigil.overdue(t(-HOUR), waiting=True) is None
    assert vigil.overdue(Micros(t(-HOUR) + 2 * MINUTE), waiting=True) is PageCode.NOT_FLAT


def test_end_of_an_order_counts_as_known_at_once() -> None:
    """A book read after the clock was set back must still show what ended before it."""
    bench = set_back(a_climb(), 25)
    changed = [order.changed_at for order in bench.ledger.orders.values()]
    assert max(changed) == bench.now
    assert {order.state for order in bench.ledger.orders.values()} >= {State.CANCELLED}


def test_journal_ahead_of_the_clock_was_written_before_the_clock_was_set_back() -> None:
    events = Bench().active(300).wish(300).events
    again = Bench(events=events, boot=2).settle(1)
    assert [e for e in again.events if isinstance(e, ev.ClockJumped)]
    assert again.order().sent_at == T0
    again = Bench(events=Bench().active(50).wish(50).events, boot=2).settle(51)
    assert not [e for e in again.events if isinstance(e, ev.ClockJumped)]
