"""`run.py` as an operator starts it, in processes of its own, and what it leaves in its folder."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from domain.books import Action
from domain.units import Symbol
from sandbox.book import Book
from sandbox.kinds import OrderLine
from sandbox.truth import Row, decode
from tests.shared import ROOT
from tests.waiting import until

RUN = str(ROOT / "run.py")
LONG_S = 180.0
"""Patience in real seconds; a loaded machine gets more time, never less."""


@dataclass(frozen=True)
class Process:
    """One run.py and its state directory."""

    process: "subprocess.Popen[str]"
    folder: Path

    @property
    def log(self) -> str:
        """The story so far, every agent of this folder."""
        path = self.folder / "agent.log"
        return path.read_text("ascii") if path.exists() else ""

    def wait_for(self, kind: str) -> re.Match[str]:
        """Wait until the log holds a line like this, a regular expression."""

        def found() -> re.Match[str] | None:
            match = re.search(kind, self.log)
            if match is None and self.process.poll() is not None:
                raise AssertionError(f"ended with {self.process.returncode} before {kind!r}")
            return match

        match = until(found, LONG_S)
        assert match is not None
        return match

    def wait(self) -> int:
        """Wait for the end and return the exit code."""
        return self.process.wait(LONG_S)

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)


@contextmanager
def run(
    folder: Path, *words: object, program: tuple[str, ...] = (RUN,), **options: object
) -> Iterator[Process]:
    """Start a command of run.py; whatever still runs when the block is left is ended.

    `speed=60` becomes `--speed 60`; `begin` is `--from`.
    """
    names = {"begin": "from"}
    for key, value in options.items():
        words = (*words, f"--{names.get(key, key).replace('_', '-')}", value)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "said.txt").open("a") as said:
        process = subprocess.Popen(
            [sys.executable, *program, *map(str, words)],
            cwd=folder,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            yield Process(process, folder)
        finally:
            _end(process)


def _end(process: "subprocess.Popen[str]") -> None:
    """Let it stop its exchange, and do not wait for that for ever."""
    for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGKILL):
        if process.poll() is None:
            process.send_signal(number)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                continue


def environment() -> dict[str, str]:
    """The environment of a process: ours, with the project to import from."""
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def done(*words: object, cwd: Path) -> "subprocess.CompletedProcess[str]":
    """Run a command that ends by itself."""
    return subprocess.run(
        [sys.executable, RUN, *map(str, words)],
        cwd=cwd,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LONG_S,
        check=False,
    )


def summary_of(path: Path) -> dict[str, Any]:
    """Read a summary."""
    found: dict[str, Any] = json.loads(path.read_text("ascii"))
    return found


class Truth:
    """The exchange's own record of a state directory, read while it grows."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "truth.jsonl"

    @property
    def rows(self) -> tuple[Row, ...]:
        lines = self._path.read_bytes().splitlines(keepends=True) if self._path.exists() else []
        return decode(line for line in lines if line.endswith(b"\n"))

    @property
    def book(self) -> Book:
        """The account as it is by now."""
        book = Book(0)
        for row in self.rows:
            book.apply(row.at, row.payload)
        return book

    def net(self, symbol: Symbol) -> int:
        """The units held, signed."""
        return sum(p.net for p in self.book.positions.values() if p.symbol == symbol)

    def orders(self, action: Action) -> list[OrderLine]:
        """Every order of one side, oldest first."""
        return [order for order in self.book.orders.values() if order.action is action]

    def resting(self, action: Action) -> list[OrderLine]:
        """The orders of one side that may still trade."""
        return [order for order in self.orders(action) if order.status.is_live]
