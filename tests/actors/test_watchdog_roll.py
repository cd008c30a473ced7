"""WatchdogActor calls the roll: who lives and does not answer is given up, or ends the process."""

import pytest

from domain.lineup import option_groups
from domain.status import Member
from domain.supervision import MOST_STUCK
from domain.units import SECOND, Micros
from messages.control import ActorDied, Begin, ClockJumped, Ended, Pulse, RecoveryDone, WorkerDied
from messages.orders import ActorLost, StrategyLost
from tests.actors.fakes import To
from tests.actors.watchdog_stand import CHAIN, LIVE, orders, ready
from tests.domain.tape import CALL, a_plan, at

BAR = f"bar:{CALL}"
REST = ("reconcile", "feed", "strategy", "journal", "monitor", "alerts")


def test_everybody_is_asked_bars_less_often() -> None:
    stand = ready()
    stand.roll.clear()
    stand.play("10:00:01", "10:01:01", ticking=True)
    asked = {address: stand.roll.count(address) for address in stand.roll}
    bars = {"bar:NIFTY", *(group.address for group in option_groups(CHAIN, 1))}
    assert asked == dict.fromkeys(("order", *REST), 12) | dict.fromkeys(bars, 2)


@pytest.mark.parametrize("address", REST)
def test_stuck_actor_is_given_up_after_15_s_and_rebuilt(address: str) -> None:
    stand = ready()
    stand.mute = {address}
    stand.play("10:00:01", "10:00:10", ticking=True)
    assert (stand.spawner.abandoned, stand.spawner.take()) == ([], [])
    stand.play("10:00:10", "10:00:17", ticking=True)
    assert (stand.spawner.abandoned, stand.spawner.take()) == ([address], [address])


def test_stuck_bar_actor_is_given_up_after_90_s(caplog: pytest.LogCaptureFixture) -> None:
    stand = ready()
    stand.mute = {BAR}
    stand.play("10:00:01", "10:00:59", ticking=True)
    assert stand.spawner.abandoned == []
    stand.play("10:00:59", "10:01:31", ticking=True)
    assert (stand.spawner.abandoned, stand.spawner.take()) == ([BAR], [(CALL,)])
    assert f"{BAR} is dead error=it does not answer from its inbox" in caplog.text


def test_stuck_strategy_is_told_of_and_its_heir_told_everything() -> None:
    stand = ready()
    stand.mute = {"strategy"}
    told = orders(stand.play("10:00:01", "10:00:16", ticking=True))
    # The last question it answered was that of 10:00.
    assert [second for second, _ in told] == ["+14"] * len(told)
    assert [to for _, to in told] == [
        To("order", StrategyLost(at=at("10:00:15"), too_often=False)),
        To("strategy", Begin(at=at("10:00:15"), restarted=True)),
        To("strategy", RecoveryDone(at=at("10:00:15"), plan=a_plan(), chain=CHAIN)),
        To("strategy", LIVE),
    ]


def test_stuck_order_actor_ends_the_process_once_and_is_not_given_up() -> None:
    stand = ready()
    stand.mute = {"order"}
    told = orders(stand.play("10:00:01", "10:02", ticking=True))
    reason = "order: it does not answer from its inbox"
    assert told == [("+14", To("main", Ended(at=at("10:00:15"), code=70, reason=reason)))]
    assert (stand.spawner.abandoned, stand.spawner.take()) == ([], [])


def test_no_fourth_actor_is_begun_while_three_hang_and_entries_end() -> None:
    stand = ready()
    stand.mute = {"journal"}
    told = orders(stand.play("10:00:01", "10:02", ticking=True))
    lost = [to.message for _, to in told if isinstance(to.message, ActorLost)]
    assert stand.spawner.abandoned == ["journal"] * MOST_STUCK
    assert stand.spawner.take() == ["journal"] * (MOST_STUCK - 1)
    assert [(each.address, each.poison) for each in lost] == [("journal", "")]
    stand.spawner.hanging["journal"] -= 1
    stand.mute = set()
    stand.play("10:02", "10:02:05", ticking=True)
    assert stand.spawner.take() == ["journal"]


def test_feed_that_hangs_again_and_again_ends_no_entries_and_no_process() -> None:
    stand = ready()
    stand.mute = {"feed"}
    told = orders(stand.play("10:00:01", "10:05", ticking=True))
    assert stand.spawner.abandoned == ["feed"] * MOST_STUCK
    assert not [to for _, to in told if isinstance(to.message, ActorLost | Ended)]


def test_sleep_of_the_process_is_nobodys_silence() -> None:
    stand = ready()
    stand.play("10:00:01", "10:00:10", ticking=True)
    stand.mute = {"order", *REST}
    stand.hands.at = at("10:30")
    stand.hear(ClockJumped(at=at("10:30"), since=at("10:00:10"), reason="slept"))
    assert orders(stand.play("10:30", "10:30:05", ticking=True)) == []
    assert stand.spawner.abandoned == []


def test_lane_workers_that_keep_dying_end_the_process() -> None:
    stand, told = ready(), []
    for second in range(8):
        now = Micros(at("10:00") + second * SECOND)
        told += stand.hear(WorkerDied(at=now, lane="exit-1"))
    reason = "lane workers die too often, the last of exit-1"
    assert told == [To("main", Ended(at=at("10:00:05"), code=70, reason=reason))]


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("strategy", [ActorLost(at=at("10:00"), address="strategy", poison="OrderChanged")]),
        ("reconcile", [ActorLost(at=at("10:00"), address="reconcile", poison="OrderChanged")]),
        ("monitor", []),
        ("feed", []),
    ],
)
def test_poison_ends_entries_where_it_may_have_been_about_orders(
    address: str, told: list[ActorLost]
) -> None:
    stand = ready()
    stand.spawner.alive.discard(address)
    died = ActorDied(at=at("10:00"), address=address, error="x", poison="OrderChanged")
    heard = stand.hear(died)
    assert [to.message for to in heard if isinstance(to.message, ActorLost)] == told


def test_word_of_poison_is_heard_also_after_its_victim_was_found_dead() -> None:
    stand = ready()
    stand.spawner.alive.discard("strategy")
    stand.hear(Pulse(at=at("10:00:01")))
    late = ActorDied(at=at("10:00"), address="strategy", error="x", poison="FeedTrusted")
    assert stand.hear(late) == [
        To("order", ActorLost(at=at("10:00"), address="strategy", poison="FeedTrusted"))
    ]


def test_people_are_told_who_lives_how_often_it_was_rebuilt_and_when_it_answered() -> None:
    stand = ready()
    stand.spawner.alive.discard("journal")
    for second in range(4):
        stand.spawner.alive.discard(BAR)
        now = Micros(at("10:00") + second * SECOND)
        stand.hear(ActorDied(at=now, address=BAR, error="x"))
    stand.spawner.alive.discard("feed")
    stand.hear(ActorDied(at=at("10:00:04"), address="feed", error="x"))
    stand.hear(Pulse(at=at("10:00:04")))
    stand.play("10:00:05", "10:01:01", ticking=True)
    named = {member.address: member for member in stand.cast}
    assert [*named] == ["order", *REST, "bar"]
    assert named["order"] == Member(address="order", state="alive", restarts=0, echo_s=3)
    assert (named["journal"].restarts, named["journal"].state) == (1, "alive")
    assert (named["feed"].restarts, named["feed"].state) == (1, "alive")
    assert (named["bar"].restarts, named["bar"].state) == (3, "6 of 7 alive")
