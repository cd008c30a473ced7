"""An agent whose folder was put back from a backup: the books say what came after the copy."""

import io
from pathlib import Path

import pytest

from cli.backup import Options, backup, restore
from domain.books import Action
from domain.ledger import Ledger
from domain.reasons import Condition
from journal.orders import NAME, verify
from sandbox.kinds import OrderLine
from tests.days import Stage, a_stage
from tests.tapes import CALL, UNITS, Leg, a_tape

CLOSE = "10:16"
WORKING = {"open", "trigger pending"}
MINUTES = ("09:48:30", "09:51:30", "09:57")


def copied(stage: Stage, name: str) -> Path:
    out = stage.folder.parent / f"{name}.tgz"
    assert backup(Options(state_dir=stage.folder, out=out), io.StringIO()) == 0
    return out


def put_back(stage: Stage, file: Path) -> str:
    """Kill the agent, lose its journals with the disk, and take them from the backup."""
    stage.kill()
    for name in (NAME, f"{NAME}-wal", f"{NAME}-shm", "fallback.log", "day.db"):
        (stage.folder / name).unlink(missing_ok=True)
    said = io.StringIO()
    assert restore(file, stage.folder, said) == 0
    return said.getvalue()


def ledger(stage: Stage) -> Ledger:
    return Ledger().fold(verify(stage.folder / NAME, stage.day))


def working(stage: Stage, action: Action) -> list[OrderLine]:
    return [order for order in stage.orders(action, CALL) if order.status in WORKING]


@pytest.mark.incident("INC-103")
@pytest.mark.parametrize("wall", MINUTES)
def test_journal_from_a_backup_recovers(tmp_path: Path, wall: str) -> None:
    """The copy is of before the entry, of the entry resting, or of the short with its stop."""
    with a_stage(tmp_path / "state", tape=a_tape(Leg()), begin="09:48", force_close=CLOSE) as stage:
        stage.begin().run_to(wall)
        file = copied(stage, "then")
        stage.run_to("09:58")
        assert stage.net(CALL) == -UNITS
        before = stage.orders(Action.BUY, CALL)
        said = put_back(stage, file)
        assert "nothing is entered today" in said
        stage.again("09:59")
        stage.begin().run_to("10:14")
        assert stage.net(CALL) == -UNITS
        (stop,) = working(stage, Action.BUY)
        assert (stop.orderid, stop.quantity) == (before[-1].orderid, UNITS)
        assert stage.orders(Action.BUY, CALL) == before
        assert len(stage.orders(Action.SELL)) == 1
        found = ledger(stage)
        (leg,) = found.open_legs()
        assert (leg.symbol, leg.short, found.uncovered(leg)) == (CALL, UNITS, 0)
        assert Condition.JOURNAL_LOST in found.unsafe
        stage.finish()
        assert stage.net(CALL) == 0
        assert ledger(stage).proved_flat_at is not None


@pytest.mark.incident("INC-103")
def test_stop_that_replaced_the_known_one_is_taken_for_it(tmp_path: Path) -> None:
    """Two BUY orders for one short would buy twice."""
    with a_stage(tmp_path / "state", tape=a_tape(Leg()), begin="09:48", force_close=CLOSE) as stage:
        stage.begin().run_to("09:54")
        file = copied(stage, "then")
        (first,) = working(stage, Action.BUY)
        exchange = stage.session.exchange
        exchange.advance(exchange.cancel(stage.at("09:54"), first.orderid).ready_at)
        stage.run_to("09:58")
        (second,) = working(stage, Action.BUY)
        assert second.orderid != first.orderid
        put_back(stage, file)
        stage.again("09:59")
        stage.begin().run_to("10:04")
        assert [order.orderid for order in working(stage, Action.BUY)] == [second.orderid]
        assert len(stage.orders(Action.BUY)) == 2
        found = ledger(stage)
        (leg,) = found.open_legs()
        assert found.uncovered(leg) == 0


@pytest.mark.incident("INC-103")
def test_short_that_was_bought_back_since_is_not_bought_again(tmp_path: Path) -> None:
    leg = Leg(stops="09:56")
    with a_stage(tmp_path / "state", tape=a_tape(leg), begin="09:48", force_close=CLOSE) as stage:
        stage.begin().run_to("09:54")
        file = copied(stage, "then")
        stage.run_to("09:58")
        assert (stage.net(CALL), len(stage.orders(Action.BUY))) == (0, 1)
        said = put_back(stage, file)
        assert f"knows of {CALL}" in said
        stage.again("09:59")
        stage.begin().run_to("10:04")
        assert (stage.net(CALL), len(stage.orders(Action.BUY))) == (0, 1)
        assert not list(ledger(stage).open_legs())
