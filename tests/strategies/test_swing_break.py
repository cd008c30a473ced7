"""The default strategy, bar by bar and price by price, against the rules of the design."""

from collections.abc import Iterable
from dataclasses import replace

import pytest

from domain.contracts import Chain, Contract, Side, UniverseRule
from domain.market import Bar, Forming
from domain.orders import State as OrderState
from domain.orders import StopPlan
from domain.params import (
    EntryParams,
    FilterParams,
    SizingParams,
    SwingBreakParams,
    UniverseParams,
)
from domain.strategy import (
    EntryView,
    EntryWish,
    Note,
    PositionView,
    Room,
    StopAt,
    StopLimit,
    View,
    Wishes,
)
from domain.units import MINUTE, SECOND, Micros, Paise, Symbol, Units
from strategies.swing_break import SwingBreak
from tests.trading import (
    PLAN,
    Prices,
    a_bar,
    a_chain,
    a_contract,
    a_forming,
    a_view,
    an_entry,
    at,
    minute,
)

CE = a_contract(26_000)
NEAR = a_contract(26_050)
PE = a_contract(25_900, Side.PE)
CHAIN = a_chain(CE, NEAR, PE)

# Four bars that confirm a low: the third and the fourth each vote for the second.
SHAPE = ((0, 300, 0, 100), (1, 150, -400, -300), (2, 300, -350, 250), (3, 600, 0, 550))


def a_low(
    contract: Contract, swing: int = 12_700, first: int = 0, *, hh: int = 13_700
) -> list[Bar]:
    """Bars whose low `swing` is the extreme of bar `first + 1`, confirmed at `first + 3`."""
    bars = []
    for index, high, low, close in SHAPE:
        bars.append(
            a_bar(
                first + index,
                hh if index == 3 else swing + 400 + high,
                swing + 400 + low,
                swing + 400 + close,
                symbol=contract.symbol,
            )
        )
    return bars


def second_low(swing: int, *, vwap: int = 11_800) -> list[Bar]:
    """After `a_low`: a high, then a low `swing` in bar 6, confirmed by bar 8; hh 136.00."""
    rows = (
        (4, 13_650, 13_400, 13_600),
        (5, 13_500, 13_200, 13_250),
        (6, 13_300, swing, swing + 50),
        (7, 13_400, swing + 50, 13_300),
        (8, 13_600, 13_000, 13_550),
    )
    return [a_bar(*row, symbol=CE.symbol, vwap=vwap) for row in rows]


def below(price_max_p: int) -> SwingBreakParams:
    return SwingBreakParams(filter=FilterParams(price_max_p=price_max_p))


class Player:
    """One strategy with its state and the world it looks at."""

    def __init__(self, strategy: SwingBreak | None = None, chain: Chain = CHAIN) -> None:
        self.strategy = strategy or SwingBreak()
        self.state = self.strategy.begin(PLAN, chain)
        self.prices = Prices()
        self.entries: list[EntryView] = []
        self.ended: list[EntryView] = []
        self.positions: dict[Symbol, PositionView] = {}
        self.room = Room(positions=5, ce=3, pe=3)
        self.notes: list[Note] = []
        self.now = minute(0)
        self.seen: View | None = None

    def bars(self, bars: Iterable[Bar], *, until: Micros | None = None) -> Wishes:
        wishes = Wishes()
        for bar in bars:
            self.now = until or Micros(bar.minute + MINUTE)
            self.state, wishes = self.strategy.on_bar(self.state, bar, self.view())
            self.notes += wishes.notes
        return wishes

    def price(self, now: Forming) -> Wishes:
        self.now = now.at
        self.state, wishes = self.strategy.on_price(self.state, now, self.view())
        self.notes += wishes.notes
        return wishes

    def pulse(self, when: Micros | None = None) -> Wishes:
        self.now = when or Micros(self.now + SECOND)
        self.state, wishes = self.strategy.on_pulse(self.state, self.view())
        self.notes += wishes.notes
        return wishes

    def view(self) -> View:
        seen, self.seen = (
            self.seen,
            a_view(
                self.now,
                last=self.prices,
                entries=self.entries,
                ended=self.ended,
                positions=self.positions,
                room=self.room,
            ),
        )
        if seen is not None and (seen.entries, seen.ended) == (self.seen.entries, self.seen.ended):
            # Facts are the same objects until one changes.
            self.seen = replace(self.seen, entries=seen.entries, ended=seen.ended)
        return self.seen

    def rest(self, wishes: Wishes, slot: str = "CE", **changes: object) -> EntryView:
        """Let the wish of a slot become a resting order."""
        (wish,) = (w for w in wishes.entries if w.slot == slot)
        assert isinstance(wish.stop, StopAt)
        values: dict[str, object] = {
            "slot": slot,
            "units": wish.units,
            "price": wish.price,
            "stop": StopPlan(trigger=wish.stop.price, limit=Paise(wish.stop.price + 300)),
        }
        index = (wish.minute - minute(0)) // MINUTE
        found = an_entry(wish.symbol, index, **(values | changes))  # type: ignore[arg-type]
        self.entries = [e for e in self.entries if e.slot != slot] + [found]
        return found

    def end(self, state: OrderState, *, filled: int = 0, reason: str = "") -> None:
        """Let the resting entry end now."""
        (live,) = self.entries
        self.entries = []
        self.ended.append(
            an_entry(
                live.symbol,
                (live.minute - minute(0)) // MINUTE,
                slot=live.slot,
                state=state,
                filled=filled,
                touched=filled > 0,
                ended_at=self.now,
                reason=reason,
                attempt=live.attempt,
            )
        )

    def kinds(self, symbol: Symbol = CE.symbol) -> list[str]:
        return [note.kind for note in self.notes if note.symbol == symbol]


def wish_of(
    contract: Contract = CE,
    swing: int = 12_700,
    index: int = 1,
    *,
    units: int = 585,
    stop: int = 13_800,
) -> EntryWish:
    return EntryWish(
        slot=contract.side.value,
        symbol=contract.symbol,
        units=Units(units),
        price=StopLimit(Paise(swing - 5), Paise(swing - 305)),
        stop=StopAt(Paise(stop)),
        minute=minute(index),
    )


def armed() -> tuple[Player, Wishes]:
    player = Player()
    return player, player.bars(a_low(CE))


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
        ("swing_low", "price=12700 extreme=09:16:00 vwap=11800 hh=13700"),
        ("armed", "swing=12700 extreme=09:16:00 hh=13700"),
        ("in", "swing=12700 stop=13800 units=585"),
        ("best", "side=CE points=1100 swing=12700"),
        (
            "wish",
            f"slot=CE units=585 price={wish_of().price} stop={wish_of().stop} swing=09:16:00",
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
    detail = "rule=price swing=9995 min=10000 max=30000"
    assert Note(CE.symbol, "rejected", detail) in player.notes


def test_low_premium_keeps_the_older_candidate() -> None:
    player, _ = armed()
    wishes = player.bars(second_low(12_850, vwap=12_900))
    assert wishes.entries == (wish_of(),)
    detail = "rule=premium swing=12850 vwap=12900 bps=-39 min=400"
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


def test_unfit_size_is_out() -> None:
    player = Player(SwingBreak(params=SwingBreakParams(sizing=SizingParams(r_p=1_000))))
    assert player.bars(a_low(CE)).entries == ()
    assert Note(CE.symbol, "out", "swing=12700 stop=13800 units=0 limit=12395") in player.notes


def test_limit_must_be_a_price() -> None:
    params = SwingBreakParams(
        entry=EntryParams(limit_offset_p=2_000), filter=FilterParams(price_min_p=100)
    )
    player = Player(SwingBreak(params=params))
    lows = [
        a_bar(i, h, low, c, vwap=100)
        for i, h, low, c in (
            (0, 2_020, 2_000, 2_010),
            (1, 2_015, 1_900, 1_905),
            (2, 2_020, 1_905, 2_018),
            (3, 2_030, 1_950, 2_025),
        )
    ]
    assert player.bars(lows).entries == ()
    assert [n.kind for n in player.notes][-1] == "out"


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


# Ranking and switching.


def test_best_is_nearest_to_the_target_and_the_runner_up_steps_in() -> None:
    player = Player()
    player.bars(a_low(NEAR, hh=13_600))  # 10 points: the best
    assert player.bars(a_low(CE)).entries == (wish_of(NEAR, units=650, stop=13_700),)
    # Broken: removed before ranking.
    assert player.price(a_forming(4, 12_600, symbol=NEAR.symbol)).entries == (wish_of(),)


def switching() -> Player:
    """127.00 of CE rests; NEAR gets better while bars close."""
    player, wishes = armed()
    player.rest(wishes)
    return player


def test_better_symbol_waits_for_the_close_of_a_bar() -> None:
    player = switching()
    early, last = a_low(NEAR, hh=13_600)[:3], a_low(NEAR, hh=13_600)[3]
    player.bars(early)
    assert player.bars([last]).entries == (wish_of(NEAR, units=650, stop=13_700),)
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
    same_minute = a_bar(3, 13_600, 13_000, symbol=a_contract(26_050).symbol)
    player.bars([same_minute])
    assert [w.symbol for w in player.pulse().entries] == [CE.symbol]
    wishes = player.bars([a_bar(4, 13_500, 13_000, symbol=CE.symbol)])
    assert [w.symbol for w in wishes.entries] == [NEAR.symbol]


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


def test_third_refusal_blocks_the_symbol_and_is_told_once() -> None:
    player, wishes = armed()
    for _ in range(3):
        player.rest(wishes)
        player.pulse()
        player.end(OrderState.REJECTED, reason="price band")
        player.pulse(Micros(player.now + 60 * SECOND))
    assert player.pulse().entries == ()
    player.pulse(Micros(player.now + 600 * SECOND))
    assert player.kinds().count("blocked") == 1


# Newer swings.


def successor(swing: int) -> tuple[Player, Wishes]:
    player, wishes = armed()
    player.rest(wishes)
    return player, player.bars(second_low(swing))


def test_newer_swing_far_enough_away_takes_over_at_the_close() -> None:
    """More than a rupee away: the older order ends first, then the newer swing rests."""
    player, wishes = successor(12_805)
    newer = wish_of(swing=12_805, index=6, units=650, stop=13_700)
    assert wishes.entries == (newer,)
    player.end(OrderState.CANCELLED)
    assert player.pulse().entries == (newer,)


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
    detail = "rule=rearm swing=12600 extreme=09:19:00 broke=09:19:00"
    assert Note(CE.symbol, "rejected", detail) in player.notes


# Feeding.


def test_unknown_symbol_and_old_minutes_change_nothing() -> None:
    player, wishes = armed()
    seen = player.pulse()
    assert player.bars([a_bar(3, symbol=Symbol("NIFTY"))]) is seen
    assert player.bars([a_bar(2, 20_000, 5)]) is seen
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
