"""The synthetic chain: tempo, prints, quotes, indices."""

import itertools
from math import exp
from statistics import fmean
from typing import Any

import pytest

from domain.units import SECOND, Symbol
from sandbox.market.synthetic import QuotedLine, sizes
from tests.sandbox.market.chain import a_market, updates
from tests.sandbox.pit import CALL, PUT, at

NEAR = "NIFTY23NOV26"
MINUTE_0920 = 5


def rate(symbol: str, **changes: Any) -> float:
    """Updates a second from 09:20 to 10:20."""
    outs = updates(a_market(**changes), Symbol(symbol), 65)
    return sum(out.at >= at("09:20") for out in outs) / 3_600


def test_index_ticks_each_second_of_the_session() -> None:
    market = a_market()
    outs = updates(market, Symbol("NIFTY"), 385)
    assert [out.at for out in outs] == [at("09:15") + n * SECOND for n in range(23_100)]
    assert all(out.is_print for out in outs)
    assert all((out.volume, out.bid, out.ask, out.oi) == (0, 0, 0, 0) for out in outs)
    assert outs[-1].high == max(out.ltp for out in outs)
    assert outs[-1].low == min(out.ltp for out in outs)
    assert outs[-1].open == outs[0].ltp


def test_near_strike_is_quoted_at_the_recorded_tempo() -> None:
    """1.2/s x exp(-|m|); at 26,000 m is nearly 0."""
    assert rate(CALL) == pytest.approx(1.2, rel=0.1)


def test_tempo_falls_with_the_distance_from_the_money() -> None:
    """26,350 lies about one standard deviation away: 1.2/s x exp(-1)."""
    assert rate(f"{NEAR}26350CE", regime="calm") < 1.2 * exp(-0.8)
    assert rate(f"{NEAR}26350CE") > 1.2 * exp(-1.5)


def test_quiet_strike_is_quoted_once_in_20_seconds() -> None:
    assert rate(f"{NEAR}27500CE", regime="calm") == pytest.approx(0.05, rel=0.25)


def test_opening_is_three_times_as_busy_until_0920() -> None:
    outs = updates(a_market(), CALL, 10)
    early = sum(out.at < at("09:20") for out in outs)
    assert early / 300 == pytest.approx(3.6, rel=0.1)


def test_three_of_five_updates_print_at_bid_or_ask() -> None:
    outs = updates(a_market(), CALL, 60)
    prints = [out for out in outs if out.is_print]
    assert len(prints) / len(outs) == pytest.approx(0.6, abs=0.03)
    assert all(out.ltp in {out.bid, out.ask} for out in prints)
    assert {out.ltp == out.bid for out in prints} == {True, False}


def test_volume_only_grows_by_what_was_printed_in_whole_lots() -> None:
    outs = updates(a_market(), CALL, 60)
    for before, after in itertools.pairwise(outs):
        assert after.volume - before.volume == (after.last_quantity if after.is_print else 0)
    assert all(out.last_quantity % 65 == 0 for out in outs)


def test_update_without_a_print_repeats_price_time_and_volume() -> None:
    outs = updates(a_market(), CALL, 5)
    before, after = next((a, b) for a, b in itertools.pairwise(outs) if not b.is_print)
    assert (after.ltp, after.ltt, after.volume) == (before.ltp, before.ltt, before.volume)


def test_print_sizes_are_geometric_lots() -> None:
    drawn = [size // 65 for size in sizes(65)]
    assert min(drawn) == 1
    assert fmean(drawn) == pytest.approx(1 / 0.35, rel=0.02)
    assert sum(lots == 1 for lots in drawn) / len(drawn) == pytest.approx(0.35, abs=0.01)


def test_quotes_never_cross_and_stand_on_the_tick() -> None:
    for symbol in (CALL, PUT, Symbol(f"{NEAR}27500CE"), Symbol(f"{NEAR}26FUT"[:12] + "FUT")):
        outs = updates(a_market(), symbol, 30)
        assert all(out.bid < out.ask and out.bid % 5 == out.ask % 5 == 0 for out in outs)


def test_worthless_option_has_no_bid_and_prints_at_the_ask() -> None:
    outs = updates(a_market(regime="calm"), Symbol(f"{NEAR}27500CE"), 120)
    empty = [out for out in outs if not out.bid and out.is_print]
    assert empty
    assert all(out.ltp == out.ask for out in empty)


def test_future_follows_the_spot_with_a_narrow_quote() -> None:
    market = a_market()
    outs = updates(market, Symbol("NIFTY23NOV26FUT"), 5)
    spot = market.lines[Symbol("NIFTY")]
    for out in outs:
        assert 0 < out.bid - spot.at(out.at).ltp < 3_500
        assert out.ask - out.bid <= 120


def test_volatility_index_leans_against_the_spot() -> None:
    market = a_market()
    outs = updates(market, Symbol("INDIAVIX"), 385)
    spot = market.lines[Symbol("NIFTY")]
    spot.reach(0)
    assert len(outs) == 385 * 4
    assert 1_000 < outs[0].ltp < 1_500
    index = updates(a_market(), Symbol("NIFTY"), 385)
    rose = index[-1].ltp > index[0].ltp
    assert (outs[-1].ltp < outs[0].ltp) == rose


def test_theory_is_the_models_mid_at_that_second() -> None:
    market = a_market()
    line = market.lines[CALL]
    near = line.at(at("10:00"))
    assert near.bid - 200 <= line.theory(at("10:00")) <= near.ask + 200
    assert isinstance(line, QuotedLine)


def test_another_strike_or_seed_draws_other_instants() -> None:
    market = a_market()
    first = [out.at for out in updates(market, CALL, 5)]
    assert first == [out.at for out in updates(a_market(), CALL, 5)]
    assert first != [out.at for out in updates(market, PUT, 5)]
    assert first != [out.at for out in updates(a_market(2), CALL, 5)]
    assert first == [out.at for out in updates(a_market(strikes=10), CALL, 5)]
