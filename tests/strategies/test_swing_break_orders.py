"""The default strategy beside its orders: ranking, switching, keeping, waiting, and history."""

import pytest

from domain.contracts import Side
from domain.orders import State as OrderState
from domain.strategy import (
    Note,
    PositionView,
    Wishes,
)
from domain.units import MINUTE, SECOND, Micros, Paise, Symbol, Units
from tests.strategies.player import (
    CE,
    FAR,
    NEAR,
    PE,
    Player,
    a_low,
    armed,
    second_low,
    wish_of,
)
from tests.trading import (
    a_bar,
    a_chain,
    a_contract,
    a_forming,
    an_entry,
    at,
    minute,
)

# Ranking and switching.


def test_best_is_nearest_to_the_target_and_the_runner_up_steps_in() -> None:
    player = Player()
    player.bars(a_low(NEAR, hh=13_600))  # 10 points: the best
    assert player.bars(a_low(CE)).entries == (wish_of(NEAR, units=650, stop=13_700),)
    # Broken: removed before ranking.
    assert player.price(a_forming(4, 12_600, symbol=NEAR.symbol)).entries == ()
    assert player.pulse().entries == (wish_of(),)


def test_entry_is_chosen_by_the_clock_when_all_bars_of_the_minute_had_time_to_close() -> None:
    """The first bar of a minute that closes knows nothing of the others: CE, then NEAR."""
    player = Player()
    for bar in [*a_low(CE), *a_low(NEAR, hh=13_600)]:
        player.now = Micros(bar.minute + MINUTE)
        player.state, wishes = player.strategy.on_bar(player.state, bar, player.view())
        assert wishes.entries == ()
    assert [w.symbol for w in player.pulse().entries] == [NEAR.symbol]


def test_wish_nobody_answered_yet_is_kept_by_a_price_and_ended_by_its_own() -> None:
    player, wishes = armed()
    near = a_low(NEAR, hh=13_600)
    for bar in near:
        player.state, wishes = player.strategy.on_bar(player.state, bar, player.view())
    assert wishes.entries == (wish_of(),)
    assert player.price(a_forming(4, 13_000, high=13_705)).entries == (wish_of(stop=13_805),)
    player.prices.set(CE.symbol, 13_000, fresh=False)
    assert player.price(a_forming(4, 13_000, high=13_710)).entries == ()


def test_bars_of_a_minute_that_close_late_switch_nothing_in_it() -> None:
    player = switching()
    late = a_low(NEAR, hh=13_600)
    player.bars([a_bar(3, 13_700, 13_100, symbol=FAR.symbol)])
    assert [w.symbol for w in player.bars(late).entries] == [CE.symbol]
    wishes = player.bars([a_bar(4, 13_500, 13_000, symbol=CE.symbol)])
    assert [w.symbol for w in wishes.entries] == [NEAR.symbol]


def switching() -> Player:
    """127.00 of CE rests; NEAR gets better while bars close."""
    player, wishes = armed()
    player.rest(wishes)
    return player


def test_better_symbol_waits_for_the_close_of_a_bar_and_the_next_second() -> None:
    player = switching()
    *early, last = a_low(NEAR, hh=13_600)
    player.bars(early)
    player.state, wishes = player.strategy.on_bar(player.state, last, player.view())
    assert wishes.entries == (wish_of(),)
    assert player.pulse().entries == (wish_of(NEAR, units=650, stop=13_700),)
    player.end(OrderState.CANCELLED)
    assert player.pulse().entries == (wish_of(NEAR, units=650, stop=13_700),)


def test_between_closes_the_resting_entry_stays() -> None:
    player = switching()
    player.bars(a_low(NEAR, hh=13_750))  # 11.5 points: no better
    assert player.pulse().entries == (wish_of(),)
    # CE moves to 11.8 points, NEAR is the best now; no bar has closed.
    player.price(a_forming(4, 13_000, high=13_780))
    assert [w.symbol for w in player.pulse().entries] == [CE.symbol]
    wishes = player.bars([a_bar(4, 13_500, 13_000, symbol=NEAR.symbol)])
    assert [w.symbol for w in wishes.entries] == [NEAR.symbol]


def test_bar_of_the_other_side_switches_nothing() -> None:
    player = switching()
    player.bars(a_low(NEAR, hh=13_750))
    player.price(a_forming(4, 13_000, high=13_780))
    wishes = player.bars([a_bar(4, 13_500, 13_000, symbol=PE.symbol)])
    assert [w.symbol for w in wishes.entries] == [CE.symbol]


def test_revert_forgets_the_switch() -> None:
    player = switching()
    player.bars(a_low(NEAR, hh=13_600))
    # NEAR runs away to 12 points: CE is the best again, before its cancel was confirmed.
    player.price(a_forming(4, 13_000, high=13_800, symbol=NEAR.symbol))
    assert [w.symbol for w in player.pulse().entries] == [CE.symbol]


@pytest.mark.incident("INC-34")
def test_alternating_ranks_switch_once_per_bar() -> None:
    player = switching()
    player.bars(a_low(NEAR, hh=13_600))
    assert [w.symbol for w in player.pulse().entries] == [NEAR.symbol]
    # A stale price takes NEAR out and back in; only the next minute's close may switch again.
    player.prices.set(NEAR.symbol, 13_000, fresh=False)
    assert [w.symbol for w in player.pulse().entries] == [CE.symbol]
    player.prices.set(NEAR.symbol, 13_000)
    player.bars([a_bar(3, 13_600, 13_000, symbol=FAR.symbol)])
    assert [w.symbol for w in player.pulse().entries] == [CE.symbol]
    wishes = player.bars([a_bar(4, 13_500, 13_000, symbol=CE.symbol)])
    assert [w.symbol for w in wishes.entries] == [NEAR.symbol]


def test_entry_that_rests_again_is_left_only_at_a_close() -> None:
    player = switching()
    player.bars(a_low(NEAR, hh=13_600))
    player.end(OrderState.CANCELLED)
    player.prices.set(NEAR.symbol, 13_000, fresh=False)
    player.rest(player.pulse(), attempt=1)
    player.prices.set(NEAR.symbol, 13_000)
    assert [w.symbol for w in player.pulse().entries] == [CE.symbol]


def test_entry_whose_swing_broke_is_not_left() -> None:
    """The break was seen, the fill was not: the order is filling at this moment."""
    player = switching()
    player.price(a_forming(4, 12_690))
    wishes = player.bars(a_low(NEAR, hh=13_600))
    assert [w.symbol for w in wishes.entries] == [CE.symbol]


def test_entry_that_is_filling_forgets_the_switch() -> None:
    player = switching()
    player.bars(a_low(NEAR, hh=13_600))
    assert [w.symbol for w in player.pulse().entries] == [NEAR.symbol]
    held = player.entries[0]
    player.entries = [
        an_entry(
            CE.symbol,
            1,
            units=585,
            touched=True,
            state=OrderState.OPEN,
            price=held.price,
            stop=held.stop,
        )
    ]
    assert player.pulse().entries == (wish_of(),)


# A resting entry.


def test_higher_high_raises_the_stop_and_shrinks_the_entry() -> None:
    player, wishes = armed()
    player.rest(wishes)
    assert player.price(a_forming(4, 13_000, high=13_760)).entries == (
        wish_of(units=520, stop=13_860),
    )


def test_resting_entry_never_grows() -> None:
    """After a restart the stop may be computed lower than the one that rests."""
    player, wishes = armed()
    player.rest(wishes, units=Units(455))
    assert player.pulse().entries == (wish_of(units=455),)


def test_entry_whose_points_grew_too_wide_is_not_wished() -> None:
    player, wishes = armed()
    player.rest(wishes)
    assert player.price(a_forming(4, 13_000, high=13_900)).entries == ()


def test_unknown_entry_of_ours_is_not_wished() -> None:
    player, _ = armed()
    player.entries = [an_entry(NEAR.symbol, 1)]
    assert player.pulse().entries == ()
    player.entries = [an_entry(CE.symbol, 2)]
    assert player.pulse().entries == ()


def test_break_never_unwishes_an_entry_that_is_filling() -> None:
    player, wishes = armed()
    player.rest(wishes)
    assert player.price(a_forming(4, 12_690)).entries == wishes.entries
    # The high after the break no longer moves its stop.
    assert player.price(a_forming(5, 13_000, high=13_900)).entries == wishes.entries
    assert player.bars([a_bar(4, 13_900, 12_600)]).entries == wishes.entries


def test_filled_entry_closes_its_side_for_the_cooldown() -> None:
    player, wishes = armed()
    player.bars(a_low(NEAR))
    player.rest(wishes)
    player.price(a_forming(4, 12_690))
    player.end(OrderState.FILLED, filled=585)
    filled_at = player.now
    assert player.pulse().entries == ()
    assert player.pulse(Micros(filled_at + 120 * SECOND - 1)).entries == ()
    assert player.pulse(Micros(filled_at + 120 * SECOND)).entries == (wish_of(NEAR),)


def test_cancelled_entry_may_rest_again() -> None:
    player, wishes = armed()
    player.rest(wishes)
    player.pulse()
    player.end(OrderState.CANCELLED)
    assert player.pulse().entries == (wish_of(),)


def test_refused_symbol_waits_and_the_runner_up_steps_in() -> None:
    player, wishes = armed()
    player.bars(a_low(NEAR, hh=13_750))
    player.rest(wishes)
    player.end(OrderState.REFUSED, reason="BAND")
    at_once = player.now
    assert [w.symbol for w in player.pulse().entries] == [NEAR.symbol]
    assert [w.symbol for w in player.pulse(Micros(at_once + 5 * SECOND)).entries] == [CE.symbol]


def test_symbol_that_churned_is_passed_over_and_what_rests_stays() -> None:
    player, wishes = armed()
    player.bars(a_low(NEAR, hh=13_750))
    player.blocked = frozenset({CE.symbol})
    assert [w.symbol for w in player.pulse().entries] == [NEAR.symbol]
    player.blocked = frozenset()
    assert player.pulse().entries == wishes.entries
    player.rest(wishes)
    player.blocked = frozenset({CE.symbol})
    assert player.pulse().entries == wishes.entries


def test_third_refusal_blocks_the_symbol_and_is_told_once() -> None:
    player, wishes = armed()
    for _ in range(3):
        player.rest(wishes)
        player.pulse()
        player.end(OrderState.REJECTED, reason="price band")
        player.pulse(Micros(player.now + 60 * SECOND))
    assert player.pulse().entries == ()
    player.pulse(Micros(player.now + 600 * SECOND))
    player.ended.append(an_entry(PE.symbol, slot="PE", ended_at=player.now))
    player.pulse()
    assert player.kinds().count("blocked") == 1


# Newer swings.


def successor(swing: int) -> tuple[Player, Wishes]:
    player, wishes = armed()
    player.rest(wishes)
    return player, player.bars(second_low(swing))


def test_newer_swing_far_enough_away_takes_over_at_the_close() -> None:
    """More than a rupee away: the older order becomes the newer swing's, or ends for it."""
    player, wishes = successor(12_805)
    newer = wish_of(swing=12_805, index=6, units=650, stop=13_700)
    assert wishes.entries == (newer,)
    player.end(OrderState.CANCELLED)
    assert player.pulse().entries == (newer,)


def test_order_that_became_the_newer_swings_rests_on_as_that() -> None:
    player, wishes = successor(12_805)
    player.rest(wishes)
    assert player.pulse().entries == wishes.entries
    assert player.price(a_forming(9, 12_800)).entries == wishes.entries
    player.end(OrderState.CANCELLED)
    assert player.pulse().entries == ()


def test_newer_swing_close_by_leaves_the_older_order() -> None:
    player, wishes = successor(12_800)
    assert wishes.entries == (wish_of(),)
    player.end(OrderState.CANCELLED)
    assert player.pulse().entries[0].minute == minute(6)


def test_newer_swing_that_is_out_leaves_the_older_order() -> None:
    """128.05 with hh 129.50: 2.45 points are less than 2 %."""
    player, wishes = armed()
    player.rest(wishes)
    calm = [(6, 12_880, 12_805, 12_855), (7, 12_900, 12_810, 12_890), (8, 12_950, 12_850, 12_940)]
    wishes = player.bars([*second_low(12_805)[:2], *(a_bar(*row) for row in calm)])
    assert wishes.entries == (wish_of(),)
    assert player.kinds()[-2:] == ["successor", "out"]


@pytest.mark.incident("INC-31")
def test_broken_swing_does_not_rearm_after_a_bounce() -> None:
    """Three swings of a side break within 41 s, price bounces, falls again: one entry."""
    contracts = [a_contract(26_000), a_contract(26_050), a_contract(26_100)]
    player = Player(chain=a_chain(*contracts))
    wishes = Wishes()
    for contract in contracts:
        wishes = player.bars(a_low(contract))
    held = player.rest(wishes)
    for second, contract in zip((1, 20, 41), contracts, strict=True):
        player.price(a_forming(4, 12_600, symbol=contract.symbol, second=second))
    player.end(OrderState.FILLED, filled=650)
    player.positions[held.symbol] = PositionView(
        held.symbol, Side.CE, Units(650), Paise(12_690), Paise(13_800)
    )
    seen = [player.pulse(Micros(player.now + n * SECOND)) for n in (1, 60, 200)]
    for contract in contracts:
        seen.append(player.price(a_forming(9, 13_000, symbol=contract.symbol)))
        seen.append(player.price(a_forming(10, 12_500, symbol=contract.symbol)))
        seen.append(player.pulse())
    assert [w.entries for w in seen] == [()] * len(seen)


def test_low_not_later_than_the_break_is_rejected_with_both_minutes() -> None:
    player, _ = armed()
    player.price(a_forming(4, 12_600))
    player.bars(
        [
            a_bar(4, 13_100, 12_600, 13_000),
            a_bar(5, 13_200, 12_950, 13_150),
            a_bar(6, 13_300, 12_990, 13_250),
            a_bar(7, 13_400, 13_000, 13_350),
        ]
    )
    detail = "rule=rearm swing=126.00 extreme=09:19:00 broke=09:19:00"
    assert Note(CE.symbol, "rejected", detail) in player.notes


# Feeding.


def test_unknown_symbol_and_old_minutes_change_nothing() -> None:
    player, wishes = armed()
    seen = player.pulse()
    assert player.bars([a_bar(3, symbol=Symbol("NIFTY"))]) is seen
    assert player.bars([a_bar(3, 20_000, 5), a_bar(2, 20_000, 5)]) is seen
    assert player.price(a_forming(4, 5, symbol=Symbol("NIFTY"))) is seen
    assert player.price(a_forming(3, 5)) is seen
    assert seen.entries == wishes.entries


def test_bars_of_long_ago_are_eaten_without_wishing() -> None:
    player = Player()
    wishes = player.bars(a_low(CE), until=at("11:00"))
    assert (wishes.entries, [n.kind for n in wishes.notes]) == ((), ["swing_low", "armed"])
    assert player.pulse(at("11:00")).entries == (wish_of(),)


def test_what_broke_before_a_restart_stays_spent() -> None:
    player = Player()
    player.bars([*a_low(CE), a_bar(4, 13_000, 12_600, 12_900)], until=at("11:00"))
    assert player.pulse(at("11:00")).entries == ()


def test_order_that_filled_before_a_restart_spends_its_candidate() -> None:
    player = Player()
    player.ended = [an_entry(CE.symbol, 1, filled=65, touched=True, ended_at=at("09:25"))]
    player.bars(a_low(CE), until=at("11:00"))
    assert player.pulse(at("11:00")).entries == ()
    assert player.kinds()[-1] == "spent"


def test_same_bars_give_the_same_wishes_however_they_are_fed() -> None:
    bars = [*a_low(CE), *a_low(NEAR, hh=13_600), *a_low(PE)]
    live = Player()
    live.bars(bars)
    again = Player()
    again.bars(sorted(bars, key=lambda bar: (bar.minute, bar.symbol)), until=at("09:20"))
    assert again.pulse(at("09:20")).entries == live.pulse(at("09:20")).entries
