"""Reads a recorded day from Parquet or CSV, and refuses what cannot be true.

Called before a day begins. The only files of the exchange's core that touch a disk or polars are
this one and those it calls: `tape_bars.py` and `tape_ticks.py`, one for each kind of tape.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import polars as pl

from domain.errors import ConfigError
from domain.units import Day, Paise
from sandbox.market import tape_bars, tape_ticks
from sandbox.market.recorded import Tape
from sandbox.market.ticks import TickTape
from sandbox.params import TapeParams

READERS: dict[str, Callable[[Path], pl.DataFrame]] = {
    ".parquet": pl.read_parquet,
    # All of it is read before kinds are told: whole rupees for an hour are no whole numbers.
    ".csv": partial(pl.read_csv, infer_schema_length=None),
}
BARS = "bars"


def read(
    file: Path,
    params: TapeParams = TapeParams(),  # noqa: B008 - frozen
    tick_of: Callable[[Day], Paise] = tape_ticks.usual_tick,
) -> Tape | TickTape:
    """Read one day: bars, or ticks (`samples` are ticks that are far apart).

    `tick_of` says on which prices the options of a day may lie, as far as ticks are concerned.

    Raises ConfigError naming the file and the remedy, and for a bad row its number, counted from 1,
    and the reason.
    """
    frame = _renamed(file, _frame(file), params.columns)
    is_bars = _is_bars(frame) if params.kind == "auto" else params.kind == BARS
    kind = "one-minute bars" if is_bars else "ticks"
    columns = tape_bars.COLUMNS if is_bars else tape_ticks.COLUMNS
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise ConfigError(
            f"sandbox.tape.file: {file}: columns {', '.join(missing)} are missing; "
            f"a tape of {kind} has {', '.join(columns)}; sandbox.tape.columns renames others"
        )
    return tape_bars.read(file, frame) if is_bars else tape_ticks.read(file, frame, tick_of)


def _is_bars(frame: pl.DataFrame) -> bool:
    """Whether it looks like bars: a last price alone is a tick's."""
    return "ltp" not in frame.columns or set(tape_bars.PRICES) <= set(frame.columns)


def _frame(file: Path) -> pl.DataFrame:
    reader = READERS.get(file.suffix)
    if reader is None:
        raise ConfigError(f"sandbox.tape.file: {file}: is neither .parquet nor .csv, and has to be")
    if not file.is_file():
        raise ConfigError(f"sandbox.tape.file: {file}: no such file; check the path")
    try:
        return reader(file)
    except (pl.exceptions.PolarsError, OSError) as error:
        first = str(error).partition("\n")[0]
        raise ConfigError(
            f"sandbox.tape.file: {file}: cannot be read: {first}; take another copy of it"
        ) from error


def _renamed(file: Path, frame: pl.DataFrame, renames: tuple[str, ...]) -> pl.DataFrame:
    """Return the frame with its columns under our names; one that is in the way is dropped."""
    pairs = [rename.split("=") for rename in renames]
    for ours, theirs in pairs:
        if theirs not in frame.columns:
            raise ConfigError(
                f"sandbox.tape.columns: {ours}={theirs}: {file} has no column {theirs}; "
                f"it has {', '.join(frame.columns)}"
            )
    wanted = {theirs: ours for ours, theirs in pairs}
    if len(set(wanted.values())) != len(pairs):
        raise ConfigError(
            f"sandbox.tape.columns: {', '.join(renames)}: a column is named twice; name each once"
        )
    kept = [name for name in frame.columns if name in wanted or name not in wanted.values()]
    return frame.select(kept).rename(wanted)
