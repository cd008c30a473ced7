"""The four blocks that operators script against."""

from typing import Any

import pytest

from domain.status import Status, recommendations, render
from tests.trading import at

GOOD: dict[str, Any] = {
    "at": at("10:35:23"),
    "pid": 1,
    "day": "2026-11-20",
    "url": "http://127.0.0.1:5000",
    "mode": "ACTIVE",
    "connected": True,
    "source": "WEBSOCKET",
    "last_tick_at": at("10:35:22"),
    "subscribed": 82,
    "coverage": "100.0",
    "authenticated": True,
    "last_request": "placeorder",
    "last_request_at": at("10:35:20"),
    "last_response": "200 OK",
    "last_orderid": "250130000012345",
    "bars": 150,
}

ALL_GOOD = """\
[CONNECTION STATUS]
OpenAlgo URL: http://127.0.0.1:5000
WebSocket: CONNECTED
Last Tick: 10:35:22 IST
Symbols Subscribed: 82
Coverage: 100.0%

[API STATUS]
Authentication: VALID
Last Request: placeorder @ 10:35:20
Response: 200 OK
Order ID: 250130000012345

[DATA PIPELINE]
Bars Generated: 150
VWAP Calculations: Active
Stale Symbols: 0

[RECOMMENDATION]
All systems operational"""


def a_status(**changes: Any) -> Status:
    return Status(**GOOD | changes)


def advice(*, alive: bool = True, **changes: Any) -> list[str]:
    return recommendations(a_status(**changes), alive=alive)


def test_healthy_agent_shows_the_known_text() -> None:
    assert render(a_status(), alive=True) == ALL_GOOD


def test_fresh_agent_shows_what_it_does_not_know() -> None:
    fresh = Status(at=at("09:10"), pid=1, day="2026-11-20", url="u", mode="STARTING")
    text = render(fresh, alive=True)
    for part in (
        "WebSocket: DISCONNECTED",
        "Last Tick: never",
        "Authentication: UNKNOWN",
        "Last Request: -",
        "Response: -",
        "Order ID: -",
        "VWAP Calculations: Inactive",
    ):
        assert f"{part}\n" in text
    assert text.endswith("[RECOMMENDATION]\nAll systems operational")


def test_request_without_its_time_is_not_shown() -> None:
    assert "Last Request: -\n" in render(a_status(last_request_at=None), alive=True)


def test_dead_agent_is_said_to_be_dead() -> None:
    text = render(a_status(), alive=False)
    assert "WebSocket: DISCONNECTED\n" in text
    assert "VWAP Calculations: Inactive\n" in text
    start = "start it again as it was started, then look again"
    assert advice(alive=False) == [f"Agent is not running: {start}"]
    assert advice(alive=False, ended="stopped") == [f"Agent is not running (stopped): {start}"]
    assert advice(alive=False, ended="day done") == [
        "Agent is not running (day done): nothing is left to do today"
    ]
    how = "start it again with `run.py live --state-dir state`"
    assert recommendations(a_status(), alive=False, again=how) == [f"Agent is not running: {how}"]
    assert render(a_status(), alive=False, again=how).endswith(f"not running: {how}")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"positions": 1}, "1 short is open, seen at 10:35:23 IST: its stop rests at the broker"),
        (
            {"positions": 2},
            "2 shorts are open, seen at 10:35:23 IST: their stops rest at the broker",
        ),
        (
            {"positions": 1, "uncovered": 65},
            (
                "1 short is open, seen at 10:35:23 IST: only the agent can protect what is not "
                "covered"
            ),
        ),
    ],
)
def test_dead_agent_says_what_it_leaves_behind(changes: dict[str, Any], said: str) -> None:
    for ended in ("", "stopped"):
        lines = advice(alive=False, ended=ended, **changes)
        assert lines[1] == said
        assert len(lines) == 2 + ("uncovered" in changes)
    assert said not in advice(**changes)


def test_bare_units_come_with_where_to_look() -> None:
    (line,) = advice(uncovered=65)
    assert line.startswith("65 units are short without a working stop")


def test_refused_key_says_log_in() -> None:
    (line,) = advice(authenticated=False)
    assert line == "OpenAlgo refuses the key or has no broker session: log in to OpenAlgo again"
    assert "Authentication: INVALID\n" in render(a_status(authenticated=False), alive=True)


@pytest.mark.parametrize(
    ("changes", "start"),
    [
        ({"connected": False}, "WebSocket is not connected"),
        ({"source": "REST_POLLING"}, "Prices come by REST polling"),
        ({"stale": 3}, "3 symbols are stale"),
        ({"mode": "WAIT_LOGIN"}, "Waiting for the broker login"),
        ({"mode": "HALTED"}, "Halted by a human"),
        ({"mode": "REDUCE_ONLY", "mode_reason": "DAY_DONE"}, "Entries are off (DAY_DONE)"),
    ],
)
def test_each_problem_has_one_line_with_its_remedy(changes: dict[str, Any], start: str) -> None:
    (line,) = advice(**changes)
    assert line.startswith(start)
    assert ":" in line


def test_server_that_never_answered_is_named() -> None:
    (line,) = advice(mode="WAIT_LOGIN", authenticated=None)
    assert line == (
        "OpenAlgo does not answer at http://127.0.0.1:5000: start it, the agent goes on by itself"
    )


@pytest.mark.parametrize("mode", ["CLOSED", "STARTING", "RECOVERING", "WAIT_LOGIN"])
def test_feed_is_no_problem_while_nobody_needs_it(mode: str) -> None:
    lines = advice(mode=mode, connected=False, stale=9)
    assert not [line for line in lines if "WebSocket" in line or "stale" in line]


def test_reduce_only_without_a_reason_and_an_ended_day_ask_for_nothing() -> None:
    assert advice(mode="REDUCE_ONLY") == []
    assert advice(ended="parked", connected=False, mode="HALTED") == []
