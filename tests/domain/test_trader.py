"""One strategy at work, seen from outside: what it is shown, and what is told because of it."""

import pytest

from domain.market import Provenance
from domain.orders import State
from domain.positions import Phase
from domain.strategy import (
    ExitWish,
    Last,
    Mode,
    Note,
)
from domain.trader import Backfill, Told
from domain.units import SECOND, Micros, Paise, Symbol
from domain.wishes import Cancel, Leave, Place
from tests.domain.play import (
    CE,
    PE,
    Play,
    an_entry_wish,
    fresh,
    kinds,
)
from tests.trading import (
    PLAN,
    a_bar,
    a_forming,
    a_key,
    a_leg,
    an_order,
    minute,
)

# What is shown.


def test_view_shows_the_day_as_it_is() -> None:
    play = Play().warm()
    play.trader.leg(a_leg(), play.now)
    play.trader.order(an_order(a_key(PE.symbol, slot="PE"), state=State.REFUSED), play.now)
    view = play.script.view
    assert view is not None
    assert (view.at, view.day, view.mode) == (play.now, PLAN, Mode.ACTIVE)
    assert (view.room.positions, view.room.ce, view.room.pe) == (4, 2, 3)
    assert list(view.positions) == [CE.symbol]
    assert (dict(view.refused), len(view.ended)) == ({"PE": ""}, 1)
    assert [bar.minute for bar in view.bars(CE.symbol)] == [minute(n) for n in range(4)]
    assert view.bars(Symbol("NIFTY")) == ()
    assert view.last(CE.symbol) == Last(Paise(13_000), minute(4), True)
    assert view.last(Symbol("NIFTY")) is None


def test_clean_bars_are_eaten_once_and_in_order() -> None:
    play = Play()
    play.bars(CE.symbol, 0, 1, 2)
    play.bars(CE.symbol, 1, 2, 3)
    play.trader.bar_closed(a_bar(4), minute(5), minute(5))
    assert play.script.log == ["begin", "bar 0", "bar 1", "bar 2", "bar 3", "bar 4"]


def test_tainted_bar_holds_the_later_ones_back_until_history_has_come() -> None:
    play = Play().warm()
    play.trader.bar_closed(a_bar(4, provenance=Provenance.GAP), minute(4), minute(5))
    play.trader.bar_closed(a_bar(5), minute(4), minute(6))
    assert play.script.log == []
    play.trader.backfilled(
        CE.symbol, minute(4), Backfill((a_bar(4), a_bar(5)), minute(6)), minute(6)
    )
    assert play.script.log == ["bar 4", "bar 5"]


def test_load_is_as_far_as_its_last_symbol() -> None:
    play = Play()
    assert (play.trader.progress, play.trader.settled) == ((0, 2), PLAN.open)
    play.bars(CE.symbol, 0, 1, 2)
    assert (play.trader.progress, play.trader.settled) == ((1, 2), PLAN.open)
    play.bars(PE.symbol, 0, 1)
    assert (play.trader.progress, play.trader.settled) == ((2, 2), minute(2))


def test_symbols_outside_the_chain_are_not_shown() -> None:
    play = Play().warm()
    index = Symbol("NIFTY")
    assert play.trader.bar_closed(a_bar(4, symbol=index), minute(5), minute(5)) == Told()
    assert play.trader.price(a_forming(4, symbol=index), minute(5)) == Told()
    assert play.trader.backfilled(index, minute(4), Backfill((), minute(5)), minute(5)) == Told()
    assert play.script.log == []


def test_minute_in_progress_is_shown_again_after_bars_that_came_late() -> None:
    play = Play()
    play.trader.price(a_forming(4, 12_600), minute(4))
    told = play.bars(CE.symbol, 0, 1)
    assert play.script.log[-3:] == ["bar 0", "bar 1", "price 12600"]
    assert [note.detail for note in told.notes] == ["bar 0", "bar 1", "price 12600"]


def test_minute_in_progress_is_not_shown_again_by_its_own_bar() -> None:
    play = Play().warm()
    play.trader.bar_closed(a_bar(4), minute(5), minute(5))
    assert play.script.log == ["bar 4"]


def test_bar_that_turns_out_different_starts_the_story_again() -> None:
    play = Play().warm()
    other = a_bar(1, 13_100)
    told = play.trader.backfilled(
        CE.symbol, minute(1), Backfill((other, a_bar(2), a_bar(3)), minute(4)), play.now
    )
    bars = ["bar 0", "bar 1", "bar 2", "bar 3"]
    assert told == Told(notes=(Note(CE.symbol, "rebuilt", "bars=4"),))
    assert play.pulse().notes == ()
    assert play.script.log == ["begin", *bars, "price 13000", *bars, "price 13000"]


def test_rebuilding_shows_no_price_where_none_was_seen() -> None:
    play = Play()
    play.bars(CE.symbol, 0, 1)
    play.script.log.clear()
    play.trader.backfilled(CE.symbol, minute(1), Backfill((a_bar(1, 13_100),), minute(2)), play.now)
    play.pulse()
    assert play.script.log == ["begin", "bar 0", "bar 1"]


@pytest.mark.parametrize(("second", "fresh"), [(30, True), (31, False)])
def test_price_near_the_money_is_fresh_for_half_a_minute(second: int, fresh: bool) -> None:
    play = Play().warm()
    play.pulse(Micros(minute(4) + second * SECOND))
    last = play.trader.last(CE.symbol)
    assert last is not None
    assert last.fresh is fresh


def test_no_price_is_fresh_while_the_feed_is_lost() -> None:
    play = Play().warm()
    play.conditions.feed_lost()
    assert not fresh(play)
    play.conditions.feed_restored(Micros(minute(3) + 1))
    assert fresh(play)


def test_price_is_not_fresh_while_a_bar_before_it_is_held_back() -> None:
    play = Play().warm()
    play.trader.bar_closed(a_bar(4, provenance=Provenance.GAP), minute(4), minute(4))
    assert not fresh(play)
    assert fresh(play, PE.symbol)


def test_price_is_not_fresh_until_the_minutes_of_a_gap_have_come() -> None:
    """The gap lasted into 09:19: bars up to 09:18 do not make it whole, 09:19 does."""
    play = Play().warm()
    play.conditions.feed_restored(Micros(minute(4) + 1))
    assert not fresh(play)
    play.trader.bar_closed(a_bar(4), minute(5), play.now)
    assert fresh(play)
    # A gap that ended with the minute 09:19 needs no more than that.
    play.conditions.feed_restored(minute(5))
    assert fresh(play)


def test_answer_without_bars_settles_the_minutes_that_were_quiet() -> None:
    play = Play().warm()
    play.conditions.feed_restored(Micros(minute(4) + 1))
    assert not fresh(play)
    play.trader.backfilled(CE.symbol, minute(4), Backfill((), minute(5)), play.now)
    assert fresh(play)


# What is told.


def test_wish_becomes_a_decision_and_counts_as_asked() -> None:
    play = Play().warm()
    told = play.wish(an_entry_wish())
    assert kinds(told) == [Place]
    assert play.trader.facts.entries["CE"].state is State.PLANNED
    assert kinds(play.pulse()) == []


def test_question_nobody_answers_is_asked_again() -> None:
    play = Play().warm()
    told = play.wish(an_entry_wish())
    asked_at = play.now
    assert play.pulse(Micros(asked_at + 5 * SECOND - 1)).decisions == ()
    assert play.pulse(Micros(asked_at + 5 * SECOND)).decisions == told.decisions


def test_question_taken_back_is_cancelled_and_forgotten() -> None:
    play = Play().warm()
    play.wish(an_entry_wish())
    assert kinds(play.wish()) == [Cancel]
    assert dict(play.trader.facts.entries) == {}


def test_refused_entry_is_asked_again_as_another_attempt() -> None:
    play = Play().warm()
    play.wish(an_entry_wish())
    assert play.trader.refused(a_key(), "BOOKS_STALE", play.now).decisions == ()
    (placed,) = play.pulse().decisions
    assert isinstance(placed, Place)
    assert placed.key.attempt == 1


def test_unchanged_wish_is_compared_with_the_facts_by_the_clock_only() -> None:
    play = Play().warm()
    play.wish(an_entry_wish())
    play.script.is_quiet = True
    late = Micros(play.now + 5 * SECOND)
    assert play.trader.price(a_forming(4, 13_005), late) == Told()
    assert kinds(play.pulse(late)) == [Place]


def test_entry_is_never_asked_for_without_a_price() -> None:
    play = Play()
    play.bars(CE.symbol, 0, 1, 2, 3)
    assert kinds(play.wish(an_entry_wish())) == []
    assert kinds(play.trader.price(a_forming(4), play.now)) == [Place]


def test_exit_goes_without_a_price() -> None:
    play = Play()
    play.trader.leg(a_leg(), play.now)
    assert kinds(play.wish(exits=(ExitWish(CE.symbol, "time"),))) == [Leave]


def test_watched_symbols_are_told_apart_from_those_no_longer_watched() -> None:
    play = Play().warm()
    assert play.wish(watch=frozenset({PE.symbol, CE.symbol})).watch == (
        (CE.symbol, True),
        (PE.symbol, True),
    )
    assert play.wish(watch=frozenset({PE.symbol})).watch == ((CE.symbol, False),)
    assert play.pulse().watch == ()


def test_what_is_watched_is_told_again_each_minute() -> None:
    """Who builds the bars may be new and know nothing of it."""
    play = Play().warm()
    play.wish(watch=frozenset({CE.symbol}))
    assert play.pulse(Micros(minute(5) - 1)).watch == ()
    assert play.pulse(minute(5)).watch == ((CE.symbol, True),)
    assert play.pulse().watch == ()


def test_short_is_watched_whatever_the_strategy_cares_for() -> None:
    play = Play().warm()
    assert play.trader.leg(a_leg(), play.now).watch == ((CE.symbol, True),)
    assert play.trader.leg(a_leg(phase=Phase.DONE), play.now).watch == ((CE.symbol, False),)
