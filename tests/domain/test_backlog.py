"""A strategy that has to live through its day again: what waits, and what is told then."""

from domain.orders import State
from domain.role import Start
from domain.strategy import Wishes
from domain.trader import Backfill, Told
from domain.units import MINUTE, Micros, Symbol
from domain.wishes import Look, Place
from tests.domain.play import CE, PE, Play, an_entry_wish, fresh, kinds
from tests.trading import a_bar, a_contract, a_forming, an_order, minute

PRICES = iter(range(13_100, 14_000, 5))


def turn_out_different(play: Play, symbol: Symbol = CE.symbol) -> None:
    """The bar of 09:16 is another one than what was eaten."""
    other = a_bar(1, next(PRICES), symbol=symbol)
    eaten = play.trader.bars(symbol)
    bars = (other, *eaten[2:])
    settled = Micros(bars[-1].minute + MINUTE)
    told = play.trader.backfilled(symbol, minute(1), Backfill(bars, settled), play.now)
    assert [note.kind for note in told.notes] == ["rebuilt"]


def test_many_bars_that_turn_out_different_start_the_story_again_once() -> None:
    play = Play().warm()
    for symbol in (CE.symbol, PE.symbol, CE.symbol):
        turn_out_different(play, symbol)
    play.pulse()
    play.pulse()
    assert play.script.log.count("begin") == 1


def test_nothing_is_decided_by_a_state_that_is_wrong() -> None:
    play = Play().warm()
    play.script.wishes = Wishes(entries=(an_entry_wish(),))
    turn_out_different(play)
    price = play.trader.price(a_forming(4, 12_900), play.now)
    bar = play.trader.bar_closed(a_bar(4), minute(5), play.now)
    assert (price, bar) == (Told(), Told())
    assert play.script.log == []
    assert kinds(play.trader.order(an_order(state=State.REFUSED), play.now)) == [Place]


def test_price_that_meets_a_trigger_asks_for_the_books_whatever_the_state() -> None:
    play = Play().warm()
    play.wish(an_entry_wish())
    play.trader.order(an_order(), play.now)
    turn_out_different(play)
    assert kinds(play.trader.price(a_forming(4, 12_695), play.now)) == [Look]


def test_bars_and_prices_that_wait_for_the_story_are_told_of_behind_it() -> None:
    """As if they had come after it; for a late bar the price of the running minute too."""
    play = Play().warm()
    play.now = minute(5)
    play.trader.price(a_forming(5, 12_950), play.now)
    turn_out_different(play, PE.symbol)
    play.trader.price(a_forming(5, 12_900), play.now)
    play.trader.bar_closed(a_bar(4), minute(5), play.now)
    play.trader.price(a_forming(5, 12_800), play.now)
    told = play.pulse()
    assert [(note.symbol, note.detail) for note in told.notes] == [
        (CE.symbol, "bar 4"),
        (CE.symbol, "price 12950"),
        (CE.symbol, "price 12900"),
        (CE.symbol, "price 12800"),
    ]
    assert fresh(play)


def test_what_waits_is_told_of_though_more_turns_out_different() -> None:
    play = Play().warm()
    turn_out_different(play)
    play.trader.bar_closed(a_bar(4), minute(5), play.now)
    turn_out_different(play, PE.symbol)
    assert [note.detail for note in play.pulse().notes] == ["bar 4", "price 13000"]


def test_bars_of_long_ago_that_wait_for_the_story_are_not_told_of_again() -> None:
    play = Play(start=Start.RESUMED)
    play.bars(CE.symbol, 0, 1, 2, 3)
    play.now = minute(9)
    turn_out_different(play)
    play.bars(PE.symbol, 0, 1, 2, 3, 4, 5, 6, 7, 8)
    assert [note.detail for note in play.pulse().notes] == ["bar 8"]
    turn_out_different(play)
    play.bars(PE.symbol, 9, 10)
    assert [note.detail for note in play.pulse().notes] == ["bar 9", "bar 10"]


def test_answer_without_bars_tells_of_nothing_behind_the_story() -> None:
    play = Play().warm()
    turn_out_different(play)
    play.trader.backfilled(PE.symbol, minute(4), Backfill((), minute(5)), play.now)
    assert play.pulse().notes == ()


def test_contracts_that_join_start_the_story_again_for_what_turned_out_different_too() -> None:
    play = Play().warm()
    turn_out_different(play)
    play.trader.join([a_contract(26_050)], play.now)
    play.pulse()
    assert play.script.log.count("begin") == 1
