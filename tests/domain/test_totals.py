"""Sums over the lives of a counter."""

from domain.totals import Total


def sums(total: Total, *counts: int) -> list[int]:
    return [total.take(count) for count in counts]


def test_counter_that_never_falls_is_its_own_sum() -> None:
    assert sums(Total(), 0, 3, 3, 10) == [0, 3, 3, 10]


def test_counter_that_falls_has_begun_again_and_adds_up() -> None:
    assert sums(Total(), 3, 10, 2, 5, 0, 1) == [3, 10, 12, 15, 15, 16]


def test_sum_of_a_predecessor_is_gone_on_with() -> None:
    total = Total()
    total.resume(10)
    assert sums(total, 12, 13) == [12, 13]


def test_sum_of_a_predecessor_who_saw_several_lives_counts_none_twice() -> None:
    total = Total()
    total.resume(10)
    assert sums(total, 4, 6, 1) == [10, 12, 13]
