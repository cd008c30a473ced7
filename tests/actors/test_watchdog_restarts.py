"""WatchdogActor rebuilds the dead and tells them what they must know."""

import pytest

from domain.market import Source
from domain.units import SECOND, Micros, Symbol
from messages.control import ActorDied, Begin, ChainChosen, Ended, Heartbeat, Pulse, RecoveryDone
from messages.market import BeginBars, FeedRestored, WatchPrice
from messages.orders import ActorLost, FactsWanted, StrategyLost
from tests.actors.fakes import To
from tests.actors.watchdog_stand import CHAIN, GOOD, LIVE, Stand, messages, ready, vitals
from tests.domain.tape import CALL, a_plan, at


def counted(wall: str = "10:00") -> To:
    """What follows the first rebuild of a day."""
    return To("monitor", Heartbeat(at=at(wall), restarts=1, feed=GOOD))


def test_dead_bar_actor_is_rebuilt_with_its_symbols_at_once() -> None:
    stand = ready()
    stand.spawner.alive.discard(f"bar:{CALL}")
    died = ActorDied(at=at("10:00"), address=f"bar:{CALL}", error="ValueError()")
    told = stand.hear(died)
    assert stand.spawner.take() == [(CALL,)]
    assert [(a, type(m)) for a, m in told[:1]] == [(f"bar:{CALL}", BeginBars)]
    assert told[1:] == [To(f"bar:{CALL}", WatchPrice(symbol=CALL, on=True)), counted()]


def test_bar_actor_that_keeps_dying_is_quarantined(caplog: pytest.LogCaptureFixture) -> None:
    stand = ready()
    for second in range(6):
        stand.spawner.alive.discard(f"bar:{CALL}")
        now = Micros(at("10:00") + second * SECOND)
        stand.hear(ActorDied(at=now, address=f"bar:{CALL}", error="ValueError()"))
    assert stand.spawner.take() == [(CALL,)] * 3
    assert len([r for r in caplog.records if "Quarantine" in r.getMessage()]) == 1
    stand.hear(Pulse(at=at("11:00")))
    assert stand.spawner.take() == []


def test_dead_strategy_is_rebuilt_and_told_the_day_and_whether_it_may_enter() -> None:
    stand = ready()
    stand.spawner.alive.discard("strategy")
    told = stand.hear(ActorDied(at=at("10:00"), address="strategy", error="x"))
    assert stand.spawner.take() == ["strategy"]
    assert told == [
        To("order", StrategyLost(at=at("10:00"), too_often=False)),
        To("strategy", Begin(at=at("10:00"), restarted=True)),
        To("strategy", RecoveryDone(at=at("10:00"), plan=a_plan(), chain=CHAIN)),
        To("strategy", LIVE),
        counted(),
    ]


def test_rebuilt_strategy_is_told_how_prices_come() -> None:
    stand = ready()
    news = FeedRestored(
        at=at("10:00"), source=Source.REST, epoch=2, since=at("09:59"), until=at("10:00")
    )
    stand.hear(news)
    stand.spawner.alive.discard("strategy")
    told = stand.hear(ActorDied(at=at("10:00"), address="strategy", error="x"))
    assert told[3:5] == [To("strategy", news), To("strategy", LIVE)]


def test_strategy_that_keeps_dying_is_rebuilt_and_told_of_as_unfit() -> None:
    stand, lost = ready(), []
    for second in range(4):
        stand.spawner.alive.discard("strategy")
        now = Micros(at("10:00") + second * SECOND)
        told = stand.hear(ActorDied(at=now, address="strategy", error="x"))
        lost += [m.too_often for _, m in told if isinstance(m, StrategyLost)]
    assert lost == [False, False, False, True]
    assert stand.spawner.take() == ["strategy"] * 3
    stand.hear(Pulse(at=at("10:00:13")))
    assert stand.spawner.take() == ["strategy"]


def test_chain_chosen_today_is_told_to_whom_is_rebuilt_later() -> None:
    stand = Stand()
    stand.recover("09:10")
    stand.hear(
        ChainChosen(at=at("09:16"), plan=a_plan(), chain=CHAIN),
        RecoveryDone(at=at("09:17"), plan=a_plan(), chain=None),
        Pulse(at=at("09:59")),
    )
    stand.spawner.alive.discard("feed")
    stand.hear(ActorDied(at=at("10:00"), address="feed", error="x"))
    told = stand.hear(Pulse(at=at("10:00:01")))
    assert told[:2] == [
        To("feed", Begin(at=at("10:00"), restarted=True, epoch=10)),
        To("feed", RecoveryDone(at=at("10:00:01"), plan=a_plan(), chain=CHAIN)),
    ]


def test_rebuilt_feed_is_told_which_epochs_are_used() -> None:
    stand, epoch = ready(), 7
    stand.hear(vitals(epoch=epoch), vitals(epoch=epoch - 1))
    begun = []
    for now in (at("10:00"), at("10:01")):
        stand.spawner.alive.discard("feed")
        stand.hear(ActorDied(at=now, address="feed", error="x"))
        told = stand.hear(Pulse(at=Micros(now + SECOND)))
        begun += [m.epoch for to, m in told if to == "feed" and isinstance(m, Begin)]
    # The first of the two died before anything was heard of it.
    assert begun == [epoch + 10, epoch + 20]


def test_dead_feed_is_rebuilt_for_ever_after_a_wait() -> None:
    stand = ready()
    rebuilt = []
    for second in range(120):
        now = Micros(at("10:00") + second * SECOND)
        if stand.spawner.is_alive("feed"):
            stand.spawner.alive.discard("feed")
            stand.hear(ActorDied(at=now, address="feed", error="x"))
        stand.hear(Pulse(at=now))
        if "feed" in stand.spawner.take():
            rebuilt.append(second)
    assert rebuilt[:5] == [1, 3, 5, 8, 13]
    assert len(rebuilt) >= 12


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("reconcile", [To("reconcile", Begin(at=at("10:00"), restarted=True))]),
        ("journal", [To("journal", Begin(at=at("10:00"), restarted=True))]),
        (
            "monitor",
            [
                To("monitor", Begin(at=at("10:00"), restarted=True)),
                To("monitor", RecoveryDone(at=at("10:00"), plan=a_plan(), chain=CHAIN)),
                To("order", FactsWanted(who="monitor")),
            ],
        ),
    ],
)
def test_others_are_rebuilt_and_told_what_they_missed(address: str, told: list[To]) -> None:
    stand = ready()
    stand.spawner.alive.discard(address)
    died = ActorDied(at=at("10:00"), address=address, error="x")
    assert stand.hear(died) == [*told, counted()]
    assert stand.spawner.take() == [address]


def test_dead_order_actor_ends_the_process_once() -> None:
    stand = ready()
    stand.spawner.alive.discard("order")
    died = ActorDied(at=at("10:00"), address="order", error="JournalError()")
    assert stand.hear(died, died, Pulse(at=at("10:00:03"))) == [
        To("main", Ended(at=at("10:00"), code=70, reason="order: JournalError()"))
    ]
    assert stand.spawner.take() == []


def test_actor_that_died_without_a_word_is_found_at_the_pulse() -> None:
    stand = ready()
    stand.spawner.alive.discard("journal")
    told = stand.hear(Pulse(at=at("10:00:01")))
    assert stand.spawner.take() == ["journal"]
    begin = Begin(at=at("10:00:01"), restarted=True)
    assert told == [To("journal", begin), counted("10:00:01")]
    late = ActorDied(at=at("10:00"), address="journal", error="x")
    assert stand.hear(late, Pulse(at=at("10:00:02"))) == []
    assert stand.spawner.take() == []


def test_actor_that_was_never_alive_is_not_missed() -> None:
    stand = Stand()
    stand.spawner.alive.clear()
    stand.hear(Pulse(at=at("09:00")), Pulse(at=at("09:00:01")))
    assert stand.spawner.take() == []


def test_restarts_are_counted_in_the_heartbeat() -> None:
    stand = ready()
    for address in ("journal", "strategy"):
        stand.spawner.alive.discard(address)
        stand.hear(ActorDied(at=at("10:00"), address=address, error="x"))
    told = messages(stand.play("10:00:30", "10:01:01", ticking=True))
    assert [m.restarts for _, m in told if isinstance(m, Heartbeat)] == [2]


def test_bar_symbols_are_named_by_their_first() -> None:
    stand = Stand(group_size=2)
    stand.recover("11:00", CHAIN)
    stand.hear(Pulse(at=at("11:00")))
    put = Symbol("NIFTY24NOV2626000PE")
    stand.spawner.take()
    stand.spawner.alive -= {f"bar:{CALL}", f"bar:{put}"}
    stand.hear(ActorDied(at=at("11:00:01"), address=f"bar:{CALL}", error="x"))
    assert stand.spawner.take() == [(CALL, put)]


@pytest.mark.parametrize(("address", "deaths"), [("reconcile", 5), ("journal", 5), ("monitor", 5)])
def test_actor_that_dies_too_often_is_rebuilt_slowly_and_ends_entries(
    address: str, deaths: int
) -> None:
    stand = ready()
    told = []
    for second in range(deaths + 1):
        stand.spawner.alive.discard(address)
        now = Micros(at("10:00") + second * SECOND)
        told += stand.hear(ActorDied(at=now, address=address, error="x"))
    lost = ActorLost(at=Micros(at("10:00") + deaths * SECOND), address=address)
    assert [to for to in told if to.address == "order" and isinstance(to.message, ActorLost)] == [
        To("order", lost)
    ]


def test_feed_that_dies_too_often_ends_no_entries_by_itself() -> None:
    stand = ready()
    for second in range(20):
        stand.spawner.alive.discard("feed")
        now = Micros(at("10:00") + second * SECOND)
        told = stand.hear(ActorDied(at=now, address="feed", error="x"))
        assert [to for to in told if isinstance(to.message, ActorLost)] == []
        stand.hear(Pulse(at=Micros(now + SECOND)))
