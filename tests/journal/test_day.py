"""The day's record beside the orders: bars, decisions, changes of the feed."""

import sqlite3
from pathlib import Path

import msgspec
import pytest

from domain.errors import JournalError
from domain.market import Provenance
from domain.units import Day
from journal.day import DayJournal, Unwritable
from messages.control import DecisionMade
from tests.orders import CE, T0
from tests.trading import DAY, TAG, a_bar, minute


def a_decision(kind: str = "armed", detail: str = "13000") -> DecisionMade:
    return DecisionMade(at=T0, strategy=TAG, symbol=CE, kind=kind, detail=detail)


def rows(folder: Path, table: str) -> list[tuple[object, ...]]:
    db = sqlite3.connect(folder / "day.db")
    found = db.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall()
    db.close()
    return found


def test_bar_is_kept_with_its_provenance(tmp_path: Path) -> None:
    journal = DayJournal(tmp_path, DAY)
    journal.bar(a_bar(1, provenance=Provenance.MIXED))
    assert rows(tmp_path, "bar") == []
    journal.flush()
    bar = (DAY, CE, minute(1), 12_900, 13_000, 12_900, 12_900, 65, 11_800, 1, 0, "mixed")
    assert rows(tmp_path, "bar") == [bar]
    journal.close()


def test_later_bar_of_a_minute_replaces_the_earlier(tmp_path: Path) -> None:
    journal = DayJournal(tmp_path, DAY)
    journal.bar(a_bar(1, close=12_900))
    journal.flush()
    journal.bar(a_bar(1, close=12_950))
    journal.close()
    assert [row[6] for row in rows(tmp_path, "bar")] == [12_950]


def test_different_bars_and_swings_of_the_day_are_counted(tmp_path: Path) -> None:
    other = DayJournal(tmp_path, Day("2026-11-18"))
    other.bar(a_bar(1))
    assert (other.bars, other.swings) == (1, 0)
    other.close()
    for _ in range(2):
        journal = DayJournal(tmp_path, DAY)
        for n in (1, 2, 2):
            journal.bar(a_bar(n))
        for kind, detail in (("swing_low", "1"), ("swing_low", "2"), ("swing_high", "1")):
            journal.decision(a_decision(kind, detail))
        journal.decision(a_decision("armed", "1"))
        assert (journal.bars, journal.swings) == (2, 3)
        journal.close()


def test_decision_is_kept_twice(tmp_path: Path) -> None:
    journal = DayJournal(tmp_path, DAY)
    made = [a_decision("armed"), a_decision("spent", "low 12995")]
    for decision in made:
        journal.decision(decision)
    journal.close()
    lines = (tmp_path / "decisions.jsonl").read_bytes().splitlines()
    assert [msgspec.json.decode(line, type=DecisionMade) for line in lines] == made
    assert rows(tmp_path, "decision") == [
        (1, T0, DAY, TAG, CE, "armed", "13000"),
        (2, T0, DAY, TAG, CE, "spent", "low 12995"),
    ]


def test_change_of_the_feed_is_kept(tmp_path: Path) -> None:
    journal = DayJournal(tmp_path, DAY)
    journal.feed(T0, "rest", 3, "FeedLost", "silent for 20 s")
    journal.close()
    assert rows(tmp_path, "feed") == [(1, T0, DAY, "rest", 3, "FeedLost", "silent for 20 s")]


def test_record_of_a_former_process_goes_on(tmp_path: Path) -> None:
    for detail in ("one", "two"):
        journal = DayJournal(tmp_path, DAY)
        journal.decision(a_decision(detail=detail))
        journal.flush()
        journal.flush()
        journal.close()
    assert [row[6] for row in rows(tmp_path, "decision")] == ["one", "two"]
    assert len((tmp_path / "decisions.jsonl").read_bytes().splitlines()) == 2


def test_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match=f"the day journal in {tmp_path}/none cannot be opened"):
        DayJournal(tmp_path / "none", DAY)


def test_write_that_fails_says_so_and_is_not_forgotten(tmp_path: Path) -> None:
    journal = DayJournal(tmp_path, DAY)
    journal.decision(a_decision())
    lock = sqlite3.connect(tmp_path / "day.db", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    with pytest.raises(JournalError, match="did not take a write: database is locked"):
        journal.flush()
    lock.execute("ROLLBACK")
    lock.close()
    journal.close()
    assert len(rows(tmp_path, "decision")) == 1


@pytest.mark.parametrize("content", [b"\0" * 9000, b"no database, but long enough to be taken for"])
def test_damaged_day_is_set_aside_and_a_new_one_begun(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    for kept in ("day.db.damaged-1", "day.db.damaged-2"):
        (tmp_path / "day.db").write_bytes(content)
        (tmp_path / "day.db-wal").write_bytes(b"its log")
        journal = DayJournal(tmp_path, DAY)
        journal.bar(a_bar(1))
        journal.close()
        assert len(rows(tmp_path, "bar")) == 1
        assert (tmp_path / kept).read_bytes() == content
        assert (tmp_path / f"{kept}-wal").read_bytes() == b"its log"
        assert f"is kept as {tmp_path / kept}" in caplog.text


def test_whole_day_is_gone_on_with(tmp_path: Path) -> None:
    for n in (1, 2):
        journal = DayJournal(tmp_path, DAY)
        journal.bar(a_bar(n))
        journal.close()
    assert len(rows(tmp_path, "bar")) == 2
    assert not list(tmp_path.glob("*damaged*"))


def test_full_disk_doubles_nothing(tmp_path: Path) -> None:
    (tmp_path / "decisions.jsonl").symlink_to("/dev/full")
    journal = DayJournal(tmp_path, DAY)
    journal.decision(a_decision())
    for _ in range(2):
        with pytest.raises(Unwritable, match="No space left on device"):
            journal.flush()
    with pytest.raises(Unwritable):
        journal.close()
    assert len(rows(tmp_path, "decision")) == 1


def test_file_spoiled_under_us_is_no_full_disk(tmp_path: Path) -> None:
    journal = DayJournal(tmp_path, DAY)
    journal.bar(a_bar(1))
    db = sqlite3.connect(tmp_path / "day.db")
    db.executescript("DROP TABLE bar; CREATE TABLE bar(a,b,c,d,e,f,g,h,i,j,k,l CHECK (l = 0));")
    db.close()
    with pytest.raises(JournalError, match="CHECK constraint failed") as told:
        journal.close()
    assert not isinstance(told.value, Unwritable)
