import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from broker.governor import PENALTY, ExitWaits, Governor, Pacer
from domain.calls import Priority
from domain.params import BrokerParams
from domain.units import SECOND, Micros, seconds
from tests.broker.build import AT

EXIT, CANCEL, ENTRY = Priority.EXIT, Priority.CANCEL, Priority.ENTRY


def a_governor(rate: int = 8, reserve: int = 5) -> Governor:
    return Governor(BrokerParams(order_rate_per_s=rate, exit_reserve=reserve))


def after(span_s: float) -> Micros:
    return Micros(AT + seconds(span_s))


def take(governor: Governor, at: Micros, priority: Priority, times: int) -> None:
    for _ in range(times):
        assert governor.next_slot(at, priority) == at
        governor.take(at, priority)


def test_six_covers_and_four_entries_in_one_instant_are_eight_and_a_second() -> None:
    """The example of execution.md 8.2: at 0.900 s 6 + 2 go, the next leaves at 1.900 s."""
    governor, at = a_governor(), after(0.9)
    take(governor, at, EXIT, 6)
    take(governor, at, ENTRY, 2)
    for priority in Priority:
        assert governor.next_slot(at, priority) == after(1.9)
    assert governor.next_slot(after(1.9), EXIT) == after(1.9)


def test_entries_and_cancels_share_what_exits_leave() -> None:
    governor = a_governor()
    take(governor, AT, CANCEL, 2)
    take(governor, AT, ENTRY, 1)
    assert governor.next_slot(AT, CANCEL) == governor.next_slot(AT, ENTRY) == after(1)
    take(governor, AT, EXIT, 5)
    assert governor.next_slot(AT, EXIT) == after(1)


def test_room_is_left_for_exits_that_wait() -> None:
    governor = a_governor()
    take(governor, AT, EXIT, 5)
    assert governor.next_slot(AT, CANCEL, waiting=2) == AT
    assert governor.next_slot(AT, CANCEL, waiting=3) == after(1)
    assert governor.next_slot(AT, CANCEL, waiting=8) == after(2)
    assert governor.next_slot(AT, EXIT, waiting=8) == AT


def test_minute_that_is_full_holds_what_is_no_exit() -> None:
    governor = Governor(BrokerParams(rate_per_minute=3))
    for n, priority in enumerate((EXIT, ENTRY, CANCEL)):
        governor.take(after(n * 10), priority)
    assert governor.next_slot(after(30), EXIT) == after(30)
    for priority in (CANCEL, ENTRY):
        assert governor.next_slot(after(30), priority) == after(60)
    governor.take(after(40), EXIT)
    assert governor.next_slot(after(60), ENTRY) == after(70)
    assert governor.next_slot(after(70), ENTRY) == after(70)


def test_day_that_is_full_holds_what_is_no_exit_until_midnight_in_india() -> None:
    governor = Governor(BrokerParams(rate_per_day=2))
    governor.take(AT, EXIT)
    assert governor.next_slot(after(100), ENTRY) == after(100)
    governor.take(after(100), ENTRY)
    assert governor.next_slot(after(200), EXIT) == after(200)
    # AT is 15:01:47 in Asia/Kolkata.
    midnight = after(8 * 3600 + 58 * 60 + 13)
    assert governor.next_slot(after(200), ENTRY) == midnight
    governor.take(midnight, ENTRY)
    assert governor.next_slot(Micros(midnight + 100 * SECOND), ENTRY) < midnight + 101 * SECOND


def test_minute_is_forgotten_with_a_clock_set_back() -> None:
    governor = Governor(BrokerParams(rate_per_minute=1))
    governor.take(after(3600), ENTRY)
    assert governor.next_slot(AT, ENTRY) == after(60)
    assert governor.next_slot(after(60), ENTRY) == after(60)


def test_exit_that_waits_too_long_is_told_once() -> None:
    waits = ExitWaits()
    waits.queued("x", AT)
    assert waits.answered("x", after(1.1), is_refused=True) is None
    waits.queued("x", after(1.5))
    assert waits.answered("x", after(2.0), is_refused=True) is None
    assert waits.answered("x", after(2.5), is_refused=True) == 2.5
    assert waits.answered("x", after(4), is_refused=True) is None
    assert waits.answered("x", after(5), is_refused=False) is None
    waits.queued("x", after(9))
    assert waits.answered("x", after(12), is_refused=False) == 3.0
    assert waits.answered("never queued", after(12), is_refused=False) is None


@pytest.mark.parametrize(("draw", "wait"), [(0.0, 1.0), (0.5, 1.15), (0.999999, 1.3)])
def test_refused_route_waits_a_second_and_up_to_a_third_more(draw: float, wait: float) -> None:
    governor = a_governor()
    governor.refused(AT, "placeorder", draw)
    assert abs(governor.next_slot(AT, EXIT, "placeorder") - after(wait)) <= 1
    assert governor.next_slot(AT, EXIT, "modifyorder") == AT


def test_retry_after_is_honoured_up_to_five_seconds() -> None:
    governor = a_governor()
    governor.refused(AT, "placeorder", 0.0, retry_after_s=3)
    governor.refused(AT, "cancelorder", 0.0, retry_after_s=60)
    assert governor.next_slot(AT, EXIT, "placeorder") == after(3)
    assert governor.next_slot(AT, EXIT, "cancelorder") == after(5)


def test_429_halves_the_cap_and_stops_entries_for_ten_seconds() -> None:
    governor = a_governor()
    governor.refused(AT, "placeorder", 0.0)
    take(governor, AT, EXIT, 4)
    assert governor.next_slot(AT, EXIT) == after(1)
    assert governor.next_slot(after(2), CANCEL) == after(2)
    assert governor.next_slot(after(2), ENTRY) == after(10)


@pytest.mark.parametrize(("rate", "reserve", "others"), [(1, 9, 1), (3, 5, 1), (10, 1, 9)])
def test_someone_else_than_an_exit_may_always_send_once(
    rate: int, reserve: int, others: int
) -> None:
    governor = a_governor(rate, reserve)
    take(governor, AT, ENTRY, others)
    assert governor.next_slot(AT, ENTRY) == after(1)


def test_clock_set_back_stops_nobody_for_longer_than_a_rule_may() -> None:
    governor = a_governor()
    take(governor, after(3600), EXIT, 8)
    governor.refused(after(3600), "placeorder", 0.0)
    assert governor.next_slot(AT, EXIT) == after(1)
    assert governor.next_slot(AT, EXIT, "placeorder") <= after(5)
    assert governor.next_slot(AT, ENTRY) == Micros(AT + PENALTY)


def test_pacer_spaces_each_route_for_itself() -> None:
    pacer = Pacer(9)
    pacer.take(AT, "symbol")
    assert pacer.next_slot(AT, "symbol") == AT + 111_112
    assert pacer.next_slot(AT, "history") == AT
    assert pacer.next_slot(after(1), "symbol") == after(1)
    set_back = Micros(AT - 3600 * SECOND)
    assert pacer.next_slot(set_back, "symbol") == set_back + 111_112
    assert pacer.next_slot(Micros(set_back + 111_112), "symbol") == set_back + 111_112


class GovernorMachine(RuleBasedStateMachine):
    """Calls arrive, time passes, 429s come; the shell sends whoever may go, exits first."""

    @initialize(rate=st.integers(1, 10), reserve=st.integers(1, 9))
    def start(self, rate: int, reserve: int) -> None:
        self.rate, self.share = rate, max(1, rate - reserve)
        self.governor = a_governor(rate, reserve)
        self.at = Micros(AT)
        self.steps = 0
        self.waiting: list[tuple[Priority, int]] = []
        self.sent: list[tuple[Micros, Priority, int]] = []
        self.workers_are_busy = False

    @rule(priority=st.sampled_from(Priority), times=st.integers(1, 6))
    def arrive(self, priority: Priority, times: int) -> None:
        self.steps += 1
        self.waiting += [(priority, self.steps)] * times
        self.waiting.sort()
        self.send()

    @rule(span=st.integers(0, 1_500_000) | st.sampled_from([999_999, 1_000_000, 100_000]))
    def pass_time(self, span: int) -> None:
        self.at = Micros(self.at + span)
        self.send()

    @rule(busy=st.booleans())
    def occupy_the_exit_workers(self, busy: bool) -> None:
        self.workers_are_busy = busy
        self.send()

    @rule(draw=st.floats(0, 1, exclude_max=True))
    def refuse(self, draw: float) -> None:
        self.governor.refused(self.at, "placeorder", draw)

    def send(self) -> None:
        for job in tuple(self.waiting):
            if job[0] is EXIT and self.workers_are_busy:
                continue
            exits = sum(1 for priority, _ in self.waiting if priority is EXIT)
            if self.governor.next_slot(self.at, job[0], waiting=exits) == self.at:
                self.governor.take(self.at, job[0])
                self.waiting.remove(job)
                self.steps += 1
                self.sent.append((self.at, job[0], self.steps))

    @invariant()
    def no_rolling_or_calendar_second_is_above_the_cap(self) -> None:
        for start, _, _ in self.sent:
            rolling = [p for at, p, _ in self.sent if start <= at < start + SECOND]
            calendar = [p for at, p, _ in self.sent if at // SECOND == start // SECOND]
            for held in (rolling, calendar):
                assert len(held) <= self.rate
                assert sum(1 for p in held if p is not EXIT) <= self.share

    @invariant()
    def exit_waits_only_for_exits_or_for_what_left_before_it_came(self) -> None:
        came = [step for priority, step in self.waiting if priority is EXIT]
        if not came or self.workers_are_busy:
            return
        window = [(p, step) for at, p, step in self.sent if at > self.at - SECOND]
        overtook = [step for priority, step in window if priority is not EXIT and step > came[0]]
        assert not overtook or len(window) - len(overtook) + len(came) > self.cap

    @property
    def cap(self) -> int:
        calm = self.governor._penalty_until <= self.at
        return self.rate if calm else max(1, self.rate // 2)

    @invariant()
    def promise_is_kept(self) -> None:
        """Whoever looks again at the slot he was told may go then, if nobody else went."""
        for priority in Priority:
            slot = self.governor.next_slot(self.at, priority)
            assert slot >= self.at
            assert self.governor.next_slot(slot, priority) == slot


TestGovernor = GovernorMachine.TestCase
