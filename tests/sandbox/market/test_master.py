"""Which contracts exist on a day."""

import pytest

from domain.symbols import BadSymbol
from domain.units import Day, Symbol
from sandbox.market.master import monthly, recorded, synthetic
from sandbox.params import MarketParams
from tests.sandbox.pit import CALL, DAY, rules

NIFTY = Symbol("NIFTY")


def test_two_weeklies_the_near_future_and_two_indices() -> None:
    """Tuesday 2026-11-24 is a holiday, so that week's contract expires on Monday."""
    found = synthetic(MarketParams(strikes=20), rules(), DAY)
    options = [line for line in found.values() if line.kind in {"CE", "PE"}]
    assert {line.expiry for line in options} == {"2026-11-23", "2026-12-01"}
    assert len(options) == 2 * 2 * 41
    assert {line.strike for line in options} == {s * 100 for s in range(25_000, 27_001, 50)}
    assert [line.symbol for line in found.values() if line.kind == "INDEX"] == ["NIFTY", "INDIAVIX"]
    assert [line.symbol for line in found.values() if line.kind == "FUT"] == ["NIFTY23NOV26FUT"]


def test_contract_carries_lot_tick_and_freeze_of_the_rules() -> None:
    found = synthetic(MarketParams(), rules(), DAY)
    line = found[CALL]
    assert (line.exchange, line.name, line.lot, line.tick, line.freeze) == (
        "NFO", "NIFTY", 65, 5, 1_800,
    )  # fmt: skip
    assert (found[NIFTY].exchange, found[NIFTY].lot, found[NIFTY].freeze) == (
        "NSE_INDEX", 1, 1,
    )  # fmt: skip
    assert len({line.token for line in found.values()}) == len(found)


def test_strikes_lie_around_the_rounded_spot() -> None:
    found = synthetic(MarketParams(spot_p=2_502_400, strikes=1), rules(), DAY)
    strikes = {line.strike for line in found.values() if line.strike}
    assert strikes == {2_495_000, 2_500_000, 2_505_000}


def test_lot_of_a_recorded_contract_is_that_of_its_expiry() -> None:
    """75 in June 2021 and August 2025 (data)."""
    names = (NIFTY, Symbol("NIFTY17JUN2115600CE"))
    found = recorded(names, rules(), Day("2021-06-11"))
    assert list(found) == ["NIFTY", "NIFTY17JUN2115600CE"]
    assert (found[names[1]].lot, found[names[1]].expiry) == (75, "2021-06-17")


def test_name_that_ends_like_an_option_and_is_none_is_refused() -> None:
    with pytest.raises(BadSymbol):
        recorded(("NIFTY31FEB2624000CE",), rules(), DAY)


def test_monthly_contract_is_the_last_of_its_month() -> None:
    assert monthly(rules(), "NIFTY", DAY) == "2026-11-23"
    assert monthly(rules(), "NIFTY", Day("2026-11-25")) == "2026-12-29"
