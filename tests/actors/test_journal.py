"""JournalActor keeps bars, decisions and changes of the feed, a few seconds at a time."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from actors.journal import JournalActor
from domain.market import Source
from journal.day import DayJournal, Unwritable
from messages.control import Begin, DecisionMade, Pulse, RecordKept
from messages.market import BarClosed, BarsBackfilled, FeedLost, FeedRestored
from tests.actors.fakes import RecordingPost, To
from tests.orders import CE, T0, t
from tests.trading import DAY, TAG, a_bar, minute


class Stand:
    """A journal actor in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.post = RecordingPost()
        self.actor = JournalActor("journal", self.post, journal=lambda: DayJournal(folder, DAY))

    def hear(self, *messages: Any) -> list[To]:
        for message in messages:
            self.actor.on_receive(message)
        return self.post.take()

    def rows(self, table: str, columns: str = "*") -> list[tuple[object, ...]]:
        db = sqlite3.connect(self.folder / "day.db")
        found = db.execute(f"SELECT {columns} FROM {table} ORDER BY 1").fetchall()
        db.close()
        return found


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    made = Stand(tmp_path)
    yield made
    made.actor.on_stop()


def a_decision(kind: str) -> DecisionMade:
    return DecisionMade(at=T0, strategy=TAG, symbol=CE, kind=kind, detail="")


def kept(bars: int = 0, swings: int = 0) -> list[To]:
    return [To("monitor", RecordKept(bars=bars, swings=swings))]


def test_file_is_opened_by_the_first_message(stand: Stand) -> None:
    assert not (stand.folder / "day.db").exists()
    assert stand.hear(Begin(at=T0)) == []
    assert (stand.folder / "day.db").exists()


def test_what_happened_is_written_every_five_seconds(stand: Stand) -> None:
    stand.hear(Begin(at=T0), Pulse(at=t(0)))
    stand.hear(BarClosed(bar=a_bar(1), settled=minute(2)))
    for when in (1, 4.9):
        assert stand.hear(Pulse(at=t(when))) == []
    assert stand.rows("bar") == []
    assert stand.hear(Pulse(at=t(5))) == kept(bars=1)
    assert stand.rows("bar", "minute") == [(minute(1),)]


def test_bars_and_swings_are_counted(stand: Stand) -> None:
    backfill = BarsBackfilled(
        symbol=CE, since=minute(0), bars=(a_bar(0), a_bar(1)), settled=minute(2)
    )
    stand.hear(backfill, BarClosed(bar=a_bar(2), settled=minute(3)))
    stand.hear(*[a_decision(kind) for kind in ("swing_low", "swing_high", "armed", "spent")])
    assert stand.hear(Pulse(at=T0)) == kept(bars=3, swings=2)
    assert stand.rows("bar", "minute") == [(minute(n),) for n in range(3)]
    assert len(stand.rows("decision")) == 4


def test_what_came_before_and_comes_again_is_counted_once(stand: Stand) -> None:
    stand.hear(BarClosed(bar=a_bar(1), settled=minute(2)), a_decision("swing_low"))
    assert stand.hear(Pulse(at=T0)) == kept(bars=1, swings=1)
    again = Stand(stand.folder)
    backfill = BarsBackfilled(
        symbol=CE, since=minute(0), bars=(a_bar(0), a_bar(1)), settled=minute(2)
    )
    again.hear(backfill, a_decision("swing_low"), a_decision("swing_high"))
    assert again.hear(Pulse(at=T0)) == kept(bars=2, swings=2)
    again.actor.on_stop()


def test_last_words_say_how_much_was_kept(stand: Stand) -> None:
    stand.hear(Pulse(at=T0), BarClosed(bar=a_bar(1), settled=minute(2)))
    stand.actor.on_stop()
    assert stand.post.take() == kept(bars=1)


def test_changes_of_the_feed_are_kept(stand: Stand) -> None:
    lost = FeedLost(at=t(1), source=Source.PRIMARY, epoch=1, since=T0, reason="silent")
    back = FeedRestored(at=t(9), source=Source.REST, epoch=2, since=t(1), until=t(9))
    stand.hear(lost, back, Pulse(at=t(10)))
    columns = "seq, at, source, epoch, kind, detail"
    assert stand.rows("feed", columns) == [
        (1, t(1), "primary", 1, "FeedLost", "silent"),
        (2, t(9), "rest", 2, "FeedRestored", ""),
    ]


def test_last_words_are_written(stand: Stand) -> None:
    stand.actor.on_stop()
    stand.hear(a_decision("armed"))
    stand.actor.on_stop()
    assert stand.rows("decision", "kind") == [("armed",)]


def test_folder_that_cannot_be_written_is_waited_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    stand = Stand(tmp_path / "none")
    assert stand.hear(Begin(at=T0), a_decision("armed"), Pulse(at=t(1)), Pulse(at=t(2))) == []
    assert len(caplog.messages) == 1, "it is said once"
    assert "cannot be opened" in caplog.text
    stand.folder.mkdir()
    stand.hear(BarClosed(bar=a_bar(1), settled=minute(2)), Pulse(at=t(9)))
    stand.actor.on_stop()
    assert stand.rows("decision", "kind") == [("armed",)]
    assert stand.rows("bar", "minute") == [(minute(1),)]
    assert caplog.messages[1:] == ["the day journal is written again, after 3 failed tries"]


class Full(DayJournal):
    """A journal whose disk is full, as often as `flushes` says."""

    flushes = 0

    def flush(self) -> None:
        self.flushes -= 1
        if self.flushes >= 0:
            raise Unwritable("the day journal did not take a write: database or disk is full")
        super().flush()


def test_full_disk_is_said_once_and_nothing_is_lost(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    stand, journal = Stand(tmp_path), Full(tmp_path, DAY)
    journal.flushes = 2
    stand.actor = JournalActor("journal", stand.post, journal=lambda: journal)
    stand.hear(Begin(at=T0), a_decision("armed"))
    assert stand.hear(Pulse(at=t(0)), Pulse(at=t(5)), a_decision("spent")) == []
    assert stand.hear(Pulse(at=t(10))) == kept()
    assert stand.rows("decision", "kind") == [("armed",), ("spent",)]
    full = "the day journal did not take a write: database or disk is full"
    assert caplog.messages == [
        f"{full}; it is kept and tried again each 5 s",
        "the day journal is written again, after 2 failed tries",
    ]
    journal.flushes = 1
    stand.actor.on_stop()
    assert stand.post.take() == kept(), "the last words are said in any case"
