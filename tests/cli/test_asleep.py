"""`flatten` of an agent that sleeps: what the newest session's journal knows, and no file left."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cli.dropbox import KILL
from cli.following import Course, Following
from cli.session import locked
from cli.status import NAME as STATUS
from domain import clock
from domain.events import ProvedFlat, Recovered
from domain.session import instant
from domain.units import Day
from journal.archive import FOLDER
from journal.orders import NAME, OrderJournal
from tests.cli.typing_in import RunPy
from tests.domain.test_status import a_status
from tests.orders import planned

FRIDAY = Day("2026-11-20")
FLAT, NOT_PROVED = 0, 3
WHY = "next session 2026-11-23 09:15 IST"
ASLEEP = f"the agent is asleep ({WHY})"
LOOK = "look at the broker's positions and orders, and close by hand what is open"


def says(folder: Path, **changes: Any) -> None:
    """Let the agent say this of itself."""
    told = {"pid": os.getpid(), "mode": "CLOSED", "mode_reason": WHY, "at": clock.now()} | changes
    (folder / STATUS).write_bytes(msgspec.json.encode(a_status(**told)))


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """The folder of an agent that sleeps, before any session."""
    with locked(tmp_path / "state") as folder:
        says(folder)
        yield folder


def keep(folder: Path, *events: Any) -> None:
    """Leave the journal of a friday in the archive, and that of today without a session."""
    home = folder / FOLDER / FRIDAY
    home.mkdir(parents=True)
    with OrderJournal(home / NAME, 1, instant(FRIDAY, "09:00")) as journal:
        journal.append(events)
    with OrderJournal(folder / NAME, 1, clock.now()):
        pass


def proof() -> ProvedFlat:
    return ProvedFlat(at=instant(FRIDAY, "15:16"), first="a", second="b")


def test_nothing_is_open_before_the_first_session(run_py: RunPy, folder: Path) -> None:
    said = run_py("flatten")
    assert (said.code, said.err) == (FLAT, "")
    assert said.out.startswith(f"{ASLEEP}, nothing is open: no journal of a session is here.")
    assert not (folder / KILL).exists()


def test_newest_session_proves_it(run_py: RunPy, folder: Path) -> None:
    keep(folder, proof())
    said = run_py("flatten")
    assert (said.code, said.err) == (FLAT, "")
    assert said.out == f"{ASLEEP}, nothing is open: the journal of {FRIDAY} proves it\n"
    assert not (folder / KILL).exists()


def test_what_the_newest_session_left_open_is_told(run_py: RunPy, folder: Path) -> None:
    keep(folder, planned(at=instant(FRIDAY, "10:00")))
    said = run_py("flatten")
    assert (said.code, said.err) == (NOT_PROVED, "")
    first, left, last = said.out.splitlines()
    assert first == f"{ASLEEP}, nothing can be sent; the journal of {FRIDAY} knows of this:"
    assert " no position last=unknown orders=" in left
    assert last == LOOK
    assert not (folder / KILL).exists()


def test_journal_that_cannot_be_read_proves_nothing(run_py: RunPy, folder: Path) -> None:
    keep(folder, proof())
    (folder / FOLDER / FRIDAY / NAME).write_bytes(b"no database, as long as that may be")
    said = run_py("flatten")
    assert said.code == NOT_PROVED
    assert "whether anything is open cannot be told" in said.out


def test_session_without_a_proof_is_said_to_have_none(run_py: RunPy, folder: Path) -> None:
    keep(folder, Recovered(at=instant(FRIDAY, "09:01"), orders=0, shorts=0))
    said = run_py("flatten")
    assert said.code == FLAT
    assert "knows of nothing, but was not proved flat" in said.out


def test_host_that_stands_by_does_not_speak_for_the_other(run_py: RunPy, folder: Path) -> None:
    says(folder, mode_reason="standby, a has the lease")
    said = run_py("flatten")
    assert said.code == NOT_PROVED
    assert "what another host opened is flattened there" in said.out


def test_file_of_a_human_stays_and_is_told(run_py: RunPy, folder: Path) -> None:
    (folder / KILL).write_text("FLATTEN")
    said = run_py("flatten")
    assert said.out.splitlines()[-1].startswith("state/KILL stays, and is obeyed from")
    assert (folder / KILL).read_text() == "FLATTEN"


def test_dry_run_of_a_sleeper(run_py: RunPy, folder: Path) -> None:
    said = run_py("flatten", "--dry-run")
    assert said.code == FLAT
    assert said.out.startswith(f"{ASLEEP}, nothing is open")


@pytest.mark.parametrize("changes", [{"mode": "ACTIVE"}, {"ended": "day done"}, {"pid": 1}])
def test_who_falls_asleep_meanwhile_leaves_no_file(
    run_py: RunPy, folder: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]
) -> None:
    says(folder, **changes)
    original = Following.run

    def run(self: Following, takeover_s: int) -> Course:
        course = original(self, 0)
        assert (folder / KILL).exists()
        says(folder)
        return course

    monkeypatch.setattr(Following, "run", run)
    said = run_py("flatten")
    assert said.code == FLAT
    assert not (folder / KILL).exists()
