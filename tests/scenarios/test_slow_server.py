"""A server that is slow or refuses for rate, through the whole cast: exits do not wait for it."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from broker.http import READS
from cli.virtual import Parts
from domain.books import Action
from domain.orders import State
from domain.session import instant
from domain.units import SECOND
from sandbox.truth import Accepted, Traded
from tests.days import Played, a_day
from tests.tapes import CALL, DAY, PUT, UNITS, Leg, a_tape
from tests.worlds import WRITES, LateWorld

BOOKS = {"orderbook", "tradebook", "positionbook"}
SOLD = Leg(ready="10:02", breaks="10:03")
LESS_THAN_A_TIMEOUT_S = 8
TIMES: dict[str, Any] = {"begin": "10:00", "force_close": "10:16"}


def a_slow_day(folder: Path, *legs: Leg, faults: Any = (), **late: Any) -> Played:
    world = partial(LateWorld, **late) if late else None
    parts = Parts(world=world) if world else Parts()
    tape = a_tape(*legs, since="09:40")
    settings = {"exit.blind_flatten_s": 0}
    return a_day(folder, tape=tape, parts=parts, faults=tuple(faults), settings=settings, **TIMES)


def placed(played: Played, action: Action) -> list[Accepted]:
    found = [row.payload for row in played.rows if isinstance(row.payload, Accepted)]
    return [each for each in found if each.order.action is action]


def bought_s(played: Played) -> float:
    """When the short was bought back, in seconds after the force close."""
    trades = [row for row in played.rows if isinstance(row.payload, Traded)]
    last = max(row.at for row in trades if row.payload.action is Action.BUY)  # type: ignore[union-attr]  # sifted above
    return (last - instant(DAY, TIMES["force_close"])) / SECOND


@pytest.mark.incident("INC-100")
def test_fifteen_second_answers_are_tolerated(tmp_path: Path) -> None:
    """Every write is answered 15 s late, well within the 20 s an order is waited for."""
    played = a_slow_day(
        tmp_path, SOLD, since="10:00", until="10:30", late_s=15, routes=frozenset(WRITES)
    )
    states = {row["body"]["state"] for row in played.journal if row["kind"] == "StateChanged"}
    assert not states & {State.UNKNOWN, State.NOT_PLACED}
    assert (played.report.flat, played.report.invariants_broken) == (True, [])
    assert len(placed(played, Action.SELL)) == 1
    assert sum(each.order.quantity for each in placed(played, Action.BUY)) <= 2 * UNITS
    assert (played.report.entries, played.report.exits) == (1, 1)


@pytest.mark.incident("INC-101")
def test_stalled_reads_never_delay_an_exit(tmp_path: Path) -> None:
    """The socket is mute, and every read but those of the books hangs until it times out."""
    mute = {"between": ["10:08", "10:20"]}
    faults = [{"id": "mute", "at": "ws:conn", "when": mute, "do": {"silent": {}}}]
    calm = a_slow_day(tmp_path / "calm", SOLD)
    stalled = a_slow_day(
        tmp_path / "stalled",
        SOLD,
        faults=faults,
        since="10:07",
        until="10:30",
        late_s=10,
        is_lost=True,
        routes=frozenset(READS - BOOKS),
    )
    assert (stalled.report.flat, stalled.report.invariants_broken) == (True, [])
    assert (stalled.report.entries, stalled.report.exits) == (1, 1)
    assert bought_s(stalled) <= bought_s(calm) + LESS_THAN_A_TIMEOUT_S
    assert stalled.report.naked_seconds_max <= LESS_THAN_A_TIMEOUT_S


@pytest.mark.incident("INC-50")
def test_exits_never_wait_behind_entries_under_429(tmp_path: Path) -> None:
    """A short is sold in the second in which another entry is wished, and nothing is taken."""
    sold = Leg(ready="10:02", breaks="10:04", bars={"10:04": (143.9, 143.9, 142, 143)})
    other = Leg(symbol=PUT, ready="10:04", breaks=None)
    busy = {"between": ["10:04:00", "10:04:04"]}
    limit = {"id": "busy", "at": "rest:placeorder", "when": busy, "do": {"status": {"code": 429}}}
    played = a_slow_day(tmp_path, sold, other, faults=[limit])
    opened = instant(DAY, busy["between"][1])
    refused = [row for row in played.rows if getattr(row.payload, "answer", "") == "fault"]
    assert len(refused) >= 2, "the stop and, before it or never again, the entry"
    assert all(row.at < opened for row in refused)
    later = [row.payload.order for row in played.rows if isinstance(row.payload, Accepted)]
    after = [order for order in later if order.placed_at >= instant(DAY, "10:04")]
    assert (after[0].symbol, after[0].action) == (CALL, Action.BUY)
    assert after[0].placed_at < opened + 2 * SECOND
    entered = next(order for order in after if order.action is Action.SELL)
    assert entered.placed_at >= opened + 5 * SECOND
    assert (played.report.flat, played.report.invariants_broken) == (True, [])
