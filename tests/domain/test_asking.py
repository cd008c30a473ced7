"""A question whose answer may never come."""

from domain.asking import Asking
from domain.units import SECOND, Micros, seconds
from tests.domain.tape import at

NOON = at("12:00")


def test_answer_is_taken_once_and_lets_the_next_question_go() -> None:
    asking = Asking(seconds(10))
    assert not asking.is_out(NOON)
    number = asking.begin(NOON)
    assert asking.is_out(Micros(NOON + 9 * SECOND))
    assert [asking.is_answer(number), asking.is_answer(number)] == [True, False]
    assert not asking.is_out(NOON)


def test_answer_overdue_is_waited_for_no_longer_and_not_taken_when_it_comes() -> None:
    asking = Asking(seconds(10))
    lost = asking.begin(NOON)
    assert not asking.is_out(Micros(NOON + 10 * SECOND))
    assert not asking.is_answer(lost)
    again = asking.begin(Micros(NOON + 10 * SECOND))
    assert not asking.is_answer(lost)
    assert asking.is_out(Micros(NOON + 11 * SECOND))
    assert asking.is_answer(again)


def test_question_of_an_instant_the_clock_was_set_back_from_is_overdue() -> None:
    asking = Asking(seconds(10))
    asking.begin(NOON)
    assert not asking.is_out(Micros(NOON - 3_600 * SECOND))
