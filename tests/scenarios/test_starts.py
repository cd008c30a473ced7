"""Beginning at any minute ends with the bars and VWAP of an agent that was there before the open.

The whole cast under the pump. What an agent kept is compared with the exchange's own bars, with a
VWAP worked out from them, and with what an undisturbed agent kept.
"""

import sqlite3
from contextlib import closing
from fractions import Fraction
from pathlib import Path

import pytest

from domain.books import Action
from domain.session import instant
from domain.units import Day, Symbol
from sandbox.kinds import BarLine
from tests.days import Stage, a_stage
from tests.stories import times, told
from tests.tapes import CALL, INDEX, OTHERS, PUT, Leg, a_tape

TAPE = a_tape(Leg(breaks="15:12"), Leg(symbol=PUT, ready="11:41", breaks=None))
"""An entry rests from 09:50 on and would fill at 15:12; another low is made around 11:38."""

SYMBOLS = {CALL, PUT, *OTHERS}

Values = tuple[int, int, int, int, int, int, Fraction]
"""Minute, open, high, low, close, volume, session VWAP."""


def kept(stage: Stage, until: str) -> dict[Symbol, list[Values]]:
    """The bars of options an agent kept; all of them must be clean and have a VWAP.

    An index has no trades: its bars begin with the first price that moves, a broker's with any.
    """
    sql = "SELECT * FROM bar WHERE minute < ? AND symbol <> ? ORDER BY symbol, minute"
    found: dict[Symbol, list[Values]] = {}
    with closing(sqlite3.connect(stage.folder / "day.db")) as db:
        bars = db.execute(sql, (stage.at(until), INDEX))
        for _, symbol, *numbers, num, den, _, provenance in bars:
            assert provenance in {"ws", "backfilled"}, (symbol, numbers)
            found.setdefault(Symbol(symbol), []).append((*numbers, Fraction(num, den)))
    return found


def true(stage: Stage, symbols: set[Symbol], until: str) -> dict[Symbol, list[Values]]:
    """The exchange's own bars of these symbols up to an instant, each with its VWAP."""
    return {symbol: list(_true(stage, symbol, until)) for symbol in sorted(symbols)}


def _true(stage: Stage, symbol: Symbol, until: str) -> list[Values]:
    exchange = stage.session.exchange
    lines = exchange.history(exchange.now, symbol, stage.day, stage.day)
    done = [line for line in lines if line.minute < stage.at(until)]
    return [
        (bar.minute, bar.open, bar.high, bar.low, bar.close, bar.volume, _vwap(done[: n + 1]))
        for n, bar in enumerate(done)
    ]


def _vwap(day: list[BarLine]) -> Fraction:
    prices = [Fraction(bar.high + bar.low + bar.close, 3) for bar in day]
    volume = sum(bar.volume for bar in day)
    if not volume:
        return prices[-1]
    weights = [Fraction(bar.volume, volume) for bar in day]
    return sum((p * w for p, w in zip(prices, weights, strict=True)), Fraction(0))


def log_of(stage: Stage) -> str:
    return (stage.folder / "agent.log").read_text("ascii")


def trim(bars: dict[Symbol, list[Values]], day: Day, until: str) -> dict[Symbol, list[Values]]:
    end = instant(day, until)
    return {symbol: [bar for bar in series if bar[0] < end] for symbol, series in bars.items()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[Symbol, list[Values]]:
    """The bars of an agent that began at 09:05 and was not disturbed until 11:44."""
    with a_stage(tmp_path_factory.mktemp("whole"), tape=TAPE, begin="09:05") as stage:
        stage.begin().run_to("11:44")
        bars = kept(stage, "11:43")
        assert bars == true(stage, SYMBOLS, "11:43")
    return bars


@pytest.mark.parametrize(
    ("begin", "until", "complete"),
    [("09:05", "09:22", "09:17"), ("09:16", "09:22", "09:17"), ("11:37:30", "11:44", "11:38")],
)
def test_bars_of_a_late_start_are_those_of_an_undisturbed_day(
    tmp_path: Path, whole: dict[Symbol, list[Values]], begin: str, until: str, complete: str
) -> None:
    with a_stage(tmp_path, tape=TAPE, begin=begin) as stage:
        stage.begin().run_to(until)
        minute_ago = f"{until[:3]}{int(until[3:]) - 1:02}"
        bars = kept(stage, minute_ago)
        assert bars == trim(whole, stage.day, minute_ago)
        assert set(bars) == SYMBOLS
        (line,) = told((tmp_path / "agent.log").read_text("ascii"), r"history complete symbols=8")
    assert f" {complete}:" in line


def test_start_at_ten_past_three_takes_no_entry_and_ends_flat(tmp_path: Path) -> None:
    with a_stage(tmp_path, tape=TAPE, begin="15:10") as stage:
        played = stage.begin().finish()
    assert (played.ended.code, played.report.flat) == (10, True)
    assert (played.report.entries, played.report.orders_sent) == (0, 0)
    assert played.report.invariants_broken == []


def test_day_gone_on_with_at_ten_past_three_has_the_bars_of_an_undisturbed_one(
    tmp_path: Path,
) -> None:
    with a_stage(tmp_path, tape=TAPE, begin="14:57") as stage:
        stage.begin().run_to("15:04")
        stage.kill()
        stage.again("15:10")
        stage.begin().run_to("15:14")
        assert kept(stage, "15:13") == true(stage, SYMBOLS, "15:13")
        entries = len(stage.orders(Action.SELL))
        played = stage.finish()
    assert (entries, played.report.entries) == (2, 0), "they rested, and were cancelled"
    assert (played.ended.code, played.report.flat) == (10, True)
    assert played.report.invariants_broken == []


def test_eighty_two_symbols_are_complete_a_minute_after_a_late_start(tmp_path: Path) -> None:
    with a_stage(tmp_path, begin="11:37:30", seed=7) as stage:
        stage.begin().run_to("11:41")
        bars = kept(stage, "11:39")
        assert len(bars) == 82
        assert bars == true(stage, set(bars), "11:39")
        story = told(
            log_of(stage), r"history \d+/82 symbols loaded", r"history complete symbols=82"
        )
    first, last = times(story)
    assert "11:37:30" < first < "11:37:50"
    assert last < "11:39:40"
