"""Days on which nothing can be done: one alert at most, no crash loop, and readiness says so."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from domain import clock
from domain.clock import Anchor
from domain.events import LatchSet
from domain.session import instant, show
from domain.units import MINUTE, Micros
from journal.orders import NAME, OrderJournal
from tests import tapes
from tests.cli.listener import Listener
from tests.e2e.paper import Paper, paper
from tests.e2e.sessions import LONG_S, Process
from tests.processes.hands import TOKEN, Hands
from tests.processes.test_late_server import two_ports
from tests.processes.unit import Unit, policy, waits_for
from tests.tapes import DAY, Leg
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

FAST, SLOW = 120, 10
"""Alarms that judge how long the agent was silent take a fast clock for a dead agent."""

PARKED, DAY_DONE = 0, 10
READY, NOT_READY = 200, 503
SILENCE = "STATUS_OLD"


class Place:
    """Where an OpenAlgo may be, and a host that trades by it."""

    def __init__(self, folder: Path, begin: str, speed: int) -> None:
        self.folder = folder
        self.speed = speed
        self.port, self.ws_port = two_ports()
        self.tape = tapes.write(folder / "day.csv", Leg(breaks=None), since="09:40")
        self.anchor = Anchor(r0=clock.wall(), v0=instant(DAY, begin), speed=speed)
        self.listener = Listener()
        self.unit = Unit(
            home=folder / "host",
            anchor=self.anchor,
            listener=self.listener,
            settings={
                "openalgo": {"port": self.port, "ws_url": f"ws://127.0.0.1:{self.ws_port}"},
                "page": {"port": 0},
                "alerts": {"gather_s": 0, "gap_s": 0, "least": "warning"},
            },
        )

    def now(self) -> Micros:
        return self.anchor.at(clock.wall())

    def openalgo(self, **options: Any) -> Any:
        """Open it, at the market's present."""
        return paper(
            self.folder,
            tape=self.tape,
            begin=show(self.now()),
            speed=self.speed,
            port=self.port,
            ws_port=self.ws_port,
            **options,
        )

    def wait(self, minutes: int) -> None:
        """Let market time go by."""
        end = self.now() + minutes * MINUTE
        until(lambda: self.now() >= end, LONG_S)


@pytest.fixture
def place(
    tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Place]:
    place = Place(tmp_path, *getattr(request, "param", ("10:00", FAST)))
    monkeypatch.setenv("OPENALGO_API_KEY", "sandbox")
    monkeypatch.setenv("SUTRADHAR_ALERT_URLS", place.listener.url)
    yield place
    place.listener.close()


def test_unit_rests_after_a_day_that_is_done_and_bad_settings() -> None:
    rests, burst = policy()
    assert {10, 75, 78} <= rests
    assert not {0, 1, 70} & (rests - {0})
    assert burst == 10


def test_openalgo_down_for_30_minutes_is_one_alert_and_one_life(place: Place) -> None:
    unit = place.unit

    def during(process: Process) -> None:
        waits_for(unit, "WAIT_LOGIN")
        place.wait(30)
        assert unit.ready() == NOT_READY
        assert process.process.poll() is None
        with place.openalgo():
            until(lambda: unit.status().get("mode") == "ACTIVE", LONG_S)
            until(lambda: unit.ready() == READY, LONG_S)
            until(lambda: "OpenAlgo answers again" in str(unit.listener.got), LONG_S)

    assert unit.life(during) == [PARKED]
    assert unit.alerts(SILENCE) == ["OPENALGO_DOWN"], unit.listener.got


def to_its_end(process: Process) -> None:
    """Let it end by itself."""
    process.wait()


def logged_out(exchange: Paper) -> None:
    """Take the server's broker session away."""
    Hands(exchange).suffer(id="out", at="account", do={"revoke_session": {}})


def test_broker_that_is_not_logged_in_is_one_alert_and_one_life(place: Place) -> None:
    unit = place.unit

    def during(process: Process) -> None:
        waits_for(unit, "WAIT_LOGIN")
        place.wait(12)
        assert unit.ready() == NOT_READY
        assert process.process.poll() is None

    with place.openalgo(control_port=0, control_token=TOKEN) as exchange:
        logged_out(exchange)
        assert unit.life(during) == [PARKED]
    assert unit.alerts(SILENCE) == ["LOGIN"], unit.listener.got


@pytest.mark.parametrize("place", [("20:00", SLOW)], indirect=True)
def test_start_after_hours_verifies_and_rests(place: Place) -> None:
    unit = place.unit
    with place.openalgo():
        assert unit.life(to_its_end) == [DAY_DONE]
    assert unit.alerts() == [], unit.listener.got
    assert unit.status()["mode"] == "CLOSED"


@pytest.mark.parametrize("place", [("10:00", SLOW)], indirect=True)
def test_daily_limit_that_was_hit_ends_the_day_again_at_once(place: Place) -> None:
    unit = place.unit
    state = unit.home / "state"
    state.mkdir(parents=True)
    hit = instant(DAY, "09:55")
    with OrderJournal(state / NAME, 1, hit) as journal:
        journal.append([LatchSet(at=hit, name="DAY_DONE", reason="DAY_STOP")])
    with place.openalgo():
        assert unit.life(to_its_end) == [DAY_DONE]
    assert unit.alerts() == [], unit.listener.got
    assert unit.status()["mode"] == "CLOSED"
