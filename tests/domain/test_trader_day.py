"""One strategy through its day: when it may enter, how it comes back, what ends it."""

from typing import Any

import pytest
from msgspec.structs import replace as changed

from domain.conditions import Conditions
from domain.market import Provenance
from domain.orders import State, StopPlan
from domain.positions import Phase
from domain.role import Role, Stage, Start
from domain.strategy import (
    ExitWish,
    Mode,
    Wishes,
)
from domain.trader import Backfill, Told, Trader
from domain.units import MINUTE, SECOND, Day, Micros, Paise, Units
from domain.wishes import Cancel, Flatten, Look, Place
from strategies.swing_break import SwingBreak
from tests.domain.play import (
    CE,
    CHAIN,
    FREE,
    PE,
    Play,
    an_entry_wish,
    fresh,
    kinds,
)
from tests.strategies.player import a_low, wish_of
from tests.trading import (
    PLAN,
    TAG,
    a_bar,
    a_contract,
    a_forming,
    a_leg,
    an_order,
    at,
    minute,
)

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
    play.conditions.trusted(entries=False)
    assert kinds(play.wish(an_entry_wish())) == []
    play.conditions.trusted(entries=True)
    assert kinds(play.pulse()) == [Place]


@pytest.mark.parametrize("until", ["15:10", "14:00"])
def test_nothing_rests_after_the_last_entry_or_the_strategys_own_hours(until: str) -> None:
    play = Play(enters_until=until).warm()
    play.wish(an_entry_wish())
    play.trader.order(an_order(), play.now)
    ticked = Micros(at(until) - SECOND)
    play.trader.price(changed(a_forming(), at=ticked), ticked)
    assert kinds(play.pulse(Micros(at(until) - 1))) == []
    assert kinds(play.pulse(at(until))) == [Cancel]


def test_nothing_is_placed_before_the_strategys_hours() -> None:
    play = Play(enters_from="09:20").warm()
    assert kinds(play.wish(an_entry_wish())) == []
    now = a_forming(4, 13_000, symbol=CE.symbol, second=59)
    play.trader.price(now, now.at)
    assert kinds(play.pulse(minute(5))) == [Place]


@pytest.mark.parametrize(("age_s", "due"), [(30, [Place]), (31, [])])
def test_nothing_is_placed_by_a_price_that_is_not_fresh(age_s: int, due: list[type]) -> None:
    """Whatever the strategy thinks of it: the gate judges trigger and band by that price."""
    play = Play().warm()
    play.script.wishes = Wishes(entries=(an_entry_wish(),))
    assert kinds(play.pulse(Micros(minute(4) + age_s * SECOND))) == due


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


def test_restarted_strategy_leaves_all_as_it_is_until_every_series_has_come() -> None:
    """It wishes nothing yet, or too much: neither ends an entry, nor leaves a short."""
    play = Play(start=Start.RESTARTED, began=minute(4))
    play.trader.order(an_order(), play.now)
    play.trader.leg(a_leg(symbol=PE.symbol), play.now)
    told = play.bars(CE.symbol, 0, 1, 2, 3)
    play.script.wishes = Wishes(exits=(ExitWish(PE.symbol, "early"),))
    assert (told.decisions, play.pulse().decisions) == ((), ())


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
    assert play.pulse(Micros(play.now + 2 * SECOND)).decisions == ()
    told = play.trader.price(a_forming(4, 13_000, second=59), play.now)
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
    conditions.trusted(entries=True)
    for bar in a_low(CE):
        trader.bar_closed(bar, Micros(bar.minute + MINUTE), Micros(bar.minute + MINUTE))
    (placed,) = (
        trader.price(a_forming(4, 13_000), minute(4)).decisions + trader.pulse(minute(4)).decisions
    )
    assert isinstance(placed, Place)
    assert (placed.ticket.quantity, placed.ticket.trigger) == (wish_of().units, 12_695)
    assert trader.price(a_forming(4, 12_690), minute(4)).decisions == (Look(symbol=CE.symbol),)
    order = an_order(placed.key, state=State.SENDING, ticket=placed.ticket, stop=placed.stop)
    assert trader.order(order, minute(4)).decisions == ()
    filled = changed(order, state=State.FILLED, filled=Units(585), value=585 * 12_690)
    told = trader.order(changed(filled, changed_at=minute(5)), minute(5))
    assert (told.decisions, [n.kind for n in told.notes]) == ((), ["spent", "unwish"])


def test_price_that_meets_the_trigger_of_a_resting_entry_asks_for_the_books() -> None:
    play = Play().warm()
    play.wish(an_entry_wish())
    resting = an_order(state=State.TRIGGER_PENDING)
    play.trader.order(resting, play.now)
    trigger = resting.ticket.trigger

    def looks(price: int, seconds: int) -> bool:
        told = play.trader.price(a_forming(4, price), Micros(play.now + seconds * SECOND))
        return Look(symbol=CE.symbol) in told.decisions

    assert [looks(trigger + 5, 1), looks(trigger, 2), looks(trigger - 5, 3)] == [False, True, False]
    assert [looks(trigger - 5, 6), looks(trigger - 5, 7)] == [False, True]
    play.trader.order(changed(resting, state=State.OPEN), play.now)
    assert not looks(trigger - 5, 30)


def test_role_knows_its_days() -> None:
    role = Role(strategy=SwingBreak(), tag=TAG, days=("fri",))
    assert role.plays_on(Day("2026-11-20"))
    assert not role.plays_on(Day("2026-11-19"))


def test_stop_of_the_wish_is_planned_with_the_roles_offsets() -> None:
    play = Play().warm()
    (placed,) = play.wish(an_entry_wish()).decisions
    assert isinstance(placed, Place)
    assert placed.stop == StopPlan(trigger=Paise(13_600), limit=Paise(13_900))


# Contracts that join.


def test_contract_that_joins_is_told_of_only_when_its_bars_have_come() -> None:
    """It is started like a symbol of before a restart: old bars silently, no orders until then."""
    play = Play().warm()
    later = a_contract(26_500)
    play.trader.join((later, CE), play.now)
    assert play.trader.chain == CHAIN.grown((later,))
    wish = an_entry_wish(later.symbol)
    play.trader.price(a_forming(4, 13_000, symbol=later.symbol, second=5), play.now)
    assert kinds(play.wish(wish)) == []
    told = play.bars(later.symbol, 0, 1, 2, 3)
    assert [note.detail for note in told.notes] == ["bar 3", "price 13000"]
    assert kinds(told) == []
    play.now = minute(5)
    play.trader.price(a_forming(5, 13_000, symbol=later.symbol, second=0), play.now)
    (place,) = play.bars(later.symbol, 4).decisions
    assert isinstance(place, Place)
    assert place.key.symbol == later.symbol


def test_symbols_of_before_stay_fresh_while_others_join() -> None:
    play = Play().warm()
    play.trader.join((a_contract(26_500),), play.now)
    assert fresh(play)
    assert play.trader.progress == (2, 3)
    assert kinds(play.wish(an_entry_wish())) == [Place]


def test_strategy_lives_through_the_day_again_with_the_larger_chain() -> None:
    play = Play().warm()
    play.trader.join((a_contract(26_500),), play.now)
    assert play.script.log == [
        "begin",
        *("bar 0", "bar 1", "bar 2", "bar 3", "price 13000") * 2,
    ]


def test_what_is_wished_when_contracts_join_is_decided_at_once() -> None:
    play = Play().warm()
    play.script.wishes = Wishes(entries=(an_entry_wish(),))
    assert kinds(play.trader.join((a_contract(26_500),), play.now)) == [Place]
