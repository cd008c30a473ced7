"""The rebuild from the broker's books: what was lost is taken over before anything is weighed."""

from collections.abc import Callable

from domain.behind import behind
from domain.blotter import Blotter
from domain.books import Books
from domain.orphans import Terms, is_lost, orphans, unwritten
from domain.reasons import Condition
from domain.units import Micros, Paise, Symbol, seconds

PATIENCE = seconds(3)
"""How long the price of an unprotected orphan is waited for; then its average has to do."""


class Rebuild:
    """Takes over the shorts a lost journal does not know. Owned by the order desk.

    Where the journal is only empty somebody else may trade this account: a human has to say who.

    `wanted` are the symbols, with exchange, whose price it waits for.
    """

    def __init__(self, blotter: Blotter, terms: Terms) -> None:
        self.wanted: tuple[tuple[Symbol, str], ...] = ()
        self._blotter = blotter
        self._terms = terms
        self._since: Micros | None = None

    def is_done(self, books: Books, last: Callable[[Symbol], Paise | None], at: Micros) -> bool:
        """Take over what a valid snapshot shows; return whether it may be weighed now.

        While a price is awaited nothing is recorded, and the snapshot is to be left: weighing would
        call the orders of an orphan foreign. `last` tells a symbol's last price in paise.
        """
        ledger = self._blotter.ledger
        is_blind = self._since is not None and at >= self._since + PATIENCE
        takes_all = is_lost(ledger)
        found = orphans(books, ledger, last, self._terms, is_blind=is_blind, is_lost=takes_all)
        self.wanted = found.unpriced
        if found.unpriced:
            self._since = at if self._since is None else self._since
            return False
        if found.found and not takes_all and Condition.ANOTHER_TRADER not in ledger.unsafe:
            said = f"another trader? not in the journal: {'; '.join(found.found)}"
            self._blotter.find(Condition.ANOTHER_TRADER, "shorts", said, at)
        for event in found.events:
            self._blotter.record(event)
        for event in unwritten(books, ledger, self._terms.prefix):
            self._blotter.record(event)
        if takes_all:
            for event in behind(books, ledger, self._terms.prefix):
                self._blotter.record(event)
        return True
