"""What many short sessions came to: delays, false alarms, wrong bars, forbidden entries, flaps."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

HOUR_S = 3600


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """One session. Delays and lengths in market seconds; None: it did not happen.

    `met`: every fault hit somebody. `due`: there was something to notice; `called_for`: something
    had to be done.

    `wrong` names bars that are called clean and differ from the exchange's; `withdrawn` counts
    those that were called clean and wrong, and were corrected before the session was over.
    `alarms` are reconnects, switches and losses of trust that were not called for.
    """

    name: str
    seed: int
    length_s: float
    met: bool
    due: bool
    called_for: bool
    noticed_s: float | None
    acted_s: float | None
    alarms: int
    switches: int
    most_switches_per_h: int
    bars: int
    clean: int
    wrong: tuple[str, ...]
    withdrawn: int
    entries: int
    forbidden: tuple[str, ...]
    broken: tuple[str, ...] = ()


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One fault over all its sessions; delays are percentiles in market seconds, nearest rank.

    `missed` sessions noticed or did nothing although they had to; in `unmet` ones a fault hit
    nobody, so they prove nothing.
    """

    name: str
    sessions: int
    unmet: int
    missed: int
    noticed_p50_s: float | None
    noticed_p99_s: float | None
    acted_p50_s: float | None
    acted_p99_s: float | None
    alarms: int
    most_switches_per_h: int


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """The scorecard: quiet sessions, faults, square waves, and what all of them came to."""

    quiet: Row
    quiet_hours: float
    false_alarms_per_session: float
    faults: tuple[Row, ...]
    waves: tuple[Row, ...]
    bars: int
    clean: int
    wrong: tuple[str, ...]
    withdrawn: int
    entries: int
    forbidden: tuple[str, ...]
    broken: tuple[str, ...]
    switches_allowed: int

    @property
    def objections(self) -> tuple[str, ...]:
        """Why the card is not good, in words; empty if it is."""
        rows = (self.quiet, *self.faults, *self.waves)
        found = {
            "bars are wrong and called clean": len(self.wrong),
            "entries were forbidden": len(self.forbidden),
            "rules were broken": len(self.broken),
            "false alarms in quiet sessions": self.quiet.alarms,
            "sessions did not notice or act": sum(row.missed for row in rows),
            "sessions did not meet their fault": sum(row.unmet for row in rows),
            f"faults with more than {self.switches_allowed} switches an hour": sum(
                row.most_switches_per_h > self.switches_allowed for row in rows
            ),
        }
        return tuple(f"{count} {what}" for what, count in found.items() if count)

    @property
    def is_good(self) -> bool:
        """Whether there is nothing to object to."""
        return not self.objections


def score(
    quiet: Sequence[Outcome],
    faults: Iterable[Sequence[Outcome]],
    waves: Iterable[Sequence[Outcome]],
    switches_allowed: int,
) -> Card:
    """Fold sessions into the card; each inner sequence is one fault's sessions."""
    fault_sets, wave_sets = tuple(faults), tuple(waves)
    everything = [*quiet, *(o for one in (*fault_sets, *wave_sets) for o in one)]
    return Card(
        quiet=row("quiet", quiet),
        quiet_hours=round(sum(o.length_s for o in quiet) / HOUR_S, 1),
        false_alarms_per_session=round(sum(o.alarms for o in quiet) / max(1, len(quiet)), 4),
        faults=tuple(row(one[0].name, one) for one in fault_sets if one),
        waves=tuple(row(one[0].name, one) for one in wave_sets if one),
        bars=sum(o.bars for o in everything),
        clean=sum(o.clean for o in everything),
        wrong=_named(everything, "wrong"),
        withdrawn=sum(o.withdrawn for o in everything),
        entries=sum(o.entries for o in everything),
        forbidden=_named(everything, "forbidden"),
        broken=_named(everything, "broken"),
        switches_allowed=switches_allowed,
    )


def row(name: str, outcomes: Sequence[Outcome]) -> Row:
    """Fold the sessions of one fault."""
    noticed = [o.noticed_s for o in outcomes if o.noticed_s is not None]
    acted = [o.acted_s for o in outcomes if o.acted_s is not None]
    return Row(
        name=name,
        sessions=len(outcomes),
        unmet=sum(not o.met for o in outcomes),
        missed=sum(o.met and _has_missed(o) for o in outcomes),
        noticed_p50_s=percentile(noticed, 50),
        noticed_p99_s=percentile(noticed, 99),
        acted_p50_s=percentile(acted, 50),
        acted_p99_s=percentile(acted, 99),
        alarms=sum(o.alarms for o in outcomes),
        most_switches_per_h=max((o.most_switches_per_h for o in outcomes), default=0),
    )


def _has_missed(outcome: Outcome) -> bool:
    is_blind = outcome.due and outcome.noticed_s is None
    return is_blind or (outcome.called_for and outcome.acted_s is None)


def percentile(values: Sequence[float], percent: int) -> float | None:
    """Return the nearest-rank percentile, None of nothing."""
    if not values:
        return None
    rank = -(-len(values) * percent // 100)
    return sorted(values)[max(1, rank) - 1]


def most_within(instants: Sequence[int], span: int) -> int:
    """Return the largest number of ascending instants that lie within any span of that length."""
    most = first = 0
    for last, instant in enumerate(instants):
        while instant - instants[first] >= span:
            first += 1
        most = max(most, last - first + 1)
    return most


def table(card: Card) -> str:
    """Return the card as text for a terminal."""
    head = f"{'fault':<34}{'n':>4}{'noticed p50':>13}{'p99':>8}{'acted p50':>11}{'p99':>8}"
    head += f"{'alarms':>8}{'switches/h':>12}"
    quiet = f"quiet sessions {card.quiet.sessions}, {card.quiet_hours} h: "
    quiet += f"{card.quiet.alarms} false alarms, {card.false_alarms_per_session} a session"
    lines = [
        quiet,
        "",
        head,
        *map(_line, (*card.faults, *card.waves)),
        "",
        f"bars called clean  {card.clean} of {card.bars}",
        f"  wrong            {len(card.wrong)}",
        f"  withdrawn        {card.withdrawn} (called clean and wrong, corrected afterwards)",
        f"entries            {card.entries}",
        f"  while blind or on tainted bars {len(card.forbidden)}",
        f"rules broken       {len(card.broken)}",
        *(f"    {text}" for text in (*card.wrong, *card.forbidden, *card.broken)[:40]),
        f"verdict            {'; '.join(card.objections) or 'good'}",
    ]
    return "\n".join(lines)


def document(card: Card) -> dict[str, Any]:
    """Return the card as plain values for JSON."""
    plain: dict[str, Any] = msgspec.to_builtins(card)
    return {**plain, "objections": list(card.objections), "is_good": card.is_good}


def _line(one: Row) -> str:
    delays = (one.noticed_p50_s, one.noticed_p99_s, one.acted_p50_s, one.acted_p99_s)
    shown = "".join(
        f"{_seconds(delay):>{width}}" for delay, width in zip(delays, (13, 8, 11, 8), strict=True)
    )
    odd = "".join(
        f" {count} {word}"
        for count, word in ((one.missed, "missed"), (one.unmet, "unmet"))
        if count
    )
    return (
        f"{one.name:<34}{one.sessions:>4}{shown}{one.alarms:>8}{one.most_switches_per_h:>12}{odd}"
    )


def _seconds(delay: float | None) -> str:
    return "-" if delay is None else f"{delay:.1f}"


def _named(outcomes: Iterable[Outcome], what: str) -> tuple[str, ...]:
    return tuple(f"{o.name} seed={o.seed}: {text}" for o in outcomes for text in getattr(o, what))
