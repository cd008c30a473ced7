"""`run.py reconcile`: the broker's books against the journal, now; changes nothing itself."""

import threading
from typing import TextIO

from actors.system import server_mode
from cli.levers import ask, check_folder
from cli.reach import Reached, Where, reach
from cli.session import is_held
from cli.strangers import read
from domain.ledger import Ledger
from domain.levers import Lever
from domain.reconcile import Yardstick
from domain.tally import Tally, table, tally
from journal.orders import NAME as JOURNAL
from journal.orders import JournalReader

EQUAL, UNEQUAL = 0, 1
AGAIN_S = 2.0
"""A running agent is behind the books for a moment: what differs is read once more."""


def run(where: Where, out: TextIO) -> int:
    """Print ours, the broker's, the difference and a verdict; return 0 if all is equal, else 1.

    A running agent reads at once and takes what it finds. Raises NotRunning, ConfigError,
    JournalError, or Refused if the books cannot be read.
    """
    check_folder(where.folder)
    reached = reach(where)
    alive = is_held(where.folder) and ask(where.folder, Lever.RECONCILE) is not None
    faults, rows = _read(where, reached)
    if alive and not _is_equal(faults, rows):
        threading.Event().wait(AGAIN_S)
        faults, rows = _read(where, reached)
    out.writelines(line.rstrip() + "\n" for line in table(rows))
    out.writelines(f"not believed: {fault}\n" for fault in faults)
    return EQUAL if _is_equal(faults, rows) else UNEQUAL


def _read(where: Where, reached: Reached) -> tuple[tuple[str, ...], tuple[Tally, ...]]:
    """Read the books, then the journal, which may know more by then but never less."""
    reached.follow()
    reply = read(reached)
    events, _ = JournalReader(where.folder / JOURNAL).after(0, reached.day)
    ledger = Ledger().fold(events)
    settings = reached.settings
    mode, window_s = server_mode(settings), settings.reconcile.window_s
    return Yardstick().judge(reply, ledger, mode, window_s).faults, tally(reply, ledger)


def _is_equal(faults: tuple[str, ...], rows: tuple[Tally, ...]) -> bool:
    return not faults and all(row.is_equal for row in rows)
