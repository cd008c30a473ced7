"""What a start finds in the journals is taken up, set aside or left alone; and always said."""

import sqlite3
import zlib
from pathlib import Path

import pytest

from domain import events as ev
from domain.errors import JournalBusy, JournalError, JournalNewer
from domain.ledger import Ledger
from domain.ledger_digest import canonical, digest
from domain.units import Day
from journal import fallback
from journal.fallback import Fallback
from journal.opening import Opened, open_orders
from journal.orders import JournalReader, OrderJournal, verify
from tests.journal.test_orders import DAY_EVENTS, YESTERDAY, damage, execute, written
from tests.orders import T0, planned
from tests.trading import DAY


def start(folder: Path) -> Opened:
    def claim(boot_after: int) -> OrderJournal:
        return OrderJournal(folder / "orders.db", 1, T0, boot_after=boot_after)

    return open_orders(folder, DAY, claim)


def spared(folder: Path, seq: int, *events: ev.Event, boot: int = 1) -> None:
    """Events a former process could write to the fallback only."""
    spare = Fallback(folder / fallback.NAME)
    spare.append(boot, seq, events)
    spare.close()


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_first_start_has_nothing_to_say(tmp_path: Path) -> None:
    opened = start(tmp_path)
    found = (opened.events, opened.waiting, opened.damage, opened.aside, opened.doubt)
    assert found == ((), (), "", "", "")
    assert opened.fallback is not None


def test_whole_journal_is_gone_on_with(tmp_path: Path) -> None:
    written(tmp_path / "orders.db", *DAY_EVENTS)
    opened = start(tmp_path)
    assert opened.events == DAY_EVENTS
    assert (opened.merged, opened.damage, opened.doubt) == (0, "", "")
    assert opened.journal.boot_seq == 2


# Damaged.


def test_damaged_journal_is_set_aside_whole_and_a_new_one_begun(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "orders.db"
    for n in (1, 2):
        written(path, *DAY_EVENTS)
        damage(path, "UPDATE event SET at = at + 1 WHERE seq = 2")
        before = path.read_bytes()
        opened = start(tmp_path)
        opened.journal.append(DAY_EVENTS[:1])
        opened.journal.close()
        assert opened.aside == f"orders.db.corrupt-{n}"
        assert "event 2 is damaged or missing" in opened.damage
        assert f"it is kept as orders.db.corrupt-{n}" in caplog.text
        assert (tmp_path / opened.aside).read_bytes() == before
        with OrderJournal(path, 1, T0) as journal:
            assert journal.events(DAY) == DAY_EVENTS[:1]
        path.unlink()


def test_log_of_a_damaged_journal_goes_with_it(tmp_path: Path) -> None:
    """A process that is killed leaves its last commits in the file's companions."""
    path = tmp_path / "orders.db"
    written(path, *DAY_EVENTS)
    damage(path, "DELETE FROM event WHERE seq = 1")
    killed = sqlite3.connect(path)
    killed.execute("CREATE TABLE late(x)")
    killed.commit()
    wal = path.with_name("orders.db-wal").read_bytes()
    assert wal
    opened = start(tmp_path)
    assert (tmp_path / f"{opened.aside}-wal").read_bytes() == wal
    assert (tmp_path / f"{opened.aside}-shm").exists()
    killed.close()


@pytest.mark.parametrize("content", [b"no database, but long enough to be taken for", b"\0" * 9000])
def test_file_that_is_no_database_is_set_aside(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "orders.db").write_bytes(content)
    opened = start(tmp_path)
    assert "file is not a database" in opened.damage
    assert (tmp_path / opened.aside).read_bytes() == content
    assert opened.journal.append(DAY_EVENTS) == len(DAY_EVENTS)


def test_fallback_of_a_lost_journal_is_kept_and_left_out(tmp_path: Path) -> None:
    (tmp_path / "orders.db").write_bytes(b"no database, but long enough to be taken for")
    spared(tmp_path, 8, DAY_EVENTS[7])
    opened = start(tmp_path)
    assert (opened.events, opened.waiting) == ((), ())
    why = "events between orders.db and it are missing"
    assert opened.doubt == f"fallback.log was left out: {why}"
    assert len(fallback.read(tmp_path / "fallback.log.corrupt-1").records) == 1
    assert fallback.read(tmp_path / "fallback.log").records == ()


def test_folder_that_takes_no_new_name_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "orders.db").write_bytes(b"no database, but long enough to be taken for")

    def refusing(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "rename", refusing)
    with pytest.raises(JournalError, match=r"is damaged and cannot be moved aside: .*No space"):
        start(tmp_path)


# Not damaged.


def test_file_another_process_holds_is_not_damaged(tmp_path: Path) -> None:
    path = tmp_path / "orders.db"
    written(path, *DAY_EVENTS)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("PRAGMA locking_mode=EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(JournalBusy, match=rf"{path} cannot be used: database is locked. Find who"):
        start(tmp_path)
    other.close()
    assert not any("corrupt" in name for name in files(tmp_path))
    assert start(tmp_path).events == DAY_EVENTS


def test_file_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "orders.db"
    written(path, *DAY_EVENTS)
    execute(path, "PRAGMA user_version = 9")
    before = path.read_bytes()
    with pytest.raises(JournalNewer, match="its layout is 9"):
        start(tmp_path)
    assert path.read_bytes() == before
    assert not any("corrupt" in name for name in files(tmp_path))


def test_fallback_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    spared(tmp_path, 1, DAY_EVENTS[0])
    path = tmp_path / fallback.NAME
    found = fallback.read(path)
    payload = path.read_bytes()[8 : found.end].replace(b'"schema":1', b'"schema":2')
    path.write_bytes(len(payload).to_bytes(4) + zlib.crc32(payload).to_bytes(4) + payload)
    with pytest.raises(JournalNewer, match="an event has form 2"):
        start(tmp_path)


def test_lock_that_lets_us_read_does_not_keep_a_short_unprotected(tmp_path: Path) -> None:
    """A full disk and a writer's lock end; until then the past is known and exits have a way."""
    path = tmp_path / "orders.db"
    written(path, *DAY_EVENTS)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    opened = start(tmp_path)
    assert opened.events == DAY_EVENTS
    assert opened.journal.boot_seq == 2
    with pytest.raises(JournalBusy):
        opened.journal.append(DAY_EVENTS[:1])
    other.execute("ROLLBACK")
    other.close()
    assert opened.journal.append(DAY_EVENTS[:1]) == len(DAY_EVENTS) + 1
    assert opened.journal.append(DAY_EVENTS[:1]) == len(DAY_EVENTS) + 2
    opened.journal.close()
    db = sqlite3.connect(path)
    assert db.execute("SELECT boot_seq, pid, started_at FROM owner").fetchall() == [
        (1, 1, T0),
        (2, 1, T0),
    ]
    db.close()


def test_start_without_any_fallback_is_possible(tmp_path: Path) -> None:
    (tmp_path / fallback.NAME).mkdir()
    opened = start(tmp_path)
    assert opened.fallback is None
    assert opened.journal.append(DAY_EVENTS) == len(DAY_EVENTS)


# The fallback is merged.


def test_events_of_the_fallback_follow_those_of_the_journal(tmp_path: Path) -> None:
    written(tmp_path / "orders.db", *DAY_EVENTS[:5])
    spared(tmp_path, 6, *DAY_EVENTS[5:], boot=3)
    opened = start(tmp_path)
    assert opened.events == DAY_EVENTS
    assert opened.waiting == DAY_EVENTS[5:]
    assert opened.merged == len(DAY_EVENTS) - 5
    assert opened.journal.boot_seq == 4
    assert opened.doubt == ""


def test_event_in_both_is_there_once(tmp_path: Path) -> None:
    """The commit succeeded, and the process was killed before it emptied the fallback."""
    written(tmp_path / "orders.db", *DAY_EVENTS[:7])
    spared(tmp_path, 6, *DAY_EVENTS[5:])
    opened = start(tmp_path)
    assert opened.events == DAY_EVENTS
    assert opened.waiting == DAY_EVENTS[7:]


def test_fallback_the_journal_has_whole_is_emptied(tmp_path: Path) -> None:
    written(tmp_path / "orders.db", *DAY_EVENTS)
    spared(tmp_path, 6, *DAY_EVENTS[5:])
    opened = start(tmp_path)
    assert (opened.waiting, opened.doubt) == ((), "")
    assert fallback.read(tmp_path / fallback.NAME).records == ()


def test_fallback_of_another_journal_is_left_out(tmp_path: Path) -> None:
    written(tmp_path / "orders.db", *DAY_EVENTS[:7])
    spared(tmp_path, 6, *reversed(DAY_EVENTS[5:]))
    opened = start(tmp_path)
    assert opened.events == DAY_EVENTS[:7]
    assert opened.waiting == ()
    assert opened.doubt == "fallback.log was left out: it does not go on from orders.db"
    assert len(fallback.read(tmp_path / "fallback.log.corrupt-1").records) == 1


def test_damaged_fallback_gives_what_is_whole_and_says_so(tmp_path: Path) -> None:
    spared(tmp_path, 1, *DAY_EVENTS[:2])
    end = fallback.read(tmp_path / fallback.NAME).end
    spared(tmp_path, 3, DAY_EVENTS[2])
    spared(tmp_path, 4, DAY_EVENTS[3])
    data = bytearray((tmp_path / fallback.NAME).read_bytes())
    data[end + 20] ^= 1
    (tmp_path / fallback.NAME).write_bytes(data)
    opened = start(tmp_path)
    assert opened.waiting == DAY_EVENTS[:2]
    assert opened.doubt == f"fallback.log: record 2 at byte {end} is damaged"


def test_waiting_event_of_another_day_is_no_event_of_this_one(tmp_path: Path) -> None:
    before = planned("old", at=YESTERDAY)
    spared(tmp_path, 1, before, DAY_EVENTS[0])
    opened = start(tmp_path)
    assert opened.waiting == (before, DAY_EVENTS[0])
    assert opened.events == DAY_EVENTS[:1]


# The reader judges by both.


def test_reader_sees_what_only_the_fallback_holds(tmp_path: Path) -> None:
    reader = JournalReader(tmp_path / "orders.db")
    journal = OrderJournal(tmp_path / "orders.db", 1, T0)
    journal.append(DAY_EVENTS[:5])
    spared(tmp_path, 6, *DAY_EVENTS[5:7])
    assert reader.after(0, DAY) == (DAY_EVENTS[:7], 7)
    spared(tmp_path, 8, *DAY_EVENTS[7:8])
    assert reader.after(7, DAY) == (DAY_EVENTS[7:8], 8)
    assert reader.after(8, DAY) == ((), 8)
    journal.append(DAY_EVENTS[5:])
    assert reader.after(8, DAY) == (DAY_EVENTS[8:], len(DAY_EVENTS))
    assert reader.after(6, DAY) == (DAY_EVENTS[6:], len(DAY_EVENTS))
    assert reader.after(0, Day("2026-01-01")) == ((), 0)
    journal.close()


def test_events_of_a_dead_agent_are_those_of_both_journals(tmp_path: Path) -> None:
    written(tmp_path / "orders.db", *DAY_EVENTS[:5])
    spared(tmp_path, 6, *DAY_EVENTS[5:])
    assert verify(tmp_path / "orders.db", DAY) == DAY_EVENTS
    assert verify(tmp_path / "orders.db", Day("2026-01-01")) == ()


# The checkpoint.


def checked(folder: Path, at: int) -> None:
    with OrderJournal(folder / "orders.db", 1, T0) as journal:
        journal.append(DAY_EVENTS[:at])
        journal.check(Ledger().fold(DAY_EVENTS[:at]))
        journal.append(DAY_EVENTS[at:])


def test_fold_that_agrees_with_its_checkpoint_is_believed(tmp_path: Path) -> None:
    checked(tmp_path, 6)
    opened = start(tmp_path)
    assert opened.doubt == ""
    body = canonical(Ledger().fold(DAY_EVENTS[:6]))
    written_down = opened.journal.checkpoint(DAY)
    assert written_down is not None
    assert (written_down.at_seq, written_down.sha256) == (6, digest(body))
    assert written_down.body == body
    assert opened.journal.checkpoint(Day("2026-01-01")) is None


@pytest.mark.parametrize(
    ("change", "doubt"),
    [
        ("sha256 = 'other'", "the checkpoint at event 6 is damaged"),
        ("body = x'7b7d'", "the checkpoint at event 6 is damaged"),
    ],
)
def test_damaged_checkpoint_is_said(tmp_path: Path, change: str, doubt: str) -> None:
    checked(tmp_path, 6)
    execute(tmp_path / "orders.db", f"UPDATE checkpoint SET {change}")
    opened = start(tmp_path)
    assert opened.doubt == doubt
    assert opened.events == DAY_EVENTS


def test_fold_that_differs_is_said_by_part(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """As when the version that goes on folds an event in another way."""
    written(tmp_path / "orders.db", *DAY_EVENTS[:6])
    other = canonical(Ledger().fold([*DAY_EVENTS[:6], planned("i9")]))
    row = (6, digest(other), other)
    execute(tmp_path / "orders.db", "INSERT INTO checkpoint VALUES (?, ?, ?)", *row)
    opened = start(tmp_path)
    assert opened.doubt == "event 6: orders i9"
    assert f"what {tmp_path / 'orders.db'} says is in doubt: event 6: orders i9" in caplog.text


def test_last_checkpoint_counts(tmp_path: Path) -> None:
    checked(tmp_path, 3)
    with OrderJournal(tmp_path / "orders.db", 1, T0) as journal:
        journal.check(Ledger().fold(DAY_EVENTS))
        found = journal.checkpoint(DAY)
        assert found is not None
        assert found.at_seq == len(DAY_EVENTS)


def test_checkpoint_that_is_not_taken_says_so(tmp_path: Path) -> None:
    with OrderJournal(tmp_path / "orders.db", 1, T0) as journal:
        journal.append(DAY_EVENTS[:1])
        execute(tmp_path / "orders.db", "DROP TABLE checkpoint")
        with pytest.raises(JournalError, match="no such table"):
            journal.check(Ledger())
        with pytest.raises(JournalError, match="no such table"):
            journal.checkpoint(DAY)
        assert journal.event(9) is None
