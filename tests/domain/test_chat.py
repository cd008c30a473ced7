"""Commands by chat: what is understood, what is too old, what is answered."""

import pytest

from domain.chat import LEVERS, STALE_S, Sent, Wish, brief, confirm, why_ignored, wish
from domain.levers import Lever
from tests.domain.alarm_days import a_hold, a_status

BEGAN = 1_000_000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/status", Wish.STATUS),
        ("  /PAUSE ", Wish.PAUSE),
        ("/resume@sutradhar_bot", Wish.RESUME),
        ("/kill", Wish.KILL),
        ("/kill  YES", Wish.KILL_YES),
        ("/kill@sutradhar_bot yes", Wish.KILL_YES),
        ("/kill now", Wish.HELP),
        ("/killyes", Wish.HELP),
        ("pause", Wish.HELP),
        ("/pause it", Wish.HELP),
        ("/help", Wish.HELP),
        ("/start", Wish.HELP),
        ("", Wish.HELP),
    ],
)
def test_words_become_a_wish_and_nothing_trades_by_a_slip(text: str, expected: Wish) -> None:
    assert wish(text) is expected


def test_levers_are_those_of_the_command_line() -> None:
    assert LEVERS == {
        Wish.PAUSE: (Lever.FREEZE, ""),
        Wish.RESUME: (Lever.CLEAR, "FREEZE"),
        Wish.KILL_YES: (Lever.FLATTEN, ""),
    }


@pytest.mark.parametrize(
    ("sent_s", "now_s", "expected"),
    [
        (BEGAN, BEGAN + STALE_S, ""),
        (BEGAN - 1, BEGAN, "it was sent before this agent was started"),
        (BEGAN, BEGAN + STALE_S + 1, "it is 61 s old"),
        (BEGAN + 5, BEGAN, ""),
    ],
)
def test_age_decides_what_is_obeyed(sent_s: int, now_s: int, expected: str) -> None:
    sent = Sent(chat="7", at_s=sent_s, text="/pause")
    assert why_ignored(sent, BEGAN, now_s) == expected


def test_kill_is_asked_for_twice() -> None:
    assert confirm(a_status(positions=2)).startswith("This leaves 2 open shorts at once")
    assert confirm(None).startswith("This leaves every short at once")


def test_status_fits_a_small_screen() -> None:
    status = a_status(
        feed_trusted=True, positions=2, trades=3, result_p=-12_345, result_r="-0.40", source="WS"
    )
    assert brief(status, 0.4) == (
        "ACTIVE at 10:00:00 IST\n"
        "Entries: ON\n"
        "Shorts: 2\n"
        "Closed: 3, Rs -123.45, -0.40 R\n"
        "Feed: healthy, WS\n"
        "Latches: none; conditions: none"
    )


def test_status_of_trouble_says_so() -> None:
    status = a_status(
        mode="REDUCE_ONLY",
        mode_reason="FREEZE",
        feed="",
        uncovered=65,
        positions=1,
        latches=(a_hold("FREEZE"),),
        conditions=(a_hold("BOOKS"), a_hold("RESYNC")),
    )
    lines = brief(status, 300).splitlines()
    assert lines[0] == "REDUCE_ONLY at 10:00:00 IST, 300 s ago"
    assert lines[1] == "Entries: OFF (unknown, the status is old)"
    assert lines[2] == "Shorts: 1, 65 units UNCOVERED"
    assert lines[4:] == ["Feed: unknown, no source", "Latches: FREEZE; conditions: BOOKS, RESYNC"]


def test_status_before_the_first_is_none() -> None:
    assert brief(None, 0) == "The agent has not said anything yet."
