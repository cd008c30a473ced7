"""The four blocks that operators script against."""

from typing import Any

import pytest

from domain.darkness import LOOK
from domain.feed_health import REST_REMEDY
from domain.reasons import remedy
from domain.status import Hold, Status, entries_off, recommendations, render
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
    "feed": "healthy",
    "feed_since": at("09:15"),
    "feed_source": "primary",
    "feed_source_since": at("09:15"),
    "feed_trusted": True,
    "silent_since": at("10:35:22"),
    "last_entry": at("15:10"),
}

ALL_GOOD = """\
[CONNECTION STATUS]
OpenAlgo URL: http://127.0.0.1:5000
WebSocket: CONNECTED
Last Tick: 10:35:22 IST
Symbols Subscribed: 82
Coverage: 100.0%
Feed State: HEALTHY since 09:15:00 IST
Price Source: WEBSOCKET primary since 09:15:00 IST
Entries: ON
Shorts: 0

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


def advice(*, alive: bool = True, age_s: int = 0, **changes: Any) -> list[str]:
    return recommendations(a_status(**changes), alive=alive, age_s=age_s)


def shown(label: str, *, alive: bool = True, age_s: int = 0, **changes: Any) -> str:
    """Return what stands behind a label."""
    text = render(a_status(**changes), alive=alive, age_s=age_s)
    (line,) = [line for line in text.splitlines() if line.startswith(f"{label}: ")]
    return line.removeprefix(f"{label}: ")


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
        "Feed State: UNKNOWN",
        "Price Source: UNKNOWN",
        "Entries: OFF (STARTING)",
        "Shorts: 0",
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


FREEZE = Hold(code="FREEZE", text="KILL_FILE")
FULL = Hold(code="NO_JOURNAL", text="disk full")
LOGIN = Hold(code="LOGIN", text="no broker session")


def test_latches_and_conditions_are_told_with_their_remedies() -> None:
    assert advice(latches=(FREEZE,), conditions=(FULL, LOGIN)) == [
        f"Latch FREEZE (KILL_FILE): {remedy('FREEZE')}",
        f"NO_JOURNAL (disk full): {remedy('NO_JOURNAL')}",
    ]


def test_reasons_that_follow_are_not_said_twice() -> None:
    reduced: dict[str, Any] = {
        "mode": "REDUCE_ONLY",
        "latches": (FREEZE,),
        "conditions": (FULL,),
    }
    for reason in ("FREEZE", "disk full"):
        assert advice(**reduced, mode_reason=reason)[0] == (
            "Entries are off: exits and stops go on"
        )
    assert advice(**reduced, mode_reason="parking")[0].startswith("Entries are off (parking)")


def test_nothing_is_said_to_go_on_where_nothing_is_sent() -> None:
    flipped = Hold(code="OTHER_WORLD", text="the books are of live mode")
    books = Hold(code="BOOKS", text="935 snapshots in a row cannot be believed")
    latch = Hold(code="MODE_FLIP", text="live")
    first, *rest = advice(
        mode="REDUCE_ONLY", mode_reason="MODE_FLIP", latches=(latch,), conditions=(books, flipped)
    )
    assert first.startswith("Nothing is sent to this server: no entry, no exit and no stop")
    assert [line.split()[0] for line in rest] == ["Latch", "OTHER_WORLD"], "log in is no remedy"
    assert advice(mode="HALTED")[0].startswith("Halted by a human: no exit and no stop is sent")


def test_conditions_end_with_the_agent_and_latches_do_not() -> None:
    _, *lines = recommendations(a_status(latches=(FREEZE,), conditions=(FULL,)), alive=False)
    assert lines == [f"Latch FREEZE (KILL_FILE): {remedy('FREEZE')}"]


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


def test_what_a_sleeper_needs_is_recommended_while_it_lives() -> None:
    asleep = a_status(mode="CLOSED", needs="renew the rules")
    assert recommendations(asleep, alive=True) == ["renew the rules"]
    assert "renew the rules" not in recommendations(asleep, alive=False)


def test_blind_agent_says_so_and_where_to_look_instead_of_naming_stale_symbols() -> None:
    dark: dict[str, Any] = {
        "feed": "blind",
        "feed_since": at("10:22:20"),
        "feed_trusted": False,
        "feed_doubt": "no live prices",
        "silent_since": at("10:20:20"),
        "stale": 82,
    }
    assert shown("Feed State", **dark) == "BLIND since 10:22:20 IST"
    assert shown("WebSocket", **dark) == "CONNECTED, no tick for 903 s"
    assert shown("Entries", **dark) == "OFF (no live prices)"
    assert shown("Stale Symbols", **dark) == "82"
    text = f"BLIND since 10:22:20 IST: no source has live prices. {LOOK}"
    left = "left after exit.blind_flatten_s of it, unless that is 0: the log counts down"
    assert advice(**dark) == [text]
    assert advice(**dark, positions=1) == [f"{text} The short is {left}"]
    assert advice(**dark, positions=2) == [f"{text} The 2 shorts are {left}"]
    closed = "WebSocket is not connected: check that OpenAlgo's WebSocket service runs"
    assert advice(**dark, connected=False) == [text, closed]
    assert advice(**dark, mode="WAIT_LOGIN")[0] == text
    assert advice(**dark, mode="CLOSED") == []


def test_halted_exchange_is_told_from_blindness() -> None:
    (line,) = advice(feed="halt?", feed_since=at("10:22:20"), feed_trusted=False, positions=2)
    assert line == (
        "HALT? since 10:22:20 IST, the exchange itself may have stopped: look at its news."
        " Nothing is entered, shorts are kept, stops rest at the exchange"
    )
    assert shown("Feed State", feed="halt?", feed_since=None) == "HALT? since an unknown time"


@pytest.mark.parametrize("connected", [True, False])
def test_long_time_on_polled_prices_comes_with_the_way_out(connected: bool) -> None:
    polled: dict[str, Any] = {
        "source": "REST_POLLING",
        "feed": "fallback",
        "feed_source": "rest",
        "feed_source_since": at("10:28"),
        "connected": connected,
    }
    assert shown("Price Source", **polled) == "REST_POLLING since 10:28:00 IST"
    long = f"REST_POLLING since 10:28:00 IST, longer than feed.rest_alert_s: {REST_REMEDY}"
    assert advice(**polled, feed_rest_long=True)[-1] == long
    lines = advice(**polled)
    assert len(lines) == 1
    assert lines[0].startswith("Prices come by REST" if connected else "WebSocket is not")


def test_backup_is_named_as_the_source() -> None:
    backup: dict[str, Any] = {"feed_source": "backup", "feed_source_since": None}
    assert shown("Price Source", **backup) == "WEBSOCKET backup"


@pytest.mark.parametrize(
    ("since", "said"),
    [
        ("10:34:23", "CONNECTED, no tick for 60 s"),
        ("10:34:24", "CONNECTED"),
        ("10:36", "CONNECTED"),
    ],
)
def test_mute_socket_is_not_called_connected_without_a_word(since: str, said: str) -> None:
    assert shown("WebSocket", silent_since=at(since)) == said
    assert shown("WebSocket", silent_since=at(since), connected=False) == "DISCONNECTED"


def test_socket_outside_the_session_may_be_mute() -> None:
    assert shown("WebSocket", silent_since=None, last_tick_at=None) == "CONNECTED"


@pytest.mark.parametrize(
    ("changes", "off"),
    [
        ({}, ""),
        ({"mode": "REDUCE_ONLY", "mode_reason": "DAY_DONE"}, "REDUCE_ONLY DAY_DONE"),
        ({"mode": "WAIT_LOGIN", "feed_trusted": False}, "WAIT_LOGIN"),
        ({"at": at("15:10")}, "the last entry was possible at 15:10:00 IST"),
        ({"last_entry": None}, ""),
        ({"feed_trusted": False, "feed_doubt": "outside the session"}, "outside the session"),
        ({"feed": "", "feed_trusted": False}, "the feed was not judged yet"),
    ],
)
def test_entries_are_on_or_off_for_a_reason(changes: dict[str, Any], off: str) -> None:
    assert entries_off(a_status(**changes), alive=True) == off
    assert shown("Entries", **changes) == (f"OFF ({off})" if off else "ON")
    assert entries_off(a_status(**changes), alive=False) == "the agent is not running"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"feed": "suspect", "feed_doubt": "no ticks for 60 s"},
            ("The feed is suspect (no ticks for 60 s): check the broker's streaming in OpenAlgo"),
        ),
        (
            {"feed_trusted": False, "feed_doubt": "the feed has to prove itself first"},
            "Entries are off (the feed has to prove itself first): exits and stops go on",
        ),
    ],
)
def test_doubt_of_the_feed_is_never_all_systems_operational(
    changes: dict[str, Any], said: str
) -> None:
    assert advice(**changes) == [said]


def test_doubt_adds_nothing_while_entries_are_off_anyway() -> None:
    assert advice(feed="off", feed_trusted=False, feed_doubt="outside the session") == []
    assert advice(mode="REDUCE_ONLY", feed_trusted=False, feed_doubt="x") == []


def test_old_snapshot_of_a_living_agent_comes_first_and_claims_nothing() -> None:
    lines = advice(age_s=31, uncovered=65)
    assert lines[0].startswith("The agent lives, but wrote its status 31 s ago: do not trust")
    assert len(lines) == 2
    assert advice(age_s=30) == []
    assert shown("Feed State", age_s=31) == "UNKNOWN"
    assert shown("Price Source", age_s=31) == "UNKNOWN"
    assert shown("Entries", age_s=31) == "UNKNOWN"
    assert entries_off(a_status(), alive=True, age_s=31) == "unknown, the status is old"
    assert entries_off(a_status(), alive=True, age_s=30) == ""
    assert shown("Entries", age_s=31, alive=False) == "OFF (the agent is not running)"
    assert len(advice(age_s=31, alive=False)) == 1


def test_shorts_are_counted_with_the_units_nothing_covers() -> None:
    one = a_status(positions=1)
    assert "\nShorts: 1\n" in render(one, alive=True)
    assert "\nShorts: 1 when last seen\n" in render(one, alive=False)
    bare = a_status(positions=2, uncovered=65)
    assert "\nShorts: 2, 65 units UNCOVERED\n" in render(bare, alive=True)
