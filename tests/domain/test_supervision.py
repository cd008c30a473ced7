"""How soon a dead actor is rebuilt, how often, and what comes after that."""

import pytest

from domain.supervision import ESCALATED, Exit, Quarantine, Restart, Supervision
from domain.units import SECOND, Micros, seconds
from tests.domain.tape import at

NOON = at("12:00")


def deaths(address: str, times: int, apart_s: float = 1) -> list[float | str]:
    """Die several times, each after a rebuild; return the waits in seconds, or the verdict."""
    supervision, waits = Supervision(), list[float | str]()
    now = NOON
    for _ in range(times):
        verdict = supervision.died(address, now)
        waits.append(
            (verdict.due - now) / SECOND if isinstance(verdict, Restart) else type(verdict).__name__
        )
        supervision.due(Micros(now + 10 * SECOND))
        now = Micros(now + seconds(apart_s))
    return waits


def test_order_actor_takes_the_process_with_it() -> None:
    assert Supervision().died("order", NOON) == Exit(ESCALATED)
    assert ESCALATED == 70


def test_feed_is_rebuilt_for_ever_after_a_growing_wait() -> None:
    assert deaths("feed", 9) == [0.2, 0.4, 0.8, 1.6, 3.2, 10, 10, 10, 10]


def test_feed_that_lived_for_a_minute_starts_over() -> None:
    assert deaths("feed", 3, apart_s=61) == [0.2, 0.2, 0.2]


def test_bar_actor_is_quarantined_after_three_deaths_a_minute() -> None:
    assert deaths("bar:NIFTY24NOV2626000CE", 4) == [0, 0, 0, "Quarantine"]
    assert deaths("bar:NIFTY24NOV2626000CE", 6, apart_s=31) == [0, 0, 0, 0, 0, 0]


@pytest.mark.parametrize(
    ("address", "at_once"),
    [("strategy", 3), ("reconcile", 5), ("journal", 5), ("monitor", 5), ("alerts", 5)],
)
def test_others_are_rebuilt_at_once_and_slowly_beyond_their_intensity(
    address: str, at_once: int
) -> None:
    assert deaths(address, at_once + 2) == [0] * at_once + [10, 10]


def test_death_beyond_the_intensity_is_told_as_such() -> None:
    supervision = Supervision()
    verdicts = [supervision.died("strategy", Micros(NOON + n)) for n in range(4)]
    assert [v.too_often for v in verdicts if isinstance(v, Restart)] == [False] * 3 + [True]


def test_actor_is_down_until_it_is_rebuilt() -> None:
    supervision = Supervision()
    supervision.died("feed", NOON)
    assert supervision.is_down("feed")
    assert supervision.due(Micros(NOON + 199_999)) == ()
    assert supervision.due(Micros(NOON + 200_000)) == ("feed",)
    assert not supervision.is_down("feed")
    assert supervision.due(Micros(NOON + SECOND)) == ()
    assert supervision.restarts == 1
    assert supervision.last_death("feed") == NOON


def test_quarantined_and_ended_actors_stay_down() -> None:
    supervision = Supervision()
    supervision.died("order", NOON)
    verdicts = [supervision.died("bar:X", NOON) for _ in range(4)]
    assert verdicts[-1] == Quarantine()
    assert supervision.due(at("15:00")) == ()
    assert supervision.is_down("order")
    assert supervision.is_down("bar:X")
    assert supervision.restarts == 0


def test_deaths_of_one_actor_are_not_anothers() -> None:
    supervision = Supervision()
    for name in "ABCDEF":
        assert supervision.died(f"bar:{name}", NOON) == Restart(NOON)
