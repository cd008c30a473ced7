"""What shakes the picture of the broker, what holds meanwhile, and what ends it."""

from collections.abc import Iterable

import pytest

from domain import events as ev
from domain.blotter import Blotter
from domain.doubts import Doubts
from domain.ledger import Ledger
from domain.orders import Pending, State
from domain.pages import Pages
from domain.params import OrderParams
from domain.reasons import Condition
from domain.standing import Standing
from domain.units import Micros
from tests.orders import CE, planned, some_books, t
from tests.trading import PLAN

SHORT = "an order is missing"


class Table:
    """Doubts over an empty ledger, with what they hold and page."""

    def __init__(self, *events: ev.Event) -> None:
        self.ledger = Ledger().fold(events)
        self.blotter = Blotter(self.ledger, "d-1", OrderParams())
        self.standing = Standing(self.ledger, PLAN)
        self.pages = Pages()
        self.doubts = Doubts(self.standing, self.blotter, self.pages)

    def invalid(self, *when: float, lags: bool = False) -> "Table":
        for second in when:
            self.doubts.invalid([SHORT], t(second), lags=lags)
        return self

    def believe(self, asked: float, findings: int = 0) -> "Table":
        self.doubts.believed(some_books(asked=t(asked)), findings)
        return self

    def holds(self) -> set[Condition]:
        return set(self.standing.conditions)

    def step(self, when: float, left: Iterable[str] = ("CE short 650",)) -> list[str]:
        self.doubts.step(t(when), lambda: left)
        return [f"{page.code} {page.text}" for page in self.pages.drain(t(when))]


# Snapshots.


def test_three_snapshots_in_a_row_that_cannot_be_believed_hold_entries_back() -> None:
    table = Table().invalid(0, 2)
    assert table.holds() == set()
    table.invalid(4)
    said = f"3 snapshots in a row cannot be believed: {SHORT}"
    assert table.standing.conditions == {Condition.BOOKS: said}
    assert table.believe(6).holds() == set()
    assert table.invalid(8, 10).holds() == set()


def test_book_that_merely_lags_is_not_counted() -> None:
    assert Table().invalid(0, 2, 4, 6, lags=True).holds() == set()


def test_page_after_a_minute_without_a_snapshot_to_believe_and_each_minute_then() -> None:
    table = Table().invalid(0, 2, 4)
    assert table.step(59.9) == []
    page = f"BOOKS {SHORT}; by our own account: CE short 650"
    assert table.step(60) == [page]
    assert table.step(119) == []
    assert table.step(120) == [page]
    assert table.believe(121).step(180) == []


def test_books_never_believed_since_the_start_are_a_missing_login() -> None:
    table = Table()
    assert not table.doubts.login_is_missed(t(0))
    assert not table.doubts.login_is_missed(t(59.9))
    assert table.doubts.login_is_missed(t(60))
    table.standing.hold(Condition.LOGIN, "x")
    assert table.doubts.login_is_missed(t(61))
    assert table.doubts.is_unreadable
    table.believe(62)
    assert not table.doubts.is_unreadable


def test_minute_is_counted_from_the_end_of_a_wait_for_a_login() -> None:
    table = Table()
    table.standing.hold(Condition.LOGIN, "x")
    for second in (0, 100):
        assert not table.doubts.login_is_missed(t(second))
    table.standing.release(Condition.LOGIN)
    assert not table.doubts.login_is_missed(t(159.9))
    assert table.doubts.login_is_missed(t(160))


def test_books_once_believed_are_no_missing_login() -> None:
    table = Table()
    table.doubts.login_is_missed(t(0))
    table.standing.is_recovered = True
    assert not table.doubts.login_is_missed(t(600))


# What cannot be.


def test_illegal_move_causes_a_resync_until_a_clean_snapshot_begun_after_it() -> None:
    table = Table(planned())
    table.blotter.move(table.ledger.orders["i1"], State.FILLED, t(5))
    table.step(5)
    assert table.standing.conditions == {Condition.RESYNC: "ILLEGAL_MOVE i1"}
    assert (table.doubts.take_read(), table.doubts.take_read()) == (True, False)
    assert table.doubts.is_waiting(t(6))
    assert table.believe(4.9).holds() == {Condition.RESYNC}
    assert table.believe(5, findings=1).holds() == {Condition.RESYNC}
    assert table.believe(6).holds() == set()
    assert not table.doubts.is_waiting(t(6))


# Modes.


def test_two_reads_in_the_right_mode_begun_after_a_flip_let_writing_go_on() -> None:
    table = Table()
    table.doubts.flipped("mode is live", t(5))
    assert not table.standing.may_write
    for asked in (4, 5, 6):
        assert table.believe(asked).holds() == {Condition.OTHER_WORLD}
    assert table.believe(7).holds() == set()


def test_second_flip_starts_the_count_again() -> None:
    table = Table()
    table.doubts.flipped("mode is live", t(5))
    table.believe(6)
    table.doubts.flipped("mode is live", t(7))
    assert table.believe(8).holds() == {Condition.OTHER_WORLD}
    table.doubts.right_mode(t(9))
    assert table.holds() == set()


def test_flip_is_paged_once() -> None:
    table = Table()
    table.doubts.flipped("mode is live", t(5))
    assert table.step(5) == ["MODE_FLIP mode is live: CE short 650"]
    assert [table.step(second) for second in (6, 65, 125)] == [[], [], []]


def test_books_of_the_other_world_are_paged_as_such_alone() -> None:
    table = Table().invalid(0, 2, 4)
    table.doubts.flipped("mode is live", t(4))
    assert table.step(70) == ["MODE_FLIP mode is live: CE short 650"]


def test_missing_login_is_paged_where_something_is_open() -> None:
    for left, pages in (((), 0), (("CE short 650",), 1)):
        table = Table()
        table.standing.hold(Condition.LOGIN, "no broker session")
        assert len(table.step(5, left)) == pages
        assert table.step(70, left) == []


# Writes refused.


def test_writes_refused_while_reads_work_are_paged_each_minute_with_what_is_left() -> None:
    table = Table()
    table.doubts.denied(t(5))
    assert table.believe(5).holds() == set()
    assert table.doubts.is_waiting(t(5))
    assert table.believe(6).holds() == {Condition.WRITES_REFUSED}
    assert not table.doubts.is_waiting(t(6))
    page = "WRITES_REFUSED the server answers reads and refuses orders: CE short 650"
    assert table.step(6) == [page]
    assert table.step(66) == [page]
    table.doubts.taken()
    assert (table.holds(), table.step(126)) == (set(), [])
    assert table.believe(130).holds() == set()


def test_page_without_anything_open_says_so() -> None:
    table = Table()
    table.doubts.denied(t(5))
    table.believe(6)
    (page,) = table.step(6, ())
    assert page.endswith(": nothing of ours is open")


def test_order_accepted_without_an_id_is_watched_for() -> None:
    sent = ev.WriteSent(at=t(0), intent="i1", op="place")
    queued = ev.StateChanged(
        at=t(1),
        intent="i1",
        state=State.REFUSED,
        pending=Pending.NONE,
        orderid="",
        reason="SEMI_AUTO",
    )
    table = Table(planned(), sent, queued)
    assert table.doubts.is_waiting(Micros(t(135) - 1))
    assert not table.doubts.is_waiting(t(135))


# Positions gone.


def test_position_gone_in_three_reads_20_s_apart_is_quarantined() -> None:
    table = Table()
    for second in (0, 10, 20, 30):
        table.doubts.gone([CE], t(second))
        assert table.holds() == set()
    for second in (40, 60, 80):
        table.doubts.gone([CE], t(second))
        assert table.holds() == {Condition.QUARANTINE}
    (found,) = table.blotter.events
    assert isinstance(found, ev.FindingApplied)
    assert (found.kind, found.subject) == ("OWN_GONE", CE)
    assert len(table.step(80)) == 1
    assert table.believe(81).holds() == set()


def test_position_that_was_shown_in_between_is_not_gone() -> None:
    table = Table()
    for second in (0, 20, 40):
        table.doubts.gone([CE], t(second))
        table.believe(second + 1)
    assert table.holds() == set()


# Others, latches.


def test_another_trader_holds_until_a_human_knows_and_outlives_the_process() -> None:
    said = "another trader?"
    found = ev.FindingApplied(at=t(1), kind="ANOTHER_TRADER", subject="H1", detail=said)
    table = Table(found)
    assert table.step(2) == ["ANOTHER_TRADER another trader?: CE short 650"]
    assert table.holds() == {Condition.ANOTHER_TRADER}
    table.blotter.record(ev.ForeignAcknowledged(at=t(3)))
    assert (table.step(3), table.holds()) == ([], set())


def test_latch_that_a_human_must_know_of_is_paged_when_it_goes_up() -> None:
    table = Table(ev.LatchSet(at=t(1), name="DUPLICATE", reason="i1: A1 A2"))
    table.blotter.record(ev.LatchSet(at=t(1), name="FREEZE", reason="human"))
    assert table.step(1) == ["DUPLICATE i1: A1 A2"]
    assert table.step(70) == []
    table.blotter.record(ev.LatchCleared(at=t(80), name="DUPLICATE", reason="seen"))
    assert table.step(80) == []
    table.blotter.record(ev.LatchSet(at=t(190), name="DUPLICATE", reason="i2: A3 A4"))
    assert table.step(190) == ["DUPLICATE i2: A3 A4"]


@pytest.mark.parametrize("condition", [Condition.JOURNAL_LOST, Condition.JOURNAL_DOUBT])
def test_journal_that_was_lost_or_is_doubted_is_paged_once(condition: Condition) -> None:
    table = Table()
    table.standing.hold(condition, "a file was set aside")
    assert table.step(2) == [f"{condition} a file was set aside: CE short 650"]
    assert table.step(3) == []
