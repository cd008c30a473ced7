"""Which options were seen since they were subscribed, and which of them have grown stale."""

from collections.abc import Iterable, Mapping

from domain.units import Micros, Symbol


class Sightings:
    """Remember when each symbol ticked. Mutable, owned by FeedActor."""

    def __init__(self) -> None:
        self._limits: Mapping[Symbol, Micros] = {}
        self._ticked: dict[Symbol, Micros] = {}
        self._seen: set[Symbol] = set()

    def expect(self, limits: Mapping[Symbol, Micros]) -> None:
        """Count these symbols, each with the age at which its last tick is stale."""
        self._limits = limits

    def resubscribed(self) -> None:
        """Forget who was seen: a new connection has to prove each symbol again."""
        self._seen.clear()

    def ticked(self, symbol: Symbol, at: Micros) -> None:
        """Note a tick; symbols nobody expects are not counted."""
        if symbol in self._limits:
            self._ticked[symbol] = at
            self._seen.add(symbol)

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

    def _stale(self, at: Micros) -> Iterable[Symbol]:
        for symbol, limit in self._limits.items():
            ticked = self._ticked.get(symbol)
            if ticked is None or at - ticked > limit:
                yield symbol
