"""What was missed is a hole: nothing is invented for it, and history fills it."""

from fractions import Fraction

import pytest

from domain.bars import BarBuilder, Revised, Terms
from domain.market import Provenance, Source
from domain.units import MINUTE, Micros, Paise
from domain.volume import VolumeLedger
from tests.domain.building import a_builder, bars_in, ten, trades
from tests.domain.tape import CALL, NIFTY, OPEN, a_plan, a_row, a_tick, at, truth_of


@pytest.mark.incident("INC-24")
def test_gap_gives_tainted_bars_not_flat_ones() -> None:
    builder = ten()
    builder.add(trades(("10:01:10", 10_000, 65)))
    builder.feed_gap(at("10:02:30"), None)
    changes = builder.elapse(at("10:05:02"))
    assert [bar.minute for bar in bars_in(changes)] == [at("10:01")]
    builder.feed_gap(at("10:02:30"), at("10:05:20"))
    builder.add([a_tick("10:05:25", 10_500, 650, volume=585)])
    builder.add([a_tick("10:06:01", 10_505, 715, seq=2, volume=65)])
    changes = builder.elapse(at("10:07:02"))
    assert [(bar.minute, bar.provenance, bar.vwap_den) for bar in bars_in(changes)] == [
        (at("10:06"), Provenance.WS, 0)
    ]
    assert builder.settled == at("10:02")
    assert builder.wanted(at("10:07:02")) == tuple(at(f"10:0{m}") for m in (2, 3, 4, 5))


def test_gap_learned_late_taints_bars_already_closed() -> None:
    builder = ten()
    builder.add(trades(("10:01:10", 10_000, 65), ("10:02:10", 10_100, 130)))
    builder.elapse(at("10:03:02"))
    (revised,) = builder.feed_gap(at("10:02:58"), None)
    assert isinstance(revised, Revised)
    assert [(b.minute, b.provenance, b.vwap_den) for b in revised.bars] == [
        (at("10:02"), Provenance.GAP, 0)
    ]
    assert builder.feed_gap(at("10:02:58"), None) == ()


def test_empty_gap_taints_nothing() -> None:
    builder = ten()
    builder.elapse(at("10:03:02"))
    assert builder.feed_gap(at("10:02:58"), at("10:02:58")) == ()
    assert builder.settled == at("10:03")


def test_first_volume_after_a_gap_taints_its_minute_however_late() -> None:
    builder = ten()
    builder.add(trades(("10:01:10", 10_000, 65)))
    builder.feed_gap(at("10:02:10"), None)
    builder.feed_gap(at("10:02:10"), at("10:02:20"))
    builder.add([a_tick("10:06:01", 10_500, 650, volume=585)])
    (bar,) = bars_in(builder.elapse(at("10:07:02")))
    assert (bar.minute, bar.provenance) == (at("10:06"), Provenance.GAP)


def test_first_tick_after_a_gap_without_new_volume_proves_that_nothing_was_missed() -> None:
    builder = ten()
    builder.add(trades(("10:01:10", 10_000, 65)))
    builder.feed_gap(at("10:02:10"), at("10:02:20"))
    builder.add([a_tick("10:06:01", 10_000, 65), a_tick("10:06:05", 10_500, 130, volume=65)])
    (bar,) = bars_in(builder.elapse(at("10:07:02")))
    assert (bar.minute, bar.provenance) == (at("10:06"), Provenance.WS)


def test_tick_older_than_what_is_known_proves_nothing_and_is_not_believed() -> None:
    builder = ten()
    builder.add(trades(("10:01:10", 10_000, 1000)))
    builder.feed_gap(at("10:02:10"), at("10:02:20"))
    builder.add([a_tick("10:04:01", 10_050, 990, epoch=2)])
    builder.add([a_tick("10:06:01", 10_060, 1500, epoch=2, volume=500)])
    builder.add([a_tick("10:07:01", 10_065, 1600, epoch=2, volume=100)])
    bars = bars_in(builder.elapse(at("10:08:02")))
    assert [(bar.minute, bar.provenance) for bar in bars] == [(at("10:07"), Provenance.WS)]
    assert builder.wanted(at("10:08:02")) == (at("10:02"), at("10:04"), at("10:06"))


def test_older_tick_within_the_minute_of_newer_ones_leaves_the_suspicion() -> None:
    builder = ten()
    builder.add(trades(("10:01:10", 10_000, 1000)))
    builder.feed_gap(at("10:01:20"), at("10:01:30"))
    older = a_tick("10:01:40", 10_000, 990, epoch=2)
    builder.add([older, a_tick("10:02:01", 10_000, 1500, epoch=2, volume=500)])
    builder.elapse(at("10:03:02"))
    assert builder.wanted(at("10:03:12")) == (at("10:01"), at("10:02"))


def test_counter_that_was_reset_in_a_gap_is_not_taken_for_an_older_tick() -> None:
    builder = ten()
    builder.add(trades(("10:01:10", 10_000, 1000)))
    builder.feed_gap(at("10:02:10"), at("10:02:20"))
    builder.add([a_tick("10:04:01", 10_050, 65, gap=True)])
    builder.add([a_tick("10:05:01", 10_055, 130, seq=2, volume=65)])
    (bar,) = bars_in(builder.elapse(at("10:06:02")))
    assert (bar.minute, bar.provenance) == (at("10:05"), Provenance.WS)


def test_counter_that_was_reset_late_counts_on_in_the_running_minute() -> None:
    builder = ten()
    builder.add(trades(("10:01:10", 10_000, 1000), ("10:02:05", 10_000, 1065)))
    builder.add([a_tick("10:02:06", 10_000, 65, seq=2, exch="10:01:59", gap=True)])
    builder.add([a_tick("10:02:20", 10_000, 130, seq=3, volume=65)])
    builder.add([a_tick("10:03:01", 10_000, 130, seq=4)])
    assert bars_in(builder.elapse(at("10:04:02"))) == []
    assert [bar.minute for bar in builder.whole().bars[-2:]] == [at("10:01"), at("10:02")]


def test_volume_of_the_day_before_told_before_the_open_leaves_the_bars_whole() -> None:
    ledger = VolumeLedger(OPEN, 5)
    ledger.follow(CALL, at("09:14"))
    ledger.connected(Source.PRIMARY, 1, at("09:14"))
    builder = BarBuilder(CALL, a_plan(), Terms(began=at("09:14"), tick=Paise(5)))
    told = [("09:14:05", 10_000, 5_000_000)]
    told += [(f"09:{minute}:20", 10_000 + minute, 75 * (minute - 14)) for minute in range(15, 21)]
    for number, (wall, price, cum) in enumerate(told):
        tick = ledger.accept(a_tick(wall, price, cum, seq=number))
        assert tick is not None
        builder.add([tick])
    builder.elapse(at("09:21:02"))
    found = [(bar.volume, bar.provenance) for bar in builder.whole().bars]
    assert found == [(75, Provenance.WS)] * 6
    assert builder.settled == at("09:21")


@pytest.mark.parametrize(("volume", "count"), [(130, 0), (131, 1)])
def test_clean_bar_with_less_than_half_the_volume_of_history_is_counted(
    volume: int, count: int
) -> None:
    builder = ten()
    builder.add(trades(("10:01:10", 10_000, 65)))
    builder.elapse(at("10:02:02"))
    builder.backfill([a_row("10:01", (10_000,) * 4, volume)], at("10:02:15"))
    assert builder.mismatches == count


def test_volume_some_brokers_make_up_for_an_index_is_not_compared() -> None:
    builder = BarBuilder(NIFTY, a_plan(), Terms(began=at("09:00"), tick=Paise(5), is_index=True))
    builder.add([a_tick("09:15:10", 10_000, None, symbol=NIFTY)])
    builder.elapse(at("09:16:02"))
    builder.backfill([a_row("09:15", (10_000,) * 4, 131)], at("09:16:15"))
    assert builder.mismatches == 0


def test_minutes_in_which_prices_were_polled_are_asked_for_even_if_quiet() -> None:
    builder = ten()
    builder.feed_polled(at("10:02:10"), None)
    builder.elapse(at("10:05:02"))
    builder.feed_polled(at("10:05:10"), at("10:05:10"))
    builder.elapse(at("10:08:02"))
    assert builder.wanted(at("10:08:02")) == tuple(at(f"10:0{m}") for m in (2, 3, 4, 5))
    assert builder.settled == at("10:02")


@pytest.mark.incident("INC-23")
def test_ticks_before_history_make_bars_that_are_not_settled() -> None:
    builder = a_builder("11:37:30")
    builder.add(trades(("11:37:40", 10_000, 65), ("11:38:01", 10_100, 130), ("11:39:01", 1, 195)))
    changes = builder.elapse(at("11:39:02"))
    assert changes == ()
    assert builder.settled == OPEN
    whole = builder.whole()
    assert [(b.minute, b.provenance) for b in whole.bars] == [
        (at("11:37"), Provenance.GAP),
        (at("11:38"), Provenance.WS),
    ]


@pytest.mark.parametrize(
    ("began", "last_gap"),
    [
        ("09:14:54", None),
        ("09:14:57", "09:15"),
        ("09:16:00.2", "09:16"),
        ("09:16:54", "09:16"),
        ("09:16:55", "09:17"),
    ],
)
def test_first_partial_minute_is_a_gap(began: str, last_gap: str | None) -> None:
    builder = a_builder(began)
    builder.elapse(at("09:20:02"))
    wanted = builder.wanted(at("09:21"))
    assert (wanted[-1] if wanted else None) == (at(last_gap) if last_gap else None)


def test_first_price_after_a_late_start_is_not_known_to_be_a_trade() -> None:
    builder = a_builder("09:59")
    builder.elapse(at("10:00:02"))
    morning = range(at("09:15"), at("10:00"), MINUTE)
    builder.backfill([a_row(Micros(minute)) for minute in morning], at("10:00:15"))
    builder.add([a_tick("10:05:10", 10_000, 65), a_tick("10:06:10", 10_000, 65, seq=2)])
    builder.elapse(at("10:07:02"))
    assert builder.wanted(at("10:07:12")) == (at("10:05"),)


def test_history_fills_the_holes_and_the_vwap_follows() -> None:
    builder = a_builder("09:17:30")
    builder.add([a_tick("09:17:40", 10_000, 9000, gap=True)])
    builder.add([a_tick("09:18:10", 10_100, 9500, seq=2, volume=500)])
    builder.elapse(at("09:19:02"))
    rows = [a_row("09:15", volume=1000), a_row("09:16"), a_row("09:17", volume=3000)]
    (revised,) = builder.backfill([*rows, a_row("09:18")], at("09:19:12"))
    assert isinstance(revised, Revised)
    assert (revised.since, revised.settled) == (OPEN, at("09:19"))
    assert [(b.minute, b.volume, b.provenance) for b in revised.bars] == [
        (at("09:15"), 1000, Provenance.BACKFILLED),
        (at("09:16"), 1000, Provenance.BACKFILLED),
        (at("09:17"), 3000, Provenance.BACKFILLED),
        (at("09:18"), 500, Provenance.WS),
    ]
    vwaps = [truth_of(bar).vwap for bar in revised.bars]
    assert vwaps == [10_000, 10_000, 10_000, Fraction(10_000 * 5000 + 10_100 * 500, 5500)]
    assert builder.wanted(at("15:00")) == ()


def test_history_changes_nothing_before_a_minute_has_settled() -> None:
    builder = a_builder("09:16:05")
    builder.elapse(at("09:17:02"))
    (revised,) = builder.backfill([a_row("09:15"), a_row("09:16")], at("09:17:11"))
    assert isinstance(revised, Revised)
    assert [bar.minute for bar in revised.bars] == [OPEN]
    assert builder.settled == at("09:16")
    assert builder.wanted(at("09:17:12")) == (at("09:16"),)


def test_absent_minute_with_later_rows_is_settled_as_quiet() -> None:
    builder = late_starter(2000)
    (revised,) = builder.backfill([a_row("09:16"), a_row("09:18")], at("09:19:15"))
    assert isinstance(revised, Revised)
    assert [bar.minute for bar in revised.bars] == [at("09:16"), at("09:18")]
    assert revised.settled == at("09:19")
    assert builder.short_answers == 0


def late_starter(cum: int) -> BarBuilder:
    """A builder that began at 09:18:30 and heard so much volume in its first minute."""
    builder = a_builder("09:18:30")
    builder.add([a_tick("09:18:40", 10_000, cum, gap=True)])
    builder.elapse(at("09:19:02"))
    return builder


@pytest.mark.incident("INC-18")
def test_first_minutes_that_history_lacks_stay_open_while_volume_is_missing() -> None:
    builder = late_starter(9000)
    rows = [a_row("09:16"), a_row("09:18")]
    builder.backfill(rows, at("09:19:15"))
    assert (builder.settled, builder.short_answers) == (OPEN, 1)
    assert builder.wanted(at("09:20:15")) == (OPEN, at("09:17"))
    builder.backfill([a_row("09:15", volume=7000), *rows], at("09:20:15"))
    assert (builder.settled, builder.short_answers) == (at("09:19"), 1)


@pytest.mark.parametrize("cum", [None, 0])
def test_absent_minute_is_not_believed_while_no_volume_was_heard(cum: int | None) -> None:
    builder = a_builder("09:18:30")
    builder.add([a_tick("09:18:40", 10_000, cum, gap=True)])
    builder.elapse(at("09:19:02"))
    builder.backfill([a_row("09:16"), a_row("09:17"), a_row("09:18")], at("09:19:15"))
    assert (builder.settled, builder.short_answers) == (OPEN, 0)


def test_absent_minute_of_an_index_needs_no_volume() -> None:
    terms = Terms(began=at("09:18:30"), tick=Paise(1), is_index=True)
    builder = BarBuilder(NIFTY, a_plan(), terms)
    builder.backfill([a_row("09:16", volume=0), a_row("09:17", volume=0)], at("09:18:30"))
    assert builder.settled == at("09:18")


def test_rows_that_hold_all_volume_need_no_later_row() -> None:
    builder = late_starter(1000)
    builder.backfill([a_row("09:15")], at("09:19:15"))
    assert (builder.settled, builder.short_answers) == (at("09:19"), 0)


def test_forming_row_settles_no_minute() -> None:
    builder = late_starter(1005)
    builder.backfill([a_row("09:15"), a_row("09:19")], at("09:19:15"))
    assert builder.settled == at("09:16")


def test_counter_that_was_reset_proves_no_minute_quiet_by_itself() -> None:
    builder = late_starter(9000)
    builder.add([a_tick("09:19:10", 10_000, 100, seq=1, gap=True)])
    builder.elapse(at("09:20:02"))
    builder.backfill([a_row("09:15", volume=9000)], at("09:20:15"))
    assert builder.settled == at("09:16")


def test_quiet_minute_takes_a_tainted_bar_away() -> None:
    builder = ten()
    builder.add([a_tick("10:01:10", 10_000, 65, source=Source.REST, volume=65)])
    builder.add([a_tick("10:02:10", 10_100, 130, seq=1, volume=65)])
    builder.elapse(at("10:03:02"))
    rows = [a_row("10:00", volume=65), a_row("10:02", (10_100,) * 4, 65)]
    (revised,) = builder.backfill(rows, at("10:03:15"))
    assert isinstance(revised, Revised)
    assert [(b.minute, b.provenance) for b in revised.bars] == [
        (at("10:00"), Provenance.BACKFILLED),
        (at("10:02"), Provenance.WS),
    ]
    assert revised.settled == at("10:03")


@pytest.mark.incident("INC-18")
def test_lagging_history_leaves_the_later_minutes_open() -> None:
    builder = a_builder("09:40:30")
    builder.elapse(at("09:41:02"))
    rows = [a_row(f"09:{minute}") for minute in range(15, 21)]
    builder.backfill(rows, at("09:41:15"))
    assert (builder.settled, builder.short_answers) == (at("09:21"), 0)
    assert builder.wanted(at("09:42:14")) == ()
    assert len(builder.wanted(at("09:42:15"))) == 20


@pytest.mark.incident("INC-25")
def test_late_restart_keeps_the_days_bars() -> None:
    builder = ten()
    builder.add(trades(("10:01:10", 10_000, 65), ("10:02:10", 10_100, 130)))
    builder.elapse(at("10:03:02"))
    before = builder.whole()
    assert builder.backfill([a_row("09:15")], at("15:45")) == ()
    assert builder.short_answers == 1
    assert builder.backfill([], at("15:45")) == ()
    assert builder.short_answers == 2
    assert builder.whole().bars[-2:] == before.bars[-2:]


@pytest.mark.incident("INC-20")
def test_overlapping_backfill_leaves_one_bar_per_minute() -> None:
    builder = ten()
    builder.add(trades(("10:01:10", 10_000, 65), ("10:02:10", 10_100, 130)))
    builder.elapse(at("10:03:02"))
    rows = [a_row("10:01", (1000,) * 4, 65), a_row("10:02", (10_100,) * 4, 65)]
    assert builder.backfill([*rows, *rows], at("10:03:15")) == ()
    assert [(b.minute, b.close, b.provenance) for b in builder.whole().bars[-2:]] == [
        (at("10:01"), 10_000, Provenance.WS),
        (at("10:02"), 10_100, Provenance.WS),
    ]
    assert builder.mismatches == 1
    builder.backfill(rows, at("10:04:15"))
    assert builder.mismatches == 1


def test_minute_that_looked_quiet_is_taken_from_history() -> None:
    builder = ten()
    builder.add(trades(("10:01:10", 10_000, 65), ("10:03:10", 10_100, 130)))
    builder.elapse(at("10:04:02"))
    (revised,) = builder.backfill([a_row("10:02"), a_row("10:04")], at("10:04:15"))
    assert isinstance(revised, Revised)
    assert [(b.minute, b.provenance) for b in revised.bars] == [
        (at("10:02"), Provenance.BACKFILLED),
        (at("10:03"), Provenance.WS),
    ]
    assert revised.settled == at("10:04")


def test_minute_history_vouched_for_is_not_tainted_again() -> None:
    builder = ten()
    builder.feed_gap(at("10:01:10"), at("10:01:20"))
    builder.elapse(at("10:02:02"))
    builder.backfill([a_row("10:01")], at("10:02:15"))
    assert builder.feed_gap(at("10:01:10"), at("10:01:30")) == ()
    assert builder.settled == at("10:02")


def test_bad_row_is_counted_and_its_minute_stays_open() -> None:
    builder = a_builder("09:17:30")
    bad = a_row("09:15", (10_001,) * 4)
    builder.backfill([bad, a_row("09:16")], at("09:17:30"))
    assert builder.bad_rows == 1
    assert builder.settled == OPEN


def test_failed_history_is_asked_for_again() -> None:
    builder = a_builder("09:17:30")
    assert builder.wanted(at("09:17:30")) == (at("09:15"), at("09:16"))
    builder.postpone(at("09:17:30"))
    builder.elapse(at("09:18:02"))
    assert builder.wanted(at("09:18:29")) == (at("09:17"),)
    assert builder.wanted(at("09:18:30")) == (at("09:15"), at("09:16"), at("09:17"))
