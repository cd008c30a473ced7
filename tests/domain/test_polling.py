"""Polled prices prove nothing until they change, and one poll is out at a time."""

import pytest

from domain.canaries import Canaries
from domain.market import Quote
from domain.params import FeedParams
from domain.polling import Near, Polling, symbols_to_poll
from domain.signs import RestVerdict
from domain.units import SECOND, Micros, Paise, Symbol
from tests.domain.tape import CALL, NIFTY, a_chain, a_plan, at
from tests.domain.wares import a_quote

INDEX = (NIFTY, "NSE_INDEX")


def a_polling(**feed: int) -> Polling:
    return Polling(FeedParams(**feed), a_plan(), INDEX)  # type: ignore[arg-type]  # by name


def canaries() -> Canaries:
    chosen = Canaries(a_plan(), INDEX)
    chosen.choose(a_chain())
    return chosen


def answer(polling: Polling, wall: str, *quotes: Quote) -> bool:
    polling.ask(at(wall), Micros(0))
    assert polling.is_answer(at(wall))
    _, has_moved = polling.take(quotes, canaries(), at(wall))
    return has_moved


def test_own_symbols_and_the_strikes_around_the_money_are_polled_once_each() -> None:
    far = Symbol("NIFTY24NOV2626100PE")
    pairs = symbols_to_poll(INDEX, a_chain(), {far, CALL}, Near(None, 1))
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
    assert symbols_to_poll(INDEX, None, {CALL}, Near(Paise(2_600_000), 5)) == (INDEX,)


@pytest.mark.parametrize(
    ("spot", "strikes", "polled"),
    [
        (None, 1, {25950, 26000, 26050}),
        (2_690_100, 1, {26000, 26850, 26900, 26950}),
        (2_690_100, 0, {26000}),
        (2_602_500, 1, {25950, 26000, 26050}),
    ],
)
def test_strikes_are_polled_where_the_index_is_now_and_the_canaries_with_them(
    spot: Paise | None, strikes: int, polled: set[int]
) -> None:
    pairs = symbols_to_poll(INDEX, a_chain(*range(-1000, 1001, 50)), (), Near(spot, strikes))
    assert [symbol for symbol, _ in pairs] == [
        NIFTY,
        *(f"NIFTY24NOV26{strike}{side}" for strike in sorted(polled) for side in ("CE", "PE")),
    ]


def test_polls_keep_their_mean_rate_though_looked_at_once_a_second() -> None:
    polling = a_polling(rest_poll_ms=1500)
    asked = []
    for second in range(13):
        now = Micros(at("10:00") + second * SECOND)
        if polling.is_due(now, Micros(0)):
            polling.ask(now, Micros(0))
            assert polling.is_answer(now)
            asked.append(second)
    assert asked == [0, 2, 3, 5, 6, 8, 9, 11, 12]


def test_poll_is_skipped_while_one_is_out() -> None:
    polling = a_polling()
    polling.ask(at("10:00"), Micros(0))
    assert not polling.is_due(at("10:00:10"), Micros(5 * SECOND - 1))
    assert polling.is_due(at("10:00:10"), Micros(5 * SECOND))
    assert not polling.is_answer(at("10:00"))


def test_answer_counts_once() -> None:
    polling = a_polling()
    polling.ask(at("10:00"), Micros(0))
    assert [polling.is_answer(at(w)) for w in ("09:59", "10:00", "10:00")] == [False, True, False]


def test_verdict_is_idle_until_somebody_asks_and_after_nobody_does_any_more() -> None:
    polling = a_polling(rest_still_s=20)
    assert polling.verdict(at("10:00")) is RestVerdict.IDLE
    polling.ask(at("10:00"), Micros(0))
    assert polling.verdict(at("10:00:20")) is RestVerdict.UNPROVEN
    assert polling.verdict(at("10:00:21")) is RestVerdict.IDLE


def test_what_an_earlier_outage_polled_proves_nothing_about_this_one() -> None:
    polling = a_polling()
    answer(polling, "10:00:00", a_quote("10:00:00"))
    assert not answer(polling, "11:00:00", a_quote("11:00:00", ltp=7))
    assert polling.verdict(at("11:00")) is RestVerdict.UNPROVEN
    assert answer(polling, "11:00:02", a_quote("11:00:02", ltp=8))
    assert polling.verdict(at("11:00:02")) is RestVerdict.LIVE


def test_three_failures_in_a_row_make_the_source_unusable() -> None:
    polling = a_polling()
    answer(polling, "10:00:00", a_quote("10:00:00"))
    answer(polling, "10:00:02", a_quote("10:00:02", ltp=7))
    polling.failed()
    polling.failed()
    assert polling.is_moving(at("10:00:03"))
    polling.ask(at("10:00:04"), Micros(0))
    assert polling.is_due(at("10:00:06"), Micros(5 * SECOND))
    assert polling.verdict(at("10:00:06")) is RestVerdict.UNUSABLE
    answer(polling, "10:00:06", a_quote("10:00:06", ltp=7))
    assert polling.is_moving(at("10:00:06"))


def test_quote_that_contradicts_itself_is_handed_to_nobody() -> None:
    polling = a_polling()
    polling.ask(at("10:00"), Micros(0))
    quotes = [a_quote("10:00", symbol=NIFTY), a_quote("10:00", ltp=9_000, low=9_500)]
    sound, _ = polling.take(quotes, canaries(), at("10:00"))
    assert sound == (quotes[0],)


def rows(polling: Polling, wall: str, *, is_used: bool = True) -> list[Symbol]:
    pairs = polling.rows_to_ask(canaries(), at(wall), is_used=is_used)
    return [symbol for symbol, _ in pairs]


def test_bars_of_the_index_are_read_each_minute_while_rest_is_used() -> None:
    polling = a_polling()
    polling.ask(at("10:00"), Micros(0))
    assert rows(polling, "10:00", is_used=False) == []
    walls = ("10:00", "10:00:01", "10:00:59", "10:01", "10:01:30")
    assert [rows(polling, wall) for wall in walls] == [[NIFTY], [], [], [NIFTY], []]


def test_bars_of_a_call_at_the_money_are_read_while_the_index_does_not_count() -> None:
    polling = a_polling()
    polling.ask(at("15:20"), Micros(0))
    assert rows(polling, "15:20") == [CALL]


def test_suspicion_reads_the_bars_at_once_and_again_until_it_is_cleared() -> None:
    polling = a_polling()
    for wall, spot in (("10:00", 2_600_000), ("10:00:02", 2_602_000)):
        quotes = [a_quote(wall, symbol=c.symbol) for c in a_chain(0).contracts]
        answer(polling, wall, a_quote(wall, symbol=NIFTY, ltp=spot), *quotes)
    walls = ("10:00:02", "10:00:03", "10:00:12", "10:00:13")
    asked = [rows(polling, wall, is_used=False) for wall in walls]
    assert asked == [[NIFTY], [], [NIFTY], []]


def test_clock_set_back_does_not_stop_the_polls() -> None:
    polling = a_polling()
    polling.ask(at("10:00"), Micros(0))
    assert polling.is_answer(at("10:00"))
    assert rows(polling, "10:00") == [NIFTY]
    assert not polling.is_due(at("09:30"), Micros(0))
    polling.jumped(at("09:30"))
    assert polling.is_due(at("09:30"), Micros(0))
    assert rows(polling, "09:31") == [NIFTY]


def test_index_is_compared_with_nothing_while_it_does_not_count() -> None:
    polling = a_polling()
    for wall, spot in (("15:20", 2_600_000), ("15:20:02", 2_610_000)):
        quotes = [a_quote(wall, symbol=c.symbol) for c in a_chain(0).contracts]
        answer(polling, wall, a_quote(wall, symbol=NIFTY, ltp=spot), *quotes)
    assert not polling.ladder.is_suspicious()
