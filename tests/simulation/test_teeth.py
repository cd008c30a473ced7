"""The orders drill has teeth: each bad policy and each mutant is caught.

`python -m tests.simulation.teeth` hunts each from the first seed on; here a hunt begins near the
seed that is known to catch it, and goes on for a while, as a change of ours may move that.
"""

import pytest

from cli.order_drill import play
from tests.simulation import teeth
from tests.simulation.mutants import MUTANTS, Mutant

pytestmark = pytest.mark.slow

FEW = 150


def test_mutants_are_named_apart_and_many_enough() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
    assert sum(mutant.is_policy for mutant in MUTANTS) == 4
    assert sum(not mutant.is_policy for mutant in MUTANTS) >= 10


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_mutant_is_caught_by_a_rule_of_its_own(mutant: Mutant) -> None:
    bitten = teeth.hunt(mutant.name, range(mutant.seed, mutant.seed + FEW))
    assert bitten.rule in mutant.rules, bitten.text


@pytest.mark.parametrize("seed", sorted({mutant.seed for mutant in MUTANTS}))
def test_good_policy_plays_the_same_session_cleanly(seed: int) -> None:
    assert play(seed).broken == ()
