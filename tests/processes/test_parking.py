"""SIGTERM in each state an order can be in, over sockets: entries end, stops stay, nothing doubles.

And a second agent on the same state directory, which is refused before it touches anything.
"""

import signal
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from cli.interrupted import EXIT_CODE as INTERRUPTED
from domain.books import Action
from journal.orders import NAME as JOURNAL
from journal.orders import JournalReader
from sandbox.checker import Terms, judge
from tests.e2e.sessions import done
from tests.processes import churn
from tests.processes.desk import SPEED, Desk, a_desk
from tests.tapes import CALL, DAY, PUT, UNITS, Leg

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

SOLD = Leg(ready="10:02", breaks="10:03")
RESTING = Leg(symbol=PUT, ready="10:02", breaks=None)
LOCKED, DAY_DONE = 75, 0


@dataclass(frozen=True, kw_only=True)
class Moment:
    """When the signal comes: at a boundary, or once the log holds a line."""

    legs: tuple[Leg, ...] = (SOLD,)
    points: str = ""
    line: str = ""


MOMENTS = {
    "nothing is sent": Moment(legs=(), line=r"\[MODE\] ACTIVE"),
    "an entry rests": Moment(legs=(RESTING,), line=r"entry NIFTY\w+ is trigger_pending"),
    "an entry is in flight": Moment(points="entry sent:1=SIGTERM"),
    "a stop rests": Moment(line=r"stop NIFTY\w+ is trigger_pending"),
    "a stop is planned": Moment(points="stop planned:1=SIGTERM"),
    "a stop is in flight": Moment(points="stop sent:1=SIGTERM"),
    "a stop is acknowledged": Moment(points="stop answered:1=SIGTERM"),
}


def assert_parked(desk: Desk) -> None:
    """No entry lives, every short has a stop of its size, and nothing broke on the way."""
    assert desk.truth.resting(Action.SELL) == []
    short = desk.short(CALL)
    assert sum(order.pending for order in desk.stops()) == short
    assert_sound(desk)


def assert_sound(desk: Desk) -> None:
    rows = JournalReader(desk.folder / JOURNAL).rows(DAY)
    assert judge(desk.truth.rows, rows, Terms(speed=SPEED)).invariants_broken == []


@pytest.mark.parametrize("moment", MOMENTS.values(), ids=MOMENTS)
def test_sigterm_ends_entries_and_leaves_every_stop(tmp_path: Path, moment: Moment) -> None:
    with a_desk(tmp_path, *moment.legs, begin="10:01") as desk, desk.agent(moment.points) as agent:
        if moment.line:
            agent.wait_for(moment.line)
            agent.send(signal.SIGTERM)
        assert agent.wait() == INTERRUPTED, agent.log[-3000:]
        assert "PARKED: stops verified" in agent.log
        assert_parked(desk)


def test_sigterm_ends_what_an_entry_has_not_filled(tmp_path: Path) -> None:
    config = tmp_path / "churn.yaml"
    config.write_text(churn.CONFIG)
    tape = churn.write(tmp_path / "churn.csv")
    with (
        a_desk(tmp_path, tape=tape, begin="10:20", config=config, until="10:50") as desk,
        desk.agent() as agent,
    ):
        agent.wait_for(r"entry SELL NIFTY\w+ filled=(\d+)/(?!\1)")
        agent.send(signal.SIGTERM)
        assert agent.wait() == INTERRUPTED, agent.log[-3000:]
        truth = desk.truth
        assert truth.resting(Action.SELL) == []
        shorts = {p.symbol: -p.net for p in truth.book.positions.values() if p.net}
        stops = {order.symbol: order.pending for order in desk.stops()}
        assert shorts
        assert stops == shorts
        assert_sound(desk)


def test_sigterm_while_a_short_is_left_doubles_nothing_and_the_next_agent_ends_flat(
    tmp_path: Path,
) -> None:
    """The design is silent on a chase; what may not be is a short that nothing will buy back."""
    late = Leg(ready="10:09", breaks="10:10")
    with a_desk(tmp_path, late, begin="10:08") as desk:
        with desk.agent("cover planned:1=SIGTERM") as first:
            code = first.wait()
        assert code in {INTERRUPTED, DAY_DONE}, first.log[-3000:]
        assert sum(order.pending for order in desk.truth.resting(Action.BUY)) == desk.short(CALL)
        with desk.agent() as second:
            assert second.wait() == DAY_DONE, second.log[-3000:]
        assert desk.short(CALL) == 0
        assert sum(order.filled for order in desk.truth.orders(Action.BUY)) == UNITS
        assert_sound(desk)


def test_second_agent_on_a_state_directory_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    with a_desk(tmp_path, RESTING) as desk, desk.agent() as first:
        first.wait_for(r"entry NIFTY\w+ is trigger_pending")
        orders = desk.truth.orders(Action.SELL)
        words = ("--attach", desk.url.removeprefix("http://"), "--state-dir", desk.folder)
        second = done("sandbox", *words, cwd=tmp_path)
        assert second.returncode == LOCKED, second.stderr
        assert f"pid {first.process.pid} holds it" in second.stderr
        assert "Traceback" not in second.stderr
        assert first.process.poll() is None
        assert desk.truth.orders(Action.SELL) == orders
        with closing(sqlite3.connect(desk.folder / JOURNAL)) as db:
            assert db.execute("SELECT pid FROM owner").fetchall() == [(first.process.pid,)]
