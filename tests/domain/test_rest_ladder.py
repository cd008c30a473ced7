"""Polled quotes are alive only while five kinds of evidence say so."""

from collections.abc import Collection

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.calls import History
from domain.market import HistoryBar, Quote
from domain.params import FeedParams
from domain.rest_ladder import RestLadder
from domain.signs import RestVerdict
from domain.units import MINUTE, SECOND, Micros, Symbol
from tests.domain.tape import CALL, NIFTY, a_plan, a_row, at
from tests.domain.wares import a_quote

PUT = Symbol("NIFTY24NOV2626000PE")
FAR = Symbol("NIFTY24NOV2625000PE")
CANARIES = frozenset({NIFTY, CALL, PUT})
MONEY = (CALL, PUT)
LIVE, STALE, UNPROVEN = RestVerdict.LIVE, RestVerdict.STALE, RestVerdict.UNPROVEN


def a_ladder(**feed: int) -> RestLadder:
    return RestLadder(FeedParams(**feed), a_plan(), NIFTY)  # type: ignore[arg-type]  # by name


def poll(ladder: RestLadder, wall: str | Micros, *quotes: Quote) -> bool:
    when = at(wall) if isinstance(wall, str) else wall
    has_moved = ladder.moved(ladder.sift(quotes), CANARIES, when)
    ladder.compare(MONEY, when)
    return has_moved


def proved(wall: str = "10:00") -> RestLadder:
    """A ladder on which a canary showed two values."""
    ladder = a_ladder()
    poll(ladder, wall, a_quote(wall))
    poll(ladder, wall, a_quote(wall, ltp=10_005))
    assert ladder.verdict(at(wall)) is LIVE
    return ladder


@pytest.mark.parametrize(
    "changed",
    [
        a_quote(ltp=7),
        a_quote(bid=7),
        a_quote(ask=7),
        a_quote(volume=1007),
        a_quote(oi=7),
    ],
)
def test_quotes_are_unproven_until_any_canary_showed_two_values(changed: Quote) -> None:
    ladder = a_ladder()
    assert ladder.verdict(at("10:00")) is UNPROVEN
    assert not poll(ladder, "10:00", a_quote())
    assert not poll(ladder, "10:00:02", a_quote())
    assert ladder.verdict(at("10:00:02")) is UNPROVEN
    assert poll(ladder, "10:00:04", changed)
    assert ladder.verdict(at("10:00:04")) is LIVE


def test_quotes_that_stand_still_are_stale() -> None:
    ladder = proved()
    poll(ladder, "10:00:21", a_quote(ltp=10_005))
    assert [ladder.verdict(at(wall)) for wall in ("10:00:20", "10:00:20.1")] == [LIVE, STALE]


def test_quotes_that_never_moved_grow_stale_too() -> None:
    ladder = a_ladder()
    poll(ladder, "10:00", a_quote())
    assert [ladder.verdict(at(w)) for w in ("10:00:20", "10:00:21")] == [UNPROVEN, STALE]


def test_symbol_that_is_no_canary_proves_nothing() -> None:
    ladder = a_ladder()
    poll(ladder, "10:00", a_quote(symbol=FAR))
    assert not poll(ladder, "10:00:02", a_quote(symbol=FAR, ltp=7))
    assert ladder.verdict(at("10:00:02")) is UNPROVEN


def test_new_stretch_of_polling_forgets_the_last_one() -> None:
    ladder = proved()
    ladder.begin()
    assert ladder.verdict(at("10:00")) is UNPROVEN
    assert not poll(ladder, "11:00", a_quote(ltp=7, volume=0))


@pytest.mark.incident("INC-12")
def test_price_outside_its_own_range_is_dropped() -> None:
    ladder = a_ladder()
    quotes = [
        a_quote(ltp=99, low=100, high=200),
        a_quote(ltp=100, low=100, high=200),
        a_quote(ltp=200, low=100, high=200),
        a_quote(ltp=201, low=100, high=200),
        a_quote(symbol=FAR, ltp=50, low=0, high=0),
    ]
    assert [quote.ltp for quote in ladder.sift(quotes)] == [100, 200, 50]
    assert ladder.dropped == {"price outside its own range": 2}


BEFORE = a_quote(volume=1000, low=100, high=20_000)


@pytest.mark.parametrize(
    "back",
    [
        a_quote(volume=999, low=100, high=20_000),
        a_quote(volume=1000, low=100, high=19_999),
        a_quote(volume=1000, low=101, high=20_000),
    ],
)
def test_quote_that_goes_back_in_the_day_is_dropped_and_the_second_one_condemns(
    back: Quote,
) -> None:
    ladder = a_ladder()
    poll(ladder, "10:00", BEFORE)
    assert ladder.sift([back]) == ()
    poll(ladder, "10:00:02", a_quote(volume=1000, low=100, high=20_000, ltp=9_000))
    assert ladder.verdict(at("10:00:02")) is LIVE
    assert ladder.sift([back]) == ()
    assert ladder.verdict(at("10:00:02")) is STALE
    assert ladder.dropped == {"went back in the day": 2}


def test_range_that_a_broker_leaves_out_is_no_step_back() -> None:
    ladder = a_ladder()
    bare = a_quote(volume=1000, low=0, high=0)
    assert ladder.sift([BEFORE, bare, BEFORE, bare]) == (BEFORE, bare, BEFORE, bare)


def test_condemned_quotes_are_believed_again_when_they_went_on_for_long_enough() -> None:
    ladder = a_ladder()
    poll(ladder, "10:00", BEFORE)
    back = a_quote("10:00:02", volume=500, low=100, high=20_000)
    assert ladder.sift([back, back]) == ()
    for second in range(4, 40, 2):
        wall = f"10:00:{second:02}"
        poll(ladder, wall, a_quote(wall, volume=1000 + second, low=100, high=20_000))
    assert ladder.verdict(at("10:00:22")) is STALE
    assert ladder.verdict(at("10:00:38")) is LIVE


def test_broker_that_corrects_its_day_is_taken_at_its_word_after_some_quotes() -> None:
    ladder = a_ladder(rebase_ticks=5)
    poll(ladder, "10:00", BEFORE)
    corrected = a_quote(volume=1000, low=100, high=15_000)
    taken = [bool(ladder.sift([corrected])) for _ in range(6)]
    assert taken == [False, False, False, False, True, True]


def a_history(wall: str, *rows: HistoryBar, symbol: Symbol = NIFTY) -> History:
    return History(symbol=symbol, bars=rows, asked_at=at(wall))


def judged(
    ladder: RestLadder,
    wall: str,
    *walls: str,
    symbol: Symbol = NIFTY,
    arbiters: Collection[Symbol] = (NIFTY,),
) -> RestVerdict:
    rows = [a_row(w, volume=0) for w in walls]
    ladder.judge_rows(a_history(wall, *rows, symbol=symbol), arbiters)
    return ladder.verdict(at(wall))


def test_bars_older_than_two_minutes_are_the_proof_that_quotes_are_old() -> None:
    assert judged(proved("10:10"), "10:10:00", "10:06", "10:07") is LIVE
    assert judged(proved("10:10"), "10:10:01", "10:06", "10:07") is STALE
    assert judged(proved("10:10"), "10:10:01", "10:06", "10:08", "10:10") is LIVE


def test_fresh_bars_clear_what_old_ones_said() -> None:
    ladder = proved("10:10")
    assert judged(ladder, "10:10", "10:00") is STALE
    assert judged(ladder, "10:10", "10:09") is LIVE


def test_one_arbiter_with_fresh_bars_is_enough() -> None:
    ladder, both = proved("10:10"), (NIFTY, CALL)
    assert judged(ladder, "10:10", "10:00", arbiters=both) is STALE
    assert judged(ladder, "10:10", "10:09", symbol=CALL, arbiters=both) is LIVE
    assert judged(ladder, "10:10", "10:00", arbiters=both) is LIVE


@pytest.mark.parametrize(("before", "after"), [("15:13", "15:00"), ("15:00", "15:15")])
def test_former_arbiter_counts_until_another_one_has_spoken(before: str, after: str) -> None:
    ladder = proved("15:18")
    first = judged(ladder, "15:15", before)
    assert first is (LIVE if before == "15:13" else STALE)
    ladder.judge_rows(a_history("15:18", symbol=CALL), (CALL,))
    assert ladder.verdict(at("15:18")) is first
    second = judged(ladder, "15:18", after, symbol=CALL, arbiters=(CALL,))
    assert second is (LIVE if after == "15:15" else STALE)


def test_lagging_or_empty_bars_prove_nothing() -> None:
    assert judged(proved("09:29:59"), "09:29:59", "09:15") is LIVE
    assert judged(proved("09:30"), "09:30", "09:15") is STALE
    assert judged(proved("10:10"), "10:10") is LIVE
    assert judged(proved("10:10"), "10:10", "10:10") is LIVE


def test_bars_that_only_repeat_the_last_close_are_no_bars() -> None:
    ladder = proved("10:10")
    told = [a_row("10:00", (100, 110, 90, 100), 0)]
    told += [a_row(f"10:0{minute}", (100, 100, 100, 100), 0) for minute in range(1, 10)]
    ladder.judge_rows(a_history("10:10", *told), (NIFTY,))
    assert ladder.verdict(at("10:10")) is STALE
    traded = a_row("10:09", (100,) * 4, 65)
    ladder.judge_rows(a_history("10:10", *told[:-1], traded), (NIFTY,))
    assert ladder.verdict(at("10:10")) is LIVE


def market(wall: str | Micros, spot: int, call: int, put: int) -> list[Quote]:
    return [
        a_quote(wall, symbol=NIFTY, ltp=spot),
        a_quote(wall, symbol=CALL, ltp=call),
        a_quote(wall, symbol=PUT, ltp=put),
    ]


def compared(*moves: tuple[int, int, int]) -> RestLadder:
    ladder = a_ladder()
    for second, (spot, call, put) in enumerate(moves):
        when = Micros(at("10:00") + second * SECOND)
        poll(ladder, when, *market(when, 2_600_000 + spot, 15_000 + call, 15_000 + put))
    return ladder


@pytest.mark.parametrize(
    ("moves", "is_suspicious"),
    [
        ([(0, 0, 0), (1_995, 0, 0)], False),
        ([(0, 0, 0), (2_000, 0, 0)], True),
        ([(0, 0, 0), (-2_000, 0, 0)], True),
        ([(0, 0, 0), (1_000, 0, 0), (2_000, 5, 0)], False),
        ([(0, 0, 0), (1_000, 0, 0), (1_005, 5, 0), (2_000, 5, 0), (3_000, 5, 0)], False),
        ([(0, 0, 0), (1_000, 0, 0), (1_005, 5, 0), (2_000, 5, 0), (3_005, 5, 0)], True),
        ([(0, 0, 0), (0, 1_000, 995)], False),
        ([(0, 0, 0), (0, 1_000, -1_000)], True),
    ],
)
def test_index_and_options_cannot_move_alone(
    moves: list[tuple[int, int, int]], *, is_suspicious: bool
) -> None:
    assert compared(*moves).is_suspicious() is is_suspicious


def test_suspicion_waits_for_fresh_bars_and_then_takes_the_proof_away() -> None:
    ladder = compared((0, 0, 0), (2_000, 0, 0))
    assert ladder.verdict(at("10:00:11")) is LIVE
    assert ladder.verdict(at("10:00:11.1")) is UNPROVEN
    poll(ladder, "10:00:11", *market("10:00:11", 2_604_000, 15_000, 15_000))
    assert judged(ladder, "10:00:12", "09:59") is LIVE
    assert not ladder.is_suspicious()


def test_fresh_bars_do_not_overrule_the_other_rungs() -> None:
    still = proved()
    still.judge_rows(a_history("10:01", a_row("10:00")), (NIFTY,))
    assert still.verdict(at("10:01")) is STALE
    ladder = a_ladder()
    poll(ladder, "10:00", BEFORE)
    poll(ladder, "10:00:02", a_quote(volume=1001, low=100, high=20_000))
    ladder.sift([BEFORE, BEFORE])
    assert judged(ladder, "10:00:03", "09:59") is STALE


def test_without_the_options_the_index_is_compared_with_nothing() -> None:
    ladder = a_ladder()
    ladder.compare((), at("10:00"))
    ladder.moved(market("10:00", 2_600_000, 1, 1)[:2], CANARIES, at("10:00"))
    ladder.compare(MONEY, at("10:00"))
    assert not ladder.is_suspicious()


prices = st.integers(1, 10**6)


@pytest.mark.incident("INC-12")
@given(prices, prices, prices, st.integers(0, 10**6), st.integers(1, 40))
def test_quotes_frozen_from_the_start_are_never_live(
    spot: int, call: int, put: int, volume: int, polls: int
) -> None:
    """Yesterday's quotes are such: they are the same at each poll."""
    ladder = a_ladder()
    for number in range(polls):
        when = Micros(at("10:00") + number * 3 * SECOND // 2)
        quotes = [
            a_quote(when, symbol=NIFTY, ltp=spot),
            a_quote(when, ltp=call, volume=volume),
            a_quote(when, symbol=PUT, ltp=put),
        ]
        poll(ladder, when, *quotes)
        assert ladder.verdict(when) is not LIVE


@pytest.mark.incident("INC-12")
@given(st.lists(st.tuples(prices, prices, prices), min_size=2, max_size=20), st.integers(21, 600))
def test_quotes_frozen_later_stop_being_live(
    moving: list[tuple[int, int, int]], later_s: int
) -> None:
    ladder = a_ladder()
    when = at("10:00")
    for number, values in enumerate(moving):
        when = Micros(at("10:00") + number * SECOND)
        poll(ladder, when, *market(when, *values))
    for second in range(later_s):
        now = Micros(when + second * SECOND)
        poll(ladder, now, *market(now, *moving[-1]))
    assert ladder.verdict(Micros(when + later_s * SECOND)) is STALE


@pytest.mark.incident("INC-12")
@given(st.data())
def test_server_that_falls_back_to_an_older_day_is_not_live(data: st.DataObject) -> None:
    """Today's quotes move; then the server answers with quotes of less volume, moving too."""
    ladder = a_ladder(rebase_ticks=50)
    when = at("10:00")
    for second in range(5):
        when = Micros(at("10:00") + second * SECOND)
        poll(ladder, when, a_quote(when, ltp=100 + second, volume=10_000 + second))
    assert ladder.verdict(when) is LIVE
    for second in range(5, 20):
        when = Micros(at("10:00") + second * SECOND)
        volume = data.draw(st.integers(0, 9_999))
        poll(ladder, when, a_quote(when, ltp=data.draw(prices), volume=volume))
        assert (ladder.verdict(when) is LIVE) == (second == 5)


def test_minute_is_closed_when_the_question_was_asked_after_its_end() -> None:
    ladder = proved("10:10")
    rows = [a_row(Micros(at("10:09") + MINUTE * n), volume=0) for n in (-9, 1)]
    ladder.judge_rows(a_history("10:10:59", *rows), (NIFTY,))
    assert ladder.verdict(at("10:10:15")) is STALE
