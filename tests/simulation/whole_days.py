"""Whole synthetic days, each `run.py sandbox --speed max` in a process, two at a time."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.shared import ROOT

AT_ONCE = 2
LONGEST_S = 300
"""A day takes about 22 s of one core; this is for a machine with much else to do."""


@dataclass(frozen=True)
class Wanted:
    """One day: its random seed, when its force close is, and what must not matter."""

    seed: int
    hash_seed: str = "0"
    zone: str = "UTC"
    until: str = "15:15"

    @property
    def name(self) -> str:
        return f"{self.seed}-{self.hash_seed}-{self.zone.replace('/', '-')}"


@dataclass(frozen=True)
class Day:
    """What a day left behind."""

    code: int
    said: str = field(repr=False)
    folder: Path

    @property
    def summary(self) -> dict[str, Any]:
        """What `--summary` wrote."""
        found: dict[str, Any] = json.loads((self.folder / "summary.json").read_text("ascii"))
        return found

    @property
    def decisions(self) -> bytes:
        return (self.folder / "decisions.jsonl").read_bytes()

    @property
    def truth(self) -> bytes:
        return (self.folder / "truth.jsonl").read_bytes()


class Days:
    """Plays the days wanted; whoever asks for one waits until it is over."""

    def __init__(self, folder: Path, wanted: Iterable[Wanted]) -> None:
        self._pool = ThreadPoolExecutor(AT_ONCE)
        self._running: dict[Wanted, Future[Day]] = {
            each: self._pool.submit(play, folder / each.name, each) for each in wanted
        }

    def __getitem__(self, wanted: Wanted) -> Day:
        return self._running[wanted].result(LONGEST_S * len(self._running))

    def close(self) -> None:
        """Play nothing more."""
        self._pool.shutdown(cancel_futures=True)


def play(folder: Path, wanted: Wanted) -> Day:
    """Play one day."""
    folder.mkdir(parents=True)
    options = {
        "--speed": "max",
        "--seed": wanted.seed,
        "--until": wanted.until,
        "--state-dir": folder,
        "--summary": folder / "summary.json",
    }
    words = [str(word) for pair in options.items() for word in pair]
    done = subprocess.run(
        [sys.executable, str(ROOT / "run.py"), "sandbox", *words, "--no-color"],
        cwd=folder,
        env=os.environ | {"PYTHONHASHSEED": wanted.hash_seed, "TZ": wanted.zone},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LONGEST_S,
        check=False,
    )
    return Day(done.returncode, done.stdout, folder)
