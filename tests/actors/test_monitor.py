"""MonitorActor keeps the snapshot an operator reads: right figures, also after a death."""

import os
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from actors.monitor import MonitorActor
from domain.calls import ApiSeen
from domain.market import Source
from domain.orders import Order
from domain.positions import Execution, Leg
from domain.status import FeedView, Hold, Status
from messages.control import (
    ApiCalled,
    Begin,
    Heartbeat,
    ModeEntered,
    Pulse,
    RecordKept,
    RecoveryDone,
    StandingChanged,
    StatusShown,
)
from messages.orders import EntryRefused, OrderChanged, PositionChanged
from tests.actors.fakes import RecordingPost
from tests.actors.watchdog_stand import vitals
from tests.domain.feed_day import a_sign
from tests.domain.tape import a_plan, at
from tests.domain.test_limits import FREE
from tests.orders import PE, T0, a_resting_entry, an_open_short, t
from tests.trading import DAY, a_key


class Stand:
    """A monitor of a folder, which writes at each pulse."""

    def __init__(self, folder: Path, day: str = DAY) -> None:
        self.post = RecordingPost()
        self.path = folder / "status.json"
        self.shown: list[Status] = []
        self.actor = MonitorActor(
            "monitor",
            self.post,
            path=self.path,
            day=day,
            url="http://127.0.0.1:5000",
            every_s=0,
            show=self.shown.append,
            rates=FREE,
            commit="0123abc",
        )

    def hear(self, *messages: Any) -> Status:
        """Hand messages in and return what is written at the next pulse."""
        for message in (*messages, Pulse(at=t(1))):
            self.actor.on_receive(message)
        return self.read()

    def read(self) -> Status:
        return msgspec.json.decode(self.path.read_bytes(), type=Status)

    def die(self) -> None:
        error = ValueError("poison")
        self.actor.on_failure(ValueError, error, None)


@pytest.fixture
def stand(tmp_path: Path) -> Stand:
    return Stand(tmp_path)


def a_short() -> tuple[Leg, Order]:
    """A short of 650 and the stop that covers it."""
    bench = an_open_short()
    (leg,) = bench.ledger.legs.values()
    return leg, bench.order(-1)


def changed(*things: Leg | Order) -> tuple[Any, ...]:
    return tuple(
        PositionChanged(at=T0, leg=thing)
        if isinstance(thing, Leg)
        else OrderChanged(at=T0, order=thing)
        for thing in things
    )


def test_snapshot_is_shown_each_second_to_who_looks_and_who_alerts(stand: Stand) -> None:
    status = stand.hear(*changed(*a_short()))
    assert stand.shown == [status]
    assert status.commit == "0123abc"
    assert stand.post.sent == [("alerts", StatusShown(at=t(1), status=status))]


def test_last_snapshot_reaches_who_alerts(stand: Stand) -> None:
    stand.actor.on_stop()
    (told,) = stand.post.to("alerts")
    assert told.status.ended == "stopped"
    assert told.status == stand.read()


def test_closed_short_counts_with_what_it_brought(stand: Stand) -> None:
    leg, stop = a_short()
    assert stand.hear(*changed(leg, stop)).trades == 0
    cost = leg.first_stop.trigger * leg.sold.units
    status = stand.hear(
        *changed(replace(leg, bought=(Execution(units=leg.sold.units, value=cost),)))
    )
    assert (status.trades, status.result_r) == (1, "-1.00")
    assert status.result_p == leg.sold.value - cost


def test_server_without_answers_is_missed_since_the_first_of_them(stand: Stand) -> None:
    quiet = [
        ApiCalled(seen=ApiSeen(route="ping", at=t(n), status=status, text=""))
        for n, status in ((5, 0), (9, 0), (11, 502))
    ]
    heard = ApiCalled(seen=ApiSeen(route="ping", at=t(12), status=403, text="no"))
    status = stand.hear(*quiet)
    assert (status.unanswered_since, status.authenticated) == (t(5), None)
    assert stand.hear(heard).unanswered_since is None


def test_reconnects_are_those_of_the_worst_socket(stand: Stand) -> None:
    signs = (replace(a_sign(), reconnects=3), replace(a_sign(), reconnects=12))
    assert stand.hear(vitals(streams=signs)).reconnects == 12
    assert stand.hear(vitals(streams=())).reconnects == 0


def test_covered_short_is_a_position_and_nothing_else(stand: Stand) -> None:
    status = stand.hear(*changed(*a_short()))
    assert (status.positions, status.uncovered) == (1, 0)


def test_surplus_of_one_leg_covers_no_other(stand: Stand) -> None:
    leg, stop = a_short()
    bare = replace(leg, leg="other", symbol=PE)
    status = stand.hear(*changed(leg, stop, replace(stop, intent="twin"), bare))
    assert (status.positions, status.uncovered) == (2, 650)


def test_only_a_working_buy_covers(stand: Stand) -> None:
    leg, stop = a_short()
    entry = replace(a_resting_entry().order(), leg=leg.leg, intent="sell")
    assert stand.hear(*changed(leg, entry)).uncovered == 650
    assert stand.hear(*changed(replace(stop, filled=stop.ticket.quantity - 65))).uncovered == 585


def test_figures_of_a_rebuilt_feed_add_up(stand: Stand) -> None:
    stand.hear(vitals(ticks=100, switches=2))
    status = stand.hear(vitals(ticks=5, switches=0), vitals(ticks=7, switches=1))
    assert (status.ticks, status.feed_switches) == (107, 3)


def test_rebuilt_monitor_goes_on_with_the_figures_of_its_predecessor(
    stand: Stand, tmp_path: Path
) -> None:
    refused = EntryRefused(at=T0, key=a_key(), code="LOT", text="no")
    stand.hear(vitals(ticks=100, switches=2), RecordKept(bars=9, swings=2), refused)
    stand.actor.on_receive(Heartbeat(at=T0, restarts=3))
    stand.die()
    *_, told = stand.post.take()
    assert told.address == "watchdog"
    after = Stand(tmp_path)
    status = after.hear(Begin(at=T0, restarted=True), vitals(ticks=110, switches=2))
    assert (status.ticks, status.feed_switches, status.bars, status.swings) == (110, 2, 9, 2)
    assert (status.refusals, status.actor_restarts) == (1, 3)


@pytest.mark.parametrize(
    "left", [b"{", msgspec.json.encode(Status(at=T0, pid=1, day=DAY, url="", mode="", ticks=7))]
)
def test_what_another_process_left_is_not_gone_on_with(stand: Stand, left: bytes) -> None:
    stand.path.write_bytes(left)
    assert stand.hear(Begin(at=T0, restarted=True), vitals(ticks=2)).ticks == 2
    assert stand.read().pid == os.getpid()


def test_snapshot_of_yesterday_is_not_gone_on_with(stand: Stand, tmp_path: Path) -> None:
    stand.hear(vitals(ticks=100))
    today = Stand(tmp_path, "2026-11-18")
    assert today.hear(Begin(at=T0, restarted=True), vitals(ticks=2)).ticks == 2


def test_first_monitor_of_a_process_begins_anew(stand: Stand, tmp_path: Path) -> None:
    stand.hear(vitals(ticks=100))
    assert Stand(tmp_path).hear(Begin(at=T0), vitals(ticks=2)).ticks == 2


RECOVERED = RecoveryDone(at=at("09:10"), plan=a_plan(), chain=None)


def mute(wall: str, *ticked: str | None, **changes: Any) -> Any:
    """Vital signs whose streams ticked last at those times."""
    signs = tuple(
        a_sign(source, canary_at=at(tick) if tick else None)
        for source, tick in zip((Source.PRIMARY, Source.BACKUP), ticked, strict=False)
    )
    return vitals(**{"at": at(wall), "streams": signs} | changes)


def test_what_the_watchdog_thinks_of_the_feed_is_shown_until_it_thinks_otherwise(
    stand: Stand,
) -> None:
    view = FeedView(
        state="fallback",
        since=at("10:02"),
        source_since=at("10:01"),
        doubt="polled prices are not proved yet",
        is_rest_long=True,
    )
    beat = Heartbeat(at=T0, restarts=1, feed=view)
    status = stand.hear(RECOVERED, vitals(source=Source.REST), beat, Heartbeat(at=T0, restarts=2))
    assert (status.feed, status.feed_since) == ("fallback", at("10:02"))
    assert (status.feed_source, status.feed_source_since) == ("rest", at("10:01"))
    assert (status.feed_trusted, status.feed_doubt) == (False, "polled prices are not proved yet")
    assert (status.feed_rest_long, status.actor_restarts) == (True, 2)
    assert status.last_entry == a_plan().last_entry
    better = FeedView(state="healthy", since=at("10:09"), is_trusted=True)
    status = stand.hear(Heartbeat(at=T0, restarts=2, feed=better))
    assert (status.feed, status.feed_since, status.feed_source_since) == (
        "healthy",
        at("10:09"),
        None,
    )
    assert (status.feed_trusted, status.feed_doubt, status.feed_rest_long) == (True, "", False)


def test_silence_of_the_sockets_counts_from_the_newest_tick_of_any(stand: Stand) -> None:
    assert stand.hear(RECOVERED, mute("10:05", "10:00", "10:02")).silent_since == at("10:02")
    ticked = mute("10:06", "10:00", last_tick_at=at("10:04"))
    assert stand.hear(ticked).silent_since == at("10:04")
    polled = mute("10:07", "10:00", source=Source.REST, last_tick_at=at("10:07"))
    assert stand.hear(polled).silent_since == at("10:04")


def test_silence_counts_within_the_session_only(stand: Stand) -> None:
    assert stand.hear(mute("10:05", "10:00")).silent_since is None
    assert stand.hear(RECOVERED, mute("09:14:59", "09:07")).silent_since is None
    day = Stand(stand.path.parent)
    assert day.hear(RECOVERED, mute("09:14:59", "09:07")).silent_since is None
    assert day.hear(mute("09:15", "09:07")).silent_since == a_plan().open
    assert day.hear(mute("15:40", "15:39")).silent_since is None


def test_agent_started_at_noon_has_missed_nothing_before(stand: Stand) -> None:
    assert stand.hear(RECOVERED, mute("12:00", None)).silent_since == at("12:00")
    assert stand.hear(mute("12:02", None)).silent_since == at("12:00")


def test_rebuilt_feed_or_monitor_does_not_end_a_silence(stand: Stand, tmp_path: Path) -> None:
    stand.hear(RECOVERED, mute("10:05", "10:00"))
    assert stand.hear(mute("10:06", None)).silent_since == at("10:00")
    stand.die()
    after = Stand(tmp_path)
    status = after.hear(Begin(at=T0, restarted=True), RECOVERED, mute("10:07", None))
    assert status.silent_since == at("10:00")


def test_mode_that_is_told_again_keeps_its_reason(stand: Stand) -> None:
    first = ModeEntered(at=T0, mode="REDUCE_ONLY", reason="DAY_DONE")
    status = stand.hear(first, replace(first, reason=""))
    assert (status.mode, status.mode_reason) == ("REDUCE_ONLY", "DAY_DONE")
    assert stand.hear(replace(first, mode="ACTIVE", reason="")).mode_reason == ""


def test_what_holds_the_agent_back_is_shown_as_it_is_now(stand: Stand) -> None:
    latches = (Hold(code="FREEZE", text="BY_HAND"),)
    conditions = (Hold(code="NO_JOURNAL", text="disk full"),)
    status = stand.hear(StandingChanged(at=T0, latches=latches, conditions=conditions))
    assert (status.latches, status.conditions) == (latches, conditions)
    gone = stand.hear(StandingChanged(at=T0, latches=(), conditions=()))
    assert (gone.latches, gone.conditions) == ((), ())


def test_full_disk_is_said_once_and_tried_again(
    stand: Stand, caplog: pytest.LogCaptureFixture
) -> None:
    new = stand.path.with_suffix(".new")
    new.symlink_to("/dev/full")
    for second in (1, 2):
        stand.actor.on_receive(Pulse(at=t(second)))
    stand.actor.on_receive(ModeEntered(at=t(3), mode="REDUCE_ONLY", reason="DISK_SPACE"))
    assert not stand.path.exists()
    (line,) = caplog.messages
    told = "[Errno 28] No space left on device; it is tried again"
    assert line == f"{stand.path} cannot be written: {told}"
    new.unlink()
    assert stand.hear(RecordKept(bars=1, swings=0)).mode == "REDUCE_ONLY"
    assert caplog.messages[1:] == [f"{stand.path} is written again, after 3 failed tries"]
