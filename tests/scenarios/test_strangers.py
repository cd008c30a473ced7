"""Others trade in our account, through the whole cast: their symbol is frozen, nothing else."""

from pathlib import Path
from typing import Any

import pytest

from domain.books import Action
from domain.levers import Lever
from messages.orders import PullLever
from sandbox.kinds import Status
from tests.days import Played, Stage, a_stage
from tests.stories import told
from tests.tapes import CALL, PUT, UNITS, Leg, a_tape

CALLS = Leg(ready="10:02", breaks="10:03")
PUTS = Leg(symbol=PUT, ready="10:02", breaks="10:03")
TIMES: dict[str, Any] = {"begin": "10:00", "force_close": "10:16"}


def human(at: str, symbol: str, lots: int, action: str = "BUY") -> dict[str, Any]:
    deed = {"symbol": symbol, "lots": lots, "action": action}
    return {
        "id": f"h{at}".replace(":", ""),
        "at": "account",
        "when": {"at": at},
        "do": {"human_trade": deed},
    }


def a_stranger(folder: Path, *faults: dict[str, Any], legs: tuple[Leg, ...]) -> Any:
    return a_stage(folder, tape=a_tape(*legs, since="09:40"), faults=faults, **TIMES)


def resting(stage: Stage, symbol: str) -> list[int]:
    """The units of our BUY orders that rest for a symbol."""
    found = stage.orders(Action.BUY)
    return [o.quantity for o in found if o.symbol == symbol and o.status is Status.TRIGGER_PENDING]


def log_of(stage: Stage) -> str:
    return (stage.folder / "agent.log").read_text("ascii")


@pytest.mark.incident("INC-91")
def test_human_trade_freezes_the_symbol_only(tmp_path: Path) -> None:
    """The owner buys our call back: its stop goes, the put's stays, both are left alone."""
    faults = (human("10:06", CALL, UNITS // 65),)
    with a_stranger(tmp_path, *faults, legs=(CALLS, PUTS)) as stage:
        stage.begin().run_to("10:05:59")
        assert (resting(stage, CALL), resting(stage, PUT)) == ([UNITS], [UNITS])
        stage.run_to("10:06:30")
        assert (resting(stage, CALL), resting(stage, PUT)) == ([], [UNITS])
        assert stage.net(CALL) == 0
        played: Played = stage.finish()
    told(log_of(stage), "not ours: .*CE", "CE is closed", "proved flat")
    assert played.ended.code == 10
    assert stage.net(CALL) == 0
    assert played.report.invariants_broken == []


def test_part_bought_back_by_the_owner_leaves_a_stop_as_large_as_the_rest(tmp_path: Path) -> None:
    with a_stranger(tmp_path, human("10:06", CALL, 4), legs=(CALLS,)) as stage:
        stage.begin().run_to("10:06:30")
        assert resting(stage, CALL) == [UNITS - 4 * 65]
        played: Played = stage.finish()
    assert (played.ended.code, stage.net(CALL)) == (10, 0)
    assert played.report.invariants_broken == []


def test_owner_s_own_short_in_our_symbol_is_not_bought_back(tmp_path: Path) -> None:
    with a_stranger(tmp_path, human("10:06", CALL, 1, "SELL"), legs=(CALLS,)) as stage:
        played: Played = stage.begin().finish()
    assert (played.ended.code, stage.net(CALL)) == (10, -65)
    assert played.report.invariants_broken == []


def test_three_orders_of_another_trader_end_entries_until_a_human_knows(tmp_path: Path) -> None:
    trades = [human(f"10:0{n}", PUT, 1) for n in (4, 5, 6)]
    with a_stranger(tmp_path, *trades, legs=(Leg(ready="10:02", breaks=None),)) as stage:
        stage.begin().run_to("10:05:59")
        assert "another trader?" not in log_of(stage)
        assert len([o for o in stage.orders(Action.SELL) if o.pending]) == 1
        stage.run_to("10:07:30")
        assert len([o for o in stage.orders(Action.SELL) if o.pending]) == 0
        told(log_of(stage), "another trader. 3 orders", "REDUCE_ONLY another trader")
        acknowledge = PullLever(at=stage.at("10:07:30"), lever=Lever.ACK_FOREIGN, reason="it is me")
        stage.session.pump.tell("order", acknowledge)
        stage.run_to("10:09")
        told(log_of(stage), "REDUCE_ONLY another trader", r"\[MODE\] ACTIVE")


def test_another_trader_outlives_a_restart(tmp_path: Path) -> None:
    trades = [human(f"10:0{n}", PUT, 1) for n in (4, 5, 6)]
    with a_stranger(tmp_path, *trades, legs=(Leg(ready="10:02", breaks=None),)) as stage:
        stage.begin().run_to("10:08")
        stage.kill()
        stage.again("10:08:30")
        stage.begin().run_to("10:10")
        assert len([o for o in stage.orders(Action.SELL) if o.pending]) == 0
        assert log_of(stage).count("REDUCE_ONLY another trader") == 2


def test_one_order_of_others_before_our_first_start_is_enough(tmp_path: Path) -> None:
    with a_stranger(tmp_path, legs=(Leg(ready="10:02", breaks=None),)) as stage:
        stage.session.exchange.human(stage.at("10:00"), PUT, Action.BUY, 1)
        stage.begin().run_to("10:05")
        assert stage.orders(Action.SELL) == []
        told(log_of(stage), "another trader. 1 orders", "REDUCE_ONLY another trader")
