"""A line: bars, price references, and that nobody's looking changes it."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.units import SECOND, Micros, Paise, Symbol, Units, divide_half_up, seconds
from sandbox.kinds import BarLine
from tests.draws import at_most
from tests.sandbox.market.chain import a_market, updates
from tests.sandbox.pit import CALL, at

FAR = Symbol("NIFTY23NOV2627500CE")


def test_bar_is_what_was_printed_in_its_minute() -> None:
    market = a_market()
    line = market.lines[CALL]
    bars = line.bars(at("09:20"))
    outs = updates(a_market(), CALL, 5)
    for minute, bar in enumerate(bars[:5]):
        start = at("09:15") + minute * 60 * SECOND
        inside = [out for out in outs if start <= out.at < start + 60 * SECOND]
        prints = [out.ltp for out in inside if out.is_print]
        before = [out.volume for out in outs if out.at < start]
        assert bar == BarLine(
            minute=Micros(start),
            open=prints[0],
            high=max(prints),
            low=min(prints),
            close=prints[-1],
            volume=Units(inside[-1].volume - (before[-1] if before else 0)),
            oi=inside[-1].oi,
        )


def test_forming_bar_ends_at_the_instant_asked_for() -> None:
    line = a_market().lines[CALL]
    half = line.bars(at("09:15:30"))
    whole = line.bars(at("09:16"))
    assert len(half) == len(whole) == 1
    assert half[0].volume < whole[0].volume
    assert half[0].open == whole[0].open


def test_minute_without_a_print_has_no_bar() -> None:
    line = a_market(regime="calm", quiet_max_s=600).lines[FAR]
    bars = line.bars(at("15:40"))
    assert 0 < len(bars) < 300
    minutes = [bar.minute for bar in bars]
    assert minutes == sorted(set(minutes))


def test_before_the_open_there_is_only_the_previous_close() -> None:
    line = a_market().lines[CALL]
    update = line.at(at("09:10"))
    assert (update.ltp, update.open, update.bid, update.ask) == (line.prev_close, 0, 0, 0)
    assert not update.is_print
    assert line.bars(at("09:10")) == ()


def test_after_the_close_nothing_happens_any_more() -> None:
    line = a_market().lines[CALL]
    last = line.at(at("15:40"))
    assert line.at(at("18:00")) == last
    assert line.bars(at("18:00"))[-1].minute == at("15:39")


def test_reference_is_the_mean_print_of_the_last_half_minute_on_the_grid() -> None:
    line = a_market().lines[CALL]
    prints = [out for out in updates(a_market(), CALL, 20) if out.is_print]
    for wall in ("09:20:00", "09:20:29", "09:20:30", "09:31:17"):
        grid = at(wall) // seconds(30) * seconds(30)
        inside = [out.ltp for out in prints if grid - seconds(30) <= out.at < grid]
        assert line.reference(at(wall)) == divide_half_up(sum(inside), len(inside))


def test_reference_stays_without_prints_and_is_theoretical_after_a_long_silence() -> None:
    """The silence is 15 minutes at the exchange; here 2, so that one is found in a day."""
    line = a_market(regime="calm", quiet_max_s=600).lines[FAR]
    line.keep(window_s=30, quiet_s=120)
    assert line.reference(at("09:15:10")) == line.theory(at("09:15:10"))
    outs = updates(a_market(regime="calm", quiet_max_s=600), FAR, 385)
    last = next(a for a, b in pairwise(outs) if a.is_print and b.at - a.at > seconds(180))
    kept = Micros(last.at + seconds(60))
    assert line.reference(kept) == last.ltp
    gone = Micros(last.at + seconds(155))
    assert line.reference(gone) == line.theory(gone) != last.ltp


@pytest.mark.slow
@at_most(25)
@given(st.lists(st.integers(0, 40 * 60), max_size=12).map(sorted))
def test_line_is_the_same_however_often_somebody_looks(looks: list[int]) -> None:
    watched, left_alone = a_market().lines[CALL], a_market().lines[CALL]
    for look in looks:
        moment = Micros(at("09:15") + look * SECOND)
        watched.at(moment)
        watched.bars(moment)
        watched.reference(moment)
    end = at("09:55")
    assert watched.at(end) == left_alone.at(end)
    assert watched.bars(end) == left_alone.bars(end)
    assert watched.reference(end) == left_alone.reference(end)
    assert watched.prev_close == Paise(left_alone.prev_close)
