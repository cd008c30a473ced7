"""Real deaths of real threads: who is rebuilt, who ends the process, in which order all stop."""

import logging
from pathlib import Path

import msgspec
import pytest

from actors.system import BARS, STOPPED
from domain.alerting import RUNNING, Memory
from domain.status import Status
from tests.actors.test_alerts import FakePager
from tests.clerk import STOP_ID
from tests.threads.probes import LONG_S
from tests.threads.running import Running, running
from tests.waiting import until

pytestmark = pytest.mark.threads

REBUILT = ("feed", "strategy", "reconcile", "journal", "monitor", "bar:NIFTY")


class Poison:
    """A message nobody understands."""


def told(cast: Running, text: str, caplog: pytest.LogCaptureFixture) -> bool:
    """Whether the log says so; if not yet, tell the time once more."""
    cast.tell_time()
    return text in caplog.text


@pytest.mark.parametrize("address", REBUILT)
def test_dead_thread_is_replaced_and_the_stop_stays(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, address: str
) -> None:
    caplog.set_level(logging.INFO)
    with running(tmp_path) as cast:
        until(lambda: cast.stage.is_alive("bar:NIFTY"), LONG_S)
        cast.tell_time()
        cast.post.tell(address, Poison())
        until(lambda: told(cast, f"{address} is rebuilt", caplog), LONG_S)
        until(lambda: cast.stage.is_alive(address), LONG_S)
        assert (cast.clerk.log, cast.clerk.working) == ([], [STOP_ID])
        assert cast.door.ended is None


def test_death_of_the_order_actor_ends_the_process(tmp_path: Path) -> None:
    with running(tmp_path) as cast:
        until(lambda: cast.stage.is_alive("bar:NIFTY"), LONG_S)
        cast.tell_time()
        cast.post.tell("order", Poison())
        until(lambda: cast.door.ended, LONG_S)
        assert cast.door.ended is not None
        assert (cast.door.ended.code, cast.clerk.working) == (70, [STOP_ID])


def test_everybody_stops_in_order_and_leaves_a_last_word(tmp_path: Path) -> None:
    with running(tmp_path) as cast:
        until(lambda: cast.stage.is_alive("bar:NIFTY"), LONG_S)
        assert cast.system.stop(LONG_S)
        stops = [address for address, _ in cast.stage.stops]
        assert stops[0] == "watchdog", "it would take the others for dead, and rebuild them"
        kinds = [BARS if address.startswith(BARS) else address for address in stops]
        assert tuple(dict.fromkeys(kinds)) == STOPPED
        assert stops.index("feed") - stops.index("strategy") > 1
        assert all(in_time for _, in_time in cast.stage.stops)
        assert not any(cast.stage.is_alive(address) for address in stops)
    status = msgspec.json.decode((tmp_path / "status.json").read_bytes(), type=Status)
    assert status.ended == "stopped"
    assert (cast.clerk.log, cast.clerk.working) == ([], [STOP_ID])


def test_where_there_is_a_pager_the_last_to_stop_is_who_tells_people(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    pager = FakePager(Memory(life="it gave up: poison"))
    with running(tmp_path, pager=pager) as cast:
        until(lambda: cast.stage.is_alive("bar:NIFTY"), LONG_S)
        cast.tell_time()
        cast.post.tell("alerts", Poison())
        until(lambda: told(cast, "alerts is rebuilt", caplog), LONG_S)
        until(lambda: cast.stage.is_alive("alerts"), LONG_S)
        assert cast.system.stop(LONG_S)
        assert [address for address, _ in cast.stage.stops][-2:] == ["monitor", "alerts"]
    assert pager.memory.life == RUNNING
