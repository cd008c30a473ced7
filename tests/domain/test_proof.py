"""Flat is what two valid snapshots prove, and nothing else."""

import pytest

from domain import events as ev
from domain.books import Books, OrderRow, Status
from domain.ledger import Ledger
from domain.orders import Pending, Purpose, State
from domain.positions import Phase
from domain.proof import Proof, Vigil, manual_list
from domain.units import Paise, Symbol, Units
from tests.orders import PE, a_buy, a_position, a_row, a_trade, planned, some_books, t
from tests.trading import a_ticket

SOLD = a_ticket(units=65, trigger=12_995, price=12_695)
TRADES = (a_trade(SOLD, 65, 12_990, "A1"), a_trade(a_buy(65), 65, 14_100, "S1"))
ROWS = (a_row(SOLD, "A1", Status.COMPLETE), a_row(a_buy(65), "S1", Status.COMPLETE))


def a_closed_day(*more: ev.Event) -> Ledger:
    """Sold 65 and bought back; the last event of ours is of 10:00:05."""
    stop = planned(
        "s1", purpose=Purpose.STOP, leg="i1", ticket=a_buy(65), key=None, side=None, stop=None
    )
    events: list[ev.Event] = [planned(ticket=SOLD), stop]
    for when, name, orderid in ((4, "i1", "A1"), (5, "s1", "S1")):
        filled = ev.FillsSeen(at=t(when), intent=name, filled=Units(65), value=65 * 13_000)
        ended = ev.StateChanged(
            at=t(when),
            intent=name,
            state=State.FILLED,
            pending=Pending.NONE,
            orderid=orderid,
            reason="",
        )
        events += [filled, ended]
    events.append(ev.ExitPhase(at=t(5), leg="i1", phase=Phase.DONE, reason="stopped"))
    return Ledger().fold([*events, *more])


def a_read(seconds: float, *more: OrderRow, **changes: object) -> Books:
    values = {"trades": TRADES} | changes
    return some_books([*ROWS, *more], asked=t(seconds), **values)  # type: ignore[arg-type]


def test_two_flat_reads_apart_are_proof() -> None:
    proof, day = Proof(), a_closed_day()
    assert proof.weigh(a_read(6), "a", day) is None
    assert proof.weigh(a_read(7.9), "b", day) is None
    assert proof.weigh(a_read(8), "c", day) == ("a", "c")


def test_day_without_any_order_is_proved_flat_too() -> None:
    proof = Proof()
    assert proof.weigh(some_books(asked=t(1)), "a", Ledger()) is None
    assert proof.weigh(some_books(asked=t(3)), "b", Ledger()) == ("a", "b")


def test_read_begun_before_the_last_own_event_is_no_proof() -> None:
    proof, day = Proof(), a_closed_day()
    assert proof.weigh(a_read(5), "a", day) is None
    assert proof.weigh(a_read(8), "b", day) is None


def test_own_event_between_the_reads_starts_the_proof_again() -> None:
    proof, day = Proof(), a_closed_day()
    proof.weigh(a_read(6), "a", day)
    late = ev.StateChanged(
        at=t(7), intent="s1", state=State.FILLED, pending=Pending.NONE, orderid="", reason=""
    )
    assert proof.weigh(a_read(9), "b", day.fold([late])) is None
    assert proof.weigh(a_read(11), "c", day) == ("b", "c")


def test_read_that_is_not_flat_starts_the_proof_again() -> None:
    proof, day = Proof(), a_closed_day()
    proof.weigh(a_read(6), "a", day)
    assert proof.weigh(a_read(7, positions=[a_position(net=-65)]), "b", day) is None
    assert proof.weigh(a_read(9), "c", day) is None


def never_flat(day: Ledger, first: Books, second: Books) -> bool:
    proof = Proof()
    return proof.weigh(first, "a", day) is None and proof.weigh(second, "b", day) is None


@pytest.mark.parametrize("status", [Status.OPEN, Status.TRIGGER_PENDING])
def test_own_order_working_in_the_book_is_not_flat(status: Status) -> None:
    rows = [ROWS[0], a_row(a_buy(65), "S1", status)]
    reads = [some_books(rows, TRADES, asked=t(when)) for when in (6, 9)]
    assert never_flat(a_closed_day(), *reads)


def test_order_in_flight_is_not_flat() -> None:
    cover = planned("c1", purpose=Purpose.COVER, leg="i1", ticket=a_buy(65))
    assert never_flat(a_closed_day(cover), a_read(6), a_read(9))


def test_own_net_is_not_flat_whatever_the_broker_shows() -> None:
    more = ev.FillsSeen(at=t(5), intent="s1", filled=Units(130), value=1)
    assert never_flat(a_closed_day(more), a_read(6), a_read(9))


def test_positions_of_others_are_left_out() -> None:
    human = a_trade(a_ticket(PE, 65), 65, 9_000, "H1")
    carried = a_position(PE, -650, product="NRML")
    mine_and_his = [a_position(net=0), a_position(PE, -65), carried]
    proof, day = Proof(), a_closed_day()
    first, second = (
        a_read(when, trades=(*TRADES, human), positions=mine_and_his) for when in (6, 8)
    )
    assert proof.weigh(first, "a", day) is None
    assert proof.weigh(second, "b", day) == ("a", "b")


def test_position_nobody_traded_is_not_flat() -> None:
    odd = [a_position(PE, -65)]
    assert never_flat(a_closed_day(), a_read(6, positions=odd), a_read(9, positions=odd))


def told(vigil: Vigil, *seconds: float, waiting: bool = True) -> list[tuple[float, str]]:
    codes = [(when, vigil.overdue(t(when), waiting=waiting)) for when in seconds]
    return [(when, str(code)) for when, code in codes if code is not None]


def test_human_is_told_from_when_patience_ends() -> None:
    vigil = Vigil(120, None)
    assert told(vigil, 5, 6, 124, 125, 126) == [(125, "NOT_FLAT"), (126, "NOT_FLAT")]


def test_patience_begins_again_with_the_next_wait() -> None:
    vigil = Vigil(120, None)
    assert told(vigil, 0, 119) == []
    assert told(vigil, 120, 200, waiting=False) == []
    assert told(vigil, 201, 320, 321) == [(321, "NOT_FLAT")]


def test_book_not_flat_two_minutes_after_the_square_off_is_critical() -> None:
    vigil = Vigil(300, t(600))
    assert told(vigil, 500, 719, 720) == [(720, "LATE_NOT_FLAT")]
    assert told(vigil, 721, waiting=False) == []


def test_start_after_the_square_off_looks_before_it_calls_out() -> None:
    vigil = Vigil(300, t(600))
    assert told(vigil, 1_000, 1_029, 1_030) == [(1_030, "LATE_NOT_FLAT")]


def test_manual_list_names_what_is_held_and_what_still_works() -> None:
    cover = planned("c1", purpose=Purpose.COVER, leg="i1", ticket=a_buy(65))
    entry = planned("i2", ticket=a_ticket(PE, 65))
    half = ev.FillsSeen(at=t(5), intent="s1", filled=Units(40), value=1)
    day = Ledger().fold([*a_short_day(), half, cover, entry])
    prices = {SOLD.symbol: Paise(14_105)}
    assert manual_list(day, prices.get) == (
        f"{SOLD.symbol} short 25 last=141.05 orders=S1,planned without an id",
        f"{PE} no position last=unknown orders=planned without an id",
    )


def test_manual_list_names_a_long_too_and_nothing_on_a_flat_day() -> None:
    more = ev.FillsSeen(at=t(5), intent="s1", filled=Units(130), value=1)
    (line,) = manual_list(a_closed_day(more), unknown)
    assert line == f"{SOLD.symbol} long 65 last=unknown orders=none"
    assert manual_list(a_closed_day(), unknown) == ()


def unknown(_: Symbol) -> Paise | None:
    return None


def a_short_day() -> list[ev.Event]:
    """Sold 65; the stop S1 rests."""
    stop = planned(
        "s1", purpose=Purpose.STOP, leg="i1", ticket=a_buy(65), key=None, side=None, stop=None
    )
    rests = ev.StateChanged(
        at=t(4),
        intent="s1",
        state=State.TRIGGER_PENDING,
        pending=Pending.NONE,
        orderid="S1",
        reason="",
    )
    filled = ev.FillsSeen(at=t(4), intent="i1", filled=Units(65), value=65 * 13_000)
    ended = ev.StateChanged(
        at=t(4), intent="i1", state=State.FILLED, pending=Pending.NONE, orderid="A1", reason=""
    )
    return [planned(ticket=SOLD), filled, ended, stop, rests]


def test_order_that_a_human_may_still_approve_holds_up_the_proof() -> None:
    queued = ev.StateChanged(
        at=t(6),
        intent="q1",
        state=State.REFUSED,
        pending=Pending.NONE,
        orderid="",
        reason="SEMI_AUTO",
    )
    day = a_closed_day(
        planned("q1", at=t(6)), ev.WriteSent(at=t(6), intent="q1", op="place"), queued
    )
    proof = Proof()
    for when in (7, 100, 140, 142):
        assert proof.weigh(a_read(when), f"{when}", day) is None
    assert proof.weigh(a_read(144), "144", day) == ("142", "144")


def test_units_that_others_bought_back_are_theirs_to_hold_no_more() -> None:
    closed = ev.ExternalClosed(at=t(5), leg="i1", units=Units(65), value=65 * 13_000)
    day = Ledger().fold(
        [
            planned(ticket=SOLD),
            ev.FillsSeen(at=t(4), intent="i1", filled=Units(65), value=65 * 12_990),
            ev.StateChanged(
                at=t(4),
                intent="i1",
                state=State.FILLED,
                pending=Pending.NONE,
                orderid="A1",
                reason="",
            ),
            closed,
            ev.ExitPhase(at=t(5), leg="i1", phase=Phase.DONE, reason="stopped"),
        ]
    )
    trades = (TRADES[0], a_trade(a_buy(65), 65, 13_000, "H1"))
    proof = Proof()
    for when, proved in ((6, None), (8, ("a", "a"))):
        flat = a_read(when, trades=trades, positions=[a_position(net=0)])
        assert proof.weigh(flat, "a", day) == proved
