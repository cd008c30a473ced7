"""`swings --bars FILE.csv`: read one-minute bars from a file and print the swings they make.

The file has no times: its rows are one day's bars, in order. VWAP comes from their own volume.
"""

import csv
import json
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TextIO

from msgspec.structs import replace

from domain.errors import ConfigError
from domain.market import Bar
from domain.swings import SwingDetector, SwingEvent, SwingKind
from domain.units import Micros, Paise, Symbol, Units, divide_half_up
from domain.vwap import SessionVwap

COLUMNS = ("open", "high", "low", "close", "volume")
REMEDY = f"bars are rows of {','.join(COLUMNS)}, prices in rupees, with these names in row 1"

Row = Mapping[str | None, str | None]


def swings(path: Path, out: TextIO) -> int:
    """Print one JSON object a line for each swing made or moved; return the exit code 0.

    `bar` is the index of the bar that confirmed it, `swing_bar` that of its extreme. Raises
    ConfigError naming file, row and value, before anything is printed.
    """
    detector = SwingDetector()
    for index, bar in enumerate(_bars(path)):
        for event in detector.step(bar):
            if event.kind is not SwingKind.BROKEN:
                out.write(json.dumps(_line(index, event)) + "\n")
    return 0


def _line(index: int, event: SwingEvent) -> dict[str, int | str]:
    return {
        "bar": index,
        "type": event.kind.value,
        "price_paise": event.price,
        "swing_bar": event.index,
        "vwap_paise": divide_half_up(event.vwap_num, event.vwap_den),
    }


def _bars(path: Path) -> list[Bar]:
    vwap = SessionVwap()
    bars: list[Bar] = []
    for number, row in _rows(path):
        bar = _bar(f"{path} row {number}", len(bars), row)
        num, den = vwap.after(bar)
        bars.append(replace(bar, vwap_num=num, vwap_den=den))
    return bars


def _rows(path: Path) -> Iterator[tuple[int, Row]]:
    """Yield each row with its number in the file, the names being row 1."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            names = [name.strip() for name in reader.fieldnames or ()]
            missing = [column for column in COLUMNS if column not in names]
            if missing:
                raise ConfigError(f"{path}: column {', '.join(missing)} is missing; {REMEDY}")
            reader.fieldnames = names
            for row in reader:
                yield reader.line_num, row
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror}); check the path") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{path} cannot be read: {error}; {REMEDY}") from error


def _bar(where: str, index: int, row: Row) -> Bar:
    op, high, low, close = (_paise(where, name, row) for name in COLUMNS[:4])
    if high < low:
        raise ConfigError(f"{where}: high {row['high']} is below low {row['low']}")
    if not (low <= op <= high and low <= close <= high):
        raise ConfigError(f"{where}: open and close must lie between low and high")
    return Bar(
        # Any instants of one day do, as long as they ascend.
        symbol=Symbol("file"),
        minute=Micros(index),
        open=op,
        high=high,
        low=low,
        close=close,
        volume=_units(where, row),
    )


def _paise(where: str, name: str, row: Row) -> Paise:
    hundredths = _number(where, name, row) * 100
    if hundredths != int(hundredths) or hundredths <= 0:
        raise ConfigError(f"{where}: {name} {row[name]} is no price in whole paise above 0")
    return Paise(int(hundredths))


def _units(where: str, row: Row) -> Units:
    volume = _number(where, "volume", row)
    if volume != int(volume) or volume < 0:
        raise ConfigError(f"{where}: volume {row['volume']} is no whole number from 0 on")
    return Units(int(volume))


def _number(where: str, name: str, row: Row) -> Decimal:
    text = row[name] or ""
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise ConfigError(f"{where}: {name} {text!r} is not a number; {REMEDY}")
    return number
