"""What an interrupted session says of what it leaves open."""

from pathlib import Path

import pytest

from cli.interrupted import farewell
from domain.events import Event
from journal.orders import NAME as JOURNAL
from journal.orders import OrderJournal
from tests.orders import T0, an_open_short, planned, t
from tests.trading import DAY

SHORT = tuple(an_open_short().events)


def said(folder: Path, *events: Event) -> str:
    with OrderJournal(folder / JOURNAL, 1, T0) as journal:
        journal.append(events)
    return farewell(folder, DAY, t(23 * 60), "run.py sandbox --state-dir x")


def test_short_with_its_stop_is_told_with_the_way_on(tmp_path: Path) -> None:
    assert said(tmp_path, *SHORT) == (
        "interrupted at 10:23 with 1 short and its stop; go on with: run.py sandbox --state-dir x"
    )


def test_nothing_open_is_told_too(tmp_path: Path) -> None:
    nothing = "interrupted at 10:23 with nothing open; go on with: again"
    assert farewell(tmp_path, DAY, t(23 * 60), "again") == nothing
    assert " with nothing open; " in said(tmp_path)


def test_short_without_a_stop_is_told(tmp_path: Path) -> None:
    before_its_stop = SHORT[:-5]
    assert " with 1 short, 650 units of it without a working stop; " in said(
        tmp_path, *before_its_stop
    )


def test_entry_that_rests_is_told(tmp_path: Path) -> None:
    assert " with 1 entry that may still fill; " in said(tmp_path, planned())


@pytest.mark.parametrize("content", [b"", b"no journal"])
def test_journal_that_cannot_be_read_is_not_called_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / JOURNAL).write_bytes(content)
    told = farewell(tmp_path, DAY, T0, "again")
    assert " with nobody knows what open (" in told
