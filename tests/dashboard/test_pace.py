"""Asking too often is noticed, and forgiven."""

import pytest

from dashboard.pace import Pace
from domain import clock
from domain.units import SECOND, Micros


def test_bucket_holds_two_seconds_and_fills_again(monkeypatch: pytest.MonkeyPatch) -> None:
    at = [Micros(0)]
    monkeypatch.setattr(clock, "steady", lambda: at[0])
    pace = Pace(5)
    assert [pace.take() for _ in range(11)] == [True] * 10 + [False]
    at[0] = Micros(SECOND // 5)
    assert [pace.take(), pace.take()] == [True, False]
    at[0] = Micros(100 * SECOND)
    assert [pace.take() for _ in range(11)] == [True] * 10 + [False]
