"""Every code the agent can say has one row with one remedy, in the table and in docs/REASONS.md."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from actors.judge import BLIND
from broker import errors
from broker.asks import Fault
from domain import backoff
from domain.limits import DAY_STOP, DAY_TARGET, FORCE_CLOSE
from domain.pages import PageCode
from domain.reasons import REASONS, Condition, remedy
from domain.refusals import SCHEMA_CODES, Code
from tests.documents import read

ROOT = Path(__file__).resolve().parent.parent
SAYS = {
    "latch": 0,
    "find": 0,
    "alarm": 0,
    "chase": 1,
    "Refusal": None,
    "LatchSet": None,
    "Trip": None,
    "PullLever": None,
    "FlattenAll": None,
}
"""Calls that name a code, and where: by position, or by keyword where None."""
KEYWORDS = ("code", "name", "kind", "reason")
ROOMS = ("domain", "actors", "broker", "cli")
OTHERS = frozenset({"broker/wire_frames.py", "domain/volume.py"})
"""Rooms whose `Refusal` is something else: a frame of the stream, a tick's volume."""
SERVER = re.compile(r"HTTP_.*")
ELSEWHERE = frozenset({"MODE"})
"""The code of an answer in the other mode: the latch MODE_FLIP tells of it."""


def sources() -> Iterator[tuple[str, ast.Module]]:
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            if name not in OTHERS:
                yield name, ast.parse(path.read_text("utf-8"))


def codes_said() -> dict[str, str]:
    """Return every code written as a text where a code is said, and a file that says it."""
    found: dict[str, str] = {}
    for name, tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                found |= dict.fromkeys(_codes(node, name), name)
    return found


def _codes(call: ast.Call, name: str) -> Iterator[str]:
    called = (
        call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    )
    if called in SAYS:
        place = SAYS[called]
        said = call.args[place : place + 1] if place is not None else []
        said += [word.value for word in call.keywords if word.arg in KEYWORDS]
    elif name.startswith("broker/") and called not in {"Attempt", "Closed"}:
        said = [word.value for word in call.keywords if word.arg == "code"]
    else:
        said = []
    for value in said:
        inside = (node.value for node in ast.walk(value) if isinstance(node, ast.Constant))
        yield from (str(word) for word in inside if re.fullmatch(r"[A-Z][A-Z_0-9]+", str(word)))


def test_every_code_of_an_enumeration_has_a_row() -> None:
    codes = {*Code, *Condition, *PageCode, *(fault.name for fault in Fault)}
    assert {str(code) for code in codes} - REASONS.keys() == set()


def test_every_code_written_in_the_code_has_a_row() -> None:
    said = codes_said()
    assert {"REJECTS", "SCHEMA", "CLOCK_SKEW", "RATE", "NOT_SENT", "DENIED"} <= said.keys() | set(
        REASONS
    )
    assert len(said) > 20
    unknown = {code: name for code, name in said.items() if code not in REASONS}
    assert {c: n for c, n in unknown.items() if not SERVER.fullmatch(c)} == {}


def test_every_refusal_of_the_tested_table_has_a_row() -> None:
    texts = dict(errors._TABLE)
    assert set(texts) - REASONS.keys() == set()
    assert REASONS.keys() >= SCHEMA_CODES


def test_every_refusal_of_the_account_has_a_row() -> None:
    assert backoff.ACCOUNT_WIDE - REASONS.keys() == set()


def test_every_end_of_a_day_has_a_row() -> None:
    assert {DAY_STOP, DAY_TARGET, FORCE_CLOSE, BLIND} <= REASONS.keys()


def test_each_code_stands_once_and_says_one_sentence() -> None:
    for code, reason in REASONS.items():
        assert reason.code == code
        assert reason.says, code
        assert re.fullmatch(r"[A-Z].+\.", reason.remedy), code
        assert reason.remedy.isascii()


def test_answer_of_a_server_in_trouble_has_the_remedy_of_all_such() -> None:
    assert remedy("HTTP_502") == remedy("HTTP") != ""


def test_page_of_reasons_is_the_table() -> None:
    """Written by `python -m tests.test_reasons`."""
    assert read("docs/REASONS.md").text == page()


HEAD = """\
# Reason codes

Every refusal, latch, condition, finding and page of the agent carries one of these codes. The same
code with the same remedy stands in the log, in the journal, in `run.py status` and in
`run.py doctor`. A refusal is logged once for each symbol and code, then counted.

| Code | What it means | What to do |
|---|---|---|
"""


def page() -> str:
    """Return docs/REASONS.md as the table makes it."""
    rows = (REASONS[code] for code in sorted(REASONS))
    return HEAD + "".join(f"| `{r.code}` | {r.says} | {r.remedy} |\n" for r in rows)


if __name__ == "__main__":
    (ROOT / "docs" / "REASONS.md").write_text(page(), "utf-8")
