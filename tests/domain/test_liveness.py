"""Who is asked, who answers, who is stuck."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.liveness import FIRST, GAP, Liveness, is_fed
from domain.units import SECOND, Micros, seconds

CAST = ("order", "feed", "bar:A")


class Hall:
    """A roll-call once a second; `mute` are those who do not answer."""

    def __init__(self, *living: str) -> None:
        self.living = list(living or CAST)
        self.mute: set[str] = set()
        self.machine = seconds(1000)
        self.liveness = Liveness()

    def step(self, times: int = 1, apart: Micros = SECOND) -> tuple[str, ...]:
        """Ask and let who can answer; return who is stuck at the end."""
        for _ in range(times):
            self.machine = Micros(self.machine + apart)
            for address in self.liveness.look(self.living, self.machine):
                if address not in self.mute:
                    self.liveness.hear(address, self.liveness.asking)
        return self.liveness.stuck()

    def until_stuck(self) -> tuple[int, tuple[str, ...]]:
        """Return after how many seconds whom."""
        for second in range(1, 300):
            if stuck := self.step():
                return second, stuck
        raise AssertionError


def test_who_answers_is_never_stuck_and_asked_as_often_as_its_terms_say() -> None:
    liveness, asked = Liveness(), list[tuple[int, tuple[str, ...]]]()
    for second in range(32):
        due = liveness.look(CAST, seconds(100 + second))
        if due:
            asked.append((second, due))
        for address in due:
            liveness.hear(address, liveness.asking)
    assert asked == [
        (0, CAST),
        *((second, ("order", "feed")) for second in (5, 10, 15, 20, 25)),
        (30, CAST),
    ]
    assert liveness.stuck() == ()
    assert [liveness.age_s(address) for address in CAST] == [1, 1, 1]


def test_who_falls_silent_is_stuck_after_15_s_and_nobody_else() -> None:
    hall = Hall()
    hall.step(60)
    hall.mute = {"feed"}
    second, stuck = hall.until_stuck()
    assert stuck == ("feed",)
    assert 15 - 5 <= second <= 15


def test_bar_actor_has_more_time() -> None:
    hall = Hall()
    hall.step(60)
    hall.mute = {"bar:A"}
    second, stuck = hall.until_stuck()
    assert stuck == ("bar:A",)
    assert 90 - 30 <= second <= 90


def test_first_answer_of_a_start_may_take_two_minutes() -> None:
    hall = Hall("order")
    hall.mute = {"order"}
    second, stuck = hall.until_stuck()
    assert (second - 1, stuck) == (FIRST // SECOND, ("order",))
    assert hall.liveness.age_s("order") is None


def test_who_was_rebuilt_has_no_two_minutes() -> None:
    hall = Hall("feed")
    hall.step(10)
    hall.liveness.forget("feed")
    hall.mute = {"feed"}
    second, stuck = hall.until_stuck()
    assert (second - 1, stuck) == (15, ("feed",))


def test_dead_are_not_expected_to_answer_and_unknown_answers_are_nobodys() -> None:
    hall = Hall()
    hall.step(10)
    hall.mute = {"feed"}
    hall.living.remove("feed")
    assert hall.step(60) == ()
    assert hall.liveness.age_s("feed") is None
    hall.liveness.hear("nobody", Micros(1))
    assert hall.liveness.age_s("nobody") is None


def test_old_answer_does_not_undo_a_newer_one() -> None:
    hall = Hall("order")
    hall.step(20)
    age = hall.liveness.age_s("order")
    hall.liveness.hear("order", Micros(0))
    assert hall.liveness.age_s("order") == age


def test_sleep_of_the_process_makes_nobody_stuck() -> None:
    hall = Hall()
    hall.step(12)
    hall.mute = set(CAST)
    assert hall.step(5, apart=seconds(600)) == ()
    assert hall.step(1, apart=Micros(-seconds(5))) == ()
    assert hall.step(3, apart=seconds(600)) == ("order", "feed")


@given(
    st.lists(
        st.tuples(st.integers(0, 5_000), st.booleans(), st.booleans()), min_size=1, max_size=80
    )
)
def test_any_history_of_echoes_is_judged_by_counted_silence(
    history: list[tuple[int, bool, bool]],
) -> None:
    """Against a plain sum: `feed` answers or not, and lives or is rebuilt."""
    liveness, machine = Liveness(), seconds(5)
    liveness.look(("feed",), machine)
    liveness.hear("feed", liveness.asking)
    counted = answered = 0
    for gap_ms, answers, is_rebuilt in history:
        machine = Micros(machine + gap_ms * 1000)
        counted += min(gap_ms * 1000, GAP)
        if is_rebuilt:
            liveness.forget("feed")
            answered = counted
        if liveness.look(("feed",), machine) and answers:
            liveness.hear("feed", liveness.asking)
            answered = counted
        assert liveness.asking == counted
        assert liveness.stuck() == (("feed",) if counted - answered >= seconds(15) else ())


@pytest.mark.parametrize(
    ("ages", "has_begun", "fed"),
    [
        ((1, 2, 5), True, True),
        ((1, 5.1, 1), True, False),
        ((1, None, 1), True, False),
        ((None, None, None), False, True),
        ((1, 99, 1), False, True),
    ],
)
def test_service_manager_is_fed_while_all_vital_actors_answer(
    ages: tuple[float | None, ...], has_begun: bool, fed: bool
) -> None:
    assert is_fed(ages, has_begun=has_begun) is fed
