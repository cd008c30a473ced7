"""Healthy and ready: what each state of the agent means to a machine that asks."""

from typing import Any

import pytest

from domain.readiness import CLOSING, READY_BY, attention, illness
from domain.reasons import Condition
from domain.standing import PARKING
from domain.status import OLD_S, Hold
from domain.units import SECOND
from tests.domain.test_status import a_status
from tests.trading import at

BOOKS = Hold(code=Condition.BOOKS, text="the books are empty")
FREEZE = Hold(code="FREEZE", text="BY_HAND")
DAY_DONE = Hold(code="DAY_DONE", text="DAY_STOP")


def test_agent_that_may_enter_is_ready() -> None:
    assert attention(a_status(), 0.4) == ""


def test_agent_that_told_nothing_for_long_is_neither_healthy_nor_ready() -> None:
    assert illness(OLD_S) == ""
    assert illness(OLD_S + 1) == attention(a_status(), OLD_S + 1) == "nothing was told for 31 s"


MEANT: dict[str, dict[str, Any]] = {
    "no more entries so late": {"at": at("15:10"), "feed_trusted": False},
    "sleeps or is done": {"mode": "CLOSED", "mode_reason": "next session 2026-11-23 09:15 IST"},
    "done under a latch of the day": {"mode": "CLOSED", "latches": (FREEZE,)},
    "waits for the open": {
        "mode": "REDUCE_ONLY",
        "at": at("08:50"),
        "opens_at": at("09:15"),
    },
    "chooses its contracts": {
        "mode": "REDUCE_ONLY",
        "at": at("09:15") + READY_BY - SECOND,
        "opens_at": at("09:15"),
    },
    "leaves by the clock": {
        "mode": "REDUCE_ONLY",
        "mode_reason": "force close",
        "mode_since": at("15:15"),
        "at": at("15:15") + CLOSING,
    },
    "leaves by the day's limit": {
        "mode": "REDUCE_ONLY",
        "mode_reason": "DAY_DONE",
        "mode_since": at("10:35"),
        "latches": (DAY_DONE,),
    },
}


@pytest.mark.parametrize("changes", MEANT.values(), ids=MEANT)
def test_what_is_meant_to_be_is_ready(changes: dict[str, Any]) -> None:
    assert attention(a_status(**changes), 1) == ""


NEEDS_SOMEBODY: dict[str, tuple[dict[str, Any], str]] = {
    "sleeps and cannot wake": ({"mode": "CLOSED", "needs": "renew the rules"}, "renew the rules"),
    "begins": ({"mode": "STARTING"}, "STARTING"),
    "recovers": ({"mode": "RECOVERING"}, "RECOVERING"),
    "no session": ({"mode": "WAIT_LOGIN", "mode_reason": "log in"}, "WAIT_LOGIN log in"),
    "halted": ({"mode": "HALTED", "mode_reason": "HALT"}, "HALTED HALT"),
    "blind": ({"feed": "blind"}, "BLIND no source has live prices"),
    "blind, and late": (
        {"feed": "halt?", "at": at("15:11")},
        "HALT? no source has live prices",
    ),
    "prices are doubted": (
        {"feed_trusted": False, "feed_doubt": "prices are polled"},
        "prices are polled",
    ),
    "frozen": (
        {
            "mode": "REDUCE_ONLY",
            "mode_reason": "FREEZE",
            "mode_since": at("10:35"),
            "latches": (FREEZE, DAY_DONE),
        },
        "REDUCE_ONLY FREEZE",
    ),
    "frozen before the open": (
        {
            "mode": "REDUCE_ONLY",
            "at": at("08:50"),
            "opens_at": at("09:15"),
            "latches": (FREEZE,),
        },
        "REDUCE_ONLY FREEZE",
    ),
    "not prepared in time": (
        {"mode": "REDUCE_ONLY", "at": at("09:15") + READY_BY, "opens_at": at("09:15")},
        "REDUCE_ONLY the strategy is not ready yet",
    ),
    "not prepared in time, nobody knows when it opens": (
        {"mode": "REDUCE_ONLY", "mode_since": at("10:35")},
        "REDUCE_ONLY the strategy is not ready yet",
    ),
    "the books are doubted before the open": (
        {
            "mode": "REDUCE_ONLY",
            "at": at("08:50"),
            "opens_at": at("09:15"),
            "conditions": (BOOKS,),
        },
        "REDUCE_ONLY BOOKS",
    ),
    "not proved flat in time": (
        {
            "mode": "REDUCE_ONLY",
            "mode_reason": "force close",
            "mode_since": at("15:15"),
            "at": at("15:15") + CLOSING + 1,
        },
        "REDUCE_ONLY force close",
    ),
    "leaves, and the books are doubted": (
        {
            "mode": "REDUCE_ONLY",
            "mode_reason": "force close",
            "mode_since": at("10:35"),
            "conditions": (BOOKS,),
        },
        "REDUCE_ONLY force close",
    ),
    "parks": (
        {"mode": "REDUCE_ONLY", "mode_reason": PARKING, "mode_since": at("10:35")},
        "REDUCE_ONLY parking",
    ),
}


@pytest.mark.parametrize(("changes", "why"), NEEDS_SOMEBODY.values(), ids=NEEDS_SOMEBODY)
def test_what_needs_somebody_is_not_ready_and_says_why(changes: dict[str, Any], why: str) -> None:
    assert attention(a_status(**changes), 1) == why
