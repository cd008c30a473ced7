"""OrderActor and the server: a login is waited for, funds and clock are read again and again."""

import logging
from pathlib import Path
from typing import Any

import pytest

from domain.calls import (
    Failed,
    Outcome,
    Preflight,
)
from domain.strategy import Mode
from domain.units import Paise, seconds
from messages.control import Ended, ModeEntered, Pulse
from messages.orders import (
    Attention,
    BooksFailed,
    EntryRefused,
    ExitPosition,
    PreflightDone,
)
from tests.actors.order_stand import Stand, of, place
from tests.orders import (
    CE,
    rows_of_short,
    sold,
    t,
)
from tests.trading import DAY, TAG


@pytest.fixture
def stand(tmp_path: Path) -> Stand:
    return Stand(tmp_path)


# Waiting for a login.


def refused(seconds: float) -> PreflightDone:
    text = "Invalid openalgo apikey"
    failed = Failed(
        call="Preflight", outcome=Outcome.REJECTED, at=t(seconds), status=403, text=text
    )
    return PreflightDone(reply=failed)


@pytest.mark.incident("INC-83")
def test_missing_broker_login_is_waited_for(stand: Stand, caplog: pytest.LogCaptureFixture) -> None:
    stand.begin()
    told = stand.hear(1, refused(1))
    assert of(ModeEntered, told)[0].mode == "WAIT_LOGIN"
    assert of(Attention, told) == [
        Attention(at=t(1), every=seconds(30), now=False, reason="no broker session")
    ]
    for when in (2, 15, 30.9):
        stand.hear(when, Pulse(at=t(when)))
    assert len(stand.broker.reads) == 1
    stand.hear(31, Pulse(at=t(31)))
    stand.hear(32, refused(32))
    stand.hear(62, Pulse(at=t(62)))
    assert stand.asked() == [Preflight(day=DAY)] * 3
    warnings = [r.message for r in caplog.records if r.levelno == logging.WARNING]
    (said,) = [text for text in warnings if "no broker session status=403" in text]
    assert said.endswith(": log in to the broker in OpenAlgo, or correct OPENALGO_API_KEY")
    assert of(ModeEntered, stand.preflight(63))[0].mode == "RECOVERING"


def test_server_that_does_not_answer_is_waited_for(
    stand: Stand, caplog: pytest.LogCaptureFixture
) -> None:
    failed = Failed(call="Preflight", outcome=Outcome.NOT_SENT, at=t(1), text="connect")
    told = stand.begin().hear(1, PreflightDone(reply=failed))
    entered = ModeEntered(at=t(1), mode="WAIT_LOGIN", reason="the server does not answer")
    assert of(ModeEntered, told)[0] == entered
    remedy = "start OpenAlgo, or correct OPENALGO_HOST and OPENALGO_PORT"
    said = f"the server does not answer status=0 connect; asking again every 30 s: {remedy}"
    assert said in caplog.messages
    stand.hear(31, Pulse(at=t(31)))
    assert stand.asked() == [Preflight(day=DAY)] * 2


def test_session_lost_with_nothing_open_is_asked_for_slowly(stand: Stand) -> None:
    stand.ready()
    lost = BooksFailed(at=t(20), status=403, text="Invalid openalgo apikey")
    assert of(Attention, stand.hear(20, lost))[0].every == seconds(30)


def test_session_lost_with_a_short_is_asked_for_each_five_seconds_and_said_once(
    stand: Stand, caplog: pytest.LogCaptureFixture
) -> None:
    stand.protected()
    lost = BooksFailed(at=t(20), status=403, text="Invalid openalgo apikey")
    told = stand.hear(20, lost)
    assert of(ModeEntered, told)[0] == ModeEntered(
        at=t(20), mode="WAIT_LOGIN", reason="no broker session"
    )
    assert of(Attention, told)[0].every == seconds(5)
    stand.hear(50, lost)
    told_once = [r.levelname for r in caplog.records if "no broker session" in r.message and r.args]
    assert told_once == ["WARNING", "ERROR"], "and a page, for a short is open"
    assert stand.sent() == []
    told = stand.read(80, rows_of_short(), [sold()])
    assert of(ModeEntered, told)[0].mode == "ACTIVE"


# Asking the server again.


def asked_at(stand: Stand, *whens: float) -> list[float]:
    """The seconds at which a pulse made the actor ask the server how it is."""
    asked = []
    for when in whens:
        stand.broker.reads.clear()
        stand.hear(when, Pulse(at=t(when)))
        asked += [when] * len(stand.asked())
    return asked


def test_funds_and_clock_are_read_every_five_minutes(stand: Stand) -> None:
    stand.ready()
    assert asked_at(stand, 1, 299, 300, 301, 600) == [300, 600]
    assert stand.asked() == [Preflight(day=DAY)]
    assert stand.preflight(600.5, available=Paise(1), skew=seconds(11)) == []
    stand.read(600.6)
    (refusal, _) = of(EntryRefused, stand.hear(601, place(601)))
    assert refusal.code == "CLOCK_SKEW"
    stand.preflight(602, available=Paise(1))
    (refusal, _) = of(EntryRefused, stand.hear(602, place(602)))
    assert refusal.code == "MARGIN"


def test_server_that_only_fails_to_say_it_again_changes_no_mode(
    stand: Stand, caplog: pytest.LogCaptureFixture
) -> None:
    stand.ready()
    failed = Failed(call="Preflight", outcome=Outcome.UNKNOWN, at=t(300), status=500, text="no")
    for when in (300, 330):
        assert asked_at(stand, when) == [when]
        assert stand.hear(when, PreflightDone(reply=failed)) == []
    assert stand.actor._desk.mode(t(331)) is Mode.ACTIVE
    assert caplog.messages.count("funds and clock are not read status=500 no") == 1


def test_session_that_is_missing_at_a_repeat_is_waited_for(stand: Stand) -> None:
    stand.ready()
    asked_at(stand, 300)
    assert of(ModeEntered, stand.hear(301, refused(301)))[0].mode == "WAIT_LOGIN"
    assert asked_at(stand, 330, 331) == [331]
    told = stand.preflight(332)
    assert of(ModeEntered, told)[0].mode == "ACTIVE"
    assert of(Attention, told)[0].now


def test_server_is_asked_once_the_books_came_back(stand: Stand) -> None:
    stand.ready()
    stand.hear(20, BooksFailed(at=t(20), status=403, text="Invalid openalgo apikey"))
    assert asked_at(stand, 21) == []
    stand.read(50)
    assert asked_at(stand, 51, 52) == [51]


@pytest.mark.parametrize("changes", [{"mode": "live"}, {"broker": "zerodha"}])
def test_server_found_to_be_another_is_written_to_no_more(
    stand: Stand, changes: dict[str, Any]
) -> None:
    stand.protected()
    asked_at(stand, 300)
    told = stand.preflight(301, **changes)
    assert of(Ended, told) == []
    assert of(ModeEntered, told)[0].reason == "MODE_FLIP"
    stand.hear(302, ExitPosition(at=t(302), strategy=TAG, symbol=CE, reason="EXIT"))
    assert stand.sent() == []


def test_orders_that_wait_for_a_human_since_noon_end_the_entries_and_no_process(
    stand: Stand,
) -> None:
    stand.ready()
    asked_at(stand, 300)
    told = stand.preflight(301, semi_auto=True)
    assert of(Ended, told) == []
    assert of(ModeEntered, told)[0].reason == "ORDER_MODE"
