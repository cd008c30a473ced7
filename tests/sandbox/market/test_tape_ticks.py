"""Tapes of ticks and samples: read by columns, refused by file, row, column and value."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from domain.errors import ConfigError
from domain.session import IST
from domain.units import SECOND, Day, Paise, Symbol
from sandbox.market.tape import read
from sandbox.market.ticks import NONE, Ticks, TickTape
from sandbox.params import TapeParams
from tests.sandbox.pit import at

DAY = Day("2021-06-11")
NIFTY = Symbol("NIFTY")
CALL = Symbol("NIFTY17JUN2115600CE")
TEN = at("10:00", DAY)


def a_row(second: float = 0, symbol: str = CALL, **changes: Any) -> dict[str, Any]:
    stamp = datetime(2021, 6, 11, 10, 0, tzinfo=IST) + timedelta(seconds=second)
    return {"ts": stamp, "symbol": symbol, "ltp": 215.65, "cum_volume": 750} | changes


def a_file(folder: Path, *rows: dict[str, Any], name: str = "tape.parquet") -> Path:
    frame = pl.DataFrame([a_row(-1, "NIFTY", ltp=15_700.0, cum_volume=None), *rows], strict=False)
    file = folder / name
    if file.suffix == ".csv":
        stamps = pl.col("ts").dt.to_string("iso:strict") if frame["ts"].dtype != pl.String else "ts"
        frame.with_columns(stamps).write_csv(file)
    else:
        frame.write_parquet(file)
    return file


def ticks(file: Path, **params: Any) -> TickTape:
    tape = read(file, TapeParams(**params))
    assert isinstance(tape, TickTape)
    return tape


def rows_of(found: Ticks) -> list[tuple[int, ...]]:
    """Every row of a line, the instant in seconds after ten."""
    columns = (found.ltp, found.volume, found.bid, found.ask, found.oi)
    stamps = ((stamp - TEN) / SECOND for stamp in found.at)
    return [(stamp, *rest) for stamp, *rest in zip(stamps, *columns, strict=True)]


@pytest.mark.parametrize("name", ["tape.parquet", "tape.csv"])
def test_ticks_are_read_whatever_the_file(tmp_path: Path, name: str) -> None:
    rows = [
        a_row(0, bid=215.6, ask=215.7, oi=1500),
        a_row(1.25, ltp=216.0, cum_volume=825, bid=0.0, ask=None, oi=None),
    ]
    tape = ticks(a_file(tmp_path, *rows, name=name))
    assert (tape.day, list(tape.lines), tape.made_up) == (DAY, [NIFTY, CALL], True)
    assert rows_of(tape.lines[CALL]) == [
        (0, 21_565, 750, 21_560, 21_570, 1500),
        (1.25, 21_600, 825, 0, NONE, NONE),
    ]
    assert rows_of(tape.lines[NIFTY]) == [(-1, 1_570_000, NONE, NONE, NONE, NONE)]


def test_quotes_that_are_all_on_the_tape_are_not_made_up(tmp_path: Path) -> None:
    assert not ticks(a_file(tmp_path, a_row(bid=215.6, ask=215.7))).made_up
    assert ticks(a_file(tmp_path, a_row())).made_up


def test_not_a_number_is_an_empty_cell_where_one_may_be_empty(tmp_path: Path) -> None:
    nan = float("nan")
    tape = ticks(a_file(tmp_path, a_row(cum_volume=nan, bid=nan, ask=1.0, oi=nan)))
    assert rows_of(tape.lines[CALL]) == [(0, 21_565, NONE, NONE, 100, NONE)]


def test_order_is_kept_where_stamps_are_equal_or_late(tmp_path: Path) -> None:
    """Three rows at one instant and a late one follow each other by a microsecond."""
    prices = (1.0, 2.0, 3.0, 4.0, 5.0)
    stamps = (0, 0, 0, -0.5, 1)
    rows = [a_row(s, ltp=p) for s, p in zip(stamps, prices, strict=True)]
    tape = ticks(a_file(tmp_path, *rows))
    found = [(at, ltp) for at, ltp, *_ in rows_of(tape.lines[CALL])]
    assert found == [(0, 100), (1e-6, 200), (2e-6, 300), (3e-6, 400), (1, 500)]


def test_extremes_of_joined_ticks_come_just_ahead_of_them(tmp_path: Path) -> None:
    rows = [a_row(0, ltp=60.0), a_row(1, ltp=60.5, cum_volume=900, tick_low=58.0, tick_high=61.0)]
    rows.append(a_row(2, ltp=60.0, cum_volume=900, tick_high=60.5))
    found = rows_of(ticks(a_file(tmp_path, *rows)).lines[CALL])
    assert [(round(at, 6), ltp, volume) for at, ltp, volume, *_ in found] == [
        (0, 6000, 750), (0.999998, 6100, NONE), (0.999999, 5800, NONE), (1, 6050, 900),
        (1.999998, 6050, NONE), (2, 6000, 900),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "stamp",
    [
        "2021-06-11T10:00:00.5",
        "2021-06-11 10:00:00.500000",
        "2021-06-11T10:00:00.5+05:30",
        "2021-06-11 10:00:00.500+0530",
        "2021-06-11T04:30:00.5Z",
    ],
)
def test_instants_may_be_written_in_many_ways(tmp_path: Path, stamp: str) -> None:
    file = tmp_path / "tape.csv"
    file.write_text(f"ts,symbol,ltp,cum_volume\n{stamp},NIFTY,15700,\n")
    assert rows_of(ticks(file).lines[NIFTY])[0][0] == 0.5


def test_instants_without_a_zone_are_ist(tmp_path: Path) -> None:
    naive = a_row()["ts"].replace(tzinfo=None)
    file = tmp_path / "tape.parquet"
    pl.DataFrame([a_row(ts=naive)]).write_parquet(file)
    assert rows_of(ticks(file).lines[CALL])[0][0] == 0


REFUSED = {
    "off tick": ({"ltp": 215.62}, "row 2: ltp 215.62 is not a multiple of tick size 0.05"),
    "off tick bid": ({"bid": 215.62}, "row 2: bid 215.62 is not a multiple of tick size 0.05"),
    "fraction": ({"ltp": 215.123}, "row 2: ltp 215.123 is not in whole paise"),
    "nothing": ({"ltp": 0.0}, "row 2: ltp 0.0 is no price above 0"),
    "no price": ({"ltp": None}, "row 2: ltp None is no price above 0"),
    "not a number": ({"ltp": float("nan")}, "row 2: ltp nan is no price above 0"),
    "endless": ({"ltp": float("inf")}, "row 2: ltp inf is no price above 0"),
    "bid below nothing": ({"bid": -0.05}, "row 2: bid -0.05 is no price from 0 up"),
    "negative volume": ({"cum_volume": -75}, "row 2: cum_volume -75 is no whole number from 0 up"),
    "extreme of nothing": ({"tick_low": 0.0}, "row 2: tick_low 0.0 is no price above 0"),
    "half a unit": ({"cum_volume": 7.5}, "row 2: cum_volume 7.5 is no whole number from 0 up"),
    "beyond counting": ({"cum_volume": 1e300}, "row 2: cum_volume 1e+300 is no whole number"),
    "negative interest": ({"oi": -1}, "row 2: oi -1 is no whole number from 0 up"),
    "no symbol": ({"symbol": ""}, "row 2: symbol '' is no name"),
    "null symbol": ({"symbol": None}, "row 2: symbol None is no name"),
    "no instant": ({"ts": None}, "row 2: ts None is no instant"),
    "far behind": (
        {"ts": datetime(2021, 6, 11, 9, 58, tzinfo=IST)},
        "row 2: ts 2021-06-11 09:58:00+05:30 lies more than 60 s before an earlier row; sort the",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "text"), REFUSED.values(), ids=REFUSED.keys())
def test_bad_tick_refuses_the_file_with_row_column_and_value(
    tmp_path: Path, changes: dict[str, Any], text: str
) -> None:
    file = a_file(tmp_path, a_row(**changes), a_row(1, ltp=-1.0))
    with pytest.raises(ConfigError) as refusal:
        read(file)
    assert str(refusal.value).startswith(f"sandbox.tape.file: {file}: ")
    assert text in str(refusal.value)


@pytest.mark.parametrize(
    ("column", "value", "text"),
    [
        ("ltp", "abc", "row 2: ltp 'abc' is no price above 0"),
        ("cum_volume", "7x", "row 2: cum_volume '7x' is no whole number from 0 up"),
        ("ts", "yesterday", "row 2: ts 'yesterday' is no instant"),
    ],
)
def test_one_bad_value_of_a_text_file_is_found_in_its_row(
    tmp_path: Path, column: str, value: str, text: str
) -> None:
    good = "2021-06-11T10:00:00+05:30"
    rows = [{"ts": good, "symbol": s, "ltp": "60", "cum_volume": "75"} for s in ("NIFTY", CALL)]
    rows[1][column] = value
    file = tmp_path / "tape.csv"
    pl.DataFrame(rows).write_csv(file)
    with pytest.raises(ConfigError) as refusal:
        read(file)
    assert text in str(refusal.value)


OWN: dict[str, Any] = {"source": "primary", "epoch": 1, "seq": 1}
"""What only a recording of ours has."""


@pytest.mark.parametrize(
    "changes",
    [{"ltp": 215.62}, {"bid": 215.61}, {"tick_low": 215.01}, {"tick_high": 299.99, "bid": 215.6}],
)
def test_odd_price_costs_a_recording_of_ours_its_row(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    rows = [a_row(n, **OWN) for n in range(3)]
    tape = ticks(a_file(tmp_path, rows[0], rows[1] | changes, rows[2]))
    assert [second for second, *_ in rows_of(tape.lines[CALL])] == [0, 2]
    assert (tape.left_out, list(tape.lines)) == (1, [NIFTY, CALL])


def test_other_mistakes_refuse_a_recording_of_ours_too(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"row 3: ltp 0\.0 is no price above 0"):
        read(a_file(tmp_path, a_row(0, ltp=215.62, **OWN), a_row(1, ltp=0.0, **OWN)))


def test_tick_is_that_of_the_day(tmp_path: Path) -> None:
    asked: list[Day] = []

    def ten_paise(day: Day) -> Paise:
        asked.append(day)
        return Paise(10)

    file = a_file(tmp_path, a_row(ltp=215.6), a_row(1, ltp=215.65))
    assert ticks(file).left_out == 0
    with pytest.raises(ConfigError, match=r"row 3: ltp 215\.65 is not a multiple of .* 0\.1"):
        read(file, TapeParams(), ten_paise)
    assert asked == [DAY]


def test_price_of_an_index_lies_on_no_tick(tmp_path: Path) -> None:
    tape = ticks(a_file(tmp_path, a_row(symbol="NIFTY", ltp=15_700.03)))
    assert rows_of(tape.lines[NIFTY])[1][1] == 1_570_003


def test_two_days_and_no_rows_are_no_tape(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds 2 days; a tape is one day, cut it"):
        read(a_file(tmp_path, a_row(86_400 * 3)))
    empty = tmp_path / "empty.csv"
    empty.write_text("ts,symbol,ltp,cum_volume\n")
    with pytest.raises(ConfigError, match="holds no ticks; name a recorded day"):
        read(empty)


def test_columns_of_others_are_renamed_and_make_way(tmp_path: Path) -> None:
    """A recorder's own `ts` makes way where the exchange's stamp is asked for."""
    row = a_row()
    other = {"ts": row["ts"] + timedelta(seconds=9), "ltt": row["ts"], "vtt": 900}
    file = tmp_path / "tape.parquet"
    rows = [other | {"symbol": CALL, "ltp": 215.65}]
    pl.DataFrame(rows).write_parquet(file)
    tape = ticks(file, columns=("cum_volume=vtt", "ts=ltt"))
    assert rows_of(tape.lines[CALL])[0][:3] == (0, 21_565, 900)
    with pytest.raises(ConfigError, match="columns cum_volume are missing; a tape of ticks has ts"):
        read(file)
    with pytest.raises(ConfigError, match=r"cum_volume=qty: .* has no column qty; it has ts, ltt"):
        read(file, TapeParams(columns=("cum_volume=qty",)))
    with pytest.raises(ConfigError, match="a column is named twice"):
        read(file, TapeParams(columns=("ts=ltt", "ts=vtt")))


def test_named_kind_is_not_told_by_columns(tmp_path: Path) -> None:
    bar: dict[str, Any] = dict.fromkeys(("open", "high", "low", "close", "volume"), 1.0)
    file = a_file(tmp_path, a_row(0.5, **bar))
    with pytest.raises(ConfigError, match="row 1: open None is no price"):
        read(file)
    for kind in ("ticks", "samples"):
        assert CALL in ticks(file, kind=kind).lines
    with pytest.raises(ConfigError, match="columns open, high, low, close, volume are missing"):
        read(a_file(tmp_path, a_row()), TapeParams(kind="bars"))
