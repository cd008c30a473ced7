"""What a lot needs as margin, as the server said a while ago; where it did not, an estimate holds.

The server is asked for one lot of what is wished, so that the answer is there for the next wish.
"""

import msgspec
from msgspec.structs import replace

from domain.asking import Asking
from domain.orders import Ticket
from domain.units import Micros, Paise, Symbol, Units, seconds

RECENT = seconds(300)
"""How old an answer may be; margins move slowly, and more with the day's expiry than by minutes."""

RENEWED = seconds(150)
WITHIN = seconds(30)


class Question(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One lot to be asked for, and the number its answer names."""

    number: int
    ticket: Ticket


class Margins:
    """Remembers answers by symbol. In memory: a restart asks again. Mutable, owned by the desk."""

    def __init__(self) -> None:
        self._wished: dict[Symbol, Ticket] = {}
        self._known: dict[Symbol, tuple[Paise, Micros]] = {}
        self._asking = Asking(WITHIN)
        self._asked: Symbol | None = None

    def wish(self, ticket: Ticket, lot: Units) -> None:
        """Note what is wished: a lot of it is worth asking for."""
        self._wished[ticket.symbol] = replace(ticket, quantity=lot)

    def due(self, at: Micros) -> Question | None:
        """Return what to ask the server now; one question at a time, each symbol now and then."""
        if self._asking.is_out(at):
            return None
        for symbol, ticket in self._wished.items():
            if at - self._at(symbol) >= RENEWED:
                del self._wished[symbol]
                self._asked = symbol
                return Question(number=self._asking.begin(at), ticket=ticket)
        return None

    def answered(self, number: int, total: Paise | None, at: Micros) -> None:
        """Take the margin of one lot; None: the server does not say, and the estimate holds."""
        if self._asking.is_answer(number) and self._asked is not None and total:
            self._known[self._asked] = (total, at)

    def per_lot(self, at: Micros) -> dict[Symbol, Paise]:
        """Return what was said lately, in paise for one lot."""
        return {
            symbol: paise for symbol, (paise, when) in self._known.items() if at - when <= RECENT
        }

    def _at(self, symbol: Symbol) -> Micros:
        known = self._known.get(symbol)
        return known[1] if known is not None else Micros(-RENEWED)
