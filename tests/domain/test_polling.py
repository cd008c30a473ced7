"""Polled prices prove nothing until they change, and one poll is out at a time."""

import pytest

from domain.market import Quote
from domain.params import FeedParams
from domain.polling import Polling, symbols_to_poll
from domain.units import SECOND, Micros, Symbol
from tests.domain.tape import CALL, NIFTY, a_chain, at
from tests.domain.wares import a_quote

INDEX = (NIFTY, "NSE_INDEX")
CANARIES = frozenset({NIFTY, CALL})


def answer(polling: Polling, wall: str, *quotes: Quote) -> bool:
    polling.ask(at(wall), Micros(0))
    assert polling.is_answer(at(wall))
    return polling.moved(quotes, CANARIES)


def test_own_symbols_and_the_strikes_around_the_money_are_polled_once_each() -> None:
    far = Symbol("NIFTY24NOV2626100PE")
    pairs = symbols_to_poll(INDEX, a_chain(), {far, CALL}, 1)
    assert [symbol for symbol, _ in pairs] == [
        NIFTY,
        CALL,
        far,
        *(f"NIFTY24NOV26{strike}{side}" for strike in (25950,) for side in ("CE", "PE")),
        "NIFTY24NOV2626000PE",
        *(f"NIFTY24NOV26{strike}{side}" for strike in (26050,) for side in ("CE", "PE")),
    ]
    assert pairs[0] == INDEX
    assert {exchange for _, exchange in pairs[1:]} == {"NFO"}


def test_without_a_chain_only_the_index_is_polled() -> None:
    assert symbols_to_poll(INDEX, None, {CALL}, 5) == (INDEX,)


def test_polls_keep_their_mean_rate_though_looked_at_once_a_second() -> None:
    polling = Polling(FeedParams(rest_poll_ms=1500))
    asked = []
    for second in range(13):
        now = Micros(at("10:00") + second * SECOND)
        if polling.is_due(now, Micros(0)):
            polling.ask(now, Micros(0))
            assert polling.is_answer(now)
            asked.append(second)
    assert asked == [0, 2, 3, 5, 6, 8, 9, 11, 12]


def test_poll_is_skipped_while_one_is_out() -> None:
    polling = Polling(FeedParams())
    polling.ask(at("10:00"), Micros(0))
    assert not polling.is_due(at("10:00:10"), Micros(5 * SECOND - 1))
    assert polling.is_due(at("10:00:10"), Micros(5 * SECOND))
    assert not polling.is_answer(at("10:00"))


def test_answer_counts_once() -> None:
    polling = Polling(FeedParams())
    polling.ask(at("10:00"), Micros(0))
    assert [polling.is_answer(at(w)) for w in ("09:59", "10:00", "10:00")] == [False, True, False]


@pytest.mark.parametrize(
    "changed",
    [
        a_quote("10:00:04", ltp=7),
        a_quote("10:00:04", bid=7),
        a_quote("10:00:04", ask=7),
        a_quote("10:00:04", volume=7),
        a_quote("10:00:04", oi=7),
    ],
)
def test_rest_moves_when_any_canary_changed(changed: Quote) -> None:
    polling = Polling(FeedParams())
    assert not answer(polling, "10:00:00", a_quote("10:00:00"))
    assert not polling.is_moving(at("10:00"))
    assert not answer(polling, "10:00:02", a_quote("10:00:02"))
    assert answer(polling, "10:00:04", changed)
    assert polling.is_moving(at("10:00:04"))
    assert polling.is_moving(at("10:00:24"))
    assert not polling.is_moving(at("10:00:24.1"))


def test_symbol_that_is_no_canary_proves_nothing() -> None:
    polling = Polling(FeedParams())
    other = Symbol("NIFTY24NOV2625000PE")
    answer(polling, "10:00:00", a_quote("10:00:00", symbol=other))
    assert not answer(polling, "10:00:02", a_quote("10:00:02", symbol=other, ltp=7))


def test_what_an_earlier_outage_polled_proves_nothing_about_this_one() -> None:
    polling = Polling(FeedParams())
    answer(polling, "10:00:00", a_quote("10:00:00"))
    assert not answer(polling, "11:00:00", a_quote("11:00:00", ltp=7))
    assert answer(polling, "11:00:02", a_quote("11:00:02", ltp=8))


def test_three_failures_in_a_row_make_the_source_unusable() -> None:
    polling = Polling(FeedParams())
    answer(polling, "10:00:00", a_quote("10:00:00"))
    answer(polling, "10:00:02", a_quote("10:00:02", ltp=7))
    polling.failed()
    polling.failed()
    assert polling.is_moving(at("10:00:03"))
    polling.ask(at("10:00:04"), Micros(0))
    assert polling.is_due(at("10:00:06"), Micros(5 * SECOND))
    assert not polling.is_moving(at("10:00:06"))
    answer(polling, "10:00:06", a_quote("10:00:06", ltp=7))
    assert polling.is_moving(at("10:00:06"))
