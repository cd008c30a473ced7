"""Waiting ends when the condition holds, fails when it does not, and no frozen clock stops it."""

import pytest
from freezegun import freeze_time

from tests.waiting import until


def test_what_the_condition_answers_is_returned() -> None:
    answers = iter(["", "", "filled"])
    assert until(lambda: next(answers), within_s=1) == "filled"


def test_condition_that_never_holds_fails() -> None:
    with pytest.raises(AssertionError, match=r"still not so after 0\.02 s"):
        until(lambda: False, within_s=0.02)


def test_condition_is_asked_even_when_there_is_no_time() -> None:
    assert until(lambda: True, within_s=0)


@freeze_time("2026-11-19 09:44:59")
def test_frozen_clock_does_not_wait_for_ever() -> None:
    with pytest.raises(AssertionError):
        until(lambda: False, within_s=0.02)
