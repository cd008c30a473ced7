"""Crash, expiry and halt on the chain: what is quoted, printed and kept."""

import itertools
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from domain.units import SECOND, Day, Micros, Symbol, seconds
from sandbox.facts import facts
from sandbox.kinds import PriceOut
from sandbox.market import build
from sandbox.market.market import Market
from sandbox.market.pricing import moment, years_left
from sandbox.params import HaltParams, MarketParams, SandboxParams
from tests.sandbox.market.chain import a_market, updates
from tests.sandbox.pit import CALL, PUT, at, rules

NIFTY = Symbol("NIFTY")
FUTURE = Symbol("NIFTY23NOV26FUT")
VIX = Symbol("INDIAVIX")
FAR_PUT = Symbol("NIFTY23NOV2624600PE")
EXPIRY = Day("2026-11-23")
SHOCK = at("11:07")


@cache
def crash(symbol: Symbol, **changes: Any) -> list[PriceOut]:
    return updates(a_market(regime="crash", **changes), symbol, 385)


def an_expiry(**changes: Any) -> Market:
    market = replace(MarketParams(), regime="expiry", **changes)
    params = SandboxParams(date=EXPIRY, market=market)
    return build.synthetic(params, rules(), facts(rules(), params.broker, EXPIRY))


def halted(**changes: Any) -> Market:
    return a_market(regime="halt", **changes)


def width(out: PriceOut) -> float:
    return (out.ask - out.bid) / (out.ask + out.bid)


def test_spreads_of_a_crash_are_three_times_as_wide_from_the_shock_on() -> None:
    quoted = [out for out in crash(CALL) if out.bid and out.at < at("11:30")]
    before = [width(out) for out in quoted if out.at < SHOCK]
    after = [width(out) for out in quoted if out.at >= SHOCK and out.bid > 5_000]
    assert max(before) < 0.005
    assert min(after) > 0.006


def test_future_of_a_crash_is_as_much_wider() -> None:
    widths = {out.at >= SHOCK: out.ask - out.bid for out in crash(FUTURE)}
    assert widths[True] == pytest.approx(3 * widths[False], abs=15)


@pytest.mark.parametrize("symbol", [PUT, FAR_PUT])
def test_asks_of_puts_are_gone_for_4_seconds(symbol: Symbol) -> None:
    outs = crash(symbol)
    empty = [out for out in outs if not out.ask]
    since = outs.index(empty[0])
    back = outs[since + len(empty)]
    assert outs[since : since + len(empty)] == empty
    assert back.at - empty[0].at == 4 * SECOND
    assert back.ask > 0
    assert SHOCK <= empty[0].at < at("11:19")


@pytest.mark.slow
def test_prints_without_asks_are_at_the_bid() -> None:
    busy = crash(PUT, quotes_per_s=50, print_share_bp=10_000)
    prints = [out for out in busy if not out.ask and out.is_print]
    assert len(prints) > 20
    assert all(out.ltp == out.bid > 0 for out in prints)


def test_put_that_has_neither_side_prints_nothing() -> None:
    mild = replace(MarketParams().crash, shock_sigma_bp=1800, drop_bp=0, jumps_per_day=0)
    wide = {"quiet_max_s": 1, "half_spread_min_p": 1_000, "print_share_bp": 10_000}
    outs = crash(FAR_PUT, crash=mild, **wide)
    assert [out for out in outs if not out.bid and not out.ask]
    assert all(out.ltp > 0 for out in outs)
    assert all(out.ltp in {out.bid, out.ask} for out in outs if out.is_print)


def test_calls_and_other_days_keep_their_asks() -> None:
    assert all(out.ask for out in crash(CALL))
    assert all(out.ask for out in updates(a_market(), PUT, 385))


@pytest.mark.parametrize(("learn_min", "wall"), [(12, "11:19"), (0, "11:07")])
def test_volatility_index_doubles_in_a_crash(learn_min: int, wall: str) -> None:
    crashing = replace(MarketParams().crash, learn_min=learn_min)
    outs = crash(VIX, crash=crashing)
    before = next(out for out in reversed(outs) if out.at < SHOCK)
    after = next(out for out in outs if out.at >= at(wall))
    assert after.ltp > 2 * before.ltp


def test_premiums_of_a_crash_climb_no_faster_than_their_price_band() -> None:
    """Above 50.00 a cover 40 % over the mean of the last half minute is taken (LPP)."""
    line = a_market(regime="crash").lines[PUT]
    for step in range(0, 12 * 60, 5):
        now = Micros(SHOCK + seconds(step))
        assert line.at(now).ltp < line.reference(now) * 1.4


def test_parity_holds_within_the_quotes_of_a_crash() -> None:
    check_parity(a_market(regime="crash"))


def test_parity_holds_within_the_quotes_of_an_expiry() -> None:
    check_parity(an_expiry())


def check_parity(market: Market) -> None:
    """Compare call and put wherever both were quoted in the same second."""
    prices = {out.at // SECOND: out.ltp for out in updates(market, NIFTY, 385)}
    expiry_s, checked = at("15:30", EXPIRY) // SECOND, 0
    for strike in (25_500, 26_000, 26_500):
        call, put = (quotes(market, f"NIFTY23NOV26{strike}{side}") for side in ("CE", "PE"))
        for second in call.keys() & put.keys():
            middle = second // 60 * 60 + 30
            now = moment(MarketParams(), years_left(middle, expiry_s), 0.1)
            fair = now.discount * (prices[second] * now.growth - strike * 100)
            (call_bid, call_ask), (put_bid, put_ask) = call[second], put[second]
            assert call_bid - put_ask <= fair + 1e-6
            assert fair <= call_ask - put_bid + 1e-6
            checked += 1
    assert checked > 2_000


def quotes(market: Market, symbol: str) -> dict[int, tuple[int, int]]:
    """Return bid and ask by second, where both sides were quoted."""
    outs = updates(market, Symbol(symbol), 385)
    return {out.at // SECOND: (out.bid, out.ask) for out in outs if out.bid and out.ask}


@pytest.mark.slow
def test_premiums_of_an_expiry_end_at_one_tick() -> None:
    market = an_expiry()
    close = Micros(at("15:30", EXPIRY) - 1)
    spot = market.lines[NIFTY].at(close).ltp
    ends = {
        symbol: line.at(close)
        for symbol, line in market.lines.items()
        if symbol.startswith("NIFTY23NOV26") and symbol.endswith(("CE", "PE"))
    }
    worthless = [
        out
        for symbol, out in ends.items()
        if (market.lines[symbol].instrument.strike - spot) * (1 if symbol.endswith("CE") else -1)
        > 15_000
    ]
    assert len(worthless) > 40
    assert {(out.bid, out.ask) for out in worthless} == {(0, 5)}
    assert sum(out.ltp == 5 for out in worthless) > len(worthless) * 0.9


def test_time_value_at_the_money_is_gone_by_the_end() -> None:
    """What call and put are worth together, less what they are worth already."""
    market = an_expiry()
    call, put = market.lines[CALL], market.lines[PUT]

    def time_value(wall: str) -> int:
        now = at(wall, EXPIRY)
        spot = market.lines[NIFTY].at(now).ltp
        return call.theory(now) + put.theory(now) - abs(spot - 2_600_000)

    assert time_value("09:20") > 2_000
    assert time_value("15:35") < 50


@pytest.mark.parametrize("symbol", [NIFTY, VIX, FUTURE, CALL, FAR_PUT])
def test_nothing_is_quoted_or_printed_in_a_halt(symbol: Symbol) -> None:
    outs = updates(halted(), symbol, 385)
    assert not [out for out in outs if at("11:00") <= out.at < at("11:45")]
    assert [out for out in outs if out.at < at("11:00")]
    assert next(out.at for out in outs if out.at >= at("11:45")) == at("11:45")


@pytest.mark.parametrize("symbol", [NIFTY, CALL])
def test_reads_of_a_halt_show_what_was_last_known(symbol: Symbol) -> None:
    line = halted().lines[symbol]
    last = line.at(Micros(at("11:00") - 1))
    assert {line.at(at(wall)) for wall in ("11:00", "11:20", "11:44:59")} == {last}
    assert line.at(at("11:45")) != last


def test_history_has_no_bars_of_a_halt() -> None:
    line = halted().lines[NIFTY]
    minutes = [bar.minute for bar in line.bars(at("15:39"))]
    assert at("10:59") in minutes
    assert at("11:45") in minutes
    assert not [minute for minute in minutes if at("11:00") <= minute < at("11:45")]


def test_quote_that_ends_a_halt_is_a_fresh_one_without_a_print() -> None:
    line = halted().lines[FAR_PUT]
    fresh = line.at(at("11:45"))
    assert (fresh.at, fresh.is_print) == (at("11:45"), False)
    assert fresh.volume == line.at(at("11:44")).volume


def test_halt_changes_nothing_before_it() -> None:
    seen = updates(halted(), CALL, 105)
    calm = MarketParams().calm
    same = updates(a_market(regime="calm", calm=replace(calm, jumps_per_day=0)), CALL, 105)
    assert seen == same


def test_market_says_when_it_is_halted() -> None:
    market = halted()
    edges = [at("11:00") - 1, at("11:00"), at("11:45") - 1, at("11:45")]
    assert [market.is_halted(Micros(edge)) for edge in edges] == [False, True, True, False]
    assert not a_market().is_halted(at("11:20"))


def test_halt_may_begin_within_a_minute() -> None:
    halt = HaltParams(sigma_bp=900, drift_bp=0, jumps_per_day=0, jump_sd_bp=0, halt_at="11:00:30")
    outs = updates(halted(halt=halt), NIFTY, 160)
    silent = [(a.at, b.at) for a, b in itertools.pairwise(outs) if b.at - a.at > SECOND]
    assert silent == [(at("11:00:29"), at("11:45:30"))]


def test_reference_price_after_a_halt_is_theoretical() -> None:
    """15 minutes without a print (NSE/FAOP/54242)."""
    line = halted().lines[CALL]
    now = Micros(at("11:45") + seconds(1))
    assert line.reference(now) == line.theory(now)
