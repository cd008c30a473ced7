"""Option contracts of one day and the chain they form."""

from collections.abc import Iterable
from enum import StrEnum

import msgspec

from domain.units import Day, Lots, Paise, Symbol, Units


class Side(StrEnum):
    """The two kinds of option; also the two sides on which at most one entry rests."""

    CE = "CE"
    PE = "PE"


class Contract(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One tradable option and the facts the exchange enforces for it, in paise and units."""

    symbol: Symbol
    exchange: str
    underlying: str
    expiry: Day
    strike: Paise
    side: Side
    lot: Units
    tick: Paise
    freeze: Units

    @property
    def slice_max(self) -> Units:
        """The largest quantity one order may have: whole lots not above the freeze quantity."""
        return Units(self.freeze // self.lot * self.lot)

    def units(self, lots: Lots) -> Units:
        """Return a number of lots as units."""
        return Units(lots * self.lot)


class Chain(msgspec.Struct, frozen=True, kw_only=True):
    """The contracts chosen for the day, around the at-the-money strike frozen at the choice.

    Further ones may join while the market moves; none leaves, and the middle stays.
    """

    underlying: str
    index_exchange: str
    expiry: Day
    atm: Paise
    contracts: tuple[Contract, ...]

    def of(self, symbol: Symbol) -> Contract | None:
        """Return the contract of `symbol`, or None if it is not in the chain."""
        return next((c for c in self.contracts if c.symbol == symbol), None)

    def grown(self, contracts: Iterable[Contract]) -> "Chain":
        """Return the chain with those contracts that are not in it yet, behind the others."""
        known = {contract.symbol for contract in self.contracts}
        new = tuple(each for each in contracts if each.symbol not in known)
        return msgspec.structs.replace(self, contracts=self.contracts + new)

    def atm_pair(self) -> tuple[Contract, ...]:
        """Return the call and the put at the at-the-money strike, as far as they exist."""
        return tuple(c for c in self.contracts if c.strike == self.atm)


class UniverseRule(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a strategy wants to watch; points are index points."""

    underlying: str
    width_points: int
    step_points: int
    atm_round_points: int
