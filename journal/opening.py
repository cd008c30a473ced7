"""The journals at the start: what is whole is gone on with, what is not is set aside and said.

OrderActor's thread. A file another process holds, or a later version wrote, is left as it is and
the start fails: nothing is wrong with it.
"""

import logging
from collections.abc import Callable
from pathlib import Path

import msgspec

from domain.errors import JournalDamaged, JournalError, JournalNewer
from domain.events import Event
from domain.ledger import Ledger
from domain.ledger_digest import canonical, differences, digest
from domain.session import trading_day
from domain.units import Day
from journal.fallback import NAME as FALLBACK
from journal.fallback import Fallback
from journal.orders import NAME, OrderJournal
from journal.space import free_name

log = logging.getLogger(__name__)

COMPANIONS = ("", "-wal", "-shm")
"""SQLite's files beside the database; they are looked for under the same name."""


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """The journals, ready, and what was found in them.

    `events` are those of the day, the fallback's behind the journal's own. `waiting` are those of
    any day that only the fallback holds: they are to be committed first, in this order. `damage`
    says what was wrong with the file that is now kept as `aside`; '' for none. `doubt` says where
    the fold differs from what was written down of it. Without `fallback` none could be opened.
    """

    journal: OrderJournal
    fallback: Fallback | None
    events: tuple[Event, ...]
    waiting: tuple[Event, ...] = ()
    damage: str = ""
    aside: str = ""
    doubt: str = ""

    @property
    def merged(self) -> int:
        """How many events the fallback journal gave back."""
        return len(self.waiting)


def open_orders(folder: Path, day: Day, claim: Callable[[int], OrderJournal]) -> Opened:
    """Open the order journal of a state directory and its fallback; take up what a crash left.

    `claim` opens the folder's journal under a number above the one it is given. Raises
    JournalError: JournalBusy or JournalNewer if the file may not be touched.
    """
    spare = _spare(folder / FALLBACK)
    boot = max((record.boot for record in spare.found.records), default=0) if spare else 0
    path, damage, aside = folder / NAME, "", ""
    try:
        journal = claim(boot)
    except JournalDamaged as error:
        damage, aside = str(error.__cause__), _set_aside(path)
        log.critical("the order journal %s: %s; it is kept as %s", path, damage, aside)
        journal = claim(boot)
    waiting, doubt = _waiting(spare, journal)
    events = journal.events(day) + tuple(e for e in waiting if trading_day(e.at) == day)
    doubt = "; ".join(part for part in (doubt, _doubt(journal, day)) if part)
    if waiting:
        log.warning("%d events of a former process were in %s only", len(waiting), FALLBACK)
    if doubt:
        log.error("what %s says is in doubt: %s", path, doubt)
    return Opened(
        journal=journal,
        fallback=spare,
        events=events,
        waiting=waiting,
        damage=damage,
        aside=aside,
        doubt=doubt,
    )


def _spare(path: Path) -> Fallback | None:
    try:
        return Fallback(path)
    except JournalNewer:
        raise
    except JournalError as error:
        log.warning("%s; without it an exit may go unrecorded", error)
        return None


def _set_aside(path: Path) -> str:
    """Rename a file with its companions and return the new name. Raises JournalError."""
    aside = free_name(path)
    try:
        for companion in COMPANIONS:
            old = path.with_name(path.name + companion)
            if old.exists():
                old.rename(aside.with_name(aside.name + companion))
    except OSError as error:
        raise JournalError(f"{path} is damaged and cannot be moved aside: {error}") from error
    return aside.name


def _waiting(spare: Fallback | None, journal: OrderJournal) -> tuple[tuple[Event, ...], str]:
    """Return what the fallback has beyond the journal, and why it may be believed no further.

    It goes on where the journal ends: what both hold must be equal, and no number may be missing.
    """
    if spare is None:
        return (), ""
    numbered = [
        pair for record in spare.found.records for pair in enumerate(record.events, record.seq)
    ]
    beyond = tuple(event for _, event in spare.found.after(journal.seq))
    if any(seq <= journal.seq and journal.event(seq) != event for seq, event in numbered):
        return (), _left_out(spare, f"it does not go on from {NAME}")
    if len(beyond) < sum(seq > journal.seq for seq, _ in numbered):
        return (), _left_out(spare, f"events between {NAME} and it are missing")
    if numbered and not beyond:
        spare.empty()
    return beyond, spare.found.damage and f"{FALLBACK}: {spare.found.damage}"


def _left_out(spare: Fallback, why: str) -> str:
    spare.set_aside(why)
    return f"{FALLBACK} was left out: {why}"


def _doubt(journal: OrderJournal, day: Day) -> str:
    """Return where a fold of the day differs from its last checkpoint; '' if it does not."""
    written = journal.checkpoint(day)
    if written is None:
        return ""
    ledger = Ledger().fold(event for seq, event in journal.numbered(day) if seq <= written.at_seq)
    if digest(canonical(ledger)) == written.sha256 == digest(written.body):
        return ""
    if digest(written.body) != written.sha256:
        return f"the checkpoint at event {written.at_seq} is damaged"
    return f"event {written.at_seq}: {', '.join(differences(ledger, written.body))}"
