"""`run.py drill feed`: what it refuses, what it writes, and that it ends at a word."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cli import drill
from tests.cli.typing_in import REFUSED, RunPy
from tests.shared import ROOT
from tests.waiting import until

SOON_S = 60.0


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (("--sessions", 0), "--sessions 0: allowed is a whole number from 1 to 100,000"),
        (("--seeds", 1001), "--seeds 1001: allowed is a whole number from 1 to 1,000"),
        (("--workers", 65), "--workers 65: allowed is a whole number from 1 to 64"),
        (("--json", "."), "--json .: is a folder; name a file in it"),
        (("--json", "no/card.json"), "--json no/card.json: its folder cannot be written"),
    ],
)
def test_options_that_cannot_be_are_refused_before_anything_is_played(
    run_py: RunPy, options: tuple[object, ...], line: str
) -> None:
    said = run_py("drill", "feed", *options)
    assert (said.code, len(said.errors), said.out) == (REFUSED, 1, "")
    assert said.errors[0].startswith(line)


@pytest.mark.slow
def test_card_is_printed_and_written(
    run_py: RunPy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drill, "ORDEALS", ())
    monkeypatch.setattr(drill, "WAVES", ())
    said = run_py("drill", "feed", "--sessions", 1, "--workers", 1, "--json", "card.json")
    assert (said.code, said.err) == (0, "")
    assert "quiet sessions 1, 0.5 h: 0 false alarms" in said.out
    card = json.loads((tmp_path / "card.json").read_text("ascii"))
    assert (card["is_good"], card["objections"], card["quiet"]["sessions"]) == (True, [], 1)
    assert card["clean"] == card["bars"] > 1000


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_it_with_all_its_processes_and_files(
    tmp_path: Path, number: signal.Signals
) -> None:
    words = ["run.py", "drill", "feed", "--sessions", "9", "--workers", "1"]
    with subprocess.Popen(
        [sys.executable, *words],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        until(lambda: list(tmp_path.glob("sutradhar-drill-*/*")), SOON_S)
        process.send_signal(number)
        out, err = process.communicate(timeout=SOON_S)
    assert (process.returncode, err) == (130, "interrupted\n")
    assert "verdict" not in out
    assert list(tmp_path.glob("sutradhar-drill-*")) == []
