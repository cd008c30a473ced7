"""The socket is connected, answers pings and says nothing for three market minutes."""

from pathlib import Path
from typing import Any

import pytest

from domain.books import Action
from domain.session import instant
from sandbox.kinds import Status
from sandbox.truth import Accepted, Met, State, Traded
from tests.days import Played, a_day
from tests.stories import times, told
from tests.tapes import DAY, UNITS, Leg, a_tape

MUTE = {
    "id": "mute_feed",
    "at": "ws:conn",
    "when": {"between": ["10:00", "10:03"]},
    "do": {"silent": {"pong": True}},
}
QUIET = Leg(ready="10:12", breaks="10:13")
"""Nothing is held or rests while the socket is silent; sold afterwards."""

HELD = Leg(ready="09:50", breaks="09:52")


def a_mute_day(folder: Path, leg: Leg, **more: Any) -> Played:
    given = {"begin": "09:47", "force_close": "10:20", "faults": (MUTE,), **more}
    return a_day(folder, tape=a_tape(leg, since="09:25"), **given)


def assert_flat(played: Played) -> None:
    assert (played.ended.code, played.report.flat) == (10, True)
    assert played.report.invariants_broken == []
    assert any(isinstance(row.payload, Met) for row in played.rows), "nobody met the fault"


def stop_span(played: Played) -> tuple[int, int]:
    """When the first stop came to rest, and when it ended."""
    stop = next(
        row.payload.order
        for row in played.rows
        if isinstance(row.payload, Accepted)
        and row.payload.order.action is Action.BUY
        and row.payload.order.status is Status.TRIGGER_PENDING
    )
    since = next(
        row.at
        for row in played.rows
        if isinstance(row.payload, Accepted) and row.payload.order.orderid == stop.orderid
    )
    until = next(
        row.at
        for row in played.rows
        if isinstance(row.payload, State | Traded) and row.payload.orderid == stop.orderid
    )
    return since, until


@pytest.mark.incident("INC-01")
def test_silence_is_warned_of_left_for_polling_and_returned_from(tmp_path: Path) -> None:
    played = a_mute_day(tmp_path, QUIET)
    story = told(
        played.log,
        r"Connected: WebSocket symbols=\d+ epoch=1",
        r"WARNING .*No ticks for 60 s, reconnecting",
        r"Connected: WebSocket symbols=\d+ epoch=2",
        r"WARNING .*No ticks for 120 s",
        r"Source: REST_POLLING",
        r"\] NIFTY: .* \[REST_POLLING\]",
        r"its own ticks for 30 s",
        r"Source: WEBSOCKET",
    )
    warned, fallen, returned = (times(story)[n] for n in (1, 3, 6))
    assert "10:01:00" <= warned <= "10:01:31"
    assert "10:02:00" <= fallen <= "10:02:31"
    assert "10:03:30" <= returned <= "10:04:05"
    assert_flat(played)
    assert played.report.entries == 1, "it trades again when prices are back"


def test_stop_never_leaves_the_book_while_the_socket_is_silent(tmp_path: Path) -> None:
    played = a_mute_day(tmp_path, HELD)
    told(
        played.log,
        r"stop NIFTY\w+ is trigger_pending",
        r"WARNING .*No ticks for 20 s while exposed",
        r"Source: REST_POLLING",
        r"its own ticks for 30 s",
        r"Source: WEBSOCKET",
        r"leaving NIFTY\w+ units=650 reason=FORCE_CLOSE",
    )
    since, until = stop_span(played)
    assert since < instant(DAY, "10:00")
    assert until > instant(DAY, "10:20")
    assert_flat(played)


def test_stop_fills_at_the_exchange_while_the_feed_is_silent(tmp_path: Path) -> None:
    leg = Leg(ready="09:50", breaks="09:52", stops="10:01")
    played = a_mute_day(tmp_path, leg)
    told(played.log, r"stop BUY NIFTY\w+ filled=650/650", r"is closed .* reason=stopped")
    assert_flat(played)
    bought = [
        row.payload.quantity
        for row in played.rows
        if isinstance(row.payload, Traded) and row.payload.action is Action.BUY
    ]
    assert sum(bought) == UNITS
