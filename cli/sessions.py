"""The file of played sessions: a line for each life of an agent, kept from day to day."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from cli.version import commit
from config.settings import Settings
from domain import clock
from domain.errors import JournalError
from domain.session import trading_day
from domain.sessions import NEEDED, Played, clean, played
from domain.units import Day
from journal.orders import NAME as JOURNAL
from journal.orders import JournalReader

log = logging.getLogger(__name__)

NAME = "sessions.jsonl"
REMEDY = "Play on paper until there are, or keep to one lot and tight limits"


def note(folder: Path, settings: Settings, day: Day, code: int) -> None:
    """Write down how a life of an agent ended; a disk that takes nothing is only said.

    A day that is not today's is a play: nothing is learned from it for real money.
    """
    if trading_day(clock.wall()) != day:
        return
    mode = "analyze" if settings.openalgo.paper_trading else "live"
    try:
        events, _ = JournalReader(folder / JOURNAL).after(0, day)
        row = played(events, day, mode, code, commit())
        with (folder / NAME).open("ab") as file:
            file.write(msgspec.json.encode(row) + b"\n")
            file.flush()
            os.fsync(file.fileno())
    except (OSError, JournalError) as error:
        log.error("the session is not noted in %s: %s", folder / NAME, error)  # noqa: TRY400 - one line
        return
    if row.flaws:
        log.warning("this session is not clean: %s", "; ".join(row.flaws))


def announce(folder: Path, settings: Settings) -> None:
    """Log how many clean paper sessions there are; real money with too few is warned of.

    What an operator should mend in the settings is said here as well, each day.
    """
    for warning in settings.warnings:
        log.warning("%s", warning)
    count, text = told(folder)
    if settings.openalgo.paper_trading or count >= NEEDED:
        log.info("%s", text)
    else:
        log.warning("REAL MONEY with %s; %d are asked for. %s", text, NEEDED, REMEDY)


def told(folder: Path) -> tuple[int, str]:
    """Return how many clean paper sessions are known, and that in words."""
    found = clean(_rows(folder))
    if not found:
        return 0, "no clean paper session"
    entries = sum(row.entries for row in found)
    word = "session" if len(found) == 1 else "sessions"
    span = f"from {found[0].day} to {found[-1].day}" if len(found) > 1 else f"of {found[0].day}"
    return len(found), f"{len(found)} clean paper {word} {span}, {entries} entries"


def _rows(folder: Path) -> Iterator[Played]:
    """Yield what is noted in a state directory, and in those of paper days right below it."""
    for path in (folder / NAME, *sorted(folder.glob(f"*/{NAME}"))):
        try:
            lines = path.read_bytes().splitlines()
        except OSError:
            continue
        for line in lines:
            try:
                yield msgspec.json.decode(line, type=Played)
            except msgspec.DecodeError:  # a line that a crash cut short
                continue
