"""Starting at an awkward time, through the whole cast: each row of the table in the design.

The same agent that begins in the morning begins here, with what a killed one left behind.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from domain.books import Action
from domain.units import SECOND
from sandbox.kinds import Status
from sandbox.truth import Traded
from tests.days import Played, Stage, a_stage
from tests.stories import told
from tests.tapes import CALL, UNITS, Leg, a_tape

SOLD = Leg(ready="15:00", breaks="15:02")
RESTS = Leg(ready="15:00", breaks=None)


@contextmanager
def killed(folder: Path, leg: Leg = SOLD, *, at: str = "15:05", **given: Any) -> Iterator[Stage]:
    """An exchange whose agent was killed at 15:05: with a short under its stop, or an entry."""
    tape = a_tape(leg, since="14:40")
    with a_stage(folder, tape=tape, begin="14:58", **given) as stage:
        stage.begin().run_to(at)
        stage.kill()
        yield stage


def log_of(stage: Stage) -> str:
    return (stage.folder / "agent.log").read_text("ascii")


def orders(stage: Stage) -> int:
    return len(stage.orders(Action.SELL)) + len(stage.orders(Action.BUY))


@pytest.mark.parametrize("begin", ["15:14:59", "15:15:01", "15:20"])
def test_short_met_at_the_force_close_is_left_at_once_and_without_prices(
    tmp_path: Path, begin: str
) -> None:
    """No stop goes before the ladder, no entry goes at all, and nobody waits for the stream."""
    mute = {"between": [begin, "15:25"]}
    faults = [{"id": "mute", "at": "ws:conn", "when": mute, "do": {"silent": {}}}]
    with killed(tmp_path, faults=tuple(faults)) as stage:
        assert stage.net(CALL) == -UNITS
        stage.again(begin)
        played: Played = stage.begin().finish()
        stops = [o for o in stage.orders(Action.BUY) if o.trigger]
        assert (len(stops), len(stage.orders(Action.SELL))) == (1, 1)
    assert (played.ended.code, played.report.flat) == (10, True)
    # Two minutes after the force close are over before the last of these begins.
    is_late = begin == "15:20"
    broken = [line for line in played.report.invariants_broken if not (is_late and "L3" in line)]
    assert broken == []


def test_short_met_in_the_quiet_is_left_to_the_broker_and_proved_flat(tmp_path: Path) -> None:
    with killed(tmp_path) as stage:
        before = orders(stage)
        stage.again("15:24:40")
        stage.begin().run_to("15:24:59")
        assert (orders(stage), stage.net(CALL)) == (before, -UNITS)
        assert stage.session.door.ended is None
        played: Played = stage.finish()
    told(log_of(stage), "not ours", "proved flat")
    assert (played.ended.code, stage.net(CALL)) == (10, 0)


def test_start_after_the_square_off_sends_nothing_and_proves_flat(tmp_path: Path) -> None:
    with killed(tmp_path) as stage:
        stage.again("15:26")
        before = orders(stage)
        played: Played = stage.begin().finish()
        assert orders(stage) == before
    assert (played.ended.code, stage.net(CALL)) == (10, 0)
    assert "proved flat" in log_of(stage)


def test_entry_met_by_recovery_ends_and_what_follows_is_new(tmp_path: Path) -> None:
    with killed(tmp_path, RESTS) as stage:
        (entry,) = stage.orders(Action.SELL)
        assert entry.status is Status.TRIGGER_PENDING
        stage.again("15:05:10")
        stage.begin().run_to("15:05:20")
        (same,) = stage.orders(Action.SELL)
    assert same.status is Status.CANCELLED


def test_start_that_is_repeated_sends_nothing(tmp_path: Path) -> None:
    """A short under its stop: the second start, and the third, leave all as it is."""
    with killed(tmp_path) as stage:
        before = orders(stage)
        for begin, until in (("15:05:10", "15:05:20"), ("15:05:30", "15:05:40")):
            stage.again(begin)
            stage.begin().run_to(until)
            stage.kill()
        (stop,) = stage.orders(Action.BUY)
        assert (orders(stage), stop.status, stop.pending) == (
            before,
            Status.TRIGGER_PENDING,
            UNITS,
        )


def test_start_before_the_broker_s_login_waits_and_says_so_once(tmp_path: Path) -> None:
    gone = {"between": ["14:59", "15:02"]}
    faults = ({"id": "gone", "at": "account", "when": gone, "do": {"revoke_session": {}}},)
    with a_stage(
        tmp_path, tape=a_tape(RESTS, since="14:40"), begin="15:00", faults=faults
    ) as stage:
        stage.begin().run_to("15:01:59")
        assert stage.session.door.ended is None
        assert log_of(stage).count("no broker session status=403") == 1
        stage.run_to("15:04")
        told(log_of(stage), "no broker session", "books read", r"\[MODE\] ACTIVE")


def test_start_without_books_to_believe_waits_like_one_without_a_login(tmp_path: Path) -> None:
    empty = {"between": ["15:05", "15:08"]}
    faults = ({"id": "empty", "at": "book:orders", "when": empty, "do": {"success_empty": {}}},)
    with killed(tmp_path, faults=faults) as stage:
        stage.again("15:05:10")
        before = orders(stage)
        stage.begin().run_to("15:07:30")
        told(log_of(stage), "books not believed", "books were not read", r"\[MODE\] WAIT_LOGIN")
        assert log_of(stage).count("the broker's books were not read") == 3, "mode, warning, page"
        assert orders(stage) == before
        stage.run_to("15:09:30")
        told(log_of(stage), r"\[MODE\] WAIT_LOGIN", "books read")


def test_fill_is_noticed_at_once_where_the_broker_pushes_nothing(tmp_path: Path) -> None:
    """Our own tick meets the trigger of the resting entry, and the books are read."""
    deaf = {"id": "deaf", "at": "ws:order_update", "do": {"drop": {}}}
    with a_stage(
        tmp_path, tape=a_tape(SOLD, since="14:40"), begin="14:58", faults=(deaf,)
    ) as stage:
        stage.begin().run_to("15:05")
        played = stage.finish()
    traded = next(row.at for row in played.rows if isinstance(row.payload, Traded))
    seen = next(row["at"] for row in played.journal if row["kind"] == "FillsSeen")
    assert 0 <= seen - traded <= 2 * SECOND
    assert played.report.invariants_broken == []
