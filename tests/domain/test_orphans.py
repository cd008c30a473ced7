"""Shorts the journal does not know: which are taken over, with which stop, and which are left."""

from collections.abc import Iterable

import pytest

from domain import events as ev
from domain.books import Books, OrderRow, Status, TradeRow
from domain.calls import ModifyOrder
from domain.desk import Desk
from domain.evidence import Memory, Weighing
from domain.ledger import Ledger
from domain.orders import Purpose, State, StopPlan
from domain.orphans import STRATEGY, Orphans, Terms, is_lost, orphans
from domain.params import OrderParams, ReconcileParams, StopParams
from domain.positions import Phase
from domain.proof import Proof
from domain.reasons import Condition
from domain.reconcile import faults
from domain.story import Line, tell
from domain.units import Paise, Symbol
from tests.orders import (
    CE,
    ENTRY,
    PARAMS,
    PE,
    PLANNED,
    T0,
    Bench,
    a_buy,
    a_position,
    a_ready,
    a_row,
    a_trade,
    rows_of_short,
    sold,
    some_books,
    t,
)
from tests.trading import PLAN, a_ticket

TERMS = Terms(underlying="NIFTY", prefix="d-1", stop=StopParams(limit_offset_bps=800))
LEFT = Terms(underlying="NIFTY", prefix="d-1", stop=StopParams(), protects=False)
LEG = "d-1-orphan-A1"
SHORT = a_row(ENTRY, status=Status.COMPLETE)
NAKED = f"{CE} short 650, no BUY order"
CLIMBING = a_row(a_buy(trigger=0, price=13_660), "C1", Status.OPEN)


def found(
    books: Books, last: int | None = 13_500, terms: Terms = TERMS, *events: ev.Event
) -> Orphans:
    price = None if last is None else Paise(last)
    return orphans(books, Ledger().fold(events), lambda _: price, terms)


def taken(
    rows: Iterable[OrderRow], trades: Iterable[TradeRow], last: int | None = 13_500
) -> Ledger:
    """The ledger after the shorts of these books were taken over."""
    result = found(some_books(rows, trades), last)
    assert result.unpriced == ()
    return Ledger().fold(result.events)


def shorts(ledger: Ledger) -> dict[str, int]:
    return {name: leg.short for name, leg in ledger.legs.items()}


def test_resting_stop_is_adopted() -> None:
    ledger = taken(rows_of_short(), [sold()], last=None)
    (leg,) = ledger.legs.values()
    assert (leg.leg, leg.short, leg.strategy, leg.slot) == (LEG, 650, STRATEGY, "CE")
    assert leg.stop == StopPlan(trigger=Paise(14_100), limit=Paise(15_230))
    (stop,) = ledger.live()
    assert (stop.purpose, stop.leg, stop.orderid) == (Purpose.STOP, LEG, "S1")
    assert (stop.state, stop.ticket.trigger) == (State.ACKED, 14_100)
    entry = ledger.orders[LEG]
    assert (entry.orderid, entry.state, entry.average) == ("A1", State.FILLED, 12_990)


@pytest.mark.parametrize(
    ("last", "trigger", "limit"),
    [(13_500, 17_550, 18_955), (3_000, 5_000, 5_400), (6_667, 8_670, 9_365)],
)
def test_short_without_a_stop_gets_one_above_the_last_price(
    last: int, trigger: int, limit: int
) -> None:
    """20.00 above, or 30 % where that is more; the limit as every stop's."""
    (leg,) = taken([SHORT], [sold()], last).legs.values()
    assert leg.stop == StopPlan(trigger=Paise(trigger), limit=Paise(limit))


def test_price_that_is_needed_and_missing_is_asked_for_first() -> None:
    books = some_books([SHORT], [sold()])
    assert found(books, None) == Orphans(unpriced=((CE, "NFO"),), found=(NAKED,))


def test_without_any_price_the_average_has_to_do() -> None:
    books = some_books([SHORT], [sold(price=12_990)])
    result = orphans(books, Ledger(), lambda _: None, TERMS, is_blind=True)
    (leg,) = Ledger().fold(result.events).legs.values()
    assert leg.stop.trigger == 16_890


def test_one_symbol_waits_for_its_price_and_the_other_does_not() -> None:
    put = a_ticket(PE, 65)
    rows = [*rows_of_short(), a_row(put, "A2", Status.COMPLETE)]
    result = found(some_books(rows, [sold(), a_trade(put, 65, 9_000, "A2")]), None)
    assert result.unpriced == ((PE, "NFO"),)
    assert shorts(Ledger().fold(result.events)) == {LEG: 650}


def test_whoever_does_not_protect_orphans_takes_over_only_what_has_a_stop() -> None:
    assert found(some_books([SHORT], [sold()]), 13_500, LEFT) == Orphans(found=(NAKED,))
    assert found(some_books(rows_of_short(), [sold()]), 13_500, LEFT).events


@pytest.mark.parametrize("net", [0, 650])
def test_what_is_not_short_is_no_orphan(net: int) -> None:
    books = some_books([SHORT], [sold()], positions=[a_position(net=net)])
    assert found(books) == Orphans()


def test_other_products_and_other_underlyings_are_somebody_elses() -> None:
    carried = some_books([SHORT], [sold()], positions=[a_position(net=-650, product="NRML")])
    bank = a_ticket(Symbol("BANKNIFTY24NOV2652000CE"))
    other = some_books([a_row(bank)], [a_trade(bank, 650, 100)])
    share = a_ticket(Symbol("RELIANCE"))
    stock = some_books([a_row(share)], [a_trade(share, 650, 100)])
    assert [found(books) for books in (carried, other, stock)] == [Orphans()] * 3


def test_once_a_process_has_recovered_a_strange_short_is_somebody_elses() -> None:
    books = some_books(rows_of_short(), [sold()])
    assert found(books, 13_500, TERMS, ev.Recovered(at=T0, orders=0, shorts=0)) == Orphans()


def test_what_the_ledger_knows_is_not_taken_over_twice() -> None:
    books = some_books(rows_of_short(), [sold()])
    once = found(books)
    again = orphans(books, Ledger().fold(once.events), lambda _: None, TERMS)
    assert again == Orphans()


def test_orphans_mean_that_the_journal_was_lost() -> None:
    ledger = taken(rows_of_short(), [sold()])
    assert list(ledger.unsafe) == [Condition.JOURNAL_LOST]


def test_every_sale_that_still_is_short_is_a_leg_of_its_own() -> None:
    second = a_ticket(units=325)
    rows = [
        SHORT,
        a_row(second, "A2", Status.COMPLETE, placed_at=t(5)),
        a_row(a_buy(325), "S2"),
        a_row(a_buy(650), "S1"),
    ]
    ledger = taken(rows, [sold(), a_trade(second, 325, 12_000, "A2")])
    assert shorts(ledger) == {"d-1-orphan-A2": 325, LEG: 650}
    assert {o.orderid: o.leg for o in ledger.live()} == {"S2": "d-1-orphan-A2", "S1": LEG}


def test_sale_that_was_bought_back_is_left_alone() -> None:
    """The newest sales are the open ones: the stop that is complete bought the first back."""
    second = a_ticket(units=325)
    rows = [
        SHORT,
        a_row(a_buy(), "S1", Status.COMPLETE),
        a_row(second, "A2", Status.COMPLETE, placed_at=t(5)),
    ]
    trades = [
        sold(),
        a_trade(a_buy(), 650, 14_100, "S1"),
        a_trade(second, 325, 12_000, "A2"),
    ]
    assert shorts(taken(rows, trades)) == {"d-1-orphan-A2": 325}


def test_part_that_was_bought_back_is_gone_from_the_leg() -> None:
    rows = [SHORT, a_row(a_buy(325), "H1", Status.COMPLETE)]
    ledger = taken(rows, [sold(), a_trade(a_buy(325), 325, 14_000, "H1")])
    assert shorts(ledger) == {LEG: 325}
    assert ledger.own_net() == {CE: -325}


def test_part_that_the_adopted_stop_bought_is_counted_by_its_trades() -> None:
    """Those are not in the leg yet: weighing the same books brings them."""
    rows = [SHORT, a_row(a_buy(), "S1", Status.OPEN)]
    books = some_books(rows, [sold(), a_trade(a_buy(), 300, 14_200, "S1")])
    desk = weighed(books)
    assert shorts(desk.ledger) == {LEG: 350}


def test_several_stops_of_one_sale_are_all_adopted() -> None:
    rows = [SHORT, *(a_row(a_buy(325), name) for name in ("S1", "S2", "S3"))]
    ledger = taken(rows, [sold()])
    assert [o.orderid for o in ledger.live()] == ["S1", "S2"]


def test_limit_that_was_leaving_the_short_is_adopted_as_its_cover() -> None:
    """The journal was lost in the middle of an exit; a second BUY beside it would go long."""
    rows = [SHORT, a_row(a_buy(), "S1", Status.CANCELLED), CLIMBING]
    ledger = taken(rows, [sold()], last=None)
    (cover,) = ledger.live()
    assert (cover.purpose, cover.leg, cover.orderid) == (Purpose.COVER, LEG, "C1")
    assert cover.reason == "adopted"
    assert ledger.legs[LEG].stop == StopPlan(trigger=Paise(13_660), limit=Paise(13_660))


def test_limit_is_adopted_only_for_what_no_stop_covers() -> None:
    """Of a stop and a LIMIT of somebody else the stop is ours to keep."""
    assert [o.orderid for o in taken([SHORT, CLIMBING, a_row(a_buy(), "S1")], [sold()]).live()] == [
        "S1"
    ]
    half = a_row(a_buy(325), "S1")
    live = taken([SHORT, CLIMBING, half], [sold()]).live()
    assert [(o.orderid, o.purpose) for o in live] == [("S1", Purpose.STOP), ("C1", Purpose.COVER)]


def test_cover_that_was_adopted_climbs_and_nothing_goes_beside_it() -> None:
    bench = Bench(events=[PLANNED, *LOST])
    rows = [SHORT, CLIMBING]
    bench.desk.preflight(a_ready(), T0)
    for second in range(1, 12):
        bench.quote(second, 14_000, 14_005)
        bench.read(second, rows, [sold()])
    assert {type(write) for write in bench.writes} == {ModifyOrder}
    assert {w.orderid for w in bench.writes if isinstance(w, ModifyOrder)} == {"C1"}


@pytest.mark.parametrize(
    "row",
    [
        a_row(a_buy(), "S1", Status.CANCELLED),
        a_row(a_buy(symbol=PE), "S1"),
        a_row(a_buy(), "S1", product="NRML"),
    ],
    ids=["ended", "other symbol", "other product"],
)
def test_what_is_no_stop_of_this_short_is_not_adopted(row: OrderRow) -> None:
    assert list(taken([SHORT, row], [sold()]).live()) == []


LOST = [ev.FindingApplied(at=T0, kind="JOURNAL_LOST", subject="orders.db.corrupt-1", detail="x")]


@pytest.mark.parametrize("kind", ["JOURNAL_LOST", "JOURNAL_DOUBT"])
def test_journal_is_lost_if_a_file_of_it_was_set_aside(kind: str) -> None:
    finding = ev.FindingApplied(at=T0, kind=kind, subject="", detail="damaged")
    assert is_lost(Ledger().fold([finding]))


@pytest.mark.parametrize("kind", ["ANOTHER_TRADER", "OWN_GONE"])
def test_journal_that_is_empty_was_not_lost(kind: str) -> None:
    finding = ev.FindingApplied(at=T0, kind=kind, subject="", detail="another trader?")
    assert not is_lost(Ledger())
    assert not is_lost(Ledger().fold([finding]))


@pytest.mark.parametrize(
    "buy",
    [
        a_row(a_buy(), "S1"),
        a_row(a_buy(65), "S1"),
        CLIMBING,
        a_row(a_buy(), "S1", Status.UNKNOWN),
    ],
    ids=["stop", "a part", "limit", "odd status"],
)
def test_of_an_empty_journal_what_a_buy_works_for_is_somebody_elses(buy: OrderRow) -> None:
    books = some_books([SHORT, buy], [sold()])
    words = f"{CE} short 650, BUY orders {buy.orderid}"
    result = orphans(books, Ledger(), lambda _: Paise(13_500), TERMS, is_lost=False)
    assert result == Orphans(found=(words,))


def test_of_an_empty_journal_what_nothing_covers_gets_a_stop_all_the_same() -> None:
    ended = a_row(a_buy(), "S1", Status.CANCELLED)
    books = some_books([SHORT, ended], [sold()])
    result = orphans(books, Ledger(), lambda _: Paise(13_500), TERMS, is_lost=False)
    assert result == found(books)
    assert shorts(Ledger().fold(result.events)) == {LEG: 650}


def test_another_trader_who_is_told_of_is_no_loss_of_the_journal() -> None:
    told = ev.FindingApplied(at=T0, kind="ANOTHER_TRADER", subject="shorts", detail="who?")
    ledger = Ledger().fold([told, *found(some_books([SHORT], [sold()])).events])
    assert list(ledger.unsafe) == [Condition.ANOTHER_TRADER]


def weighed(books: Books) -> Desk:
    """A desk that took over what these books show, and then weighed them."""
    desk = Desk(Ledger().fold([PLANNED]), PLAN, "d-1", PARAMS)
    for event in orphans(books, desk.ledger, lambda _: Paise(13_500), TERMS).events:
        desk.blotter.record(event)
    Weighing(books, desk.blotter, Memory(), OrderParams(), ReconcileParams()).run()
    return desk


def test_books_that_were_taken_over_are_believed_and_hold_nothing_foreign() -> None:
    desk = weighed(some_books(rows_of_short(), [sold()]))
    later = some_books(rows_of_short(), [sold()], asked=t(60))
    assert faults(later, desk.ledger, "analyze", 5) == ()
    assert desk.ledger.foreign == set()
    assert [o.state for o in desk.ledger.live()] == [State.TRIGGER_PENDING]
    (leg,) = desk.ledger.open_legs()
    assert desk.ledger.uncovered(leg) == 0


def test_orphan_that_is_left_is_proved_flat() -> None:
    rows, trades = rows_of_short(), [sold()]
    desk = weighed(some_books(rows, trades))
    rows = [SHORT, a_row(a_buy(), "S1", Status.COMPLETE)]
    trades.append(a_trade(a_buy(), 650, 14_100, "S1"))
    flat = some_books(rows, trades, asked=t(10))
    Weighing(flat, desk.blotter, Memory(), OrderParams(), ReconcileParams()).run()
    desk.exits.step(t(10), quiet=False)
    assert [leg.phase for leg in desk.ledger.legs.values()] == [Phase.DONE]
    proof = Proof()
    reads = (some_books(rows, trades, asked=t(second)) for second in (20, 25))
    assert [proof.weigh(books, "d", desk.ledger) for books in reads] == [None, ("d", "d")]


def test_sale_that_is_still_filling_is_an_entry_that_lives() -> None:
    row = a_row(ENTRY, status=Status.OPEN)
    ledger = taken([row], [sold(325)])
    assert shorts(ledger) == {LEG: 325}
    assert [(o.purpose, o.state) for o in ledger.live()] == [(Purpose.ENTRY, State.OPEN)]


def test_orphan_is_told_of() -> None:
    result = found(some_books([SHORT], [sold()]))
    line = tell(result.events[0], Ledger().fold(result.events))
    text = f"orphan {CE} short=650 stop=175.50 is taken over"
    assert line == Line(tag="RECOVERY", text=text, warn=True)


def test_events_of_orphans_fold_to_the_same_after_a_restart() -> None:
    result = found(some_books(rows_of_short(), [sold()]))
    kinds = [type(event) for event in result.events]
    assert kinds == [ev.OrphanFound, ev.IntentPlanned, ev.StateChanged]
    first = result.events[0]
    assert isinstance(first, ev.OrphanFound)
    assert (first.intent, first.orderid, first.filled, first.value) == (
        LEG,
        "A1",
        650,
        650 * 12_990,
    )
