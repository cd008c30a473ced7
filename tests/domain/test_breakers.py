"""What ends entries by itself, read from the ledger alone."""

import pytest

from domain import events as ev
from domain.books import Status
from domain.breakers import Trip, trips
from domain.calls import Outcome
from domain.ledger import Ledger
from domain.orders import Pending, State
from domain.params import DayParams, GateParams
from domain.units import MINUTE, Micros
from tests.orders import (
    PLANNED,
    T0,
    Bench,
    a_buy,
    a_ready,
    a_resting_entry,
    a_trade,
    an_entry_wish,
    an_open_short,
    planned,
    rows_of_short,
    sold,
    t,
)
from tests.trading import a_key


def a_reply(n: int, code: str = "FUNDS", op: str = "place", at: Micros = T0) -> ev.WriteReplied:
    return ev.WriteReplied(
        at=at,
        intent=f"i{n}",
        op=op,
        outcome=Outcome.REJECTED,
        status=400,
        orderid="",
        mode="",
        code=code,
        text="no",
    )


def refused(count: int, op: str = "place", code: str = "FUNDS") -> Ledger:
    """So many orders, a second apart, each refused."""
    events: list[ev.Event] = [PLANNED]
    for n in range(count):
        events += [planned(f"i{n}"), a_reply(n, code, op, t(n))]
    return Ledger().fold(events)


def tripped(ledger: Ledger, seconds: float = 0, loss_p: int = 0) -> list[Trip]:
    return list(trips(ledger, DayParams(loss_p=loss_p), GateParams(), t(seconds)))


def test_fifth_refusal_within_a_minute_freezes() -> None:
    assert tripped(refused(4), 4) == []
    reason = "5 orders were refused within a minute"
    assert tripped(refused(5), 5) == [Trip(name="REJECTS", reason=reason)]
    assert tripped(refused(5), 60) == []
    assert tripped(refused(6), 60.5) == [Trip(name="REJECTS", reason=reason)]


def test_refused_modifies_and_cancels_do_not_count() -> None:
    assert tripped(refused(9, "modify"), 9) == []
    assert tripped(refused(9, "cancel"), 9) == []


def test_order_the_exchange_rejects_counts_once() -> None:
    def rejected(n: int) -> ev.StateChanged:
        return ev.StateChanged(
            at=t(n),
            intent=f"i{n}",
            state=State.REJECTED,
            pending=Pending.NONE,
            orderid="",
            reason="RMS",
        )

    ledger = Ledger().fold([PLANNED])
    for n in range(5):
        ledger.fold([planned(f"i{n}"), rejected(n), rejected(n)])
        assert (tripped(ledger, n) != []) is (n == 4)


def test_what_is_older_than_a_minute_is_forgotten() -> None:
    ledger = refused(5).fold([planned("i9"), a_reply(9, at=Micros(t(200)))])
    assert ledger.rejects == (t(200),)
    assert MINUTE == 60_000_000


@pytest.mark.parametrize("code", ["SCHEMA", "ROUTE"])
@pytest.mark.parametrize("op", ["place", "modify", "cancel"])
def test_words_the_server_does_not_understand_freeze_at_once(code: str, op: str) -> None:
    assert tripped(refused(1, op, code)) == [Trip(name="SCHEMA", reason=f"our bug: {op} i0: no")]


def test_realised_loss_at_the_limit_ends_the_day() -> None:
    """650 sold at 129.90 and bought back at 141.00: 7,215 rupees."""
    bench = an_open_short()
    bought = [sold(), a_trade(a_buy(), 650, 14_100, "S1")]
    bench.read(20, rows_of_short(Status.COMPLETE), bought)
    assert tripped(bench.ledger, 20, loss_p=721_501) == []
    over = [Trip(name="DAY_DONE", reason="DAY_LOSS")]
    assert tripped(bench.ledger, 20, loss_p=721_500) == over
    assert tripped(bench.ledger, 20, loss_p=0) == []


def test_latch_that_is_up_is_not_raised_again() -> None:
    ledger = refused(5, code="SCHEMA")
    for trip in tripped(ledger, 5):
        ledger.apply(ev.LatchSet(at=T0, name=trip.name, reason=trip.reason))
    assert tripped(ledger, 5) == []
    assert set(ledger.latches) == {"REJECTS", "SCHEMA"}


def test_desk_enters_nothing_after_a_refusal_of_our_words() -> None:
    bench = Bench().active(0).wish(0).reply(0.5, Outcome.REJECTED, code="SCHEMA", text="x")
    assert bench.ledger.latches["SCHEMA"].startswith("our bug: place 2026-11-20-1-1")
    bench.wish(1, an_entry_wish(a_key(attempt=1), when=t(1)))
    assert bench.desk.entries.refused[-1][1].code == "MODE"


def test_every_refusal_is_an_event_and_is_counted() -> None:
    bench = a_resting_entry().wish(2, an_entry_wish(a_key(slot="PE"), when=t(2), units=660))
    bench.wish(3, an_entry_wish(a_key(slot="PE"), when=t(3), units=660))
    events = [e for e in bench.events if isinstance(e, ev.OrderRefused)]
    assert [(e.code, e.symbol) for e in events] == [("SYMBOL_TAKEN", a_key().symbol)] * 2
    assert bench.ledger.refusals == {f"{a_key().symbol} SYMBOL_TAKEN": 2}


def test_server_clock_that_drifts_is_told_once_until_it_is_right_again() -> None:
    bench = Bench().active(0)
    for when, skew in ((1, 2.0), (2, 2.1), (3, -3.0), (4, 0.0), (5, -2.5)):
        bench.desk.preflight(a_ready(skew=Micros(round(skew * 1_000_000))), t(when))
    found = [e.detail for e in bench.settle(6).events if isinstance(e, ev.FindingApplied)]
    assert found == [
        "the server's clock is +2.1 s from ours",
        "the server's clock is -2.5 s from ours",
    ]
