"""The file of a recorded day: small parts while it is written, one Parquet file when it is over.

Parquet cannot be appended to, so every few seconds become a part of their own, written aside,
synced and then named: a part is there and whole, or it is not there. `2026-11-19.parts/` becomes
`2026-11-19.parquet` at the end of the day, or when a recorder starts after a crash. The columns are
those of a tape (`sandbox.tape`), prices in rupees; `ts` is when the tick was received.
"""

import io
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import polars as pl

from domain.errors import SutradharError
from domain.market import Tick
from domain.units import Day

log = logging.getLogger(__name__)

STAMP = pl.Datetime("us", "Asia/Kolkata")
SCHEMA = pl.Schema(
    {
        "ts": STAMP,
        "exch_ts": STAMP,
        "symbol": pl.String(),
        "exchange": pl.String(),
        "source": pl.String(),
        "epoch": pl.Int32(),
        "seq": pl.Int64(),
        "ltp": pl.Float64(),
        "tick_low": pl.Float64(),
        "tick_high": pl.Float64(),
        "cum_volume": pl.Int64(),
    }
)
LEVEL = 9
"""How hard the day's file is compressed; parts are done with less."""

PARTS, WHOLE, ASIDE, BAD = ".parts", ".parquet", ".tmp", ".bad"
LAST = "last_part"
"""The key of a day's file that says which parts are in it: they may still lie there."""

Facts = Mapping[str, str]
FORMAT: Facts = {
    "format": "sutradhar ticks 1",
    "ts": "when the tick was received; rows are sorted by it, then by seq",
    "exch_ts": "the exchange's time, where one came that could be trusted",
    "ltp": "rupees",
    "tick_low, tick_high": "rupees, only where several ticks were told as one",
    "cum_volume": "units of the day so far",
}


UNREADABLE = (pl.exceptions.PolarsError, pl.exceptions.PanicException)
"""What polars raises for content it cannot take; the second is no Exception."""


class RecordingFailed(SutradharError):
    """Something of a day could not be kept or read; exit code 1."""


@dataclass(frozen=True, slots=True)
class Contents:
    """The rows of a file and what it says of itself."""

    rows: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=SCHEMA))
    facts: Facts = field(default_factory=dict)

    @property
    def last_part(self) -> int:
        """The number of the newest part in it; 0 if there is none."""
        return int(self.facts.get(LAST, "0"))


def frame(ticks: Sequence[Tick]) -> pl.DataFrame:
    """Return ticks as rows, in their order.

    Raises RecordingFailed for a value that no column holds, such as a volume beyond 64 bits.
    """
    columns: dict[str, list[object]] = {
        "ts": [tick.recv_at for tick in ticks],
        "exch_ts": [tick.exch_at for tick in ticks],
        "symbol": [tick.symbol for tick in ticks],
        "exchange": [tick.exchange for tick in ticks],
        "source": [tick.source.value for tick in ticks],
        "epoch": [tick.epoch for tick in ticks],
        "seq": [tick.seq for tick in ticks],
        "ltp": [tick.ltp / 100 for tick in ticks],
        "tick_low": [tick.low / 100 if tick.low < tick.ltp else None for tick in ticks],
        "tick_high": [tick.high / 100 if tick.high > tick.ltp else None for tick in ticks],
        "cum_volume": [tick.cum_volume for tick in ticks],
    }
    try:
        return pl.DataFrame(columns, schema=SCHEMA)
    except (*UNREADABLE, TypeError, OverflowError) as error:
        raise RecordingFailed(f"no column holds this: {_first_line(error)}") from error


def in_order(rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows as they were received: the feed hands a batch on symbol by symbol."""
    return rows.sort("ts", "seq", maintain_order=True)


def encoded(rows: pl.DataFrame, facts: Facts, level: int = 1) -> bytes:
    """Return rows as a file; `facts` stand in its metadata. Raises RecordingFailed."""
    buffer = io.BytesIO()
    try:
        rows.write_parquet(
            buffer, compression="zstd", compression_level=level, metadata={**FORMAT, **facts}
        )
    except UNREADABLE as error:
        raise RecordingFailed(f"cannot be made a file: {_first_line(error)}") from error
    return buffer.getvalue()


def keep(path: Path, content: bytes) -> None:
    """Write a file that is there and whole, or not there, whatever happens. Raises OSError."""
    aside = path.with_name(path.name + ASIDE)
    try:
        with aside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except OSError:
        with suppress(OSError):
            aside.unlink(missing_ok=True)
        raise
    settle(path.parent)


def settle(folder: Path) -> None:
    """Make names given in a folder last. Raises OSError."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def load(path: Path) -> Contents:
    """Return what a file holds. Raises RecordingFailed if it cannot be read."""
    try:
        content = path.read_bytes()
        rows = pl.read_parquet(io.BytesIO(content)).select(SCHEMA.keys()).cast(SCHEMA)
        facts = pl.read_parquet_metadata(io.BytesIO(content))
    except (*UNREADABLE, OSError) as error:
        raise RecordingFailed(
            f"{path}: cannot be read: {_first_line(error)}; move it away"
        ) from error
    return Contents(rows, {key: value for key, value in facts.items() if key not in FORMAT})


def file_of(folder: Path, day: Day) -> Path:
    """Return where the file of a day is."""
    return folder / f"{day}{WHOLE}"


def parts_of(folder: Path, day: Day) -> Path:
    """Return where the parts of a day lie."""
    return folder / f"{day}{PARTS}"


def part(folder: Path, day: Day, number: int) -> Path:
    """Return where one part of a day is; parts are numbered from 1 in the order they came."""
    return parts_of(folder, day) / f"{number:06d}{WHOLE}"


def numbered(folder: Path, day: Day) -> dict[int, Path]:
    """Return the parts of a day by number, ascending."""
    found = sorted(parts_of(folder, day).glob(f"*{WHOLE}"))
    return {int(path.stem): path for path in found if path.stem.isdecimal()}


def left_over(folder: Path) -> list[Day]:
    """Return the days whose parts still wait to be put together; what is no day is not ours."""
    names = [path.name.removesuffix(PARTS) for path in sorted(folder.glob(f"*{PARTS}"))]
    return [Day(name) for name in names if _is_day(name) and any(_waiting(folder, Day(name)))]


def _is_day(name: str) -> bool:
    try:
        return date.fromisoformat(name).isoformat() == name
    except ValueError:
        return False


def _waiting(folder: Path, day: Day) -> Iterator[Path]:
    yield from parts_of(folder, day).glob(f"*{WHOLE}")
    yield from parts_of(folder, day).glob(f"*{ASIDE}")


def merge(folder: Path, day: Day) -> Contents:
    """Put the parts of a day into its file and return what that holds then.

    Done again after a crash in the middle it comes to the same. A part that cannot be read is left
    out and put aside, with a line in the log. Raises RecordingFailed if the day's file cannot be
    read or written; the parts stay then.
    """
    path, parts = file_of(folder, day), numbered(folder, day)
    whole = load(path) if path.exists() else Contents()
    _sweep(parts_of(folder, day))
    new = {number: read for number, at in parts.items() if (read := _part(number, at, whole))}
    if new:
        whole = Contents(
            in_order(pl.concat([whole.rows, *(each.rows for each in new.values())])),
            {**whole.facts, **new[max(new)].facts, LAST: str(max(new))},
        )
        try:
            keep(path, encoded(whole.rows, whole.facts, LEVEL))
        except OSError as error:
            raise RecordingFailed(
                f"{path}: cannot be written ({error.strerror}); its {len(new)} parts are kept in "
                f"{parts_of(folder, day)}: make room, the next recording puts them together"
            ) from error
    for at in parts.values():
        at.unlink(missing_ok=True)
    with suppress(OSError):
        parts_of(folder, day).rmdir()
    return whole


def _part(number: int, path: Path, whole: Contents) -> Contents | None:
    """Return what a part adds; nothing if it is in the file already, or no part at all."""
    if number <= whole.last_part:
        return None
    try:
        return load(path)
    except RecordingFailed as error:
        log.warning("a part is lost: %s", error)
        path.replace(path.with_name(path.name + BAD))
        return None


def _sweep(parts: Path) -> None:
    """Remove what a crash left half written."""
    for path in parts.glob(f"*{ASIDE}"):
        log.warning("a part was never finished and is lost: %s bytes=%d", path, path.stat().st_size)
        path.unlink()


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0]
