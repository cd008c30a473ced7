"""Several sessions in one process: what a night leaves open, the next one leaves open too."""

from pathlib import Path

import pytest

from bench.soak import soak, table

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

SPEED, SESSIONS = 120, 4
SETTINGS = "session: {entry_stop_min: 0}\n"
LARGEST_GROWTH_MIB = 6
"""Between two nights. An actor's cast that is kept weighs more than twice of it."""


@pytest.mark.incident("INC-102")
def test_long_run_leaks_nothing(tmp_path: Path) -> None:
    """Four days of seven minutes, with the whole cast of 90 actors in each."""
    (tmp_path / "own.yaml").write_text(SETTINGS)
    words = f"--speed {SPEED} --from 10:08 --until 10:15 --days {SESSIONS}".split()
    code, sessions = soak(
        tmp_path / "state", [*words, "--config", str(tmp_path / "own.yaml")], SPEED
    )
    shown = table(sessions)
    said = (tmp_path / "state" / "said.txt").read_text("ascii", "replace")
    assert (code, len(sessions)) == (0, SESSIONS), said[-2000:]
    assert all(each.clean for each in sessions), shown
    nights = sessions[:-1]
    assert len({(each.fds, each.threads) for each in nights}) == 1, shown
    assert nights[0].fds > 0, shown
    assert nights[-1].rss - nights[-2].rss < LARGEST_GROWTH_MIB, shown
    assert sessions[-1].peak - sessions[1].peak < LARGEST_GROWTH_MIB, shown
    assert {each.day for each in sessions} == {
        path.name for path in (tmp_path / "state" / "days").iterdir()
    } | {sessions[-1].day}
