"""FeedActor carries out what the day's feed decides, and tells everybody who has to know."""

import random
from typing import Any

import pytest
from freezegun import freeze_time

from actors.feed import FeedActor, FeedPorts
from domain import clock
from domain.calls import Quotes, ReadQuotes, StreamChange, StreamState
from domain.contracts import Chain
from domain.market import Source
from domain.orders import State
from domain.params import FeedParams, UniverseParams
from domain.positions import Phase
from domain.signs import RestVerdict, Sign
from domain.units import SECOND, Micros, Symbol
from messages.control import (
    Begin,
    ChainChosen,
    Pulse,
    Reconnect,
    RecoveryDone,
    SelectSource,
)
from messages.market import (
    FeedHealth,
    FeedLost,
    FeedRestored,
    QuotesPolled,
    StreamMoved,
    TicksArrived,
    TicksSeen,
)
from messages.orders import FactsWanted, OrderChanged, PositionChanged
from tests.actors.fakes import Connected, FakeBroker, FakeStream, RecordingPost, Subscribed, To
from tests.domain.tape import CALL, NIFTY, a_chain, a_plan, a_tick, an_index_tick, at
from tests.domain.wares import a_leg, a_quote, an_order

INDEX = (NIFTY, "NSE_INDEX")
FAR = Symbol("NIFTY24NOV2626100PE")


class Stand:
    """A feed actor on a fake stream and a fake broker."""

    def __init__(self, *, restarted: bool = False, **feed: int) -> None:
        self.post = RecordingPost()
        self.broker = FakeBroker()
        self.stream = FakeStream()
        self.actor = FeedActor(
            "feed",
            self.post,
            ports=FeedPorts({Source.PRIMARY: self.stream}, self.broker, random.Random(7)),
            params=FeedParams(**feed),  # type: ignore[arg-type]  # by name
            universe=UniverseParams(),
            index=INDEX,
        )
        self.hear(Begin(at=at("09:00"), restarted=restarted))

    def hear(self, *messages: Any) -> list[To]:
        """Hand messages in; return what is told because of them."""
        self.post.take()
        for message in messages:
            self.actor.on_receive(message)
        return self.post.sent

    def recover(self, wall: str, chain: Chain | None = None) -> list[To]:
        return self.hear(RecoveryDone(at=at(wall), plan=a_plan(), chain=chain))

    def play(self, since: str, until: str, *, ticking: bool = True) -> list[To]:
        """Tick and pulse once a second; return everything that was told."""
        told = self.hear(StreamMoved(change=self.ready(since)))
        with freeze_time(clock.moment(at(since))) as frozen:
            for second in range((at(until) - at(since)) // SECOND):
                now = Micros(at(since) + second * SECOND)
                frozen.move_to(clock.moment(now))
                tick = an_index_tick(now, epoch=self.connected()[-1].epoch)
                told += self.hear(*[TicksArrived(ticks=(tick,))] * ticking, Pulse(at=now))
        return told

    def ready(self, wall: str) -> StreamChange:
        """What the newest connection says once its symbols are subscribed."""
        return StreamChange(
            source=Source.PRIMARY,
            epoch=self.connected()[-1].epoch,
            state=StreamState.READY,
            at=at(wall),
            subscribed=1,
        )

    def polls(self) -> list[ReadQuotes]:
        return [call for call, _ in self.broker.reads if isinstance(call, ReadQuotes)]

    def connected(self) -> list[Connected]:
        return [call for call in self.stream.calls if isinstance(call, Connected)]

    def health(self, wall: str) -> FeedHealth:
        with freeze_time(clock.moment(at(wall))):
            told = self.hear(Pulse(at=at(wall)))
        (health,) = [m for a, m in told if a == "watchdog" and isinstance(m, FeedHealth)]
        return health


def kinds(told: list[To], *wanted: type) -> list[tuple[str, str]]:
    return [(address, type(m).__name__) for address, m in told if isinstance(m, wanted)]


def on_rest() -> Stand:
    stand = Stand(rest_strikes=0)
    stand.recover("09:58", a_chain())
    stand.play("09:58", "10:00")
    stand.hear(SelectSource(at=at("10:00"), source=Source.REST, reason="no ticks for 120 s"))
    return stand


def test_nothing_happens_before_recovery() -> None:
    stand = Stand()
    idle = [
        Pulse(at=at("09:05")),
        TicksArrived(ticks=(a_tick(),)),
        SelectSource(at=at("09:05"), source=Source.REST, reason="?"),
    ]
    assert stand.hear(*idle) == []
    assert stand.stream.calls == []


def test_it_connects_with_recovery_without_waiting_for_a_pulse() -> None:
    stand = Stand()
    stand.recover("09:10")
    assert stand.stream.calls == [Connected(1, (INDEX,))]
    stand.recover("09:11")
    assert stand.connected() == [Connected(1, (INDEX,))]


def test_recovery_before_nine_connects_with_the_pulse_of_nine() -> None:
    stand = Stand()
    stand.recover("08:30")
    stand.hear(Pulse(at=at("08:59:59")))
    assert stand.stream.calls == []
    stand.hear(Pulse(at=at("09:00")))
    assert stand.stream.calls == [Connected(1, (INDEX,))]


def test_options_are_subscribed_when_they_are_chosen() -> None:
    stand = Stand()
    stand.recover("09:10")
    stand.hear(ChainChosen(at=at("09:16"), plan=a_plan(), chain=a_chain()))
    _, subscribed = stand.stream.calls
    assert isinstance(subscribed, Subscribed)
    assert len(subscribed.symbols) == 10


def test_chain_of_the_journal_is_connected_at_once() -> None:
    stand = Stand()
    stand.recover("11:00", a_chain())
    ((epoch, pairs),) = stand.connected()
    assert (epoch, len(pairs), pairs[0]) == (1, 11, INDEX)


def test_ticks_go_to_the_bar_actor_of_their_symbol() -> None:
    stand = Stand()
    stand.recover("09:10", a_chain())
    call, index = a_tick("09:15:02", cum=65), an_index_tick("09:15:02")
    told = stand.hear(TicksArrived(ticks=(call, index, a_tick(ltp=0))))
    expected = a_tick("09:15:02", cum=65, volume=65)
    assert told == [
        To(f"bar:{CALL}", TicksSeen(symbol=CALL, ticks=(expected,))),
        To(f"bar:{NIFTY}", TicksSeen(symbol=NIFTY, ticks=(index,))),
    ]


def test_loss_and_return_are_told_to_bars_strategy_watchdog_and_journal() -> None:
    stand = Stand()
    stand.recover("09:59")
    stand.play("09:59", "10:00")
    told = stand.play("10:00", "10:00:10", ticking=False)
    told += stand.play("10:00:10", "10:00:12")
    everybody = ["bar:*", "strategy", "watchdog", "journal"]
    assert kinds(told, FeedLost, FeedRestored) == [
        *[(address, "FeedLost") for address in everybody],
        *[(address, "FeedRestored") for address in everybody],
    ]
    (lost, restored) = [m for a, m in told if a == "strategy"]
    assert lost == FeedLost(
        at=at("10:00:05"),
        source=Source.PRIMARY,
        epoch=1,
        since=at("09:59:59"),
        reason="no canary ticks for 5 s",
    )
    assert restored == FeedRestored(
        at=at("10:00:10"),
        source=Source.PRIMARY,
        epoch=1,
        since=at("09:59:59"),
        until=at("10:00:10"),
    )


def test_vital_signs_go_to_watchdog_and_monitor_each_pulse() -> None:
    stand = Stand()
    stand.recover("09:59", a_chain())
    stand.play("09:59", "09:59:30")
    stand.hear(TicksArrived(ticks=(a_tick("09:59:29"),)))
    told = stand.hear(Pulse(at=at("09:59:30")))
    health = FeedHealth(
        at=at("09:59:30"),
        source=Source.PRIMARY,
        epoch=1,
        canary_at=at("09:59:29"),
        seen=1,
        subscribed=10,
        stale=9,
        ticks=31,
        last_tick_at=at("09:59:29"),
        switches=0,
        streams=(
            Sign(
                source=Source.PRIMARY,
                canary_at=at("09:59:29"),
                since=at("09:59:00"),
                is_ready=True,
                agrees=True,
                is_connected=True,
            ),
        ),
        rest=RestVerdict.IDLE,
        mute=tuple(c.symbol for c in a_chain().contracts if c.symbol != CALL),
    )
    assert told == [To("watchdog", health), To("monitor", health)]


def test_reconnect_opens_the_next_epoch() -> None:
    stand = Stand()
    stand.recover("09:59")
    stand.play("09:59", "10:00")
    stand.hear(Reconnect(at=at("10:00"), reason="no ticks for 60 s"))
    stand.play("10:00", "10:00:03", ticking=False)
    assert [call.epoch for call in stand.connected()] == [1, 2]


@pytest.mark.incident("INC-08")
def test_reconnect_in_progress_flattens_nothing(caplog: pytest.LogCaptureFixture) -> None:
    stand = Stand()
    stand.recover("09:59")
    stand.play("09:59", "10:00")
    reconnect = Reconnect(at=at("10:00"), reason="no ticks for 60 s")
    told = stand.hear(reconnect, reconnect, reconnect)
    assert told == []
    assert "fail" not in caplog.text
    stand.play("10:00", "10:00:03", ticking=False)
    assert len(stand.connected()) == 2


def test_polls_on_rest_ask_for_own_symbols_and_the_money() -> None:
    stand = on_rest()
    stand.hear(
        PositionChanged(at=at("10:00"), leg=a_leg(symbol=FAR)),
        OrderChanged(at=at("10:00"), order=an_order("9", symbol=Symbol("GONE"))),
        OrderChanged(at=at("10:00"), order=an_order("9", state=State.FILLED)),
        Pulse(at=at("10:00:01")),
    )
    (call,) = stand.polls()
    assert [symbol for symbol, _ in call.symbols] == [NIFTY, FAR, CALL, "NIFTY24NOV2626000PE"]
    stand.broker.reads.clear()
    stand.hear(PositionChanged(at=at("10:00"), leg=a_leg(symbol=FAR, phase=Phase.DONE)))
    stand.play("10:00:07", "10:00:10", ticking=False)
    call = stand.polls()[-1]
    assert FAR not in {symbol for symbol, _ in call.symbols}


def test_answer_of_a_poll_comes_back_as_a_message_and_reaches_the_bars() -> None:
    stand = on_rest()
    told: list[To] = []
    for second in range(1, 8):
        now = Micros(at("10:00") + second * SECOND)
        stand.hear(Pulse(at=now))
        stand.broker.reads = [r for r in stand.broker.reads if isinstance(r[0], ReadQuotes)]
        if stand.broker.reads:
            stand.post.take()
            quote = a_quote(now, symbol=NIFTY, exchange="NSE_INDEX", ltp=2_600_000 + second)
            stand.broker.answer(Quotes(quotes=(quote,), missing=()))
            ((address, message),) = stand.post.take()
            assert address == "feed"
            assert isinstance(message, QuotesPolled)
            told += stand.hear(message)
    seen = [m for _, m in told if isinstance(m, TicksSeen)]
    ticks = [tick for message in seen for tick in message.ticks]
    assert {(tick.source, tick.epoch) for tick in ticks} == {(Source.REST, 2)}
    assert len(ticks) >= 3
    health = stand.health("10:00:08")
    assert (health.source, health.rest, health.switches) == (Source.REST, RestVerdict.LIVE, 1)


def test_switch_is_told_to_the_bars_so_that_they_know_how_prices_come() -> None:
    stand = Stand()
    stand.recover("09:59")
    stand.play("09:59", "10:00")
    select = SelectSource(at=at("10:00"), source=Source.REST, reason="a human said so")
    with freeze_time(clock.moment(at("10:00"))):
        told = stand.hear(select)
    restored = FeedRestored(
        at=at("10:00"), source=Source.REST, epoch=2, since=at("10:00"), until=at("10:00")
    )
    assert told[0] == To("bar:*", restored)
    assert stand.hear(select) == []


def test_restarted_feed_tells_what_was_missed_and_asks_for_the_facts() -> None:
    stand = Stand()
    stand.hear(Begin(at=at("10:00:07"), restarted=True))
    with freeze_time(clock.moment(at("10:00:10"))):
        told = stand.recover("10:00:10", a_chain())
    lost = FeedLost(
        at=at("10:00:10"),
        source=Source.PRIMARY,
        epoch=0,
        since=at("10:00:02"),
        reason="the feed was restarted",
    )
    assert told[0] == To("bar:*", lost)
    assert told[-1] == To("order", FactsWanted(who="feed"))
    told = stand.play("10:00:11", "10:00:12")
    assert kinds(told, FeedRestored)[0] == ("bar:*", "FeedRestored")


def test_same_random_stream_reconnects_at_the_same_times() -> None:
    def reconnects() -> list[Micros]:
        stand = Stand()
        stand.recover("09:59")
        times, now = [], at("09:59")
        while now < at("10:05"):
            before = len(stand.connected())
            stand.hear(Pulse(at=now))
            if len(stand.connected()) > before:
                times.append(now)
            now = Micros(now + SECOND)
        return times

    assert reconnects() == reconnects()
    assert len(reconnects()) >= 5


def test_story_of_an_outage_is_told_once_in_order(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="actors.feed")
    stand = Stand()
    stand.recover("09:59")
    stand.play("09:59", "10:00")
    stand.hear(Reconnect(at=at("10:01:30"), reason="no ticks for 60 s"))
    stand.hear(SelectSource(at=at("10:02:30"), source=Source.REST, reason="no ticks for 120 s"))
    stand.hear(SelectSource(at=at("10:03:30"), source=Source.PRIMARY, reason="30 s of own ticks"))
    story = [r.getMessage() for r in caplog.records if not r.getMessage().startswith("NIFTY:")]
    assert story == [
        "Connected: WebSocket symbols=1 epoch=1",
        "No ticks for 60 s, reconnecting",
        "No ticks for 120 s",
        "WebSocket is not broadcasting, starting REST",
        "Back to WEBSOCKET: 30 s of own ticks",
    ]
    spot = next(r.getMessage() for r in caplog.records if r.getMessage().startswith("NIFTY:"))
    assert spot == "NIFTY: 26000.00 [WEBSOCKET]"
