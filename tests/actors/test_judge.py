"""What the watchdog makes of a feed that is late: after a sleep, or because it is stuck."""

import pytest
from msgspec.structs import replace

from domain.feed_watch import UNANSWERED
from domain.market import Source
from domain.signs import RestVerdict
from domain.units import SECOND, Micros
from messages.control import ClockJumped, Pulse, Reconnect, SelectSource
from messages.orders import FeedTrusted, FlattenAll, PositionChanged
from tests.actors.fakes import To
from tests.actors.watchdog_stand import Stand, messages, ready
from tests.domain.tape import at
from tests.domain.wares import a_leg

DEEDS = Reconnect | SelectSource | FeedTrusted | FlattenAll


def deeds(told: list[To]) -> list[To]:
    """All that changes anything."""
    return [to for to in told if isinstance(to.message, DEEDS)]


def woken(stand: Stand, wall: str) -> list[To]:
    """Wake up: the pulse is there before the feed has said a word."""
    jumped = ClockJumped(at=at(wall), since=at("10:00"), reason="the process slept")
    return stand.hear(jumped, Pulse(at=at(wall)))


def pulsed(stand: Stand, since: str, seconds: int) -> list[To]:
    """Pulse without a word of the feed."""
    told = []
    for second in range(seconds):
        told += stand.hear(Pulse(at=Micros(at(since) + second * SECOND)))
    return told


@pytest.mark.parametrize("is_exposed", [False, True])
def test_waking_up_leaves_a_live_socket_alone(is_exposed: bool) -> None:
    stand = ready()
    stand.health = replace(stand.health, rest=RestVerdict.LIVE)
    if is_exposed:
        stand.hear(PositionChanged(at=at("09:30"), leg=a_leg()))
    stand.play("10:00:01", "10:00:02", ticking=True)
    assert deeds(woken(stand, "10:10:30")) == []
    assert deeds(messages(stand.play("10:10:31", "10:12:30", ticking=True))) == []


def test_waking_up_in_the_dark_flattens_nothing_at_once() -> None:
    stand = ready()
    stand.health = replace(stand.health, rest=RestVerdict.STALE)
    stand.hear(PositionChanged(at=at("09:30"), leg=a_leg()))
    stand.play("10:00:01", "10:03", ticking=False)
    told = woken(stand, "10:12") + messages(stand.play("10:12:01", "10:16:59", ticking=False))
    assert [to for to in told if isinstance(to.message, FlattenAll)] == []
    told = messages(stand.play("10:16:59", "10:17:01", ticking=False))
    assert To("order", FlattenAll(at=at("10:17"), reason="BLIND")) in told


def test_last_word_of_a_stuck_feed_is_not_believed_for_ever(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stand = Stand(rest_entries="paper")
    stand.recover()
    stand.play("09:59", "10:00:01", ticking=True)
    stand.hear(PositionChanged(at=at("09:30"), leg=a_leg()))
    stand.health = replace(stand.health, rest=RestVerdict.LIVE)
    stand.play("10:00:01", "10:00:41", ticking=False)
    stand.health = replace(stand.health, source=Source.REST)
    stand.play("10:00:41", "10:01", ticking=False)
    assert deeds(pulsed(stand, "10:01", UNANSWERED - 1)) == []
    told = pulsed(stand, "10:01:20", 600)
    trust = [to.message for to in told if isinstance(to.message, FeedTrusted)]
    assert [(word.entries, word.is_blind) for word in trust] == [(False, True)] * 2
    assert [to for to in told if isinstance(to.message, FlattenAll)]
    pages = [r.getMessage() for r in caplog.records if r.levelname == "ERROR"]
    assert len([page for page in pages if "the feed actor is stuck" in page]) == 1


def test_feed_that_is_rebuilt_within_its_longest_wait_is_not_stuck(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stand = ready()
    stand.health = replace(stand.health, rest=RestVerdict.LIVE)
    pulsed(stand, "10:00:01", 12)
    stand.play("10:00:13", "10:00:20", ticking=True)
    pulsed(stand, "10:00:20", 12)
    assert not [line for line in caplog.messages if "stuck" in line]
