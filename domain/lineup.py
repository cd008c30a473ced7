"""Which bar actor hosts which symbols, and in which order their history is loaded."""

from collections.abc import Collection
from dataclasses import dataclass

from domain.contracts import Chain, Contract
from domain.market import Pair
from domain.units import Symbol


@dataclass(frozen=True, slots=True)
class Group:
    """The symbols of one bar actor; a lower rank is loaded first."""

    pairs: tuple[Pair, ...]
    contracts: tuple[Contract, ...]
    rank: int

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        """Its symbols, without their exchange."""
        return tuple(symbol for symbol, _ in self.pairs)

    @property
    def address(self) -> str:
        """The address of its actor, which answers to those of all its symbols."""
        return f"bar:{self.pairs[0][0]}"


def index_group(index: Pair) -> Group:
    """Return the group of the index, which comes before all options."""
    return Group((index,), (), 0)


def option_groups(
    chain: Chain, size: int, hosted: Collection[Symbol] = frozenset()
) -> tuple[Group, ...]:
    """Return the chain in groups of `size`, from the money outwards, without what is hosted.

    Contracts that joined a chain so come in groups of their own, behind those that have an actor.
    """
    ordered = sorted(
        (each for each in chain.contracts if each.symbol not in hosted),
        key=lambda contract: (abs(contract.strike - chain.atm), contract.symbol),
    )
    parts = [tuple(ordered[i : i + size]) for i in range(0, len(ordered), size)]
    return tuple(
        Group(tuple((c.symbol, c.exchange) for c in part), part, rank)
        for rank, part in enumerate(parts, len(chain.contracts) - len(ordered) + 1)
    )
