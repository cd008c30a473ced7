"""WatchdogActor judges the feed by its policy and speaks once a minute."""

from typing import Any

import pytest
from msgspec.structs import replace

from domain.market import Source
from domain.orders import Purpose, State
from domain.positions import Phase
from domain.session import show
from domain.signs import RestVerdict
from domain.status import FeedView
from domain.units import SECOND, Micros, Symbol
from messages.control import ChainChosen, Heartbeat, Pulse, Reconnect, SelectSource
from messages.market import BeginBars, FeedLost, FeedRestored, WatchPrice
from messages.orders import FeedTrusted, FlattenAll, OrderChanged, PositionChanged
from tests.actors.fakes import To
from tests.actors.watchdog_stand import CHAIN, GOOD, INDEX, LIVE, Stand, messages, orders, ready
from tests.domain.feed_day import a_sign
from tests.domain.tape import CALL, NIFTY, a_chain, a_plan, at
from tests.domain.wares import a_leg, an_order


def test_recovery_starts_the_bars_of_the_index() -> None:
    stand = Stand()
    told = stand.recover("09:10")
    assert stand.spawner.take() == [(NIFTY,)]
    assert told == [
        To("bar:NIFTY", BeginBars(plan=a_plan(), symbols=(INDEX,), contracts=(), rank=0)),
        To("bar:NIFTY", WatchPrice(symbol=NIFTY, on=True)),
    ]
    assert stand.recover("09:11") == []


def test_index_is_not_watched_once_the_contracts_are_known() -> None:
    told = Stand().recover("11:00", CHAIN)
    assert {type(message) for _, message in told} == {BeginBars}


def test_chain_starts_a_bar_actor_for_each_option_the_money_first() -> None:
    stand = Stand()
    stand.recover("09:10")
    stand.spawner.take()
    chosen = ChainChosen(at=at("09:16"), plan=a_plan(), chain=CHAIN)
    told = stand.hear(chosen)
    assert [symbols[0][-7:] for symbols in stand.spawner.take()][:2] == ["26000CE", "26000PE"]
    assert told[0] == To(
        f"bar:{CALL}",
        BeginBars(
            plan=a_plan(),
            symbols=((CALL, "NFO"),),
            contracts=tuple(c for c in CHAIN.contracts if c.symbol == CALL),
            rank=1,
        ),
    )
    assert len(told) == 6
    assert stand.hear(chosen) == []


def test_chain_of_the_journal_starts_all_bars_and_several_may_share_an_actor() -> None:
    stand = Stand(group_size=4)
    told = stand.recover("11:00", CHAIN)
    assert [len(symbols) for symbols in stand.spawner.take()] == [1, 4, 2]
    assert [len(m.symbols) for _, m in told if isinstance(m, BeginBars)] == [1, 4, 2]


def test_contracts_that_joined_get_bar_actors_of_their_own_and_nobody_else_hears_of_it() -> None:
    stand = Stand(group_size=4)
    stand.recover("11:00", CHAIN)
    stand.spawner.take()
    grown = CHAIN.grown(a_chain(-100, 100).contracts)
    told = stand.hear(ChainChosen(at=at("11:30"), plan=a_plan(), chain=grown))
    assert [[s[-7:] for s in symbols] for symbols in stand.spawner.take()] == [
        ["25900CE", "25900PE", "26100CE", "26100PE"]
    ]
    assert [(to.address[-7:], type(to.message)) for to in told] == [("25900CE", BeginBars)]


def test_new_bar_actor_is_told_how_prices_come() -> None:
    stand = Stand()
    news = FeedRestored(
        at=at("09:12"), source=Source.REST, epoch=2, since=at("09:11"), until=at("09:12")
    )
    lost = FeedLost(at=at("09:11"), source=Source.PRIMARY, epoch=1, since=at("09:11"), reason="")
    assert stand.hear(lost, news) == []
    told = stand.recover("09:13")
    assert told[1] == To("bar:NIFTY", news)


def test_entries_are_trusted_with_the_first_canary_tick_of_the_day() -> None:
    stand = Stand()
    stand.recover()
    assert orders(stand.play("09:58", "09:59", ticking=False)) == []
    told = messages(orders(stand.play("09:59", "09:59:30", ticking=True)))
    assert told == [To("order", LIVE), To("strategy", LIVE)]


@pytest.mark.incident("INC-02")
def test_feed_that_never_ticked_since_the_open_is_lost() -> None:
    stand = Stand()
    stand.recover("09:05")
    told = stand.play("09:05", "09:17:15", ticking=False)
    assert [(second, m) for second, (a, m) in told if a == "feed"] == [
        ("+660", Reconnect(at=at("09:16"), reason="no ticks for 60 s")),
        (
            "+720",
            SelectSource(at=at("09:17"), source=Source.REST, reason="no ticks for 120 s"),
        ),
    ]
    assert not [to for _, to in told if isinstance(to.message, FeedTrusted)]


def test_mute_feed_is_reconnected_and_then_left() -> None:
    stand = ready()
    told = messages(stand.play("10:00:01", "10:03", ticking=False))
    assert [to for to in told if to.address == "feed"] == [
        To("feed", Reconnect(at=at("10:01"), reason="no ticks for 60 s")),
        To(
            "feed",
            SelectSource(at=at("10:02"), source=Source.REST, reason="no ticks for 120 s"),
        ),
        To("feed", SelectSource(at=at("10:02:30"), source=Source.REST, reason="it was chosen")),
    ]
    trusted = [(to.address, m) for to in told if isinstance(m := to.message, FeedTrusted)]
    assert [(address, m.entries, m.is_blind) for address, m in trusted] == [
        ("order", False, False),
        ("strategy", False, False),
        ("order", False, True),
        ("strategy", False, True),
    ]


@pytest.mark.parametrize(
    "fact",
    [
        PositionChanged(at=at("09:00"), leg=a_leg()),
        OrderChanged(at=at("09:00"), order=an_order()),
    ],
)
def test_live_position_or_entry_shortens_the_patience(fact: Any) -> None:
    stand = ready()
    stand.health = replace(stand.health, rest=RestVerdict.LIVE)
    stand.hear(fact)
    told = stand.play("10:00:01", "10:00:30", ticking=False)
    assert [second for second, to in told if isinstance(to.message, SelectSource)] == ["+19"]


@pytest.mark.incident("INC-13")
def test_freeze_after_a_fill_is_waited_out() -> None:
    stand = ready()
    stand.health = replace(stand.health, rest=RestVerdict.LIVE)
    stand.hear(PositionChanged(at=at("10:00"), leg=a_leg()))
    assert stand.play("10:00:01", "10:00:11", ticking=False) == []
    told = stand.play("10:00:11", "10:00:41", ticking=False)
    assert [second for second, to in told if isinstance(to.message, SelectSource)] == ["+24"]


def test_stop_orders_and_closed_legs_expose_nothing() -> None:
    stand = ready()
    stand.health = replace(stand.health, rest=RestVerdict.LIVE)
    stand.hear(
        OrderChanged(at=at("09:00"), order=an_order(purpose=Purpose.STOP)),
        OrderChanged(at=at("09:00"), order=an_order("2", state=State.CANCELLED)),
        PositionChanged(at=at("09:00"), leg=a_leg(phase=Phase.DONE)),
    )
    assert stand.play("10:00:01", "10:00:40", ticking=False) == []


def test_heartbeat_is_spoken_each_minute_to_log_and_monitor(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", logger="actors.judge")
    stand = ready()
    stand.health = replace(stand.health, seen=81, stale=2)
    stand.hear(PositionChanged(at=at("10:00"), leg=a_leg()))
    told = messages(stand.play("10:00:01", "10:02:30", ticking=True))
    text = "Positions: 1 | Data: 81/82 | Coverage: 98.8% | Stale: 2 | Source: WEBSOCKET"
    assert told == [
        To("monitor", Heartbeat(at=at(wall), restarts=0, feed=GOOD)) for wall in ("10:01", "10:02")
    ]
    spoken = [r for r in caplog.records if r.getMessage() == text]
    assert [getattr(record, "tag", "") for record in spoken] == ["HEARTBEAT"] * 2


def test_heartbeat_is_spoken_before_the_feed_was_ever_heard_of(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", logger="actors.judge")
    stand = Stand()
    stand.recover("09:10")
    told = stand.hear(Pulse(at=at("09:10:59")), Pulse(at=at("09:11")))
    assert told == [To("monitor", Heartbeat(at=at("09:11"), restarts=0))]
    text = "Positions: 0 | Data: 0/0 | Coverage: 0.0% | Stale: 0 | Source: WEBSOCKET"
    assert text in caplog.messages


def test_restriction_on_polled_prices_is_said_once_a_minute(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", logger="actors.judge")
    stand = ready()
    stand.play("10:00:01", "10:02:05", ticking=False)
    stand.health = replace(stand.health, source=Source.REST, rest=RestVerdict.LIVE)
    stand.play("10:02:05", "10:05", ticking=False)
    said = [r.getMessage() for r in caplog.records if "entries stay off" in r.getMessage()]
    polled = "entries stay off: prices are polled and feed.rest_entries is never"
    assert said == [polled, polled]


def test_ready_backup_is_chosen_and_the_silent_primary_opened_again_by_name() -> None:
    stand = ready()
    told = []
    for second in range(1, 20):
        now = Micros(at("10:00") + second * SECOND)
        primary = a_sign(canary_at=at("10:00"), since=at("09:59"), is_ready=True)
        backup = a_sign(Source.BACKUP, canary_at=now, since=at("09:59"), is_ready=True)
        health = replace(stand.health, at=now, streams=(primary, backup))
        told += [to for to in stand.hear(health, Pulse(at=now)) if to.address == "feed"]
    reason = "no ticks of primary for 15 s"
    assert told == [
        To("feed", SelectSource(at=at("10:00:15"), source=Source.BACKUP, reason=reason)),
        To(
            "feed",
            Reconnect(
                at=at("10:00:15"), source=Source.PRIMARY, reason="trying the WebSocket again"
            ),
        ),
    ]


def test_monitor_is_told_at_once_what_is_thought_of_the_feed_and_each_minute_again() -> None:
    stand = ready()
    stand.health = replace(stand.health, rest=RestVerdict.STALE)
    told = messages(stand.play("10:00:01", "10:04:10", ticking=False))
    beats = [to.message for to in told if isinstance(to.message, Heartbeat)]
    suspect = replace(GOOD, state="suspect", since=at("10:01"), doubt="no ticks for 60 s")
    lost = replace(suspect, is_trusted=False)
    blind = replace(lost, state="blind", since=at("10:02"), doubt="no live prices")
    assert [(show(beat.at), beat.feed) for beat in beats] == [
        ("10:01:00", GOOD),
        ("10:01:00", suspect),
        ("10:01:05", lost),
        ("10:02:00", lost),
        ("10:02:00", blind),
        ("10:03:00", blind),
        ("10:04:00", blind),
    ]


def test_monitor_is_told_of_a_long_time_on_polled_prices() -> None:
    stand = ready()
    stand.health = replace(stand.health, source=Source.REST, rest=RestVerdict.LIVE)
    told = messages(stand.play("10:00:01", "10:07:01", ticking=False))
    beats = [to.message for to in told if isinstance(to.message, Heartbeat)]
    assert [show(beat.at) for beat in beats if beat.feed and beat.feed.is_rest_long] == ["10:07:00"]
    assert beats[-1].feed == FeedView(
        state="fallback",
        since=at("10:02"),
        source_since=at("10:02"),
        doubt="prices are polled and feed.rest_entries is never",
        is_rest_long=True,
    )


def test_doubt_that_is_only_noted_is_not_shown() -> None:
    stand = ready()
    stand.hear(PositionChanged(at=at("09:00"), leg=a_leg()))
    assert stand.play("10:00:01", "10:00:40", ticking=False) == []


def test_blindness_pages_once_counts_down_and_leaves_the_shorts(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", logger="actors.judge")
    stand = ready()
    stand.health = replace(stand.health, rest=RestVerdict.STALE)
    stand.hear(PositionChanged(at=at("09:30"), leg=a_leg()))
    told = stand.play("10:00:01", "10:08", ticking=False)
    flattened = [(second, to) for second, to in told if isinstance(to.message, FlattenAll)]
    assert flattened[0] == ("+419", To("order", FlattenAll(at=at("10:07"), reason="BLIND")))
    assert [second for second, _ in flattened] == ["+419", "+449"]
    pages = [r.getMessage() for r in caplog.records if r.levelname == "ERROR"]
    assert [line.partition(";")[0] for line in pages] == [
        "BLIND: no source has live prices",
        "BLIND for 300 s: 1 short is flattened now, at the stops' limit prices",
    ]
    counted = [m for m in caplog.messages if m.startswith("BLIND for") and "unless" in m]
    assert counted == [
        f"BLIND for {60 * n} s: 1 short is flattened in {300 - 60 * n} s unless prices return"
        for n in range(1, 5)
    ]


def test_mute_symbols_are_named_once_and_their_return_is_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", logger="actors.judge")
    stand = ready()
    mute = tuple(Symbol(f"NIFTY24NOV26{strike}CE") for strike in range(25000, 25500, 50))
    stand.health = replace(stand.health, seen=72, mute=mute)
    stand.play("10:00:01", "10:05:30", ticking=True)
    stand.health = replace(stand.health, seen=82, mute=())
    stand.play("10:05:30", "10:07:30", ticking=True)
    said = [(r.levelname, r.getMessage()) for r in caplog.records if "coverage" in r.getMessage()]
    assert said == [
        ("WARNING", f"coverage is 87.8%, mute: {' '.join(mute)}"),
        ("INFO", "coverage is 100.0% again"),
    ]


def test_mute_symbols_of_a_dead_feed_are_no_news(caplog: pytest.LogCaptureFixture) -> None:
    stand = ready()
    stand.health = replace(stand.health, mute=(CALL,) * 80, rest=RestVerdict.LIVE)
    stand.play("10:00:01", "10:10", ticking=False)
    assert not [line for line in caplog.messages if "coverage" in line]


def test_flapping_doubt_while_exposed_is_no_line_of_the_story(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", logger="actors.judge")
    stand = ready()
    stand.hear(PositionChanged(at=at("09:00"), leg=a_leg()))
    caplog.clear()
    for minute in range(1, 5):
        stand.play(f"10:0{minute}", f"10:0{minute}:50", ticking=True)
        stand.play(f"10:0{minute}:50", f"10:0{minute + 1}", ticking=False)
    assert not [line for line in caplog.messages if "feed was" in line]
