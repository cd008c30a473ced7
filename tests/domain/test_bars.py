"""Ticks become bars: exact where the feed was whole, flagged where it was not."""

from fractions import Fraction

import pytest

from domain.bars import BarBuilder, Change, Finished, Revised, Terms
from domain.market import Bar, Forming, Provenance, Source, Tick
from domain.units import SECOND, Micros, Paise
from tests.domain.building import a_builder, bars_in, ten, trades
from tests.domain.tape import CALL, NIFTY, a_bar, a_plan, a_tick, an_index_tick, at, truth_of


@pytest.mark.incident("INC-17")
def test_bars_and_vwap_of_the_worked_example() -> None:
    builder = a_builder()
    first = [("09:15:01", 10_000, 400), ("09:15:10", 10_200, 500), ("09:15:20", 9_800, 900)]
    second = [("09:16:01", 10_000, 1100), ("09:16:02", 10_400, 1300), ("09:16:03", 10_200, 1500)]
    changes = builder.add(trades(*first, ("09:15:59", 10_000, 1000), *second))
    changes += builder.elapse(at("09:17:02"))
    assert changes == (
        Finished(
            a_bar(
                "09:15",
                (10_000, 10_200, 9_800, 10_000),
                1000,
                vwap=(30_000 * 1000, 3000),
                ticks=4,
            ),
            at("09:16"),
        ),
        Finished(
            a_bar(
                "09:16",
                (10_000, 10_400, 10_000, 10_200),
                500,
                vwap=(30_000 * 1000 + 30_600 * 500, 4500),
                ticks=3,
            ),
            at("09:17"),
        ),
    )
    vwap = truth_of(bars_in(changes)[-1]).vwap / 100
    assert vwap == Fraction(100 * 1000 + 102 * 500, 1500)


@pytest.mark.incident("INC-21")
def test_quiet_minute_is_closed_by_the_clock() -> None:
    builder = ten()
    builder.add(trades(("10:04:59.9", 10_000, 65)))
    assert builder.elapse(at("10:05:01.4")) == ()
    (closed,) = builder.elapse(at("10:05:01.5"))
    assert isinstance(closed, Finished)
    assert (closed.bar.minute, closed.bar.ticks) == (at("10:04"), 1)
    assert builder.elapse(at("10:05:02")) == ()
    assert builder.elapse(at("10:09:02")) == ()
    assert builder.settled == at("10:09")


def test_bar_is_closed_by_a_tick_of_a_later_minute() -> None:
    builder = ten()
    changes = builder.add(trades(("10:01:10", 10_000, 65), ("10:03:00", 10_005, 130)))
    assert [bar.minute for bar in bars_in(changes)] == [at("10:01")]
    assert builder.settled == at("10:03")


@pytest.mark.incident("INC-22")
def test_bars_of_a_long_stall_come_out_in_order() -> None:
    builder = ten()
    walls = ["10:01:10", "10:02:10", "10:03:10", "10:05:10"]
    burst = trades(*((wall, 10_000, 65 * (i + 1)) for i, wall in enumerate(walls)))
    changes = builder.add(burst) + builder.elapse(at("10:06:02"))
    minutes = [bar.minute for bar in bars_in(changes)]
    assert minutes == [at(wall) for wall in ("10:01", "10:02", "10:03", "10:05")]


def test_echoes_of_a_source_that_lags_behind_the_others_are_echoes() -> None:
    builder = ten()
    builder.add(trades(("10:01:10", 10_000, 1000)))
    backup = [
        a_tick(f"10:0{m}:10", 10_000, cum, source=Source.BACKUP, epoch=2, seq=seq)
        for seq, (m, cum) in enumerate([(2, 900), (2, 950), (3, 1000)])
    ]
    backup.append(a_tick("10:03:40", 10_100, 1065, source=Source.BACKUP, epoch=2, volume=65))
    builder.add(backup)
    changes = builder.elapse(at("10:04:02"))
    assert [(b.minute, b.open, b.low, b.ticks) for b in bars_in(changes)] == [
        (at("10:03"), 10_100, 10_100, 1)
    ]


def test_thin_bar_is_a_bar() -> None:
    builder = ten()
    builder.add(trades(("10:01:10", 10_000, 65)))
    (bar,) = bars_in(builder.elapse(at("10:02:02")))
    assert bar == a_bar("10:01", (10_000,) * 4, 65, vwap=bar_vwap(bar), ticks=1)


def bar_vwap(bar: Bar) -> tuple[int, int]:
    return (bar.vwap_num, bar.vwap_den)


def test_echoes_neither_open_nor_change_a_bar() -> None:
    builder = ten()
    builder.add(trades(("10:01:10", 10_000, 65)))
    echoes = [a_tick("10:01:20", 10_000, 65), a_tick("10:02:01", 10_000, 65)]
    moved = a_tick("10:02:30", 10_005, 65)
    changes = builder.add([*echoes, moved]) + builder.elapse(at("10:03:02"))
    assert [(b.minute, b.open, b.low, b.ticks) for b in bars_in(changes)] == [
        (at("10:01"), 10_000, 10_000, 1),
        (at("10:02"), 10_005, 10_005, 1),
    ]


def test_price_that_comes_back_without_volume_is_no_echo() -> None:
    builder = ten()
    told = trades(("10:01:10", 10_000, 65), ("10:01:20", 10_005, 65), ("10:01:30", 10_000, 65))
    builder.add(told)
    (bar,) = bars_in(builder.elapse(at("10:02:02")))
    assert (bar.close, bar.high, bar.ticks) == (10_000, 10_005, 3)


def test_minute_of_echoes_is_quiet() -> None:
    builder = ten()
    builder.add(trades(("10:01:10", 10_000, 65)))
    changes = builder.add([a_tick("10:02:20", 10_000, 65)]) + builder.elapse(at("10:03:02"))
    assert [bar.minute for bar in bars_in(changes)] == [at("10:01")]
    assert builder.settled == at("10:03")


def test_ticks_outside_the_session_make_no_bar() -> None:
    builder = a_builder()
    early = trades(("09:14:59.9", 10_000, 65))
    late = trades(("15:40:00", 10_000, 130))
    assert builder.add(early) == ()
    assert builder.elapse(at("15:41")) == ()
    assert builder.add(late) == ()
    assert builder.elapse(at("23:00")) == ()
    assert builder.settled == at("15:40")
    assert builder.forming is None


def test_trusted_exchange_time_chooses_the_minute() -> None:
    builder = ten()
    builder.add([a_tick("10:02:00.3", 10_000, 65, exch="10:01:59.8", volume=65)])
    (bar,) = bars_in(builder.elapse(at("10:02:02")))
    assert bar.minute == at("10:01")


def test_conflated_tick_keeps_its_extremes() -> None:
    builder = ten()
    first = a_tick("10:01:01", 10_000, 65, volume=65)
    rest = a_tick("10:01:40", 10_050, 650, seq=9, low=9_900, high=10_200, volume=585)
    builder.add([first, rest])
    (bar,) = bars_in(builder.elapse(at("10:02:02")))
    assert (bar.open, bar.high, bar.low, bar.close, bar.volume) == (
        10_000,
        10_200,
        9_900,
        10_050,
        650,
    )


def test_forming_shows_the_extremes_so_far_and_the_age_of_the_last_price() -> None:
    builder = ten()
    assert builder.forming is None
    builder.add(
        trades(("10:01:10", 10_000, 65), ("10:01:12", 9_900, 130), ("10:01:13", 9_950, 195))
    )
    builder.add([a_tick("10:01:20", 9_950, 195, seq=4)])
    assert builder.forming == Forming(
        symbol=CALL,
        minute=at("10:01"),
        high=Paise(10_000),
        low=Paise(9_900),
        last=Paise(9_950),
        at=at("10:01:20"),
    )


def test_forming_of_a_minute_of_echoes_is_the_price_we_know() -> None:
    builder = ten()
    builder.add(trades(("10:01:10", 10_000, 65)))
    builder.add([a_tick("10:02:20", 10_000, 65, seq=9)])
    forming = builder.forming
    assert forming is not None
    assert (forming.high, forming.low, forming.last) == (10_000, 10_000, 10_000)


def test_tick_that_overtook_another_changes_neither_open_nor_close() -> None:
    told = [("10:01:01", 10_000, 65), ("10:01:02", 10_100, 130), ("10:01:03", 9_900, 195)]
    ordered, shuffled = ten(), ten()
    ordered.add(trades(*told))
    shuffled.add(trades(told[2], told[0], told[1]))
    assert ordered.elapse(at("10:02:02")) == shuffled.elapse(at("10:02:02"))


@pytest.mark.incident("INC-13")
def test_late_tick_changes_nothing_and_flags_its_minute_and_the_running_one() -> None:
    builder = ten()
    builder.add(trades(("10:01:10", 10_000, 65)))
    builder.elapse(at("10:02:02"))
    builder.add([a_tick("10:02:05", 10_100, 130, exch="10:02:05", volume=65)])
    (revised,) = builder.add([a_tick("10:02:06", 9_000, 100, exch="10:01:50")])
    assert isinstance(revised, Revised)
    assert [(b.minute, b.low, b.close, b.provenance) for b in revised.bars] == [
        (at("10:01"), 10_000, 10_000, Provenance.GAP)
    ]
    assert (revised.since, revised.settled) == (at("10:01"), at("10:01"))
    (running,) = bars_in(builder.elapse(at("10:03:02")))
    assert (running.low, running.provenance, running.vwap_den) == (10_100, Provenance.GAP, 0)
    assert builder.add([a_tick("10:03:06", 9_000, 101, exch="10:01:51")]) == ()


def test_burst_of_late_ticks_is_said_once() -> None:
    builder = ten()
    builder.add(trades(("10:01:10", 10_000, 65)))
    builder.elapse(at("10:02:02"))
    late = [
        a_tick("10:02:06", 10_000 + i, 65 + i, exch=Micros(at("10:01:50") + i), volume=1)
        for i in range(1, 100)
    ]
    assert len(builder.add(late)) == 1


def test_less_volume_than_when_the_minute_began_is_a_late_tick() -> None:
    builder = ten()
    builder.add(trades(("10:01:10", 10_000, 65), ("10:01:50", 10_050, 195)))
    builder.elapse(at("10:02:02"))
    (revised,) = builder.add([a_tick("10:02:03", 9_000, 130, seq=9)])
    assert isinstance(revised, Revised)
    assert revised.since == at("10:01")
    assert bars_in(builder.elapse(at("10:03:02"))) == []
    assert builder.wanted(at("10:03:12")) == (at("10:01"), at("10:02"))


def test_late_tick_before_any_bar_flags_the_running_minute() -> None:
    builder = a_builder()
    builder.add([a_tick("09:15:01", 10_000, 65, volume=65)])
    builder.add([a_tick("09:15:02", 10_000, 60, seq=9)])
    assert builder.settled == at("09:15")
    builder.elapse(at("09:16:02"))
    assert builder.settled == at("09:16")


def test_late_echo_of_a_quiet_strike_is_nothing() -> None:
    builder = ten()
    builder.add([a_tick("10:01:10", 10_000, 65, exch="10:01:10", volume=65)])
    builder.elapse(at("10:03:02"))
    assert builder.add([a_tick("10:03:30", 10_000, 65, exch="10:01:10")]) == ()
    assert builder.settled == at("10:03")


@pytest.mark.parametrize(
    ("ticks", "provenance"),
    [
        (trades(("10:01:10", 10_000, 65), ("10:01:20", 10_005, 130)), Provenance.WS),
        (trades(("10:01:10", 10_000, 65), source=Source.BACKUP), Provenance.WS),
        (trades(("10:01:10", 10_000, 65), source=Source.REST), Provenance.REST),
        (trades(("10:01:10", 10_000, 65), gap=True), Provenance.GAP),
        (
            [
                a_tick("10:01:10", 10_000, 65, volume=65),
                a_tick("10:01:20", 10_005, 65, source=Source.REST, epoch=2),
            ],
            Provenance.MIXED,
        ),
        (
            [
                a_tick("10:01:10", 10_000, 65, volume=65),
                a_tick("10:01:20", 10_005, 65, epoch=2),
            ],
            Provenance.MIXED,
        ),
        (
            [
                a_tick("10:01:10", 10_000, 65, volume=65),
                a_tick("10:01:20", 10_005, 65, source=Source.REST, epoch=2, gap=True),
            ],
            Provenance.GAP,
        ),
    ],
)
def test_worst_flag_of_a_minute_wins(ticks: list[Tick], provenance: Provenance) -> None:
    builder = ten()
    builder.add(ticks)
    (bar,) = bars_in(builder.elapse(at("10:02:02")))
    assert bar.provenance is provenance
    assert (builder.settled == at("10:02")) is provenance.is_clean
    assert (bar.vwap_den > 0) is provenance.is_clean


def test_index_has_no_volume_and_its_vwap_is_the_typical_price() -> None:
    builder = BarBuilder(NIFTY, a_plan(), Terms(began=at("09:00"), tick=Paise(1)))
    prices = (2_600_000, 2_600_300, 2_600_100)
    builder.add([an_index_tick(f"09:15:0{i}", price, seq=i) for i, price in enumerate(prices)])
    (bar,) = bars_in(builder.elapse(at("09:16:02")))
    assert (bar.volume, bar.ticks, bar.provenance) == (0, 3, Provenance.WS)
    assert (bar.vwap_num, bar.vwap_den) == (2_600_300 + 2_600_000 + 2_600_100, 3)


def test_rebased_counter_flags_its_minute_only() -> None:
    builder = ten()
    builder.add(trades(("10:01:10", 10_000, 65_000)))
    builder.add([a_tick("10:02:10", 10_100, 100, seq=2, gap=True)])
    builder.add([a_tick("10:02:20", 10_200, 165, seq=3, volume=65)])
    builder.add([a_tick("10:03:10", 10_200, 165, seq=4), a_tick("10:03:20", 10_000, 165, seq=5)])
    changes = builder.elapse(at("10:04:02"))
    assert [(b.open, b.close, b.provenance) for b in builder.whole().bars[-2:]] == [
        (10_100, 10_200, Provenance.GAP),
        (10_000, 10_000, Provenance.WS),
    ]
    assert len(bars_in(changes)) == 1


@pytest.mark.parametrize("is_running", [False, True])
def test_rebase_told_late_lets_the_next_trades_count(is_running: bool) -> None:
    """The stamp of a strike's last trade lies in a minute that is over."""
    builder = a_builder()
    builder.add(trades(("10:01:10", 10_000, 65), ("10:01:20", 10_005, 30_000)))
    builder.elapse(at("10:03:02"))
    if is_running:
        builder.add([a_tick("10:03:05", 10_005, 30_065, seq=3, volume=65)])
    builder.add([a_tick("10:03:10", 10_005, 65, seq=4, exch="10:01:40", gap=True)])
    first = a_tick("10:04:01", 10_005, 130, seq=5, volume=65)
    builder.add([first, a_tick("10:04:02", 10_050, 195, seq=6, volume=65)])
    (bar,) = bars_in(builder.elapse(at("10:05:02")))
    assert (bar.open, bar.close, bar.volume, bar.ticks) == (10_005, 10_050, 130, 2)


def test_tick_told_twice_counts_once() -> None:
    once, twice = ten(), ten()
    told = trades(("10:01:10", 10_000, 65), ("10:01:20", 10_100, 130))
    once.add(told)
    twice.add([*told, a_tick("10:01:30", 10_000, 65, seq=9)])
    assert once.elapse(at("10:02:02")) == twice.elapse(at("10:02:02"))


def test_price_repeated_after_the_volume_went_on_is_not_counted_again() -> None:
    told = trades(("10:01:10", 10_000, 65), ("10:01:12", 10_100, 65), ("10:01:20", 10_050, 130))
    builder = ten()
    builder.add([*told, a_tick("10:01:30", 10_000, 65, seq=9)])
    (bar,) = bars_in(builder.elapse(at("10:02:02")))
    assert (bar.close, bar.ticks) == (10_050, 3)


def test_no_pulse_is_needed_and_a_thousand_do_no_harm() -> None:
    told = trades(("10:01:10", 10_000, 65), ("10:02:20", 10_100, 130), ("10:04:20", 1, 195))
    plain, pulsed = ten(), ten()
    without = plain.add(told)
    changes: tuple[Change, ...] = ()
    now = at("10:01")
    for tick in told:
        while now < tick.recv_at:
            changes += pulsed.elapse(now)
            now = Micros(now + SECOND)
        changes += pulsed.add([tick])
    assert changes == without
