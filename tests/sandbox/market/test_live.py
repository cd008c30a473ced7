"""What another server says becomes prints, quotes and updates of our own market."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.units import MINUTE, SECOND, Micros, Paise, Units
from sandbox.facts import facts
from sandbox.frames import Frames, StreamMode
from sandbox.kinds import Level, PriceOut, Shown
from sandbox.market import depth
from sandbox.market.live import REBASE, Inbox, LiveMarket, Seen, live
from sandbox.params import SandboxParams
from tests.sandbox.pit import CALL, DAY, at, rules
from tests.sandbox.relay.stand import NIFTY, a_bar, a_day, seen

OPEN, NOON, CLOSE = at("09:15"), at("12:00"), at("15:40")
EVERYBODY = frozenset({CALL, NIFTY})
BOOK = Shown((Level(Paise(14_950), Units(650), 3),), (Level(Paise(15_010), Units(130), 1),))


def a_market(inbox: Inbox, **known: Any) -> LiveMarket:
    return live(SandboxParams(), facts(rules(), "sandbox", DAY), a_day(inbox, **known))


def after(*words: Seen, begin: Micros = NOON, **known: Any) -> list[PriceOut]:
    """Return what words a second apart make of a market that was heard of before."""
    inbox = Inbox()
    market = a_market(inbox, **known)
    inbox.put(begin, seen(volume=Units(1000)))
    inbox.put(begin, seen(NIFTY, 2_600_000))
    market.take(Micros(begin + 2), EVERYBODY)
    for n, word in enumerate(words, 1):
        inbox.put(Micros(begin + n * SECOND), word)
    return market.take(Micros(begin + MINUTE), EVERYBODY)


def prints(outs: list[PriceOut]) -> list[tuple[int, int]]:
    """Return price and size of those updates that are prints."""
    return [(out.ltp, out.last_quantity) for out in outs if out.is_print]


def test_more_volume_is_a_print_of_the_difference() -> None:
    words = [seen(ltp=p, volume=Units(v)) for p, v in ((15_010, 1065), (15_005, 1260))]
    outs = after(*words)
    assert prints(outs) == [(15_010, 65), (15_005, 195)]
    assert [out.volume for out in outs] == [1065, 1260]


def test_word_without_more_volume_is_an_update_without_a_print() -> None:
    (out,) = after(seen(ltp=15_100, volume=Units(1000)))
    assert (out.ltp, out.is_print) == (15_100, False)


def test_volume_that_falls_is_passed_on_and_prints_nothing_twice() -> None:
    words = [seen(volume=Units(v)) for v in (1300, 1200, 1500)]
    outs = after(*words)
    assert prints(outs) == [(15_000, 300), (15_000, 200)]
    assert [out.volume for out in outs] == [1300, 1200, 1500]


def test_volume_that_stays_low_begins_anew_and_never_prints_the_whole() -> None:
    volumes = [*range(10, 10 + REBASE), 100]
    outs = after(*(seen(volume=Units(v)) for v in volumes))
    assert prints(outs) == [(15_000, 100 - (9 + REBASE))]


def test_without_volume_another_price_is_a_print() -> None:
    words = [seen(ltp=15_000), seen(ltp=15_005, last_quantity=Units(130)), seen(ltp=15_010)]
    assert prints(after(*words)) == [(15_005, 130), (15_010, 65)]


def test_index_prints_where_its_price_changes_and_has_nothing_else() -> None:
    outs = after(*(seen(NIFTY, p, shown=BOOK, oi=Units(5)) for p in (2_600_000, 2_600_500)))
    assert [out.is_print for out in outs] == [False, True]
    assert all((o.bid, o.ask, o.volume, o.oi, o.last_quantity) == (0, 0, 0, 0, 0) for o in outs)
    assert depth.shown(outs[1]) == Shown()


def test_first_word_of_a_connection_prints_its_last_quantity_only() -> None:
    inbox = Inbox()
    market = a_market(inbox)
    for n, (quantity, volume) in enumerate([(130, 9000), (None, 99_000), (None, 99_650)]):
        if n < 2:
            inbox.begin(Micros(NOON + n * SECOND))
        last = None if quantity is None else Units(quantity)
        word = seen(volume=Units(volume), last_quantity=last)
        inbox.put(Micros(NOON + n * SECOND), word)
    assert prints(market.take(Micros(NOON + MINUTE), EVERYBODY)) == [
        (15_000, 130),
        (15_000, 65),
        (15_000, 650),
    ]


@pytest.mark.parametrize("begin", [at("09:07"), at("15:39:59")])
def test_outside_the_session_nothing_prints(begin: Micros) -> None:
    (out,) = after(seen(ltp=15_500, volume=Units(2000)), begin=begin)
    assert (out.ltp, out.volume, out.is_print) == (15_500, 2000, False)


def test_displayed_book_is_the_quote() -> None:
    (out,) = after(seen(shown=BOOK))
    assert (out.bid, out.ask, depth.shown(out)) == (14_950, 15_010, BOOK)
    (bare,) = after(seen(shown=Shown(BOOK.bids, ())))
    assert (bare.bid, bare.ask) == (14_950, 0)


def test_without_a_book_the_quote_is_made_by_the_spread_rule() -> None:
    (out,) = after(seen(ltp=15_000, volume=Units(1065)))
    assert (out.bid, out.ask) == (14_970, 15_030)
    assert len(depth.shown(out).asks) == depth.LEVELS


def test_what_is_not_said_stays_as_it_was() -> None:
    known: dict[str, Any] = {
        "open": Paise(14_500),
        "high": Paise(15_200),
        "low": Paise(14_400),
        "oi": Units(7),
    }
    (first, second) = after(seen(ltp=15_300), seen(ltp=14_300, oi=Units(9)), **known)
    assert (first.open, first.high, first.low, first.prev_close) == (14_500, 15_300, 14_400, 14_000)
    assert (first.volume, first.oi) == (1000, 7)
    assert (second.high, second.low, second.oi) == (15_300, 14_300, 9)


def test_before_anything_is_heard_the_listed_values_stand() -> None:
    last = a_market(Inbox(), shown=BOOK).lines[CALL].at(NOON)
    assert (last.ltp, last.bid, last.ask, last.volume) == (15_000, 14_950, 15_010, 1000)
    assert not last.is_print


def test_time_of_the_last_trade_is_told_as_the_server_did() -> None:
    traded = Micros(NOON - 300_000)
    first, second = after(seen(ltp=15_005, volume=Units(1065), traded_at=traded), seen(ltp=15_005))
    assert first.is_print
    told = [msgspec.json.decode(Frames().market(out, StreamMode.QUOTE)) for out in (first, second)]
    assert [frame["data"]["ltt"] for frame in told] == [traded // 1000, first.at // 1000]
    assert told[0]["data"]["timestamp"] == first.at // 1000


def test_only_what_is_followed_comes_out_but_all_of_it_is_known() -> None:
    inbox = Inbox()
    market = a_market(inbox)
    inbox.put(NOON, seen(ltp=15_500, volume=Units(2000)))
    assert market.take(NOON, frozenset({NIFTY})) == []
    assert market.lines[CALL].at(NOON).ltp == 15_500


@pytest.mark.parametrize("stranger", [{"symbol": "BANKNIFTY"}, {"exchange": "BFO"}])
def test_words_of_strangers_are_left_out(stranger: dict[str, Any]) -> None:
    fields: dict[str, Any] = {"symbol": CALL, "exchange": "NFO", "ltp": Paise(1)} | stranger
    assert after(Seen(**fields)) == []


@given(st.lists(st.integers(-3, 3), max_size=30), st.integers(0, 5))
def test_instants_rise_strictly_and_never_fall_to_what_is_past(
    steps: list[int], behind: int
) -> None:
    inbox = Inbox()
    market = a_market(inbox)
    market.take(NOON, EVERYBODY)
    arrived = Micros(NOON - behind)
    for step in steps:
        arrived = Micros(arrived + step)
        inbox.put(arrived, seen())
    outs = market.take(Micros(NOON + SECOND), EVERYBODY)
    instants = [NOON, *(out.at for out in outs)]
    assert len(outs) == len(steps)
    assert instants == sorted(set(instants))


def test_what_arrives_later_waits_for_its_time() -> None:
    inbox = Inbox()
    market = a_market(inbox)
    inbox.put(Micros(NOON + SECOND), seen())
    assert market.take(NOON, EVERYBODY) == []
    assert len(market.take(Micros(NOON + SECOND), EVERYBODY)) == 1


def test_reference_is_the_mean_of_the_prints_heard() -> None:
    inbox = Inbox()
    market = a_market(inbox)
    for n, (price, volume) in enumerate([(15_000, 1065), (15_020, 1130), (15_400, 1130)]):
        inbox.put(Micros(NOON + n * SECOND), seen(ltp=price, volume=Units(volume)))
    market.take(Micros(NOON + MINUTE), EVERYBODY)
    assert market.lines[CALL].reference(Micros(NOON + MINUTE)) == 15_010


def test_bars_are_those_the_server_told_up_to_now() -> None:
    inbox = Inbox()
    line = a_market(inbox).lines[CALL]
    assert line.bars(NOON) == ()
    bars = tuple(a_bar(Micros(NOON + n * MINUTE)) for n in (-1, 0, 1))
    inbox.bars[CALL] = bars
    assert line.bars(NOON) == bars[:2]
