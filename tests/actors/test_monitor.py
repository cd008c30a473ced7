"""MonitorActor keeps the snapshot an operator reads: right figures, also after a death."""

import os
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from actors.monitor import MonitorActor
from domain.orders import Order
from domain.positions import Leg
from domain.status import Status
from messages.control import Begin, Heartbeat, Pulse, RecordKept
from messages.orders import EntryRefused, OrderChanged, PositionChanged
from tests.actors.fakes import RecordingPost
from tests.actors.watchdog_stand import vitals
from tests.orders import PE, T0, a_resting_entry, an_open_short, t
from tests.trading import DAY, a_key


class Stand:
    """A monitor of a folder, which writes at each pulse."""

    def __init__(self, folder: Path, day: str = DAY) -> None:
        self.post = RecordingPost()
        self.path = folder / "status.json"
        self.actor = MonitorActor(
            "monitor", self.post, path=self.path, day=day, url="http://127.0.0.1:5000", every_s=0
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
    (told,) = stand.post.take()
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
