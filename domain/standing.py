"""What may be done now, and why not more: conditions come and go, latches stay, the clock decides.

Conditions are held in memory and found again after a restart; latches are folded from the journal.
"""

from domain.ledger import Ledger
from domain.reasons import Condition
from domain.session import DayPlan
from domain.strategy import Mode
from domain.units import Micros

CLOSING = ("FLATTEN", "DAY_DONE")
"""Latches that end the day: every short is left and the book proved flat."""

HALT = "HALT"
"""The latch under which a human wants nothing sent at all, not even an exit."""

ENDS_ENTRIES = frozenset(
    {
        Condition.BOOKS,
        Condition.RESYNC,
        Condition.JOURNAL_LOST,
        Condition.JOURNAL_DOUBT,
        Condition.ANOTHER_TRADER,
        Condition.WRITES_REFUSED,
        Condition.LEASE,
    }
)
"""Conditions under which no entry may go on resting: nobody would see it fill, or know whose it is.

Under the others what rests stays, and nothing new is entered.
"""

PARKING = "parking"
"""Why nothing more is entered before the process ends on a signal."""

REBUILT = "the strategy is being rebuilt"
DIED_TOO_OFTEN = "the strategy died too often"
"""It is rebuilt, and looks after the day's limits; it enters nothing until the process ends."""


class Standing:
    """The agent's mode with its reasons. Mutable, owned by the order desk."""

    def __init__(self, ledger: Ledger, plan: DayPlan) -> None:
        self.is_recovered = False
        self.parked_at: Micros | None = None
        self.conditions: dict[Condition, str] = {}
        self._ledger = ledger
        self._plan = plan

    def hold(self, condition: Condition, text: str) -> bool:
        """Let a condition hold, with its reason in words; return whether it is new."""
        is_new = condition not in self.conditions
        self.conditions[condition] = text
        return is_new

    def release(self, condition: Condition) -> bool:
        """Let a condition end; return whether it held."""
        return self.conditions.pop(condition, None) is not None

    def holds(self, condition: Condition) -> bool:
        """Whether a condition holds."""
        return condition in self.conditions

    def leased(self, doubt: str) -> None:
        """Hold entries back while the lease of this host is in doubt; '' is none."""
        if doubt:
            self.hold(Condition.LEASE, doubt)
        else:
            self.release(Condition.LEASE)

    def strategy_ready(self) -> None:
        """Let entries go on, unless the strategy died too often."""
        if not self._died_too_often:
            self.release(Condition.STRATEGY)

    def strategy_lost(self, *, too_often: bool) -> str:
        """Hold entries back while nobody looks after them; return why, in words."""
        if not self._died_too_often:
            self.hold(Condition.STRATEGY, DIED_TOO_OFTEN if too_often else REBUILT)
        return self.conditions[Condition.STRATEGY]

    @property
    def _died_too_often(self) -> bool:
        return self.conditions.get(Condition.STRATEGY) == DIED_TOO_OFTEN

    def mode(self, at: Micros) -> Mode:
        """Return what may be done now. Exits are allowed in every mode but HALTED."""
        if HALT in self._ledger.latches:
            return Mode.HALTED
        if self.is_closing(at) and self._ledger.proved_flat_at is not None:
            return Mode.CLOSED
        if Condition.LOGIN in self.conditions:
            return Mode.WAIT_LOGIN
        if not self.is_recovered:
            return Mode.RECOVERING
        return Mode.REDUCE_ONLY if self._is_held(at) else Mode.ACTIVE

    def _is_held(self, at: Micros) -> bool:
        is_held = bool(self.conditions or self._ledger.latches)
        return is_held or self.is_closing(at) or self.parked_at is not None

    def why(self, at: Micros) -> str:
        """Return why the mode is what it is; '' for ACTIVE."""
        if self._ledger.latches:
            return " ".join(self._ledger.latches)
        if Condition.LOGIN in self.conditions:
            return self.conditions[Condition.LOGIN]
        if self.is_closing(at):
            return "force close"
        if self.parked_at is not None:
            return PARKING
        return "; ".join(text for text in self.conditions.values() if text)

    def is_closing(self, at: Micros) -> bool:
        """Whether the day is to end flat from now on: a level, true until it is done."""
        latches = self._ledger.latches
        return at >= self._plan.force_close or any(name in latches for name in CLOSING)

    def closing_reason(self) -> str:
        """Return why the day is to end flat."""
        latches = self._ledger.latches
        return next((latches[name] for name in CLOSING if name in latches), "FORCE_CLOSE")

    def is_quiet(self, at: Micros) -> bool:
        """Whether the broker's own square-off is so near that no cover may be sent."""
        return self._plan.quiet is not None and at >= self._plan.quiet

    @property
    def may_write(self) -> bool:
        """Whether anything at all may be sent: no answer came from the other world, no HALT."""
        is_elsewhere = Condition.OTHER_WORLD in self.conditions
        return self.is_recovered and not is_elsewhere and HALT not in self._ledger.latches

    def entries_over(self, at: Micros) -> str:
        """Return why resting entries are to end now; '' while they may rest."""
        if self.is_closing(at):
            return self.closing_reason()
        if self._ledger.latches:
            return " ".join(self._ledger.latches)
        if self.parked_at is not None:
            return PARKING
        ended = (text or code for code, text in self.conditions.items() if code in ENDS_ENTRIES)
        over = next(ended, "last entry time" if at >= self._plan.last_entry else "")
        return over or (DIED_TOO_OFTEN if self._died_too_often else "")
