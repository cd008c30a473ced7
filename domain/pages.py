"""What a human must know now, told once and then counted.

A finding is known by its code and its subject, never by its words: the same one sixty times is one
page with a count, whatever figures stand in its text.
"""

from enum import StrEnum

import msgspec

from domain.units import MINUTE, SECOND, Micros


class PageCode(StrEnum):
    """What a page is about; `domain.reasons` says what each means and what to do."""

    STOP_REFUSED = "STOP_REFUSED"
    GAP = "GAP"
    UNCOVERED = "UNCOVERED"
    SECOND_STOP = "SECOND_STOP"
    STOP_STAYS = "STOP_STAYS"
    BAND_REST = "BAND_REST"
    EXIT_REFUSED = "EXIT_REFUSED"
    EXIT_FITTED = "EXIT_FITTED"
    OVER_COVER = "OVER_COVER"
    NO_SNAPSHOT = "NO_SNAPSHOT"
    NOT_FLAT = "NOT_FLAT"
    LATE_NOT_FLAT = "LATE_NOT_FLAT"
    OWN_LONG = "OWN_LONG"
    LOGIN = "LOGIN"
    BOOKS = "BOOKS"
    WRITES_REFUSED = "WRITES_REFUSED"
    QUARANTINE = "QUARANTINE"
    MODE_FLIP = "MODE_FLIP"
    ORDER_MODE = "ORDER_MODE"
    DUPLICATE = "DUPLICATE"
    ANOTHER_TRADER = "ANOTHER_TRADER"
    JOURNAL_LOST = "JOURNAL_LOST"
    JOURNAL_DOUBT = "JOURNAL_DOUBT"


CRITICAL = frozenset(
    {
        PageCode.OWN_LONG,
        PageCode.LATE_NOT_FLAT,
        PageCode.OVER_COVER,
        PageCode.MODE_FLIP,
        PageCode.ORDER_MODE,
        PageCode.DUPLICATE,
    }
)
"""What nobody may sleep through."""


class Page(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One page: its code, what it is about, the newest words, and how often it was found since."""

    code: PageCode
    subject: str
    text: str
    count: int = 1

    @property
    def is_critical(self) -> bool:
        """Whether nobody may sleep through it."""
        return self.code in CRITICAL


class _Told(msgspec.Struct):
    """A page that waits until it may be told again; `last_at` is when it was last found."""

    next_at: Micros
    last_at: Micros
    count: int = 0
    text: str = ""


class Pages:
    """Collects findings and says which of them to tell. Mutable, owned by the order desk."""

    def __init__(self, apart: Micros = MINUTE) -> None:
        self._apart = apart
        self._told: dict[tuple[PageCode, str], _Told] = {}

    def add(self, code: PageCode, subject: str, text: str, at: Micros) -> None:
        """Take a finding in, new or found again; within a second it is the same one."""
        key = code, subject
        waiting = self._told.setdefault(key, _Told(next_at=at, last_at=Micros(at - SECOND)))
        waiting.text = text
        if at >= waiting.last_at + SECOND:
            waiting.last_at = at
            waiting.count += 1

    def not_after(self, at: Micros) -> None:
        """Let no page wait for more than its time: the clock was set back."""
        for waiting in self._told.values():
            waiting.next_at = min(waiting.next_at, Micros(at + self._apart))
            waiting.last_at = min(waiting.last_at, at)

    def drain(self, at: Micros) -> tuple[Page, ...]:
        """Return what is to be told now: a new finding at once, an old one each minute.

        What was not found again for a whole period is forgotten; the next time it is new.
        """
        pages = []
        for (code, subject), waiting in list(self._told.items()):
            if waiting.count and at >= waiting.next_at:
                page = Page(code=code, subject=subject, text=waiting.text, count=waiting.count)
                pages.append(page)
                waiting.next_at, waiting.count = Micros(at + self._apart), 0
            elif at >= waiting.last_at + self._apart and at >= waiting.next_at:
                del self._told[code, subject]
        return tuple(pages)
