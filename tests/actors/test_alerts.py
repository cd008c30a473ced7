"""AlertsActor: facts in, messages and memory out; what the pager gets, and in which order."""

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from actors.alerts import AlertsActor, Nobody
from actors.post_office import PostOffice
from domain import clock
from domain.alert_params import AlertParams
from domain.alerting import RUNNING, Memory, Notice
from domain.clock import WallClock
from domain.pages import PageCode
from domain.status import Status
from domain.units import SECOND, Micros
from messages.control import Begin, Pulse, StatusShown
from messages.orders import Paged
from tests.actors.fakes import RecordingPost
from tests.domain.alarm_days import a_page, a_status, t


class FakePager:
    """A pager that sends nothing and forgets nothing."""

    def __init__(self, memory: Memory | None = None) -> None:
        self.memory = memory or Memory()
        self.did: list[Notice | Memory] = []

    def send(self, notice: Notice) -> None:
        self.did.append(notice)

    def keep(self, memory: Memory) -> None:
        self.memory = msgspec.json.decode(msgspec.json.encode(memory), type=Memory)
        self.did.append(memory)

    def recall(self) -> Memory:
        return self.memory

    @property
    def notices(self) -> list[Notice]:
        return [each for each in self.did if isinstance(each, Notice)]


class Stand:
    """An alerts actor that hears the time each second, and a status if there is one."""

    def __init__(
        self, pager: FakePager | None = None, *, begun: int = 0, restarted: bool = False
    ) -> None:
        self.pager = pager or FakePager()
        self.post = RecordingPost()
        self.actor = AlertsActor("alerts", self.post, pager=self.pager, params=AlertParams())
        self.now = begun
        self.actor.on_receive(Begin(at=t(begun), restarted=restarted))

    def live(self, status: Status | None, for_s: int, *messages: Any) -> list[str]:
        """Live on; return the titles of what was told."""
        before = len(self.pager.notices)
        for message in messages:
            self.actor.on_receive(message)
        for _ in range(for_s):
            if status is not None:
                self.actor.on_receive(StatusShown(at=t(self.now), status=status))
            self.actor.on_receive(Pulse(at=t(self.now)))
            self.now += 1
        return [notice.title for notice in self.pager.notices[before:]]


def test_status_becomes_a_message_and_its_end_another() -> None:
    stand = Stand()
    day = a_status().day
    assert stand.live(a_status(), 60) == [f"Sutradhar INFO: READY {day}"]
    assert stand.live(a_status(connected=False), 60) == ["Sutradhar WARNING: SOCKET_LOST"]
    assert stand.live(a_status(), 70) == ["Sutradhar OVER: SOCKET_LOST"]
    assert stand.post.sent == []


def test_page_is_told_with_its_words() -> None:
    page = a_page(PageCode.STOP_REFUSED, "NIFTY24000CE", "RMS: 16283 <blocked>")
    stand = Stand()
    stand.live(a_status(mode="REDUCE_ONLY"), 5, Paged(at=t(0), page=page))
    (notice,) = stand.pager.notices
    assert notice.title == "Sutradhar CRITICAL: STOP_REFUSED NIFTY24000CE"
    assert "RMS: 16283 <blocked>. See the reason at the broker" in notice.body


def test_what_was_told_is_kept_before_it_is_sent() -> None:
    stand = Stand()
    stand.live(a_status(), 10)
    sent = next(n for n, each in enumerate(stand.pager.did) if isinstance(each, Notice))
    kept = stand.pager.did[sent - 1]
    assert isinstance(kept, Memory)
    assert [told.kind for told in kept.told if told.told_at is not None] == ["READY"]


def test_where_nobody_is_told_a_message_is_no_dead_letter() -> None:
    post = PostOffice()
    post.register("alerts", Nobody())
    post.tell("alerts", Paged(at=t(0), page=a_page()))
    assert not post.dead_letters


def test_nothing_is_kept_while_nothing_changes() -> None:
    stand = Stand()
    stand.live(a_status(), 10)
    before = len(stand.pager.did)
    stand.live(a_status(), 600)
    assert stand.pager.did[before:] == []


@pytest.mark.incident("INC-112")
def test_recovery_is_told_nothing_of() -> None:
    recovering = a_status(mode="RECOVERING", connected=False, reconnects=30, positions=2)
    assert Stand().live(recovering, 100) == []


def test_rebuilt_actor_goes_on_with_what_the_pager_kept() -> None:
    first = Stand()
    first.live(a_status(connected=False), 60)
    after = Stand(first.pager, begun=60, restarted=True)
    assert after.live(a_status(connected=False), 300) == []


def test_rebuilt_actor_does_not_take_itself_for_a_new_process() -> None:
    stand = Stand(FakePager(Memory(life=RUNNING)), restarted=True)
    assert stand.live(a_status(mode="REDUCE_ONLY"), 20) == []


@pytest.mark.incident("INC-96")
def test_crash_loop_is_one_alert_an_hour() -> None:
    """Each life comes to READY, loses its server and dies after 20 seconds; nobody tells twice."""
    pager = crash_loop(7200, a_status())
    titles = [notice.title for notice in pager.notices]
    assert titles == [
        f"Sutradhar INFO: READY {a_status().day}",
        "Sutradhar WARNING: RESTARTED",
        "Sutradhar CRITICAL: CRASH_LOOP",
        "Sutradhar WARNING: RESTARTED",
        "Sutradhar CRITICAL: CRASH_LOOP",
    ]


def crash_loop(for_s: int, status: Status, lives_s: int = 20) -> FakePager:
    """Be started again and again, and die; the first half of each life is recovery."""
    pager, now = FakePager(), 0
    while now < for_s:
        stand = Stand(pager, begun=now)
        stand.live(replace(status, mode="RECOVERING"), lives_s // 2)
        stand.live(status, lives_s - lives_s // 2)
        now = stand.now
    return pager


def test_short_that_stays_bare_through_a_crash_loop_is_told_soon_and_again() -> None:
    """No life is as long as a bare short may be before it is an alarm."""
    bare = a_status(mode="REDUCE_ONLY", positions=1, uncovered=650)
    notices = crash_loop(3000, bare, lives_s=12).notices
    told = [(notice.at - t(0)) // SECOND for notice in notices if " UNCOVERED" in notice.body]
    assert told[0] < 40
    assert len(told) == 4
    assert "CRASH_LOOP" in notices[2].body


def test_rebuilt_actor_counts_no_end_and_keeps_the_loop() -> None:
    ends = (t(-30), t(-20), t(-10))
    stand = Stand(FakePager(Memory(life=RUNNING, bad_ends=ends)), restarted=True)
    assert stand.live(a_status(mode="REDUCE_ONLY"), 20) == ["Sutradhar CRITICAL: CRASH_LOOP"]
    assert stand.pager.memory.bad_ends == ends


def test_what_waits_is_told_when_the_actor_is_stopped() -> None:
    clock.use(Standing())
    try:
        stand = Stand()
        stand.actor.on_receive(StatusShown(at=t(0), status=a_status(mode="CLOSED", trades=2)))
        stand.actor.on_stop()
    finally:
        clock.use(WallClock())
    (notice,) = stand.pager.notices
    assert "the book is proved flat; 2 shorts were closed" in notice.body


class Standing:
    """A clock that stands at the time of these tests."""

    def now(self) -> Micros:
        return t(0)

    def machine(self) -> Micros:
        return Micros(0)
