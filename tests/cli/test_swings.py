import io
import json
from pathlib import Path
from typing import Any

import pytest

from cli.swings import swings
from domain.errors import ConfigError
from tests.domain.test_swings import V1, V2

HEAD = "open,high,low,close,volume"


def printed(tmp_path: Path, text: str) -> list[dict[str, Any]]:
    file, out = tmp_path / "bars.csv", io.StringIO()
    file.write_text(text, encoding="utf-8")
    assert swings(file, out) == 0
    return [json.loads(line) for line in out.getvalue().splitlines()]


def rows(vector: list[Any], volume: int = 65) -> str:
    return "\n".join([HEAD, *(",".join(map(str, [*row, volume])) for row in vector)])


def test_every_swing_is_a_line_of_json(tmp_path: Path) -> None:
    """VWAP of equal volumes is the mean of the typical prices: 129.7778 after bar 1 of V1."""
    first, *rest = printed(tmp_path, rows(V1))
    assert first == {
        "bar": 3,
        "type": "Low",
        "price_paise": 12_700,
        "swing_bar": 1,
        "vwap_paise": 12_975,
    }
    assert [(line["bar"], line["type"], line["swing_bar"]) for line in rest] == [
        (6, "High", 4),
        (11, "Low", 9),
    ]


def test_breaks_are_not_swings(tmp_path: Path) -> None:
    assert [line["type"] for line in printed(tmp_path, rows(V2))] == ["Low", "Low Update"]


def test_vwap_is_weighed_by_volume_and_rounded_half_up(tmp_path: Path) -> None:
    """Typical prices 100 with volume 1000 and 101 with 500: 100.3333."""
    lows = [
        "100,102,98,100,1000",
        "100,104,97,102,500",
        "103,105,103,104.5,1",
        "104,106,104,105.5,1",
    ]
    found = printed(tmp_path, "\n".join([HEAD, *lows]))
    assert found[0]["swing_bar"] == 1
    assert found[0]["vwap_paise"] == 10_033


def test_half_a_paisa_is_printed_as_one_more(tmp_path: Path) -> None:
    """Typical prices of 304 / 3 and 299 / 3 paise: their mean is 100.5."""
    bars = ["1.01,1.02,1.01,1.01,1", "1.01,1.01,0.99,0.99,1"]
    votes = ["1.00,1.03,1.00,1.02,1", "1.02,1.04,1.02,1.03,1"]
    (found,) = printed(tmp_path, "\n".join([HEAD, *bars, *votes]))
    assert (found["price_paise"], found["vwap_paise"]) == (99, 101)


def test_names_may_stand_in_any_order_with_others_beside_them(tmp_path: Path) -> None:
    text = "time, volume ,close,low,high,open\n" + "\n".join(
        f"09:{15 + i},65,{c},{low},{h},{o}" for i, (o, h, low, c) in enumerate(V1)
    )
    assert [line["bar"] for line in printed(tmp_path, "\ufeff" + text)] == [3, 6, 11]


def test_file_of_names_only_has_no_swings(tmp_path: Path) -> None:
    assert printed(tmp_path, HEAD + "\n") == []


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "column open, high, low, close, volume is missing"),
        ("open,high,low,close\n1,1,1,1", "column volume is missing"),
        (f"{HEAD}\n1,2,1,x,1", "row 2: close 'x' is not a number"),
        (f"{HEAD}\n1,2,1,1,1\n1,2,,1,1", "row 3: low '' is not a number"),
        (f"{HEAD}\n1,2,1\n", "row 2: close '' is not a number"),
        (f"{HEAD}\n1,nan,1,1,1", "row 2: high 'nan' is not a number"),
        (f"{HEAD}\n1,inf,1,1,1", "row 2: high 'inf' is not a number"),
        (f"{HEAD}\n1,1,2,1,1", "row 2: high 1 is below low 2"),
        (f"{HEAD}\n3,2,1,1,1", "row 2: open and close must lie between"),
        (f"{HEAD}\n1,2,1,3,1", "row 2: open and close must lie between"),
        (f"{HEAD}\n1.005,2,1,1,1", "row 2: open 1.005 is no price in whole paise"),
        (f"{HEAD}\n0,2,0,1,1", "row 2: open 0 is no price in whole paise above 0"),
        (f"{HEAD}\n1,2,1,1,-1", "row 2: volume -1 is no whole number"),
        (f"{HEAD}\n1,2,1,1,1.5", "row 2: volume 1.5 is no whole number"),
        (f'{HEAD}\n1,2,1,1,"1\n', "cannot be read"),
    ],
)
def test_bad_row_is_named_and_nothing_is_printed(tmp_path: Path, text: str, complaint: str) -> None:
    file, out = tmp_path / "bars.csv", io.StringIO()
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        swings(file, out)
    assert complaint in str(caught.value)
    assert len(caught.value.problems) == 1
    assert out.getvalue() == ""


def test_file_that_is_not_there_or_is_no_text_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.csv cannot be read"):
        swings(tmp_path / "nowhere.csv", io.StringIO())
    binary = tmp_path / "bars.csv"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match=r"bars\.csv cannot be read"):
        swings(binary, io.StringIO())
