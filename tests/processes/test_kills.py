"""The process is killed twenty times over sockets; `make kills` does it everywhere, and oftener."""

import random
from pathlib import Path

import pytest

from tests.processes.failpoint import Boundary, Points, points, read_marks
from tests.processes.kill_session import Killed
from tests.processes.kills import figures, play, random_kills, table, wrong

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

TIMES = 20
LONGEST_LIFE_S = 1.5


@pytest.mark.incident("INC-73")
def test_kill_between_any_two_steps_loses_no_order(tmp_path: Path) -> None:
    kills = [*random_kills(TIMES, random.Random(7), LONGEST_LIFE_S)]
    sessions = list(play(kills, tmp_path, chains=()))
    said = f"{table(sessions)}\n{figures(sessions)}"
    assert not wrong(sessions, ["random", "random, in recovery"]), said
    killed: list[Killed] = [each for some, *_ in sessions for each in some]
    assert len(killed) >= TIMES
    assert sum(each.met_orders for each in killed) >= TIMES // 2, said


def test_points_are_counted_by_name_and_written_down(tmp_path: Path) -> None:
    marks = tmp_path / "marks.jsonl"
    where = Points(marks, points("stop sent:3,lock:1"))
    where.passed(Boundary.STOP_SENT, "A")
    where.passed(Boundary.STOP_SENT, "B")
    assert [(m.name, m.nth, m.symbol) for m in read_marks(marks)] == [
        ("stop sent", 1, "A"),
        ("stop sent", 2, "B"),
    ]


def test_unknown_point_is_refused() -> None:
    with pytest.raises(ValueError, match="stop sunk"):
        points("stop sunk:1")
