"""What an interrupted session leaves open, in one line for who interrupted it."""

from collections.abc import Iterator
from pathlib import Path

from domain.errors import JournalError
from domain.ledger import Ledger
from domain.orders import Purpose
from domain.session import show
from domain.units import Day, Micros
from journal.orders import NAME as JOURNAL
from journal.orders import JournalReader

EXIT_CODE = 11
"""The exit code of a session that was interrupted and can go on."""


def farewell(folder: Path, day: Day, at: Micros, again: str) -> str:
    """Say when it was, what is open, and by which command it goes on. Reads, never writes."""
    left = ", ".join(_left(folder, day)) or "nothing open"
    return f"interrupted at {show(at)[:5]} with {left}; go on with: {again}"


def _left(folder: Path, day: Day) -> Iterator[str]:
    if not (folder / JOURNAL).exists():
        return
    try:
        events, _ = JournalReader(folder / JOURNAL).after(0, day)
    except JournalError as error:
        yield f"nobody knows what open ({error})"
        return
    ledger = Ledger().fold(events)
    shorts = [leg for leg in ledger.open_legs() if leg.short > 0]
    bare = sum(ledger.uncovered(leg) for leg in shorts)
    if shorts:
        one = len(shorts) == 1
        stops = "" if bare else " and its stop" if one else " and their stops"
        yield f"{_counted(len(shorts), 'short', 'shorts')}{stops}"
    if bare:
        yield f"{bare} units of it without a working stop"
    entries = len(list(ledger.live(Purpose.ENTRY)))
    if entries:
        yield f"{_counted(entries, 'entry', 'entries')} that may still fill"


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
