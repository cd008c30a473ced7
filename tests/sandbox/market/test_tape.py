"""Reading a recorded day, and refusing what cannot be true."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from domain.errors import ConfigError
from domain.session import IST
from domain.units import MINUTE, Day, Micros, Symbol
from sandbox.exchange import Exchange, Setup
from sandbox.kinds import BarLine
from sandbox.market import tape as tapes
from sandbox.market.recorded import Tape
from sandbox.params import SandboxParams
from sandbox.truth import Started, Truth
from tests.sandbox.market.chain import a_tape_bar
from tests.sandbox.pit import at, rules
from tests.shared import shared_path

DAY = Day("2021-06-11")
REAL = "data/nifty_1m_2021-06-11.parquet"
NIFTY = Symbol("NIFTY")
CALL = Symbol("NIFTY17JUN2115600CE")


def read(file: Path) -> Tape:
    tape = tapes.read(file)
    assert isinstance(tape, Tape)
    return tape


def a_row(minute: int = 0, symbol: str = CALL, **changes: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "ts": datetime(2021, 6, 11, 9, 15 + minute, tzinfo=IST), "symbol": symbol, "open": 215.65,
        "high": 231.5, "low": 215.6, "close": 230.25, "volume": 35_400, "oi": None,
    }  # fmt: skip
    return row | changes


def a_file(folder: Path, *rows: dict[str, Any], name: str = "tape.parquet") -> Path:
    frame = pl.DataFrame([a_row(symbol="NIFTY", volume=0), *rows], strict=False)
    file = folder / name
    if file.suffix == ".csv":
        frame.with_columns(pl.col("ts").dt.to_string("iso:strict")).write_csv(file)
    else:
        frame.write_parquet(file)
    return file


PRICES = (21_565, 23_150, 21_560, 23_025)
BAR = a_tape_bar(at("09:15", DAY), PRICES, 35_400)


@pytest.mark.parametrize("name", ["tape.parquet", "tape.csv"])
def test_bars_are_read_in_order_of_time_whatever_the_file(tmp_path: Path, name: str) -> None:
    file = a_file(tmp_path, a_row(1, oi=75), a_row(0), name=name)
    tape = read(file)
    assert tape.day == DAY
    later = a_tape_bar(Micros(BAR.minute + MINUTE), PRICES, 35_400, oi=75)
    assert tape.bars[CALL] == (BAR, later)


def test_file_of_whole_rupees_may_hold_a_fraction_at_last(tmp_path: Path) -> None:
    start = datetime(2021, 6, 11, 9, 15, tzinfo=IST)
    stamps = [(start + timedelta(minutes=n)).isoformat() for n in range(300)]
    rows = [
        f"{stamp},{CALL},60,{60.5 if n == 299 else 60},60,60,75" for n, stamp in enumerate(stamps)
    ]
    file = tmp_path / "tape.csv"
    file.write_text("\n".join(["ts,symbol,open,high,low,close,volume", *rows]))
    assert [bar.high for bar in read(file).bars[CALL]][-2:] == [6000, 6050]


def test_instants_without_a_zone_are_ist(tmp_path: Path) -> None:
    naive = datetime(2021, 6, 11, 9, 15)  # noqa: DTZ001 - it is the case
    file = tmp_path / "tape.csv"
    pl.DataFrame(
        [a_row(ts=naive.isoformat()), a_row(symbol="NIFTY", ts=naive.isoformat())]
    ).write_csv(file)
    assert read(file).bars[CALL] == (BAR,)


REFUSED = {
    "off tick": ({"high": 231.52}, "row 2: high 231.52 is not a multiple of tick size 0.05"),
    "high below close": (
        {"high": 230.0}, f"row 2: {CALL}: open and close do not lie between low and high",
    ),
    "low above open": (
        {"low": 215.7}, f"row 2: {CALL}: open and close do not lie between low and high",
    ),
    "price of nothing": ({"low": 0.0}, "row 2: low 0.0 is no price above 0"),
    "no price": ({"open": None}, "row 2: open None is no price above 0"),
    "not a number": ({"open": float("nan")}, "row 2: open nan is no price above 0"),
    "endless": ({"high": float("inf")}, "row 2: high inf is no price above 0"),
    "beyond counting": ({"volume": 1e300}, "row 2: volume 1e+300 is no whole number from 0 up"),
    "negative volume": ({"volume": -75}, "row 2: volume -75 is no whole number from 0 up"),
    "half a minute": (
        {"ts": datetime(2021, 6, 11, 9, 15, 30, tzinfo=IST)}, "is not the start of a minute",
    ),
    "no symbol": ({"symbol": ""}, "row 2: symbol '' is no name"),
    "twice": ({"symbol": "NIFTY"}, "row 2: NIFTY has this minute twice"),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "text"), REFUSED.values(), ids=REFUSED.keys())
def test_bad_bar_refuses_the_file_with_row_and_reason(
    tmp_path: Path, changes: dict[str, Any], text: str
) -> None:
    file = a_file(tmp_path, a_row(**changes))
    with pytest.raises(ConfigError) as refusal:
        read(file)
    assert str(refusal.value).startswith(f"sandbox.tape.file: {file}: ")
    assert text in str(refusal.value)


@pytest.mark.parametrize(
    ("column", "value", "text"),
    [
        ("close", "abc", "row 2: close 'abc' is no price above 0"),
        ("close", "nan", "row 2: close 'nan' is no price above 0"),
        ("volume", "7x", "row 2: volume '7x' is no whole number from 0 up"),
        ("volume", "inf", "row 2: volume inf is no whole number from 0 up"),
    ],
)
def test_one_bad_value_of_a_text_file_is_found_in_its_row(
    tmp_path: Path, column: str, value: str, text: str
) -> None:
    rows = [a_row(symbol="NIFTY", ts="2021-06-11T09:15:00+05:30"), a_row(ts="2021-06-11T09:15")]
    texts = [{**{name: str(v) for name, v in row.items()}, "oi": "0"} for row in rows]
    texts[1][column] = value
    file = tmp_path / "tape.csv"
    pl.DataFrame(texts).write_csv(file)
    with pytest.raises(ConfigError) as refusal:
        read(file)
    assert text in str(refusal.value)


def test_bad_instant_in_a_text_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "tape.csv"
    pl.DataFrame([a_row(ts="yesterday")]).write_csv(file)
    with pytest.raises(ConfigError, match="row 1: ts 'yesterday' is no instant"):
        read(file)


def test_missing_columns_are_named(tmp_path: Path) -> None:
    file = tmp_path / "tape.parquet"
    pl.DataFrame({"ts": [], "symbol": [], "price": []}).write_parquet(file)
    with pytest.raises(ConfigError, match="columns open, high, low, close, volume are missing"):
        read(file)


def test_two_days_are_no_tape(tmp_path: Path) -> None:
    second = datetime(2021, 6, 14, 9, 15, tzinfo=IST)
    with pytest.raises(ConfigError, match="holds 2 days"):
        read(a_file(tmp_path, a_row(ts=second)))


def test_empty_file_is_no_tape(tmp_path: Path) -> None:
    file = tmp_path / "tape.csv"
    file.write_text("ts,symbol,open,high,low,close,volume\n")
    with pytest.raises(ConfigError, match="holds no bars; name a recorded day"):
        read(file)


def test_unreadable_missing_and_foreign_files_are_refused(tmp_path: Path) -> None:
    corrupt = tmp_path / "tape.parquet"
    corrupt.write_bytes(b"PAR1 this is no parquet")
    cases = {
        corrupt: "cannot be read",
        tmp_path / "nothing.csv": "no such file",
        tmp_path / "tape.xlsx": "is neither .parquet nor .csv",
    }
    for file, text in cases.items():
        with pytest.raises(ConfigError, match=text):
            read(file)


def play(tape: Tape) -> tuple[Exchange, Truth]:
    truth = Truth()
    return Exchange(Setup(SandboxParams(), tape), rules(), truth), truth


def test_options_without_their_underlying_cannot_be_played(tmp_path: Path) -> None:
    tape = read(a_file(tmp_path, a_row()))
    with pytest.raises(ConfigError, match="its underlying NIFTY is not"):
        play(Tape(tape.day, {CALL: tape.bars[CALL]}))


def test_bar_outside_the_session_of_its_date_cannot_be_played() -> None:
    late = a_tape_bar(at("15:30", DAY), PRICES, 0)
    with pytest.raises(ConfigError, match=r"has a bar at 15:30:00 on 2021-06-11, outside 09:15:00"):
        play(Tape(DAY, {NIFTY: (late,)}))


def test_symbol_that_only_looks_like_an_option_cannot_be_played() -> None:
    with pytest.raises(ConfigError, match="NIFTY31FEB2624000CE"):
        play(Tape(DAY, {Symbol("NIFTY31FEB2624000CE"): (BAR,), NIFTY: (BAR,)}))


def test_day_of_the_session_is_the_tapes_and_its_quotes_are_marked_made_up(tmp_path: Path) -> None:
    exchange, truth = play(read(a_file(tmp_path, a_row())))
    assert exchange.day == DAY
    assert truth.rows[0].payload == Started(
        day=DAY, source="tape", random_seed=SandboxParams().seed, regime="", made_up=True
    )


@pytest.mark.needs_shared(REAL)
def test_recorded_day_comes_back_bar_for_bar() -> None:
    """11 Jun 2021: 12 options and the index, lot 75, weekly expiry on Thursday 17 June."""
    tape = read(shared_path(REAL))
    exchange, _ = play(tape)
    assert exchange.day == DAY
    assert exchange.expiries("NIFTY", "NFO", "options") == ("2021-06-17",)
    options = [line for line in exchange.instruments() if line.kind in {"CE", "PE"}]
    assert len(options) == 12
    assert {line.lot for line in options} == {75}
    exchange.watch([NIFTY])
    assert len(exchange.advance(at("15:30", DAY))) == 375 * 60
    for symbol, bars in tape.bars.items():
        assert len(bars) == 375
        assert exchange.history(at("15:30", DAY), symbol, DAY, DAY) == tuple(
            BarLine(
                minute=bar.minute, open=bar.open, high=bar.high, low=bar.low, close=bar.close,
                volume=bar.volume, oi=bar.oi,
            )
            for bar in bars
        )  # fmt: skip


@pytest.mark.needs_shared("data/banknifty_1m_2025-12-15.parquet")
def test_recorded_day_of_another_index_has_its_own_lot() -> None:
    exchange, _ = play(read(shared_path("data/banknifty_1m_2025-12-15.parquet")))
    assert {line.lot for line in exchange.instruments() if line.strike} == {35}
    assert exchange.expiries("BANKNIFTY", "NFO", "options") == ("2025-12-30",)
