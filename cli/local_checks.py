"""The checks of `run.py doctor` that ask nobody else: settings, disk, journal, dated rules."""

import os
import tempfile
from datetime import date
from pathlib import Path

from cli.dropbox import KILL, kill_text
from cli.exchange import DEFAULT_KEY
from cli.findings import Finding, failed, passed, skipped, warned
from cli.inquiry import Asker
from cli.sessions import REMEDY, told
from cli.visit import Visit
from domain.ledger import Ledger
from domain.params import JournalParams
from domain.reasons import Condition, remedy
from domain.sessions import NEEDED
from domain.switch import kill_level
from journal.orders import NAME as JOURNAL
from journal.orders import verify
from journal.space import free_mb, shortage

ELSEWHERE = "Name a folder you may write to with --state-dir"
RENEW = "Renew config/rules from the exchange's circulars"
RENEW_DAYS = 30
"""So long before the end the renewal is asked for each day."""


def settings(visit: Visit) -> Finding:
    """Whether the settings make sense. Raises ConfigError with every problem."""
    found = visit.load()
    visit.redactor.register(*(key for key in found.secrets() if key != DEFAULT_KEY))
    visit.asker = Asker(found)
    visit.found = found
    openalgo = found.openalgo
    text = f"profile {found.profile}, {openalgo.rest_url} and {openalgo.stream_url}"
    if found.warnings:
        return warned(f"{text}; {'. '.join(found.warnings)}", "`run.py config` shows what is read")
    return passed(text)


def disk(visit: Visit) -> Finding:
    """Whether the state directory can be made or written, and has room."""
    there = _nearest(visit.folder.absolute())
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        return failed(f"{visit.folder} cannot be written ({error.strerror})", ELSEWHERE)
    params = visit.found.journal if visit.found is not None else JournalParams()
    free = free_mb(there)
    short = shortage(free, params.min_free_mb)
    if short:
        return failed(f"{visit.folder}: {short}", remedy(Condition.DISK_SPACE).rstrip("."))
    made = "" if there == visit.folder.absolute() else ", will be made"
    return passed(f"{visit.folder} can be written{made}, {free} MB free")


def logfile(visit: Visit) -> Finding:
    """Whether the log's own file, if there is one, can be written; nothing is left behind."""
    name = visit.settings.log.file
    if not name:
        return skipped("no log.file: the log goes to the terminal alone")
    path = Path(name)
    try:
        if path.exists():
            os.close(os.open(path, os.O_WRONLY | os.O_APPEND))
        else:
            with tempfile.TemporaryFile(dir=path.absolute().parent):
                pass
    except OSError as error:
        why = f"{path} cannot be written ({error.strerror})"
        return failed(why, "Name a file in a folder you may write to as log.file")
    return passed(f"{path} can be written")


def journal(visit: Visit) -> Finding:
    """Whether the order journal is whole. Raises JournalError."""
    events = verify(visit.folder / JOURNAL, visit.day)
    return passed(f"{len(events)} events of {visit.day}, none damaged")


def latches(visit: Visit) -> Finding:
    """Whether anything is latched for the day, by the journal or by the file KILL."""
    kill = visit.folder / KILL
    text = kill_text(visit.folder)
    if text is not None:
        does = kill_level(text).upper()
        return failed(f"{kill} is there: {does} from the start on", f"Remove it (rm {kill})")
    up = Ledger().fold(verify(visit.folder / JOURNAL, visit.day)).latches
    if up:
        told = " ".join(f"{name}: {remedy(name)}" for name in up)
        return failed(f"up since today: {', '.join(f'{k} ({v})' for k, v in up.items())}. {told}")
    return passed(f"none is up on {visit.day}")


def sessions(visit: Visit) -> Finding:
    """How many clean paper sessions there are; too few are warned of before real money."""
    count, text = told(visit.folder)
    if visit.settings.openalgo.paper_trading or count >= NEEDED:
        return passed(f"{text}; {NEEDED} are asked for before PAPER_TRADING=false")
    return warned(f"real money with {text}, {NEEDED} are asked for", REMEDY)


def rules(visit: Visit) -> Finding:
    """Whether the dated rules are still good, and the holidays known, and for how long."""
    pack, day = visit.settings.rules, visit.day
    refusal, left = pack.refusal(day), pack.days_left(day)
    if refusal:
        return failed(refusal, RENEW)
    if left < 0:
        return failed(f"valid through {pack.valid_through}, {-left} days ago", RENEW)
    known = date.fromisoformat(pack.holidays_through) - date.fromisoformat(day)
    text = (
        f"version {pack.version}, valid through {pack.valid_through}, {left} days left; holidays"
        f" known through {pack.holidays_through}"
    )
    return warned(text, RENEW) if min(left, known.days) < RENEW_DAYS else passed(text)


def _nearest(folder: Path) -> Path:
    """Return the folder itself, or the nearest above it that is there."""
    return next(path for path in (folder, *folder.parents) if path.exists())
