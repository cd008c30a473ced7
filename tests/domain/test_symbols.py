from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.contracts import Side
from domain.symbols import (
    BadSymbol,
    OptionSymbol,
    atm,
    build,
    compact,
    expiry_day,
    is_option,
    parse,
    strikes,
)
from domain.units import Day, Paise, Symbol
from tests.trading import dashed

NAMES = st.from_regex(r"[A-Z0-9&-]{1,20}", fullmatch=True)
DAYS = st.dates(date(2000, 1, 1), date(2099, 12, 31)).map(lambda d: Day(d.isoformat()))
STRIKES = st.integers(1, 99_999_999_999).map(Paise)


def an_option(
    name: str = "NIFTY",
    expiry: str = "2026-11-24",
    strike: int = 2_600_000,
    side: Side = Side.CE,
) -> OptionSymbol:
    return OptionSymbol(name=name, expiry=Day(expiry), strike=Paise(strike), side=side)


@pytest.mark.parametrize(
    ("text", "option"),
    [
        ("NIFTY30DEC2526000CE", an_option(expiry="2025-12-30")),
        ("NIFTYNXT5024NOV2675000PE", an_option("NIFTYNXT50", strike=7_500_000, side=Side.PE)),
        ("RELIANCE24NOV261400PE", an_option("RELIANCE", strike=140_000, side=Side.PE)),
        ("TITAN24NOV26292.5CE", an_option("TITAN", strike=29_250)),
        ("M&M24NOV263000CE", an_option("M&M", strike=300_000)),
        ("BAJAJ-AUTO24NOV269000.05PE", an_option("BAJAJ-AUTO", strike=900_005, side=Side.PE)),
        ("NIFTY29FEB2824000CE", an_option(expiry="2028-02-29", strike=2_400_000)),
        ("NIFTY24NOV2624NOV2626000CE", an_option("NIFTY24NOV26")),
    ],
)
def test_symbol_is_read_from_the_right_and_spelled_back(text: str, option: OptionSymbol) -> None:
    assert parse(text) == option
    assert option.symbol == text


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("NIFTY31FEB2624000CE", "not a date of the calendar"),
        ("NIFTY29FEB2724000CE", "not a date of the calendar"),
        ("NIFTY24NOX2624000CE", "names no month"),
        ("NIFTY24NOV26FUT", "does not end in CE or PE"),
        ("NIFTY", "does not end in CE or PE"),
        ("", "does not end in CE or PE"),
        ("NIFTY24NOV2624000ce", "does not end in CE or PE"),
        ("nifty24NOV2624000CE", "name 'nifty'"),
        ("24NOV2624000CE", "name ''"),
        ("NIFTY 24NOV2624000CE", "name 'NIFTY '"),
        ("NIFTY24NOV26CE", "no expiry"),
        ("NIFTY24nov2624000CE", "no expiry"),
        ("RELIANCE", "no expiry"),
        ("NIFTY24NOV26024000CE", "strike '024000'"),
        ("NIFTY24NOV260CE", "strike '0'"),
        ("TITAN24NOV26292.50CE", "strike '292.50'"),
        ("TITAN24NOV26292.555CE", "no expiry"),
        ("NIFTY24NOV26" + "9" * 5000 + "CE", "no expiry"),
        ("NIFTY24NOV2624000CE\n", "does not end in CE or PE"),
        ("NIFTY\u0662\u0664NOV2624000CE", "no expiry"),
    ],
)
def test_text_that_is_no_symbol_is_refused_with_the_rule_it_breaks(text: str, rule: str) -> None:
    with pytest.raises(BadSymbol, match=rule):
        parse(text)


@given(NAMES, DAYS, STRIKES, st.sampled_from(Side))
def test_format_undoes_parse(name: str, expiry: Day, strike: Paise, side: Side) -> None:
    option = OptionSymbol(name=name, expiry=expiry, strike=strike, side=side)
    assert parse(option.symbol) == option


@given(st.text(alphabet="ANIFTY0246.&-CEPNOV", max_size=30))
def test_whatever_parses_is_spelled_in_one_way_only(text: str) -> None:
    try:
        option = parse(text)
    except BadSymbol:
        return
    assert option.symbol == text


@pytest.mark.parametrize(
    ("name", "expiry", "strike", "rule"),
    [
        ("nifty", "2026-11-24", 2_600_000, "name 'nifty'"),
        ("NIFTY", "2026-11-31", 2_600_000, "not a date"),
        ("NIFTY", "1999-11-24", 2_600_000, "20xx"),
        ("NIFTY", "2026-11-24", 0, "above 0"),
    ],
)
def test_what_has_no_spelling_is_not_spelled(
    name: str, expiry: str, strike: int, rule: str
) -> None:
    with pytest.raises(BadSymbol, match=rule):
        build(name, Day(expiry), Paise(strike), Side.CE)


def test_expiry_has_two_spellings() -> None:
    assert compact(Day("2026-11-04")) == "04NOV26"
    assert expiry_day("04NOV26") == expiry_day("04-NOV-26") == Day("2026-11-04")


@given(DAYS)
def test_expiry_survives_both_spellings(day: Day) -> None:
    assert expiry_day(compact(day)) == expiry_day(dashed(day)) == day


@pytest.mark.parametrize("text", ["24-NOV26", "24NOV-26", "2026-11-24", "24-Nov-26", "4NOV26", ""])
def test_other_spellings_of_an_expiry_are_refused(text: str) -> None:
    with pytest.raises(BadSymbol, match="not an expiry"):
        expiry_day(text)


@pytest.mark.incident("INC-35")
@pytest.mark.parametrize(
    ("spot", "strike"),
    [
        (2_424_800, 2_420_000),
        (2_424_995, 2_420_000),
        (2_425_000, 2_430_000),
        (2_427_500, 2_430_000),
        (2_435_000, 2_440_000),
        (4_995, 0),
        (5_000, 10_000),
        (12_345_005_000, 12_345_010_000),
    ],
)
def test_atm_tie_follows_the_rule_at_any_level(spot: int, strike: int) -> None:
    assert atm(Paise(spot), round_points=100) == strike


@given(st.integers(0, 10**9), st.integers(1, 1000))
def test_atm_is_the_nearest_multiple_and_ties_go_up(spot: int, points: int) -> None:
    found = atm(Paise(spot), points)
    step = points * 100
    assert found % step == 0
    assert -step < 2 * (found - spot) <= step


def test_forty_one_strikes_stand_around_the_money() -> None:
    around = strikes(Paise(2_600_000), width_points=1000, step_points=50)
    assert len(around) == 41
    assert around[:2] == (2_500_000, 2_505_000)
    assert around[20] == 2_600_000
    assert around[-1] == 2_700_000


def test_width_that_is_no_multiple_of_the_step_is_cut_on_both_sides() -> None:
    assert strikes(Paise(10_000), width_points=70, step_points=50) == (5_000, 10_000, 15_000)


def test_no_strike_is_zero_or_below() -> None:
    assert strikes(Paise(10_000), width_points=200, step_points=50) == (
        5_000,
        10_000,
        15_000,
        20_000,
        25_000,
        30_000,
    )


def test_symbols_of_the_whole_universe_are_distinct() -> None:
    around = strikes(Paise(2_600_000), width_points=1000, step_points=50)
    expiry = Day("2026-11-23")
    symbols = {build("NIFTY", expiry, strike, side) for strike in around for side in Side}
    assert len(symbols) == 82
    assert Symbol("NIFTY23NOV2626000CE") in symbols


def test_only_what_is_spelled_so_is_an_option() -> None:
    assert is_option("NIFTY24NOV2626000CE")
    assert not is_option("RELIANCE")
