"""What shakes our picture of the broker, and what it takes until it is believed again.

Snapshots that cannot be believed, moves that cannot happen, answers of the other world, writes that
are refused while reads work, positions that are gone without a trade. Each holds the agent back by
a condition (`domain.reasons`), ends by evidence alone, and is paged while it lasts.
"""

from collections.abc import Callable, Iterable

from domain.blotter import Blotter
from domain.books import Books
from domain.orders import APPEARS_WITHIN
from domain.pages import PageCode, Pages
from domain.reasons import Condition
from domain.standing import Standing
from domain.units import Micros, Symbol, seconds

INVALID = 3
"""So many snapshots in a row that cannot be believed, and nothing is entered any more."""

PATIENCE = seconds(60)
"""After so long without a snapshot that can be believed a human must look."""

RIGHT = 2
"""So many reads in the right mode, and writing goes on."""

GONE = 3
"""So many reads, so far apart, must show a position of ours gone before it is called so."""

GONE_APART = seconds(20)

DENIED = frozenset({401, 403})


class Doubts:
    """Counts what was heard of the broker, and holds or releases conditions. Mutable.

    `is_answered`: the last read of the books came back, believed or not. `is_unreadable`: none was
    believed since the start, for too long.
    """

    def __init__(self, standing: Standing, blotter: Blotter, pages: Pages) -> None:
        self.is_unreadable = False
        self.is_answered = False
        self._wants_read = False
        self._standing = standing
        self._blotter = blotter
        self._pages = pages
        self._begun: Micros | None = None
        self._invalid = 0
        self._since: Micros | None = None
        self._said = ""
        self._resync_at: Micros | None = None
        self._flipped_at = Micros(0)
        self._right = 0
        self._denied_at: Micros | None = None
        self._gone: dict[Symbol, list[Micros]] = {}
        self._held: set[Condition] = set()
        self._told: set[str] = set()

    def is_waiting(self, at: Micros) -> bool:
        """Whether a read is to end a doubt."""
        orders = self._blotter.ledger.orders.values()
        if any(o.may_appear and o.sent_at and at < o.sent_at + APPEARS_WITHIN for o in orders):
            return True
        held = {Condition.RESYNC, Condition.OTHER_WORLD} & self._standing.conditions.keys()
        is_refused = self._standing.holds(Condition.WRITES_REFUSED)
        return bool(held) or (self._denied_at is not None and not is_refused)

    def take_read(self) -> bool:
        """Return whether the books are to be read now, and take it as done."""
        wants, self._wants_read = self._wants_read, False
        return wants

    def resync(self, reason: str, at: Micros) -> None:
        """Enter nothing and read at once, until a valid snapshot begun from now on agrees."""
        self._standing.hold(Condition.RESYNC, reason)
        self._resync_at = at
        self._wants_read = True

    def jumped(self, reason: str, at: Micros) -> None:
        """Resync; nothing that was noted is later than `at`, or it would wait for that instant."""
        self.resync(reason, at)
        self._flipped_at = min(self._flipped_at, at)
        self._denied_at = None if self._denied_at is None else min(self._denied_at, at)
        self._since = None if self._since is None else min(self._since, at)
        self._begun = None if self._begun is None else min(self._begun, at)
        self._gone.clear()

    def believed(self, books: Books, findings: int) -> None:
        """Take a valid snapshot; `findings` is how many things it showed that ought not to be."""
        self.is_answered, self.is_unreadable = True, False
        self._since, self._invalid = None, 0
        self._gone.clear()
        release = self._standing.release
        release(Condition.BOOKS)
        release(Condition.QUARANTINE)
        if self._resync_at is not None and books.asked_at >= self._resync_at and not findings:
            self._resync_at = None
            release(Condition.RESYNC)
        self.right_mode(books.asked_at)
        if self._denied_at is not None and books.asked_at > self._denied_at:
            said = "the server answers reads and refuses orders"
            self._standing.hold(Condition.WRITES_REFUSED, said)

    def invalid(self, faults: Iterable[str], at: Micros, *, lags: bool) -> None:
        """Take a snapshot that cannot be believed; one where books merely `lags` is not counted."""
        self.is_answered = True
        self._said = "; ".join(faults)
        if self._since is None:
            self._since = at
        if lags:
            return
        self._invalid += 1
        if self._invalid >= INVALID:
            text = f"{self._invalid} snapshots in a row cannot be believed: {self._said}"
            self._standing.hold(Condition.BOOKS, text)

    def gone(self, symbols: Iterable[Symbol], asked_at: Micros) -> None:
        """Take which positions of ours a snapshot shows gone without a trade that explains it."""
        for symbol in symbols:
            reads = self._gone.setdefault(symbol, [])
            if not reads or asked_at >= reads[-1] + GONE_APART:
                reads.append(asked_at)
            if len(reads) == GONE:
                reads.append(asked_at)
                said = f"{symbol} is gone at the broker without a trade of ours"
                self._blotter.find("OWN_GONE", symbol, said, asked_at)
                self._standing.hold(Condition.QUARANTINE, said)

    def flipped(self, reason: str, at: Micros) -> None:
        """Write nothing: an answer came from the other world, paper or live."""
        self._standing.hold(Condition.OTHER_WORLD, reason)
        self._flipped_at, self._right = at, 0
        self._wants_read = True

    def right_mode(self, asked_at: Micros) -> None:
        """Take an account read in the right mode; the second one lets writing go on."""
        if asked_at > self._flipped_at:
            self._right += 1
        if self._right >= RIGHT:
            self._standing.release(Condition.OTHER_WORLD)

    def denied(self, at: Micros) -> None:
        """Take a write that was refused with 401 or 403: the next read tells who is refused."""
        self._denied_at = at
        self._wants_read = True

    def taken(self) -> None:
        """Take a write that was accepted, or a lost session, which explains every refusal."""
        self._denied_at = None
        self._standing.release(Condition.WRITES_REFUSED)

    def login_is_missed(self, at: Micros) -> bool:
        """Whether the books cannot be believed since the start, so that a login is waited for."""
        is_other = self._standing.holds(Condition.LOGIN) and not self.is_unreadable
        if self._begun is None or is_other:
            self._begun = at
        late = at >= self._begun + PATIENCE
        self.is_unreadable = late and not self._standing.is_recovered
        return self.is_unreadable

    def step(self, at: Micros, left: Callable[[], Iterable[str]]) -> None:
        """Hold what became wrong and page what lasts; `left` tells what a human has to close."""
        ledger = self._blotter.ledger
        if Condition.ANOTHER_TRADER in ledger.unsafe:
            self._standing.hold(Condition.ANOTHER_TRADER, ledger.unsafe[Condition.ANOTHER_TRADER])
        else:
            self._standing.release(Condition.ANOTHER_TRADER)
        for latch in sorted(_LATCHES.keys() & ledger.latches.keys() - self._told):
            self._told.add(latch)
            self._pages.add(_LATCHES[latch], latch, ledger.latches[latch], at)
        self._told &= ledger.latches.keys()
        if self._blotter.alarms:
            self.resync(self._blotter.alarms[-1], at)
            self._blotter.alarms.clear()
        is_late = self._since is not None and at >= self._since + PATIENCE
        is_elsewhere = self._standing.holds(Condition.OTHER_WORLD)
        if self._standing.holds(Condition.BOOKS) and is_late and not is_elsewhere:
            text = f"{self._said}; by our own account: {_listed(left())}"
            self._pages.add(PageCode.BOOKS, "books", text, at)
        holds = self._standing.conditions
        for condition, code in _PAGED.items():
            if condition in holds and (code in _LASTING or condition not in self._held):
                self._page(condition, code, tuple(left()), at)
        self._held = set(holds)

    def _page(
        self, condition: Condition, code: PageCode, left: tuple[str, ...], at: Micros
    ) -> None:
        """Page a condition with what is open; a login is missed only where something is."""
        if left or code is not PageCode.LOGIN:
            text = f"{self._standing.conditions[condition]}: {_listed(left)}"
            self._pages.add(code, condition, text, at)


def _listed(left: Iterable[str]) -> str:
    return "; ".join(left) or "nothing of ours is open"


_PAGED = {
    Condition.LOGIN: PageCode.LOGIN,
    Condition.WRITES_REFUSED: PageCode.WRITES_REFUSED,
    Condition.QUARANTINE: PageCode.QUARANTINE,
    Condition.OTHER_WORLD: PageCode.MODE_FLIP,
    Condition.ANOTHER_TRADER: PageCode.ANOTHER_TRADER,
    Condition.JOURNAL_LOST: PageCode.JOURNAL_LOST,
    Condition.JOURNAL_DOUBT: PageCode.JOURNAL_DOUBT,
}
"""What a human must know of as soon as it holds."""

_LATCHES = {code.value: code for code in (PageCode.ORDER_MODE, PageCode.DUPLICATE)}
"""Latches that a human must know of when they go up; the others are paged by their cause."""

_LASTING = frozenset({PageCode.WRITES_REFUSED, PageCode.QUARANTINE})
"""What is told again each minute as long as it holds: nobody else can mend it."""
