"""Reads that fail, told as a story: when it begins, once a minute while it lasts, when it ends.

A server that is away fails every read, hundreds in a minute; each by itself is told to whom looks
for details. Pure; one thread at a time.
"""

import logging
from dataclasses import dataclass
from typing import NamedTuple

from domain.calls import Failed, Read, ReadHistory, ReadQuotes, ReadReply
from domain.session import show
from domain.units import MINUTE, Micros


class Line(NamedTuple):
    """A line of the log and its level."""

    level: int
    text: str


@dataclass(slots=True)
class _Fault:
    """Reads of one kind fail: since when, how often, and what was said of it when."""

    since: Micros
    told_at: Micros
    failed_at: Micros
    failed: int = 1
    answered: int = 0

    def is_over(self, at: Micros) -> bool:
        """Whether an answer ends it: the first after a minute, or one after a minute of answers."""
        is_first = self.answered == 0 and _is_past(self.since, at)
        return is_first or _is_past(self.failed_at, at)


class Complaints:
    """What is to be said of reads that fail, for each kind of read by itself."""

    def __init__(self) -> None:
        self._faults: dict[str, _Fault] = {}

    def hear(self, call: Read, reply: ReadReply, at: Micros) -> Line | None:
        """Take a read's reply at a market instant; return what is worth a line."""
        kind = type(call).__name__
        fault = self._faults.get(kind)
        if isinstance(reply, Failed):
            return self._failed(kind, fault, _what(call, reply), at)
        if fault is None:
            return None
        if not fault.is_over(at):
            fault.answered += 1
            return None
        del self._faults[kind]
        tally = f"failed={fault.failed} since={show(fault.since)}"
        return Line(logging.INFO, f"reads are answered again call={kind} {tally}")

    def _failed(self, kind: str, fault: _Fault | None, what: str, at: Micros) -> Line | None:
        if fault is None:
            self._faults[kind] = _Fault(since=at, told_at=at, failed_at=at)
            return Line(logging.WARNING, f"read failed call={kind} {what}")
        fault.failed += 1
        fault.failed_at = at
        if not _is_past(fault.told_at, at):
            return None
        fault.told_at = at
        tally = f"failed={fault.failed} answered={fault.answered} since={show(fault.since)}"
        return Line(logging.WARNING, f"reads still fail call={kind} {tally} {what}")


def _is_past(then: Micros, at: Micros) -> bool:
    # The clock may have been set back.
    return not 0 <= at - then < MINUTE


def _what(call: Read, failed: Failed) -> str:
    why = f"outcome={failed.outcome} text={failed.text}"
    match call:
        case ReadHistory(symbol=symbol) | ReadQuotes(symbols=((symbol, _), *_)):
            return f"symbol={symbol} {why}"
        case _:
            return why
