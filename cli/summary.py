"""What a session came to, judged by the exchange's truth and our journal; never by the agent.

`naked_seconds_max` is in market seconds, rounded up; money is in paise; `r_multiple` is a decimal
text, net of charges, over what each short risked from its real fills to its first stop.
"""

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec

from cli import kept
from domain.contracts import Chain
from domain.errors import SutradharError
from domain.ledger import Ledger
from domain.limits import Result, leg_result
from domain.rules import RulePack
from domain.session import local
from domain.status import Status
from domain.units import Day, Micros, rupees
from journal.orders import NAME as JOURNAL
from journal.orders import JournalReader
from sandbox import checker
from sandbox.truth import Row
from sandbox.truth_file import NAME as TRUTH

FINDINGS = {"FindingApplied", "ExternalSeen"}

Summary = Mapping[str, Any]


class NotJudged(SutradharError):
    """What a day left behind cannot be read; exit code 1."""


def summarise(folder: Path, day: Day, rules: RulePack, speed: int) -> Summary:
    """Fold a finished day's state directory into the summary. Reads, never writes.

    Raises NotJudged if the exchange's truth or the agent's status cannot be read, JournalError if
    the journal cannot.
    """
    truth, status = _truth(folder / TRUTH), _status(folder / "status.json")
    reader = JournalReader(folder / JOURNAL)
    journal = reader.rows(day)
    report = checker.judge(truth, journal, checker.Terms(speed=speed, until=status.at))
    ledger = Ledger().fold(reader.after(0, day)[0])
    return {
        "session_date": day,
        "symbols": _symbols(ledger.chain),
        "ticks": status.ticks,
        "bars": status.bars,
        "swings": status.swings,
        "entries": report.entries,
        "exits": report.exits,
        "orders_sent": report.orders_sent,
        "realised_pnl_paise": report.realised_pnl_paise,
        "charges_paise": report.charges_paise,
        "r_multiple": _decimal(_result(ledger, rules, day).r),
        "forced_close": report.forced_close,
        "flat": report.flat,
        "flat_at": _iso(report.flat_at),
        "naked_seconds_max": report.naked_seconds_max,
        "feed_switches": status.feed_switches,
        "actor_restarts": status.actor_restarts,
        "reconcile_findings": sum(row["kind"] in FINDINGS for row in journal),
        "invariants_broken": list(report.invariants_broken),
    }


def _truth(path: Path) -> tuple[Row, ...]:
    try:
        return kept.truth(path)
    except (OSError, ValueError) as error:
        raise NotJudged(
            f"{path}: {error}; the day cannot be judged, look at the journal and the log beside it"
        ) from error


def _status(path: Path) -> Status:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Status)
    except (OSError, msgspec.DecodeError) as error:
        raise NotJudged(f"{path}: {error}; the day cannot be summed up, see the log") from error


def is_clean(summary: Summary) -> bool:
    """Whether the day ended flat and broke no rule."""
    return bool(summary["flat"]) and not summary["invariants_broken"]


def table(summary: Summary) -> str:
    """Return the summary as a table for people; money in rupees."""
    rows = []
    for key, value in summary.items():
        if key.endswith("_paise"):
            rows.append((key.removesuffix("_paise").replace("_", " "), f"Rs {rupees(value)}"))
        elif key != "invariants_broken":
            rows.append((key.replace("_", " "), _shown(value)))
    broken = summary["invariants_broken"]
    rows.append(("invariants broken", str(len(broken)) if broken else "none"))
    width = max(len(name) for name, _ in rows)
    lines = [f"  {name:<{width}}  {value}" for name, value in rows]
    return "\n".join([*lines, *(f"    {text}" for text in broken)])


def _symbols(chain: Chain | None) -> int:
    return len(chain.contracts) if chain else 0


def _result(ledger: Ledger, rules: RulePack, day: Day) -> Result:
    legs = list(ledger.legs.values())
    if not legs:
        return Result()
    rates = rules.charges(day, legs[0].exchange)
    return sum((leg_result(leg, None, rates) for leg in legs), start=Result())


def _decimal(r: Fraction) -> str:
    """Return a ratio with three decimals, rounded half away from zero."""
    thousandths = abs(r) * 1000
    whole = int(thousandths + Fraction(1, 2))
    sign = "-" if r < 0 and whole else ""
    return f"{sign}{whole // 1000}.{whole % 1000:03d}"


def _iso(at: Micros | None) -> str | None:
    return local(at).isoformat(timespec="seconds") if at is not None else None


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "-" if value is None else str(value)
