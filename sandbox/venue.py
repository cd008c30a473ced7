"""What the account, the matching and the writes of one day all look at: rules and market."""

from dataclasses import dataclass, field

from domain.units import Micros, Paise, Symbol
from sandbox.facts import DayFacts
from sandbox.kinds import InstrumentLine, PriceOut
from sandbox.market.market import Market
from sandbox.params import SandboxParams


@dataclass(frozen=True, slots=True)
class Venue:
    """The settings, the dated facts and the market of a day."""

    params: SandboxParams
    facts: DayFacts
    market: Market
    master: dict[Symbol, InstrumentLine] = field(init=False)

    def __post_init__(self) -> None:
        found = {symbol: line.instrument for symbol, line in self.market.lines.items()}
        object.__setattr__(self, "master", found)

    def last(self, symbol: Symbol, at: Micros) -> PriceOut:
        """Return a symbol's newest update; KeyError for an unknown one."""
        return self.market.lines[symbol].at(at)

    def band(self, symbol: Symbol, at: Micros) -> tuple[Paise, Paise, Paise] | None:
        """Return reference, low and high of the price band; None before there was one."""
        band = self.facts.band
        if band is None:
            return None
        reference = self.market.reference(symbol, at)
        low, high = band.around(reference, self.facts.tick)
        return reference, low, high
