"""Whether entries were sent while none may be: rule I8 of `execution.md` 13, by the journal's rows.

An entry is sent where its `WriteSent` says so, also one that did not leave. Judged are the last
entry time, the mode and the latches. A mode that is journaled at the same instant counts, because
the rows of one message share theirs. Not judged: a stale feed and an incomplete bar, which no row
tells of, and an entry that was sent in time and arrived late.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from domain.orders import Purpose
from domain.session import show
from domain.strategy import Mode
from domain.units import Micros

Row = Mapping[str, Any]


@dataclass(slots=True)
class _State:
    """What the journal said up to a row; `mode` is empty before it was told."""

    mode: str = ""
    latches: set[str] = field(default_factory=set)
    entries: dict[str, str] = field(default_factory=dict)

    def read(self, kind: str, body: Row) -> None:
        """Take in a row."""
        match kind:
            case "IntentPlanned" if body["purpose"] == Purpose.ENTRY:
                self.entries[body["intent"]] = body["ticket"]["symbol"]
            case "ModeChanged":
                self.mode = body["mode"]
            case "LatchSet":
                self.latches.add(body["name"])
            case "LatchCleared":
                self.latches.discard(body["name"])
            case _:
                pass


def unlawful(journal: Iterable[Row], last_entry: Micros | None) -> Iterator[str]:
    """Yield each entry that was sent when none may be; rows come in order of their seq."""
    rows = list(journal)
    turned = {row["at"] for row in rows if _turns_active(row)}
    state = _State()
    for row in rows:
        body, at = row["body"], Micros(row["at"])
        state.read(row["kind"], body)
        if (
            row["kind"] != "WriteSent"
            or body["op"] != "place"
            or body["intent"] not in state.entries
        ):
            continue
        why = _why(state, at, last_entry, is_turning=at in turned)
        if why:
            symbol = state.entries[body["intent"]]
            yield f"I8 {symbol}: journal {row['seq']}: entry {body['intent']} sent {why}"


def _why(state: _State, at: Micros, last_entry: Micros | None, *, is_turning: bool) -> str:
    """Return what forbids an entry, or ''."""
    if last_entry is not None and at >= last_entry:
        return f"at {show(at)}, after the last entry time {show(last_entry)}"
    if state.latches:
        return f"under the latch {', '.join(sorted(state.latches))}"
    if state.mode not in {"", Mode.ACTIVE} and not is_turning:
        return f"in mode {state.mode}"
    return ""


def _turns_active(row: Row) -> bool:
    return bool(row["kind"] == "ModeChanged" and row["body"]["mode"] == Mode.ACTIVE)
