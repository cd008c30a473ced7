"""Reads a tape of ticks or samples and refuses what cannot be true.

Columns: ts symbol ltp cum_volume, optionally bid ask oi; prices in rupees, `ts` with a zone or in
Asia/Kolkata, rows in the order they came. Only `ts`, `symbol` and `ltp` may not be empty. A row
that stands for several ticks says in tick_low and tick_high how far they went. A day has 700,000
rows and more: they are looked at by columns, never one by one.

What our own recorder kept came from a feed: rows of it with option prices off the tick are left out
and counted. In any other file such a price is a mistake of whoever made it, and refused.
"""

from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from domain.errors import ConfigError
from domain.session import trading_day
from domain.units import SECOND, Day, Micros, Paise, Symbol
from sandbox.market.pricing import TICK
from sandbox.market.ticks import NONE, Ticks, TickTape

COLUMNS = ("ts", "symbol", "ltp", "cum_volume")
QUOTE = ("bid", "ask")
EXTREMES = ("tick_low", "tick_high")
PRICES = ("ltp", *QUOTE, *EXTREMES)
LIMIT = 10**12
ZONE = "Asia/Kolkata"
STAMPS = ("%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M")
MOST_BACK_S = 60
"""How far a row may lie behind an earlier one, as late ticks do; it is played right after it."""

ROW = "row"
OWN = {"source", "epoch", "seq"}
"""Columns that only a recording of ours has."""


@dataclass(frozen=True, slots=True)
class Check:
    """What must not be true of any row, the column it is about, and the reason in words.

    `{value}` stands for what the file has there, in quotes where it is text.
    """

    column: str
    bad: pl.Expr
    reason: str


def usual_tick(day: Day) -> Paise:
    """Return the tick of options on any day, where no dated rules are at hand."""
    del day
    return Paise(TICK)


def read(file: Path, frame: pl.DataFrame, tick_of: Callable[[Day], Paise] = usual_tick) -> TickTape:
    """Read the ticks of one day; `frame` has all of COLUMNS.

    Raises ConfigError naming the file and the remedy, and for the first bad row its number, counted
    from 1, and the reason.
    """
    if frame.is_empty():
        raise ConfigError(f"sandbox.tape.file: {file}: holds no ticks; name a recorded day")
    rows = _converted(frame)
    off = tuple(_off(_tick(rows, tick_of)))
    is_ours = set(frame.columns) >= OWN
    _check(file, frame, rows, [*_checks(), *(() if is_ours else off)])
    days = rows.select(pl.col("at").cast(pl.Datetime("us", ZONE)).dt.date().unique())
    if days.height != 1:
        raise ConfigError(
            f"sandbox.tape.file: {file}: holds {days.height} days; a tape is one day, cut it"
        )
    if is_ours:
        rows = rows.filter(~pl.any_horizontal(check.bad for check in off))
    parts = _steady(_spread(rows)).partition_by("symbol", as_dict=True, maintain_order=True)
    options = rows.filter(_is_option())
    return TickTape(
        day=Day(days.item().isoformat()),
        lines={Symbol(str(name)): _ticks(part) for (name,), part in parts.items()},
        made_up=options.select((pl.col("bid").eq(NONE) | pl.col("ask").eq(NONE)).any()).item(),
        left_out=frame.height - rows.height,
    )


def _tick(rows: pl.DataFrame, tick_of: Callable[[Day], Paise]) -> Paise:
    """Return the tick of the day; of several days, which are refused, that of the last."""
    last = rows.select(pl.col("at").max()).item()
    return Paise(TICK) if last is None else tick_of(trading_day(Micros(last)))


def _spread(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the extremes of joined ticks as rows of their own, just ahead of where they stood."""
    place = pl.col(ROW) * 3
    kept = [rows.with_columns(place.alias(ROW))]
    for n, name in enumerate(EXTREMES, 1):
        ahead = rows.filter(pl.col(name) != NONE).with_columns(
            (place - n).alias(ROW),
            (pl.col("at") - n).alias("at"),
            pl.col(name).alias("ltp"),
            pl.lit(NONE, pl.Float64).alias("volume"),
        )
        kept.append(ahead)
    return pl.concat(kept).sort(ROW)


def _steady(rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows each later than the one before it, if only by a microsecond: order is kept."""
    numbered = rows.with_columns(pl.int_range(pl.len(), dtype=pl.Int64).alias(ROW))
    return numbered.with_columns((pl.col("at") - pl.col(ROW)).cum_max() + pl.col(ROW))


def _ticks(part: pl.DataFrame) -> Ticks:
    names = ("at", "ltp", "volume", "bid", "ask", "oi")
    return Ticks(*(array("q", part[name].cast(pl.Int64).to_list()) for name in names))


def _converted(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the rows in our units, with `row` from 1 on; null is what could not be read."""
    return frame.select(
        pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias(ROW),
        _at(frame.schema["ts"]).alias("at"),
        pl.col("symbol").cast(pl.String, strict=False),
        *(_number(frame, name).alias(f"{name}_") for name in PRICES),
        *(
            _number(frame, name).alias(new)
            for name, new in (("cum_volume", "volume"), ("oi", "oi"))
        ),
    ).with_columns(
        *(
            (pl.col(f"{name}_") * 100).round().fill_null(NONE).alias(name)
            for name in (*QUOTE, *EXTREMES)
        ),
        (pl.col("ltp_") * 100).round().alias("ltp"),
        pl.col("volume", "oi").fill_null(NONE),
    )


def _number(frame: pl.DataFrame, name: str) -> pl.Expr:
    if name not in frame.columns:
        return pl.lit(None, pl.Float64)
    # Not a number is how some writers say that there is none.
    return pl.col(name).cast(pl.Float64, strict=False).fill_nan(None)


def _at(kind: pl.DataType) -> pl.Expr:
    """Return an instant as microseconds; one without a zone is Asia/Kolkata's."""
    stamp = pl.col("ts")
    if isinstance(kind, pl.Datetime):
        return (stamp if kind.time_zone else stamp.dt.replace_time_zone(ZONE)).dt.epoch("us")
    if kind != pl.String:
        return pl.lit(None, pl.Int64)
    text = stamp.str.replace(" ", "T", literal=True).str.replace("Z$", "+0000")
    zoned = [text.str.to_datetime(f"{f}%z", strict=False, time_unit="us") for f in STAMPS]
    plain = [
        text.str.to_datetime(f, strict=False, time_unit="us").dt.replace_time_zone(ZONE)
        for f in STAMPS
    ]
    return pl.coalesce(*(each.dt.epoch("us") for each in (*zoned, *plain)))


def _is_option() -> pl.Expr:
    return pl.col("symbol").str.ends_with("CE") | pl.col("symbol").str.ends_with("PE")


def _check(file: Path, frame: pl.DataFrame, rows: pl.DataFrame, rules: Iterable[Check]) -> None:
    """Raise for the earliest row that breaks a rule; of two rules the one that stands first."""
    checks = [c for c in rules if c.column in frame.columns]
    given = frame.select(_given(frame, c.column).alias(str(n)) for n, c in enumerate(checks))
    seen = rows.hstack(given)
    firsts = seen.select(
        pl.col(ROW).filter(check.bad & pl.col(str(n)) | _absent(check)).min().alias(str(n))
        for n, check in enumerate(checks)
    ).row(0)
    found = [(row, n) for n, row in enumerate(firsts) if row is not None]
    if found:
        row, n = min(found)
        column = checks[n].column
        value = frame[column][row - 1]
        raise ConfigError(
            f"sandbox.tape.file: {file}: row {row}: {column} {_shown(value)} {checks[n].reason}"
        )


def _given(frame: pl.DataFrame, name: str) -> pl.Expr:
    column = pl.col(name)
    is_given = column.is_not_null()
    return is_given & column.is_not_nan() if frame.schema[name].is_float() else is_given


def _absent(check: Check) -> pl.Expr:
    """Whether nothing stands where something has to."""
    needed = {"ts": "at", "symbol": "symbol", "ltp": "ltp_"}.get(check.column)
    return pl.lit(value=False) if needed is None else pl.col(needed).is_null()


def _shown(value: object) -> str:
    return repr(value) if isinstance(value, str) or value is None else str(value)


def _checks() -> Iterator[Check]:
    """Yield what is refused; a value that is given and could not be read is null by now."""
    yield Check("ts", pl.col("at").is_null(), "is no instant; write 2026-11-19T09:15:00+05:30")
    behind = pl.col("at").cum_max() - pl.col("at")
    yield Check(
        "ts",
        (behind > MOST_BACK_S * SECOND).fill_null(value=False),
        f"lies more than {MOST_BACK_S} s before an earlier row; sort the file by ts",
    )
    yield Check("symbol", pl.col("symbol").eq("").fill_null(value=True), "is no name")
    for name in PRICES:
        yield from _price(name)
    for name, ours in (("cum_volume", "volume"), ("oi", "oi")):
        number = pl.col(ours)
        bad = number.lt(0) | number.ge(LIMIT) | number.floor().ne(number)
        yield Check(name, bad, "is no whole number from 0 up")


def _price(name: str) -> Iterator[Check]:
    rupees, paise = pl.col(f"{name}_"), pl.col(name)
    least = rupees.lt(0) if name in QUOTE else rupees.le(0)
    said = f"is no price {'from 0 up' if name in QUOTE else 'above 0'}"
    yield Check(name, rupees.is_null() | least | rupees.ge(LIMIT), said)
    # A price in rupees is a float on its way here: what differs by less was meant.
    yield Check(name, (rupees * 100 - paise).abs().gt(1e-4), "is not in whole paise")


def _off(tick: Paise) -> Iterator[Check]:
    """Yield what is no price of an option; rows are known to hold prices or NONE."""
    for name in PRICES:
        bad = _is_option() & pl.col(name).ne(NONE) & (pl.col(name) % tick).ne(0)
        yield Check(name, bad, f"is not a multiple of tick size {tick / 100}")
