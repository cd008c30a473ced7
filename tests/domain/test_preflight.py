"""Which servers an agent refuses to trade on, and how often it asks them."""

from typing import Any

import pytest

from domain.preflight import Checkup, lost, why_not
from domain.units import seconds
from tests.orders import a_ready, t

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


# When the server is asked.


def asked(checkup: Checkup, *whens: float, is_waiting: bool = False) -> list[float]:
    return [when for when in whens if checkup.is_due(t(when), is_waiting=is_waiting)]


def test_server_is_asked_at_once_and_then_every_five_minutes() -> None:
    checkup = Checkup(seconds(30))
    assert asked(checkup, 0, 1, 299, 300, 301, 599, 600) == [0, 300, 600]


def test_server_is_asked_again_soon_after_a_failure_which_is_news_once() -> None:
    checkup = Checkup(seconds(30))
    asked(checkup, 0)
    assert (checkup.failed(t(1)), checkup.has_passed) == (True, False)
    assert asked(checkup, 2, 30, 31, is_waiting=True) == [31]
    assert not checkup.failed(t(32))
    assert asked(checkup, 61, 62, is_waiting=True) == [62]
    checkup.passed()
    assert checkup.has_passed
    assert asked(checkup, 63, 361, 362) == [362]
    assert checkup.failed(t(363))


def test_server_is_asked_again_sooner_while_a_short_is_open() -> None:
    checkup = Checkup(seconds(30))
    asked(checkup, 0)
    checkup.failed(t(1), is_at_stake=True)
    assert asked(checkup, 5, 6, is_waiting=True) == [6]


def test_server_is_asked_once_when_a_lost_session_came_back_by_itself() -> None:
    checkup = Checkup(seconds(30))
    asked(checkup, 0)
    checkup.passed()
    assert asked(checkup, 10, 11, is_waiting=True) == []
    assert asked(checkup, 12, 13) == [12]


def test_server_that_answers_lacks_a_session_and_one_that_does_not_is_not_there() -> None:
    assert lost(403)[0] == "no broker session"
    assert lost(0)[0] == "the server does not answer"
