"""Every incident of docs/incidents.md is proved by a test of its name, or openly waits for one."""

from pathlib import Path

import pytest

from tests import incidents, layers
from tests.incidents import Mark, Row
from tests.layers import Layer, Result

PAGE = """\
By layer: domain 1 \u00b7 e2e 1.

| Id | What happened | Sutradhar must | Test | Layer |
| **Feed** | | | | |
| INC-01 | a | b | `mute_socket_is_noticed` | domain |
| INC-02 | c | d | `stop_survives_kill` | e2e |
"""
TABLE = incidents.rows(PAGE)
PROVED = Mark("INC-01", "test_mute_socket_is_noticed", "tests/test_x.py:1")
UNIT = Layer("unit", (".",), 60)


def found(text: str) -> list[Mark]:
    return list(incidents.marks("tests/test_x.py", text))


def test_page_is_whole() -> None:
    page = incidents.PAGE.read_text("utf-8")
    assert list(incidents.page_complaints(page)) == []
    assert len(incidents.rows(page)) >= 123


def test_every_incident_is_proved_or_pending() -> None:
    table = incidents.rows(incidents.PAGE.read_text("utf-8"))
    waiting = incidents.pending(incidents.PENDING.read_text("ascii"))
    assert incidents.complaints(table, incidents.all_marks(), waiting) == []


def test_list_of_pending_incidents_only_shrinks() -> None:
    now = incidents.pending(incidents.PENDING.read_text("ascii"))
    assert incidents.growth([*incidents.history(), now]) == []


@pytest.mark.incident("INC-108")
def test_ci_fails_when_nothing_ran() -> None:
    nothing, skipped = Result(UNIT), Result(UNIT, skipped=["no chromium"], passed=1)
    assert layers.objection(nothing, strict=False) == "no test ran"
    assert layers.objection(skipped, strict=True) != ""
    assert incidents.complaints(TABLE, [PROVED], []) != []


def test_rows_are_read_with_name_and_layer() -> None:
    assert incidents.rows(PAGE) == [
        Row("INC-01", "mute_socket_is_noticed", "domain"),
        Row("INC-02", "stop_survives_kill", "e2e"),
    ]


def test_line_that_is_no_row_is_refused() -> None:
    with pytest.raises(ValueError, match="not a row of the table"):
        incidents.rows("| INC-03 | a | b | test without quotes | domain |")


@pytest.mark.parametrize(
    ("good", "bad", "complaint"),
    [
        ("INC-02", "INC-01", "id INC-01 stands twice"),
        ("stop_survives_kill", "mute_socket_is_noticed", "test mute_socket_is_noticed stands"),
        ("| e2e |", "| unit |", "no such layer: unit"),
        ("domain 1", "domain 2", "the page counts"),
    ],
)
def test_damaged_page_is_found(good: str, bad: str, complaint: str) -> None:
    assert list(incidents.page_complaints(PAGE)) == []
    said = incidents.page_complaints(PAGE.replace(good, bad))
    assert any(each.startswith(complaint) for each in said)


def test_marker_is_read_from_functions_classes_parameters_and_modules() -> None:
    text = """
pytestmark = [pytest.mark.incident("INC-1")]

@pytest.mark.incident("INC-2", "INC-3")
def test_two(): ...

@pytest.mark.parametrize("x", [pytest.param(1, marks=pytest.mark.incident("INC-4"))])
def test_many(x): ...

@pytest.mark.incident("INC-5")
class TestAll: ...
"""
    assert {(mark.id, mark.test) for mark in found(text)} == {
        ("INC-1", "test_x"),
        ("INC-2", "test_two"),
        ("INC-3", "test_two"),
        ("INC-4", "test_many"),
        ("INC-5", "TestAll"),
    }


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ('@pytest.mark.incident("INC-1")\ndef check_it(): ...', "never collected"),
        ('mark = pytest.mark.incident("INC-1")', "decorates nothing"),
        ("@pytest.mark.incident(ID)\ndef test_it(): ...", "is written out"),
    ],
)
def test_marker_that_marks_no_test_is_refused(text: str, error: str) -> None:
    with pytest.raises((ValueError, TypeError), match=error):
        found(text)


@pytest.mark.parametrize(
    ("marks", "waiting", "complaint"),
    [
        ([PROVED], [], "INC-02 is neither proved by test_stop_survives_kill nor pending"),
        ([], ["INC-02"], "INC-01 is neither proved"),
        ([Mark("INC-01", "test_other", "x")], ["INC-02"], "INC-01 is neither proved"),
        ([PROVED], ["INC-01", "INC-02"], "INC-01 has its test: take it off the list"),
        ([PROVED], ["INC-02", "INC-02"], "pending: INC-02 stands twice"),
        ([PROVED], ["INC-02", "INC-99"], "pending: no row INC-99"),
        ([PROVED, Mark("INC-77", "test_y", "x:1")], ["INC-02"], "x:1: no row INC-77"),
    ],
)
def test_hole_is_named(marks: list[Mark], waiting: list[str], complaint: str) -> None:
    assert incidents.complaints(TABLE, [PROVED], ["INC-02"]) == []
    said = incidents.complaints(TABLE, marks, waiting)
    assert [each.startswith(complaint) for each in said] == [True]


def test_comments_of_the_list_are_no_ids() -> None:
    assert incidents.pending("# why\nINC-02  # later\n\n") == ["INC-02"]


def test_id_that_came_back_is_growth() -> None:
    assert incidents.growth([["INC-01", "INC-02"], ["INC-02"], ["INC-02"]]) == []
    assert incidents.growth([["INC-01", "INC-02"], ["INC-02"], ["INC-01"]]) == ["INC-01"]


def test_outside_a_repository_there_is_no_history(tmp_path: Path) -> None:
    assert incidents.history(tmp_path / "list.txt", tmp_path) == []
