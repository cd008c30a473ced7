"""The order journal: append-only, durable before anything is sent, believed only when whole."""

import sqlite3
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import get_args

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain import events as ev
from domain.errors import JournalBusy, JournalDamaged, JournalError, JournalNewer
from domain.ledger import Ledger
from domain.session import trading_day
from domain.units import Day, Micros
from journal.orders import JournalReader, OrderJournal
from tests.orders import PLANNED, T0, an_open_short, planned, t
from tests.structs import instances
from tests.trading import DAY, TAG, at

DAY_EVENTS = tuple(an_open_short().events)
KINDS = get_args(ev.Event)
YESTERDAY = Micros(T0 - 24 * 3600 * 1_000_000)
LATEST = 2**52


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "orders.db"


def opened(path: Path, pid: int = 1) -> OrderJournal:
    return OrderJournal(path, pid, T0)


def written(path: Path, *events: ev.Event) -> None:
    with opened(path) as journal:
        journal.append(events)


def execute(path: Path, statement: str, *values: object) -> None:
    db = sqlite3.connect(path)
    with db:
        db.execute(statement, values)
    db.close()


def damage(path: Path, statement: str, *values: object) -> None:
    """Change the file behind the triggers' back."""
    db = sqlite3.connect(path)
    with db:
        db.execute("DROP TRIGGER event_no_update")
        db.execute("DROP TRIGGER event_no_delete")
        db.execute(statement, values)
    db.close()


# What is written comes back.


def test_day_is_read_back_event_by_event(path: Path) -> None:
    with opened(path) as journal:
        assert journal.append(DAY_EVENTS[:3]) == 3
        assert journal.append(DAY_EVENTS[3:]) == len(DAY_EVENTS)
        assert journal.append(()) == len(DAY_EVENTS)
        assert journal.events(DAY) == DAY_EVENTS
    with opened(path) as journal:
        assert journal.events(DAY) == DAY_EVENTS
        assert vars(Ledger().fold(journal.events(DAY))) == vars(Ledger().fold(DAY_EVENTS))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@settings(max_examples=20, suppress_health_check=list(HealthCheck))
@given(data=st.data(), when=st.integers(0, LATEST))
def test_event_of_every_kind_survives_the_journal(
    kind: type[msgspec.Struct], path: Path, data: st.DataObject, when: int
) -> None:
    event = msgspec.structs.replace(data.draw(instances(kind)), at=Micros(when))
    path.unlink(missing_ok=True)
    written(path, event)
    with opened(path) as journal:
        assert journal.events(trading_day(Micros(when))) == (event,)


def test_days_are_kept_apart(path: Path) -> None:
    before = planned("old", at=YESTERDAY)
    written(path, before, *DAY_EVENTS)
    with opened(path) as journal:
        assert journal.events(Day("2026-11-19")) == (before,)
        assert journal.events(DAY) == DAY_EVENTS
        assert journal.events(Day("2026-11-21")) == ()


def test_event_just_after_midnight_in_india_belongs_to_the_new_day(path: Path) -> None:
    late, early = planned("a", at=Micros(at("00:00") - 1)), planned("b", at=at("00:00"))
    written(path, late, early)
    with opened(path) as journal:
        assert journal.events(DAY) == (early,)


def test_row_can_be_found_by_intent_order_strategy_and_leg(path: Path) -> None:
    written(path, *DAY_EVENTS)
    db = sqlite3.connect(path)
    columns = "boot_id, kind, intent_id, orderid, strategy, leg"
    rows = db.execute(f"SELECT {columns} FROM event ORDER BY seq").fetchall()
    db.close()
    one = f"{DAY}-1-1"
    assert rows[0] == ("boot-1", "DayPlanned", None, None, None, None)
    assert rows[3] == ("boot-1", "IntentPlanned", one, None, TAG, one)
    assert rows[6] == ("boot-1", "StateChanged", one, "A1", None, None)


# Boots.


def test_restart_goes_on_counting(path: Path) -> None:
    written(path, *DAY_EVENTS[:4])
    with opened(path, pid=2) as journal:
        assert journal.boot_seq == 2
        assert journal.append(DAY_EVENTS[4:5]) == 5
    db = sqlite3.connect(path)
    owners = db.execute("SELECT * FROM owner").fetchall()
    boots = db.execute("SELECT boot_id FROM event ORDER BY seq").fetchall()
    db.close()
    assert owners == [("boot-1", 1, 1, T0), ("boot-2", 2, 2, T0)]
    assert [boot for (boot,) in boots] == ["boot-1"] * 4 + ["boot-2"]


def test_boot_without_an_event_still_counts(path: Path) -> None:
    assert [opened(path).boot_seq for _ in range(3)] == [1, 2, 3]


# Only ever more.


@pytest.mark.parametrize("statement", ["UPDATE event SET at = 1", "DELETE FROM event"])
def test_what_was_written_cannot_be_changed(path: Path, statement: str) -> None:
    written(path, *DAY_EVENTS)
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        execute(path, statement)
    with opened(path) as journal:
        assert journal.events(DAY) == DAY_EVENTS


def test_commit_that_fails_leaves_nothing_behind(path: Path) -> None:
    """The second event of the transaction finds its number taken: neither is there afterwards."""
    with opened(path) as journal:
        journal.append(DAY_EVENTS[:1])
        columns = "seq, at, day, boot_id, kind, body, crc"
        execute(path, f"INSERT INTO event({columns}) VALUES (3, 0, '', '', '', '', 0)")
        with pytest.raises(JournalError, match=r"orders\.db cannot be used: UNIQUE"):
            journal.append(DAY_EVENTS[1:3])
        damage(path, "DELETE FROM event WHERE seq = 3")
        assert journal.append(DAY_EVENTS[1:3]) == 3
        assert journal.events(DAY) == DAY_EVENTS[:3]


def test_locked_journal_says_so_within_its_patience(path: Path) -> None:
    journal = opened(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(JournalBusy, match=r"database is locked. Find who holds it \(fuser "):
        journal.append(DAY_EVENTS[:1])
    other.execute("ROLLBACK")
    other.close()
    assert journal.append(DAY_EVENTS[:1]) == 1
    journal.close()


def test_every_commit_reaches_the_disk(path: Path) -> None:
    journal = opened(path)
    assert journal._db.execute("PRAGMA synchronous").fetchone() == (2,)
    assert journal._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert journal._db.execute("PRAGMA busy_timeout").fetchone() == (250,)
    journal.close()


# Believed only when whole.


def refused(path: Path, kind: type[JournalError] = JournalError) -> str:
    with pytest.raises(kind) as caught:
        opened(path)
    return str(caught.value)


@pytest.mark.parametrize(
    ("statement", "seq"),
    [
        ("UPDATE event SET body = x'7b7d' WHERE seq = 2", 2),
        ("UPDATE event SET at = at + 1 WHERE seq = 1", 1),
        ("UPDATE event SET crc = crc + 1 WHERE seq = 3", 3),
        ("UPDATE event SET leg = 'other' WHERE seq = 4", 4),
        ("DELETE FROM event WHERE seq = 3", 3),
        ("DELETE FROM event WHERE seq = 1", 1),
    ],
)
def test_damaged_or_missing_event_is_named(path: Path, statement: str, seq: int) -> None:
    written(path, *DAY_EVENTS)
    damage(path, statement)
    text = refused(path, JournalDamaged)
    assert f"event {seq} is damaged or missing" in text
    assert str(path) in text
    assert "Move the file aside" in text


def test_event_of_another_version_is_refused(path: Path) -> None:
    journal = opened(path)
    row = journal._row(1, PLANNED)
    newer = row[9].replace(b'"schema":1', b'"schema":2')
    assert newer != row[9]
    values = (*row[:9], newer)
    execute(
        path,
        "INSERT INTO event VALUES (?,?,?,?,?,?,?,?,?,?,?)",
        *values,
        zlib.crc32(repr(values).encode()),
    )
    with pytest.raises(JournalNewer, match="an event has form 2, this version reads up to 1"):
        journal.events(DAY)
    journal.close()


@pytest.mark.parametrize(
    "content", [b"not a database at all, but long enough to be one", b"\0" * 8192]
)
def test_file_that_is_no_database_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    text = refused(path, JournalDamaged)
    assert f"the order journal {path} cannot be used: file is not a database" in text


def test_torn_page_is_refused(path: Path) -> None:
    written(path, *DAY_EVENTS * 40)
    whole = path.read_bytes()
    path.write_bytes(whole[:8192] + b"\xff" * 4096 + whole[12288:])
    assert str(path) in refused(path, JournalDamaged)


def test_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    nowhere = tmp_path / "missing" / "orders.db"
    assert f"the order journal {nowhere} cannot be used: unable to open" in refused(nowhere)


def test_file_that_is_a_folder_is_refused(path: Path) -> None:
    path.mkdir()
    assert f"the order journal {path} cannot be used: " in refused(path)
    assert path.is_dir()


@pytest.mark.incident("INC-80")
def test_old_journal_is_migrated_and_read_back(path: Path) -> None:
    """Nothing is migrated yet; a journal opened twice on one day is read back as it was."""
    for n in range(len(DAY_EVENTS)):
        with opened(path, pid=n) as journal:
            assert journal.events(DAY) == DAY_EVENTS[:n]
            journal.append(DAY_EVENTS[n : n + 1])


# The reader.


def test_reader_sees_what_was_committed_since_it_last_looked(path: Path) -> None:
    journal, reader = opened(path), JournalReader(path)
    assert reader.after(0, DAY) == ((), 0)
    journal.append(DAY_EVENTS[:3])
    assert reader.after(0, DAY) == (DAY_EVENTS[:3], 3)
    journal.append(DAY_EVENTS[3:5])
    assert reader.after(3, DAY) == (DAY_EVENTS[3:5], 5)
    assert reader.after(5, DAY) == ((), 5)
    journal.close()


def test_reader_in_another_thread_sees_committed_events(path: Path) -> None:
    journal, reader = opened(path), JournalReader(path)
    journal.append(DAY_EVENTS[:2])
    with ThreadPoolExecutor() as other:
        assert other.submit(reader.after, 0, DAY).result(5) == (DAY_EVENTS[:2], 2)
        journal.append(DAY_EVENTS[2:3])
        assert other.submit(reader.after, 2, DAY).result(5) == (DAY_EVENTS[2:3], 3)
    journal.close()


def test_reader_does_not_see_a_transaction_that_failed(path: Path) -> None:
    journal, reader = opened(path), JournalReader(path)
    journal.append(DAY_EVENTS[:1])
    journal._db.execute("BEGIN")
    journal._db.execute(
        "INSERT INTO event SELECT 2, at, day, boot_id, kind, intent_id, orderid, strategy, leg,"
        " body, crc FROM event WHERE seq = 1"
    )
    assert reader.after(0, DAY)[1] == 1
    journal._db.execute("ROLLBACK")
    journal.close()


def test_reader_may_be_made_before_the_file(path: Path) -> None:
    reader = JournalReader(path)
    with pytest.raises(JournalError, match=f"the order journal {path} cannot be read"):
        reader.after(0, DAY)
    written(path, *DAY_EVENTS)
    assert reader.after(0, DAY) == (DAY_EVENTS, len(DAY_EVENTS))


def test_reader_refuses_what_it_cannot_decode(path: Path) -> None:
    written(path, *DAY_EVENTS)
    damage(path, "UPDATE event SET body = x'7b7d' WHERE seq = 2")
    reader = JournalReader(path)
    with pytest.raises(JournalError, match="missing required field"):
        reader.after(0, DAY)
    with pytest.raises(JournalError, match="cannot be read"):
        JournalReader(path.parent / "none.db").rows(DAY)


def test_rows_are_plain_for_whoever_checks_them(path: Path) -> None:
    written(path, planned("old", at=YESTERDAY), *DAY_EVENTS)
    rows = JournalReader(path).rows(DAY)
    assert [row["seq"] for row in rows] == list(range(2, len(DAY_EVENTS) + 2))
    assert [row["kind"] for row in rows] == [type(event).__name__ for event in DAY_EVENTS]
    assert rows[3]["body"] == msgspec.json.decode(msgspec.json.encode(DAY_EVENTS[3]))
    assert rows[3]["strategy"] == TAG
    assert rows[3]["at"] == t(0)
