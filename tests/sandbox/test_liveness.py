"""What has to be true once the faults have stopped: L1, L2, and that nothing is lost."""

from typing import Any

import pytest

from domain.orders import State
from sandbox.liveness import in_doubt
from tests.sandbox.day import BUY, SELL, Day

CALM = {"calm_at": Day.instant(100)}


def an_unanswered_order(sent_s: float = 90) -> Day:
    """An entry that was sent and that nobody heard of again; the exchange never got it."""
    day = Day()
    day.intend("entry", SELL, 65, sent_s)
    day.move("entry", sent_s + 20, State.UNKNOWN)
    return day


def test_l1_order_in_flight_150_s_after_the_faults() -> None:
    day = an_unanswered_order()
    (text,) = day.judge(until=Day.instant(250), **CALM).invariants_broken
    assert text == "L1 NIFTY23NOV2626000CE: i-entry is unknown at 10:04:10"


@pytest.mark.parametrize(
    "terms",
    [
        {"until": Day.instant(249), **CALM},
        {"until": Day.instant(900)},
    ],
    ids=["too soon to tell", "nobody said when the faults stopped"],
)
def test_l1_is_not_due(terms: dict[str, Any]) -> None:
    assert an_unanswered_order().broken(**terms) == []


def test_l1_order_that_was_given_up_or_sent_later_breaks_nothing() -> None:
    given_up = an_unanswered_order()
    given_up.move("entry", 226, State.NOT_PLACED)
    later = an_unanswered_order(sent_s=101)
    for day in (given_up, later):
        assert day.broken(until=Day.instant(900), **CALM) == []


def test_in_doubt_is_what_was_not_answered_at_some_time_of_a_stretch() -> None:
    day = an_unanswered_order()
    day.move("entry", 226, State.NOT_PLACED)
    for since, until, sent in ((95, 99, [90]), (200, 400, [90]), (80, 89, []), (227, 400, [])):
        found = in_doubt(day.journal, Day.instant(since), Day.instant(until))
        assert found == [Day.instant(at) for at in sent]


def a_known_fill(booked_s: float) -> Day:
    day = Day()
    day.short(at_s=50)
    day.move("entry", 50, State.ACKED, known="entry")
    day.book("entry", booked_s, 650)
    return day


def test_l2_trade_that_the_journal_does_not_tell_of_in_time() -> None:
    terms = {"until": Day.instant(170), **CALM}
    assert "L2" not in a_known_fill(160).broken(**terms)
    (text,) = [t for t in a_known_fill(161).judge(**terms).invariants_broken if t[:2] == "L2"]
    assert text == (
        "L2 NIFTY23NOV2626000CE: truth 2: 650 units of entry traded, the journal tells of 0 by "
        "10:02:40"
    )


def test_accepted_order_that_no_journal_row_knows_is_lost() -> None:
    day = Day()
    day.order("stop", BUY, 65, 10, price=16_500, trigger=16_000)
    report = day.judge(until=Day.instant(12), **CALM)
    assert report.orders_lost == 1
    assert report.invariants_broken == [
        "LOST NIFTY23NOV2626000CE: truth 1: BUY 65 stop is in no journal row"
    ]
    day.move("stop", 11, State.ACKED, known="stop")
    assert day.judge(until=Day.instant(12), **CALM).orders_lost == 0
