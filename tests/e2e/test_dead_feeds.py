"""Both sources of prices die one after the other, with a short open, over real sockets."""

from pathlib import Path

import pytest

from domain.books import Action
from domain.session import instant
from sandbox.truth import Accepted, Met, State, Traded
from tests import tapes
from tests.e2e.sessions import Process, Truth, run, summary_of
from tests.stories import times, told
from tests.tapes import CALL, DAY, UNITS, Leg

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

SHORT = Leg(ready="10:57", breaks="10:58")
SCRIPT = """\
version: 1
faults:
  - {id: mute, at: "ws:conn", when: {between: ["11:00", "11:20"]}, do: {silent: {pong: true}}}
  - {id: frozen, at: "rest:multiquotes", when: {between: ["11:10", "11:20"]}, do: {freeze_quotes: }}
"""
PATIENT = "exit: {blind_flatten_s: 900}\n"
"""Prices come back before a short is left for want of them."""

ONCE = (
    "WebSocket is not broadcasting, starting REST",
    "Broker verified via REST",
    "REST polling started",
    "feed was fallback, is blind",
    "BLIND: no source has live prices",
    "prices live again",
    "Back to WEBSOCKET: its own ticks for 30 s",
)


def stop_span(truth: Truth) -> tuple[int, int]:
    """When the only stop came to rest, and when it ended."""
    stop, _ = truth.orders(Action.BUY)
    rows = truth.rows
    since = next(
        row.at
        for row in rows
        if isinstance(row.payload, Accepted) and row.payload.order.orderid == stop.orderid
    )
    until = next(
        row.at
        for row in rows
        if isinstance(row.payload, State | Traded) and row.payload.orderid == stop.orderid
    )
    return since, until


@pytest.mark.incident("INC-12")
def test_mute_socket_and_frozen_quotes_leave_the_short_to_its_stop(tmp_path: Path) -> None:
    script, config = tmp_path / "faults.yaml", tmp_path / "config.yaml"
    script.write_text(SCRIPT, "ascii")
    config.write_text(PATIENT, "ascii")
    state = tmp_path / "state"
    state.mkdir()
    with run(
        tmp_path,
        "sandbox",
        tape=tapes.write(tmp_path / "day.csv", SHORT, since="10:30"),
        begin="10:55",
        until="11:26",
        faults=script,
        config=config,
        state_dir=state,
        summary=tmp_path / "summary.json",
        speed=60,
    ) as started:
        agent = Process(started.process, state)
        assert agent.wait() == 0
    story = told(agent.log, *ONCE)
    assert [agent.log.count(line) for line in ONCE] == [1] * len(ONCE)
    left, _, _, blind, _, live, back = times(story)
    assert "11:00:15" <= left <= "11:02:30"
    assert "11:10:15" <= blind <= "11:11:30"
    assert "11:20:00" <= live <= "11:20:30"
    assert "11:20:25" <= back <= "11:22:00"
    summary, truth = summary_of(tmp_path / "summary.json"), Truth(state)
    assert (summary["flat"], summary["invariants_broken"]) == (True, [])
    assert (summary["entries"], summary["exits"]) == (1, 1)
    since, until = stop_span(truth)
    assert since < instant(DAY, "11:00") < instant(DAY, "11:26") <= until
    assert truth.net(CALL) == 0
    assert sum(order.filled for order in truth.orders(Action.BUY)) == UNITS
    assert {row.payload.id for row in truth.rows if isinstance(row.payload, Met)} == {
        "mute",
        "frozen",
    }
