"""15:14:59 -> 15:15:00 IST: whatever is open, resting, filling or late, the book ends flat.

The whole cast under the pump, on a written day (tests/tapes.py) that starts at 15:00. The short of
650 is sold at 15:05; its stop rests at 153.00.
"""

from functools import partial
from pathlib import Path

import pytest
from freezegun import freeze_time

from cli.virtual import Parts
from domain.books import Action
from domain.session import show
from sandbox.kinds import Status
from sandbox.market.recorded import Tape
from sandbox.truth import Arrived, Row, State, Traded
from tests.days import Played, a_day, a_stage
from tests.tapes import PUT, UNITS, Leg
from tests.tapes import a_tape as a_whole_tape
from tests.worlds import WRITES, FrozenWorld, LateWorld

BEGIN = "15:00"
SOLD = Leg(ready="15:03", breaks="15:05")
RESTING = Leg(symbol=PUT, ready="15:03", breaks=None)
THROUGH = (154.0, 156.0, 153.5, 155.0)
"""The bar of 15:15 opens above the trigger of the stop: its first tick fills it."""

BEYOND = (172.0, 174.0, 171.0, 173.0)
"""The same, above the limit of the stop: it triggers and fills nothing."""


def a_tape(*legs: Leg) -> Tape:
    return a_whole_tape(*legs, since="14:40")


def filling(shift_us: int = 0) -> Leg:
    return Leg(
        ready="15:03", breaks="15:05", stops="15:15", shift_us=shift_us, bars={"15:15": THROUGH}
    )


def writes_from(played: Played, wall: str) -> list[str]:
    """When writes arrived from `wall` on, and by which route."""
    return [
        f"{show(row.at)} {row.payload.route}"
        for row in played.rows
        if isinstance(row.payload, Arrived) and show(row.at) >= wall
    ]


def bought(rows: list[Row]) -> int:
    trades = [row.payload for row in rows if isinstance(row.payload, Traded)]
    return sum(trade.quantity for trade in trades if trade.action is Action.BUY)


def assert_flat(played: Played) -> None:
    """Flat by truth, proved in the journal within two minutes, nothing ever long or doubled."""
    assert played.ended.code == 10, played.ended
    assert played.report.flat
    assert played.report.invariants_broken == []
    assert bought(played.rows) == UNITS


def test_open_short_is_left_at_a_quarter_past_three_and_not_a_second_before(
    tmp_path: Path,
) -> None:
    played = a_day(tmp_path, tape=a_tape(SOLD), begin=BEGIN)
    assert_flat(played)
    assert writes_from(played, "15:07") == ["15:15:00 cancelorder", "15:15:02 placeorder"]
    assert played.report.forced_close
    assert "leaving NIFTY23NOV2626000CE units=650 reason=FORCE_CLOSE" in played.log


def test_shorts_of_both_sides_are_left_together(tmp_path: Path) -> None:
    put = Leg(symbol=PUT, ready="15:03", breaks="15:06")
    # A cancel waits for a read of the books; random seed 1 answers within the same second.
    played = a_day(tmp_path, tape=a_tape(SOLD, put), begin=BEGIN, seed=1)
    assert played.ended.code == 10
    assert (played.report.flat, played.report.invariants_broken) == (True, [])
    assert bought(played.rows) == 2 * UNITS
    first = [line.split()[0] for line in writes_from(played, "15:10")][:2]
    assert first == ["15:15:00", "15:15:00"]


def test_entry_that_rests_to_the_last_second_is_cancelled_and_never_fills(tmp_path: Path) -> None:
    late = {"session.entry_stop_min": 0, "strategies.0.to": "15:15"}
    with a_stage(tmp_path, tape=a_tape(RESTING), begin=BEGIN, settings=late) as stage:
        stage.begin().run_to("15:14:59.5")
        (entry,) = stage.orders(Action.SELL)
        assert entry.status is Status.TRIGGER_PENDING
        played = stage.finish()
    assert writes_from(played, "15:04") == ["15:15:00 cancelorder"]
    assert (played.ended.code, played.report.flat) == (10, True)
    assert not any(isinstance(row.payload, Traded) for row in played.rows)


def test_entries_end_five_minutes_before_the_shorts_do(tmp_path: Path) -> None:
    played = a_day(tmp_path, tape=a_tape(SOLD, RESTING), begin=BEGIN)
    assert_flat(played)
    assert writes_from(played, "15:07") == [
        "15:10:00 cancelorder",
        "15:15:00 cancelorder",
        "15:15:02 placeorder",
    ]


@pytest.mark.incident("INC-64")
@pytest.mark.parametrize("shift_ms", [0, 1, 5, 10, 20, 40, 80, 250, 1000])
def test_stop_filling_during_force_close_opens_no_long(tmp_path: Path, shift_ms: int) -> None:
    played = a_day(tmp_path, tape=a_tape(filling(shift_ms * 1000)), begin=BEGIN)
    assert_flat(played)


@pytest.mark.parametrize("shift_ms", [30, 600, 1400])
def test_stop_that_fills_while_its_cancel_travels_is_not_covered_again(
    tmp_path: Path, shift_ms: int
) -> None:
    slow = {"sandbox.latency.cancel_ms.median": 1500, "sandbox.latency.cancel_ms.sigma": 0}
    tape = a_tape(filling(shift_ms * 1000))
    played = a_day(tmp_path, tape=tape, begin=BEGIN, settings=slow)
    assert_flat(played)
    assert writes_from(played, "15:07") == ["15:15:00 cancelorder"]
    assert "stop BUY NIFTY23NOV2626000CE filled=650/650" in played.log


def test_stop_jumped_at_that_very_moment_is_climbed_after(tmp_path: Path) -> None:
    leg = Leg(ready="15:03", breaks="15:05", stops="15:15", bars={"15:15": BEYOND})
    played = a_day(tmp_path, tape=a_tape(leg), begin=BEGIN)
    assert_flat(played)
    assert any(isinstance(row.payload, State) and row.payload.triggered for row in played.rows), (
        "the stop was never triggered"
    )


@pytest.mark.parametrize(
    ("late_s", "routes"),
    [(1.0, None), (4.0, WRITES), (9.0, WRITES), (18.0, WRITES)],
)
@pytest.mark.parametrize(
    "leg", [SOLD, filling(), filling(30_000)], ids=["open", "filling", "after"]
)
def test_broker_that_answers_late_is_waited_for(
    tmp_path: Path, leg: Leg, late_s: float, routes: frozenset[str] | None
) -> None:
    world = partial(LateWorld, since="15:14:50", until="15:16", late_s=late_s, routes=routes)
    played = a_day(tmp_path, tape=a_tape(leg), begin=BEGIN, parts=Parts(world=world))
    assert_flat(played)


@pytest.mark.parametrize("leg", [SOLD, filling(30_000)], ids=["open", "filling"])
def test_answers_that_never_come_double_nothing(tmp_path: Path, leg: Leg) -> None:
    """Each write from 15:15:00 to 15:15:10 is carried out and its answer times out."""
    world = partial(
        LateWorld, since="15:14:59", until="15:15:10", late_s=20, routes=WRITES, is_lost=True
    )
    played = a_day(tmp_path, tape=a_tape(leg), begin=BEGIN, parts=Parts(world=world))
    assert_flat(played)


def test_agent_killed_before_and_started_after_goes_straight_to_the_exit(tmp_path: Path) -> None:
    with a_stage(tmp_path, tape=a_tape(SOLD), begin=BEGIN) as stage:
        stage.begin().run_to("15:14:40")
        stage.kill()
        stage.again("15:15:01")
        played = stage.begin().finish()
    assert_flat(played)
    # The stop rests until the books were read once more: nobody may replace what nobody saw end.
    assert writes_from(played, "15:07") == ["15:15:03 cancelorder", "15:15:05 placeorder"]
    assert "BUY" not in _between(played, "15:15:01", "15:15:05"), "a stop was placed first"
    assert "leaving" in _between(played, "15:15:01", "15:15:02")


def test_start_a_second_before_does_not_wait_for_the_feed(tmp_path: Path) -> None:
    with a_stage(tmp_path, tape=a_tape(SOLD), begin=BEGIN) as stage:
        stage.begin().run_to("15:14:40")
        stage.kill()
        stage.again("15:14:59")
        played = stage.begin().finish()
    assert_flat(played)
    assert writes_from(played, "15:07") == ["15:15:01 cancelorder", "15:15:03 placeorder"]


@pytest.mark.incident("INC-106")
@pytest.mark.parametrize("leg", [SOLD, filling(30_000)], ids=["open", "filling"])
def test_frozen_wall_clock_brings_the_same_end(tmp_path: Path, leg: Leg) -> None:
    with freeze_time("2026-11-19 09:15:00") as frozen:
        parts = Parts(world=partial(FrozenWorld, frozen=frozen))
        frozen_day = a_day(tmp_path / "frozen", tape=a_tape(leg), begin=BEGIN, parts=parts)
    virtual = a_day(tmp_path / "virtual", tape=a_tape(leg), begin=BEGIN)
    assert_flat(frozen_day)
    assert (frozen_day.truth, frozen_day.decisions) == (virtual.truth, virtual.decisions)


def _between(played: Played, since: str, until: str) -> str:
    lines = played.log.splitlines()
    return "\n".join(line for line in lines if since <= line.split()[1] < until)
