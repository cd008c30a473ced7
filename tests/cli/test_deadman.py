"""The heartbeat: out while all is well, silent when not, its failures said once."""

import logging
import threading
from collections.abc import Callable, Iterator
from http import HTTPStatus

import pytest
from msgspec.structs import replace

from cli.deadman import Deadman, is_well
from dashboard.board import Board
from domain import clock
from domain.alert_params import HeartbeatParams
from domain.clock import WallClock
from domain.status import OLD_S
from domain.units import SECOND, Micros
from tests import waiting
from tests.cli.beats import Beats
from tests.domain.alarm_days import a_status

SECRET = "uuid-8c1f-of-the-check"


class Hand:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.at = Micros(0)

    def now(self) -> Micros:
        return self.at

    def machine(self) -> Micros:
        return self.at


@pytest.fixture
def hand() -> Iterator[Hand]:
    source = Hand()
    clock.use(source)
    yield source
    clock.use(WallClock())


@pytest.fixture
def beats() -> Iterator[Beats]:
    found = Beats()
    yield found
    found.close()


def a_deadman(url: str, is_healthy: Callable[[], bool] = lambda: True) -> Deadman:
    params = HeartbeatParams(every_s=0.001)  # type: ignore[arg-type]  # sooner than anybody may set
    return Deadman(url, params, is_healthy)


def test_agent_at_work_that_tells_of_it_is_well(hand: Hand) -> None:
    board = Board()
    assert not is_well(board)
    board.show(a_status())
    assert is_well(board)
    hand.at = Micros((OLD_S + 1) * SECOND)
    assert not is_well(board)


@pytest.mark.parametrize("changes", [{"mode": "CLOSED"}, {"ended": "stopped"}])
def test_agent_whose_day_is_over_is_missed_by_nobody(hand: Hand, changes: dict[str, str]) -> None:
    board = Board()
    board.show(replace(a_status(), **changes))
    assert not is_well(board)


def test_heart_beats_while_all_is_well(beats: Beats) -> None:
    deadman = a_deadman(f"{beats.url}/{SECRET}")
    deadman.start()
    waiting.until(lambda: len(beats.paths) > 2, 10)
    deadman.close()
    assert set(beats.paths) == {f"/{SECRET}"}
    assert not deadman._thread.is_alive()


def test_heart_of_an_ill_agent_stands_still(beats: Beats) -> None:
    asked = threading.Semaphore(0)

    def is_healthy() -> bool:
        asked.release()
        return False

    deadman = a_deadman(beats.url, is_healthy)
    deadman.start()
    for _ in range(3):
        assert asked.acquire(timeout=10)
    deadman.close()
    assert beats.paths == []


def test_beats_that_fail_are_counted_and_said_once(
    beats: Beats, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    deadman = a_deadman(f"{beats.url}/{SECRET}")
    beats.status = HTTPStatus.NOT_FOUND
    deadman.beat()
    deadman.beat()
    beats.status = HTTPStatus.OK
    deadman.beat()
    deadman.beat()
    assert caplog.messages == [
        "the heartbeat was not taken: HTTP 404; it goes on",
        "the heartbeat is taken again, after 2 failed calls",
    ]


def test_nobody_there_leaks_no_address(caplog: pytest.LogCaptureFixture) -> None:
    a_deadman(f"http://127.0.0.1:9/{SECRET}").beat()
    assert "the heartbeat was not taken: ConnectionError" in caplog.text
    assert SECRET not in caplog.text
