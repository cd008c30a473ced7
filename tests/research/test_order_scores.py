"""The figures: what has to be 0, percentiles, and how much no failure in n runs says."""

from typing import Any

import pytest

from domain.units import Micros, seconds
from research.order_scores import Outcome, bound, document, score, table
from sandbox.coverage import Naked


def an_outcome(seed: int = 1, **given: Any) -> Outcome:
    usual: dict[str, Any] = {
        "events": 1000,
        "lives": 2,
        "met": {"kill": 1, "holes": 3},
        "broken": (),
        "entries": 2,
        "exits": 2,
        "duplicated": 0,
        "lost": 0,
        "without_intent": 0,
        "long_lot_seconds": 0.0,
        "doubled": 0,
        "naked": (Naked(span=seconds(3), outage=seconds(1)),),
        "trace": "",
    }
    return Outcome(seed=seed, **usual | given)


BAD: dict[str, dict[str, Any]] = {
    "a rule": {"broken": ("I3 X: naked",)},
    "a duplicate": {"duplicated": 1},
    "a lost order": {"lost": 1},
    "an entry without an intent": {"without_intent": 1},
    "an unintended long": {"long_lot_seconds": 0.5},
}


def test_nothing_broken_is_good() -> None:
    card = score([an_outcome(), an_outcome(2)])
    assert card.is_good
    assert (card.sessions, card.kills, card.events, card.met["holes"]) == (2, 2, 2000, 6)
    assert (card.naked_ours_s.max, card.naked_outage_s.p50) == (2.0, 1.0)
    assert set(card.broken.values()) == {0}
    assert "upper bound, 95 %" in table(card, [])
    assert document(card)["is_good"] is True


@pytest.mark.parametrize("given", BAD.values(), ids=BAD)
def test_anything_that_has_to_be_0_and_is_not_is_bad(given: dict[str, Any]) -> None:
    assert not score([an_outcome(), an_outcome(2, **given)]).is_good


def test_failure_is_shown_with_seed_faults_instant_and_rows() -> None:
    failed = an_outcome(
        8, broken=("I3 X: naked",), faults=("holes",), at="09:20:31", before=("{row}",)
    )
    shown = table(score([failed]), [failed])
    assert "seed 8 at 09:20:31; again: run.py drill orders --seed 8 --seeds 1" in shown
    assert ("faults holes" in shown, "{row}" in shown, "upper bound" in shown) == (
        True,
        True,
        False,
    )
    assert score([failed]).broken["I3"] == 1


@pytest.mark.parametrize(("runs", "rate"), [(1, 0.95), (2000, 0.0014968), (100_000, 0.00002996)])
def test_bound_is_what_so_many_runs_without_failure_exclude(runs: int, rate: float) -> None:
    assert bound(runs) == pytest.approx(rate, rel=1e-3)
    assert (1 - bound(runs)) ** runs == pytest.approx(0.05)


def test_session_without_a_short_has_no_percentiles() -> None:
    card = score([an_outcome(naked=())])
    assert card.naked_ours_s.p50 is None
    assert "p50 -" in table(card, [])
    assert card.uncovered == Micros(0)
