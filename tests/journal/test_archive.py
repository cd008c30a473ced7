"""A day that is over is kept whole beside the running one, and what binds the next is carried."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from domain import events as ev
from domain.ledger import Ledger
from domain.reasons import LATCHES
from domain.session import instant, trading_day
from domain.units import Day, Micros
from journal import archive
from journal.day import DayJournal
from journal.fallback import NAME as FALLBACK
from journal.fallback import Fallback
from journal.opening import open_orders
from journal.orders import NAME, OrderJournal, verify
from tests.journal.test_orders import DAY_EVENTS
from tests.orders import planned
from tests.trading import DAY, PLAN

SATURDAY = instant(Day("2026-11-21"), "11:00")
MONDAY = instant(Day("2026-11-23"), "08:45")
PID = 7
AGENTS_OWN = LATCHES - {"FREEZE", "FLATTEN", "HALT", "DAY_DONE"}


def in_session(at: Micros) -> bool:
    return PLAN.open <= at < PLAN.close


def written(path: Path, *events: ev.Event) -> None:
    with OrderJournal(path, 1, events[0].at) as journal:
        journal.append(events)


def rolled(folder: Path, now: Micros = MONDAY) -> Day | None:
    return archive.roll(folder, now, PID, in_session)


def latch(name: str, at: Micros) -> ev.LatchSet:
    return ev.LatchSet(at=at, name=name, reason="BY_HAND")


def flat(at: Micros) -> ev.ProvedFlat:
    return ev.ProvedFlat(at=at, first="a", second="b")


def latches(folder: Path, now: Micros = MONDAY) -> dict[str, str]:
    return Ledger().fold(verify(folder / NAME, trading_day(now))).latches


def test_former_day_is_kept_whole_and_a_new_journal_begun(tmp_path: Path) -> None:
    written(tmp_path / NAME, *DAY_EVENTS)
    with closing(DayJournal(tmp_path, DAY)):
        pass
    (tmp_path / "status.json").write_text("{}")
    assert rolled(tmp_path) == DAY
    kept = tmp_path / archive.FOLDER / DAY
    assert {path.name for path in tmp_path.iterdir()} == {NAME, "status.json", "days"}
    assert {path.name for path in kept.iterdir()} == {NAME, "day.db", "decisions.jsonl"}
    assert verify(kept / NAME, DAY) == DAY_EVENTS
    assert verify(tmp_path / NAME, DAY) == ()
    assert list(archive.journals(tmp_path)) == [kept / NAME, tmp_path / NAME]
    assert archive.journal_of(tmp_path, DAY) == kept / NAME
    assert archive.journal_of(tmp_path, trading_day(MONDAY)) == tmp_path / NAME


@pytest.mark.parametrize("now", [PLAN.open, Micros(PLAN.open - 24 * 3600 * 10**6)])
def test_journal_of_today_or_of_a_later_day_stays(tmp_path: Path, now: Micros) -> None:
    written(tmp_path / NAME, *DAY_EVENTS)
    assert rolled(tmp_path, now) is None
    assert verify(tmp_path / NAME, DAY) == DAY_EVENTS


def test_folder_without_events_has_nothing_to_move(tmp_path: Path) -> None:
    assert rolled(tmp_path) is None
    OrderJournal(tmp_path / NAME, 1, PLAN.open).close()
    assert rolled(tmp_path) is None
    assert list(archive.journals(tmp_path)) == [tmp_path / NAME]


@pytest.mark.parametrize(
    ("events", "carried"),
    [
        ((latch("FREEZE", SATURDAY),), {"FREEZE"}),
        ((latch("HALT", SATURDAY), latch("FREEZE", SATURDAY)), {"HALT", "FREEZE"}),
        ((latch("FREEZE", PLAN.open), latch("HALT", PLAN.open)), {"FREEZE", "HALT"}),
        ((latch("HALT", PLAN.open), flat(PLAN.last_entry)), {"HALT"}),
        ((latch("FLATTEN", PLAN.open),), set()),
        ((latch("FLATTEN", PLAN.open), flat(PLAN.last_entry)), set()),
        ((flat(PLAN.last_entry), latch("FLATTEN", PLAN.force_close)), {"FLATTEN"}),
        ((latch("FLATTEN", SATURDAY),), {"FLATTEN"}),
        ((latch("DAY_DONE", PLAN.open),), set()),
        ((latch("DAY_DONE", SATURDAY),), set()),
        (tuple(latch(name, PLAN.open) for name in AGENTS_OWN), AGENTS_OWN),
        ((flat(PLAN.last_entry), latch("FREEZE", PLAN.force_close)), {"FREEZE"}),
        (
            (latch("FREEZE", SATURDAY), ev.LatchCleared(at=SATURDAY, name="FREEZE", reason="x")),
            set(),
        ),
    ],
)
def test_latch_that_no_human_took_down_holds_for_the_next_day(
    tmp_path: Path, events: tuple[ev.Event, ...], carried: set[str]
) -> None:
    written(tmp_path / NAME, *events)
    rolled(tmp_path)
    assert set(latches(tmp_path)) == carried


def test_latch_of_saturday_holds_through_sunday(tmp_path: Path) -> None:
    written(tmp_path / NAME, latch("FREEZE", SATURDAY))
    rolled(tmp_path, Micros(SATURDAY + 24 * 3600 * 10**6))
    rolled(tmp_path)
    assert latches(tmp_path) == {"FREEZE": "BY_HAND"}


def test_events_that_wait_in_the_fallback_keep_the_journal_in_its_place(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    written(tmp_path / NAME, *DAY_EVENTS)
    with closing(Fallback(tmp_path / FALLBACK)) as spare:
        spare.append(1, len(DAY_EVENTS) + 1, (planned(),))
    assert rolled(tmp_path) is None
    assert "they are merged first" in caplog.text

    def claim(boot: int) -> OrderJournal:
        return OrderJournal(tmp_path / NAME, 1, MONDAY, boot_after=boot)

    with closing(open_orders(tmp_path, DAY, claim).journal) as journal:
        assert journal.events(DAY) == DAY_EVENTS


def test_journal_somebody_reads_stays_where_it_is(tmp_path: Path) -> None:
    written(tmp_path / NAME, *DAY_EVENTS)
    with closing(sqlite3.connect(tmp_path / NAME)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM event").fetchone()
        with OrderJournal(tmp_path / NAME, 1, PLAN.open) as journal:
            journal.append((planned(),))
        assert rolled(tmp_path) is None
    assert len(verify(tmp_path / NAME, DAY)) == len(DAY_EVENTS) + 1
    assert rolled(tmp_path) == DAY


def test_damaged_journal_is_left_to_the_start(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"no database" * 1000)
    assert rolled(tmp_path) is None
    assert (tmp_path / NAME).exists()


@pytest.mark.parametrize("is_moved", [False, True])
def test_roll_cut_short_is_finished_by_the_next(tmp_path: Path, *, is_moved: bool) -> None:
    """Cut between the new journal and the old one's leaving, or before the new takes its place."""
    written(tmp_path / NAME, latch("FREEZE", SATURDAY))
    written(tmp_path / archive.NEXT, latch("FREEZE", MONDAY))
    if is_moved:
        home = tmp_path / archive.FOLDER / trading_day(SATURDAY)
        home.mkdir(parents=True)
        (tmp_path / NAME).rename(home / NAME)
    rolled(tmp_path)
    assert latches(tmp_path) == {"FREEZE": "BY_HAND"}
    assert not (tmp_path / archive.NEXT).exists()
    assert len(list(archive.journals(tmp_path))) == 2


def test_second_journal_of_a_day_gets_a_folder_of_its_own(tmp_path: Path) -> None:
    for _ in range(2):
        written(tmp_path / NAME, *DAY_EVENTS)
        rolled(tmp_path)
        (tmp_path / NAME).unlink()
    names = [path.parent.name for path in archive.journals(tmp_path)]
    assert names == [DAY, f"{DAY}.2"]


def test_only_the_newest_days_are_kept(tmp_path: Path) -> None:
    for number in range(1, 6):
        (tmp_path / archive.FOLDER / f"2026-11-0{number}").mkdir(parents=True)
    (tmp_path / archive.FOLDER / "mine").mkdir()
    assert archive.prune(tmp_path, 2) == ["2026-11-03", "2026-11-02", "2026-11-01"]
    left = {path.name for path in (tmp_path / archive.FOLDER).iterdir()}
    assert left == {"2026-11-04", "2026-11-05", "mine"}
    assert archive.prune(tmp_path, 2) == []
    assert archive.prune(tmp_path / "nowhere", 2) == []


def test_plain_files_are_put_beside(tmp_path: Path) -> None:
    (tmp_path / "truth.jsonl").write_text("x")
    archive.put_away(tmp_path, DAY, ["truth.jsonl", "absent"])
    assert (tmp_path / archive.FOLDER / DAY / "truth.jsonl").read_text() == "x"
