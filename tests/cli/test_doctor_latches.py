"""The doctor tells what holds a start back: latches of the day, the file of the kill switch."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.events import LatchSet
from journal.orders import OrderJournal
from tests.cli.openalgo import OpenAlgo, an_openalgo, it_is
from tests.cli.test_doctor import failing, lines
from tests.cli.typing_in import RunPy


@pytest.fixture
def server(run_py: RunPy, monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenAlgo]:
    it_is("10:00")
    with an_openalgo(monkeypatch) as running:
        yield running


def test_latches_of_the_day_are_told_with_what_clears_them(run_py: RunPy, server: OpenAlgo) -> None:
    Path("state").mkdir()
    at = it_is("10:00")
    with OrderJournal(Path("state/orders.db"), 1, at) as journal:
        journal.append([LatchSet(at=at, name="ORDER_MODE", reason="orders wait for a human")])
    assert failing(run_py("doctor")) == {
        "latches": "FAIL up since today: ORDER_MODE (orders wait for a human). ORDER_MODE: Set"
        " OpenAlgo's order mode to auto; then `run.py clear --latch ORDER_MODE`."
    }


@pytest.mark.parametrize(("text", "does"), [("", "FREEZE"), ("FLATTEN\n", "FLATTEN")])
def test_file_of_the_kill_switch_is_told(
    run_py: RunPy, server: OpenAlgo, text: str, does: str
) -> None:
    Path("state").mkdir()
    Path("state/KILL").write_text(text)
    assert failing(run_py("doctor")) == {
        "latches": f"FAIL state/KILL is there: {does} from the start on. Remove it (rm state/KILL)."
    }


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("none/own.log", "FAIL none/own.log cannot be written (No such file or directory). Name a"),
        ("logs", "FAIL logs cannot be written (Is a directory). Name a file in a folder you may"),
        ("logs/own.log", "PASS logs/own.log can be written"),
        ("logs/old.log", "PASS logs/old.log can be written"),
    ],
)
def test_file_of_the_log_is_tried_and_nothing_left_behind(
    run_py: RunPy, server: OpenAlgo, name: str, found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("logs").mkdir()
    Path("logs/old.log").write_text("old")
    monkeypatch.setenv("SUTRADHAR_LOG__FILE", name)
    assert lines(run_py("doctor"))["log"].startswith(found)
    assert [path.name for path in Path("logs").iterdir()] == ["old.log"]
    assert Path("logs/old.log").read_text() == "old"


def test_setting_that_is_hardly_meant_is_warned_of(
    run_py: RunPy, server: OpenAlgo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUTRADHAR_BROKER__NAME", "zerodhaa")
    said = run_py("doctor")
    assert said.code == 0
    assert lines(said)["settings"].startswith("WARN profile live, ")
    assert "did you mean zerodha?" in lines(said)["settings"]
