from pathlib import Path

import pytest

from config.documents import parse, read
from domain.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("15:15:00", "15:15:00"),
        ("2026-11-19", "2026-11-19"),
        ("yes", "yes"),
        ("on", "on"),
        ("True", "True"),
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("65", 65),
        ("-5", -5),
        ("0", 0),
        ("010", "010"),
        ("0x10", "0x10"),
        ("1_000", "1_000"),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        (".inf", ".inf"),
        ("'65'", "65"),
        ("[5, 15, 60]", [5, 15, 60]),
        ("{a: {b: 1}}", {"a": {"b": 1}}),
    ],
)
def test_only_what_is_plainly_a_number_or_a_boolean_is_one(text: str, value: object) -> None:
    found = parse(text, "x.yaml")
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: 1\na: 2", r"x.yaml line 2, column 1: a is written twice"),
        ("a:\n  b: 1\n  b: 2", r"x.yaml line 3, column 3: b is written twice"),
        ("a: [1", r"x.yaml line 1, column 6: "),
        ("a: \x00", r"x.yaml: is not YAML"),
        ("!!python/object:os.system a", r"x.yaml line 1, column 1: could not determine"),
    ],
)
def test_text_that_is_not_one_plain_document_is_refused(text: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        parse(text, "x.yaml")


def test_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none.yaml: cannot be read \(No such file"):
        read(tmp_path / "none.yaml")


def test_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / "binary.yaml"
    path.write_bytes(b"a: \xff\xfe")
    with pytest.raises(ConfigError, match=r"binary.yaml: is not UTF-8 text"):
        read(path)


def test_file_is_read_as_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "some.yaml"
    path.write_text("name: \u0938\u0942\u0924\u094d\u0930\u0927\u093e\u0930", "utf-8")
    assert read(path) == {"name": "\u0938\u0942\u0924\u094d\u0930\u0927\u093e\u0930"}
