"""The churn breaker: to cancel and place the same again and again costs, and hides a fault.

Everything is derived from the day's orders, so a restart changes nothing (`strategy.md` section 9).
A change of a resting order is none; an order that was refused, or filled, is none either.
"""

from collections.abc import Iterable

import msgspec

from domain.orders import Order, State
from domain.params import ChurnParams
from domain.strategy import Note
from domain.units import Micros, Symbol, seconds


class Block(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Nothing is entered in a symbol, or in any, from one instant until another."""

    symbol: Symbol
    since: Micros
    until: Micros
    churns: int
    is_all: bool

    def holds(self, at: Micros) -> bool:
        """Whether it stands at an instant."""
        return self.since <= at < self.until


class Churn:
    """Which symbols, or all, are left alone for a while. Mutable, owned by one trader."""

    def __init__(self, params: ChurnParams) -> None:
        self._params = params
        self._blocks: tuple[Block, ...] = ()
        self._told: set[Block] = set()

    def take(self, orders: Iterable[Order]) -> None:
        """Take every entry order of the day as it is now."""
        churned = _churned(orders, seconds(self._params.pair_s))
        found = (self._of(churned[: n + 1]) for n in range(len(churned)))
        self._blocks = tuple(block for blocks in found for block in blocks)

    def is_paused(self, at: Micros) -> bool:
        """Whether nothing at all may be entered."""
        return any(block.is_all and block.holds(at) for block in self._blocks)

    def blocked(self, at: Micros) -> frozenset[Symbol]:
        """Return the symbols that may not be entered."""
        held = (block for block in self._blocks if block.holds(at))
        return frozenset(block.symbol for block in held if not block.is_all)

    def notes(self, at: Micros) -> tuple[Note, ...]:
        """Return one line for each block that began; those over before now are not told."""
        new = [b for b in self._blocks if b.holds(at) and b not in self._told]
        self._told |= set(new)
        return tuple(Note(block.symbol, "blocked", _about(block)) for block in new)

    def _of(self, churned: tuple[tuple[Micros, Symbol], ...]) -> list[Block]:
        """Return what the last of these churns causes."""
        at, symbol = churned[-1]
        recent = [s for when, s in churned if when > at - seconds(self._params.window_s)]
        until = Micros(at + seconds(self._params.block_s))
        counts = (
            (recent.count(symbol), self._params.per_symbol, False),
            (len(recent), self._params.total, True),
        )
        return [
            Block(symbol=symbol, since=at, until=until, churns=count, is_all=is_all)
            for count, limit, is_all in counts
            if count >= limit
        ]


def _churned(orders: Iterable[Order], pair: Micros) -> tuple[tuple[Micros, Symbol], ...]:
    """Return when which symbol was placed so soon after its order on that side was cancelled."""
    last: dict[tuple[str, Symbol], Order] = {}
    found: list[tuple[Micros, Symbol]] = []
    sent = (order for order in orders if order.sent_at is not None and order.key is not None)
    for order in sorted(sent, key=_sent_at):
        assert order.key is not None
        before = last.get((order.key.slot, order.ticket.symbol))
        last[order.key.slot, order.ticket.symbol] = order
        is_cancelled = before is not None and before.state is State.CANCELLED
        if before is not None and is_cancelled and _sent_at(order) - before.changed_at <= pair:
            found.append((_sent_at(order), order.ticket.symbol))
    return tuple(found)


def _sent_at(order: Order) -> Micros:
    return order.sent_at or Micros(0)


def _about(block: Block) -> str:
    where = "in any symbol" if block.is_all else "here"
    minutes = (block.until - block.since) // seconds(60)
    return f"churns={block.churns}: no entry {where} for {minutes} min"
