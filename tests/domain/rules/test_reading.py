from collections.abc import Callable
from typing import Any

import pytest

from domain.errors import RuleError
from domain.rules.pack import Holiday, Row, Special
from domain.rules.reading import build
from domain.units import Day
from tests.domain.rules.documents import (
    Document,
    a_row,
    a_rule,
    having,
    the_files,
    with_rule,
    without_rule,
)


def faults_of(*changes: Callable[[Document], object], **files: Any) -> tuple[str, ...]:
    with pytest.raises(RuleError) as caught:
        build(the_files(*changes) | files)
    return caught.value.problems


def a_holiday(**changes: object) -> Document:
    day = {"date": "2026-11-24", "name": "Guru Nanak", "source": "NSE", "certainty": "exchange"}
    return day | changes


def a_special(**changes: object) -> Document:
    return a_holiday(date="2026-11-08", name="Muhurat", open="18:00", close="19:15") | changes


def test_complete_documents_make_a_pack() -> None:
    late = a_row(from_="2026-01-06", value=65, source="NSE/FAOP/70616")
    rule = a_rule("lot.NIFTY", a_row(value="none"), late)
    days = having(holidays=[a_holiday()], special=[a_special()], valid_through="2026-11-30")
    pack = build(the_files(with_rule(rule), days))
    assert (pack.version, pack.valid_through, pack.holidays_through) == (
        3,
        "2026-11-30",
        "2026-12-31",
    )
    assert pack.rows["lot.NIFTY"] == (
        Row(since=Day("2000-01-01"), value=None, source="a circular", certainty="exchange"),
        Row(since=Day("2026-01-06"), value=65, source="NSE/FAOP/70616", certainty="exchange"),
    )
    assert pack.holiday(Day("2026-11-24")) == Holiday(
        day=Day("2026-11-24"), name="Guru Nanak", source="NSE", certainty="exchange"
    )
    assert pack.special(Day("2026-11-08")) == Special(
        day=Day("2026-11-08"),
        name="Muhurat",
        open="18:00",
        close="19:15",
        source="NSE",
        certainty="exchange",
    )


def test_pack_of_several_files_is_valid_as_long_as_the_first_to_run_out() -> None:
    more = {"version": 3, "valid_through": "2026-06-30", "rules": []}
    assert build(the_files() | {"more.yaml": more}).valid_through == "2026-06-30"


@pytest.mark.parametrize(
    ("value", "key"),
    [
        (65.0, "lot.NIFTY"),
        (True, "lot.NIFTY"),
        (0, "lot.NIFTY"),
        ("65", "lot.NIFTY"),
        (None, "lot.NIFTY"),
        ([65], "lot.NIFTY"),
        (1, "weekly.NIFTY"),
        ("yes", "weekly.NIFTY"),
        ("sun", "expiry_weekday.NIFTY"),
        ("9:15-15:30", "hours.fno"),
        ("15:30-09:15", "hours.fno"),
        (915, "hours.fno"),
        ("15:15:00", "square_off.default"),
        ("24:00", "square_off.default"),
        ("maybe", "market_orders.default"),
        (-1, "charges.sebi_per_crore"),
        (0.18, "charges.gst_bps"),
    ],
)
def test_value_of_the_wrong_kind_is_refused_with_what_is_allowed(value: object, key: str) -> None:
    (fault,) = faults_of(with_rule(a_rule(key, a_row(value=value))))
    assert fault.startswith(f"rules.yaml: {key}: row from 2000-01-01: value {value!r} is not")
    assert "allowed is " in fault


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        ([a_row(from_="2000-01-02")], "the first row must be from 2000-01-01"),
        ([a_row(), a_row()], "rows must ascend"),
        ([a_row(), a_row(from_="2026-01-06"), a_row(from_="2025-01-02")], "rows must ascend"),
        ([a_row(source="")], "source '' is not allowed"),
        ([a_row(source=None)], "source None is not allowed"),
        ([a_row(certainty="rumour")], "certainty 'rumour' is not allowed"),
        ([a_row(certainty="data, rumour")], "certainty 'data, rumour' is not allowed"),
        ([a_row(until="2027-01-01")], "unknown key until"),
        ([a_row(from_="2000-1-1")], "from '2000-1-1' is not allowed"),
        ([a_row(), a_row(from_="2026-02-30")], "from '2026-02-30' is not allowed"),
        ([a_row(), a_row(from_=20260106)], "from 20260106 is not allowed"),
        ([a_row(), a_row(from_="20260106")], "from '20260106' is not allowed"),
        (["75"], "lot.NIFTY: rows: '75' is not allowed"),
    ],
)
def test_bad_row_is_refused_by_name(rows: list[object], fault: str) -> None:
    assert any(fault in f for f in faults_of(with_rule(a_rule("lot.NIFTY", *rows))))


@pytest.mark.parametrize(
    ("rule", "fault"),
    [
        (a_rule("lot.NIFTY", by="trade_date"), "by 'trade_date' is not allowed; it goes by expiry"),
        (a_rule("lot.NIFTY", until="2027"), "unknown key until"),
        (a_rule("lot.NIFTY", rows=[]), "lot.NIFTY: has no rows"),
        (a_rule("lot.NIFTY", rows=7), "7 is not allowed; a list of mappings is"),
        ({"key": "lot.RELIANCE", "rows": []}, "unknown rule lot.RELIANCE"),
        ("lot.NIFTY", "rules: 'lot.NIFTY' is not allowed"),
    ],
)
def test_bad_rule_is_refused_by_name(rule: object, fault: str) -> None:
    assert any(fault in f for f in faults_of(with_rule(rule)))


def test_rule_written_twice_is_refused() -> None:
    def twice(document: Document) -> None:
        document["rules"].append(a_rule("lot.NIFTY"))

    assert faults_of(twice) == ("rules.yaml: lot.NIFTY is written twice",)


def test_missing_rule_is_refused_but_a_broker_may_have_none_of_its_own() -> None:
    fault = "rules: lot.NIFTY is missing; add it with a row from 2000-01-01"
    assert faults_of(without_rule("lot.NIFTY")) == (fault,)
    assert faults_of(without_rule("square_off.default"))
    assert "square_off.zerodha" not in build(the_files()).rows


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"version": 0}, "rules.yaml: version 0 is not allowed"),
        ({"version": True}, "rules.yaml: version True is not allowed"),
        ({"version": "3"}, "rules.yaml: version '3' is not allowed"),
        ({"valid_through": "soon"}, "rules.yaml: valid_through 'soon' is not allowed"),
        ({"holidays_through": 2026}, "rules.yaml: holidays_through 2026 is not allowed"),
        ({"holyday": []}, "rules.yaml: unknown key holyday"),
        ({"holidays": [a_holiday(date="2026-11-31")]}, "holiday: date '2026-11-31'"),
        ({"holidays": [a_holiday(), a_holiday()]}, "holiday 2026-11-24: is written twice"),
        ({"holidays": [a_holiday(open="09:15")]}, "holiday 2026-11-24: must have exactly"),
        ({"holidays": [a_holiday(source=" ")]}, "holiday 2026-11-24: source ' '"),
        ({"special": [a_special(open="18.00")]}, "special 2026-11-08: hours '18.00' to '19:15'"),
        ({"special": [a_special(close="18:00")]}, "special 2026-11-08: hours '18:00' to '18:00'"),
        ({"special": [a_special(date="Sunday")]}, "special: date 'Sunday'"),
        ({"special": [a_special(), a_holiday(date="2026-11-08")]}, "is written twice"),
    ],
)
def test_bad_head_or_calendar_is_refused(changes: dict[str, object], fault: str) -> None:
    assert any(fault in f for f in faults_of(having(**changes)))


def test_holidays_must_be_known_through_some_day() -> None:
    def forget(document: Document) -> None:
        del document["holidays_through"]

    assert faults_of(forget) == ("rules: no file has holidays_through; sessions.yaml must",)


def test_files_of_different_versions_are_refused_together() -> None:
    more = {"version": 4, "valid_through": "2027-06-30", "rules": []}
    (fault,) = faults_of(**{"more.yaml": more})
    assert fault == "rules: the files are of different versions: rules.yaml 3, more.yaml 4"


@pytest.mark.parametrize("nonsense", [None, 7, "rules", []])
def test_file_that_is_no_mapping_is_refused(nonsense: object) -> None:
    (fault,) = faults_of(**{"more.yaml": nonsense})
    assert fault == "more.yaml: is no mapping of version, valid_through and rules"


def test_every_fault_is_named_at_once() -> None:
    bad = a_rule("lot.NIFTY", a_row(value=1.5, certainty="rumour"))
    assert len(faults_of(with_rule(bad), without_rule("lot.SENSEX"), having(version=0))) == 4
