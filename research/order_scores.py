"""The figures of an orders drill: what has to be 0, what was met, how long shorts stood bare."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from domain.units import SECOND
from research.scorecard import percentile
from sandbox.checker import Report
from sandbox.coverage import Naked

RULES = ("I1", "I2", "I3", "I4", "I5", "I6", "I7", "I8", "I9", "I10", "I11", "L1", "L2", "L3")
"""The rules judged in every session; LOST and CRASH are counted beside them."""

ELSEWHERE = {
    "I12": "a canary in the tests, whatever is written",
    "I13": "run.py drill feed: bars called clean and wrong",
    "L4": "run.py drill feed: the square waves",
}
SHOWN = 20


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a session came to.

    `before` are the 40 rows of ground truth up to the first violation, none without one; `at` and
    `faults` say when that was and what was drawn.
    """

    seed: int
    events: int
    lives: int
    met: dict[str, int]
    broken: tuple[str, ...]
    entries: int
    exits: int
    duplicated: int
    lost: int
    without_intent: int
    long_lot_seconds: float
    doubled: int
    naked: tuple[Naked, ...]
    trace: str
    faults: tuple[str, ...] = ()
    at: str = ""
    before: tuple[str, ...] = ()


class Spell(msgspec.Struct, frozen=True, kw_only=True):
    """Percentiles of spans, in seconds."""

    p50: float | None
    p99: float | None
    max: float | None


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """All figures of a drill."""

    sessions: int
    first_seed: int
    events: int
    kills: int
    entries: int
    exits: int
    orders_duplicated: int
    orders_lost: int
    long_lot_seconds: float
    entries_without_intent: int
    doubled: int
    failures: int
    broken: dict[str, int]
    met: dict[str, int]
    uncovered: int
    naked_ours_s: Spell
    naked_outage_s: Spell
    bound_95: float

    @property
    def is_good(self) -> bool:
        """Whether everything is 0 that has to be."""
        sums = (self.orders_duplicated, self.orders_lost, self.entries_without_intent)
        return not (self.failures or any(sums) or self.long_lot_seconds)


def score(outcomes: Sequence[Outcome]) -> Score:
    """Fold the sessions of a drill; there is at least one."""
    met: Counter[str] = Counter()
    broken = Counter(dict.fromkeys(RULES, 0))
    for outcome in outcomes:
        met.update(outcome.met)
        broken.update({text.partition(" ")[0] for text in outcome.broken})
    naked = [stretch for outcome in outcomes for stretch in outcome.naked]
    return Score(
        sessions=len(outcomes),
        first_seed=outcomes[0].seed,
        events=sum(o.events for o in outcomes),
        kills=met["kill"],
        entries=sum(o.entries for o in outcomes),
        exits=sum(o.exits for o in outcomes),
        orders_duplicated=sum(o.duplicated for o in outcomes),
        orders_lost=sum(o.lost for o in outcomes),
        long_lot_seconds=sum(o.long_lot_seconds for o in outcomes),
        entries_without_intent=sum(o.without_intent for o in outcomes),
        doubled=sum(o.doubled for o in outcomes),
        failures=sum(bool(o.broken) for o in outcomes),
        broken=dict(broken),
        met=dict(sorted(met.items())),
        uncovered=len(naked),
        naked_ours_s=_spell(stretch.span - stretch.outage for stretch in naked),
        naked_outage_s=_spell(stretch.outage for stretch in naked),
        bound_95=bound(len(outcomes)),
    )


def bound(runs: int) -> float:
    """Return the rate of failure that no failure in so many runs excludes with 95 % confidence."""
    return float(1 - 0.05 ** (1 / runs))


def table(card: Score, outcomes: Iterable[Outcome]) -> str:
    """Return the figures as text for a terminal, and the first failures with what led to them."""
    last = card.first_seed + card.sessions - 1
    lines = [
        f"sessions                  {card.sessions} (random seeds {card.first_seed} to {last})",
        f"events                    {card.events}",
        f"entries, exits            {card.entries}, {card.exits}",
        f"kills                     {card.kills}",
        f"faults met                {_counts(card.met)}",
        f"orders duplicated         {card.orders_duplicated}",
        f"orders lost               {card.orders_lost}",
        f"unintended long           {card.long_lot_seconds:g} lot-seconds",
        f"entries without an intent {card.entries_without_intent}",
        f"bought beside one in doubt {card.doubled} (counted, not forbidden)",
        f"rules broken in sessions  {_counts(card.broken)}",
        *(f"  {rule} is judged elsewhere: {where}" for rule, where in ELSEWHERE.items()),
        f"shorts uncovered          {card.uncovered} stretches",
        f"  naked seconds, ours     {_shown(card.naked_ours_s)}",
        f"  naked seconds, outage   {_shown(card.naked_outage_s)}",
        f"failed sessions           {card.failures}",
    ]
    if not card.failures:
        lines.append(
            f"upper bound, 95 %         {card.bound_95:.3%} of sessions (about 3/{card.sessions})"
        )
    failed = [outcome for outcome in outcomes if outcome.broken][:SHOWN]
    return "\n".join([*lines, *(line for outcome in failed for line in _failure(outcome))])


def document(card: Score) -> dict[str, Any]:
    """Return the figures as plain values for JSON."""
    plain: dict[str, Any] = msgspec.to_builtins(card)
    return {**plain, "elsewhere": ELSEWHERE, "is_good": card.is_good}


def _failure(outcome: Outcome) -> list[str]:
    """Return what a failed session was, and how to play it again."""
    again = f"run.py drill orders --seed {outcome.seed} --seeds 1"
    return [
        "",
        f"seed {outcome.seed} at {outcome.at}; again: {again}",
        f"  faults {', '.join(outcome.faults) or 'none'}",
        *(f"  {text}" for text in outcome.broken),
        *(f"    {text}" for text in outcome.before),
    ]


def _spell(spans: Iterable[int]) -> Spell:
    found = [span / SECOND for span in spans]
    return Spell(p50=percentile(found, 50), p99=percentile(found, 99), max=max(found, default=None))


def _shown(spell: Spell) -> str:
    named = (("p50", spell.p50), ("p99", spell.p99), ("max", spell.max))
    return ", ".join(f"{name} {'-' if value is None else f'{value:.1f}'}" for name, value in named)


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or "none"


def outcome_of(seed: int, report: Report, lot: int, **more: Any) -> Outcome:
    """Return the outcome of a judged session; `more` are the fields a report does not hold."""
    return Outcome(
        seed=seed,
        entries=report.entries,
        exits=report.exits,
        duplicated=report.orders_duplicated,
        lost=report.orders_lost,
        without_intent=report.entries_without_intent,
        long_lot_seconds=report.long_unit_seconds / lot,
        doubled=report.doubled,
        naked=report.naked,
        **more,
    )
