"""What others do in our symbols: their orders freeze it, what they buy back of ours is gone."""

import pytest

from domain import events as ev
from domain.blotter import Blotter
from domain.books import OrderRow, TradeRow
from domain.externals import Externals
from domain.ledger import Ledger
from domain.orders import Purpose, State
from domain.params import GuardParams, OrderParams
from domain.reasons import Condition
from domain.units import Symbol, Units
from tests.orders import (
    CE,
    PE,
    PLANNED,
    a_buy,
    a_row,
    a_trade,
    an_open_short,
    planned,
    rows_of_short,
    sold,
    some_books,
    t,
)
from tests.trading import a_ticket

OTHER = Symbol("BANKNIFTY24NOV2658000CE")
SEEN = ev.ExternalSeen(at=t(12), symbol=CE, orderids=("H1",), net=650)


def externals(*events: ev.Event, underlying: str = "NIFTY") -> tuple[Externals, Blotter]:
    blotter = Blotter(Ledger().fold(events), "d-2", OrderParams())
    return Externals(blotter, GuardParams(), underlying), blotter


def bought(*units: int, price: int = 13_000) -> list[TradeRow]:
    """Trades of a human who buys, after ours."""
    return [sold(), *(a_trade(a_buy(n), n, price, "H1", f"T{n}") for n in units)]


def returned(blotter: Blotter) -> list[tuple[int, int]]:
    found = [e for e in blotter.events if isinstance(e, ev.ExternalClosed)]
    return [(e.units, e.value) for e in found]


def test_short_bought_back_by_a_human_is_gone_once_it_was_seen_twice() -> None:
    desk, blotter = externals(*an_open_short().events, SEEN)
    desk.weigh(some_books(rows_of_short(), bought(650), asked=t(12)))
    assert (returned(blotter), desk.is_waiting) == ([], True)
    desk.weigh(some_books(rows_of_short(), bought(650), asked=t(13)))
    assert (returned(blotter), desk.is_waiting) == ([(650, 650 * 13_000)], False)
    (leg,) = blotter.ledger.legs.values()
    assert (leg.short, leg.gross) == (0, 650 * (12_990 - 13_000))
    assert blotter.ledger.own_net() == {CE: 0}
    desk.weigh(some_books(rows_of_short(), bought(650), asked=t(14)))
    assert len(returned(blotter)) == 1


def test_same_snapshot_twice_is_one() -> None:
    desk, blotter = externals(*an_open_short().events, SEEN)
    for _ in range(2):
        desk.weigh(some_books(rows_of_short(), bought(650), asked=t(12)))
    assert returned(blotter) == []


def test_part_bought_back_leaves_the_rest_to_its_stop() -> None:
    half = ev.ExternalSeen(at=t(12), symbol=CE, orderids=("H1",), net=325)
    desk, blotter = externals(*an_open_short().events, half)
    for second in (12, 13):
        desk.weigh(some_books(rows_of_short(), bought(325), asked=t(second)))
    (leg,) = blotter.ledger.legs.values()
    assert (leg.short, blotter.ledger.returned) == (325, {CE: 325})


def test_other_shorts_are_left_alone() -> None:
    put = (
        planned("p1", ticket=a_ticket(PE)),
        ev.FillsSeen(at=t(9), intent="p1", filled=Units(65), value=65 * 9_000),
    )
    desk, blotter = externals(*put, *an_open_short().events, SEEN)
    for second in (12, 13):
        desk.weigh(some_books(rows_of_short(), bought(650), asked=t(second)))
    assert [leg.short for leg in blotter.ledger.legs.values()] == [65, 0]


def test_two_reads_that_agree_on_less_return_less() -> None:
    desk, blotter = externals(*an_open_short().events)
    for second, net in ((12, 65), (13, 650)):
        blotter.record(ev.ExternalSeen(at=t(second), symbol=CE, orderids=(), net=net))
        desk.weigh(some_books(rows_of_short(), bought(net), asked=t(second)))
    assert returned(blotter) == [(65, 65 * 13_000)]


def test_more_than_our_short_is_theirs() -> None:
    more = ev.ExternalSeen(at=t(12), symbol=CE, orderids=("H1",), net=1300)
    desk, blotter = externals(*an_open_short().events, more)
    for second in (12, 13):
        desk.weigh(some_books(rows_of_short(), bought(1300), asked=t(second)))
    assert blotter.ledger.returned == {CE: 650}


@pytest.mark.parametrize("net", [0, -650])
def test_human_who_sells_as_well_bought_nothing_of_ours(net: int) -> None:
    both = ev.ExternalSeen(at=t(12), symbol=CE, orderids=("H1",), net=net)
    desk, blotter = externals(*an_open_short().events, both)
    for second in (12, 13):
        desk.weigh(some_books(rows_of_short(), asked=t(second)))
    assert returned(blotter) == []


def test_trades_that_may_be_our_own_buy_in_flight_return_nothing() -> None:
    leg = next(iter(Ledger().fold(an_open_short().events).legs))
    cover = (
        planned("c1", purpose=Purpose.COVER, leg=leg, ticket=a_buy(), key=None, side=None),
        ev.WriteSent(at=t(12), intent="c1", op="place"),
    )
    desk, blotter = externals(*an_open_short().events, SEEN, *cover)
    assert blotter.ledger.orders["c1"].state is State.SENDING
    for second in (12, 13, 14):
        desk.weigh(some_books(rows_of_short(), bought(650), asked=t(second)))
    assert returned(blotter) == []


def test_units_returned_without_a_trade_shown_have_no_price() -> None:
    desk, blotter = externals(*an_open_short().events, SEEN)
    for second in (12, 13):
        desk.weigh(some_books(rows_of_short(), [sold()], asked=t(second)))
    assert returned(blotter) == [(650, 0)]


# Another trader.


def strangers(number: int, symbol: Symbol = CE) -> tuple[ev.ExternalSeen, list[OrderRow]]:
    rows = [a_row(a_buy(symbol=symbol), f"H{n}") for n in range(number)]
    ids = tuple(row.orderid for row in rows)
    return ev.ExternalSeen(at=t(12), symbol=symbol, orderids=ids, net=0), rows


@pytest.mark.parametrize(("number", "is_told"), [(2, False), (3, True)])
def test_three_orders_of_others_in_our_contracts_are_another_trader(
    number: int, is_told: bool
) -> None:
    seen, rows = strangers(number)
    desk, blotter = externals(*an_open_short().events, seen)
    for second in (12, 13):
        desk.count(some_books(rows, asked=t(second), got=t(second)))
    assert (Condition.ANOTHER_TRADER in blotter.ledger.unsafe) is is_told
    assert len(blotter.events) == int(is_told)


def test_one_order_of_others_is_enough_where_we_never_traded_today() -> None:
    seen, rows = strangers(1, PE)
    desk, blotter = externals(seen)
    desk.count(some_books(rows, asked=t(12)))
    said = "another trader? 1 orders that are not ours"
    assert blotter.ledger.unsafe == {Condition.ANOTHER_TRADER: said}
    later, again = externals(PLANNED, ev.ModeChanged(at=t(1), mode="ACTIVE", reason=""), seen)
    later.count(some_books(rows, asked=t(12)))
    assert again.ledger.unsafe == {}


def test_first_read_alone_is_that_strict() -> None:
    desk, blotter = externals()
    desk.count(some_books(asked=t(1)))
    seen, rows = strangers(1)
    blotter.record(seen)
    desk.count(some_books(rows, asked=t(12)))
    assert blotter.ledger.unsafe == {}


@pytest.mark.parametrize("symbol", [OTHER, Symbol("RELIANCE")])
def test_orders_elsewhere_are_nobody_s_business(symbol: Symbol) -> None:
    seen, rows = strangers(5, symbol)
    desk, blotter = externals(*an_open_short().events, seen)
    desk.count(some_books(rows, asked=t(12)))
    assert blotter.ledger.unsafe == {}


def test_what_a_human_knows_of_is_counted_no_more_and_what_comes_after_is() -> None:
    seen, rows = strangers(3)
    known = ev.ForeignAcknowledged(at=t(13))
    desk, blotter = externals(*an_open_short().events, seen)
    desk.count(some_books(rows, asked=t(12)))
    blotter.record(known)
    assert blotter.ledger.unsafe == {}
    more = ev.ExternalSeen(at=t(14), symbol=CE, orderids=("N1", "N2", "N3"), net=0)
    blotter.record(more)
    new = [a_row(a_buy(), f"N{n}") for n in (1, 2)]
    desk.count(some_books([*rows, *new], asked=t(14)))
    assert blotter.ledger.unsafe == {}
    desk.count(some_books([*rows, *new, a_row(a_buy(), "N3")], asked=t(15)))
    assert Condition.ANOTHER_TRADER in blotter.ledger.unsafe
