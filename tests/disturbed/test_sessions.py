"""Sessions that are hurt on the way, over real sockets: mute feeds, poison, kills, signals.

Each plays the written day of tests/tapes.py, from 10:00 to a force close at 10:16.
"""

import json
import re
import shlex
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cli.interrupted import EXIT_CODE as INTERRUPTED
from domain.books import Action
from sandbox.kinds import Status
from tests import tapes
from tests.e2e.paper import Paper, paper
from tests.e2e.sessions import LONG_S, Process, Truth, done, run, summary_of
from tests.shared import shared_path
from tests.stories import told
from tests.tapes import CALL, PUT, UNITS, Leg
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

SOLD = Leg(ready="10:02", breaks="10:03")
RESTING = Leg(symbol=PUT, ready="10:02", breaks=None)
UNTIL = "10:16"


def written(folder: Path, *legs: Leg) -> Path:
    folder.mkdir(exist_ok=True)
    return tapes.write(folder / "day.csv", *legs, since="09:40")


@contextmanager
def a_session(folder: Path, *legs: Leg, **options: Any) -> Iterator[Process]:
    """`run.py sandbox` on the written day, with an exchange of its own."""
    given: dict[str, Any] = {
        "tape": written(folder, *legs),
        "begin": "10:00",
        "until": UNTIL,
        "state_dir": folder / "state",
        "summary": folder / "summary.json",
        "speed": 60,
        **options,
    }
    folder.joinpath("state").mkdir()
    with run(folder, "sandbox", **given) as agent:
        yield Process(agent.process, folder / "state")


@dataclass(frozen=True)
class Desk:
    """An exchange that stays, and agents that come and go."""

    exchange: Paper
    folder: Path

    @property
    def truth(self) -> Truth:
        return Truth(self.folder)

    @contextmanager
    def agent(self) -> Iterator[Process]:
        """Attach one agent."""
        host = self.exchange.url.removeprefix("http://")
        summary = self.folder / "summary.json"
        where: dict[str, Any] = {"attach": host, "state_dir": self.folder}
        with run(self.folder, "sandbox", **where, until=UNTIL, summary=summary) as process:
            yield process

    def stops(self) -> list[str]:
        """The ids of the stops that rest."""
        resting = self.truth.resting(Action.BUY)
        return [o.orderid for o in resting if o.status is Status.TRIGGER_PENDING]

    def stop_rests(self) -> list[str]:
        """The stop of the open short; none while there is no short."""
        return self.stops() if self.truth.net(CALL) == -UNITS else []


@contextmanager
def a_desk(folder: Path, *legs: Leg) -> Iterator[Desk]:
    tape = written(folder, *legs)
    state = folder / "state"
    options = {"tape": tape, "begin": "10:00", "speed": 60, "wait": True, "state_dir": state}
    with paper(folder, **options) as exchange:
        yield Desk(exchange, state)
        assert exchange.end() == 0


def assert_flat(summary: dict[str, Any]) -> None:
    assert (summary["flat"], summary["invariants_broken"]) == (True, [])
    assert (summary["entries"], summary["exits"]) == (1, 1)


def assert_bought_once(truth: Truth) -> None:
    assert truth.net(CALL) == 0
    assert sum(order.filled for order in truth.orders(Action.BUY)) == UNITS
    assert sum(order.filled for order in truth.orders(Action.SELL)) == UNITS


def test_silent_socket_is_left_for_polling_and_the_stop_stays(tmp_path: Path) -> None:
    """Mute from 10:01 to 10:04 with nothing held, from 10:09 to 10:12 with a short open."""
    windows = [["10:01:30", "10:04:30"], ["10:09", "10:12"]]
    faults = [
        {"id": f"mute_{n}", "at": "ws:conn", "when": {"between": w}, "do": {"silent": {}}}
        for n, w in enumerate(windows)
    ]
    script = tmp_path / "faults.yaml"
    script.write_text(json.dumps({"version": 1, "faults": faults}))
    leg = Leg(ready="10:07", breaks="10:08")
    with a_session(tmp_path, leg, speed=30, faults=script) as agent:
        agent.wait_for(r"stop NIFTY\w+ is trigger_pending")
        (stop,) = Truth(agent.folder).resting(Action.BUY)
        agent.wait_for(r"10:1\d:.* Source: REST_POLLING")
        assert Truth(agent.folder).resting(Action.BUY) == [stop]
        assert agent.wait() == 0, agent.log[-3000:]
    told(
        agent.log,
        r"Connected: WebSocket symbols=\d+ epoch=1",
        r"WARNING .*No ticks for 60 s, reconnecting",
        r"Connected: WebSocket symbols=\d+ epoch=2",
        r"WARNING .*No ticks for 120 s",
        r"10:0[3-5].* Source: REST_POLLING",
        r"10:0[4-8].* Source: WEBSOCKET",
        r"stop NIFTY\w+ is trigger_pending",
        r"WARNING .*No ticks for 20 s while exposed",
        r"10:1[0-3].* Source: REST_POLLING",
        r"10:1[2-6].* Source: WEBSOCKET",
        r"leaving NIFTY\w+ units=650 reason=FORCE_CLOSE",
    )
    assert_flat(summary_of(tmp_path / "summary.json"))


def test_poisoned_actors_are_rebuilt_one_after_the_other(tmp_path: Path) -> None:
    doses = {
        "10:05": "feed",
        "10:06": "strategy",
        "10:07": "reconcile",
        "10:08": f"bar:{CALL}",
        "10:09": "journal",
        "10:10": "monitor",
        "10:12": "order",
    }
    program = ("-m", "tests.disturbed.poisoned", json.dumps(doses))
    with a_session(tmp_path, SOLD, program=program) as agent:
        agent.wait_for(r"order died")
        (stop,) = Truth(agent.folder).resting(Action.BUY)
        assert agent.wait() == 0, agent.log[-3000:]
    story = [rf"{address} is rebuilt" for address in doses.values() if address != "order"]
    told(
        agent.log,
        r"stop NIFTY\w+ is trigger_pending",
        *story,
        r"order died",
        r"the agent gave up: order: .*; start 2 of 4",
        r"books read: live orders=1 shorts=1",
        r"leaving NIFTY\w+ units=650 reason=FORCE_CLOSE",
        r"proved flat",
    )
    assert Truth(agent.folder).orders(Action.BUY)[0].orderid == stop.orderid
    assert_flat(summary_of(tmp_path / "summary.json"))


@pytest.mark.incident("INC-73")
def test_killed_agent_finds_its_short_covered_and_doubles_nothing(tmp_path: Path) -> None:
    with a_desk(tmp_path, SOLD) as desk:
        with desk.agent() as first:
            (stop,) = until(desk.stop_rests, LONG_S)
            first.send(signal.SIGKILL)
            assert first.wait() == -signal.SIGKILL
            assert desk.stops() == [stop]
        status = done("status", "--state-dir", desk.folder, cwd=tmp_path)
        assert status.returncode == 3
        with desk.agent() as second:
            second.wait_for(r"books read: live orders=1 shorts=1")
            assert (desk.truth.net(CALL), desk.stops()) == (-UNITS, [stop])
            assert second.wait() == 0, second.log[-3000:]
        assert_bought_once(desk.truth)
        assert len(desk.truth.orders(Action.SELL)) == 1
    assert_flat(summary_of(desk.folder / "summary.json"))


@pytest.mark.incident("INC-59")
def test_sigterm_parks_entries_end_and_the_stop_stays(tmp_path: Path) -> None:
    with a_desk(tmp_path, SOLD, RESTING) as desk:
        with desk.agent() as first:
            (stop,) = until(desk.stop_rests, LONG_S)
            until(lambda: desk.truth.resting(Action.SELL), LONG_S)
            second = done(
                "sandbox",
                *("--attach", desk.exchange.url.removeprefix("http://")),
                *("--state-dir", desk.folder),
                cwd=tmp_path,
            )
            assert second.returncode == 75, second.stderr
            assert "Traceback" not in second.stderr
            assert f"pid {first.process.pid} holds it" in second.stderr
            first.send(signal.SIGTERM)
            assert first.wait() == INTERRUPTED
            assert re.search(
                r"interrupted at \d\d:\d\d with 1 short and its stop; go on with: run\.py sandbox "
                rf"--attach 127\.0\.0\.1:\d+ --until {UNTIL} --state-dir {desk.folder}\n",
                (desk.folder / "said.txt").read_text(),
            )
        assert "PARKED: stops verified 1/1" in first.log
        assert (desk.truth.resting(Action.SELL), desk.stops()) == ([], [stop])
        with desk.agent() as third:
            assert third.wait() == 0, third.log[-3000:]
        assert_bought_once(desk.truth)
    assert_flat(summary_of(desk.folder / "summary.json"))


def test_ctrl_c_names_the_way_on_and_it_is_one(tmp_path: Path) -> None:
    with a_session(tmp_path, SOLD) as agent:
        agent.wait_for(r"\[EXIT\] stop \S+ is trigger_pending")
        agent.send(signal.SIGINT)
        assert agent.wait() == INTERRUPTED
    last = (tmp_path / "said.txt").read_text().splitlines()[-1]
    again = last.removeprefix(last[: len("interrupted at 10:03")])
    again = again.removeprefix(" with 1 short and its stop; go on with: run.py ")
    assert again.startswith("sandbox --speed 60 --tape ")
    told = done("status", "--state-dir", agent.folder, cwd=tmp_path).stdout
    assert f"`run.py {again}`" in told
    assert "1 short is open" in told
    ended = done(*shlex.split(again), cwd=tmp_path)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert_bought_once(Truth(agent.folder))


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_tape_of_either_kind_is_traded_in_virtual_time(tmp_path: Path, kind: str) -> None:
    tape = tapes.write(tmp_path / f"day.{kind}", SOLD, since="09:40")
    summary = tmp_path / "out.json"
    played = done(
        "sandbox",
        *("--tape", tape, "--speed", "max", "--from", "10:00", "--until", UNTIL),
        *("--state-dir", tmp_path / "state", "--summary", summary),
        cwd=tmp_path,
    )
    assert played.returncode == 0, played.stdout + played.stderr
    assert_flat(summary_of(summary))
    assert_bought_once(Truth(tmp_path / "state"))


@pytest.mark.needs_shared("data/nifty_1m_2021-06-11.parquet")
def test_recorded_day_is_traded_with_the_rules_of_its_date(tmp_path: Path) -> None:
    tape = shared_path("data/nifty_1m_2021-06-11.parquet")
    summary = tmp_path / "out.json"
    played = done(
        "sandbox",
        *("--tape", tape, "--speed", "max"),
        *("--state-dir", tmp_path / "state", "--summary", summary),
        cwd=tmp_path,
    )
    assert played.returncode == 0, played.stdout + played.stderr
    found = summary_of(summary)
    assert (found["flat"], found["invariants_broken"]) == (True, [])
    assert found["entries"] >= 1
    assert (found["session_date"], found["symbols"]) == ("2021-06-11", 12)
