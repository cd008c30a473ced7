"""What can be done to a symbol's updates from an instant on, until it is undone. Pure.

A bend takes an update as the market made it, and the one shown before it, and returns what is
shown; None shows nothing. It lies on top of a line, so what the market would have done goes on
below it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from domain.units import Micros, Paise
from sandbox.kinds import Level, PriceOut, Shown

Bend = Callable[[PriceOut, PriceOut], PriceOut | None]

_NEVER = Micros(1 << 62)


@dataclass(slots=True)
class Bent:
    """A bend, whose it is, and when it holds: after `since`, up to and including `until`."""

    name: str
    bend: Bend
    since: Micros
    until: Micros = _NEVER


def leap(by: int) -> Bend:
    """Return a bend that moves prices by so many paise, never below a tick.

    An update without a print repeats the last price that was shown.
    """

    def bend(out: PriceOut, before: PriceOut) -> PriceOut:
        last = _moved(out.ltp, by, out.tick) if out.is_print else before.ltp
        return msgspec.structs.replace(
            out,
            ltp=last,
            bid=_moved(out.bid, by, out.tick) if out.bid else out.bid,
            ask=_moved(out.ask, by, out.tick) if out.ask else out.ask,
            high=max(out.high, last),
            low=min(out.low or last, last),
            shown=_shifted(out.shown, by, out.tick),
        )

    return bend


def one_sided(side: str) -> Bend:
    """Return a bend that empties the `bid`, the `ask` or `both`."""
    no_bids, no_asks = side in {"bid", "both"}, side in {"ask", "both"}

    def bend(out: PriceOut, before: PriceOut) -> PriceOut:
        del before
        shown = out.shown
        return msgspec.structs.replace(
            out,
            bid=Paise(0) if no_bids else out.bid,
            ask=Paise(0) if no_asks else out.ask,
            shown=shown and Shown(() if no_bids else shown.bids, () if no_asks else shown.asks),
        )

    return bend


def silence(out: PriceOut, before: PriceOut) -> None:
    """Show nothing."""
    del out, before


def shown(outs: Sequence[PriceOut], before: PriceOut, bents: Sequence[Bent]) -> list[PriceOut]:
    """Return what is shown of a minute's updates; the day's range never narrows again."""
    found: list[PriceOut] = []
    for out in outs:
        told: PriceOut | None = out
        for bent in bents:
            if told is not None and bent.since < out.at <= bent.until:
                told = bent.bend(told, before)
        if told is not None:
            before = _within(told, before)
            found.append(before)
    return found


def _within(out: PriceOut, before: PriceOut) -> PriceOut:
    high = max(out.high, before.high)
    low = min(out.low, before.low) if before.low else out.low
    if (high, low) == (out.high, out.low):
        return out
    return msgspec.structs.replace(out, high=high, low=low)


def _moved(price: int, by: int, tick: int) -> Paise:
    return Paise(max(tick, price + by))


def _shifted(shown: Shown | None, by: int, tick: int) -> Shown | None:
    if shown is None:
        return None
    return Shown(*(tuple(_level(x, by, tick) for x in side) for side in (shown.bids, shown.asks)))


def _level(level: Level, by: int, tick: int) -> Level:
    return Level(_moved(level.price, by, tick), level.quantity, level.orders)
