"""Sessions of the orders drill: they repeat, they are hard, and what breaks is told."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cli import order_drill
from cli.order_drill import settings
from domain import clock
from domain.protection import Protection
from domain.units import SECOND, Micros
from research import order_tape as tapes
from research.dealer import Habits
from research.mischief import Plan
from research.order_drill import REFOLD_EVERY, Session, Sheet, draw, play
from sandbox.truth import Met

FEW = range(1, 13)
EAGER = Habits(enter=0.6, leave=0.02, move_stop=0.1)


@pytest.fixture(autouse=True)
def _wall_clock() -> Iterator[None]:
    yield
    clock.use(clock.WallClock())


def calm(seed: int = 1) -> Sheet:
    return replace(draw(seed, faulty=False), habits=EAGER)


@pytest.mark.parametrize("seed", FEW)
def test_session_without_faults_trades_and_breaks_nothing(tmp_path: Path, seed: int) -> None:
    outcome = play(calm(seed), settings(), tmp_path)
    assert (outcome.broken, outcome.lives) == ((), 1)
    assert outcome.entries == outcome.exits > 0


def test_session_repeats_byte_for_byte_whatever_the_hash_seed() -> None:
    asked = "import sys; from cli.order_drill import play; print(*(play(s).trace for s in (7, 31)))"
    said = [
        subprocess.run(
            [sys.executable, "-c", asked],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        for seed in ("0", "1")
    ]
    assert said[0] == said[1]
    assert len({*said[0]}) == 2


def test_kills_begin_new_lives_on_the_same_journal(tmp_path: Path) -> None:
    sheet = calm()
    twice = replace(sheet, mischief=Plan(until=sheet.plan.force_close, kills=(9, 14)))
    outcome = play(twice, settings(), tmp_path)
    assert (outcome.lives, outcome.met["kill"], outcome.broken) == (3, 2, ())


def test_full_disk_stops_entries_and_no_exit(tmp_path: Path) -> None:
    sheet = calm()
    since = Micros(tapes.begin() + 20 * SECOND)
    full = Plan(until=sheet.plan.force_close, full=((since, Micros(since + 15 * SECOND)),))
    outcome = play(replace(sheet, mischief=full), settings(), tmp_path)
    assert outcome.met["disk_full"]
    assert outcome.broken == ()


def test_faults_of_a_swarm_are_met_and_told_in_truth(tmp_path: Path) -> None:
    sheet = next(sheet for seed in range(1, 50) if "holes" in (sheet := draw(seed)).kinds)
    session = Session(sheet, settings(), tmp_path)
    session.world.boot()
    session.world.run_to(session.end)
    assert any(isinstance(row.payload, Met) for row in session.truth.rows)
    assert session.outcome().met.keys() - {"kill", "late_message"}


def test_what_breaks_is_told_with_the_rows_that_led_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Protection, "step", lambda *_: "")
    outcome = play(calm(), settings(), tmp_path)
    assert outcome.broken[0].startswith("I3 ")
    assert outcome.at >= "09:20:00"
    assert 0 < len(outcome.before) <= 40
    assert '"kind":"traded"' in "".join(outcome.before)


def test_whole_day_is_folded_again_by_two_lives_that_send_nothing(tmp_path: Path) -> None:
    outcome = play(replace(calm(), seed=REFOLD_EVERY), settings(), tmp_path)
    assert (outcome.lives, outcome.broken) == (3, ())


def test_session_is_played_again_by_its_seed() -> None:
    assert order_drill.play(5) == order_drill.play(5)
