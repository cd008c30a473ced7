"""Sessions of the drill: they find what they are made to find."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from cli.drill import QUIET, Task, play
from domain import clock
from domain.bars import BarBuilder
from domain.canaries import Canaries
from domain.units import Day
from research.ordeals import ORDEALS, WAVES, Ordeal, square_wave
from research.scorecard import Outcome
from sandbox import faults

MUTE = next(ordeal for ordeal in ORDEALS if ordeal.name == "mute socket")
SHORT = {"universe.width_points": 200, "sandbox.market.regime": "calm"}


@pytest.fixture(autouse=True)
def _wall_clock() -> Iterator[None]:
    yield
    clock.use(clock.WallClock())


def played(ordeal: Ordeal, **given: Any) -> Outcome:
    few = replace(ordeal, settings={**ordeal.settings, **SHORT}, **given)
    return play(Task(few, 1))


def test_every_ordeal_is_a_script_the_exchange_takes() -> None:
    for ordeal in (*ORDEALS, *map(square_wave, WAVES)):
        faults.read({"version": 1, "faults": list(ordeal.faults)}, Day("2026-11-19"))


def test_names_are_told_apart() -> None:
    names = [ordeal.name for ordeal in (QUIET, *ORDEALS, *map(square_wave, WAVES))]
    assert len(set(names)) == len(names)


@pytest.mark.slow
def test_quiet_session_is_calm_and_right() -> None:
    outcome = played(QUIET, until="09:30", fault_at="09:30")
    assert (outcome.alarms, outcome.switches, outcome.wrong, outcome.forbidden) == (0, 0, (), ())
    assert outcome.clean == outcome.bars > 100


@pytest.mark.slow
def test_mute_socket_is_noticed_and_left() -> None:
    outcome = played(MUTE)
    assert outcome.met
    assert outcome.noticed_s is not None
    assert outcome.acted_s is not None
    assert outcome.noticed_s < 10 < outcome.acted_s <= 150
    assert (outcome.wrong, outcome.forbidden, outcome.broken) == ((), (), ())


@pytest.mark.slow
def test_bars_across_a_gap_are_found_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    def blithely(self: BarBuilder, since: object, until: object) -> tuple[object, ...]:
        del self, since, until
        return ()

    monkeypatch.setattr(BarBuilder, "feed_gap", blithely)
    monkeypatch.setattr(BarBuilder, "feed_polled", blithely)
    assert played(MUTE).wrong


@pytest.mark.slow
def test_watchdog_that_listens_to_a_far_strike_is_found_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def is_far(self: Canaries, symbol: str, at: object) -> bool:
        del self, at
        return symbol.endswith("26200CE")

    monkeypatch.setattr(Canaries, "has", is_far)
    rare = {**QUIET.settings, "sandbox.market.quotes_per_s": 0.01, "feed.stale_warn_s": 30}
    quiet = replace(QUIET, settings=rare)
    assert played(quiet, until="09:30", fault_at="09:30").alarms
