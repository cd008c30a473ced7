"""One session of a drill: an ordeal played in virtual time, and what it came to.

Ground truth judges: a bar that is called clean has to be the exchange's own, whatever reached us.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from domain.market import Bar
from domain.session import show
from domain.units import MINUTE, SECOND, Day, Micros
from research.ordeals import Ordeal
from research.scorecard import HOUR_S, Outcome, most_within
from research.witness import Minute, Notes
from sandbox.exchange import Exchange
from sandbox.kinds import BarLine
from sandbox.truth import Met, Row

LATE = Micros(2 * MINUTE)
"""A bar younger than this when the session ends may still be corrected, and is not judged."""

UNSEEN = 40
"""How many wrong bars of one session are named at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A session that was played from `begin` to `end`.

    Its fault began at `fault_at`; what leads up to it began at `calm_until`. `is_over`: a day limit
    ended it early, so it shows nothing of the fault.
    """

    ordeal: Ordeal
    seed: int
    begin: Micros
    calm_until: Micros
    fault_at: Micros
    end: Micros
    notes: Notes
    rows: Sequence[Row]
    is_over: bool = False
    broken: Sequence[str] = ()


def judged(session: Session, exchange: Exchange, day: Day) -> Outcome:
    """Return what a session came to. `exchange` is the one it was played on, still open."""
    ordeal, notes = session.ordeal, session.notes
    truth = _truth(exchange, day, notes.bars, session.end)
    final = {key: bar for key, bar in notes.bars.items() if key[1] + LATE <= session.end}
    clean = {key: bar for key, bar in final.items() if bar.provenance.is_clean}
    wrong = [key for key, bar in clean.items() if _is_wrong(key, bar, truth)]
    withdrawn = [key for key, bar in notes.withdrawn.items() if _is_wrong(key, bar, truth)]
    switches = [at for at, _ in notes.selects]
    return Outcome(
        name=ordeal.name,
        seed=session.seed,
        length_s=(session.end - session.begin) / SECOND,
        met=session.is_over or {fault["id"] for fault in ordeal.faults} <= _met(session.rows),
        due=ordeal.noticed is not None and not session.is_over,
        called_for=ordeal.acted is not None and not session.is_over,
        noticed_s=_delay(session, ordeal.noticed),
        acted_s=_delay(session, ordeal.acted),
        alarms=_alarms(session),
        switches=len(switches),
        most_switches_per_h=most_within(switches, HOUR_S * SECOND),
        bars=len(final),
        clean=len(clean),
        wrong=tuple(f"{of} {show(minute)}" for of, minute in sorted(wrong)[:UNSEEN]),
        withdrawn=len(withdrawn),
        entries=len(notes.entries),
        forbidden=tuple(_forbidden(notes)),
        broken=tuple(session.broken),
    )


def _met(rows: Sequence[Row]) -> set[str]:
    return {row.payload.id for row in rows if isinstance(row.payload, Met)}


def _delay(session: Session, reading: object) -> float | None:
    if not callable(reading):
        return None
    at = reading(session.notes, session.fault_at)
    return None if at is None else (at - session.fault_at) / SECOND


def _alarms(session: Session) -> int:
    """Count what was not called for: whatever came before a fault, or at all where none may act."""
    notes = session.notes
    until = session.calm_until if session.ordeal.may_act else session.end
    doings = [*notes.reconnects, *(at for at, _ in notes.selects), *notes.flattened]
    doings += [at for at, is_on in notes.trust[1:] if not is_on]
    return sum(at < until for at in doings)


def _forbidden(notes: Notes) -> Iterator[str]:
    for entry in notes.entries:
        if not entry.is_trusted:
            yield f"{entry.symbol} entered {show(entry.at)} while prices were not trusted"
        if entry.is_tainted:
            yield f"{entry.symbol} entered {show(entry.at)} on a tainted bar"


def _truth(
    exchange: Exchange, day: Day, told: dict[Minute, Bar], end: Micros
) -> dict[Minute, BarLine]:
    """Return the exchange's bars of every symbol told of."""
    symbols = sorted({symbol for symbol, _ in told})
    return {
        (symbol, bar.minute): bar
        for symbol in symbols
        for bar in exchange.history(end, symbol, day, day)
    }


def _is_wrong(key: Minute, bar: Bar, truth: dict[Minute, BarLine]) -> bool:
    """Whether a bar is not the exchange's.

    Without volume nothing tells a first price equal to the last one from an echo, which never opens
    a bar (`market-data.md` 2): such a minute of the index is not judged.
    """
    true = truth.get(key)
    symbol, minute = key
    before = truth.get((symbol, Micros(minute - MINUTE)))
    if true is not None and not true.volume and before is not None and true.open == before.close:
        return False
    if true is None:
        return True
    said = (bar.open, bar.high, bar.low, bar.close, bar.volume)
    return said != (true.open, true.high, true.low, true.close, true.volume)
