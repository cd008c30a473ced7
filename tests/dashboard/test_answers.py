"""What is answered: the snapshot as it is, and its age."""

import msgspec

from dashboard import answers
from dashboard.board import Board
from domain.status import OLD_S, Hold, entries_off, recommendations
from tests.dashboard.conftest import Stopped
from tests.domain.test_status import a_status

FROZEN = a_status(
    mode="REDUCE_ONLY", mode_reason="FREEZE", latches=(Hold(code="FREEZE", text="BY_HAND"),)
)


def a_board(status: object = None) -> Board:
    board = Board()
    board.show(status or a_status())  # type: ignore[arg-type]  # a Status, or none
    return board


def test_agent_that_tells_is_healthy_and_ready(machine: Stopped) -> None:
    board = a_board()
    machine.pass_s(0.5)
    assert answers.health(board) == (200, {"healthy": True, "reason": "", "age_s": 0.5})
    said = {"ready": True, "reason": "", "mode": "ACTIVE", "codes": (), "entries_off": ""}
    assert answers.readiness(board) == (200, said)


def test_agent_that_is_held_is_healthy_and_not_ready(machine: Stopped) -> None:
    board = a_board(FROZEN)
    assert answers.health(board)[0] == 200
    said = {
        "ready": False,
        "reason": "REDUCE_ONLY FREEZE",
        "mode": "REDUCE_ONLY",
        "codes": ("FREEZE",),
        "entries_off": "REDUCE_ONLY FREEZE",
    }
    assert answers.readiness(board) == (503, said)


def test_agent_that_sleeps_is_ready_and_enters_nothing(machine: Stopped) -> None:
    board = a_board(a_status(mode="CLOSED", mode_reason="next session 2026-11-23 09:15 IST"))
    code, said = answers.readiness(board)
    off = "CLOSED next session 2026-11-23 09:15 IST"
    assert (code, said["ready"], said["entries_off"]) == (200, True, off)


def test_agent_that_stands_still_is_neither(machine: Stopped) -> None:
    board = a_board()
    machine.pass_s(OLD_S + 1)
    why = "nothing was told for 31 s"
    assert answers.health(board) == (503, {"healthy": False, "reason": why, "age_s": 31.0})
    code, said = answers.readiness(board)
    assert (code, said["reason"]) == (503, why)
    assert said["entries_off"] == "unknown, the status is old"


def test_agent_that_starts_is_healthy_for_a_while_and_not_ready(machine: Stopped) -> None:
    board = Board()
    assert answers.health(board)[0] == 200
    assert answers.readiness(board)[0] == 503
    code, said = answers.state(board, "0.1.0")
    assert (code, said["age_s"], said["healthy"], said["ready"]) == (200, None, True, False)
    machine.pass_s(OLD_S + 1)
    assert answers.health(board)[0] == 503


def test_state_is_the_snapshot_and_how_old_it_is(machine: Stopped) -> None:
    status = msgspec.structs.replace(FROZEN, commit="0123abc", uncovered=65, positions=1)
    board = a_board(status)
    machine.pass_s(1.25)
    code, said = answers.state(board, "0.1.0")
    shown = msgspec.to_builtins(status)
    assert code == 200
    assert {key: said[key] for key in shown} == shown
    assert {key: value for key, value in said.items() if key not in shown} == {
        "alive": True,
        "version": "0.1.0",
        "healthy": True,
        "ready": False,
        "attention": "REDUCE_ONLY FREEZE",
        "age_s": 1.25,
        "entries_off": entries_off(status, alive=True),
        "recommendations": recommendations(status, alive=True),
    }
