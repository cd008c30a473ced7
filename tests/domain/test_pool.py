"""The candidate pool as a state machine: armed, pinned, spent, successor, and never armed again."""

from collections.abc import Mapping

import pytest

from domain.pool import Candidate, EntryId, Pool, Standing
from domain.strategy import Note
from domain.swings import SwingDetector, SwingEvent, SwingKind
from domain.units import Micros, Paise, Symbol
from tests.domain.test_swings import V1, V2, a_bar
from tests.trading import a_contract, at, minute

CE = a_contract().symbol
OTHER = a_contract(26_100).symbol


def a_low(price: int = 12_700, index: int = 1, *, hh: int = 13_500) -> SwingEvent:
    return SwingEvent(
        kind=SwingKind.LOW,
        price=Paise(price),
        index=index,
        minute=minute(index),
        vwap_num=10_100,
        vwap_den=1,
        hh=Paise(hh),
    )


def a_pool(*lows: SwingEvent, confirmed: int = 3) -> Pool:
    pool = Pool([CE, OTHER])
    for low in lows:
        pool.offer(CE, low, minute(confirmed))
    return pool


def pin(pool: Pool, index: int = 1, *, symbol: Symbol = CE) -> list[Note]:
    return pool.orders(frozenset({(symbol, minute(index))}), {})


def release(pool: Pool, touched: Mapping[EntryId, Micros] | None = None) -> list[Note]:
    return pool.orders(frozenset(), touched or {})


def price(pool: Pool, low: int, index: int = 4, *, high: int | None = None) -> list[Note]:
    return pool.see(CE, minute(index), Paise(low), Paise(high or low))


def current(pool: Pool, symbol: Symbol = CE) -> Candidate:
    found = pool.candidate(symbol)
    assert found is not None
    return found


def standing(pool: Pool, symbol: Symbol = CE) -> Standing:
    return current(pool, symbol).standing


def test_low_that_passed_is_armed_with_what_it_carries() -> None:
    pool = Pool([CE])
    notes = pool.offer(CE, a_low(), minute(3))
    assert pool.candidate(CE) == Candidate(
        symbol=CE, minute=minute(1), swing=Paise(12_700), hh=Paise(13_500), own=Paise(0)
    )
    assert notes == [Note(CE, "armed", "swing=127.00 extreme=09:16:00 hh=135.00")]
    assert pool.changed == {CE}


def test_newer_low_replaces_an_armed_one_and_inherits_nothing() -> None:
    pool = a_pool(a_low())
    price(pool, 12_700, high=14_000)
    pool.offer(CE, a_low(12_600, 5, hh=12_900), minute(7))
    assert (current(pool).minute, current(pool).highest) == (minute(5), 12_900)


def test_highest_high_grows_with_every_bar_and_with_the_one_in_progress() -> None:
    pool = a_pool(a_low())
    assert price(pool, 12_800, high=13_600) == []
    pool.see(CE, minute(4), Paise(12_750), Paise(13_700), closed=True)
    price(pool, 12_800, 5, high=13_400)
    assert current(pool).highest == 13_700


def test_low_made_by_its_own_bar_counts_that_bars_high_until_one_has_closed() -> None:
    """Stage 2: none closed yet, so the swing bar's own high joins in; afterwards it does not."""
    pool = a_pool(a_low(12_500, 5, hh=13_600), confirmed=5)
    price(pool, 12_600, 6, high=13_200)
    assert current(pool).highest == 13_600
    pool.see(CE, minute(6), Paise(12_550), Paise(13_300), closed=True)
    assert current(pool).highest == 13_300


def test_break_is_a_price_strictly_below() -> None:
    pool = a_pool(a_low())
    assert price(pool, 12_700) == []
    assert standing(pool) is Standing.ARMED
    assert [n.kind for n in price(pool, 12_695)] == ["spent"]
    assert (standing(pool), current(pool).broke_at) == (Standing.SPENT, minute(4))


def test_conflated_low_breaks_though_the_last_price_is_back_above() -> None:
    pool = a_pool(a_low())
    price(pool, 12_600, high=13_000)
    assert standing(pool) is Standing.SPENT


def test_break_is_told_once() -> None:
    pool = a_pool(a_low())
    price(pool, 12_695)
    pool.changed.clear()
    assert price(pool, 12_600, 5) == []
    assert pool.changed == set()


def test_extreme_not_later_than_the_break_makes_no_new_candidate() -> None:
    pool = a_pool(a_low())
    price(pool, 12_600, 4)
    notes = pool.offer(CE, a_low(12_600, 4), minute(5))
    detail = "rule=rearm swing=126.00 extreme=09:19:00 broke=09:19:00"
    assert notes == [Note(CE, "rejected", detail)]
    assert standing(pool) is Standing.SPENT
    pool.offer(CE, a_low(12_500, 5), minute(6))
    assert (standing(pool), current(pool).swing) == (Standing.ARMED, 12_500)


@pytest.mark.incident("INC-32")
def test_new_swing_starts_unbroken_and_the_runner_up_is_used() -> None:
    """The flag belongs to the swing; see also the ranking in tests/strategies."""
    pool = a_pool(a_low())
    price(pool, 12_600, 4)
    pool.offer(CE, a_low(12_650, 6), minute(8))
    pool.offer(OTHER, a_low(12_000, 6), minute(8))
    assert [standing(pool, symbol) for symbol in (CE, OTHER)] == [Standing.ARMED] * 2
    assert current(pool).broke_at is None


def test_order_pins_its_candidate_and_a_break_does_not_spend_it() -> None:
    pool = a_pool(a_low())
    pin(pool)
    assert standing(pool) is Standing.PINNED
    assert [n.kind for n in price(pool, 12_600)] == ["broke"]
    assert (standing(pool), current(pool).broke_at) == (Standing.PINNED, minute(4))


def test_broken_pinned_candidate_keeps_its_highest_high() -> None:
    pool = a_pool(a_low())
    pin(pool)
    price(pool, 12_600)
    price(pool, 12_600, 5, high=15_000)
    assert current(pool).highest == 13_500


def test_order_of_another_minute_pins_nothing() -> None:
    pool = a_pool(a_low())
    pin(pool, 2)
    assert standing(pool) is Standing.ARMED


def test_candidate_of_an_order_already_live_is_pinned_at_once() -> None:
    """After a restart the order is known before history has made its candidate again."""
    pool = Pool([CE])
    pin(pool)
    pool.offer(CE, a_low(), minute(3))
    assert standing(pool) is Standing.PINNED


def test_order_cancelled_without_trigger_arms_its_candidate_again() -> None:
    pool = a_pool(a_low())
    pin(pool)
    assert [n.kind for n in release(pool)] == ["armed"]
    assert standing(pool) is Standing.ARMED


def test_order_cancelled_after_a_break_spends_its_candidate() -> None:
    pool = a_pool(a_low())
    pin(pool)
    price(pool, 12_600)
    assert [n.kind for n in release(pool)] == ["spent"]
    assert (standing(pool), current(pool).broke_at) == (Standing.SPENT, minute(4))


def test_order_that_ended_touched_spends_its_candidate_though_no_break_was_seen() -> None:
    pool = a_pool(a_low())
    pin(pool)
    release(pool, {(CE, minute(1)): Micros(minute(9) + 30)})
    assert (standing(pool), current(pool).broke_at) == (Standing.SPENT, minute(9))
    assert pool.offer(CE, a_low(12_600, 9), minute(11))[0].kind == "rejected"


@pytest.mark.incident("INC-30")
def test_failing_swing_keeps_the_one_with_a_live_order() -> None:
    pool = a_pool(a_low())
    pin(pool)
    assert pool.drop(CE) == []
    assert standing(pool) is Standing.PINNED


def test_swing_out_of_the_price_range_drops_an_armed_candidate() -> None:
    pool = a_pool(a_low())
    assert [n.kind for n in pool.drop(CE)] == ["dropped"]
    assert pool.candidate(CE) is None
    assert pool.drop(CE) == []


def test_dropping_a_spent_candidate_says_nothing() -> None:
    pool = a_pool(a_low())
    price(pool, 12_600)
    assert pool.drop(CE) == []
    assert pool.candidate(CE) is None


def with_successor() -> Pool:
    pool = a_pool(a_low())
    pin(pool)
    pool.offer(CE, a_low(12_900, 6), minute(8))
    return pool


def test_newer_swing_waits_while_the_older_has_an_order() -> None:
    pool = with_successor()
    waiting = pool.successor(CE)
    assert waiting is not None
    assert (current(pool).minute, waiting.minute) == (minute(1), minute(6))


def test_successor_takes_over_when_the_order_has_ended() -> None:
    pool = with_successor()
    notes = release(pool)
    assert [(n.kind, n.detail.split()[0]) for n in notes] == [
        ("armed", "swing=127.00"),
        ("armed", "swing=129.00"),
    ]
    assert (current(pool).minute, pool.successor(CE)) == (minute(6), None)


def test_successor_whose_order_the_older_one_became_is_pinned_at_once() -> None:
    pool = with_successor()
    pool.orders(frozenset({(CE, minute(6))}), {})
    assert (current(pool).minute, standing(pool)) == (minute(6), Standing.PINNED)
    price(pool, 12_850, 9)
    assert standing(pool) is Standing.PINNED


def test_successor_is_watched_and_spent_like_any_other() -> None:
    pool = with_successor()
    assert [n.kind for n in price(pool, 12_850, 9)] == ["spent"]
    assert (pool.successor(CE), standing(pool)) == (None, Standing.PINNED)


def test_successor_older_than_an_unseen_break_never_arms() -> None:
    pool = with_successor()
    release(pool, {(CE, minute(1)): minute(7)})
    assert (standing(pool), pool.successor(CE)) == (Standing.SPENT, None)


def test_latest_break_of_a_symbol_counts_not_that_of_the_order_that_ends() -> None:
    """Broken at 09:19 and filling; a newer swing broke at 09:25: an extreme of 09:22 is too old."""
    pool = a_pool(a_low())
    pin(pool)
    price(pool, 12_600, 4)
    pool.offer(CE, a_low(12_500, 6), minute(8))
    price(pool, 12_400, 10)
    release(pool)
    assert pool.offer(CE, a_low(12_450, 7), minute(12))[0].kind == "rejected"


def test_swing_out_of_range_drops_the_successor_and_not_the_pinned_one() -> None:
    pool = with_successor()
    assert [n.detail.split()[0] for n in pool.drop(CE)] == ["swing=129.00"]
    assert (standing(pool), pool.successor(CE)) == (Standing.PINNED, None)


def test_successor_counts_its_own_bar_until_one_has_closed() -> None:
    pool = a_pool(a_low())
    pin(pool)
    pool.offer(CE, a_low(12_900, 6, hh=13_900), minute(6))
    pool.see(CE, minute(7), Paise(12_950), Paise(13_100), closed=True)
    waiting = pool.successor(CE)
    assert waiting is not None
    assert waiting.highest == 13_100


def test_order_that_filled_before_the_restart_spends_its_candidate_in_time() -> None:
    """History is fed bar by bar: an end later than the bar is not known to it yet."""
    pool = Pool([CE])
    release(pool, {(CE, minute(1)): at("09:25"), (OTHER, minute(1)): at("09:25")})
    pool.offer(CE, a_low(), minute(3))
    assert pool.sync(minute(5), CE) == []
    assert standing(pool) is Standing.ARMED
    assert [n.kind for n in pool.sync(at("09:30"))] == ["spent"]
    assert current(pool).broke_at == at("09:25")


def test_end_of_a_candidate_that_is_gone_is_forgotten() -> None:
    pool = a_pool(a_low())
    release(pool, {(CE, minute(9)): minute(10), (Symbol("X"), minute(9)): minute(10)})
    assert pool.sync(minute(20)) == []
    assert standing(pool) is Standing.ARMED


def test_break_seen_in_history_stands_though_the_order_ended_later() -> None:
    pool = Pool([CE])
    release(pool, {(CE, minute(1)): minute(9)})
    pool.offer(CE, a_low(), minute(3))
    price(pool, 12_600, 8)
    assert pool.sync(minute(20)) == []
    assert current(pool).broke_at == minute(8)


def played(rows: list[tuple[float, float, float, float]]) -> list[tuple[int, str]]:
    """Feed bars to detector and pool, every low accepted; return what happened at which bar."""
    detector, pool, log = SwingDetector(), Pool([CE]), []
    for index, row in enumerate(rows):
        bar = a_bar(index, row)
        notes = pool.see(CE, bar.minute, bar.low, bar.high, closed=True)
        for event in detector.step(bar):
            if event.kind in {SwingKind.LOW, SwingKind.LOW_UPDATE}:
                notes += pool.offer(CE, event, bar.minute)
        log += [(index, f"{n.kind} {n.detail.split()[0]}") for n in notes]
    return log


def test_first_vector_arms_spends_and_arms_again() -> None:
    assert played(V1) == [
        (3, "armed swing=127.00"),
        (8, "spent swing=127.00"),
        (11, "armed swing=124.00"),
    ]


def test_high_between_does_not_disarm() -> None:
    assert played(V1[:8]) == [(3, "armed swing=127.00")]


def test_second_vector_arms_the_update_whose_extreme_is_later_than_the_break() -> None:
    assert played(V2) == [
        (3, "armed swing=127.00"),
        (4, "spent swing=127.00"),
        (5, "armed swing=125.00"),
    ]
