"""A journal is looked at before anything is started on it, and left as it was found."""

import sqlite3
from pathlib import Path
from zlib import crc32

import pytest

from domain.errors import JournalError, JournalNewer
from domain.units import Day
from journal.orders import JournalReader, OrderJournal, verify
from tests.journal.test_orders import DAY_EVENTS, damage, written
from tests.orders import T0
from tests.trading import DAY


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "orders.db"


def refused(path: Path) -> str:
    before = path.read_bytes()
    with pytest.raises(JournalError) as caught:
        verify(path, DAY)
    assert path.read_bytes() == before
    assert "Move the file aside" in str(caught.value)
    return str(caught.value)


def test_journal_that_was_never_written_is_empty(path: Path) -> None:
    assert verify(path, DAY) == ()
    assert not path.exists()
    path.touch()
    assert verify(path, DAY) == ()


def test_whole_journal_is_read(path: Path) -> None:
    written(path, *DAY_EVENTS)
    assert verify(path, DAY) == DAY_EVENTS


def test_journal_another_process_writes_is_read_as_far_as_committed(path: Path) -> None:
    with OrderJournal(path, 1, T0) as journal:
        journal.append(DAY_EVENTS)
        assert verify(path, DAY) == DAY_EVENTS


@pytest.mark.parametrize("content", [b"not a database at all, but long enough", b"\0" * 8192])
def test_file_that_is_no_database_is_named(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert f"the order journal {path} cannot be used: file is not a database" in refused(path)


def test_damaged_event_is_named(path: Path) -> None:
    written(path, *DAY_EVENTS)
    damage(path, "UPDATE event SET at = at + 1 WHERE seq = 2")
    assert "event 2 is damaged or missing" in refused(path)


def test_torn_page_is_named(path: Path) -> None:
    written(path, *DAY_EVENTS * 40)
    whole = path.read_bytes()
    path.write_bytes(whole[:8192] + b"\xff" * 4096 + whole[12288:])
    assert str(path) in refused(path)


def test_event_of_another_version_matters_on_its_day_only(path: Path) -> None:
    with OrderJournal(path, 1, T0) as journal:
        row = journal._row(1, DAY_EVENTS[0])
        newer = (*row[:9], row[9].replace(b'"schema":1', b'"schema":2'), 0)
    db = sqlite3.connect(path)
    with db:
        db.execute("INSERT INTO event VALUES (?,?,?,?,?,?,?,?,?,?,?)", newer)
        db.create_function("crc_of", -1, lambda *values: crc32(repr(values).encode()))
        db.execute("DROP TRIGGER event_no_update")
        columns = "seq, at, day, boot_id, kind, intent_id, orderid, strategy, leg, body"
        db.execute(f"UPDATE event SET crc = crc_of({columns})")
    db.close()
    with pytest.raises(JournalNewer, match="Start the version that wrote it"):
        verify(path, DAY)
    assert verify(path, Day("2026-01-01")) == ()


def test_folder_may_have_any_name(tmp_path: Path) -> None:
    path = tmp_path / "100% #1?" / "orders.db"
    path.parent.mkdir()
    written(path, *DAY_EVENTS)
    assert verify(path, DAY) == DAY_EVENTS
    assert len(JournalReader(path).rows(DAY)) == len(DAY_EVENTS)
