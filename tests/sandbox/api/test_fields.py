"""Values are read, and refused, in OpenAlgo's words."""

from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.api.fields import (
    Field,
    Invalid,
    Schema,
    date,
    length,
    may,
    must,
    number,
    one_of,
    several,
    text,
    truth,
    whole,
)


def refusal(field: Field, value: object) -> object:
    with pytest.raises(Invalid) as refused:
        field.load(value)
    return refused.value.messages


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (65, Decimal(65)),
        ("65", Decimal(65)),
        (" 149.95 ", Decimal("149.95")),
        (Decimal("1E+3"), Decimal(1000)),
        (-1, Decimal(-1)),
    ],
)
def test_number_is_a_json_number_or_numeric_text(value: object, read: Decimal) -> None:
    assert number(value) == read


@pytest.mark.parametrize("value", ["abc", "", True, [], {}, "1,5"])
def test_anything_else_is_no_number(value: object) -> None:
    assert refusal(must(number), value) == ["Not a valid number."]


def test_numbers_that_are_not_numbers_are_refused() -> None:
    special = ["Special numeric values (nan or infinity) are not permitted."]
    assert [refusal(must(number), value) for value in ("nan", "-inf", "Infinity")] == [special] * 3
    assert refusal(must(number), "1e400") == ["Number too large."]


def test_integer_cuts_a_number_and_wants_whole_text() -> None:
    assert (whole(5), whole("5"), whole(Decimal("5.9"))) == (5, 5, 5)
    for value in ("5.5", "x", True, object()):
        assert refusal(must(whole), value) == ["Not a valid integer."]


def test_integer_of_too_many_digits_is_not_worked_out() -> None:
    assert refusal(must(whole), Decimal("1e400000000")) == ["Number too large."]


def test_text_is_text_only() -> None:
    assert text("26112166700552") == "26112166700552"
    for value in (1, 1.5, True, object()):
        assert refusal(must(text), value) == ["Not a valid string."]


@pytest.mark.parametrize(
    ("value", "read"), [(True, True), ("true", True), (1, True), ("off", False), (0, False)]
)
def test_truth_has_many_spellings(value: object, *, read: bool) -> None:
    assert truth(value) is read


def test_other_words_are_not_true_or_false() -> None:
    assert [refusal(must(truth), v) for v in ("maybe", 2, object())] == [
        ["Not a valid boolean."]
    ] * 3


def test_date_is_year_month_day() -> None:
    assert date("2026-11-20") == "2026-11-20"
    for value in ("20-11-2026", "2026-02-30", 20261120, ""):
        assert refusal(must(date), value) == ["Not a valid date."]


def test_null_is_refused_unless_allowed() -> None:
    assert refusal(may(text), None) == ["Field may not be null."]
    assert may(text, nullable=True).load(None) is None


def test_every_broken_check_is_told() -> None:
    field = must(text, length(3), one_of("CE", "PE"))
    assert refusal(field, "X") == ["Shorter than minimum length 3.", "Must be one of: CE, PE."]


def test_schema_tells_its_fields_in_order_and_then_the_unknown_ones() -> None:
    schema: Schema[object] = Schema(
        dict, {"apikey": must(text), "symbol": must(text), "n": may(whole)}
    )
    with pytest.raises(Invalid) as refused:
        schema.load({"x": 1, "n": "a", "symbol": 5})
    assert str(refused.value.messages) == (
        "{'apikey': ['Missing data for required field.'], 'symbol': ['Not a valid string.'], "
        "'n': ['Not a valid integer.'], 'x': ['Unknown field.']}"
    )


def test_list_tells_the_place_of_what_is_wrong() -> None:
    field = must(several(Schema(dict, {"symbol": must(text)})), length(1))
    assert refusal(field, [{"symbol": "A"}, {}, 5]) == {
        1: {"symbol": ["Missing data for required field."]},
        2: {"_schema": ["Invalid input type."]},
    }
    assert refusal(field, "A") == ["Not a valid list."]
    assert refusal(field, []) == ["Shorter than minimum length 1."]


@given(st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=0, max_value=10**9))
def test_number_keeps_every_digit_in_both_spellings(amount: Decimal) -> None:
    assert number(str(amount)) == number(amount) == amount


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


READERS: tuple[Callable[[object], object], ...] = (
    *(text, number, whole, truth, date),
    several(Schema(dict, {"a": may(text)})),
)


@given(JSON_VALUES, st.sampled_from(READERS))
def test_no_value_breaks_a_field(value: object, read: Callable[[object], object]) -> None:
    with suppress(Invalid):
        Field(read).load(value)
