import shutil
from datetime import date, timedelta
from pathlib import Path

import pytest

from config.pack import FILES, RULES, load
from domain.errors import ConfigError, RuleError
from domain.rules.keys import KEYS
from domain.units import Day

PACK = load()
ROWS = [(key, n) for key in sorted(PACK.rows) for n in range(1, len(PACK.rows[key]))]


def value_on(key: str, day: str, plus: int = 0) -> object:
    return PACK.row(key, Day((date.fromisoformat(day) + timedelta(days=plus)).isoformat())).value


@pytest.mark.parametrize(("key", "n"), ROWS, ids=[f"{k}-{PACK.rows[k][n].since}" for k, n in ROWS])
def test_row_begins_on_its_day_and_not_the_day_before(key: str, n: int) -> None:
    before, row = PACK.rows[key][n - 1 : n + 1]
    assert value_on(key, row.since, -1) == before.value
    assert value_on(key, row.since) == value_on(key, row.since, +1) == row.value


@pytest.mark.incident("INC-122")
@pytest.mark.parametrize(
    ("key", "day", "before", "after"),
    [
        ("lot.NIFTY", "2021-08-01", 75, 50),
        ("lot.NIFTY", "2024-04-26", 50, 25),
        ("lot.NIFTY", "2025-01-02", 25, 75),
        ("lot.NIFTY", "2026-01-06", 75, 65),
        ("lot.BANKNIFTY", "2025-07-31", None, 35),
        ("lot.BANKNIFTY", "2026-01-27", 35, 30),
        ("lot.FINNIFTY", "2026-01-27", 65, 60),
        ("lot.MIDCPNIFTY", "2026-01-27", 140, 120),
        ("lot.NIFTYNXT50", "2026-01-27", 25, 25),
        ("lot.SENSEX", "2026-01-01", None, 20),
        ("freeze.NIFTY", "2026-02-01", 1800, 1800),
        ("freeze.BANKNIFTY", "2025-12-01", 900, 600),
        ("freeze.FINNIFTY", "2026-02-01", 1200, 1800),
        ("freeze.MIDCPNIFTY", "2026-02-01", 2800, 2800),
        ("freeze.NIFTYNXT50", "2026-02-01", 600, 600),
        ("freeze.SENSEX", "2026-02-01", 1000, 1000),
        ("expiry_weekday.NIFTY", "2025-09-01", "thu", "tue"),
        ("expiry_weekday.SENSEX", "2025-09-01", None, "thu"),
        ("weekly.BANKNIFTY", "2024-11-20", None, False),
        ("weekly.SENSEX", "2024-11-20", None, True),
        ("hours.fno", "2026-08-03", "09:15-15:30", "09:15-15:40"),
        ("sl_m.NFO", "2021-09-27", "allow", "refuse"),
        ("sl_m.BFO", "2023-10-09", "allow", "refuse"),
        ("lpp.flat_up_to_p", "2022-10-31", None, 5000),
        ("lpp.flat_p", "2022-10-31", None, 2000),
        ("lpp.band_bps", "2022-10-31", None, 4000),
        ("market_orders.zerodha", "2026-04-01", "allow", "protect"),
        ("market_orders.angel", "2026-04-01", "allow", "refuse"),
        ("market_orders.dhan", "2026-04-01", "allow", "protect"),
        ("order_rate.per_second", "2026-04-01", None, 10),
        ("square_off.aliceblue", "2026-08-03", "15:15", "15:25"),
        ("charges.stt_sell_per_crore", "2026-04-01", 10_000, 15_000),
        ("charges.stt_sell_per_crore", "2024-10-01", 6250, 10_000),
        ("charges.transaction_per_crore_NFO", "2024-10-01", 5300, 3553),
        ("charges.transaction_per_crore_BFO", "2024-10-01", 5000, 3250),
        ("charges.stamp_buy_per_crore", "2020-07-01", None, 300),
    ],
)
def test_rule_changed_on_the_day_of_its_circular(
    key: str, day: str, before: object, after: object
) -> None:
    assert value_on(key, day, -1) == before
    assert value_on(key, day) == value_on(key, day, +1) == after


def test_every_required_rule_is_shipped() -> None:
    assert set(PACK.rows) <= set(KEYS)
    assert {name for name, key in KEYS.items() if key.required} <= set(PACK.rows)


def test_every_shipped_row_names_where_it_was_read() -> None:
    assert all(len(row.source) >= 3 for rows in PACK.rows.values() for row in rows)


def test_missing_file_is_named(tmp_path: Path) -> None:
    for name in FILES[1:]:
        shutil.copy(RULES / name, tmp_path)
    with pytest.raises(ConfigError, match=r"contracts.yaml: is missing"):
        load(tmp_path)


def test_fault_in_a_file_is_named_with_the_file(tmp_path: Path) -> None:
    for name in FILES:
        text = (RULES / name).read_text("utf-8")
        (tmp_path / name).write_text(text.replace("value: 65,", "value: 65.0,"), "utf-8")
    with pytest.raises(RuleError) as caught:
        load(tmp_path)
    told = "row from 2026-01-06: value 65.0 is not allowed"
    assert any(p.startswith(f"contracts.yaml: lot.NIFTY: {told}") for p in caught.value.problems)
