"""One strategy at work, seen from outside: what it is shown, and what is told because of it."""

from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from msgspec.structs import replace as changed

from domain.charges import ChargeRates
from domain.contracts import Chain, Side, UniverseRule
from domain.market import Bar, Forming, Provenance
from domain.orders import State, StopPlan
from domain.positions import Phase
from domain.session import DayPlan
from domain.strategy import (
    EntryWish,
    ExitWish,
    Last,
    Mode,
    Note,
    StopAt,
    StopLimit,
    View,
    Wishes,
)
from domain.trader import Backfill, Conditions, Role, Stage, Start, Told, Trader
from domain.units import MINUTE, SECOND, Day, Micros, Paise, Symbol, Units
from domain.wishes import Cancel, Flatten, Leave, Place
from strategies.swing_break import SwingBreak
from tests.strategies.test_swing_break import a_low, wish_of
from tests.trading import (
    PLAN,
    TAG,
    a_bar,
    a_chain,
    a_contract,
    a_forming,
    a_key,
    a_leg,
    an_order,
    at,
    minute,
)

CE = a_contract()
PE = a_contract(side=Side.PE)
CHAIN = a_chain(CE, PE)
FREE = ChargeRates(brokerage=Paise(0), stt_sell=0, transaction=0, sebi=0, stamp_buy=0, gst_bps=0)


@dataclass(slots=True)
class Script:
    """A plug-in that wishes what it is told to, and writes down what it is shown."""

    wishes: Wishes = field(default_factory=Wishes)
    log: list[str] = field(default_factory=list)
    view: View | None = None
    is_quiet: bool = False

    def universe(self, day: DayPlan) -> UniverseRule:
        return UniverseRule(
            underlying="NIFTY", width_points=1000, step_points=50, atm_round_points=100
        )

    def begin(self, day: DayPlan, chain: Chain) -> int:
        self.log.append("begin")
        return 0

    def on_bar(self, state: int, bar: Bar, view: View) -> tuple[int, Wishes]:
        return self._next(state, view, f"bar {(bar.minute - minute(0)) // MINUTE}", bar.symbol)

    def on_price(self, state: int, now: Forming, view: View) -> tuple[int, Wishes]:
        return self._next(state, view, f"price {now.last}", now.symbol)

    def on_pulse(self, state: int, view: View) -> tuple[int, Wishes]:
        self.view = view
        return state + 1, self.wishes

    def _next(self, state: int, view: View, what: str, symbol: Symbol) -> tuple[int, Wishes]:
        self.log.append(what)
        self.view = view
        if self.is_quiet:
            return state, self.wishes
        return state + 1, replace(self.wishes, notes=(Note(symbol, "seen", what),))


def an_entry_wish(symbol: Symbol = CE.symbol) -> EntryWish:
    return EntryWish(
        slot="CE",
        symbol=symbol,
        units=Units(650),
        price=StopLimit(Paise(12_695), Paise(12_395)),
        stop=StopAt(Paise(13_600)),
        minute=minute(1),
    )


class Play:
    """A trader whose feed is whole: bars to 09:19, a price, mode ACTIVE, prices trusted."""

    def __init__(
        self,
        wishes: Wishes | None = None,
        *,
        start: Start = Start.FRESH,
        began: Micros = minute(0),
        **role: Any,
    ) -> None:
        self.script = Script()
        self.conditions = Conditions()
        played = Role(strategy=self.script, tag=TAG, **role)
        stage = Stage(plan=PLAN, chain=CHAIN, rates=FREE)
        self.trader = Trader(played, stage, self.conditions, began, start)
        self.conditions.mode = Mode.ACTIVE
        self.conditions.trusted(minute(0), entries=True)
        self.now = minute(4)
        self.script.wishes = wishes or Wishes()

    def warm(self) -> "Play":
        for symbol in (CE.symbol, PE.symbol):
            self.bars(symbol, 0, 1, 2, 3)
            self.trader.price(a_forming(4, 13_000, symbol=symbol, second=0), self.now)
        self.script.log.clear()
        return self

    def bars(self, symbol: Symbol, *indices: int) -> Told:
        bars = tuple(a_bar(index, symbol=symbol) for index in indices)
        settled = Micros(bars[-1].minute + MINUTE)
        return self.trader.backfilled(symbol, bars[0].minute, Backfill(bars, settled), self.now)

    def pulse(self, when: Micros | None = None) -> Told:
        self.now = when or Micros(self.now + SECOND)
        return self.trader.pulse(self.now)

    def wish(self, *entries: EntryWish, **wishes: Any) -> Told:
        self.script.wishes = Wishes(entries=entries, **wishes)
        return self.pulse()


def kinds(told: Told) -> list[type]:
    return [type(each) for each in told.decisions]


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
    assert play.script.log == ["begin", *bars, "price 13000", *bars, "price 13000"]
    assert told.notes == (Note(CE.symbol, "rebuilt", "bars=4"),)


def test_rebuilding_shows_no_price_where_none_was_seen() -> None:
    play = Play()
    play.bars(CE.symbol, 0, 1)
    play.script.log.clear()
    play.trader.backfilled(CE.symbol, minute(1), Backfill((a_bar(1, 13_100),), minute(2)), play.now)
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


def fresh(play: Play, symbol: Symbol = CE.symbol) -> bool:
    last = play.trader.last(symbol)
    return last is not None and last.fresh


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
    (placed,) = play.trader.refused(a_key(), "BOOKS_STALE", play.now).decisions
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


def test_short_is_watched_whatever_the_strategy_cares_for() -> None:
    play = Play().warm()
    assert play.trader.leg(a_leg(), play.now).watch == ((CE.symbol, True),)
    assert play.trader.leg(a_leg(phase=Phase.DONE), play.now).watch == ((CE.symbol, False),)


# When nothing may be placed, or rest.


@pytest.mark.parametrize("mode", [m for m in Mode if m is not Mode.ACTIVE])
def test_entries_are_asked_for_only_while_active(mode: Mode) -> None:
    play = Play().warm()
    play.conditions.mode = mode
    assert kinds(play.wish(an_entry_wish())) == []
    play.trader.order(an_order(), play.now)
    assert kinds(play.pulse()) == []
    assert kinds(play.wish()) == [Cancel]


def test_entries_are_asked_for_only_while_prices_are_trusted() -> None:
    play = Play().warm()
    play.conditions.trusted(play.now, entries=False)
    assert kinds(play.wish(an_entry_wish())) == []
    play.conditions.trusted(play.now, entries=True)
    assert kinds(play.pulse()) == [Place]


def test_resting_entry_goes_when_prices_stay_bad() -> None:
    play = Play().warm()
    play.wish(an_entry_wish())
    play.trader.order(an_order(), play.now)
    bad_since = play.now
    play.conditions.trusted(bad_since, entries=False)
    play.conditions.trusted(Micros(bad_since + SECOND), entries=False)
    assert kinds(play.pulse(Micros(bad_since + 5 * SECOND - 1))) == []
    assert kinds(play.pulse(Micros(bad_since + 5 * SECOND))) == [Cancel]


@pytest.mark.parametrize("until", ["15:10", "14:00"])
def test_nothing_rests_after_the_last_entry_or_the_strategys_own_hours(until: str) -> None:
    play = Play(enters_until=until).warm()
    play.wish(an_entry_wish())
    play.trader.order(an_order(), play.now)
    assert kinds(play.pulse(Micros(at(until) - 1))) == []
    assert kinds(play.pulse(at(until))) == [Cancel]


def test_nothing_is_placed_before_the_strategys_hours() -> None:
    play = Play(enters_from="09:20").warm()
    assert kinds(play.wish(an_entry_wish())) == []
    assert kinds(play.pulse(minute(5))) == [Place]


@pytest.mark.parametrize("off", [{"days": ("mon", "tue")}, {"is_enabled": False}])
def test_strategy_that_is_off_today_enters_nothing(off: dict[str, Any]) -> None:
    play = Play(**off).warm()
    assert kinds(play.wish(an_entry_wish())) == []
    assert play.trader.against == "the strategy is off today"


def test_reason_against_entries_ends_those_that_rest() -> None:
    play = Play().warm()
    play.wish(an_entry_wish())
    play.trader.order(an_order(), play.now)
    play.trader.against = "rules_mismatch: lot"
    assert kinds(play.pulse()) == [Cancel]


def test_symbol_is_not_acted_upon_until_its_bars_have_come() -> None:
    """A strategy that begins at 09:15:00 wants the minute it began in from history."""
    play = Play()
    play.trader.price(a_forming(4), play.now)
    assert kinds(play.wish(an_entry_wish())) == []
    assert kinds(play.bars(CE.symbol, 0)) == [Place]


def test_symbol_with_bars_held_back_is_left_as_it_is() -> None:
    play = Play().warm()
    play.wish(an_entry_wish())
    play.trader.order(an_order(), play.now)
    play.trader.bar_closed(a_bar(4, provenance=Provenance.GAP), minute(4), play.now)
    assert kinds(play.wish()) == []


# After a restart.


def test_restarted_strategy_says_nothing_until_every_series_has_come() -> None:
    play = Play(Wishes(entries=(an_entry_wish(),)), start=Start.RESTARTED, began=minute(4))
    play.trader.price(a_forming(4), play.now)
    play.bars(CE.symbol, 0, 1, 2, 3)
    caught_up = [play.trader.is_caught_up]
    assert play.pulse().decisions == ()
    told = play.bars(PE.symbol, 0, 1, 2, 3)
    caught_up.append(play.trader.is_caught_up)
    assert (caught_up, kinds(told)) == ([False, True], [Place])


def test_restarted_strategy_goes_on_without_a_series_that_never_comes() -> None:
    play = Play(Wishes(entries=(an_entry_wish(),)), start=Start.RESTARTED, began=minute(4))
    play.trader.price(a_forming(4), play.now)
    play.bars(CE.symbol, 0, 1, 2, 3)
    assert play.pulse(Micros(minute(4) + 30 * SECOND - 1)).decisions == ()
    assert kinds(play.pulse(Micros(minute(4) + 30 * SECOND))) == [Place]


@pytest.mark.parametrize("start", [Start.RESTARTED, Start.RESUMED])
def test_bars_of_long_ago_are_told_of_once_in_a_day(start: Start) -> None:
    play = Play(start=start)
    play.now = minute(5)
    told = play.bars(CE.symbol, 0, 1, 2, 3, 4)
    assert [note.detail for note in told.notes] == ["bar 4"]
    # From then on nothing is held back, not even what came late.
    play.now = minute(9)
    assert [n.detail for n in play.bars(CE.symbol, 0, 1, 2, 3, 4, 5).notes] == ["bar 5"]


def test_first_start_tells_of_every_bar() -> None:
    play = Play()
    play.now = minute(5)
    assert len(play.bars(CE.symbol, 0, 1, 2, 3, 4).notes) == 5


def test_muted_symbol_stays_muted_while_its_bars_are_behind() -> None:
    play = Play(start=Start.RESUMED)
    play.now = minute(9)
    held = Backfill((a_bar(0), a_bar(1, provenance=Provenance.GAP)), minute(1))
    assert play.trader.backfilled(CE.symbol, minute(0), held, play.now).notes == ()
    assert play.bars(CE.symbol, 0, 1, 2).notes == ()


# The end of the day.


def over(play: Play, average: int = 12_950, bought: int = 14_205) -> Told:
    """A short of 650 closed at a loss of 8,157.50, more than one R of 7,475."""
    return play.trader.leg(
        a_leg(average=average, bought=((650, bought),), phase=Phase.DONE), play.now
    )


def loss(r: int) -> Any:
    """A closed short that lost exactly `r` times what it risked."""
    return a_leg(bought=((650, 12_950 + r * 1_150),), phase=Phase.DONE)


def test_day_ends_at_minus_five_r_after_the_confirmation() -> None:
    play = Play().warm()
    assert play.trader.leg(loss(5), play.now).decisions == ()
    first = play.now
    assert play.pulse(Micros(first + 2 * SECOND - 1)).decisions == ()
    assert play.pulse(Micros(first + 2 * SECOND)).decisions == (Flatten(reason="DAY_STOP"),)


def test_day_that_is_over_is_said_again_until_the_mode_has_changed() -> None:
    play = Play().warm()
    play.trader.leg(loss(5), play.now)
    play.pulse(Micros(play.now + 2 * SECOND))
    said_at = play.now
    assert play.pulse().decisions == ()
    assert kinds(play.pulse(Micros(said_at + 5 * SECOND))) == [Flatten]
    play.conditions.mode = Mode.REDUCE_ONLY
    assert play.pulse(Micros(said_at + 30 * SECOND)).decisions == ()


def test_day_that_is_over_by_its_target_leaves_what_is_open() -> None:
    play = Play().warm()
    play.conditions.mode = Mode.REDUCE_ONLY
    play.trader.leg(a_leg(average=12_950, stop=12_960), play.now)
    play.trader.price(a_forming(4, 12_900), play.now)
    play.pulse()
    told = play.pulse(Micros(play.now + 2 * SECOND))
    assert told.decisions == (Flatten(reason="DAY_TARGET"),)


def test_target_waits_for_a_fresh_mark_and_the_stop_does_not() -> None:
    play = Play().warm()
    play.conditions.feed_lost()
    play.trader.leg(a_leg(average=12_950, stop=12_960), play.now)
    play.trader.price(a_forming(4, 12_900), play.now)
    play.pulse()
    assert play.pulse(Micros(play.now + 9 * SECOND)).decisions == ()
    play.trader.price(a_forming(4, 13_000), play.now)
    play.pulse()
    told = play.pulse(Micros(play.now + 2 * SECOND))
    assert told.decisions == (Flatten(reason="DAY_STOP"),)


def test_short_of_the_limits_nothing_ends() -> None:
    play = Play().warm()
    play.trader.leg(loss(4), play.now)
    assert play.pulse(Micros(play.now + 60 * SECOND)).decisions == ()


def test_limits_hold_while_the_series_are_awaited() -> None:
    play = Play(start=Start.RESTARTED)
    play.trader.leg(loss(5), play.now)
    assert kinds(play.pulse(Micros(play.now + 2 * SECOND))) == [Flatten]


def test_force_close_is_said_until_flat() -> None:
    play = Play().warm()
    play.trader.leg(a_leg(), play.now)
    assert play.pulse(Micros(at("15:15") - 1)).decisions == ()
    assert play.pulse(at("15:15")).decisions == (Flatten(reason="FORCE_CLOSE"),)
    assert kinds(play.pulse(at("15:15:05"))) == [Flatten]
    play.trader.leg(a_leg(phase=Phase.DONE, bought=((650, 12_000),)), play.now)
    assert play.pulse(at("15:16")).decisions == ()


# With the default strategy.


def test_default_strategy_trades_through_a_break() -> None:
    """Armed, asked, broken before the answer: the order is kept, and its end spends the swing."""
    conditions = Conditions()
    role = Role(strategy=SwingBreak(), tag=TAG)
    stage = Stage(plan=PLAN, chain=CHAIN, rates=FREE)
    trader = Trader(role, stage, conditions, minute(0))
    conditions.mode = Mode.ACTIVE
    conditions.trusted(minute(0), entries=True)
    for bar in a_low(CE):
        trader.bar_closed(bar, Micros(bar.minute + MINUTE), Micros(bar.minute + MINUTE))
    (placed,) = (
        trader.price(a_forming(4, 13_000), minute(4)).decisions + trader.pulse(minute(4)).decisions
    )
    assert isinstance(placed, Place)
    assert (placed.ticket.quantity, placed.ticket.trigger) == (wish_of().units, 12_695)
    assert trader.price(a_forming(4, 12_690), minute(4)).decisions == ()
    order = an_order(placed.key, state=State.SENDING, ticket=placed.ticket, stop=placed.stop)
    assert trader.order(order, minute(4)).decisions == ()
    filled = changed(order, state=State.FILLED, filled=Units(585), value=585 * 12_690)
    told = trader.order(changed(filled, changed_at=minute(5)), minute(5))
    assert (told.decisions, [n.kind for n in told.notes]) == ((), ["spent", "unwish"])


def test_role_knows_its_days() -> None:
    role = Role(strategy=SwingBreak(), tag=TAG, days=("fri",))
    assert role.plays_on(Day("2026-11-20"))
    assert not role.plays_on(Day("2026-11-19"))


def test_stop_of_the_wish_is_planned_with_the_roles_offsets() -> None:
    play = Play().warm()
    (placed,) = play.wish(an_entry_wish()).decisions
    assert isinstance(placed, Place)
    assert placed.stop == StopPlan(trigger=Paise(13_600), limit=Paise(13_900))
