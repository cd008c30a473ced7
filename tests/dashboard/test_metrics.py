"""Metrics: the snapshot in Prometheus' words, each of them told in docs/METRICS.md."""

import re

import pytest
from prometheus_client.parser import text_string_to_metric_families

from dashboard import metrics
from dashboard.board import Board
from domain.status import OLD_S, Hold, Status
from domain.units import SECOND
from tests.capabilities import needs
from tests.dashboard.conftest import Stopped
from tests.dashboard.metrics_page import PAGE, a_full_status, exposed, rewritten
from tests.dashboard.rules import ALERTS, promtool
from tests.domain.test_status import a_status

Values = dict[str, float]


def values_of(text: str) -> Values:
    """Every sample by its name with labels."""
    found: Values = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = ",".join(f"{key}={value}" for key, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


def values(status: Status | None = None) -> Values:
    return values_of(exposed(status))


def ones(found: Values, name: str) -> set[str]:
    return {key for key, value in found.items() if key.startswith(f"{name}{{") and value == 1}


def test_snapshot_is_exposed_as_it_is() -> None:
    found = values()
    expected = {
        "sutradhar_build_info{commit=0123abc,version=0.1.0}": 1,
        "sutradhar_entries_allowed": 1,
        "sutradhar_ready": 1,
        "sutradhar_market_time_seconds": a_full_status().at / SECOND,
        "sutradhar_feed_trusted": 1,
        "sutradhar_websocket_connected": 1,
        "sutradhar_last_tick_age_seconds": 1,
        "sutradhar_websocket_silent_seconds": 3,
        "sutradhar_openalgo_unanswered_seconds": 10,
        "sutradhar_openalgo_authenticated": 1,
        "sutradhar_websocket_reconnects": 4,
        "sutradhar_symbols_subscribed": 82,
        "sutradhar_symbols_seen": 80,
        "sutradhar_symbols_stale": 1,
        "sutradhar_positions": 1,
        "sutradhar_uncovered_units": 65,
        "sutradhar_naked_seconds": 2,
        "sutradhar_uncovered_seconds_total": 3.5,
        "sutradhar_result_rupees": -1234.5,
        "sutradhar_result_r": -1.25,
        "sutradhar_orders{state=filled}": 6,
        "sutradhar_orders{state=unknown}": 1,
        "sutradhar_orders{state=open}": 0,
        "sutradhar_ticks_total": 1200,
        "sutradhar_bars_total": 150,
        "sutradhar_swings_total": 9,
        "sutradhar_feed_switches_total": 2,
        "sutradhar_refusals_total": 3,
        "sutradhar_trades_total": 5,
        "sutradhar_actor_restarts_total{actor=feed}": 2,
        "sutradhar_inbox_messages{actor=bar}": 7,
        "sutradhar_actor_echo_age_seconds{actor=order}": 3,
    }
    assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("name", "so"),
    [
        ("sutradhar_mode", {"sutradhar_mode{mode=ACTIVE}"}),
        ("sutradhar_feed_state", {"sutradhar_feed_state{state=healthy}"}),
        ("sutradhar_feed_source", {"sutradhar_feed_source{source=primary}"}),
        ("sutradhar_latch", {"sutradhar_latch{code=FREEZE}"}),
        ("sutradhar_condition", {"sutradhar_condition{code=BOOKS}"}),
    ],
)
def test_of_an_enumeration_what_is_so_is_1(name: str, so: set[str]) -> None:
    assert ones(values(), name) == so


def test_code_that_is_not_known_is_told_all_the_same() -> None:
    found = values(a_status(latches=(Hold(code="NEW_ONE", text="later"),)))
    assert ones(found, "sutradhar_latch") == {"sutradhar_latch{code=NEW_ONE}"}


def test_what_never_was_has_no_value() -> None:
    bare = a_status(last_tick_at=None, silent_since=None, authenticated=None)
    absent = {
        "sutradhar_last_tick_age_seconds",
        "sutradhar_websocket_silent_seconds",
        "sutradhar_openalgo_unanswered_seconds",
        "sutradhar_openalgo_authenticated",
    }
    assert absent & set(values(bare)) == set()


def test_agent_that_says_nothing_is_seen_by_its_age(machine: Stopped) -> None:
    board = Board()
    found = metrics.registry(board, "0.1.0")
    machine.pass_s(2.5)
    before = values_of(metrics.exposition(found).decode())
    assert (before["sutradhar_status_age_seconds"], before["sutradhar_ready"]) == (2.5, 0)
    assert "sutradhar_positions" not in before
    board.show(a_status())
    machine.pass_s(OLD_S + 1)
    after = values_of(metrics.exposition(found).decode())
    assert (after["sutradhar_status_age_seconds"], after["sutradhar_ready"]) == (31, 0)
    assert after["sutradhar_entries_allowed"] == 0


def test_every_metric_is_told_in_the_docs() -> None:
    page = PAGE.read_text("ascii")
    told = "write it anew with python -m tests.dashboard.metrics_page"
    assert rewritten(page, exposed()) == page, told


def test_every_metric_of_the_example_rules_exists() -> None:
    text = exposed()
    named = set(re.findall(r"\b(?:sutradhar|process)_[a-z_]+", ALERTS.read_text("ascii")))
    exposed_names = {name.partition("{")[0] for name in values_of(text)}
    assert named - exposed_names == set()
    assert len(named) > 10


def test_prometheus_finds_nothing_wrong_with_the_metrics() -> None:
    needs("promtool")
    checked = promtool("check", "metrics", said=exposed())
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")
