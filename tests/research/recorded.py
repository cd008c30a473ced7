"""Ticks to be recorded, and files that say no."""

import errno
import os
from pathlib import Path
from typing import Any

import polars as pl

from domain.market import Source, Tick
from domain.session import instant
from domain.units import SECOND, Day, Symbol
from research import recording

DAY = Day("2026-11-19")
CALL = Symbol("NIFTY23NOV2626000CE")


def a_tick(n: int = 0, **changes: Any) -> Tick:
    """The tick number `n` of a feed that ticks once a second from 09:15."""
    fields: dict[str, Any] = {
        "symbol": CALL,
        "exchange": "NFO",
        "source": Source.PRIMARY,
        "epoch": 1,
        "seq": n,
        "recv_at": instant(DAY, "09:15") + n * SECOND,
        "exch_at": None,
        "ltp": 15_000 + 5 * n,
        "cum_volume": 65 * n,
    }
    fields |= changes
    return Tick(**{"low": fields["ltp"], "high": fields["ltp"], **fields})


def some(count: int, start: int = 0) -> list[Tick]:
    return [a_tick(n) for n in range(start, start + count)]


def day_of(folder: Path, day: Day = DAY) -> pl.DataFrame:
    """The rows of a day's file."""
    return recording.load(recording.file_of(folder, day)).rows


def full(path: Path, content: bytes) -> None:
    """Write nothing: the disk is full."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
