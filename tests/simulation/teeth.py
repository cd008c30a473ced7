"""Does the orders drill have teeth: each bad policy and mutant over the same random seeds.

    python -m tests.simulation.teeth [--seeds N] [--workers N] [NAME ...]

Prints a table: name, the rule that caught it, the first random seed. Exit 1 if one was not caught.
"""

import argparse
import logging
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import TextIO

import pytest

from cli import order_drill
from tests.simulation.mutants import MUTANTS, Mutant

SEEDS = 400


@dataclass(frozen=True, slots=True)
class Bitten:
    """What became of a mutant: the seed and the rule that caught it, -1 and '' for neither."""

    name: str
    seed: int
    rule: str
    text: str


def hunt(name: str, seeds: range) -> Bitten:
    """Play the seeds with a mutant until a rule of its own is broken.

    A seed counts only if our own code plays it without a failure.
    """
    mutant = next(mutant for mutant in MUTANTS if mutant.name == name)
    for seed in seeds:
        with pytest.MonkeyPatch.context() as patch:
            mutant.bite(patch)
            found = _caught(mutant, order_drill.play(seed, mutant.forced).broken)
        if found and not order_drill.play(seed, mutant.forced).broken:
            return Bitten(name, seed, found.partition(" ")[0], found)
    return Bitten(name, -1, "", "not caught")


def _caught(mutant: Mutant, broken: Sequence[str]) -> str:
    return next((text for text in broken if text.partition(" ")[0] in mutant.rules), "")


def table(bitten: Sequence[Bitten]) -> str:
    """Return what caught whom."""
    lines = [f"{'policy or mutant':<40}{'rule':<6}{'seed':>6}  what was seen"]
    for one in bitten:
        seed = str(one.seed) if one.rule else "-"
        lines.append(f"{one.name:<40}{one.rule or '-':<6}{seed:>6}  {one.text[:90]}")
    caught = sum(bool(one.rule) for one in bitten)
    return "\n".join([*lines, f"caught {caught} of {len(bitten)}"])


def main(words: Sequence[str], out: TextIO) -> int:
    """Hunt them all; 0 if each was caught."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.teeth")
    parser.add_argument("names", nargs="*", help="parts of names; all by default")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args(words)
    names = [m.name for m in MUTANTS if not asked.names or any(n in m.name for n in asked.names)]
    if not names:
        parser.error(f"no policy or mutant is called {' '.join(asked.names)}")
    if asked.seeds < 1 or asked.workers < 1:
        parser.error("--seeds and --workers are whole numbers from 1 on")
    with ProcessPoolExecutor(asked.workers, get_context("spawn"), _hush) as pool:
        bitten = list(pool.map(hunt, names, [range(1, asked.seeds + 1)] * len(names)))
    print(table(bitten), file=out)
    return 0 if all(one.rule for one in bitten) else 1


def _hush() -> None:
    logging.disable(logging.CRITICAL)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:], sys.stdout))
