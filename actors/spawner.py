"""Who builds actors: a Protocol, so that the watchdog knows neither threads nor the pump."""

from typing import Protocol

from domain.units import Symbol


class Spawner(Protocol):
    """Called in the watchdog's thread; must not block."""

    def spawn(self, address: str) -> None:
        """Build and start the actor of this address anew, and register it."""

    def spawn_bars(self, symbols: tuple[Symbol, ...]) -> None:
        """Build and start one bar actor for these symbols.

        Its address is `bar:<first symbol>`; it is registered under `bar:<symbol>` of each.
        """

    def is_alive(self, address: str) -> bool:
        """Whether an actor is registered there and lives."""

    def abandon(self, address: str) -> None:
        """Give up an actor that lives and does not answer; it is not alive any more."""

    def stuck(self, address: str) -> int:
        """Return how many actors of this address were given up and still hang."""
