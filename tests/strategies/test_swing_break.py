"""The default strategy, bar by bar and price by price, against the rules of the design."""

import pytest

from domain.contracts import Side, UniverseRule
from domain.params import (
    EntryParams,
    FilterParams,
    SizingParams,
    SwingBreakParams,
    UniverseParams,
)
from domain.strategy import (
    Note,
    PositionView,
    Room,
)
from domain.units import SECOND, Micros, Paise, Symbol, Units
from strategies.swing_break import SwingBreak
from tests.strategies.player import (
    CE,
    NEAR,
    PE,
    Player,
    a_low,
    armed,
    below,
    second_low,
    wish_of,
)
from tests.trading import (
    PLAN,
    a_bar,
    a_forming,
    at,
)

# What is wished.


def test_universe_is_what_the_settings_say() -> None:
    strategy = SwingBreak(market=UniverseParams(width_points=500))
    assert strategy.universe(PLAN) == UniverseRule(
        underlying="NIFTY", width_points=500, step_points=50, atm_round_points=100
    )


def test_confirmed_low_is_wished_one_tick_under_its_swing() -> None:
    """127.00: trigger 126.95, limit 123.95; hh 137.00: stop 138.00, 11 points, 9 lots."""
    player, wishes = armed()
    assert wishes.entries == (wish_of(),)
    assert wishes.watch == {CE.symbol}
    assert [(n.kind, n.detail) for n in player.notes] == [
        ("swing_low", "price=127.00 extreme=09:16:00 vwap=118.00 hh=137.00"),
        ("armed", "swing=127.00 extreme=09:16:00 hh=137.00"),
        ("in", "swing=127.00 stop=138.00 units=585"),
        ("best", "side=CE points=11.00 swing=127.00"),
        (
            "wish",
            "slot=CE units=585 trigger=126.95 limit=123.95 stop=138.00 swing=09:16:00",
        ),
    ]


def test_wish_stays_the_same_object_while_nothing_changes() -> None:
    player, wishes = armed()
    again = player.pulse()
    assert again.entries == wishes.entries
    assert player.pulse() is again
    assert player.price(a_forming(4, 13_000)) is again


def test_each_side_has_its_own_entry() -> None:
    player = Player()
    player.bars(a_low(CE))
    wishes = player.bars(a_low(PE))
    assert [w.symbol for w in wishes.entries] == [CE.symbol, PE.symbol]


def test_low_that_fails_stage_one_says_the_number() -> None:
    player = Player()
    assert player.bars(a_low(CE, 9_995, hh=10_700)).entries == ()
    detail = "rule=price swing=99.95 min=100.00 max=300.00"
    assert Note(CE.symbol, "rejected", detail) in player.notes


def test_low_premium_keeps_the_older_candidate() -> None:
    player, _ = armed()
    wishes = player.bars(second_low(12_850, vwap=12_900))
    assert wishes.entries == (wish_of(),)
    detail = "rule=premium swing=128.50 vwap=129.00 bps=-39 min=400"
    assert Note(CE.symbol, "rejected", detail) in player.notes


def test_price_out_of_range_ends_the_older_candidate() -> None:
    player = Player(SwingBreak(params=below(12_800)))
    assert player.bars(a_low(CE)).entries == (wish_of(),)
    assert player.bars(second_low(12_850)).entries == ()
    assert player.kinds()[-4:] == ["swing_low", "rejected", "dropped", "unwish"]


def test_candidate_is_out_when_its_stop_is_too_near_or_too_far() -> None:
    """Swing 127.00: 2 % is 2.54 points, 10 % is 12.70."""
    player, _ = armed()
    assert player.price(a_forming(4, 13_000, high=13_870)).entries == (
        wish_of(units=455, stop=13_970),
    )
    assert player.price(a_forming(4, 13_000, high=13_875)).entries == ()
    assert player.kinds()[-2:] == ["out", "unwish"]


def test_only_what_may_be_entered_is_watched_price_by_price() -> None:
    """A break shows in every new low; a candidate that is out needs no fresh price."""
    player, wishes = armed()
    assert wishes.watch == {CE.symbol}
    assert player.price(a_forming(4, 13_000, high=13_875)).watch == frozenset()
    player.price(a_forming(5, 12_600))
    assert player.kinds()[-1] == "spent"


def test_unfit_size_is_out() -> None:
    player = Player(SwingBreak(params=SwingBreakParams(sizing=SizingParams(r_p=1_000))))
    assert player.bars(a_low(CE)).entries == ()
    assert Note(CE.symbol, "out", "swing=127.00 stop=138.00 units=0 limit=123.95") in player.notes


def test_limit_must_be_a_price() -> None:
    params = SwingBreakParams(
        entry=EntryParams(limit_offset_p=2_000), filter=FilterParams(price_min_p=100)
    )
    player = Player(SwingBreak(params=params))
    lows = [
        a_bar(i, h, low, c, vwap=100)
        for i, h, low, c in (
            (0, 1_960, 1_940, 1_950),
            (1, 1_955, 1_900, 1_905),
            (2, 1_958, 1_905, 1_956),
            (3, 1_960, 1_930, 1_957),
        )
    ]
    assert player.bars(lows).entries == ()
    assert Note(CE.symbol, "out", "swing=19.00 stop=20.60 units=650 limit=-1.05") in player.notes


# When it may be wished.


def test_nothing_rests_from_the_last_entry_time_on() -> None:
    player, _ = armed()
    assert player.pulse(Micros(at("15:10") - SECOND)).entries == (wish_of(),)
    assert player.pulse(at("15:10")).entries == ()
    assert player.kinds()[-1] == "unwish"


def test_market_must_stand_above_the_trigger() -> None:
    player = Player()
    player.prices.set(CE.symbol, 12_695)
    assert player.bars(a_low(CE)).entries == ()
    player.prices.set(CE.symbol, 12_700)
    assert player.pulse().entries == (wish_of(),)


@pytest.mark.parametrize("last", [None, False])
def test_stale_price_is_not_entered_on_but_keeps_what_rests(last: bool | None) -> None:
    player = Player()
    player.prices.set(CE.symbol, 13_000, fresh=False)
    if last is None:
        player.prices.forget(CE.symbol)
    assert player.bars(a_low(CE)).entries == ()
    player.prices.set(CE.symbol, 13_000)
    player.rest(player.pulse())
    player.prices.set(CE.symbol, 13_000, fresh=False)
    assert player.pulse().entries == (wish_of(),)


def test_symbol_with_a_short_is_not_entered_and_the_runner_up_is() -> None:
    player = Player()
    player.positions[CE.symbol] = PositionView(
        CE.symbol, Side.CE, Units(65), Paise(12_950), Paise(14_100)
    )
    player.bars(a_low(CE))
    assert player.bars(a_low(NEAR)).entries == (wish_of(NEAR),)


@pytest.mark.parametrize(
    ("room", "symbols"),
    [
        (Room(positions=0, ce=3, pe=3), []),
        (Room(positions=5, ce=0, pe=3), [PE.symbol]),
        (Room(positions=5, ce=3, pe=0), [CE.symbol]),
        # One place for two sides: the better candidate gets it, here by its points.
        (Room(positions=1, ce=3, pe=3), [PE.symbol]),
    ],
)
def test_limits_leave_room_for_so_many(room: Room, symbols: list[Symbol]) -> None:
    player = Player()
    player.room = room
    player.bars(a_low(CE))
    wishes = player.bars(a_low(PE, hh=13_600))
    assert [w.symbol for w in wishes.entries] == symbols


def test_resting_entry_needs_no_further_room() -> None:
    player, wishes = armed()
    player.rest(wishes)
    player.room = Room(positions=0, ce=0, pe=0)
    assert player.pulse().entries == (wish_of(),)
