"""The rows of docs/incidents.md, the tests that prove them, and the rows that still wait for one.

tests/test_incidents.py compares the three. A row is proved when a test of the row's own name
carries its id; further tests may carry it too. Markers are read from the files, not from a run, so
that a capability missing on a laptop hides no hole.
"""

import ast
import re
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "incidents.md"
PENDING = ROOT / "tests" / "incidents_pending.txt"

MARKER = "incident"
LAYERS = ("domain", "actors", "simulation", "e2e", "deploy")
_ROW = re.compile(r"\| (INC-\d{2,}) \|.*\| `(\w+)` \| (\w+) \|")
_BY_LAYER = re.compile(r"^By layer: (.*)\.$", re.MULTILINE)


@dataclass(frozen=True)
class Row:
    """One incident: its id, the name of its test without test_, its layer."""

    id: str
    test: str
    layer: str


@dataclass(frozen=True)
class Mark:
    """One marker: the id, the test that carries it, and where that is."""

    id: str
    test: str
    where: str


def rows(page: str) -> list[Row]:
    """Read the table of the page; a line that begins like a row and is none is an error."""
    lines = [line for line in page.splitlines() if line.startswith("| INC-")]
    found = [_ROW.fullmatch(line) for line in lines]
    odd = [line for line, row in zip(lines, found, strict=True) if row is None]
    if odd:
        raise ValueError(f"not a row of the table: {odd}")
    return [Row(*row.groups()) for row in found if row]


def page_complaints(page: str) -> Iterator[str]:
    """Yield what is wrong with the page itself: ids, names, layers, and the sum it prints."""
    table = rows(page)
    for what, values in (("id", [r.id for r in table]), ("test", [r.test for r in table])):
        yield from (f"{what} {v} stands twice" for v, n in Counter(values).items() if n > 1)
    counts = Counter(row.layer for row in table)
    yield from (f"no such layer: {layer}" for layer in sorted(counts.keys() - set(LAYERS)))
    said = {name: int(n) for name, n in re.findall(r"(\w+) (\d+)", _by_layer(page))}
    if said != counts:
        yield f"the page counts {said}, the table {dict(counts)}"


def _by_layer(page: str) -> str:
    found = _BY_LAYER.search(page)
    return found[1] if found else ""


def marks(path: str, text: str) -> Iterator[Mark]:
    """Yield the markers of one file. Raises ValueError for one that marks no collected test."""
    tree = ast.parse(text, path)
    counted = 0
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            for call in _calls(node.decorator_list):
                counted += 1
                yield from _of(path, call, _collected(path, node))
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark":
            for call in _calls([node.value]):
                counted += 1
                yield from _of(path, call, Path(path).stem)
    if counted != len(_calls([tree])):
        raise ValueError(f"{path}: a marker that decorates nothing")


def _calls(nodes: Sequence[ast.AST]) -> list[ast.Call]:
    """Return the calls of the marker in these trees, also those inside a parameter."""
    return [
        node
        for tree in nodes
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == MARKER
    ]


def _collected(path: str, node: ast.FunctionDef | ast.ClassDef) -> str:
    prefix = "Test" if isinstance(node, ast.ClassDef) else "test_"
    if not node.name.startswith(prefix):
        raise ValueError(f"{path}:{node.lineno}: {node.name} is marked and never collected")
    return node.name


def _of(path: str, call: ast.Call, test: str) -> Iterator[Mark]:
    for argument in call.args:
        if not isinstance(argument, ast.Constant):
            raise TypeError(f"{path}:{call.lineno}: an id is written out")
        yield Mark(str(argument.value), test, f"{path}:{call.lineno}")


def all_marks(root: Path = ROOT) -> list[Mark]:
    """Read the markers of every test file."""
    files = sorted((root / "tests").rglob("test_*.py"))
    return [
        mark
        for file in files
        for mark in marks(file.relative_to(root).as_posix(), file.read_text("utf-8"))
    ]


def pending(text: str) -> list[str]:
    """Read the ids that wait for their test; # begins a comment."""
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return [line for line in lines if line]


def complaints(table: Sequence[Row], found: Sequence[Mark], waiting: Sequence[str]) -> list[str]:
    """Return what does not fit: unknown ids, rows nobody proves, rows that wait though proved."""
    by_id: Mapping[str, Row] = {row.id: row for row in table}
    proved = {
        mark.id for mark in found if mark.id in by_id and mark.test == f"test_{by_id[mark.id].test}"
    }
    strangers = [f"{mark.where}: no row {mark.id}" for mark in found if mark.id not in by_id]
    strangers += [f"pending: no row {name}" for name in waiting if name not in by_id]
    twice = [f"pending: {name} stands twice" for name, n in Counter(waiting).items() if n > 1]
    open_rows = [
        f"{row.id} is neither proved by test_{row.test} nor pending"
        for row in table
        if row.id not in proved and row.id not in waiting
    ]
    done = [f"{name} has its test: take it off the list" for name in waiting if name in proved]
    return strangers + twice + open_rows + done


def growth(versions: Sequence[Sequence[str]]) -> list[str]:
    """Return the ids that came onto the list after its first version; oldest version first."""
    grown = (set(after) - set(before) for before, after in pairwise(versions))
    return sorted(set().union(*grown))


def history(path: Path = PENDING, root: Path = ROOT) -> list[list[str]]:
    """Return every committed version of the list, oldest first; none outside a repository."""
    name = path.relative_to(root).as_posix()
    log = _git(root, "log", "--format=%H", "--reverse", "--", name).split()
    return [pending(_git(root, "show", f"{commit}:{name}")) for commit in log]


def _git(root: Path, *command: str) -> str:
    try:
        ran = subprocess.run(
            ["git", *command], cwd=root, check=True, capture_output=True, text=True
        )
    except (FileNotFoundError, subprocess.CalledProcessError):
        return ""
    return ran.stdout
