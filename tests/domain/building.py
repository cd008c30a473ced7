"""Builders for tests of bars: a builder in a known state, ticks with their increments."""

from collections.abc import Iterable

from domain.bars import BarBuilder, Change, Finished, Terms
from domain.market import Bar, Source, Tick
from domain.params import BarParams
from domain.units import Paise
from tests.domain.tape import CALL, a_plan, a_tick, at


def a_builder(began: str = "09:00", **changes: Paise | BarParams) -> BarBuilder:
    terms = Terms(began=at(began), tick=Paise(5), **changes)  # type: ignore[arg-type]  # by name
    return BarBuilder(CALL, a_plan(), terms)


def ten() -> BarBuilder:
    """A builder at 10:00 whose morning was quiet: one price at the open, no trade."""
    builder = a_builder()
    builder.add([a_tick("09:15:01", 5_000, 0, seq=-1)])
    builder.elapse(at("10:00:01.5"))
    assert builder.settled == at("10:00")
    return builder


def bars_in(changes: Iterable[Change]) -> list[Bar]:
    return [change.bar for change in changes if isinstance(change, Finished)]


def trades(*told: tuple[str, int, int], **changes: Source | int | bool) -> list[Tick]:
    """Ticks from (time, price, cumulative volume) with the increments worked out from 0."""
    ticks, before = [], 0
    for seq, (wall, ltp, cum) in enumerate(told):
        added = max(0, cum - before)
        before = max(before, cum)
        ticks.append(a_tick(wall, ltp, cum, seq=seq, volume=added, **changes))  # type: ignore[arg-type]  # by name
    return ticks
