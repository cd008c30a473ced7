"""Cumulative volumes become increments: never negative, never doubled, never invented."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.market import Source, Tick
from domain.units import SECOND, Micros
from domain.volume import Refusal, VolumeLedger
from tests.domain.tape import CALL, NIFTY, OPEN, a_tick, an_index_tick, at


def a_ledger(
    *, connected: str = "09:00", followed: str = "09:00", epoch: int = 1, rebase_ticks: int = 5
) -> VolumeLedger:
    ledger = VolumeLedger(OPEN, rebase_ticks)
    ledger.connected(Source.PRIMARY, epoch, at(connected))
    ledger.follow(CALL, at(followed))
    ledger.follow(NIFTY, at(followed))
    return ledger


def increments(ledger: VolumeLedger, ticks: list[Tick]) -> list[tuple[int, bool]]:
    accepted = [ledger.accept(tick) for tick in ticks]
    return [(tick.volume, tick.gap) for tick in accepted if tick is not None]


@pytest.mark.incident("INC-17")
def test_cumulative_volume_becomes_a_difference() -> None:
    ledger = a_ledger()
    ticks = [a_tick("10:00:01", cum=1000)]
    ticks += [a_tick("10:01:05", cum=cum) for cum in (1100, 1300, 1300, 1200, 1500)]
    assert increments(ledger, ticks) == [
        (1000, False),
        (100, False),
        (200, False),
        (0, False),
        (0, False),
        (200, False),
    ]


def test_first_value_of_a_source_that_listened_before_the_open_is_the_days_volume() -> None:
    assert increments(a_ledger(), [a_tick("11:00", cum=650)]) == [(650, False)]


@pytest.mark.parametrize(
    ("connected", "followed"), [("09:15", "09:00"), ("09:00", "09:16"), ("11:37:30", "11:37:31")]
)
def test_first_value_after_a_later_start_is_a_baseline_only(connected: str, followed: str) -> None:
    ledger = a_ledger(connected=connected, followed=followed)
    ticks = [a_tick("11:40", cum=650), a_tick("11:40:01", cum=715)]
    assert increments(ledger, ticks) == [(0, True), (65, False)]


def test_value_of_the_day_before_is_forgotten_by_the_first_smaller_one() -> None:
    early = [a_tick("09:05", cum=5_000_000), a_tick("09:14:05", cum=1300)]
    ticks = [a_tick("09:15", cum=650), a_tick("09:15:01", cum=1300), a_tick("09:15:02", cum=1200)]
    assert increments(a_ledger(), [*early, *ticks]) == [
        (0, False),
        (0, False),
        (650, False),
        (650, False),
        (0, False),
    ]


def test_value_of_the_day_before_told_in_the_session_is_a_gap_without_a_volume() -> None:
    ledger = a_ledger()
    early, late = a_tick("09:14", cum=5_000_000), a_tick("09:15:20", cum=5_000_000)
    ledger.accept(early)
    assert ledger.accept(late) == a_tick("09:15:20", cum=None, gap=True)
    assert increments(ledger, [a_tick("09:15:30", cum=75)]) == [(75, False)]


def test_smaller_value_of_a_source_connected_since_is_a_baseline_only() -> None:
    ledger = a_ledger()
    ledger.accept(a_tick("09:14", cum=5_000_000))
    ledger.connected(Source.PRIMARY, 2, at("09:16"))
    ticks = [a_tick("09:16:01", cum=650, epoch=2), a_tick("09:16:02", cum=715, epoch=2)]
    assert increments(ledger, ticks) == [(0, True), (65, False)]


@pytest.mark.parametrize(("early", "gap"), [(0, False), (130, True)])
def test_volume_before_the_open_is_in_no_minute_and_may_be_of_the_day_before(
    early: int, *, gap: bool
) -> None:
    ticks = [a_tick(w, cum=cum) for w, cum in (("09:14:59.9", early), ("09:15", 650))]
    ticks += [a_tick("09:15:01", cum=715)]
    assert increments(a_ledger(), ticks) == [(0, False), (650 - early, gap), (65, False)]


def test_zero_told_in_the_session_is_no_value_of_the_day_before() -> None:
    ticks = [a_tick(wall, cum=cum) for wall, cum in (("09:14", 0), ("09:15:01", 0))]
    assert increments(a_ledger(), [*ticks, a_tick("09:16", cum=65)])[1:] == [
        (0, False),
        (65, False),
    ]


def test_prices_without_volume_before_the_open_missed_nothing_once_it_is_told() -> None:
    ticks = [a_tick("09:13", cum=None), a_tick("09:14", cum=0), a_tick("09:15:01", cum=65)]
    assert increments(a_ledger(), ticks) == [(0, True), (0, False), (65, False)]


def test_following_a_symbol_again_does_not_make_it_younger() -> None:
    ledger = a_ledger()
    ledger.follow(CALL, at("11:00"))
    assert increments(ledger, [a_tick("11:00:05", cum=650)]) == [(650, False)]


def test_baseline_is_shared_across_sources() -> None:
    ledger = a_ledger()
    ledger.connected(Source.REST, 2, at("10:00"))
    ticks = [
        a_tick(cum=1000),
        a_tick(cum=1100, source=Source.REST, epoch=2),
        a_tick(cum=1050),
        a_tick(cum=1200),
    ]
    assert increments(ledger, ticks) == [(1000, False), (100, False), (0, False), (100, False)]


@pytest.mark.parametrize("source", [Source.REST, Source.BACKUP])
def test_source_that_lags_behind_the_others_adds_nothing_until_it_passes(source: Source) -> None:
    ledger = a_ledger()
    ledger.connected(source, 2, at("10:00"))
    ticks = [a_tick(cum=1000)]
    ticks += [a_tick(cum=cum, source=source, epoch=2) for cum in (900, 990, 1000, 1010)]
    assert increments(ledger, ticks) == [
        (1000, False),
        (0, False),
        (0, False),
        (0, False),
        (10, False),
    ]


def test_option_without_volume_is_a_gap_and_an_index_is_not() -> None:
    ticks = [a_tick(cum=None), an_index_tick()]
    assert increments(a_ledger(), ticks) == [(0, True), (0, False)]


def test_first_volume_after_prices_without_it_is_a_baseline_only() -> None:
    ticks = [a_tick("09:16", cum=None), a_tick("10:30", cum=650_000), a_tick("10:31", cum=650_065)]
    assert increments(a_ledger(), ticks) == [(0, True), (0, True), (65, False)]


def test_volume_told_after_prices_without_it_may_be_of_any_minute_between() -> None:
    cums = (1000, None, 1000, None, 4000, 4065)
    ticks = [a_tick(f"10:0{minute}", cum=cum) for minute, cum in enumerate(cums)]
    assert increments(a_ledger(), ticks) == [
        (1000, False),
        (0, True),
        (0, True),
        (0, True),
        (3000, True),
        (65, False),
    ]


def test_index_volume_is_taken_for_nothing() -> None:
    tick = a_tick(cum=5, symbol=NIFTY, exchange="NSE_INDEX")
    accepted = a_ledger().accept(tick)
    assert accepted is not None
    assert (accepted.cum_volume, accepted.volume, accepted.gap) == (None, 0, False)


@pytest.mark.parametrize(
    ("tick", "reason"),
    [
        (a_tick(ltp=0), Refusal.PRICE),
        (a_tick(ltp=-5), Refusal.PRICE),
        (a_tick(cum=-1), Refusal.VOLUME),
        (a_tick(epoch=0), Refusal.EPOCH),
        (a_tick(source=Source.BACKUP), Refusal.EPOCH),
        (a_tick(symbol=type(CALL)("OTHER")), Refusal.SYMBOL),
    ],
)
def test_refused_tick_is_counted_by_its_reason(tick: Tick, reason: Refusal) -> None:
    ledger = a_ledger()
    assert ledger.accept(tick) is None
    assert ledger.refused == {reason: 1}


def test_newer_connection_supersedes_the_older_epoch() -> None:
    ledger = a_ledger()
    assert ledger.admits(a_tick())
    ledger.connected(Source.PRIMARY, 2, at("10:00"))
    assert not ledger.admits(a_tick())
    assert ledger.admits(a_tick(epoch=2))


def test_counter_reset_gives_a_new_baseline_after_enough_ticks_in_a_row() -> None:
    ledger = a_ledger(rebase_ticks=3)
    ticks = [a_tick("10:00", cum=90_000)]
    ticks += [a_tick(f"10:02:0{second}", cum=100 + second) for second in range(4)]
    assert increments(ledger, ticks) == [
        (90_000, False),
        (0, False),
        (0, False),
        (0, True),
        (1, False),
    ]
    assert ledger.rebased == {CALL: 1}


def test_one_value_above_breaks_the_row_of_a_reset() -> None:
    ledger = a_ledger(rebase_ticks=2)
    cums = [90_000, 100, 90_000, 100, 90_065]
    ticks = [a_tick(f"10:0{2 * i}", cum=cum) for i, cum in enumerate(cums)]
    assert increments(ledger, ticks) == [
        (90_000, False),
        (0, False),
        (0, False),
        (0, False),
        (65, False),
    ]


def test_late_value_is_not_a_reset_however_often_it_comes() -> None:
    ledger = a_ledger(rebase_ticks=2)
    ticks = [a_tick("10:00", cum=1000), a_tick("10:01", cum=2000)]
    ticks += [a_tick("10:02:59", cum=1500) for _ in range(9)]
    assert increments(ledger, ticks)[2:] == [(0, False)] * 9
    assert not ledger.rebased


@given(
    st.lists(
        st.tuples(st.integers(0, 200), st.integers(1, 5000)), min_size=1, max_size=60
    )  # seconds since the last tick, cumulative volume
)
def test_increment_is_never_negative_and_never_the_whole_cumulative(
    told: list[tuple[int, int]],
) -> None:
    ledger = a_ledger(connected="09:20", rebase_ticks=2)
    now, total = at("10:00"), 0
    for wait, cum in told:
        now = Micros(now + wait * SECOND)
        tick = ledger.accept(a_tick(now, cum=cum))
        assert tick is not None
        assert 0 <= tick.volume < cum
        total += tick.volume
    if not ledger.rebased:
        assert total == max(cum for _, cum in told) - told[0][1]


@given(
    st.lists(st.integers(1, 500), min_size=1, max_size=40),
    st.data(),
)
def test_volume_of_the_day_does_not_depend_on_where_sources_switch(
    steps: list[int], data: st.DataObject
) -> None:
    ledger = a_ledger()
    ledger.connected(Source.REST, 2, OPEN)
    ledger.connected(Source.BACKUP, 3, OPEN)
    epochs = {Source.PRIMARY: 1, Source.REST: 2, Source.BACKUP: 3}
    cum, total = 0, 0
    for second, step in enumerate(steps):
        cum += step
        source = data.draw(st.sampled_from(list(Source)))
        tick = a_tick(Micros(OPEN + second * SECOND), cum=cum, source=source, epoch=epochs[source])
        accepted = ledger.accept(tick)
        assert accepted is not None
        total += accepted.volume if second else 0
    assert total == cum - steps[0]
