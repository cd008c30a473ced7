"""The night between two days of the paper exchange: the clock jumps, and no actor sees it."""

import gc
import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cli import outfile
from cli.attach import Child, Discovery, discover
from cli.life import Calendar
from cli.summary import Summary
from config.settings import Settings
from domain import clock
from domain.errors import ConfigError
from domain.session import instant
from domain.units import Day, Micros, seconds
from journal import archive

log = logging.getLogger(__name__)

LOOK_AGAIN_S = 0.1
SILENT = seconds(60)
"""In real time: how long an exchange between two days may answer nobody."""

SUMMARY = "summary.json"
"""What a day came to, beside its journals."""


@dataclass(frozen=True, slots=True)
class Venue:
    """Where the exchange is; a `child` is one that we started."""

    url: str
    child: Child | None = None


@contextmanager
def breakable() -> Iterator[None]:
    """Let SIGTERM be what Ctrl-C is, wherever no agent listens: then the exchange is ended too."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def next_day(venue: Venue, day: Day) -> Discovery:
    """Wait until the exchange has opened another day and return what it says then.

    One of our own is told to; somebody else's rolls by itself, once its day is closed. Raises
    ConfigError if nobody answers for a minute.
    """
    # What made up the day holds itself in circles, with its files and sockets.
    gc.collect()
    if venue.child is not None:
        venue.child.end_day()
    answered = clock.steady()
    while True:
        try:
            found = discover(venue.url)
        except ConfigError:
            if clock.steady() - answered > SILENT:
                raise
        else:
            answered = clock.steady()
            if found.date != day:
                log.info("the night of %s is over: the clock jumps to %s", day, found.date)
                return found
        threading.Event().wait(LOOK_AGAIN_S)


def put_away(folder: Path, settings: Settings, day: Day, following: Day, summary: Summary) -> None:
    """Keep what a day left in its folder. Its status stays, until the next one writes its own."""
    calendar = Calendar(settings)
    archive.roll(folder, begin_of(following), os.getpid(), calendar.in_session)
    home = folder / archive.FOLDER / day
    if home.is_dir():
        outfile.save(summary, home / SUMMARY, "--days")
    archive.prune(folder, settings.journal.keep_days)


def begin_of(day: Day) -> Micros:
    """Return the first instant of a day."""
    return instant(day, "00:00")
