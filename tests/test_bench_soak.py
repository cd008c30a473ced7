"""The soak's verdict: what grows is told from what only varies, in each figure."""

from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.soak import TOLERATED, Session, judge, slope, times
from domain import events as ev
from domain.calls import Outcome
from domain.units import Micros

DAYS = 10
A_DAY = Session(
    day="2026-11-20",
    rss=106.0,
    fds=12,
    threads=5,
    peak=108.0,
    inbox=2,
    journal=0.4,
    events=300,
    writes=40,
    p50=9.0,
    p99=30.0,
    real_s=370.0,
    clean=True,
)


def days(**lines: Any) -> list[Session]:
    """Return days whose figures are what a function makes of their number."""
    return [replace(A_DAY, **{n: line(k) for n, line in lines.items()}) for k in range(DAYS)]


def growing(sessions: list[Session]) -> set[str]:
    return {verdict.name for verdict in judge(sessions) if not verdict.is_flat}


def test_equal_days_are_flat() -> None:
    assert growing(days()) == set()
    assert {verdict.name for verdict in judge(days())} == set(TOLERATED)


@pytest.mark.incident("INC-102")
@pytest.mark.parametrize(
    ("name", "leak"),
    [
        ("rss", lambda k: 106 + 2.0 * k),
        ("peak", lambda k: 108 + 2.0 * k),
        ("fds", lambda k: 12 + k),
        ("fds", lambda k: 12 + k // 3),
        ("threads", lambda k: 5 + k),
        ("journal", lambda k: 0.4 * (k + 1)),
        ("p50", lambda k: 9.0 * (k + 1)),
        ("inbox", lambda k: 100 * k),
    ],
)
def test_what_grows_each_day_is_found(name: str, leak: Any) -> None:
    assert growing(days(**{name: leak})) == {name}


def test_the_first_day_loads_and_does_not_count() -> None:
    sessions = days(rss=lambda k: 60.0 if k == 0 else 106.0)
    assert growing(sessions) == set()


def test_what_shrinks_is_flat() -> None:
    assert growing(days(rss=lambda k: 106.0 - k, fds=lambda k: 30 - k)) == set()


def test_days_without_a_figure_are_left_out() -> None:
    known = days(p50=lambda k: -1 if k % 2 else 9.0)
    assert growing(known) == set()
    assert "p50" not in {verdict.name for verdict in judge(days(p50=lambda _: -1))}


@given(st.integers(3, 30), st.integers(-50, 50), st.integers(-9, 9))
def test_slope_is_that_of_the_line(days: int, rise: int, shift: int) -> None:
    assert slope([shift + rise * n for n in range(days)]) == rise


@given(st.integers(0, 9), st.integers(0, 9), st.floats(-500, 500))
def test_busy_days_do_not_make_a_slope(one: int, other: int, extra: float) -> None:
    values = [9.0 + extra * (n in {one, other}) for n in range(10)]
    assert slope(values) == 0


def test_one_value_has_no_slope() -> None:
    assert slope([5.0]) == slope([]) == 0


def test_writes_are_timed_in_real_milliseconds() -> None:
    def sent(at: int, intent: str) -> ev.Event:
        return ev.WriteSent(at=Micros(at), intent=intent, op="place")

    def replied(at: int, intent: str) -> ev.Event:
        return ev.WriteReplied(
            at=Micros(at),
            intent=intent,
            op="place",
            outcome=Outcome.DONE,
            status=200,
            orderid="1",
            mode="analyze",
            code="",
            text="",
        )

    events = [sent(0, "a"), sent(60_000, "b"), replied(600_000, "a"), replied(660_000, "x")]
    assert list(times(events, speed=60)) == [10.0]


def test_every_figure_that_is_judged_is_one_of_a_day() -> None:
    assert set(TOLERATED) <= {field.name for field in fields(Session)}
