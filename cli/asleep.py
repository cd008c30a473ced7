"""`run.py flatten` of an agent that sleeps: nothing can be sent, and nothing has to be."""

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from cli.closer import NOT_PROVED
from cli.dropbox import KILL, kill_text
from cli.session import is_held, signer
from cli.status import NAME as STATUS
from domain import clock
from domain.errors import JournalError
from domain.ledger import Ledger
from domain.proof import manual_list
from domain.status import OLD_S, Status
from domain.strategy import Mode
from domain.units import Day, seconds
from journal import archive
from journal.orders import JournalReader

FLAT = 0
STANDBY = "standby"
LOOK = "look at the broker's positions and orders, and close by hand what is open"
ELSEWHERE = "this host stands by: what another host opened is flattened there, or by hand"


def sleeper(folder: Path) -> Status | None:
    """Return what the agent that holds a folder says of itself, if no actor of it lives."""
    path = folder / STATUS
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Status)
        age = clock.wall() - seconds(path.stat().st_mtime)
    except (OSError, msgspec.DecodeError):
        return None
    is_its = is_held(folder) and signer(folder) == found.pid and age <= seconds(OLD_S)
    return found if is_its and found.mode == Mode.CLOSED and not found.ended else None


def tell(folder: Path, status: Status, say: Callable[[str], None]) -> int:
    """Say whether anything is open, by the newest journal of a session, and return the exit code.

    0: nothing is, 3: something is, or it cannot be told.
    """
    asleep = f"the agent is asleep ({status.mode_reason})"
    try:
        day, ledger = next(_played(folder), ("", Ledger()))
    except JournalError as error:
        say(f"{asleep}, and whether anything is open cannot be told: {error}")
        say(LOOK)
        return NOT_PROVED
    left = manual_list(ledger, lambda _: None)
    code = NOT_PROVED if left or not ledger.is_quiet else FLAT
    if code == FLAT:
        say(f"{asleep}, nothing is open: {_proof(day, ledger)}")
    else:
        say(f"{asleep}, nothing can be sent; the journal of {day} knows of this:")
        for line in left:
            say(f"  {line}")
        say(LOOK)
    if status.mode_reason.startswith(STANDBY):
        say(ELSEWHERE)
        code = NOT_PROVED
    if kill_text(folder) is not None:
        path = folder / KILL
        say(f"{path} stays, and is obeyed from the next session's first second (rm {path})")
    return code


def _proof(day: str, ledger: Ledger) -> str:
    if not day:
        return f"no journal of a session is here. If others traded there, {LOOK}"
    if ledger.proved_flat_at is None:
        return f"the journal of {day} knows of nothing, but was not proved flat. To be sure, {LOOK}"
    return f"the journal of {day} proves it"


def _played(folder: Path) -> Iterator[tuple[Day, Ledger]]:
    """Yield the days on which an agent was at work, newest first. Raises JournalError."""
    for path in reversed(list(archive.journals(folder))):
        reader = JournalReader(path)
        for day in reader.days():
            ledger = Ledger().fold(reader.after(0, day)[0])
            if ledger.orders or ledger.has_recovered or ledger.proved_flat_at is not None:
                yield day, ledger
