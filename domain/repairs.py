"""Symbols of one stream that do not deliver as they were asked to, and when to ask again.

An order can make the platform deliver a symbol without volume, and a symbol can be lost when
everything is subscribed again. So each is judged by itself, and is well again only when a tick with
volume proves it.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum

from domain.units import MINUTE, Micros, Symbol

EVERY = MINUTE
TRIES = 3
"""After so many a symbol is asked for less often: a strike may merely be quiet."""

RARELY = Micros(10 * MINUTE)


class Fault(StrEnum):
    """What is wrong with a symbol's subscription."""

    NO_VOLUME = "no volume"
    MUTE = "no tick"
    REFUSED = "refused"


@dataclass(slots=True)
class _Case:
    """`tries` since the symbol was well; a tick of a mute one does not prove that it was ill."""

    tries: int = 0
    due: Micros = Micros(0)
    was_tried: bool = False


class Repairs:
    """The symbols to be subscribed again. Mutable, owned by FeedActor, one for each stream."""

    def __init__(self) -> None:
        self._ill: dict[Symbol, Fault] = {}
        self._cases: dict[tuple[Symbol, Fault], _Case] = {}

    def forget(self) -> None:
        """Forget everything: a new connection subscribes every symbol again."""
        self._ill.clear()
        self._cases.clear()

    def note(self, symbols: Iterable[Symbol], fault: Fault) -> None:
        """Note what is wrong with some symbols; missing volume outweighs what was known before."""
        for symbol in symbols:
            if fault is Fault.NO_VOLUME:
                self._ill[symbol] = fault
            else:
                self._ill.setdefault(symbol, fault)

    def ticked(self, symbol: Symbol, *, has_volume: bool) -> bool:
        """Take a tick of an option; return whether it is the first good one after a repair."""
        if not has_volume:
            self.note((symbol,), Fault.NO_VOLUME)
            return False
        fault = self._ill.pop(symbol, None) if self._ill else None
        if fault is None:
            return False
        case = self._cases.get((symbol, fault), _Case())
        was_tried, case.was_tried = case.was_tried, False
        if fault is not Fault.MUTE:
            case.tries = 0
        return was_tried

    def due(self, at: Micros) -> dict[Fault, tuple[Symbol, ...]]:
        """Return the symbols to subscribe again now, by what is wrong with them."""
        due: dict[Fault, tuple[Symbol, ...]] = {}
        for symbol, fault in self._ill.items():
            case = self._cases.setdefault((symbol, fault), _Case())
            if at >= case.due:
                case.tries += 1
                case.was_tried = True
                case.due = Micros(at + (EVERY if case.tries < TRIES else RARELY))
                due[fault] = (*due.get(fault, ()), symbol)
        return due

    @property
    def ill(self) -> Collection[Symbol]:
        """Who does not deliver as asked now."""
        return self._ill.keys()
