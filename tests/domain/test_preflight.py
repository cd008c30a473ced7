"""Which servers an agent refuses to trade on."""

from typing import Any

import pytest

from domain.preflight import why_not
from tests.orders import a_ready

PAPER: dict[str, Any] = {"expected": "analyze", "is_paper_exchange": True, "is_quiet": True}


def refused(ready: dict[str, Any], **changes: Any) -> str:
    return why_not(a_ready(**ready), **PAPER | changes)


def test_paper_exchange_and_its_agent_belong_together() -> None:
    assert refused({}) == ""


def test_real_server_and_a_live_agent_belong_together() -> None:
    live = {"broker": "zerodha", "mode": "live"}
    assert refused(live, expected="live", is_paper_exchange=False) == ""
    assert refused({"broker": "zerodha"}, is_paper_exchange=False) == ""


def test_live_agent_refuses_the_paper_exchange() -> None:
    text = refused({}, is_paper_exchange=False)
    assert text.startswith("the server is the paper exchange (sutradhar_sandbox)")
    assert "OPENALGO_HOST" in text


def test_agent_of_the_paper_exchange_refuses_any_other_name() -> None:
    text = refused({"broker": "zerodha"})
    assert text.startswith("the server's broker is zerodha")
    assert "run.py live" in text


@pytest.mark.parametrize(("mode", "expected"), [("live", "analyze"), ("analyze", "live")])
def test_other_mode_is_refused(mode: str, expected: str) -> None:
    text = refused({"mode": mode}, expected=expected)
    assert text.startswith(f"the server is in {mode} mode, the settings expect {expected};")
    assert "PAPER_TRADING" in text


def test_semi_auto_is_refused_unless_something_is_open() -> None:
    assert "auto" in refused({"semi_auto": True})
    assert refused({"semi_auto": True}, is_quiet=False) == ""
