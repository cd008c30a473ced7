"""Run the tests layer by layer, cheapest first, and print what was proved.

    python -m tests.layers                 every layer; stops after the first stage with a red one
    python -m tests.layers domain threads  only these; coverage is printed and not judged

Layers of one stage share the two cores. A layer that takes too long dumps its stacks and is ended
with everything it started. The reports and logs of the last run lie in .layers/.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from xml.etree import ElementTree as ET

from tests import measure
from tests.shared import is_shared_skip

ROOT = Path(__file__).resolve().parent.parent
TESTS = ROOT / "tests"
OUT = measure.DATA.parent
DUMP_S = 5
PATIENT_S = 300
"""How long one test of a background layer may take."""

KOLKATA, NEW_YORK = "Asia/Kolkata", "America/New_York"

DOMAIN = tuple("domain messages config journal strategies".split())
PORTS = tuple("broker dashboard research sandbox".split())
COMMANDS = ("cli",)


@dataclass(frozen=True)
class Layer:
    """Folders of tests/ that run in one process; `.` stands for the files tests/test_*.py.

    A brief layer repeats with few draws what another one proved with many. `marked` chooses tests
    by their marks, as pytest's -m does; Hypothesis marks its own. One in the background takes what
    the others of its stage leave of the cores: virtual time does not mind.
    """

    name: str
    folders: tuple[str, ...]
    timeout_s: int
    zone: str = "UTC"
    is_measured: bool = False
    is_brief: bool = False
    marked: str = ""
    is_background: bool = False

    def paths(self, tests: Path = TESTS) -> list[Path]:
        """Return what there is to run; a folder whose room is not built yet is left out."""
        folders = [tests / folder for folder in self.folders if folder != "."]
        files = sorted(tests.glob("test_*.py")) if "." in self.folders else []
        return [folder for folder in folders if folder.is_dir()] + files


Stage = tuple[Layer, ...]

PLAIN, DRAWN = "not slow", "hypothesis or slow"

STAGES: tuple[Stage, ...] = (
    (
        Layer("house", (".",), 400),
        Layer("domain", DOMAIN, 400, KOLKATA, marked=DRAWN),
        Layer("drawn", (*PORTS, *COMMANDS), 400, marked=DRAWN),
    ),
    # Measuring slows a test down to a third: what draws much is measured where it draws little.
    (
        Layer("actors", ("actors",), 400, is_measured=True),
        Layer("threads", ("threads",), 400, is_measured=True),
        Layer("ports", PORTS, 400, NEW_YORK, is_brief=True, is_measured=True, marked=PLAIN),
        Layer("commands", COMMANDS, 400, NEW_YORK, is_brief=True, is_measured=True, marked=PLAIN),
    ),
    # A booted machine waits for its services, and lets the simulation work meanwhile.
    (Layer("simulation", ("simulation",), 600), Layer("deploy", ("deploy",), 600)),
    # Processes wait for the clock more than they work; what they leave is worked in.
    (
        Layer("e2e", ("e2e",), 400, NEW_YORK),
        Layer("processes", ("processes",), 400),
        Layer("disturbed", ("disturbed",), 400, KOLKATA),
        Layer("scenarios", ("scenarios",), 600, is_background=True),
        Layer(
            "new-york",
            DOMAIN,
            600,
            NEW_YORK,
            is_brief=True,
            is_measured=True,
            is_background=True,
        ),
    ),
)


@dataclass
class Result:
    """What one layer reported; `wrong` says why it is red although no test failed."""

    layer: Layer
    seconds: float = 0.0
    passed: int = 0
    failed: int = 0
    skipped: list[str] = field(default_factory=list)
    wrong: str = ""

    @property
    def is_red(self) -> bool:
        return bool(self.failed or self.wrong)

    def __str__(self) -> str:
        counts = f"{self.passed:6d} passed {self.failed:4d} failed {len(self.skipped):4d} skipped"
        return f"{self.layer.name:<11}{counts} {self.seconds:7.1f} s  {self.wrong}".rstrip()


class Run:
    """One layer at work, in a session of its own, so that all it starts can be ended with it."""

    def __init__(self, layer: Layer) -> None:
        self.layer = layer
        self.report = OUT / f"{layer.name}.xml"
        self.log = OUT / f"{layer.name}.log"
        self.started = perf_counter()
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                self._command(),
                cwd=ROOT,
                env=os.environ | {"TZ": layer.zone, "COVERAGE_FILE": str(measure.DATA)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _command(self) -> list[str]:
        coverage = ["-m", "coverage", "run"] if self.layer.is_measured else []
        pytest = ["-m", "pytest", "--quiet", "-p", "no:cacheprovider", f"--junitxml={self.report}"]
        brief = ["--hypothesis-profile=brief"] if self.layer.is_brief else []
        marked = ["-m", self.layer.marked] if self.layer.marked else []
        patient = ["-o", f"faulthandler_timeout={PATIENT_S}"] if self.layer.is_background else []
        nice = ["nice", "-n", "19"] if self.layer.is_background else []
        python = [*nice, sys.executable, *coverage, *pytest]
        return [*python, *brief, *marked, *patient, *map(str, self.layer.paths())]

    def wait(self, *, strict: bool) -> Result:
        """Wait for the end, print the log of a red layer, and return what was reported."""
        result = Result(self.layer)
        try:
            code = self.process.wait(self.started + self.layer.timeout_s - perf_counter())
            result.wrong = "" if code in {0, 1} else f"pytest ended with code {code}"
        except subprocess.TimeoutExpired:
            self._end(signal.SIGABRT)
            result.wrong = f"not done after {self.layer.timeout_s} s"
        result.seconds = perf_counter() - self.started
        if self.report.is_file():
            read(self.report, result)
            result.wrong = result.wrong or objection(result, strict=strict)
        else:
            result.wrong = result.wrong or "pytest ended without a report"
        if result.is_red:
            print(self.log.read_text("utf-8", "replace"))
        print(result, flush=True)
        return result

    def _end(self, first: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
            os.killpg(self.process.pid, first)
            self.process.wait(DUMP_S)
        self.end()

    def end(self) -> None:
        """End whatever is left of the session."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def read(report: Path, result: Result) -> None:
    """Read counts, the reasons of the skipped and the seconds from a JUnit file."""
    suite = ET.parse(report).find("testsuite")
    assert suite is not None, report
    cases = suite.findall("testcase")
    bad = [c for c in cases if c.find("failure") is not None or c.find("error") is not None]
    result.skipped = [skip.get("message", "") for c in cases for skip in c.findall("skipped")]
    result.failed = len(bad)
    result.passed = len(cases) - result.failed - len(result.skipped)
    result.seconds = float(suite.get("time", "0"))


def objection(result: Result, *, strict: bool) -> str:
    """Say what is wrong with a layer in which nothing failed; CI is strict about skips."""
    if not result.passed + result.failed + len(result.skipped):
        return "no test ran"
    if strict and not all(map(is_shared_skip, result.skipped)):
        return "CI permits no skip but for want of a shared file"
    return ""


def misplaced(stages: Sequence[Stage], tests: Path = TESTS) -> list[str]:
    """Name each folder whose tests no layer runs, and each that a layer runs in vain."""
    known = {folder for stage in stages for layer in stage for folder in layer.folders}
    full = {file.relative_to(tests).parts[0] for file in tests.glob("*/**/test_*.py")}
    empty = {folder for folder in known - full - {"."} if (tests / folder).is_dir()}
    return [f"tests/{folder}: no layer runs these tests" for folder in sorted(full - known)] + [
        f"tests/{folder}: holds no tests" for folder in sorted(empty)
    ]


def run_stage(stage: Stage, *, strict: bool) -> list[Result]:
    """Run the layers of one stage side by side."""
    runs: list[Run] = []
    try:
        for layer in stage:
            if layer.paths():
                print(f"{layer.name}: running ...", flush=True)
                runs.append(Run(layer))
        return [run.wait(strict=strict) for run in runs]
    finally:
        for run in runs:
            run.end()


def run_stages(stages: Sequence[Stage], *, strict: bool) -> list[Result]:
    """Run stage by stage, up to the first with a red layer."""
    results: list[Result] = []
    for stage in stages:
        results += run_stage(stage, strict=strict)
        if any(result.is_red for result in results):
            break
    return results


def summary(stages: Sequence[Stage], results: Sequence[Result]) -> list[str]:
    """Return the lines of the block at the end."""
    ran = {result.layer for result in results}
    lines = [str(result) for result in results]
    for layer in (layer for stage in stages for layer in stage if layer not in ran):
        why = "not reached" if layer.paths() else "not built yet"
        lines.append(f"{layer.name:<11}{why}")
    reasons = Counter(reason for result in results for reason in result.skipped)
    lines += [f"skipped {count} x {reason}" for reason, count in sorted(reasons.items())]
    return lines


def coverage_lines(*, judged: bool) -> tuple[list[str], bool]:
    """Return what to print of coverage, and whether it is under a floor that counts."""
    lines: list[str] = []
    is_red = False
    for measured in measure.measure():
        if judged and measured.is_under_floor:
            is_red = True
            lines += measured.table.splitlines()
        lines.append(f"coverage {measured}")
    if judged and not lines:
        return ["coverage: nothing was measured"], True
    return lines, is_red


def chosen(names: Sequence[str]) -> tuple[Stage, ...]:
    """Return the stages with only the named layers, all of them if none is named."""
    known = {layer.name for stage in STAGES for layer in stage}
    if unknown := set(names) - known:
        message = f"no layer is called {', '.join(sorted(unknown))}; there are {sorted(known)}"
        raise SystemExit(message)
    kept = [tuple(la for la in stage if not names or la.name in names) for stage in STAGES]
    return tuple(stage for stage in kept if stage)


def main(names: Sequence[str]) -> int:
    """Run the layers, print the block, return the exit code."""
    stages = chosen(names)
    strict = os.environ.get("SUTRADHAR_CI") == "1"
    if wrong := misplaced(STAGES):
        print("\n".join(wrong))
        return 1
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir()
    started = perf_counter()
    results = run_stages(stages, strict=strict)
    is_red = any(result.is_red for result in results) or not results
    lines, is_under_floor = coverage_lines(judged=not names and not is_red)
    is_red = is_red or is_under_floor
    total = sum(result.passed for result in results)
    print("", *summary(stages, results), *lines, sep="\n")
    print(f"{'RED' if is_red else 'green'}: {total} passed in {perf_counter() - started:.1f} s")
    return 1 if is_red else 0


if __name__ == "__main__":
    # Whoever ends this ends the layers too: they have sessions of their own.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        raise SystemExit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        raise SystemExit(130) from None
