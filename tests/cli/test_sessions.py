"""The file of played sessions: what a life leaves in it, and what the operator is told of it."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from freezegun import freeze_time

from cli.sessions import NAME, announce, note, told
from config.settings import Settings, load
from domain import clock
from domain import events as ev
from domain.sessions import DAY_DONE, NEEDED
from domain.units import Day
from journal.orders import OrderJournal
from sandbox.params import SandboxParams
from tests.domain.tape import a_chain, a_plan

TODAY = Day("2026-11-20")
PLAN = a_plan(day=TODAY)


@pytest.fixture(autouse=True)
def _today() -> Iterator[None]:
    with freeze_time("2026-11-20 10:20:00"):
        yield


def settings(*, paper: bool = True) -> Settings:
    return load("sandbox", {"openalgo.paper_trading": paper}, rooms={"sandbox": SandboxParams()})


def a_day(folder: Path, *more: ev.Event) -> None:
    """The journal of today: planned at 09:16, more, proved flat now."""
    events = (
        ev.DayPlanned(at=PLAN.at("09:16"), plan=PLAN, chain=a_chain()),
        *more,
        ev.ProvedFlat(at=clock.now(), first="a", second="b"),
    )
    with OrderJournal(folder / "orders.db", 1, clock.now()) as journal:
        journal.append(events)


def rows(count: int) -> bytes:
    """As many clean days as noted."""
    line = '{"day":"2026-10-%02d","mode":"analyze","code":10,"entries":2}\n'
    return "".join(line % day for day in range(1, count + 1)).encode()


def test_clean_day_is_noted_and_counted(tmp_path: Path) -> None:
    a_day(tmp_path)
    assert told(tmp_path) == (0, "no clean paper session")
    note(tmp_path, settings(), TODAY, DAY_DONE)
    note(tmp_path, settings(), TODAY, DAY_DONE)
    assert told(tmp_path) == (1, "1 clean paper session of 2026-11-20, 0 entries")


def test_day_with_a_flaw_is_noted_said_and_not_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    a_day(tmp_path, ev.LatchSet(at=PLAN.at("11:00"), name="DUPLICATE", reason="26112012"))
    note(tmp_path, settings(), TODAY, DAY_DONE)
    assert told(tmp_path)[0] == 0
    assert caplog.messages == ["this session is not clean: latch DUPLICATE (26112012)"]


def test_real_money_is_noted_as_such(tmp_path: Path) -> None:
    a_day(tmp_path)
    note(tmp_path, settings(paper=False), TODAY, DAY_DONE)
    assert '"mode":"live"' in (tmp_path / NAME).read_text()
    assert told(tmp_path)[0] == 0


def test_played_day_of_another_date_is_not_noted(tmp_path: Path) -> None:
    a_day(tmp_path)
    note(tmp_path, settings(), Day("2026-11-19"), DAY_DONE)
    assert not (tmp_path / NAME).exists()


def test_what_cannot_be_noted_is_said_and_ends_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    a_day(tmp_path)
    (tmp_path / NAME).mkdir()
    note(tmp_path, settings(), TODAY, DAY_DONE)
    (line,) = caplog.messages
    assert line.startswith(f"the session is not noted in {tmp_path / NAME}: ")
    assert told(tmp_path)[0] == 0


def test_paper_days_in_folders_of_their_own_count_and_torn_lines_do_not(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(rows(3) + b'{"day":"2026-')
    own = tmp_path / "sandbox-x"
    own.mkdir()
    (own / NAME).write_bytes(rows(4))
    assert told(tmp_path) == (
        4,
        "4 clean paper sessions from 2026-10-01 to 2026-10-04, 8 entries",
    )


@pytest.mark.parametrize(
    ("paper", "count", "level", "text"),
    [
        (True, 1, logging.INFO, "1 clean paper session of 2026-10-01, 2 entries"),
        (False, NEEDED, logging.INFO, "5 clean paper sessions from 2026-10-01 to 2026-10-05, "),
        (False, 1, logging.WARNING, "REAL MONEY with 1 clean paper session of 2026-10-01, 2 ent"),
    ],
)
def test_real_money_before_a_week_on_paper_is_warned_of(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    paper: bool,
    count: int,
    level: int,
    text: str,
) -> None:
    (tmp_path / NAME).write_bytes(rows(count))
    with caplog.at_level(logging.INFO):
        announce(tmp_path, settings(paper=paper))
    (record,) = caplog.records
    assert (record.levelno, record.message.startswith(text)) == (level, True)
