"""BarActor tells closed bars to strategy and journal, asks history itself, and keeps quiet else."""

from typing import Any

import pytest
from freezegun import freeze_time

from actors.bar import BarActor
from domain import clock
from domain.calls import Failed, History, Outcome, ReadHistory
from domain.market import HistoryBar, Provenance, Source, Tick
from domain.params import BarParams, HistoryParams
from domain.units import Day, Symbol
from messages.control import Begin, Pulse
from messages.market import (
    BarClosed,
    BarsBackfilled,
    BarsWanted,
    BarUpdated,
    BeginBars,
    FeedLost,
    FeedRestored,
    HistoryRead,
    PricesMissed,
    TicksSeen,
    WatchPrice,
)
from tests.actors.fakes import FakeBroker, RecordingPost, To
from tests.domain.tape import (
    CALL,
    NIFTY,
    OPEN,
    a_bar,
    a_chain,
    a_plan,
    a_row,
    a_tick,
    an_index_tick,
    at,
)

PUT = Symbol("NIFTY24NOV2626000PE")
OPTIONS = ((CALL, "NFO"), (PUT, "NFO"))
INDEX = ((NIFTY, "NSE_INDEX"),)


class Stand:
    """A bar actor that began at a given time, with what it told and asked."""

    def __init__(
        self, began: str = "09:05", symbols: Any = ((CALL, "NFO"),), rank: int = 1
    ) -> None:
        self.post = RecordingPost()
        self.broker = FakeBroker()
        self.actor = BarActor(
            f"bar:{symbols[0][0]}",
            self.post,
            broker=self.broker,
            bars=BarParams(),
            history=HistoryParams(),
        )
        self.wish = BeginBars(
            plan=a_plan(), symbols=symbols, contracts=a_chain().contracts, rank=rank
        )
        self.hear(Begin(at=at(began)))
        with freeze_time(clock.moment(at(began))):
            self.hear(self.wish)

    def hear(self, *messages: Any) -> list[To]:
        """Hand messages in; return what is told because of them."""
        self.post.take()
        for message in messages:
            self.actor.on_receive(message)
        return self.post.sent

    def ticks(self, *ticks: Tick) -> list[To]:
        return self.hear(TicksSeen(symbol=ticks[0].symbol, ticks=ticks))

    def pulse(self, wall: str) -> list[To]:
        return self.hear(Pulse(at=at(wall)))

    def history(self, wall: str, *rows: HistoryBar, symbol: Symbol = CALL) -> list[To]:
        """Answer the oldest question as asked at this time."""
        self.post.take()
        self.broker.answer(History(symbol=symbol, bars=rows, asked_at=at(wall)))
        (told,) = self.post.take()
        assert told.address == self.actor.address
        return self.hear(told.message)


def both(message: object) -> list[To]:
    return [To("strategy", message), To("journal", message)]


def traded(*told: tuple[str, int, int], symbol: Symbol = CALL) -> list[Tick]:
    ticks, before = [], 0
    for seq, (wall, ltp, cum) in enumerate(told):
        ticks.append(a_tick(wall, ltp, cum, seq=seq, volume=cum - before, symbol=symbol))
        before = cum
    return ticks


def test_closed_bar_is_told_to_strategy_and_journal_before_the_next_minute() -> None:
    stand = Stand()
    first, second = traded(("09:15:01", 10_000, 65), ("09:16:00", 10_005, 130))
    assert [type(m) for _, m in stand.ticks(first)] == [BarUpdated]
    told = stand.ticks(second)
    bar = a_bar("09:15", (10_000,) * 4, 65, vwap=(30_000 * 65, 195), ticks=1)
    assert told[:2] == both(BarClosed(bar=bar, settled=at("09:16")))
    assert [type(m) for _, m in told[2:]] == [BarUpdated]


@pytest.mark.incident("INC-21")
def test_quiet_minute_is_closed_by_a_pulse_whatever_their_spacing() -> None:
    stand = Stand()
    stand.ticks(*traded(("09:15:01", 10_000, 65)))
    assert stand.pulse("09:16:01") == []
    assert [type(m) for _, m in stand.pulse("09:16:16")] == [BarClosed, BarClosed]
    assert stand.pulse("09:30:16") == []


@pytest.mark.incident("INC-22")
def test_bars_of_a_long_stall_all_arrive_in_order() -> None:
    stand = Stand()
    walls = [f"09:{minute}:10" for minute in range(15, 25)]
    burst = traded(*((wall, 10_000 + i, 65 * (i + 1)) for i, wall in enumerate(walls)))
    stand.hear(TicksSeen(symbol=CALL, ticks=tuple(burst)), Pulse(at=at("09:26")))
    closed = [m.bar.minute for m in stand.post.to("strategy") if isinstance(m, BarClosed)]
    assert closed == [at(f"09:{minute}") for minute in range(15, 25)]


@pytest.mark.incident("INC-23")
def test_ticks_before_history_wait_their_turn() -> None:
    stand = Stand("09:17:30")
    ((call, _),) = stand.broker.reads
    assert call == ReadHistory(symbol=CALL, exchange="NFO", day=Day("2026-11-19"), rank=1)
    gap = a_tick("09:17:40", 10_000, 900, gap=True)
    stand.ticks(gap, a_tick("09:18:01", 10_100, 965, seq=1, volume=65))
    stand.ticks(a_tick("09:19:01", 10_100, 1030, seq=2, volume=65))
    closed = [m for m in stand.post.to("strategy") if isinstance(m, BarClosed)]
    assert [(m.bar.minute, m.settled) for m in closed] == [(at("09:18"), OPEN)]
    told = stand.history("09:17:31", a_row("09:15"), a_row("09:16"), a_row("09:17"))
    filled = told[0].message
    assert isinstance(filled, BarsBackfilled)
    assert (filled.since, filled.settled) == (OPEN, at("09:17"))
    assert told == both(filled)
    stand.pulse("09:19:02")
    assert len(stand.broker.reads) == 1
    rows = [a_row(f"09:{minute}") for minute in (15, 16, 17, 18, 19)]
    filled = stand.history("09:19:02", *rows)[0].message
    assert isinstance(filled, BarsBackfilled)
    assert [(b.minute, b.provenance) for b in filled.bars] == [
        (at("09:17"), Provenance.BACKFILLED),
        (at("09:18"), Provenance.WS),
    ]
    assert filled.settled == at("09:19")


def test_history_is_not_asked_before_the_open_nor_twice_at_once() -> None:
    stand = Stand("09:05")
    stand.pulse("09:14:59")
    assert stand.broker.reads == []
    late = Stand("09:20:30")
    late.pulse("09:21:30")
    assert len(late.broker.reads) == 1


def ranks(stand: Stand) -> list[int]:
    return [call.rank for call, _ in stand.broker.reads if isinstance(call, ReadHistory)]


def test_history_of_a_watched_symbol_overtakes() -> None:
    stand = Stand("09:20:30", rank=40)
    watch = WatchPrice(symbol=CALL, on=True)
    stand.hear(watch, watch)
    assert ranks(stand) == [40, 0]
    for _ in range(2):
        stand.history("09:20:30", a_row("09:15"))
    stand.pulse("09:21:30")
    assert ranks(stand) == [0]
    stand.history("09:21:30", a_row("09:15"))
    stand.hear(WatchPrice(symbol=CALL, on=False))
    stand.pulse("09:22:30")
    assert ranks(stand) == [40]


def test_failed_history_is_asked_for_again_after_a_while(caplog: pytest.LogCaptureFixture) -> None:
    stand = Stand("09:20:58")
    failed = Failed(call="history", outcome=Outcome.UNKNOWN, at=at("09:20:59"))
    stand.broker.answer(failed)
    assert stand.hear(stand.post.take()[0].message) == []
    asked = []
    for wall in ("09:21:11", "09:21:12", "09:21:57", "09:21:58"):
        stand.pulse(wall)
        asked.append(len(stand.broker.reads))
        if stand.broker.reads:
            stand.broker.answer(failed)
            stand.hear(stand.post.take()[0].message)
    assert asked == [0, 1, 0, 1]
    # The lanes tell of it, once for all symbols.
    assert caplog.records == []


def test_question_whose_answer_is_lost_is_asked_again() -> None:
    stand = Stand("09:20:30")
    asked = []
    for wall in ("09:25:29", "09:25:30", "09:30:29", "09:30:30"):
        stand.pulse(wall)
        asked.append(len(stand.broker.reads))
    assert asked == [1, 2, 2, 3]


def test_answer_to_a_question_of_a_former_life_is_taken() -> None:
    stand = Stand("09:20:30")
    stand.history("09:20:30", a_row("09:15"), a_row("09:19"))
    reply = History(symbol=CALL, bars=(a_row("09:15"), a_row("09:19")), asked_at=at("09:20:31"))
    assert stand.hear(HistoryRead(symbol=CALL, reply=reply)) == []
    failed = Failed(call="history", outcome=Outcome.UNKNOWN, at=at("09:20:40"))
    assert stand.hear(HistoryRead(symbol=CALL, reply=failed)) == []


def test_disputed_bar_is_counted_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    stand = Stand()
    stand.ticks(*traded(("09:15:01", 10_000, 65), ("09:16:01", 10_005, 130)))
    reply = History(symbol=CALL, bars=(a_row("09:15", (1000,) * 4, 65),), asked_at=at("09:17"))
    stand.hear(HistoryRead(symbol=CALL, reply=reply))
    assert [r.getMessage() for r in caplog.records] == [f"bar_mismatch {CALL} n=1"]


@pytest.mark.incident("INC-25")
def test_short_answer_and_its_bad_rows_are_counted_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stand = Stand()
    stand.ticks(*traded(("09:15:01", 10_000, 65), ("09:16:01", 10_005, 130)))
    rows = (a_row("09:16", (10_001,) * 4, 65), a_row("09:17", volume=65))
    reply = History(symbol=CALL, bars=rows, asked_at=at("09:19"))
    stand.hear(HistoryRead(symbol=CALL, reply=reply))
    said = [f"history_bad_rows {CALL} n=1", f"history_short {CALL} n=1"]
    assert [r.getMessage() for r in caplog.records] == said


def test_extremes_are_told_and_prices_only_of_watched_symbols() -> None:
    stand = Stand()
    first, lower, between, higher = traded(
        ("09:15:01", 10_000, 65),
        ("09:15:02", 9_900, 130),
        ("09:15:03", 9_950, 195),
        ("09:15:04", 10_100, 260),
    )
    assert [len(stand.ticks(tick)) for tick in (first, lower, between, higher)] == [1, 1, 0, 1]
    told = stand.post.sent[0]
    assert told.address == "strategy"
    assert isinstance(told.message, BarUpdated)
    assert (told.message.now.high, told.message.now.low) == (10_100, 9_900)
    stand.hear(WatchPrice(symbol=CALL, on=True))
    more = traded(("09:15:05", 9_960, 325), ("09:15:05.1", 9_970, 390))
    assert [len(stand.ticks(tick)) for tick in more] == [1, 0]
    (held,) = stand.pulse("09:15:06")
    assert isinstance(held.message, BarUpdated)
    assert held.message.now.last == 9_970
    stand.hear(WatchPrice(symbol=CALL, on=False))
    assert stand.ticks(*traded(("09:15:09", 9_980, 455))) == []


def test_feed_gap_taints_what_was_closed_and_what_closes_while_it_lasts() -> None:
    stand = Stand()
    stand.ticks(*traded(("09:15:01", 10_000, 65), ("09:15:58", 10_000, 130)))
    stand.pulse("09:16:02")
    lost = FeedLost(
        at=at("09:16:03"), source=Source.PRIMARY, epoch=1, since=at("09:15:58"), reason="quiet"
    )
    told = stand.hear(lost)
    assert [b.provenance for m in told[:1] for b in _bars(m)] == [Provenance.GAP]
    assert stand.hear(lost) == []
    restored = FeedRestored(
        at=at("09:18:10"),
        source=Source.PRIMARY,
        epoch=1,
        since=at("09:15:58"),
        until=at("09:18:10"),
    )
    stand.pulse("09:18:02")
    stand.hear(restored)
    stand.pulse("09:20:02")
    builder = stand.actor._lines[CALL].builder
    assert builder.wanted(at("09:21")) == tuple(at(f"09:{m}") for m in (15, 16, 17, 18))


def _bars(told: To) -> tuple[Any, ...]:
    assert isinstance(told.message, BarsBackfilled)
    return told.message.bars


def test_minutes_of_polling_are_asked_for_until_the_stream_is_back() -> None:
    stand = Stand()
    stand.ticks(*traded(("09:15:01", 10_000, 65)))
    for source, wall in ((Source.REST, "09:16:10"), (Source.PRIMARY, "09:18:20")):
        when = at(wall)
        stand.hear(FeedRestored(at=when, source=source, epoch=2, since=when, until=when))
        stand.pulse(wall)
    stand.pulse("09:21:02")
    builder = stand.actor._lines[CALL].builder
    assert builder.wanted(at("09:22")) == tuple(at(f"09:{m}") for m in (16, 17, 18))


def test_whole_day_is_told_again_to_a_strategy_that_was_restarted() -> None:
    stand = Stand()
    stand.ticks(*traded(("09:15:01", 10_000, 65), ("09:16:01", 10_005, 130)))
    ((address, message),) = stand.hear(BarsWanted(symbol=CALL))
    assert address == "strategy"
    assert isinstance(message, BarsBackfilled)
    assert (message.symbol, message.since, message.settled) == (CALL, OPEN, at("09:16"))
    assert [bar.minute for bar in message.bars] == [OPEN]


def test_beginning_again_keeps_the_bars() -> None:
    stand = Stand()
    stand.ticks(*traded(("09:15:01", 10_000, 65), ("09:16:01", 10_005, 130)))
    with freeze_time(clock.moment(at("09:17"))):
        assert stand.hear(stand.wish) == []
    assert len(stand.actor._lines[CALL].builder.whole().bars) == 1


def test_symbols_it_does_not_host_are_none_of_its_business() -> None:
    stand = Stand()
    strange = [
        TicksSeen(symbol=PUT, ticks=(a_tick(symbol=PUT),)),
        WatchPrice(symbol=PUT, on=True),
        BarsWanted(symbol=PUT),
        HistoryRead(symbol=PUT, reply=History(symbol=PUT, bars=(), asked_at=at("10:00"))),
    ]
    assert stand.hear(*strange) == []


def test_symbols_of_one_actor_do_not_touch_each_other() -> None:
    together, alone = Stand(symbols=OPTIONS), Stand()
    calls = traded(("09:15:01", 10_000, 65), ("09:16:01", 10_005, 130))
    puts = traded(("09:15:30", 20_000, 650), ("09:16:30", 20_005, 715), symbol=PUT)
    told = together.ticks(*calls) + together.ticks(*puts) + together.pulse("09:17:02")
    expected = alone.ticks(*calls) + alone.pulse("09:17:02")
    assert [to for to in told if _symbol(to.message) == CALL] == expected
    closed = {_symbol(m) for _, m in told if isinstance(m, BarClosed)}
    assert closed == {CALL, PUT}


def _symbol(message: Any) -> Symbol:
    symbol: Symbol = message.bar.symbol if isinstance(message, BarClosed) else message.now.symbol
    return symbol


def test_index_prices_need_not_lie_on_a_tick() -> None:
    stand = Stand("09:16:30", symbols=INDEX, rank=0)
    row = a_row("09:15", (2_600_001, 2_600_003, 2_600_001, 2_600_002), 0)
    told = stand.history("09:16:30", row, symbol=NIFTY)
    assert [bar.open for bar in _bars(told[0])] == [2_600_001]
    assert [type(m) for _, m in stand.ticks(an_index_tick("09:16:31"))] == [BarUpdated]


def test_minutes_in_which_a_symbol_was_missed_are_gaps() -> None:
    stand = Stand()
    stand.ticks(*traded(("09:15:01", 10_000, 65), ("09:16:00", 10_005, 130)))
    stand.pulse("09:17:02")
    stand.hear(PricesMissed(symbol=CALL, since=at("09:16:10"), until=at("09:17:05")))
    told = stand.post.to("strategy")[-1]
    assert isinstance(told, BarsBackfilled)
    assert [bar.provenance for bar in told.bars] == [Provenance.GAP]
    assert (told.since, told.settled) == (at("09:16"), at("09:16"))
    stand.ticks(*traded(("09:17:06", 10_010, 130)))
    stand.pulse("09:18:02")
    closed = stand.post.to("strategy")[-1]
    assert isinstance(closed, BarClosed)
    assert (closed.bar.minute, closed.bar.provenance) == (at("09:17"), Provenance.GAP)
