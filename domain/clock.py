"""The two doors to time. Nothing else in the project reads a clock.

`now` is market time: sessions, bars, staleness, order deadlines. Live it is the wall clock; in the
sandbox it may run up to 120 times faster; in the pump it is moved by hand. `machine` is the time of
this computer: liveness, time-outs, socket keep-alive. Only run.py, the pump and tests set a source.
"""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

import msgspec

from domain.units import SECOND, Micros

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Source(Protocol):
    """Where time comes from."""

    def now(self) -> Micros:
        """Return market time in microseconds since the epoch."""

    def machine(self) -> Micros:
        """Return a steady reading of this computer in microseconds; only differences count."""


class WallClock:
    """Life itself: market time is UTC now. freezegun governs it, in every thread."""

    def now(self) -> Micros:
        return wall()

    def machine(self) -> Micros:
        return steady()


class Anchor(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The sandbox's clock: `virtual = v0 + (real - r0) * speed`, standing still while `paused`."""

    r0: Micros
    v0: Micros
    speed: int
    paused: bool = False
    jumps: int = 0

    def at(self, real: Micros) -> Micros:
        """Return the market instant that belongs to the real instant `real`."""
        return self.v0 if self.paused else Micros(self.v0 + (real - self.r0) * self.speed)

    def real_span_s(self, market_span: int) -> float:
        """Return how many real seconds a span of market time takes."""
        return market_span / self.speed / SECOND


class AnchoredClock:
    """Market time of the sandbox, shared by both processes through one `Anchor`."""

    def __init__(self, anchor: Anchor) -> None:
        self.anchor = anchor

    def now(self) -> Micros:
        return self.anchor.at(wall())

    def machine(self) -> Micros:
        return steady()


_source: Source = WallClock()


def use(source: Source) -> None:
    """Replace the source of time. For run.py, the pump and tests."""
    global _source  # noqa: PLW0603 - the one replaceable door
    _source = source


def now() -> Micros:
    """Return market time in microseconds since the epoch. Any thread."""
    return _source.now()


def machine() -> Micros:
    """Return the steady time of this machine in microseconds. Any thread."""
    return _source.machine()


def wall() -> Micros:
    """Return real UTC in microseconds since the epoch, whatever the source. For anchors only."""
    return micros(datetime.now(UTC))


def steady() -> Micros:
    """Return the real monotonic clock in microseconds, whatever the source."""
    return Micros(time.monotonic_ns() // 1000)


def boot() -> Micros:
    """Return how long this host has been up in microseconds, time asleep included."""
    return Micros(time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000)


def micros(instant: datetime) -> Micros:
    """Return an aware datetime as microseconds since the epoch."""
    return Micros((instant - EPOCH) // _MICROSECOND)


def moment(at: Micros) -> datetime:
    """Return microseconds since the epoch as an aware UTC datetime."""
    return EPOCH + at * _MICROSECOND
