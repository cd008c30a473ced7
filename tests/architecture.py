"""The rules of the house as functions: each takes a parsed file and returns what is wrong with it.

tests/test_architecture.py runs them over the checkout and shows each of them a bad source. Rooms
that do not exist yet simply have no files.
"""

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

FILE_LINES = 400
FUNCTION_LINES = 50

# A name with a dot opens only that module of the room.
MAY_IMPORT: dict[str, frozenset[str]] = {
    "domain": frozenset(),
    "messages": frozenset({"domain"}),
    "strategies": frozenset({"domain"}),
    "config": frozenset({"domain"}),
    "broker": frozenset({"domain"}),
    "sandbox": frozenset({"domain"}),
    "journal": frozenset({"domain", "messages"}),
    "dashboard": frozenset({"domain", "messages"}),
    "actors": frozenset({"messages", "domain", "strategies", "broker.port", "journal", "config"}),
    "research": frozenset(
        {"actors", "messages", "domain", "strategies", "broker", "sandbox", "journal", "config"}
    ),
}
DOORS = frozenset({"run", "cli", "bench"})  # they may import every room; bench is as free as cli
OUTSIDE = frozenset({"shared", "build", "dist", "state"})  # not the project's
ROOMS = frozenset(MAY_IMPORT) | DOORS | {"tests"}

PURE = frozenset({"domain", "messages", "strategies"})
PURE_LIBRARIES = frozenset({"msgspec"})
# Input, output and threads of the standard library.
IMPURE = frozenset(
    "asyncio concurrent ftplib http io multiprocessing os pathlib queue sched select"
    " selectors shutil signal smtplib socket socketserver sqlite3 subprocess tempfile"
    " threading urllib".split()
)

PYKKA_ROOMS = frozenset({"actors", "research", "run", "tests"})
# Above the actors: system.py composes them and pump.py turns them, so no actor may know either.
ABOVE_ACTORS = frozenset({"actors.system", "actors.pump"})

MOCK_FREE = ("tests/domain/", "tests/actors/")
# Joined here, so that a search for them finds only those who mean it.
ROUTES = ("close" + "position", "cancel" + "allorder", "place" + "smartorder")
ROUTES_ALLOWED = ("sandbox/", "tests/", "docs/")
# Starting threads, ending the process and sleeping, each with a noqa and its reason.
BANNED_NAMES_ALLOWED = (
    *("run.py", "broker/lanes.py", "broker/stream.py", "research/recorder.py", "cli/lease.py"),
    *("cli/page.py", "cli/pager.py", "cli/telegram.py", "cli/deadman.py", "sandbox/", "tests/"),
)

STRUCT_OPTIONS = {"frozen": True, "kw_only": True, "gc": False}
ENUMS = frozenset({"Enum", "StrEnum", "IntEnum", "Flag", "IntFlag"})
EVENTS_FILE = "domain/events.py"


@dataclass(frozen=True)
class Source:
    """One Python file; `path` is relative to the checkout, with slashes."""

    path: str
    text: str
    tree: ast.Module

    @property
    def room(self) -> str:
        return self.path.partition("/")[0].removesuffix(".py")

    @property
    def module(self) -> str:
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    def at(self, node: ast.AST, complaint: str) -> str:
        return f"{self.path}:{getattr(node, 'lineno', 1)}: {complaint}"


def parse(path: str, text: str) -> Source:
    return Source(path, text, ast.parse(text, path))


def sources(root: Path = ROOT) -> list[Source]:
    """Read every Python file of the checkout, also those of rooms that should not exist."""
    tops = (p for p in root.iterdir() if not p.name.startswith(".") and p.name not in OUTSIDE)
    files = (f for top in tops for f in ([top] if top.is_file() else sorted(top.rglob("*.py"))))
    return [
        parse(file.relative_to(root).as_posix(), file.read_text("utf-8"))
        for file in files
        if file.suffix == ".py"
    ]


def imports(source: Source) -> Iterator[tuple[ast.stmt, str]]:
    """Yield each import as a dotted name; `from broker import port` is `broker.port`."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _base(source, node)
            yield from ((node, f"{base}.{alias.name}") for alias in node.names)


def _base(source: Source, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    package = source.path.split("/")[: -node.level]
    return ".".join([*package, *([node.module] if node.module else [])])


def top(name: str) -> str:
    return name.partition(".")[0]


def within(name: str, module: str) -> bool:
    return name == module or name.startswith(module + ".")


def check_room(source: Source) -> Iterator[str]:
    if source.room not in ROOMS:
        yield f"{source.path}: no such room in architecture.md, or in tests/architecture.py"


def check_imports(source: Source) -> Iterator[str]:
    for node, name in imports(source):
        if top(name) in ROOMS and not _may_import(source.room, name):
            yield source.at(node, f"{source.room} may not import {name}")


def _may_import(room: str, name: str) -> bool:
    other = top(name)
    if room in {other, "tests"}:
        return True
    if other in DOORS | {"tests"}:
        return other == "cli" and room in {"run", "bench"}
    return room in DOORS or any(within(name, allowed) for allowed in MAY_IMPORT.get(room, ()))


def check_purity(source: Source) -> Iterator[str]:
    if source.room not in PURE:
        return
    for node, name in imports(source):
        library = top(name)
        if library in ROOMS | PURE_LIBRARIES:
            continue
        if library in IMPURE or library not in sys.stdlib_module_names:
            yield source.at(node, f"{source.room} is pure, {name} is not")


def check_pykka(source: Source) -> Iterator[str]:
    for node, name in imports(source):
        if top(name) == "pykka" and source.room not in PYKKA_ROOMS:
            yield source.at(node, "only actors/, research/ and run.py import pykka")


def defines_an_actor(source: Source) -> bool:
    """Whether this is an actor's file; the common base class `Actor` is not one."""
    return source.room == "actors" and any(
        isinstance(node, ast.ClassDef) and node.name.endswith("Actor") and node.name != "Actor"
        for node in source.tree.body
    )


def check_actors_meet_in_messages(source: Source, actor_modules: frozenset[str]) -> Iterator[str]:
    if source.room != "actors" or source.module == "actors.system":
        return
    for node, name in imports(source):
        for module in sorted((actor_modules | ABOVE_ACTORS) - {source.module}):
            if within(name, module):
                yield source.at(node, f"{source.module} may not know {module}: use a message")


def check_nobody_waits(source: Source) -> Iterator[str]:
    # The pump is no actor: it takes from inboxes that it knows are not empty.
    if source.room != "actors" or source.path == "actors/pump.py":
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            # dict.get has an argument; a future's get has none, or a time-out.
            options = {keyword.arg for keyword in node.keywords}
            if node.func.attr == "ask":
                yield source.at(node, "an actor never asks")
            elif node.func.attr == "get" and not node.args and options <= {"timeout"}:
                yield source.at(node, "an actor never waits for a future")


def check_mocks(source: Source) -> Iterator[str]:
    if source.path.startswith(MOCK_FREE):
        for node, name in imports(source):
            if within(name, "unittest.mock"):
                yield source.at(node, "ports and a recording post are enough")


def check_lengths(source: Source) -> Iterator[str]:
    lines = source.text.count("\n")
    if lines > FILE_LINES:
        yield f"{source.path}: {lines} lines, at most {FILE_LINES}"
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LINES:
                yield source.at(node, f"{node.name} has {length} lines, at most {FUNCTION_LINES}")


def check_banned_names(source: Source) -> Iterator[str]:
    if source.path.startswith(BANNED_NAMES_ALLOWED):
        return
    for number, line in enumerate(source.text.splitlines(), 1):
        if re.search(r"#\s*noqa:.*\bTID251\b", line):
            yield f"{source.path}:{number}: a banned name has no exception in this room"


def check_manners(source: Source) -> Iterator[str]:
    """A file too long for its parts to be found without banners is a file to split."""
    for number, line in enumerate(source.text.splitlines(), 1):
        if re.match(r"\s*#.*[-=*#~]{4}", line):
            yield f"{source.path}:{number}: a banner"
        if not line.isascii():
            yield f"{source.path}:{number}: not ASCII"


def check_routes(path: str, text: str) -> Iterator[str]:
    """Account-wide and smart routes touch orders and positions that are not ours."""
    if path.startswith(ROUTES_ALLOWED):
        return
    for number, line in enumerate(text.splitlines(), 1):
        for route in ROUTES:
            if route in line.lower():
                yield f"{path}:{number}: {route} may not be named here"


def check_messages(source: Source) -> Iterator[str]:
    is_message = source.room == "messages"
    if not is_message and source.path != EVENTS_FILE:
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ClassDef) and not _is_enum(node):
            yield from _struct_complaints(source, node)
            if is_message and not re.search(r"\S -> \S", ast.get_docstring(node) or ""):
                yield source.at(node, f"{node.name}: its docstring names no route (A -> B)")


def _is_enum(node: ast.ClassDef) -> bool:
    return any(_last_name(base) in ENUMS for base in node.bases)


def _struct_complaints(source: Source, node: ast.ClassDef) -> Iterator[str]:
    if not any(_last_name(base) == "Struct" for base in node.bases):
        yield source.at(node, f"{node.name} is not a msgspec.Struct")
    spelled = {k.arg: k.value.value for k in node.keywords if isinstance(k.value, ast.Constant)}
    for option, value in STRUCT_OPTIONS.items():
        if spelled.get(option) is not value:
            yield source.at(node, f"{node.name} does not spell out {option}={value}")
    if not ast.get_docstring(node):
        yield source.at(node, f"{node.name} has no docstring")


def _last_name(node: ast.expr) -> str:
    return ast.unparse(node).rpartition(".")[2]
