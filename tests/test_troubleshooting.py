"""Each line that the troubleshooting page quotes is said somewhere in the code."""

import ast
import re
from collections.abc import Iterator
from functools import cache

import pytest

from domain.reasons import REASONS
from tests import documents
from tests.documents import ROOT

PAGE = documents.read("docs/TROUBLESHOOTING.md")
ROOMS = "actors broker cli config dashboard domain journal messages".split()
HEADS = re.findall(r"^## (.*)$", PAGE.text, re.MULTILINE)


@cache
def said() -> str:
    """Every text of the code, a line each; what is filled in is a \\0."""
    found = (
        text.replace("\n", " ")
        for room in ROOMS
        for path in sorted((ROOT / room).rglob("*.py"))
        for text in texts(ast.parse(path.read_text("utf-8")))
    )
    return "\n".join(found)


def texts(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.JoinedStr(values=values):
                yield "".join(
                    str(each.value) if isinstance(each, ast.Constant) else "\0" for each in values
                )
            case ast.Constant(value=str(text)):
                yield text
            case _:
                pass


def is_said(quote: str) -> bool:
    """Whether a text of the code holds a quote, or it names a code; `...` is what is filled in."""
    if any(word in REASONS for word in re.findall(r"[A-Z_]{3,}", quote)):
        return True
    parts = (re.escape(part.strip()) for part in quote.split("...") if part.strip())
    return re.search(".*".join(parts), said()) is not None


def quotes() -> list[str]:
    """The code spans of first columns, but settings, commands and files."""
    tables = [row for head in HEADS for row in PAGE.table(head)]
    spans = documents.first_spans(tables)
    return [span for span in spans if not re.search(r"run\.py|^/|^[a-z]+(\[\d\])?\.[a-z_]+", span)]


@pytest.mark.parametrize("quote", sorted(set(quotes())))
def test_line_that_is_quoted_is_said(quote: str) -> None:
    assert is_said(quote)


def test_line_that_nobody_says_is_found() -> None:
    assert not is_said("the moon is down")
    assert is_said("feed was ..., is ...")
    assert not is_said("feeds were ..., are ...")
    assert len(quotes()) > 100
