"""Does the net have teeth: each bad policy breaks a rule on a day the good one plays cleanly."""

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cli.summary import is_clean, summarise
from cli.virtual import Parts
from config import pack
from tests.days import Played, a_day, a_stage
from tests.simulation import policies
from tests.tapes import DAY, Leg, a_tape
from tests.worlds import WRITES, LateWorld

SOLD = Leg(ready="15:03", breaks="15:05")
FILLS = Leg(
    ready="15:03",
    breaks="15:05",
    stops="15:15",
    shift_us=600_000,
    bars={"15:15": (154.0, 156.0, 153.5, 155.0)},
)
"""Its stop fills 0.6 s after the force close began."""

SLOW_CANCELS = {"sandbox.latency.cancel_ms.median": 1500, "sandbox.latency.cancel_ms.sigma": 0}
LOST: dict[str, Any] = {
    "since": "15:02",
    "until": "15:03:02",
    "late_s": 20,
    "routes": WRITES,
    "is_lost": True,
}
"""The answer to the placement of the entry, at 15:03, times out."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """A bad policy, the good one beside it, a day on which they differ, and the rule broken."""

    rule: str
    bad: Parts
    good: Parts = field(default_factory=Parts)
    leg: Leg = SOLD
    settings: dict[str, Any] = field(default_factory=dict)
    started_late: bool = False

    def play(self, folder: Path, parts: Parts) -> Played:
        tape = a_tape(self.leg, since="14:40")
        given: dict[str, Any] = {"begin": "15:00", "settings": self.settings, "parts": parts}
        if not self.started_late:
            return a_day(folder, tape=tape, **given)
        with a_stage(folder, tape=tape, **given) as stage:
            stage.begin().run_to("15:14:50")
            stage.kill()
            stage.again("15:15:01")
            return stage.play()


CASES = {
    "no stop after a fill": Case(rule="I3", bad=policies.exits(policies.NoStop)),
    "cover without waiting for the cancel": Case(
        rule="I2", bad=policies.exits(policies.NoPatience), leg=FILLS, settings=SLOW_CANCELS
    ),
    "stop left behind the cover": Case(rule="I4", bad=policies.exits(policies.NoCancel)),
    "one-shot timer at a quarter past three": Case(
        rule="L3", bad=policies.standing(policies.OneMoment), started_late=True
    ),
    "place again what was not answered": Case(
        rule="I1",
        bad=Parts(world=partial(policies.AskAgain, **LOST)),
        good=Parts(world=partial(LateWorld, **LOST)),
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_bad_policy_breaks_its_rule(tmp_path: Path, case: Case) -> None:
    report = case.play(tmp_path, case.bad).report
    assert any(text.startswith(case.rule) for text in report.invariants_broken), report


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_good_policy_plays_the_same_day_cleanly(tmp_path: Path, case: Case) -> None:
    report = case.play(tmp_path, case.good).report
    assert (report.flat, report.invariants_broken) == (True, [])


def test_forgotten_stop_is_made_up_for_in_time(tmp_path: Path) -> None:
    played = Case(rule="", bad=policies.exits(policies.StopForgotten)).play(
        tmp_path, policies.exits(policies.StopForgotten)
    )
    assert "reason=EMERGENCY" in played.log
    assert (played.report.flat, played.report.invariants_broken) == (True, [])


def test_summary_of_a_bad_day_is_not_clean(tmp_path: Path) -> None:
    case = CASES["no stop after a fill"]
    case.play(tmp_path, case.bad)
    summary = summarise(tmp_path, DAY, pack.load(), 1)
    assert summary["invariants_broken"]
    assert not is_clean(summary)
