"""Which options of a source were seen since they were subscribed, and which have grown stale."""

from collections.abc import Collection, Iterable, Mapping

from domain.units import Micros, Symbol


class Sightings:
    """Remember when each symbol ticked at one source. Mutable, owned by FeedActor."""

    def __init__(self) -> None:
        self._limits: Mapping[Symbol, Micros] = {}
        self._ticked: dict[Symbol, Micros] = {}
        self._seen: set[Symbol] = set()
        self._since: dict[Symbol, Micros] = {}

    def expect(self, limits: Mapping[Symbol, Micros], at: Micros) -> None:
        """Count these symbols, each with the age at which its last tick is stale."""
        self._limits = limits
        self._seen &= limits.keys()
        self._since = {symbol: self._since.get(symbol, at) for symbol in limits}

    def resubscribed(self, at: Micros) -> None:
        """Forget who was seen: a new connection has to prove each symbol again."""
        self._seen.clear()
        self._since = dict.fromkeys(self._limits, at)

    def asked_again(self, symbols: Iterable[Symbol], at: Micros) -> None:
        """Give some symbols their time anew: they were subscribed again on the same connection."""
        self._since.update(dict.fromkeys(symbols, at))

    def ticked(self, symbol: Symbol, at: Micros) -> bool:
        """Note a tick; return whether the symbol is counted, nobody expects the others."""
        if symbol not in self._limits:
            return False
        self._ticked[symbol] = at
        self._seen.add(symbol)
        return True

    def newest(self, symbol: Symbol) -> Micros | None:
        """When a symbol ticked last, if it ever did."""
        return self._ticked.get(symbol)

    @property
    def subscribed(self) -> int:
        """How many symbols are expected."""
        return len(self._limits)

    @property
    def seen(self) -> int:
        """How many of them ticked since the last subscription."""
        return len(self._seen)

    @property
    def mute(self) -> tuple[Symbol, ...]:
        """Who did not tick since the last subscription."""
        return tuple(symbol for symbol in self._limits if symbol not in self._seen)

    def stale(self, at: Micros) -> int:
        """Return how many have no tick, or one that is too old for them."""
        return sum(1 for _ in self._stale(at))

    def overdue(
        self, at: Micros, since: Micros, near: Micros, own: Collection[Symbol]
    ) -> tuple[Symbol, ...]:
        """Return who should have ticked by now, counted from `since` at the earliest.

        Strikes near the money and our own may be silent for `near`. A far strike is quiet by
        nature: only one that was never seen since it was subscribed is named, after its own limit.
        """
        found = []
        for symbol, limit in self._limits.items():
            is_watched = limit <= near or symbol in own
            if is_watched or symbol not in self._seen:
                newest = max(self._ticked.get(symbol, since), self._since[symbol], since)
                if at - newest > (near if is_watched else limit):
                    found.append(symbol)
        return tuple(found)

    def _stale(self, at: Micros) -> Iterable[Symbol]:
        for symbol, limit in self._limits.items():
            ticked = self._ticked.get(symbol)
            if ticked is None or at - ticked > limit:
                yield symbol
