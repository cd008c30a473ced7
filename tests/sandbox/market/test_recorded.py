"""Bars expanded to ticks: taken together again they are the bars."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.units import MINUTE, SECOND, Day, Micros, Paise, Symbol, Units
from sandbox.facts import facts
from sandbox.kinds import BarLine
from sandbox.market.build import recorded
from sandbox.market.market import Market
from sandbox.market.recorded import Tape, TapeBar, index_seconds, instants, path, split
from sandbox.params import MarketParams, SandboxParams, TapeParams
from tests.sandbox.market.chain import a_tape_bar
from tests.sandbox.pit import at, rules

DAY = Day("2021-06-11")
NIFTY = Symbol("NIFTY")
CALL = Symbol("NIFTY17JUN2115600CE")
PUT = Symbol("NIFTY17JUN2115600PE")
OPEN = at("09:15", DAY)


@st.composite
def bars(draw: st.DrawFn, lot: int = 75) -> TapeBar:
    low = draw(st.integers(1, 5_000))
    high = low + draw(st.integers(0, 300))
    opened, close = draw(st.integers(low, high)), draw(st.integers(low, high))
    volume = draw(st.integers(0, 900)) * lot + draw(st.integers(0, lot - 1))
    minute = Micros(OPEN + draw(st.integers(0, 300)) * MINUTE)
    prices = (Paise(price * 5) for price in (opened, high, low, close))
    return a_bar(minute, *prices, volume=volume)


def a_bar(
    minute: Micros = OPEN, opened: int = 10_000, high: int = 10_100, low: int = 9_900,
    close: int = 10_050, *, volume: int = 7_500, oi: int = 0,
) -> TapeBar:  # fmt: skip
    return a_tape_bar(minute, (opened, high, low, close), volume, oi)


def a_market(
    *lines: tuple[Symbol, TapeBar], ticks_per_bar: int = 30, random_seed: int = 1,
    cross: bool = False,
) -> Market:  # fmt: skip
    held: dict[Symbol, tuple[TapeBar, ...]] = {NIFTY: (a_bar(volume=0),)}
    for symbol, bar in lines:
        held[symbol] = (*held.get(symbol, ()), bar) if symbol != NIFTY else (bar,)
    way = TapeParams(ticks_per_bar=ticks_per_bar, path="cross" if cross else "plain")
    params = SandboxParams(seed=random_seed, tape=way, market=MarketParams())
    return recorded(params, rules(), facts(rules(), "sandbox", DAY), Tape(DAY, held))


@given(bar=bars(), ticks_per_bar=st.sampled_from((4, 5, 16, 30, 60)), seed=st.integers(0, 99))
def test_ticks_taken_together_are_the_bar_in_every_field(
    bar: TapeBar, ticks_per_bar: int, seed: int
) -> None:
    market = a_market((CALL, bar), ticks_per_bar=ticks_per_bar, random_seed=seed)
    line = market.lines[CALL]
    outs = line.reach((bar.minute - OPEN) // MINUTE)
    prices = [out.ltp for out in outs]
    assert (prices[0], max(prices), min(prices), prices[-1]) == (
        bar.open, bar.high, bar.low, bar.close,
    )  # fmt: skip
    assert sum(out.last_quantity for out in outs) == bar.volume == outs[-1].volume
    assert all(price % 5 == 0 for price in prices)
    assert line.bars(Micros(bar.minute + MINUTE)) == (
        BarLine(
            minute=bar.minute, open=bar.open, high=bar.high, low=bar.low, close=bar.close,
            volume=bar.volume, oi=bar.oi,
        ),
    )  # fmt: skip


@given(bar=bars(), seed=st.integers(0, 99))
def test_ticks_of_a_contract_are_never_more_than_4_seconds_apart(bar: TapeBar, seed: int) -> None:
    outs = a_market((CALL, bar), random_seed=seed).lines[CALL].reach((bar.minute - OPEN) // MINUTE)
    assert outs[0].at == bar.minute
    assert outs[-1].at == bar.minute + 59_500_000
    assert all(0 < b.at - a.at <= 4 * SECOND for a, b in pairwise(outs))


def test_underlying_gets_one_tick_a_second() -> None:
    outs = a_market().lines[NIFTY].reach(0)
    seconds = [(out.at - OPEN) / SECOND for out in outs]
    assert seconds == index_seconds() == [*range(59), 59.5]
    assert (outs[0].ltp, outs[-1].ltp) == (10_000, 10_050)
    assert all((out.bid, out.ask, out.volume) == (0, 0, 0) for out in outs)


def extremes(market: Market, symbol: Symbol) -> str:
    prices = [out.ltp for out in market.lines[symbol].reach(0)]
    return "low first" if prices.index(min(prices)) < prices.index(max(prices)) else "high first"


def test_rising_minute_goes_down_first_and_falling_one_up() -> None:
    assert extremes(a_market((CALL, a_bar())), CALL) == "low first"
    assert extremes(a_market((CALL, a_bar(close=9_950))), CALL) == "high first"


def test_crossed_put_goes_the_other_way_round_than_its_underlying() -> None:
    rising = (NIFTY, a_bar(volume=0))
    for close in (10_050, 9_950):
        put = (PUT, a_bar(close=close))
        assert extremes(a_market(rising, put, cross=True), PUT) == "high first"
    falling = (NIFTY, a_bar(close=9_950, volume=0))
    assert extremes(a_market(falling, (PUT, a_bar(close=9_950)), cross=True), PUT) == "low first"
    assert extremes(a_market(falling, (CALL, a_bar()), cross=True), CALL) == "low first"


def test_quotes_are_made_up_around_each_price_by_the_spread_rule() -> None:
    for out in a_market((CALL, a_bar())).lines[CALL].reach(0):
        half = max(5, out.ltp * 0.002)
        assert out.bid <= out.ltp - half < out.bid + 5
        assert out.ask - 5 < out.ltp + half <= out.ask


def test_minute_that_is_not_on_the_tape_sends_nothing() -> None:
    later = a_bar(Micros(OPEN + 2 * MINUTE))
    market = a_market((CALL, a_bar()), (CALL, later))
    line = market.lines[CALL]
    assert len(line.reach(0)) == 30
    assert line.reach(1) == []
    assert line.theory(Micros(OPEN + MINUTE)) == 10_050
    assert len(line.reach(2)) == 30
    assert [bar.minute for bar in line.bars(at("15:30", DAY))] == [OPEN, later.minute]


def test_same_seed_gives_the_same_ticks_and_another_other_ones() -> None:
    ticks = [a_market((CALL, a_bar()), random_seed=n).lines[CALL].reach(0) for n in (1, 1, 2)]
    assert ticks[0] == ticks[1] != ticks[2]


def test_first_tick_of_a_bar_is_a_trade_if_anything_was_traded() -> None:
    words = [n * 12_345_678_901 for n in range(30)]
    assert split(Units(75), 75, words)[0] == 75
    assert split(Units(40), 75, words)[0] == 40
    assert sum(split(Units(75 * 7 + 1), 75, words)) == 526
    assert split(Units(0), 75, words) == [0] * 30


def test_four_ticks_are_enough_for_any_path() -> None:
    bar = a_bar()
    assert path(bar, [7, 9, 11, 13], rises=True) == [10_000, 9_900, 10_100, 10_050]
    assert path(bar, [7, 9, 11, 13], rises=False) == [10_000, 10_100, 9_900, 10_050]
    assert instants([7, 9, 11, 13])[-1] == 59.5


@pytest.mark.parametrize("count", [16, 30, 60, 600])
def test_instants_ascend_whatever_is_drawn(count: int) -> None:
    for word in (0, 2**64 - 1):
        drawn = instants([word] * count)
        assert all(a < b for a, b in pairwise(drawn))
        assert max(b - a for a, b in pairwise(drawn)) <= 4.0
