"""What the feed said of itself, as the facts it is judged by."""

import pytest
from msgspec.structs import replace

from actors.vitals import facts_of
from domain.exposure import Exposure
from domain.feed_watch import UNANSWERED
from domain.signs import RestVerdict
from domain.units import Micros
from tests.actors.watchdog_stand import vitals
from tests.domain.tape import a_plan, at

HEALTH = vitals(rest=RestVerdict.LIVE, canary_at=at("10:00"), near_circuit=True)


def test_last_word_proves_nothing_after_too_many_pulses_without_another() -> None:
    fresh = facts_of(a_plan(), HEALTH, Exposure(), unanswered=UNANSWERED)
    stuck = facts_of(a_plan(), HEALTH, Exposure(), unanswered=UNANSWERED + 1)
    assert (fresh.rest, fresh.streams, fresh.is_stuck) == (
        RestVerdict.LIVE,
        HEALTH.streams,
        False,
    )
    assert stuck == replace(fresh, rest=RestVerdict.UNUSABLE, streams=(), is_stuck=True)


@pytest.mark.parametrize(
    ("own", "told", "jumped_at"),
    [
        (None, None, None),
        (None, at("10:00"), at("10:00")),
        (at("11:00"), at("10:00"), at("11:00")),
        (at("09:30"), at("10:00"), at("09:30")),
    ],
)
def test_jump_that_the_watchdog_was_told_of_itself_is_the_newest(
    own: Micros | None, told: Micros | None, jumped_at: Micros | None
) -> None:
    facts = facts_of(a_plan(), replace(HEALTH, jumped_at=told), Exposure(), jumped_at=own)
    assert facts.jumped_at == jumped_at
