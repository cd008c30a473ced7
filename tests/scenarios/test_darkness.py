"""No source has live prices while a short is open: its stop is looked after, then it is left."""

import re
from pathlib import Path
from typing import Any

import pytest

from domain.books import Action
from domain.session import instant
from sandbox.kinds import Status
from tests.days import Played, a_day, a_stage
from tests.stories import times, told
from tests.tapes import CALL, DAY, OTHERS, UNITS, Leg, a_tape

HELD = Leg(ready="09:50", breaks="09:52")
"""Sold at 09:52; its stop stands at 153 and nothing touches it."""

MUTE = {"id": "mute", "at": "ws:conn", "do": {"silent": {"pong": True}}}
FROZEN = {"id": "frozen", "at": "rest:*", "do": {"freeze_quotes": {}}}


def down(*kinds: str) -> tuple[dict[str, Any], ...]:
    """These calls are answered by nobody; orders and books are."""
    return tuple(
        {"id": kind, "at": f"rest:{kind}", "do": {"status": {"code": 503}}} for kind in kinds
    )


SILENT = (MUTE, *down("multiquotes", "quotes", "history"))
POLLED = (MUTE, *down("history"))


def dead(since: str, until: str) -> tuple[dict[str, Any], ...]:
    """Both sources: a stream that only answers pings, and quotes that stand still."""
    when = {"when": {"between": [since, until]}}
    return (MUTE | when, FROZEN | when)


def given(until: str, force_close: str, **settings: Any) -> dict[str, Any]:
    return {
        "begin": "09:47",
        "force_close": force_close,
        "tape": a_tape(HELD, since="09:25"),
        "faults": dead("10:00", until),
        "settings": settings,
    }


def assert_flat(played: Played) -> None:
    assert (played.ended.code, played.report.flat) == (10, True)
    assert played.report.invariants_broken == []


def test_short_is_left_after_five_minutes_in_which_no_source_lives(tmp_path: Path) -> None:
    played = a_day(tmp_path, **given("10:40", "10:30"))
    story = told(
        played.log,
        r"WARNING .*No ticks for 60 s, reconnecting",
        r"ERROR .*BLIND: no source has live prices; 1 short is flattened in 300 s",
        r"WARNING .*BLIND for 60 s: 1 short is flattened in 240 s unless prices return",
        r"WARNING .*BLIND for 240 s: 1 short is flattened in 60 s unless prices return",
        r"ERROR .*BLIND for 300 s: 1 short is flattened now",
        r"LATCH\] FLATTEN set reason=BLIND",
        r"leaving NIFTY\w+ units=650 reason=BLIND",
        rf"cover BUY {CALL} units=650 LIMIT price=165.25",
        r"is closed .* reason=BLIND",
        r"the book is proved flat",
    )
    dark, left = times(story)[1], times(story)[4]
    assert "10:02:00" <= dark <= "10:02:31"
    assert "10:07:00" <= left <= "10:07:31"
    assert played.log.count("BLIND: no source") == 1
    assert_flat(played)


def test_short_is_kept_where_the_setting_says_never_and_force_close_waits_for_no_price(
    tmp_path: Path,
) -> None:
    never = {"exit.blind_flatten_s": 0}
    played = a_day(tmp_path, **given("10:40", "10:15", **never))
    told(
        played.log,
        r"BLIND: no source has live prices; 1 short is kept",
        r"leaving NIFTY\w+ units=650 reason=FORCE_CLOSE",
        r"is closed .* reason=FORCE_CLOSE",
    )
    assert_flat(played)


def test_prices_that_return_in_time_leave_the_short_alone(tmp_path: Path) -> None:
    played = a_day(tmp_path, **given("10:06", "10:15"))
    told(
        played.log,
        r"BLIND: no source has live prices",
        r"prices live again after \d+ s: (WEBSOCKET|REST_POLLING)",
        r"leaving NIFTY\w+ units=650 reason=FORCE_CLOSE",
    )
    assert "reason=BLIND" not in played.log
    assert_flat(played)


def test_story_of_an_outage_has_each_transition_once(tmp_path: Path) -> None:
    """The stream is mute from 10:00, polled prices are frozen from 10:10, both live at 10:20."""
    faults = (
        MUTE | {"when": {"between": ["10:00", "10:20"]}},
        FROZEN | {"when": {"between": ["10:10", "10:20"]}},
    )
    settings = {"exit.blind_flatten_s": 0}
    day = given("10:40", "10:30", **settings) | {"faults": faults}
    played = a_day(tmp_path, **day)
    transitions = (
        r"feed was healthy, is fallback",
        r"No ticks for 20 s while exposed",
        r"starting REST",
        r"Broker verified via REST",
        r"REST polling started",
        r"REST_POLLING for 300 s: is the broker connected",
        r"feed was fallback, is blind",
        r"BLIND: no source has live prices; 1 short is kept",
        r"prices live again after",
        r"feed was fallback, is healthy",
        r"Back to WEBSOCKET: its own ticks for 30 s",
    )
    told(played.log, *transitions)
    for line in transitions:
        found = [each for each in played.log.splitlines() if re.search(line, each)]
        assert len(found) == 1, (line, found)
    assert "10:19:59" < times(told(played.log, transitions[-1]))[0] < "10:21:05"
    assert played.log.index("reason=FORCE_CLOSE") > played.log.index("Back to WEBSOCKET")
    assert_flat(played)


@pytest.mark.parametrize(
    ("dark", "settings", "reason"),
    [
        (SILENT, {}, "no ticks for 60 s"),
        (
            POLLED,
            {"feed.rest_entries": "never"},
            "prices are polled and feed.rest_entries is never",
        ),
    ],
)
def test_entry_ends_where_nobody_sees_its_price_and_no_history_comes(
    tmp_path: Path, dark: tuple[dict[str, Any], ...], settings: dict[str, Any], reason: str
) -> None:
    """It would fill at 10:12. The minute of the loss waits for history for longer than that."""
    played = a_day(
        tmp_path,
        begin="09:47",
        force_close="10:30",
        tape=a_tape(Leg(ready="09:50", breaks="10:12"), since="09:25"),
        faults=tuple(each | {"when": {"between": ["10:00", "10:20"]}} for each in dark),
        settings=settings,
    )
    story = told(
        played.log,
        rf"entry {CALL} is trigger_pending",
        rf"entries are off: {reason}",
        rf"cancel entry {CALL} reason=prices are not trusted: {reason}",
        rf"entry {CALL} is cancelled",
    )
    assert "10:00" < times(story)[1] <= "10:01:31"
    assert played.log.count(f"cancel entry {CALL}") == 1
    assert played.report.entries == 0
    assert_flat(played)


def test_stop_that_vanishes_in_the_dark_is_noticed_and_replaced(tmp_path: Path) -> None:
    with a_stage(tmp_path, **given("10:40", "10:30")) as stage:
        stage.begin().run_to("10:03")
        (stop,) = [o for o in stage.orders(Action.BUY) if o.status is Status.TRIGGER_PENDING]
        stage.session.exchange.cancel(stage.at("10:03"), stop.orderid)
        stage.run_to("10:03:40")
        stops = [o for o in stage.orders(Action.BUY) if o.status is Status.TRIGGER_PENDING]
        assert [(o.symbol, o.quantity) for o in stops] == [(CALL, UNITS)]
        assert stops[0].orderid != stop.orderid
        played = stage.finish()
    assert played.log.count("BLIND: no source") == 1
    # The checker takes the hand that cancelled for the agent's.
    assert (played.ended.code, played.report.flat) == (10, True)


@pytest.mark.incident("INC-04")
def test_quiet_strikes_at_lunch_do_not_trip_the_feed(tmp_path: Path) -> None:
    quiet = {
        "id": "lunch",
        "at": "ws:market_data",
        "when": {"between": ["12:30", "13:00"]},
        "do": {"symbol_mute": {"symbols": list(OTHERS)}},
    }
    played = a_day(
        tmp_path,
        begin="12:20",
        force_close="13:05",
        tape=a_tape(Leg(ready="12:35", breaks="12:40"), since="12:00"),
        faults=(quiet,),
    )
    assert [line for line in played.log.splitlines() if "ERROR" in line] == []
    for fault in ("No ticks", "REST_POLLING", "entries are off: no", "is suspect", "Lost"):
        assert fault not in played.log
    assert played.report.entries == 1
    assert_flat(played)
    assert instant(DAY, "12:30") < played.ended.at


def test_stops_rest_through_a_halt_of_the_exchange_and_the_day_ends_flat(tmp_path: Path) -> None:
    """To an agent with one server a halt looks like two dead sources; its stops must outlive it."""
    settings = {
        "sandbox.market.regime": "halt",
        "sandbox.market.halt.halt_min": 15,
        "universe.width_points": 300,
    }
    given: dict[str, Any] = {"seed": 1, "begin": "10:30", "force_close": "11:25"}
    with a_stage(tmp_path, **given, settings=settings) as stage:
        stage.begin()
        stage.run_to("11:14")
        stops = [o for o in stage.orders(Action.BUY) if o.status is Status.TRIGGER_PENDING]
        shorts = {o.symbol for o in stops}
        assert shorts
        assert [stage.net(symbol) for symbol in shorts] == [-o.pending for o in stops]
        played = stage.finish()
    told(played.log, r"BLIND for 300 s: . shorts? \w+ flattened now", r"is the exchange open\?")
    assert_flat(played)
