"""Nobody tells anything to somebody who is not there: not on a clean day, not after a restart."""

from pathlib import Path

import pytest

from tests.days import Stage, a_stage
from tests.tapes import CALL, UNITS, Leg, a_tape

SOLD = Leg(ready="10:52", breaks="10:55")


def lost(stage: Stage) -> dict[str, int]:
    return dict(stage.session.pump.dead_letters)


@pytest.mark.parametrize("group", [1, 20])
def test_clean_day_has_no_dead_letters(tmp_path: Path, group: int) -> None:
    tape, settings = a_tape(SOLD, since="10:25"), {"actors.bar_symbols_per_actor": group}
    with a_stage(
        tmp_path, tape=tape, begin="10:48", force_close="11:05", settings=settings
    ) as stage:
        assert stage.play().ended.code == 10
        assert lost(stage) == {}


def test_day_taken_up_again_has_no_dead_letters(tmp_path: Path) -> None:
    tape = a_tape(SOLD, since="10:25")
    with a_stage(tmp_path, tape=tape, begin="10:48", force_close="11:05") as stage:
        stage.begin().run_to("11:00")
        stage.kill()
        assert stage.net(CALL) == -UNITS
        stage.again("11:00:05")
        assert stage.play().ended.code == 10
        assert lost(stage) == {}
