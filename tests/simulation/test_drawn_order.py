"""Messages served in a drawn order: whatever overtakes what, flat and no rule broken."""

import random
from functools import partial
from pathlib import Path

import pytest

from actors.pump import Pump
from cli.virtual import Parts
from tests.days import Played, a_day
from tests.tapes import PUT, Leg, a_tape

# It shares two cores with whole days.
pytestmark = pytest.mark.slow

CALL_SOLD = Leg(ready="09:50", breaks="09:52")
PUT_STOPPED = Leg(symbol=PUT, ready="09:51", breaks="09:53", stops="10:05")


def in_drawn_order(draw: int) -> Parts:
    return Parts(pump=lambda: Pump(random.Random(draw)))


def a_written_day(folder: Path, draw: int) -> Played:
    tape = a_tape(CALL_SOLD, PUT_STOPPED, since="09:25")
    parts = in_drawn_order(draw)
    return a_day(folder, tape=tape, begin="09:47", force_close="10:16", parts=parts)


def assert_flat(played: Played) -> None:
    assert (played.ended.code, played.report.flat) == (10, True)
    assert played.report.invariants_broken == []


@pytest.mark.parametrize("draw", range(8))
def test_written_day_in_any_order_trades_both_legs_and_ends_flat(tmp_path: Path, draw: int) -> None:
    played = a_written_day(tmp_path, draw)
    assert_flat(played)
    assert (played.report.entries, played.report.exits) == (2, 2)


@pytest.mark.parametrize(("seed", "draw"), [(1, 11), (3, 13)])
def test_synthetic_morning_in_any_order_ends_flat(tmp_path: Path, seed: int, draw: int) -> None:
    parts = in_drawn_order(draw)
    played = a_day(tmp_path, seed=seed, begin="09:14", force_close="10:30", parts=parts)
    assert_flat(played)


def test_drawn_order_repeats_with_its_draw(tmp_path: Path) -> None:
    first, again = (a_written_day(tmp_path / name, 5) for name in ("first", "again"))
    assert first.truth == again.truth
    assert first.decisions == again.decisions


def test_another_draw_serves_in_another_order() -> None:
    pumps = [in_drawn_order(draw).pump() for draw in (1, 2)]
    order = [partial(pump._draw.randrange, 1000) for pump in pumps if pump._draw is not None]
    assert len({tuple(draw() for _ in range(5)) for draw in order}) == 2
