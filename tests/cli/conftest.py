"""`run.py` in this process: its arguments, an empty folder and environment, and what it says."""

import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.door import main
from domain import clock
from domain.clock import WallClock
from tests.cli.typing_in import RunPy, Said

OURS = ("OPENALGO_", "PAPER_TRADING", "SUTRADHAR_")


@pytest.fixture
def run_py(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Iterator[RunPy]:
    """Type a command in an empty folder, without any setting of the real environment."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(OURS)]:
        monkeypatch.delenv(name)
    handlers, level = logging.getLogger().handlers[:], logging.getLogger().level

    def typed(*words: object) -> Said:
        monkeypatch.setattr(sys, "argv", ["run.py", *map(str, words)])
        capsys.readouterr()
        code = main()
        return Said(code, *capsys.readouterr())

    yield typed
    clock.use(WallClock())
    for handler in set(logging.getLogger().handlers) - set(handlers):
        handler.close()
    logging.getLogger().handlers[:] = handlers
    logging.getLogger().setLevel(level)


@pytest.fixture
def no_page(run_py: RunPy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no page be opened, which is told before what an attach is refused for."""
    monkeypatch.setenv("SUTRADHAR_PAGE__ON", "false")
