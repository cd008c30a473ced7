"""The board: the newest status and its age."""

from dashboard.board import Board
from domain import clock
from domain.units import SECOND
from tests.domain.test_status import a_status


def test_board_holds_the_newest_status_and_how_old_it_is() -> None:
    board, first = Board(), clock.machine()
    assert board.look() is None
    board.show(a_status(bars=1))
    board.show(a_status(bars=2))
    found = board.look()
    assert found is not None
    status, age_s = found
    assert status == a_status(bars=2)
    assert 0 <= age_s <= (clock.machine() - first) / SECOND
