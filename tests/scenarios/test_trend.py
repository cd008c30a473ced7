"""A trend that leaves the strikes of the morning: others join, nothing leaves, the day ends flat.

The market of `sandbox.market.regime: trend`, ten times as steep: 900 points within two hours. Few
strikes are watched in the morning, 250 points on each side, so that it leaves them soon.
"""

import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from domain.contracts import Side
from domain.market import Provenance
from domain.session import show
from domain.symbols import build
from domain.units import MINUTE, Day, Micros, Paise, Symbol
from tests.days import Stage, a_stage
from tests.stories import told
from tests.tapes import INDEX

EXPIRY = Day("2026-11-23")
SEED = 3
BEGIN, FIRST, UNTIL = "09:10", "09:18", "11:00"
WIDTH, EDGE, AROUND, STEP = 250, 150, 100, 50
MORNING = 1 + 2 * (2 * WIDTH // STEP + 1)
"""The index and what is chosen at 09:16."""
TREND: Mapping[str, Any] = {
    "sandbox.market.regime": "trend",
    "sandbox.market.trend_x": 10,
    "universe.width_points": WIDTH,
    "universe.edge_points": EDGE,
}


@dataclass(frozen=True)
class Kept:
    """What the day journal holds of one minute of one symbol."""

    low: Paise
    high: Paise
    ticks: int
    provenance: Provenance


Bars = dict[tuple[Symbol, Micros], Kept]


def bars_of(folder: Path) -> Bars:
    with closing(sqlite3.connect(folder / "day.db")) as db:
        rows = db.execute("SELECT symbol, minute, low, high, ticks, provenance FROM bar").fetchall()
    return {
        (Symbol(symbol), Micros(minute)): Kept(Paise(low), Paise(high), ticks, Provenance(how))
        for symbol, minute, low, high, ticks, how in rows
    }


def around(spot: Kept) -> Iterator[Symbol]:
    """The calls and puts within 100 points of all prices of a minute of the index."""
    step, reach = STEP * 100, AROUND * 100
    first = -((reach - spot.low) // step)
    for number in range(first, (spot.high + reach) // step + 1):
        for side in Side:
            yield build("NIFTY", EXPIRY, Paise(number * step), side)


def subscribed(stage: Stage) -> frozenset[Symbol]:
    (stream,) = stage.session.world._streams
    return frozenset(stream.symbols)


def watched(stage: Stage, first: str, until: str) -> dict[Micros, frozenset[Symbol]]:
    """Play minute by minute; return what was subscribed as each minute began."""
    found = {}
    for minute in range(stage.at(first), stage.at(until), MINUTE):
        stage.run_to(show(Micros(minute)))
        found[Micros(minute)] = subscribed(stage)
    return found


@pytest.mark.incident("INC-15")
def test_trend_of_600_points_keeps_the_money_covered(tmp_path: Path) -> None:
    with a_stage(tmp_path, seed=SEED, begin=BEGIN, force_close=UNTIL, settings=TREND) as stage:
        held = watched(stage.begin(), FIRST, UNTIL)
        played = stage.finish()
        assert dict(stage.session.pump.dead_letters) == {}
    for before, after in pairwise(held.values()):
        assert before <= after, "a symbol left"
    bars = bars_of(tmp_path)
    spot = {minute: bars[INDEX, minute] for minute in held}
    assert max(s.high for s in spot.values()) - min(s.low for s in spot.values()) >= 60_000
    for minute, symbols in held.items():
        for symbol in around(spot[minute]):
            assert symbol in symbols
            bar = bars[symbol, minute]
            assert (bar.provenance, bar.ticks > 0) == (Provenance.WS, True)
    assert (played.ended.code, played.report.flat) == (10, True)
    assert played.report.invariants_broken == []
    assert played.report.entries > 0
    assert len(max(held.values(), key=len)) == MORNING + 4 * played.log.count("joined contracts=4")


def test_killed_agent_resumes_with_the_strikes_that_joined(tmp_path: Path) -> None:
    """Here several symbols share an actor: those that join come in groups of their own."""
    settings = {**TREND, "actors.bar_symbols_per_actor": 6}
    with a_stage(tmp_path, seed=SEED, begin=BEGIN, force_close="10:15", settings=settings) as stage:
        stage.begin().run_to("09:40")
        before = subscribed(stage)
        assert len(before) > MORNING
        stage.kill()
        stage.again("09:40:05")
        stage.begin().run_to("09:41")
        assert subscribed(stage) == before
        held = watched(stage, "09:41", "10:15")
        played = stage.finish()
        assert dict(stage.session.pump.dead_letters) == {}
    again = rf"Connected: WebSocket symbols={len(before)} "
    told(played.log, r"joined contracts=4", r"RECOVERY", again, r"joined contracts=4")
    joined = re.findall(r"strikes (\S+) to", played.log)
    assert len(joined) == len(set(joined)), "nothing joins twice"
    assert all(before <= symbols for symbols in held.values())
    bars = bars_of(tmp_path)
    for minute in range(stage.at(FIRST), stage.at("10:15"), MINUTE):
        for symbol in around(bars[INDEX, Micros(minute)]):
            assert bars[symbol, Micros(minute)].provenance.is_clean
    assert (played.ended.code, played.report.flat) == (10, True)
    assert played.report.invariants_broken == []


def test_end_of_the_symbol_master_is_said_once_and_the_day_goes_on(tmp_path: Path) -> None:
    settings = {**TREND, "sandbox.market.strikes": 7}
    with a_stage(tmp_path, seed=SEED, begin=BEGIN, force_close="10:15", settings=settings) as stage:
        played = stage.play()
    told(played.log, r"\[DAY\] strikes .* joined contracts=4", r"universe: no strikes below")
    assert played.log.count("universe: no strikes") == 1
    assert (played.ended.code, played.report.flat) == (10, True)
