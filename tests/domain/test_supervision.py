"""How soon a dead actor is rebuilt, how often, and what comes after that."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.supervision import (
    ESCALATED,
    JITTER,
    RULES,
    Beyond,
    Exit,
    Quarantine,
    Restart,
    Supervision,
)
from domain.units import SECOND, Micros, seconds
from tests.domain.tape import at

NOON = at("12:00")


class Steady(random.Random):
    """Draws no jitter."""

    def random(self) -> float:
        return 0.0


def a_supervision() -> Supervision:
    return Supervision(Steady())


def deaths(address: str, times: int, apart_s: float = 1) -> list[float | str]:
    """Die several times, each after a rebuild; return the waits in seconds, or the verdict."""
    supervision, waits = a_supervision(), list[float | str]()
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
    assert a_supervision().died("order", NOON) == Exit(ESCALATED)
    assert ESCALATED == 70


def test_feed_is_rebuilt_for_ever_after_a_growing_wait() -> None:
    assert deaths("feed", 9) == [0.2, 0.4, 0.8, 1.6, 3.2, 10, 10, 10, 10]


def test_wait_of_the_feed_has_some_chance_in_it_and_is_never_shorter() -> None:
    waits = set()
    for seed in range(20):
        verdict = Supervision(random.Random(seed)).died("feed", NOON)
        assert isinstance(verdict, Restart)
        waits.add(verdict.due - NOON)
    assert len(waits) == 20
    assert min(waits) >= seconds(0.2)
    assert max(waits) <= seconds(0.2 * (1 + JITTER))


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
    supervision = a_supervision()
    verdicts = [supervision.died("strategy", Micros(NOON + n)) for n in range(4)]
    assert [v.too_often for v in verdicts if isinstance(v, Restart)] == [False] * 3 + [True]


def test_sixth_lane_worker_that_dies_within_a_minute_ends_the_process() -> None:
    supervision = a_supervision()
    verdicts = [supervision.replaced("lane", Micros(NOON + n * SECOND)) for n in range(6)]
    assert verdicts == [None] * 5 + [Exit(ESCALATED)]
    assert supervision.restarted == {"lane": 6}
    assert not supervision.is_down("lane")
    assert supervision.replaced("lane", Micros(NOON + 66 * SECOND)) is None


def test_actor_is_down_until_it_is_rebuilt() -> None:
    supervision = a_supervision()
    supervision.died("feed", NOON)
    assert supervision.is_down("feed")
    assert not supervision.is_given_up("feed")
    assert supervision.due(Micros(NOON + 199_999)) == ()
    assert supervision.due(Micros(NOON + 200_000)) == ("feed",)
    assert not supervision.is_down("feed")
    assert supervision.due(Micros(NOON + SECOND)) == ()
    assert (supervision.restarts, supervision.restarted) == (1, {"feed": 1})


def test_who_is_held_waits_and_is_rebuilt_later() -> None:
    supervision = a_supervision()
    for address in ("journal", "monitor"):
        supervision.died(address, NOON)
    assert supervision.due(NOON, "journal".__eq__) == ("monitor",)
    assert supervision.due(Micros(NOON + SECOND)) == ("journal",)


def test_bars_and_feed_are_rebuilt_before_the_strategy_that_asks_them() -> None:
    supervision = a_supervision()
    for address in ("strategy", "monitor", "feed", "bar:A", "bar:B"):
        supervision.died(address, NOON)
    assert supervision.due(Micros(NOON + SECOND)) == (
        "bar:A",
        "bar:B",
        "feed",
        "strategy",
        "monitor",
    )
    assert supervision.restarted["bar"] == 2


def test_quarantined_and_ended_actors_stay_down() -> None:
    supervision = a_supervision()
    supervision.died("order", NOON)
    verdicts = [supervision.died("bar:X", NOON) for _ in range(4)]
    assert verdicts[-1] == Quarantine()
    assert supervision.due(at("15:00")) == ()
    assert supervision.is_given_up("order")
    assert supervision.is_given_up("bar:X")
    assert not supervision.is_given_up("bar:Y")
    assert supervision.restarts == 0


def test_deaths_of_one_actor_are_not_anothers() -> None:
    supervision = a_supervision()
    for name in "ABCDEF":
        assert supervision.died(f"bar:{name}", NOON) == Restart(NOON)


ADDRESSES = [*(name for name in RULES if name not in {"lane", "bar"}), "bar:A", "bar:B"]


@given(
    st.lists(st.tuples(st.sampled_from(ADDRESSES), st.integers(0, 90_000)), max_size=60),
    st.integers(0, 1000),
)
def test_any_history_of_deaths_keeps_to_the_table(
    history: list[tuple[str, int]], seed: int
) -> None:
    """Against a plain count: who exits, who stays down, who comes back, and not too soon."""
    supervision, now = Supervision(random.Random(seed)), NOON
    told: dict[str, list[Micros]] = {address: [] for address in ADDRESSES}
    for address, apart_ms in history:
        now = Micros(now + apart_ms * 1000)
        rebuilt = supervision.due(now)
        assert not any(map(supervision.is_down, rebuilt))
        if supervision.is_down(address):
            continue
        rule = RULES[address.partition(":")[0]]
        told[address].append(now)
        recent = [t for t in told[address] if t > now - seconds(rule.window_s)]
        verdict = supervision.died(address, now)
        beyond = len(recent) > rule.deaths
        assert supervision.is_down(address)
        assert supervision.is_given_up(address) is (beyond and rule.beyond is not Beyond.SLOWLY)
        if not beyond or rule.beyond is Beyond.SLOWLY:
            assert isinstance(verdict, Restart)
            assert verdict.too_often is beyond
            assert verdict.due - now <= seconds(rule.longest_s * (1 + JITTER))
            assert (verdict.due > now) is (beyond or rule.first_s > 0)
        else:
            assert verdict == (Exit(ESCALATED) if rule.beyond is Beyond.EXIT else Quarantine())
    later = Micros(now + seconds(13))
    down = [a for a in ADDRESSES if supervision.is_down(a) and not supervision.is_given_up(a)]
    assert set(supervision.due(later)) == set(down)
