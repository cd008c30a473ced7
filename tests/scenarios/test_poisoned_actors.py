"""An actor is killed by a message at 11:00: it is rebuilt, the stop stays, the day ends flat."""

import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from domain.books import Action
from domain.status import Status
from sandbox.kinds import Status as Row
from tests.days import Played, a_stage
from tests.stories import told
from tests.tapes import CALL, UNITS, Leg, a_tape

SOLD = Leg(ready="10:52", breaks="10:55")
LATER = Leg(ready="11:06", breaks="11:08")
REBUILT = ("feed", "strategy", "reconcile", "journal", "monitor", f"bar:{CALL}", "bar:NIFTY")


class Poison:
    """A message nobody understands."""


def a_poisoned_day(folder: Path, address: str, leg: Leg) -> Played:
    """Play from 10:48 to the force close at 11:15, with `address` poisoned at 11:00."""
    tape = a_tape(leg, since="10:25")
    with a_stage(folder, tape=tape, begin="10:48", force_close="11:15") as stage:
        pump = stage.session.pump
        stage.later("11:00", lambda: pump.tell(address, Poison()))
        return stage.play()


def assert_flat(played: Played) -> None:
    assert (played.ended.code, played.report.flat) == (10, True)
    assert (played.report.entries, played.report.exits) == (1, 1)
    assert played.report.invariants_broken == []


@pytest.mark.parametrize("address", REBUILT)
def test_killed_actor_is_rebuilt_and_the_short_stays_covered(tmp_path: Path, address: str) -> None:
    played = a_poisoned_day(tmp_path, address, SOLD)
    told(
        played.log,
        r"10:5\d:.* stop NIFTY\w+ is trigger_pending",
        rf"11:00:00.*{address} died",
        rf"11:00:0\d.*{address} is rebuilt restarts=1",
        r"11:15:00.*leaving NIFTY\w+ units=650 reason=FORCE_CLOSE",
        r"proved flat",
    )
    assert_flat(played)


@pytest.mark.parametrize("address", REBUILT)
def test_killed_actor_does_not_cost_the_trade_after_it(tmp_path: Path, address: str) -> None:
    """The swing is confirmed from bars before and after the death; its entry still comes."""
    played = a_poisoned_day(tmp_path, address, LATER)
    told(played.log, rf"{address} is rebuilt", r"11:0\d.*entry SELL .*filled=650/650")
    assert_flat(played)


@pytest.mark.parametrize("address", ["order", "watchdog"])
def test_killed_key_actor_ends_the_process_and_recovery_goes_on(
    tmp_path: Path, address: str
) -> None:
    tape = a_tape(SOLD, since="10:25")
    with a_stage(tmp_path, tape=tape, begin="10:48", force_close="11:15") as stage:
        pump = stage.session.pump
        stage.later("11:00", lambda: pump.tell(address, Poison()))
        ended = stage.session.play()
        assert ended.code == 70
        assert stage.net(CALL) == -UNITS
        (stop,) = stage.orders(Action.BUY)
        assert stop.status is Row.TRIGGER_PENDING
        stage.again("11:00:05")
        played = stage.play()
        told(
            played.log,
            rf"{address} died",
            r"books read: live orders=1 shorts=1",
            r"11:15:0\d.*leaving NIFTY\w+ units=650",
            r"proved flat",
        )
        assert stage.orders(Action.BUY)[0].orderid == stop.orderid
    assert_flat(played)


def test_restarts_are_counted_for_the_operator(tmp_path: Path) -> None:
    a_poisoned_day(tmp_path, "strategy", SOLD)
    status = msgspec.json.decode((tmp_path / "status.json").read_bytes(), type=Status)
    assert status.actor_restarts == 1


FIGURES = ("ticks", "bars", "swings", "feed_switches", "positions", "uncovered")


def figures(folder: Path) -> dict[str, int]:
    status = msgspec.json.decode((folder / "status.json").read_bytes(), type=Status)
    return {name: getattr(status, name) for name in FIGURES}


@pytest.mark.parametrize("address", ["feed", "journal", "monitor", "strategy"])
def test_figures_of_the_day_survive_a_death(tmp_path: Path, address: str) -> None:
    a_poisoned_day(tmp_path / "dead", address, SOLD)
    a_poisoned_day(tmp_path / "alive", "reconcile", SOLD)
    dead, alive = figures(tmp_path / "dead"), figures(tmp_path / "alive")
    # A feed that is away for two seconds lacks their ticks, and so does what counts them.
    assert 0 <= alive.pop("ticks") - dead.pop("ticks") <= 100
    assert dead == alive
    with closing(sqlite3.connect(tmp_path / "dead" / "day.db")) as db:
        assert [dead["bars"]] == list(*db.execute("SELECT count(*) FROM bar"))
