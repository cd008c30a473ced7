"""Entries that rest in a symbol which does not tick while the feed lives."""

from collections.abc import Callable, Iterable

from domain.params import FeedParams
from domain.strategy import Note
from domain.units import Micros, Symbol, seconds


class EntrySilence:
    """Warn of such an entry, then forbid it until its symbol ticks. Mutable, owned by a Trader.

    Who rests unseen would be filled by a price nobody judged. Silence counts from the last price,
    from the moment the entry rests, and from when the feed lives, whichever is latest.
    """

    def __init__(self, params: FeedParams) -> None:
        self._warn_s = params.pending_warn_s
        self._cancel_s = params.pending_cancel_s
        self._since: dict[Symbol, Micros] = {}
        self._warned: set[Symbol] = set()
        self._forbidden: dict[Symbol, Micros] = {}

    def forbids(self, symbol: Symbol) -> bool:
        """Whether nothing may rest in this symbol now."""
        return symbol in self._forbidden

    def look(
        self,
        resting: Iterable[Symbol],
        ticked: Callable[[Symbol], Micros | None],
        lives_since: Micros,
        at: Micros,
    ) -> tuple[Note, ...]:
        """Look at the entries that rest while the feed lives; return what is to be told now."""
        self._forbidden = {
            symbol: since
            for symbol, since in self._forbidden.items()
            if (ticked(symbol) or Micros(0)) <= since
        }
        self._since = {symbol: self._since.get(symbol, at) for symbol in resting}
        self._warned &= self._since.keys()
        notes: list[Note] = []
        for symbol, since in self._since.items():
            heard = max(since, lives_since, ticked(symbol) or Micros(0))
            notes += self._judge(symbol, Micros(at - heard), at)
        return tuple(notes)

    def _judge(self, symbol: Symbol, quiet: Micros, at: Micros) -> list[Note]:
        if quiet < seconds(self._warn_s):
            self._warned.discard(symbol)
        elif quiet >= seconds(self._cancel_s) and symbol not in self._forbidden:
            self._forbidden[symbol] = at
            return [Note(symbol, "silent", f"no tick for {self._cancel_s} s: its entry ends")]
        elif symbol not in self._warned:
            self._warned.add(symbol)
            return [Note(symbol, "silent", f"no tick for {self._warn_s} s, and its entry rests")]
        return []
