"""The block at the end of make test is true: what ran, what did not, and what is red."""

import sys
from pathlib import Path

import pytest

from tests import layers, measure
from tests.layers import Layer, Result, Run
from tests.shared import reason

REPORT = """\
<testsuites><testsuite time="1.25">
  <testcase name="a"/>
  <testcase name="b"><failure message="boom"/></testcase>
  <testcase name="c"><skipped message="no chromium"/></testcase>
  <testcase name="d"><error message="fixture"/></testcase>
</testsuite></testsuites>
"""

UNIT = Layer("unit", ("domain", "journal", "."), 60)


def a_result(passed: int = 1, failed: int = 0, skipped: tuple[str, ...] = ()) -> Result:
    return Result(UNIT, 1.0, passed, failed, list(skipped))


def put(*files: Path) -> None:
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()


def test_report_is_counted(tmp_path: Path) -> None:
    (tmp_path / "r.xml").write_text(REPORT)
    result = Result(UNIT)
    layers.read(tmp_path / "r.xml", result)
    assert result == Result(UNIT, 1.25, passed=1, failed=2, skipped=["no chromium"])
    assert result.is_red


def test_layer_without_tests_is_red() -> None:
    assert layers.objection(a_result(passed=0), strict=False) == "no test ran"


def test_ci_permits_only_skips_for_want_of_a_shared_file() -> None:
    shared = a_result(skipped=(reason("data/x.parquet"),))
    other = a_result(skipped=(reason("data/x.parquet"), "no chromium"))
    assert layers.objection(shared, strict=True) == ""
    assert layers.objection(other, strict=False) == ""
    assert layers.objection(other, strict=True) != ""


def test_layer_runs_the_folders_that_exist(tmp_path: Path) -> None:
    put(tmp_path / "domain" / "test_bars.py", tmp_path / "test_x.py", tmp_path / "helper.py")
    assert UNIT.paths(tmp_path) == [tmp_path / "domain", tmp_path / "test_x.py"]


def test_a_test_that_one_layer_leaves_out_by_its_mark_another_one_runs() -> None:
    marks: dict[str, set[str]] = {}
    for layer in (layer for stage in layers.STAGES for layer in stage):
        for folder in layer.folders:
            marks.setdefault(folder, set()).add(layer.marked)
    assert all("" in each or each >= {layers.PLAIN, layers.DRAWN} for each in marks.values())


def test_tests_that_no_layer_runs_and_empty_folders_are_named(tmp_path: Path) -> None:
    put(tmp_path / "domain" / "rules" / "test_pack.py", tmp_path / "odd" / "test_x.py")
    put(tmp_path / "journal" / "__init__.py", tmp_path / "kept" / "seed.json")
    assert layers.misplaced([(UNIT,)], tmp_path) == [
        "tests/odd: no layer runs these tests",
        "tests/journal: holds no tests",
    ]


def test_summary_names_what_was_not_reached_and_counts_skips() -> None:
    later, unbuilt = Layer("later", (".",), 60), Layer("unbuilt", ("no-such-room",), 60)
    result = a_result(passed=12, skipped=("no chromium", "no chromium"))
    assert layers.summary([(UNIT,), (later, unbuilt)], [result]) == [
        "unit           12 passed    0 failed    2 skipped     1.0 s",
        "later      not reached",
        "unbuilt    not built yet",
        "skipped 2 x no chromium",
    ]


def test_unknown_layer_is_refused() -> None:
    with pytest.raises(SystemExit, match="no layer is called sim"):
        layers.chosen(["domain", "sim"])
    assert [la.name for stage in layers.chosen(["e2e", "domain"]) for la in stage] == [
        "domain",
        "e2e",
    ]


class Child(Run):
    """Runs a line of Python instead of pytest."""

    line = ""

    def _command(self) -> list[str]:
        return [sys.executable, "-c", self.line]


class Endless(Child):
    line = "while True: pass"


class Crashing(Child):
    line = "raise SystemExit(3)"


class Cut(Child):
    line = "raise SystemExit(1)"


@pytest.mark.parametrize(
    ("child", "wrong"),
    [
        (Endless, "not done after 1 s"),
        (Crashing, "pytest ended with code 3"),
        (Cut, "pytest ended without a report"),
    ],
)
def test_layer_that_hangs_or_crashes_is_red(
    child: type[Child], wrong: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layers, "OUT", tmp_path)
    run = child(Layer("unit", (), 1))
    result = run.wait(strict=False)
    assert result.wrong == wrong
    assert run.process.returncode is not None
    run.end()


def test_coverage_under_a_floor_is_red(monkeypatch: pytest.MonkeyPatch) -> None:
    under = measure.Measured("domain/*", 99.9, 100.0, "domain/bars.py 12-13")
    monkeypatch.setattr(measure, "measure", lambda: [under])
    line = "coverage  99.90 % of domain/* (floor 100 %)"
    assert layers.coverage_lines(judged=True) == (["domain/bars.py 12-13", line], True)
    assert layers.coverage_lines(judged=False) == ([line], False)


def test_coverage_that_was_not_measured_is_red(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "measure", list)
    assert layers.coverage_lines(judged=True)[1]
