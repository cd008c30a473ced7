"""Which paper sessions went well: what an operator goes by before he trades real money.

A session is clean when it ran the whole day, ended flat by itself, and nothing held the agent up on
the way. It is judged by the day's journal and by how the process ended, never by the result.
"""

from collections.abc import Iterable, Iterator

import msgspec

from domain import events as ev
from domain.ledger import Ledger
from domain.session import show
from domain.units import MINUTE, Day

NEEDED = 5
"""Clean paper sessions, a week of them, before real money."""

LATE = 60 * MINUTE
"""Who begins later than this after the open has not seen the day."""

PARKED, DAY_DONE = 0, 10
PAPER = "analyze"
OWN_LIMIT = "DAY_DONE"
"""The latch of the day's own limits: an end in order."""


class Played(msgspec.Struct, frozen=True, kw_only=True):
    """How one life of an agent ended on a day. `mode` is analyze or live, as the server's was.

    `flaws` says why the session is not clean; empty if it is, or if it was only parked.
    """

    day: Day
    mode: str
    code: int
    entries: int = 0
    flaws: tuple[str, ...] = ()
    commit: str = ""


def played(events: Iterable[ev.Event], day: Day, mode: str, code: int, commit: str = "") -> Played:
    """Return what a life came to, by its exit code and the events of the whole day."""
    seen = tuple(events)
    ledger = Ledger().fold(seen)
    flaws = tuple(_flaws(seen, ledger)) if code == DAY_DONE else _ended(code)
    return Played(
        day=day, mode=mode, code=code, entries=len(ledger.legs), flaws=flaws, commit=commit
    )


def clean(rows: Iterable[Played]) -> tuple[Played, ...]:
    """Return the clean paper sessions, one a day, oldest first.

    A day counts if a life of it ended it in order and no other life of it failed.
    """
    by_day: dict[Day, list[Played]] = {}
    for row in rows:
        by_day.setdefault(row.day, []).append(row)
    return tuple(found for _, lives in sorted(by_day.items()) if (found := _clean(lives)))


def _clean(lives: list[Played]) -> Played | None:
    if any(life.flaws or life.mode != PAPER for life in lives):
        return None
    return next((life for life in reversed(lives) if life.code == DAY_DONE), None)


def _ended(code: int) -> tuple[str, ...]:
    return () if code == PARKED else (f"a life of it ended with exit code {code}",)


def _flaws(seen: tuple[ev.Event, ...], ledger: Ledger) -> Iterator[str]:
    plan = ledger.plan
    begun = next((event.at for event in seen if isinstance(event, ev.DayPlanned)), None)
    if plan is None or begun is None:
        yield "it never traded"
        return
    if begun > plan.open + LATE:
        yield f"begun at {show(begun)} only"
    raised = {event.name: event for event in seen if isinstance(event, ev.LatchSet)}
    for name, latch in raised.items():
        if name != OWN_LIMIT:
            yield f"latch {name} ({latch.reason})"
    yield from (f"{condition} ({text})" for condition, text in ledger.unsafe.items())
    if ledger.proved_flat_at is None:
        yield "not proved flat"
