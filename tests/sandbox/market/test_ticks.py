"""Recorded ticks played: each row at its instant, prints told from quotes, bars by the peak."""

from array import array
from datetime import time
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import ConfigError
from domain.units import MINUTE, SECOND, Day, Micros, Symbol
from sandbox.exchange import Exchange, Setup
from sandbox.facts import facts
from sandbox.kinds import PriceOut
from sandbox.market.build import recorded
from sandbox.market.market import Market
from sandbox.market.tape import read
from sandbox.market.ticks import NONE, Ticks, TickTape
from sandbox.params import SandboxParams, TapeParams
from sandbox.truth import Started, Truth
from tests.sandbox.pit import at, rules
from tests.shared import shared_path

DAY = Day("2021-06-11")
NIFTY = Symbol("NIFTY")
CALL = Symbol("NIFTY17JUN2115600CE")
OPEN = at("09:15", DAY)
TICKS = "data/banknifty_ticks_2025-12-15.parquet"
BARS = "data/banknifty_1m_2025-12-15.parquet"
SAMPLES = "data/nifty_quotes_2025-08-29.parquet"


def some(*rows: tuple[float, int, int], bid: int = NONE, ask: int = NONE, oi: int = NONE) -> Ticks:
    """Rows of seconds after the open, price and cumulative volume."""
    stamps = [round(OPEN + second * SECOND) for second, _, _ in rows]
    columns = [stamps, [p for _, p, _ in rows], [v for _, _, v in rows]]
    columns += [[value] * len(rows) for value in (bid, ask, oi)]
    return Ticks(*(array("q", column) for column in columns))


def a_tape(ticks: Ticks) -> TickTape:
    return TickTape(DAY, {CALL: ticks, NIFTY: some((0, 1_570_000, NONE))}, made_up=True)


def a_market(tape: TickTape) -> Market:
    return recorded(SandboxParams(seed=1), rules(), facts(rules(), "sandbox", DAY), tape)


def outs_of(ticks: Ticks, minutes: int = 3) -> list[PriceOut]:
    line = a_market(a_tape(ticks)).lines[CALL]
    return [out for minute in range(minutes) for out in line.reach(minute)]


def test_rows_come_at_their_instants_and_nothing_between() -> None:
    outs = outs_of(some((1, 6000, 75), (50.5, 6010, 150), (130, 6020, 225)))
    assert [((o.at - OPEN) / SECOND, o.ltp, o.volume, o.last_quantity) for o in outs] == [
        (1, 6000, 75, 75), (50.5, 6010, 150, 75), (130, 6020, 225, 75),
    ]  # fmt: skip


def test_row_is_a_print_if_the_price_moved_or_the_volume_grew() -> None:
    rows = some((1, 6000, 75), (2, 6000, 75), (3, 6000, 150), (4, 6005, 150), (5, 6005, NONE))
    assert [out.is_print for out in outs_of(rows)] == [True, False, True, True, False]


def test_volume_that_falls_is_sent_and_counted_once() -> None:
    """As recorded by a broker whose counter stepped back: bars go by the highest so far."""
    rows = some((1, 6000, 300), (2, 6000, 225), (3, 6000, 375), (61, 6000, 300), (62, 6005, 450))
    outs = outs_of(rows)
    assert [out.volume for out in outs] == [300, 225, 375, 300, 450]
    assert [out.last_quantity for out in outs] == [300, 300, 75, 75, 75]
    line = a_market(a_tape(rows)).lines[CALL]
    assert [bar.volume for bar in line.bars(Micros(OPEN + 3 * MINUTE))] == [375, 75]


def test_quote_of_the_tape_is_shown_and_what_lacks_is_made_up() -> None:
    (out,) = outs_of(some((1, 6000, 75), bid=5990, ask=0))
    assert (out.bid, out.ask, out.oi) == (5990, 0, 0)
    (out,) = outs_of(some((1, 6000, 75), ask=6015, oi=900))
    assert (out.bid, out.ask, out.oi) == (5985, 6015, 900)
    index = a_market(a_tape(some((1, 6000, 75)))).lines[NIFTY].reach(0)[0]
    assert (index.bid, index.ask, index.volume) == (0, 0, 0)


def test_rows_outside_the_session_are_not_played() -> None:
    before, after = -1, (at("15:30", DAY) - OPEN) / SECOND
    outs = outs_of(some((before, 5900, 0), (1, 6000, 75), (after, 6100, 150)), minutes=375)
    assert [out.ltp for out in outs] == [6000]
    with pytest.raises(ConfigError, match="holds no tick from 09:15:00 to 15:30:00 on 2021-06-11"):
        a_market(TickTape(DAY, {NIFTY: some((before, 5900, 0))}, made_up=False))


def test_options_without_their_underlying_cannot_be_played() -> None:
    with pytest.raises(ConfigError, match="its underlying NIFTY is not; add the prices of NIFTY"):
        a_market(TickTape(DAY, {CALL: some((1, 6000, 75))}, made_up=True))


@pytest.mark.parametrize("made_up", [True, False])
def test_ground_truth_says_whether_quotes_are_made_up(*, made_up: bool) -> None:
    truth = Truth()
    tape = TickTape(DAY, {NIFTY: some((1, 1_570_000, NONE))}, made_up=made_up)
    assert Exchange(Setup(SandboxParams(), tape), rules(), truth).day == DAY
    started = truth.rows[0].payload
    assert isinstance(started, Started)
    assert (started.source, started.made_up) == ("tape", made_up)


rows = st.lists(
    st.tuples(st.integers(0, 200), st.integers(1200, 1210), st.integers(0, 40)),
    min_size=1,
    max_size=40,
)


@given(drawn=rows)
def test_bars_are_those_of_the_rows_in_every_field(drawn: list[tuple[int, int, int]]) -> None:
    """Judged by a fold of its own: only what moves price or volume trades, the peak is volume."""
    found: list[tuple[float, int, int]] = []
    second, peak, last = 0.0, 0, 0
    bars: dict[int, list[int]] = {}
    for gap, ticks, lots in drawn:
        second += gap / 10 + 0.001
        price, volume = ticks * 5, lots * 75
        found.append((second, price, volume))
        if volume > peak or price != last:
            bar = bars.setdefault(int(second // 60), [price, price, price, price, 0])
            bar[1], bar[2], bar[3] = max(bar[1], price), min(bar[2], price), price
            bar[4] += max(0, volume - peak)
        peak, last = max(peak, volume), price
    line = a_market(a_tape(some(*found))).lines[CALL]
    made = line.bars(Micros(OPEN + 20 * MINUTE))
    assert {
        (b.minute - OPEN) // MINUTE: [b.open, b.high, b.low, b.close, b.volume] for b in made
    } == bars


@pytest.mark.needs_shared(SAMPLES)
def test_recorded_samples_are_steps(tmp_path: Path) -> None:
    """29 Aug 2025: about one sample a minute, quotes on the tape, 237 options."""
    tape = read(shared_path(SAMPLES), TapeParams(kind="samples"))
    truth = Truth()
    exchange = Exchange(Setup(SandboxParams(), tape), rules(), truth)
    assert exchange.day == "2025-08-29"
    options = [line.symbol for line in exchange.instruments() if line.kind in {"CE", "PE"}]
    assert len(options) == 237
    exchange.watch([NIFTY])
    outs = exchange.advance(at("15:30", exchange.day))
    assert len(outs) == 291


@pytest.mark.needs_shared(TICKS, BARS)
def test_recorded_ticks_are_played_as_they_came(tmp_path: Path) -> None:
    """15 Dec 2025: falls of the volume, equal stamps, and no index, which its bars lend."""
    ticks = pl.read_parquet(shared_path(TICKS))
    index = pl.read_parquet(shared_path(BARS)).filter(pl.col("symbol") == "BANKNIFTY")
    whole = pl.concat(
        [ticks, index.select("ts", "symbol", pl.col("close").alias("ltp"))], how="diagonal"
    ).sort("ts", maintain_order=True)
    file = tmp_path / "tape.parquet"
    whole.write_parquet(file)
    tape = read(file, TapeParams(columns=("cum_volume=vtt",)))
    assert isinstance(tape, TickTape)
    assert tape.day == "2025-12-15"
    assert sum(len(line.at) for line in tape.lines.values()) == whole.height
    exchange = Exchange(Setup(SandboxParams(), tape), rules(), Truth())
    exchange.watch(tape.lines)
    outs = [o for o in exchange.advance(at("15:30", exchange.day)) if isinstance(o, PriceOut)]
    played = whole.filter(pl.col("ts").dt.time() < time(15, 30))
    assert len(outs) == played.height < whole.height
    seen = [(o.symbol, o.ltp / 100) for o in outs]
    assert seen == played.select("symbol", "ltp").rows()
