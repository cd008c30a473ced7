import pytest

from domain.params import is_date


@pytest.mark.parametrize(
    ("text", "is_one"), [("2026-11-19", True), ("2026-02-30", False), ("2026-13-01", False)]
)
def test_date_is_a_day_of_the_calendar(text: str, is_one: bool) -> None:
    assert is_date(text) is is_one
