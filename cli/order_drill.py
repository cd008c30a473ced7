"""`run.py drill orders`: thousands of short sessions of the order path with random faults."""

import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from time import perf_counter
from typing import TextIO

from cli import outfile
from cli.spread import check_workers, spread
from config.settings import Settings, load
from domain.errors import ConfigError
from research import order_drill
from research.order_scores import Outcome, document, score, table
from sandbox.params import SandboxParams

SEEDS = 2000
MOST_SEEDS = 10_000_000
AT_ONCE = 8
MEMORY = Path("/dev/shm")  # noqa: S108 - each session removes its own folder of it
"""A disk in memory, where there is one: syncing is not what is drilled here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line says."""

    seeds: int = SEEDS
    seed: int = 1
    workers: int | None = None
    json: Path | None = None


def orders(options: Options, out: TextIO) -> int:
    """Play the drill and print its figures; 0 if everything that has to be 0 is, else 1.

    Raises ConfigError for options that cannot be.
    """
    _check(options)
    started = perf_counter()
    seeds = range(options.seed, options.seed + options.seeds)
    outcomes = list(spread(play, seeds, options.workers, out, AT_ONCE))
    card = score(outcomes)
    print(f"\n{table(card, outcomes)}", file=out)
    print(f"played in                 {perf_counter() - started:.0f} s", file=out)
    if options.json is not None:
        outfile.save(document(card), options.json, "--json")
    return 0 if card.is_good else 1


def play(seed: int, forced: str = "") -> Outcome:
    """Play the session of a random seed in this process, and judge it.

    `forced` names a kind of fault that is to be in it, and heavy.
    """
    where = MEMORY if MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="sutradhar-session-", dir=where) as name:
        try:
            return order_drill.play(order_drill.draw(seed, forced=forced), settings(), Path(name))
        except Exception as error:
            error.add_note(f"the session of random seed {seed} could not be played")
            raise


@cache
def settings() -> Settings:
    """Return the settings every session is played with, read once."""
    flags = {"journal.min_free_mb": 0}
    return load("sandbox", flags, rooms={"sandbox": SandboxParams()})


def _check(options: Options) -> None:
    for name, value, least, most in (
        ("seeds", options.seeds, 1, MOST_SEEDS),
        ("seed", options.seed, 0, 2**62),
    ):
        if not least <= value <= most:
            raise ConfigError(
                f"--{name} {value}: allowed is a whole number from {least} to {most:,}"
            )
    check_workers(options.workers)
    outfile.check(options.json, "--json")
