"""A clock moved by hand."""

from domain.units import Micros, seconds
from tests.broker.build import AT


class Hand:
    """Market and machine time that stand still until they are moved."""

    def __init__(self) -> None:
        self.at = AT
        self.ticked = Micros(1_000_000_000)

    def now(self) -> Micros:
        return self.at

    def machine(self) -> Micros:
        return self.ticked

    def move(self, span_s: float) -> None:
        """Let market time pass; machine time stands still."""
        self.at = Micros(self.at + seconds(span_s))

    def tick(self, span_s: float) -> None:
        """Let machine time pass; market time stands still."""
        self.ticked = Micros(self.ticked + seconds(span_s))
