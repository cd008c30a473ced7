"""Entries that may not even rest: they end, and ask no bars for leave."""

from collections.abc import Callable

import pytest

from domain.conditions import Conditions
from domain.market import Provenance
from domain.orders import Pending, State
from domain.role import Start
from domain.units import SECOND, Micros
from domain.wishes import Cancel
from tests.domain.play import Play, an_entry_wish, kinds
from tests.trading import a_bar, a_key, an_order, at, minute


def test_resting_entry_goes_at_once_when_prices_are_said_to_be_bad() -> None:
    """Whoever says it has lingered: a second linger here would come on top of that one."""
    play = Play().warm()
    play.wish(an_entry_wish())
    play.trader.order(an_order(), play.now)
    play.conditions.trusted(entries=False)
    assert play.pulse().decisions == (Cancel(key=a_key(), reason="prices are not trusted"),)


def tainted(play: Play) -> None:
    """The minute of the loss has closed, and its bar waits for history."""
    play.trader.bar_closed(a_bar(4, provenance=Provenance.GAP), minute(4), play.now)


def polled(play: Play) -> None:
    """The minute that ran when REST took over has to come from history."""
    play.conditions.feed_restored(Micros(play.now + SECOND), is_polled=True)


def lost(play: Play) -> None:
    """Nothing moves."""
    play.conditions.feed_lost()


def distrusted(play: Play) -> None:
    play.conditions.trusted(entries=False)


def blind(play: Play) -> None:
    play.conditions.trusted(entries=False, is_blind=True)


def against(play: Play) -> None:
    play.trader.against = "rules_mismatch: lot"


def too_late(play: Play) -> None:
    play.now = at("15:10")


@pytest.mark.parametrize("over", [distrusted, blind, against, too_late])
@pytest.mark.parametrize("held_back", [tainted, polled, lost])
def test_entry_that_may_not_rest_ends_whatever_its_bars_say(
    held_back: Callable[[Play], None], over: Callable[[Play], None]
) -> None:
    """The bars wait for history, and no history may come until the entry has filled unseen."""
    play = Play().warm()
    play.wish(an_entry_wish())
    play.trader.order(an_order(), play.now)
    held_back(play)
    assert kinds(play.pulse()) == []
    over(play)
    assert kinds(play.pulse(play.now)) == [Cancel]
    play.trader.order(an_order(pending=Pending.CANCEL), play.now)
    assert kinds(play.pulse()) == []


@pytest.mark.incident("INC-41")
def test_entry_that_is_filling_is_kept_on_bad_prices_too() -> None:
    play = Play().warm()
    play.wish(an_entry_wish())
    play.trader.order(an_order(state=State.OPEN), play.now)
    blind(play)
    assert kinds(play.pulse()) == []


def test_entry_that_may_not_rest_ends_while_the_series_are_awaited() -> None:
    play = Play(start=Start.RESTARTED)
    play.trader.order(an_order(), play.now)
    assert kinds(play.pulse()) == []
    blind(play)
    assert kinds(play.pulse()) == [Cancel]


def test_nothing_ends_before_anybody_has_judged_the_prices() -> None:
    """A strategy that is built anew hears of its entries first."""
    conditions = Conditions()
    assert (conditions.may_enter, conditions.are_bad) == (False, False)


def test_entry_in_a_silent_symbol_ends_though_its_bars_are_held_back() -> None:
    play = Play().warm()
    play.wish(an_entry_wish())
    play.trader.order(an_order(), play.now)
    play.trader.bar_closed(a_bar(4, provenance=Provenance.GAP), minute(4), play.now)
    told = play.pulse(Micros(play.now + 240 * SECOND))
    assert told.decisions == (Cancel(key=a_key(), reason="no tick for too long"),)
