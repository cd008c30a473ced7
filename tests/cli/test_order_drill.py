"""`run.py drill orders`: what it refuses, prints, writes and returns."""

import json
from pathlib import Path

import pytest

from tests.cli.typing_in import REFUSED, RunPy


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (("--seeds", 0), "--seeds 0: allowed is a whole number from 1 to 10,000,000"),
        (("--seed", -1), "--seed -1: allowed is a whole number from 0 to"),
        (("--workers", 65), "--workers 65: allowed is a whole number from 1 to 64"),
        (("--json", "."), "--json .: is a folder; name a file in it"),
    ],
)
def test_options_that_cannot_be_are_refused_before_anything_is_played(
    run_py: RunPy, options: tuple[object, ...], line: str
) -> None:
    said = run_py("drill", "orders", *options)
    assert (said.code, len(said.errors), said.out) == (REFUSED, 1, "")
    assert said.errors[0].startswith(line)


@pytest.mark.slow
def test_figures_are_printed_and_written(run_py: RunPy, tmp_path: Path) -> None:
    said = run_py("drill", "orders", "--seeds", 6, "--workers", 1, "--json", "card.json")
    assert (said.code, said.err) == (0, "")
    for line in (
        "sessions                  6 (random seeds 1 to 6)",
        "orders duplicated         0",
        "orders lost               0",
        "unintended long           0 lot-seconds",
        "entries without an intent 0",
        "failed sessions           0",
        "upper bound, 95 %         39.304% of sessions (about 3/6)",
    ):
        assert line in said.out
    card = json.loads((tmp_path / "card.json").read_text("ascii"))
    assert (card["is_good"], card["sessions"], card["orders_lost"]) == (True, 6, 0)
    assert set(card["elsewhere"]) == {"I12", "I13", "L4"}
