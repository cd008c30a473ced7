"""What past entries forbid for a while: a side after a fill, a symbol or a side after refusals.

Everything is derived from the day's ended entries, so a restart waits exactly as long as it would
have waited without one.
"""

from collections.abc import Iterable

from domain.orders import State
from domain.params import EntryParams
from domain.strategy import EntryView, Note
from domain.units import Micros, Symbol, seconds

BLOCKED_AFTER = 3
"""The third refusal of a symbol's own ends its day (`strategy.md` section 6)."""

ACCOUNT_WIDE = frozenset(
    # the risk gate
    "MODE LAST_ENTRY CALENDAR FEED CLOCK_SKEW BOOKS_STALE LIMIT SYMBOL_TAKEN ENTRIES_DAY OPEN_RISK"
    " FUNDS_UNKNOWN MARGIN"
    # the order desk
    " OLD OVER SLOT_TAKEN USED_KEY"
    # the server, or nothing left this machine
    " FUNDS MIS_CLOCK SESSION SLM MARKET PRODUCT DENIED SEMI_AUTO NO_ORDERID SCHEMA ROUTE MODE RATE"
    " CONNECT NOT_SENT".split()
)
"""Refusals that say nothing about the symbol: another one would be refused as well."""

_WORDS = ("margin", "fund", "session", "process ended")


class Backoff:
    """Answers whether a side or a symbol has to wait."""

    def __init__(self, ended: Iterable[EntryView], params: EntryParams) -> None:
        self._params = params
        self._filled: dict[str, Micros] = {}
        self._symbols: dict[Symbol, list[EntryView]] = {}
        self._sides: dict[str, list[EntryView]] = {}
        for view in ended:
            self._take(view)

    def side_waits(self, slot: str, at: Micros) -> bool:
        """Whether nothing may be entered on a side: it was filled, or refused for the account."""
        filled_at = self._filled.get(slot)
        if filled_at is not None and at < filled_at + seconds(self._params.side_cooldown_s):
            return True
        return self._is_early(self._sides.get(slot, []), at)

    def symbol_waits(self, symbol: Symbol, at: Micros) -> bool:
        """Whether a symbol may not be entered: refused a moment ago, or too often today."""
        refused = self._symbols.get(symbol, [])
        return len(refused) >= BLOCKED_AFTER or self._is_early(refused, at)

    def blocked(self) -> dict[Symbol, Note]:
        """Return the symbols that are over for the day, each with its line for the decision log."""
        return {
            symbol: Note(symbol, "blocked", f"refusals={len(views)} reason={views[-1].reason}")
            for symbol, views in self._symbols.items()
            if len(views) >= BLOCKED_AFTER
        }

    def _take(self, view: EntryView) -> None:
        if view.filled and view.ended_at is not None:
            self._filled[view.slot] = view.ended_at
        if view.state not in {State.REFUSED, State.REJECTED}:
            # An order that got through ends a row of refusals of the account.
            self._sides.pop(view.slot, None)
        elif is_account_wide(view.reason):
            self._sides.setdefault(view.slot, []).append(view)
        else:
            self._symbols.setdefault(view.symbol, []).append(view)

    def _is_early(self, refused: list[EntryView], at: Micros) -> bool:
        if not refused or not self._params.reject_backoff_s:
            return False
        waits = self._params.reject_backoff_s
        wait_s = waits[min(len(refused), len(waits)) - 1]
        return at < (refused[-1].ended_at or 0) + seconds(wait_s)


def is_account_wide(reason: str) -> bool:
    """Whether a refusal, by its code or the broker's own words, is not about the symbol."""
    return reason in ACCOUNT_WIDE or any(word in reason.lower() for word in _WORDS)
