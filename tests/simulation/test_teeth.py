"""The orders drill has teeth: each bad policy and each mutant is caught within few random seeds."""

import pytest

from tests.simulation import teeth
from tests.simulation.mutants import MUTANTS, Mutant

pytestmark = pytest.mark.slow

FEW = 80


def test_mutants_are_named_apart_and_many_enough() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
    assert sum(mutant.is_policy for mutant in MUTANTS) == 4
    assert sum(not mutant.is_policy for mutant in MUTANTS) >= 10


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_mutant_is_caught_by_a_rule_of_its_own(mutant: Mutant) -> None:
    bitten = teeth.hunt(mutant.name, range(1, FEW + 1))
    assert bitten.rule in mutant.rules, bitten.text
