"""What a visit goes on with: warnings keep nothing back, failures keep back what needs them."""

import pytest

from cli.findings import Check, Finding, examine, failed, passed, skipped, warned


@pytest.mark.parametrize(
    ("first", "second", "is_good"),
    [
        (passed("well"), "PASS second: seen", True),
        (warned("old", "Renew it"), "PASS second: seen", True),
        (failed("gone", "Find it"), "SKIP second: needs first", False),
        (skipped("not here"), "SKIP second: needs first", True),
    ],
)
def test_check_is_made_unless_what_it_needs_is_missing(
    first: Finding, second: str, is_good: bool
) -> None:
    told: list[str] = []
    checks: tuple[Check[None], ...] = (
        Check("first", lambda _: first),
        Check("second", lambda _: passed("seen"), ("first",)),
    )
    assert examine(checks, None, told.append) is is_good
    assert told == [first.line("first"), second]


def test_remedy_ends_the_line() -> None:
    assert warned("10 days left", "Renew it").line("tls") == "WARN tls: 10 days left. Renew it."
