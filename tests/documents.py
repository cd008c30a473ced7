"""The pages a user and an engineer read, taken apart: what they name, and what of it is not true.

tests/test_documents.py holds them against the code. Checks return complaints; a page without one is
true as far as a program can tell.
"""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.gates import HOSTS

ROOT = Path(__file__).resolve().parent.parent
COPY = "docs/incidents.md"
"""Copied as it is, so neither its spelling nor its promises are looked at."""

# Joined here, so that this file names no machine itself.
MACHINES = ("/" + "work/", "/" + "farm/", "/" + "home/", "/" + "root/", "/tmp" + "/v/")
UNTRACKED = frozenset({"state"})
FILES = (".db", ".jsonl", ".json", ".log", ".md", ".py", ".yaml", ".cfg", ".lock", ".csv")

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_COMMAND = re.compile(r"run\.py ([a-z][a-z-]*)(.*)")
_OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
_PATH = re.compile(r"(\.?[\w-]+(?:/[\w.-]*)+|[\w-]+\.(?:py|cfg))(?:: ([A-Za-z_][\w.]*))?")
_SETTING = re.compile(r"([a-z]+(?:\[\d*\])?(?:\.[a-z_]+)+)(?:: (.+))?")
_VARIABLE = re.compile(r"\bSUTRADHAR_([A-Z0-9]+(?:__[A-Z0-9_]+?)+)(?==|\b)")
_MAKE = re.compile(r"^(?:\$ )?make ([a-z]+)")


@dataclass(frozen=True)
class Page:
    """One Markdown file; `path` is relative to the checkout."""

    path: str
    text: str

    @property
    def fences(self) -> list[tuple[str, str]]:
        """The code blocks: language and text."""
        return _FENCE.findall(self.text)

    @property
    def prose(self) -> str:
        return _FENCE.sub("", self.text)

    @property
    def spans(self) -> list[str]:
        """The code within the prose."""
        return _SPAN.findall(self.prose)

    @property
    def snippets(self) -> list[str]:
        """All code: spans, and the lines of blocks."""
        lines = [line for _, block in self.fences for line in block.splitlines()]
        return self.spans + lines

    @property
    def links(self) -> list[str]:
        return _LINK.findall(_SPAN.sub("", self.prose))

    @property
    def anchors(self) -> set[str]:
        """What a link may name after #, as GitHub derives it from headings."""
        heads = re.findall(r"^#+ (.*)$", self.prose, re.MULTILINE)
        plain = (re.sub(r"[^\w\- ]", "", head.lower()) for head in heads)
        return {head.replace(" ", "-") for head in plain}

    def section(self, heading: str) -> str:
        """Return what stands under a heading, up to the next one. KeyError if there is none."""
        parts = re.split(r"^#+ (.*)$", self.prose, flags=re.MULTILINE)
        return dict(zip(parts[1::2], parts[2::2], strict=True))[heading]

    def table(self, heading: str) -> list[list[str]]:
        """Return the cells of the table under a heading, without its head."""
        lines = [line for line in self.section(heading).splitlines() if line.startswith("|")]
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
        return rows[2:]


def read(path: str) -> Page:
    return Page(path, (ROOT / path).read_text("utf-8"))


def pages(root: Path = ROOT) -> list[Page]:
    """Read every page of the project, the copy included."""
    files = [*root.glob("*.md"), *(root / "docs").glob("*.md")]
    return [read(file.relative_to(root).as_posix()) for file in sorted(files)]


def first_spans(rows: Iterable[list[str]]) -> list[str]:
    """Return the code spans of the first cells."""
    return [span for row in rows for span in _SPAN.findall(row[0])]


def command_complaints(page: Page, commands: Mapping[str, set[str]]) -> Iterator[str]:
    """Yield commands and options that do not exist; `commands` has the options of each."""
    anywhere = set().union(*commands.values())
    for snippet in page.snippets:
        called = _COMMAND.search(snippet)
        if called and called[1] not in commands:
            yield f"{page.path}: no such command: {snippet}"
        elif called:
            wrong = set(_OPTION.findall(called[2].partition("#")[0])) - commands[called[1]]
            yield from (f"{page.path}: {called[1]} has no {option}" for option in sorted(wrong))
        elif snippet.startswith("--"):
            wrong = set(_OPTION.findall(snippet)) - anywhere
            yield from (f"{page.path}: no command has {option}" for option in sorted(wrong))


def target_complaints(page: Page, targets: set[str]) -> Iterator[str]:
    for snippet in page.snippets:
        for target in set(_MAKE.findall(snippet)) - targets:
            yield f"{page.path}: make has no {target}"


def settings(page: Page, groups: set[str]) -> Iterator[tuple[str, str]]:
    """Yield each setting a page names, by its dotted key without index, and its value or ''."""
    for span in page.spans:
        found = _SETTING.fullmatch(span)
        if found is None or found[1].endswith(FILES):
            continue
        key = re.sub(r"\[\d*\]", "", found[1])
        if key.partition(".")[0] in groups:
            yield key, found[2] or ""


def setting_complaints(page: Page, keys: set[str]) -> Iterator[str]:
    """Yield settings, and variables of settings, that do not exist; a group is named as well."""
    groups = {key.partition(".")[0] for key in keys}
    named = [key for key, _ in settings(page, groups)]
    named += [
        re.sub(r"\.\d+\b", "", name.lower().replace("__", "."))
        for snippet in page.snippets
        for name in _VARIABLE.findall(snippet)
        if name != "GROUP__KEY"
    ]
    for key in named:
        if not any(known == key or known.startswith(key + ".") for known in keys):
            yield f"{page.path}: no such setting: {key}"


def path_complaints(page: Page, root: Path = ROOT) -> Iterator[str]:
    """Yield files that are not there, and names that are not in them."""
    tops = {entry.name for entry in root.iterdir()} - UNTRACKED
    for span in page.spans:
        found = _PATH.fullmatch(span)
        is_ours = found is not None and found[1].partition("/")[0] in tops
        if found is None or not (is_ours or found[1].endswith(".py")):
            continue
        if not (root / found[1]).exists():
            yield f"{page.path}: no such file: {found[1]}"
        elif found[2] and not defines((root / found[1]).read_text("utf-8"), found[2]):
            yield f"{page.path}: {found[1]} has no {found[2]}"


def defines(source: str, name: str) -> bool:
    """Whether a Python file defines a name at its top, or `Class.attribute`."""
    body: list[ast.stmt] = ast.parse(source).body
    for part in name.split("."):
        found = next((node for node in body if part in _names(node)), None)
        if found is None:
            return False
        body = found.body if isinstance(found, ast.ClassDef) else []
    return True


def _names(node: ast.stmt) -> set[str]:
    match node:
        case ast.FunctionDef() | ast.ClassDef() | ast.AsyncFunctionDef():
            return {node.name}
        case ast.Assign(targets=targets):
            return {target.id for target in targets if isinstance(target, ast.Name)}
        case ast.AnnAssign(target=ast.Name(id=name)):
            return {name}
        case _:
            return set()


def link_complaints(page: Page, known: Mapping[str, Page], root: Path = ROOT) -> Iterator[str]:
    """Yield links that lead nowhere; other places of the network are not asked."""
    for link in page.links:
        target, _, anchor = link.partition("#")
        place = ((root / page.path).parent / target).resolve()
        if "://" in link:
            continue
        if target and not place.exists():
            yield f"{page.path}: leads nowhere: {link}"
        elif anchor:
            named = known.get(place.relative_to(root).as_posix()) if target else page
            if named is None or anchor not in named.anchors:
                yield f"{page.path}: no such heading: {link}"


def manner_complaints(page: Page) -> Iterator[str]:
    """Yield what no page may hold: characters beyond ASCII, package hosts, paths of a machine."""
    for number, line in enumerate(page.text.splitlines(), 1):
        if not line.isascii() and page.path != COPY:
            yield f"{page.path}:{number}: not ASCII"
        for word in (*HOSTS, *MACHINES):
            if word in line:
                yield f"{page.path}:{number}: names {word}"


def variables_read(source: str) -> set[str]:
    """Return the names a Python file looks up in os.environ."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Compare(left=ast.Constant(value=str(name)), comparators=[asked]):
                pass
            case ast.Subscript(slice=ast.Constant(value=str(name)), value=asked):
                pass
            case ast.Call(
                func=ast.Attribute(value=asked), args=[ast.Constant(value=str(name)), *_]
            ):
                pass
            case _:
                continue
        if ast.unparse(asked) == "os.environ":
            found.add(name)
    return found


def tags_said(source: str) -> set[str]:
    """Return the tags a Python file gives its lines by hand."""
    said: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.keyword(arg="tag", value=value):
                said |= _words(value)
            case ast.Dict(keys=keys, values=values):
                pairs = zip(keys, values, strict=True)
                chosen = [v for k, v in pairs if isinstance(k, ast.Constant) and k.value == "tag"]
                said |= {word for value in chosen for word in _words(value)}
            case _:
                pass
    return said


def _words(value: ast.expr) -> set[str]:
    """Return the words in capitals inside an expression, such as both arms of a choice."""
    inside = (node.value for node in ast.walk(value) if isinstance(node, ast.Constant))
    return {word for word in inside if isinstance(word, str) and word.isupper()}
