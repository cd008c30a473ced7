"""One strategy on bad prices: polled ones, none at all, and a symbol nobody hears of."""

import pytest
from msgspec.structs import replace as changed

from domain.strategy import Note, Wishes
from domain.units import SECOND, Micros
from domain.wishes import Cancel, Flatten, Place
from tests.domain.play import CE, Play, an_entry_wish, fresh, kinds
from tests.trading import a_forming, a_leg, an_order, minute


def hear(play: Play, second: int) -> None:
    """A price of the call, `second` seconds into the running minute."""
    now = Micros(minute(4) + second * SECOND)
    play.trader.price(changed(a_forming(4), at=now), now)


@pytest.mark.parametrize(("age_s", "due"), [(3, [Place]), (4, [])])
def test_polled_price_is_entered_on_for_three_seconds(age_s: int, due: list[type]) -> None:
    play = Play().warm()
    play.conditions.feed_restored(minute(4), is_polled=True)
    play.script.wishes = Wishes(entries=(an_entry_wish(),))
    assert kinds(play.pulse(Micros(minute(4) + age_s * SECOND))) == due


def test_stream_that_is_back_is_believed_for_longer_again() -> None:
    play = Play().warm()
    play.conditions.feed_restored(minute(4), is_polled=True)
    play.conditions.feed_restored(minute(4))
    play.pulse(Micros(minute(4) + 30 * SECOND))
    assert fresh(play)


def test_signals_on_polled_prices_come_only_from_minutes_that_history_replaced() -> None:
    play = Play().warm()
    play.conditions.feed_restored(Micros(minute(4) + SECOND), is_polled=True)
    hear(play, 2)
    assert kinds(play.wish(an_entry_wish())) == []
    play.now = Micros(minute(5) + 13 * SECOND)
    play.trader.price(changed(a_forming(5), at=play.now), play.now)
    assert kinds(play.pulse()) == []
    assert kinds(play.bars(CE.symbol, 4)) == [Place]


def test_day_is_not_ended_by_stale_marks_in_the_dark() -> None:
    play = Play().warm()
    play.trader.leg(a_leg(average=12_950, stop=14_100), play.now)
    play.trader.price(changed(a_forming(4, 40_000), at=play.now), play.now)
    play.conditions.trusted(entries=False, is_blind=True)
    for _ in range(10):
        assert Flatten not in kinds(play.pulse())
    play.conditions.trusted(entries=False)
    play.pulse()
    assert Flatten not in kinds(play.pulse(Micros(play.now + 2 * SECOND)))
    again = changed(a_forming(4, 40_000), at=Micros(play.now + SECOND))
    assert Flatten in kinds(play.trader.price(again, Micros(play.now + SECOND)))


def test_realised_loss_ends_the_day_in_the_dark_as_well() -> None:
    play = Play().warm()
    play.conditions.trusted(entries=False, is_blind=True)
    lost = a_leg(average=12_950, stop=14_100, bought=((650, 12_950 + 6 * 1_150),))
    play.trader.leg(lost, play.now)
    assert Flatten in kinds(play.pulse(Micros(play.now + 2 * SECOND)))


def test_entry_in_a_silent_symbol_is_told_of_ended_and_not_placed_again() -> None:
    play = Play().warm()
    play.wish(an_entry_wish())
    play.trader.order(an_order(), play.now)
    rested = play.now
    told = play.pulse(Micros(rested + 120 * SECOND))
    warned = Note(CE.symbol, "silent", "no tick for 120 s, and its entry rests")
    assert (kinds(told), told.notes) == ([], (warned,))
    told = play.pulse(Micros(rested + 240 * SECOND))
    ended = Note(CE.symbol, "silent", "no tick for 240 s: its entry ends")
    assert (kinds(told), told.notes) == ([Cancel], (ended,))


def test_silence_of_the_whole_feed_is_not_that_of_a_symbol() -> None:
    play = Play().warm()
    play.wish(an_entry_wish())
    play.trader.order(an_order(), play.now)
    play.conditions.feed_lost()
    told = play.pulse(Micros(play.now + 600 * SECOND))
    assert (kinds(told), told.notes) == ([], ())


def test_entry_that_rests_is_listened_to_whatever_the_strategy_watches() -> None:
    play = Play().warm()
    play.wish(an_entry_wish())
    watched = dict(play.trader.order(an_order(), play.now).watch)
    again = dict(play.pulse(Micros(play.now + 60 * SECOND)).watch)
    assert CE.symbol in watched | again
