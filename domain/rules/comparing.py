"""Our dated rules beside the broker's symbol master: where they differ, nobody wins silently.

The pack is what we believe, the master what the broker will enforce. A difference in lot, tick,
exchange or expiry ends entries in that underlying; exits are never refused for it.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from domain.contracts import Contract
from domain.errors import RuleError
from domain.rules.pack import RulePack
from domain.units import Day, Units, rupees

UNKNOWN_FREEZE = 1
"""What OpenAlgo's master says where it does not know the freeze quantity."""


class Mismatch(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One fact on which pack and master differ. `blocks`: no entries in that underlying."""

    fact: str
    underlying: str
    pack: str
    master: str
    blocks: bool

    @property
    def reason(self) -> str:
        """The line for log, page and alert."""
        both = f"pack={self.pack} master={self.master}"
        return f"rules_mismatch: {self.fact} {self.underlying} {both}"


def compare(contract: Contract, pack: RulePack, day: Day) -> tuple[Mismatch, ...]:
    """Return where the master's facts about a contract of the nearest expiry differ from ours.

    What the pack does not know counts as a difference: nothing unknown is traded.
    """
    name = contract.underlying
    believed: dict[str, tuple[Callable[[], Any], Any]] = {
        "lot": (lambda: pack.lot(name, contract.expiry), contract.lot),
        "tick": (lambda: rupees(pack.tick(day)), rupees(contract.tick)),
        "exchange": (lambda: pack.exchange(name, day), contract.exchange),
        "expiry": (lambda: pack.nearest_expiry(name, day), contract.expiry),
    }
    facts = [(fact, _ask(belief), str(master), True) for fact, (belief, master) in believed.items()]
    if contract.freeze != UNKNOWN_FREEZE:
        freeze = _ask(lambda: pack.freeze(name, day))
        facts.append(("freeze", freeze, str(contract.freeze), freeze == "unknown"))
    return tuple(
        Mismatch(fact=fact, underlying=name, pack=ours, master=master, blocks=blocks)
        for fact, ours, master, blocks in facts
        if ours != master
    )


def settled(contract: Contract, pack: RulePack, day: Day) -> Contract:
    """Return the contract as orders in it are made: valid in both worlds.

    The master's lot, the smaller freeze quantity (the master's 1 means unknown), and the tick of
    both; where they differ, the pack's, which every recorded price has kept.
    """
    try:
        freeze, tick = pack.freeze(contract.underlying, day), pack.tick(day)
    except RuleError:
        return contract
    if contract.freeze != UNKNOWN_FREEZE:
        freeze = Units(min(freeze, contract.freeze))
    return msgspec.structs.replace(contract, freeze=freeze, tick=tick)


def _ask(belief: Callable[[], Any]) -> str:
    try:
        return str(belief())
    except RuleError:
        return "unknown"
