"""The board: the newest status and its age."""

from dashboard.board import Board
from tests.dashboard.conftest import Stopped
from tests.domain.test_status import a_status


def test_board_holds_the_newest_status_and_how_old_it_is(machine: Stopped) -> None:
    board = Board()
    board.show(a_status(bars=1))
    machine.pass_s(2)
    board.show(a_status(bars=2))
    machine.pass_s(1.5)
    assert board.look() == (a_status(bars=2), 1.5)
    assert board.age_s() == 1.5


def test_board_without_a_status_is_as_old_as_itself(machine: Stopped) -> None:
    board = Board()
    machine.pass_s(3)
    assert (board.look(), board.age_s()) == (None, 3.0)


def test_clock_that_runs_backwards_makes_nothing_young(machine: Stopped) -> None:
    board = Board()
    machine.pass_s(-1)
    assert board.age_s() == 0.0
