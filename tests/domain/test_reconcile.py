"""Whether a snapshot may be believed: it must hold everything known today."""

from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import events as ev
from domain.books import Books, OrderRow, Status
from domain.ledger import Ledger
from domain.orders import Pending, State
from domain.reconcile import Verdict, Yardstick, digest, faults
from domain.units import Symbol, Units
from tests.orders import (
    CE,
    ENTRY,
    PE,
    PLANNED,
    a_position,
    a_row,
    a_trade,
    an_unread,
    planned,
    sold,
    some_books,
    t,
)
from tests.trading import a_ticket

ROWS = (a_row(ENTRY, status=Status.COMPLETE),)


def a_short(*more: ev.Event) -> Ledger:
    """650 sold as A1, known since 10:00:02."""
    return Ledger().fold(
        [
            planned(),
            ev.StateChanged(
                at=t(1),
                intent="i1",
                state=State.OPEN,
                pending=Pending.NONE,
                orderid="A1",
                reason="",
            ),
            ev.FillsSeen(at=t(2), intent="i1", filled=Units(650), value=650 * 12_990),
            *more,
        ]
    )


def found(books: Books, ledger: Ledger | None = None) -> tuple[str, ...]:
    return faults(books, ledger or a_short(), "analyze", 5)


def test_snapshot_with_everything_known_is_valid() -> None:
    assert found(some_books(ROWS, [sold()], asked=t(3), got=t(8))) == ()
    assert found(some_books(), Ledger()) == ()


def test_other_mode_is_a_fault_and_no_mode_is_none() -> None:
    live = some_books(ROWS, [sold()], asked=t(3), mode="live")
    assert found(live) == ("mode is live, started in analyze",)
    assert found(some_books(ROWS, [sold()], asked=t(3), mode="")) == ()


def test_reads_too_far_apart_are_no_picture() -> None:
    torn = some_books(ROWS, [sold()], asked=t(3), got=t(8.1))
    assert found(torn) == ("the three reads took too long",)


@pytest.mark.incident("INC-86")
def test_empty_position_book_closes_nothing() -> None:
    no_positions = some_books(ROWS, [sold()], asked=t(3), positions=[])
    assert found(no_positions) == (f"{CE}: trades and position differ by -650",)
    nothing = some_books(asked=t(3))
    assert found(nothing) == ("order A1 is missing", "trades of A1 fell from 650 to 0")


def test_order_of_others_must_stay_visible() -> None:
    seen = ev.ExternalSeen(at=t(2), symbol=PE, orderids=("H1",), net=0)
    books = some_books(ROWS, [sold()], asked=t(3))
    assert found(books, a_short(seen)) == ("order H1 is missing",)


def test_row_of_ours_that_cannot_be_read_is_a_fault_and_a_stranger_s_is_none() -> None:
    strangers = [an_unread("H1", CE), an_unread("H2")]
    assert found(some_books(ROWS, [sold()], asked=t(3), unread=strangers)) == ()
    for asked in (t(1), t(3)):
        ours = some_books((), [sold()], asked=asked, unread=[an_unread("A1")])
        assert found(ours) == ("order A1 cannot be read (quantity is no number)",)


def test_stranger_s_order_that_cannot_be_read_any_more_is_not_missing() -> None:
    seen = ev.ExternalSeen(at=t(2), symbol=PE, orderids=("H1",), net=0)
    books = some_books(ROWS, [sold()], asked=t(3), unread=[an_unread("H1")])
    assert found(books, a_short(seen)) == ()


def test_what_became_known_after_the_read_began_is_not_missed() -> None:
    assert found(some_books(asked=t(2))) == ()


def test_order_without_an_id_cannot_be_missed() -> None:
    assert found(some_books(asked=t(3)), Ledger().fold([planned()])) == ()


@pytest.mark.incident("INC-95")
def test_long_in_place_of_a_short_is_a_finding() -> None:
    long = some_books(ROWS, [sold()], asked=t(3), positions=[a_position(net=650)])
    assert found(long) == (f"{CE}: trades and position differ by -1300",)


@pytest.mark.incident("INC-78")
def test_other_days_and_expiries_are_not_adopted() -> None:
    carried = a_trade(a_ticket(PE), 65, 9_000, "H1")
    overnight = msgspec.structs.replace(carried, product="NRML")
    positions = [a_position(net=-650), a_position(PE, -715, product="NRML")]
    books = some_books(ROWS, [sold(), overnight], asked=t(3), positions=positions)
    assert found(books) == ()


ROW = st.builds(
    lambda n, units: a_row(a_ticket(units=units * 65), f"A{n}"),
    st.integers(0, 9),
    st.integers(1, 9),
)


@given(st.lists(ROW, max_size=5), st.randoms(use_true_random=False))
def test_digest_knows_what_the_books_say_and_not_their_order(
    rows: list[OrderRow], random: Random
) -> None:
    mixed = list(rows)
    random.shuffle(mixed)
    one, two = some_books(rows, asked=t(1)), some_books(mixed, asked=t(9))
    assert digest(one) == digest(two)
    for longer in (
        some_books([*rows, a_row(ENTRY, "Z")]),
        some_books(rows, unread=[an_unread("Z")]),
    ):
        assert digest(longer) != digest(one)


# What was there must stay.


class Read:
    """One day's reads of an empty account of ours."""

    def __init__(self, ledger: Ledger | None = None) -> None:
        self.ledger = ledger or Ledger()
        self.yardstick = Yardstick()

    def judge(self, books: Books) -> Verdict:
        return self.yardstick.judge(books, self.ledger, "analyze", 5)


HUMAN = a_row(ENTRY, "H1", Status.COMPLETE)


def test_order_of_others_seen_once_must_stay_although_no_journal_knows_it() -> None:
    read = Read()
    assert read.judge(some_books([HUMAN])) == Verdict()
    assert read.judge(some_books()) == Verdict(faults=("order H1 is missing",))
    assert read.judge(some_books(unread=[an_unread("H1")])) == Verdict()


def test_trades_of_others_must_not_become_less_nor_lose_one() -> None:
    read = Read()
    trades = [a_trade(ENTRY, 65, 12_990, "H1", name) for name in ("T1", "T2")]
    assert read.judge(some_books([HUMAN], trades)) == Verdict()
    other = [trades[0], a_trade(ENTRY, 65, 12_990, "H1", "T3")]
    lost = "trade T2 of H1 is missing"
    assert read.judge(some_books([HUMAN], other)).faults == (lost,)
    less = read.judge(some_books([HUMAN], trades[:1]))
    assert less.faults == (lost, "trades of H1 fell from 130 to 65")
    assert not less.lags


def test_snapshot_not_believed_is_not_remembered() -> None:
    read = Read()
    odd = some_books([HUMAN], [a_trade(ENTRY, 65, 12_990, "H1")], positions=[])
    assert read.judge(odd).lags
    assert read.judge(some_books()) == Verdict()


def test_our_own_orders_are_asked_for_by_the_journal_alone() -> None:
    read = Read(a_short())
    assert read.judge(some_books(ROWS, [sold()], asked=t(3))) == Verdict()
    missing = read.judge(some_books(asked=t(4)))
    assert missing.faults == ("order A1 is missing", "trades of A1 fell from 650 to 0")


def test_positions_behind_the_trades_lag_and_show_what_is_gone() -> None:
    read = Read(a_short())
    gone = read.judge(some_books(ROWS, [sold()], asked=t(3), positions=[]))
    said = (f"{CE}: trades and position differ by -650",)
    assert gone == Verdict(faults=said, lags=True, gone=(CE,))
    part = read.judge(some_books(ROWS, [sold()], asked=t(3), positions=[a_position(net=-65)]))
    assert (part.lags, part.gone) == (True, ())


def test_position_of_others_is_not_ours_and_one_elsewhere_is_not_looked_at() -> None:
    human = a_trade(ENTRY, 65, 12_990, "H1")
    rows = [*ROWS, HUMAN]
    positions = [a_position(net=-65), a_position(net=-650, product="NRML")]
    books = some_books(rows, [sold(), human], asked=t(3), positions=positions)
    assert Read(a_short()).judge(books).gone == (CE,)
    overnight = msgspec.structs.replace(human, product="NRML")
    carried = some_books(rows, [sold(), overnight], asked=t(3), positions=[a_position(net=-600)])
    assert Read(a_short()).judge(carried).gone == ()


def test_what_others_do_elsewhere_in_the_account_is_no_fault() -> None:
    """Shares turned into CNC: their trades stay, their position goes."""
    shares = msgspec.structs.replace(a_trade(ENTRY, 10, 50_000, "H1"), symbol=Symbol("RELIANCE"))
    books = some_books(
        [*ROWS, HUMAN], [sold(), shares], asked=t(3), positions=[a_position(net=-650)]
    )
    assert Read(a_short()).judge(books) == Verdict()


def test_other_option_matters_until_the_day_s_contracts_are_chosen() -> None:
    put = [a_trade(a_ticket(PE), 65, 9_000, "H1")]
    books = some_books([HUMAN], put, positions=[])
    assert found(books, Ledger()) == (f"{PE}: trades and position differ by -65",)
    other = Symbol("NIFTY23NOV2630000PE")
    far = some_books([HUMAN], [msgspec.structs.replace(put[0], symbol=other)], positions=[])
    assert found(far, Ledger().fold([PLANNED])) == ()
    assert found(books, Ledger().fold([PLANNED])) != ()
