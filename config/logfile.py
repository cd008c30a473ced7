"""A log file that begins anew each midnight in India and never stands in anybody's way.

What cannot be written is counted and told on the terminal now and then; whoever logs goes on.
"""

import logging
import os
import re
from errno import ENOSPC
from pathlib import Path

from domain import clock
from domain.errors import ConfigError
from domain.session import trading_day
from domain.units import MINUTE, Day, Micros

log = logging.getLogger(__name__)

MODE = 0o640
CLOSED = -1
COMPLAIN_AGAIN = 5 * MINUTE

_DATE = re.compile(rb"\d{4}-\d{2}-\d{2}")
_KEPT = re.compile(r"\.(\d{4}-\d{2}-\d{2})(\.\d+)?")


class DailyFile(logging.Handler):
    """Appends lines to `path`. At midnight it becomes path.YYYY-MM-DD, the day its lines begin on.

    Of those, `keep_days` days stay. Raises ConfigError if the file cannot be written now.
    """

    def __init__(self, path: Path, keep_days: int) -> None:
        super().__init__()
        self._path = path
        self._keep_days = keep_days
        self._lost = 0
        self._complain_at = Micros(0)
        self._is_complaining = False
        try:
            self._day = _day_of(path)
            self._file = _open(path)
        except OSError as error:
            raise ConfigError(
                f"log file {path}: cannot be written ({error.strerror}); name a folder you may"
                " write to"
            ) from error

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record; a loss is counted and told."""
        if self._is_complaining:
            return
        line = f"{self.format(record)}\n".encode("ascii", "backslashreplace")
        day = trading_day(record.__dict__["market_at"])
        try:
            if self._day is not None and day > self._day:
                self._turn(self._day)
            self._day = day if self._day is None else max(day, self._day)
            self._write(line)
        except OSError as error:
            self._lost += 1
            self._complain("cannot be written", error)
        else:
            self._found()

    def close(self) -> None:
        """Close the file; again is no harm, for two loggers may hold us."""
        super().close()
        if self._file != CLOSED:
            os.close(self._file)
            self._file = CLOSED

    def _write(self, line: bytes) -> None:
        if os.fstat(self._file).st_nlink == 0:  # somebody took it away
            self._reopen()
        if os.write(self._file, line) < len(line):
            raise OSError(ENOSPC, os.strerror(ENOSPC))

    def _turn(self, day: Day) -> None:
        """Put the lines of `day` aside. If that fails they stay, and new ones come behind them."""
        self._day = None
        try:
            aside = self._path.with_name(f"{self._path.name}.{day}")
            number = 0
            while aside.exists():
                number += 1
                aside = self._path.with_name(f"{self._path.name}.{day}.{number}")
            self._path.replace(aside)
            self._reopen()
            self._prune()
        except OSError as error:
            self._complain("cannot be put aside for the new day", error)

    def _reopen(self) -> None:
        new = _open(self._path)
        os.close(self._file)
        self._file = new

    def _prune(self) -> None:
        kept: dict[str, list[Path]] = {}
        for path in self._path.parent.iterdir():
            name, _, _ = path.name.partition(self._path.name)
            dated = _KEPT.fullmatch(path.name.removeprefix(self._path.name))
            if not name and dated:
                kept.setdefault(dated[1], []).append(path)
        for day in sorted(kept, reverse=True)[self._keep_days :]:
            for path in kept[day]:
                path.unlink()

    def _complain(self, what: str, error: OSError) -> None:
        if clock.steady() < self._complain_at:
            return
        self._complain_at = Micros(clock.steady() + COMPLAIN_AGAIN)
        self._say("log file %s %s (%s); trading goes on", self._path, what, error.strerror)

    def _found(self) -> None:
        if self._lost:
            lost, self._lost, self._complain_at = self._lost, 0, Micros(0)
            self._say("log file %s is written again, %d lines are lost", self._path, lost)

    def _say(self, text: str, *args: object) -> None:
        """Tell everybody but ourselves, in our own lock, which a thread may take twice."""
        self._is_complaining = True
        try:
            log.warning(text, *args)
        finally:
            self._is_complaining = False


def _open(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, MODE)


def _day_of(path: Path) -> Day | None:
    """Return the day a file's lines begin on; None for a file without lines."""
    try:
        with path.open("rb") as file:
            begin = file.read(10)
    except FileNotFoundError:
        return None
    if not begin:
        return None
    if _DATE.fullmatch(begin):
        return Day(begin.decode())
    return trading_day(Micros(path.stat().st_mtime_ns // 1000))
