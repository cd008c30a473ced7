"""The log file: a new one each midnight in India, and a disk that fails stops nobody."""

import io
import logging
import os
from errno import ENOSPC
from pathlib import Path

import pytest

from config.groups import LogParams
from config.log import Redactor, setup
from domain import clock
from domain.errors import ConfigError
from domain.session import instant
from domain.units import Day, Micros
from tests.config.reading import problems_of, settings_of
from tests.config.test_log import quiet_house

__all__ = ["quiet_house"]

log = logging.getLogger("actors.order")
wire = logging.getLogger("wire.rest")


class Hand:
    """A market clock that is set by hand."""

    def __init__(self) -> None:
        self.at = Micros(0)

    def set(self, day: str, wall: str) -> None:
        self.at = instant(Day(day), wall)

    def now(self) -> Micros:
        return self.at

    def machine(self) -> Micros:
        return self.at


@pytest.fixture
def hand(quiet_house: None) -> Hand:
    hand = Hand()
    hand.set("2026-11-19", "15:00")
    clock.use(hand)
    return hand


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "logs" / "agent.log"


@pytest.fixture
def terminal(path: Path) -> io.StringIO:
    path.parent.mkdir()
    return to_file(path)


def to_file(path: Path, keep_days: int = 30, *, wired: bool = False) -> io.StringIO:
    stream = io.StringIO()
    params = LogParams(file=str(path), keep_days=keep_days, wire=wired)
    setup(Redactor("CANARY-1"), params, stream)
    return stream


def texts(path: Path) -> list[str]:
    return [line.partition("] ")[2] for line in path.read_text("ascii").splitlines()]


def names(path: Path) -> list[str]:
    return sorted(file.name for file in path.parent.iterdir())


def test_lines_of_a_day_are_put_aside_at_midnight_in_india(
    hand: Hand, path: Path, terminal: io.StringIO
) -> None:
    log.info("evening CANARY-1")
    hand.set("2026-11-19", "23:59:59")
    log.info("late")
    hand.set("2026-11-20", "00:00:00")
    log.info("morning")
    assert names(path) == ["agent.log", "agent.log.2026-11-19"]
    assert texts(path.with_name("agent.log.2026-11-19")) == ["evening ***", "late"]
    assert texts(path) == ["morning"]
    assert path.stat().st_mode & 0o777 == 0o640 & ~_umask()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_restart_goes_on_in_the_file_of_the_day_and_ends_yesterday_s(
    hand: Hand, path: Path, terminal: io.StringIO
) -> None:
    log.info("before")
    to_file(path)
    log.info("after")
    assert texts(path) == ["before", "after"]
    hand.set("2026-11-20", "09:00")
    to_file(path)
    log.info("today")
    assert texts(path) == ["today"]
    assert texts(path.with_name("agent.log.2026-11-19")) == ["before", "after"]


def test_day_put_aside_twice_keeps_both(hand: Hand, path: Path, terminal: io.StringIO) -> None:
    path.with_name("agent.log.2026-11-19").write_text("an earlier one\n")
    log.info("a")
    hand.set("2026-11-20", "09:00")
    log.info("b")
    assert names(path) == ["agent.log", "agent.log.2026-11-19", "agent.log.2026-11-19.1"]


def test_so_many_days_are_kept_and_nothing_else_is_touched(hand: Hand, path: Path) -> None:
    path.parent.mkdir()
    others = ["agent.log.gz", "agent.log.2026-11-01.old", "other.log.2026-11-01"]
    for name in [*others, "agent.log.2026-11-01", "agent.log.2026-11-01.1", "agent.log.2026-11-02"]:
        path.with_name(name).touch()
    to_file(path, keep_days=2)
    for day in ("2026-11-19", "2026-11-20"):
        hand.set(day, "09:00")
        log.info("on %s", day)
    assert names(path) == sorted(
        [*others, "agent.log", "agent.log.2026-11-02", "agent.log.2026-11-19"]
    )


def test_file_of_unknown_lines_is_as_old_as_its_last_change(hand: Hand, path: Path) -> None:
    path.parent.mkdir()
    path.write_text("who knows\n")
    at = instant(Day("2026-11-17"), "12:00") // 1_000_000
    os.utime(path, (at, at))
    to_file(path)
    log.info("today")
    assert names(path) == ["agent.log", "agent.log.2026-11-17"]


def test_clock_that_goes_back_puts_nothing_aside(
    hand: Hand, path: Path, terminal: io.StringIO
) -> None:
    log.info("thursday")
    hand.set("2026-11-18", "09:00")
    log.info("wednesday")
    assert (names(path), texts(path)) == (["agent.log"], ["thursday", "wednesday"])


def test_file_that_cannot_be_written_refuses_the_start(path: Path, hand: Hand) -> None:
    with pytest.raises(ConfigError, match=r"log file .*agent.log: cannot be written \(No such"):
        to_file(path)


def test_full_disk_is_told_once_and_counted(
    hand: Hand, path: Path, terminal: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", _full)
        for number in range(3):
            log.info("lost %d", number)
    told = terminal.getvalue()
    assert told.count("cannot be written (No space left on device); trading goes on") == 1
    assert told.count("lost") == 3
    log.info("found")
    assert texts(path) == ["found"]
    assert f"log file {path} is written again, 3 lines are lost" in terminal.getvalue()


def _full(*_: object) -> int:
    raise OSError(ENOSPC, os.strerror(ENOSPC))


def test_line_cut_short_is_a_loss(
    hand: Hand, path: Path, terminal: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", lambda *_: 1)
        log.info("cut")
    assert "cannot be written (No space left on device)" in terminal.getvalue()


def test_file_that_was_taken_away_is_made_anew(
    hand: Hand, path: Path, terminal: io.StringIO
) -> None:
    log.info("gone")
    path.unlink()
    log.info("here")
    assert texts(path) == ["here"]


def test_folder_that_takes_no_new_file_keeps_the_lines_together(
    hand: Hand, path: Path, terminal: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.info("thursday")
    hand.set("2026-11-20", "09:00")
    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", _refused)
        log.info("friday")
        log.info("friday too")
    assert texts(path) == ["thursday", "friday", "friday too"]
    told = "cannot be put aside for the new day (Read-only file system); trading goes on"
    assert terminal.getvalue().count(told) == 1


def _refused(*_: object) -> None:
    raise OSError(30, "Read-only file system")


@pytest.mark.parametrize("wired", [True, False])
def test_bodies_go_to_the_file_alone_and_only_if_asked_for(
    wired: bool, hand: Hand, path: Path
) -> None:
    path.parent.mkdir()
    terminal = to_file(path, wired=wired)
    wire.debug('>>> funds {"key":"%s"}', "CANARY-1")
    log.debug("not at this level")
    assert terminal.getvalue() == ""
    assert texts(path) == ['>>> funds {"key":"***"}'] * wired
    assert not wired or "[WIRE]" in path.read_text()


def test_bodies_without_a_file_are_refused(tmp_path: Path) -> None:
    (told,) = problems_of("log: {wire: true}", tmp_path)
    assert told.startswith("log.wire: true is not allowed: bodies go to a file alone; name one in")
    assert settings_of("log: {wire: true, file: a.log}", tmp_path).log.wire


def test_two_processes_do_not_share_a_file() -> None:
    assert LogParams(level="ERROR", file="a.log", wire=True).on_screen == LogParams(level="ERROR")
