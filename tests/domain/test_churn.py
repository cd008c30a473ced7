"""Cancelling and placing the same again: what counts, what it blocks, and when that ends."""

from typing import Any

from msgspec.structs import replace

from domain.churn import Churn
from domain.orders import Order, State
from domain.params import ChurnParams
from domain.strategy import Note
from domain.units import Micros, Symbol, seconds
from domain.wishes import Place
from tests.domain.play import CE, PE, Play, an_entry_wish, kinds
from tests.trading import a_key, an_order, at

T0 = at("10:00")
MINUTES_15 = seconds(900)


def t(second: float) -> Micros:
    return Micros(T0 + seconds(second))


def an_ended(
    n: int, sent: float, ended: float, symbol: Symbol = CE.symbol, **changes: Any
) -> Order:
    known: dict[str, Any] = {
        "state": State.CANCELLED,
        "sent_at": t(sent),
        "changed_at": t(ended),
        "intent": f"i{n}",
    }
    return an_order(a_key(symbol, attempt=n), **known | changes)


def a_row(count: int, gap: float = 10, symbol: Symbol = CE.symbol) -> list[Order]:
    """So many orders of one symbol, each placed `gap` seconds after the last was cancelled."""
    every = 1 + gap
    return [an_ended(n, n * every, n * every + 1, symbol) for n in range(count)]


def churn(*orders: Order, **params: int) -> Churn:
    found = Churn(ChurnParams(**params))
    found.take(orders)
    return found


def test_two_churns_within_the_window_block_the_symbol_for_a_while() -> None:
    assert churn(*a_row(2)).blocked(t(12)) == frozenset()
    found = churn(*a_row(3))
    began = t(22)
    assert found.blocked(Micros(began - 1)) == frozenset()
    assert found.blocked(began) == {CE.symbol}
    assert found.blocked(Micros(began + MINUTES_15 - 1)) == {CE.symbol}
    assert found.blocked(Micros(began + MINUTES_15)) == frozenset()
    assert not found.is_paused(began)


def test_cancel_and_place_far_apart_are_no_churn() -> None:
    assert churn(*a_row(4, gap=30)).blocked(t(100)) == {CE.symbol}
    assert churn(*a_row(9, gap=30.5)).blocked(t(300)) == frozenset()


def test_churns_of_long_ago_do_not_count() -> None:
    later = [an_ended(7 + n, 320 + 11 * n, 321 + 11 * n) for n in range(2)]
    assert churn(*a_row(2), *later).blocked(t(340)) == frozenset()
    assert churn(*a_row(2), *later, window_s=330).blocked(t(340)) == {CE.symbol}


def test_orders_that_filled_or_were_refused_are_none() -> None:
    for state in (State.FILLED, State.REFUSED, State.REJECTED, State.NOT_PLACED):
        orders = [an_ended(n, n * 11, n * 11 + 1, state=state) for n in range(5)]
        assert churn(*orders).blocked(t(60)) == frozenset()


def test_order_never_sent_is_none() -> None:
    assert churn(*a_row(2), an_ended(2, 0, 23, sent_at=None)).blocked(t(30)) == frozenset()


def test_other_side_of_a_symbol_is_counted_apart() -> None:
    one, two, three = a_row(3)
    other = replace(two, key=a_key(CE.symbol, slot="PE", attempt=1))
    assert churn(one, other, three).blocked(t(30)) == frozenset()
    assert churn(one, two, three).blocked(t(30)) == {CE.symbol}


def test_five_churns_of_any_symbols_pause_every_entry() -> None:
    symbols = [Symbol(f"NIFTY23NOV26{26_000 + 50 * n}CE") for n in range(5)]
    orders = [
        an_ended(n * 2 + k, n * 20 + k * 5, n * 20 + k * 5 + 1, symbol)
        for n, symbol in enumerate(symbols)
        for k in range(2)
    ]
    found = churn(*orders)
    assert not found.is_paused(t(84))
    assert found.is_paused(t(85))
    assert found.is_paused(Micros(t(85) + MINUTES_15 - 1))
    assert not found.is_paused(Micros(t(85) + MINUTES_15))
    assert found.blocked(t(85)) == frozenset()


def test_each_block_is_told_once() -> None:
    found = churn(*a_row(3))
    assert found.notes(t(22)) == (Note(CE.symbol, "blocked", "churns=2: no entry here for 15 min"),)
    found.take(a_row(3))
    assert found.notes(t(23)) == ()
    paused = churn(*a_row(3), total=2)
    assert [note.detail for note in paused.notes(t(22))] == [
        "churns=2: no entry here for 15 min",
        "churns=2: no entry in any symbol for 15 min",
    ]
    assert churn(*a_row(3)).notes(Micros(t(22) + MINUTES_15)) == ()


def test_trader_tells_of_a_block_and_shows_it_to_the_strategy() -> None:
    play = Play().warm()
    told = [play.trader.order(order, t(23)) for order in a_row(3)]
    assert [note.kind for each in told for note in each.notes] == ["blocked"]
    assert play.script.view is not None
    assert play.script.view.blocked == {CE.symbol}


def test_trader_places_nothing_in_a_blocked_symbol() -> None:
    play = churned(at("09:19"), per_symbol=1)
    assert kinds(play.wish(an_entry_wish())) == []
    assert kinds(play.wish(an_entry_wish(PE.symbol))) == [Place]
    assert kinds(churned(at("09:19"), per_symbol=2).wish(an_entry_wish())) == [Place]


def test_trader_pauses_everything() -> None:
    play = churned(at("09:19"), per_symbol=9, total=1)
    assert kinds(play.wish(an_entry_wish(PE.symbol))) == []


def churned(begin: Micros, **params: int) -> Play:
    """A trader just after one churn of the call."""
    play = Play(churn=ChurnParams(**params)).warm()
    for n in range(2):
        sent, ended = Micros(begin + seconds(n * 2)), Micros(begin + seconds(n * 2 + 1))
        order = an_order(
            a_key(attempt=n),
            state=State.CANCELLED,
            sent_at=sent,
            changed_at=ended,
            intent=f"i{n}",
        )
        play.trader.order(order, Micros(begin + seconds(4)))
    play.now = Micros(begin + seconds(4))
    return play
