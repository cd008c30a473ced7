"""The journal at a start of `run.py live`: what is waited for, and what is refused for good."""

import logging
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.live import READS, wait_for_journal
from domain.errors import JournalBusy, JournalError, JournalNewer
from domain.units import Day, Micros
from journal.orders import NAME, OrderJournal
from tests.cli.typing_in import REFUSED, RunPy

DAY = Day("2026-11-20")
AGAIN = 70
"""What a service manager starts again."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    OrderJournal(tmp_path / NAME, 1, Micros(1)).close()
    return tmp_path / NAME


@pytest.fixture
def holder(path: Path) -> Iterator[sqlite3.Connection]:
    """Another process that holds the whole file: a shell, a backup."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("PRAGMA locking_mode=EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    yield other
    other.close()


def test_locked_journal_is_waited_for_and_said_once(
    path: Path, holder: sqlite3.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    pauses = list[int]()

    def pause() -> None:
        pauses.append(1)
        if len(pauses) == 3:
            holder.close()

    with caplog.at_level(logging.WARNING):
        wait_for_journal(path, DAY, pause)
    assert len(pauses) == 3
    (line,) = caplog.messages
    assert line.startswith("waiting up to a minute for the journal: ")
    assert "database is locked. Find who holds it" in line


@pytest.mark.usefixtures("holder")
def test_journal_that_stays_locked_ends_the_start_after_a_minute(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses = list[int]()
    assert READS == 60
    monkeypatch.setattr("cli.live.READS", 3)
    with pytest.raises(JournalBusy):
        wait_for_journal(path, DAY, lambda: pauses.append(1))
    assert len(pauses) == 2


def test_disk_that_gives_nothing_is_waited_for_as_well(path: Path) -> None:
    """A folder in the file's place: it cannot be opened, and comes back."""
    path.rename(path.with_name("kept"))
    path.mkdir()

    def mend() -> None:
        path.rmdir()

    wait_for_journal(path, DAY, mend)


def test_damaged_journal_is_left_to_the_agent_at_once(path: Path) -> None:
    path.write_bytes(b"no database" * 1000)
    wait_for_journal(path, DAY, None)


def test_journal_of_a_later_version_is_refused_at_once(path: Path) -> None:
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(JournalNewer):
        wait_for_journal(path, DAY, None)


@pytest.mark.usefixtures("holder")
def test_locked_journal_ends_in_a_code_that_is_started_again(path: Path, run_py: RunPy) -> None:
    said = run_py("freeze", "--state-dir", path.parent)
    assert "database is locked. Find who holds it" in said.refusal(AGAIN)


def test_journal_on_a_failing_disk_ends_in_a_code_that_is_started_again(
    path: Path, run_py: RunPy, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise JournalError("disk I/O error. Look at the disk")

    monkeypatch.setattr("cli.levers.verify", fails)
    monkeypatch.setattr("cli.levers.open_orders", fails)
    assert "disk I/O error" in run_py("freeze", "--state-dir", path.parent).refusal(AGAIN)


def test_journal_of_a_later_version_ends_in_a_code_that_is_not(path: Path, run_py: RunPy) -> None:
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 99")
    db.close()
    said = run_py("freeze", "--state-dir", path.parent)
    assert "Start the version that wrote it" in said.refusal(REFUSED)
