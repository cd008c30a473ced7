"""The commit path: nothing is sent before it is written down, and an exit is never held up by that.

While the order journal takes no commit, events go to the fallback under the numbers they will have
in the journal; they are kept, and tried again first and in order. In OrderActor's thread.
"""

import logging
from collections.abc import Iterable

import msgspec

from domain import events as ev
from domain.blotter import Blotter
from domain.calls import Outcome, Priority, Write, WriteReply
from domain.errors import JournalError
from domain.ledger import Ledger
from domain.params import JournalParams
from domain.reasons import Condition
from domain.standing import Standing
from domain.units import Micros, seconds
from journal.fallback import RESERVE
from journal.opening import Opened
from journal.space import free_mb, shortage

log = logging.getLogger(__name__)

RETRY_APART = seconds(1)
"""A locked file is waited for `busy_timeout`; that long an exit may wait once in a second."""

LOOK_APART = seconds(10)
"""How often the room on the disk is asked for."""

CHECK_AFTER = 500
"""After so many events, and after the proof of flat, the fold is written down."""


class Dispatch(msgspec.Struct, frozen=True):
    """Which writes may leave now, in their order, and which may not and never did."""

    send: tuple[Write, ...]
    held: tuple[Write, ...] = ()


class Scribe:
    """Writes down what was decided and says which writes may leave.

    `trouble` is why the journal takes no commit, '' while it does. `unrecorded` counts the exits
    that left though no disk took them.
    """

    def __init__(self, opened: Opened, ledger: Ledger, params: JournalParams) -> None:
        self.trouble = ""
        self.unrecorded = 0
        self._journal = opened.journal
        self._fallback = opened.fallback
        self._ledger = ledger
        self._params = params
        self._backlog = list(opened.waiting)
        self._spared = len(self._backlog)
        self._tried_at: Micros | None = None
        self._unchecked = 0
        self._looked_at: Micros | None = None
        self._shortage = ""

    @property
    def is_behind(self) -> bool:
        """Whether the journal lacks events that are decided."""
        return bool(self._backlog)

    @property
    def has_unwritten(self) -> bool:
        """Whether no disk has what was decided: whoever reads the journals sees less than is so."""
        return len(self._backlog) > self._spared

    def commit(self, events: Iterable[ev.Event], writes: tuple[Write, ...], at: Micros) -> Dispatch:
        """Make events durable, those before them first, and return which writes may leave.

        An exit always may. The end of an entry may once it is in the fallback; a new or a changed
        entry only once it is in the journal.
        """
        self._backlog += events
        if not self._backlog or (self._may_try(at) and self._append(at)):
            return Dispatch(writes)
        exits = tuple(write for write in writes if write.priority is Priority.EXIT)
        is_durable = self._spare(exits)
        if not is_durable and exits:
            self.unrecorded += len(exits)
            names = ", ".join(write.ref for write in exits)
            log.critical("sent without any record, both journals fail: %s", names)
        last = Priority.CANCEL if is_durable else Priority.EXIT
        send = tuple(write for write in writes if write.priority <= last)
        return Dispatch(send, tuple(write for write in writes if write.priority > last))

    def shortage(self, at: Micros) -> str:
        """Return why the disk has too little room for entries; '' if it has enough."""
        if self._looked_at is None or abs(at - self._looked_at) >= LOOK_APART:
            self._looked_at = at
            try:
                free = free_mb(self._journal.path.parent)
                self._shortage = shortage(free, self._params.min_free_mb)
            except JournalError as error:
                self._shortage = str(error)
        return self._shortage

    def hold(self, standing: Standing, at: Micros) -> bool:
        """Let the agent's standing show how the disk is; return whether that is news."""
        is_new = False
        found = {Condition.NO_JOURNAL: self.trouble, Condition.DISK_SPACE: self.shortage(at)}
        for condition, text in found.items():
            is_new |= standing.hold(condition, text) if text else standing.release(condition)
        return is_new

    def unsent(self, write: Write, at: Micros) -> WriteReply:
        """Return the answer to a write that was held back."""
        return WriteReply(
            ref=write.ref,
            route="journal",
            outcome=Outcome.NOT_SENT,
            at=at,
            code=str(Condition.NO_JOURNAL),
            text=self.trouble,
        )

    def close(self) -> None:
        """Let go of both files; everything committed is on disk already."""
        self._journal.close()
        if self._fallback is not None:
            self._fallback.close()

    def _may_try(self, at: Micros) -> bool:
        """Whether the journal is asked now; after a refusal only a second later.

        A clock that was set back is no reason to wait.
        """
        return self._tried_at is None or not 0 <= at - self._tried_at < RETRY_APART

    def _append(self, at: Micros) -> bool:
        try:
            self._journal.append(self._backlog)
        except JournalError as error:
            if not self.trouble:
                log.critical("NO JOURNAL: %s", error)
            self.trouble, self._tried_at = str(error), at
            return False
        if self.trouble:
            log.warning("the order journal takes commits again: %d events", len(self._backlog))
        self.trouble, self._tried_at = "", None
        self._settle()
        return True

    def _settle(self) -> None:
        """Forget what is on disk now, and write down the fold when that is due."""
        self._unchecked += len(self._backlog)
        is_flat = any(isinstance(event, ev.ProvedFlat) for event in self._backlog)
        self._backlog.clear()
        try:
            if self._spared and self._fallback is not None:
                self._fallback.empty()
            if self._unchecked >= CHECK_AFTER or is_flat:
                self._journal.check(self._ledger)
                self._unchecked = 0
        except JournalError as error:
            log.warning("%s", error)
        self._spared = 0

    def _spare(self, exits: tuple[Write, ...]) -> bool:
        """Put what no journal has yet into the fallback; return whether all is on disk now."""
        new = self._backlog[self._spared :]
        if not new:
            return True
        first = self._journal.seq + self._spared + 1
        reserve = 0 if exits else RESERVE
        try:
            if self._fallback is None:
                raise JournalError("there is no fallback journal")  # noqa: TRY301 - one way to fail
            self._fallback.append(self._journal.boot_seq, first, new, reserve=reserve)
        except JournalError as error:
            log.warning("%s", error)
            return False
        self._spared = len(self._backlog)
        return True


def report(opened: Opened, blotter: Blotter, standing: Standing, at: Micros) -> None:
    """Record what the start found wrong with the journals, and let it hold the agent back.

    What an earlier process of the day recorded holds on.
    """
    lost = f"orders.db: {opened.damage}; kept as {opened.aside}" if opened.damage else ""
    found = (
        (Condition.JOURNAL_LOST, opened.aside, lost),
        (Condition.JOURNAL_DOUBT, "", opened.doubt),
    )
    for kind, subject, detail in found:
        if detail:
            blotter.record(ev.FindingApplied(at=at, kind=kind, subject=subject, detail=detail))
    for condition, text in blotter.ledger.unsafe.items():
        standing.hold(condition, text)
