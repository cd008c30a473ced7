"""Two hosts and one record: whatever clocks, pauses and the network do, never two of them trade."""

from typing import Any

import pytest
from hypothesis import settings

from domain.lease import GUARD, SETTLE, STEP, Held, Instant, Lease, Record, Stand
from domain.units import SECOND, Micros
from tests.domain.two_hosts import MARGIN, PATIENCE, RENEW, TERM, Host, Store, TwoHosts, a_host
from tests.draws import at_most

TestTwoHosts = TwoHosts.TestCase
TestTwoHosts.settings = settings(at_most(300), stateful_step_count=30)


@pytest.fixture
def store() -> Store:
    return Store()


def lived(host: Host, true: int, span: int) -> int:
    """Step a host for a while, and return the true time after it."""
    end = true + span
    while true < end:
        true += RENEW
        host.step(true)
    return true


def holds(host: Host, true: int) -> bool:
    return host.lease.may_send(host.now(true))


def test_first_holder_waits_a_whole_lease_and_settles(store: Store) -> None:
    host = a_host(store)
    true = lived(host, 0, TERM + MARGIN - RENEW)
    assert (holds(host, true), store.record) == (False, None)
    true = lived(host, true, SETTLE + 3 * RENEW)
    assert holds(host, true)
    assert host.lease.may_enter(host.now(true))
    assert host.lease.stand is Stand.HOLDS
    assert (host.lease.other, host.lease.took_from) == ("", "")


def test_holder_that_cannot_renew_stops_entering_then_sending(store: Store) -> None:
    host = a_host(store)
    true = lived(host, 0, PATIENCE)
    facts = [
        (host.lease.may_enter(host.now(true + k)), host.lease.may_send(host.now(true + k)))
        for k in (TERM // 3 - 1, TERM // 3, TERM - GUARD - 1, TERM - GUARD)
    ]
    assert facts == [(True, True), (False, True), (False, True), (False, False)]


def test_second_host_takes_over_a_dead_holders_lease(store: Store) -> None:
    first, second = a_host(store), a_host(store, "b", offset=7 * 10**9)
    true = lived(first, 0, PATIENCE)
    second.step(true)
    assert second.lease.other == "a"
    true = lived(second, true, TERM + MARGIN)
    assert not holds(second, true)
    true = lived(second, true, SETTLE + 3 * RENEW)
    assert holds(second, true)
    assert second.lease.took_from == "a"
    first.step(true)
    assert (first.lease.stand, first.lease.other) == (Stand.WAITS, "b")


def test_lease_given_back_is_taken_at_once_by_who_is_hasty(store: Store) -> None:
    first, second, third = a_host(store), a_host(store, "b"), a_host(store, "c", hasty=False)
    true = lived(first, 0, PATIENCE)
    given = first.lease.given_back(first.now(true))
    assert given is not None
    assert (given.holder, given.is_free) == ("a", True)
    store.record = given
    assert (third.lease.is_left, holds(first, true)) == (False, False)
    third.step(true)
    assert third.lease.stand is Stand.WAITS
    assert third.lease.is_left
    second.step(true)
    assert second.lease.stand is Stand.SETTLES
    true = lived(second, true, TERM + 2 * RENEW)
    assert holds(second, true)


def test_where_both_wait_the_hasty_one_comes_first(store: Store) -> None:
    late, first = a_host(store, "b", hasty=False), a_host(store)
    true = 0
    while true < PATIENCE + 2 * SETTLE:
        true += RENEW
        late.step(true)
        first.step(true)
    assert (holds(first, true), holds(late, true)) == (True, False)


def test_only_who_may_send_gives_back(store: Store) -> None:
    host = a_host(store)
    assert host.lease.given_back(host.now(0)) is None
    true = lived(host, 0, PATIENCE)
    assert host.lease.given_back(host.now(true + TERM)) is None


def test_step_that_took_too_long_is_waited_out(store: Store) -> None:
    host = a_host(store)
    true = lived(host, 0, PATIENCE)
    host.read(true)
    host.judge(true)
    host.write(true + STEP + 1, lands=True, is_told=True)
    assert not holds(host, true + STEP + 1)
    assert host.lease.stand is Stand.WAITS


def test_renewal_that_landed_unnoticed_is_still_ours(store: Store) -> None:
    host = a_host(store)
    true = lived(host, 0, PATIENCE)
    host.read(true)
    host.judge(true)
    host.write(true, lands=True, is_told=False)
    host.step(true + RENEW)
    assert holds(host, true + RENEW)
    assert host.lease.held is not None
    assert host.lease.held.record == store.record


@pytest.mark.parametrize(
    "change",
    [
        lambda r: None,
        lambda r: Record(holder="b", token=r.token + 1),
        lambda r: Record(holder="a", token=r.token + 1, beat=r.beat),
        lambda r: Record(holder="a", token=r.token, beat=r.beat - 1),
        lambda r: Record(holder="a", token=r.token, beat=r.beat, is_free=True),
    ],
    ids=["gone", "another's", "another token", "older", "given back"],
)
def test_holder_that_finds_another_record_sends_nothing_more(store: Store, change: Any) -> None:
    host = a_host(store)
    true = lived(host, 0, PATIENCE)
    store.record = change(store.record)
    host.step(true + RENEW)
    assert not holds(host, true + RENEW)


def test_next_process_of_a_host_goes_on_where_the_last_one_was(store: Store) -> None:
    host = a_host(store)
    true = lived(host, 0, PATIENCE)
    held = host.lease.held
    assert held is not None
    late = host.now(true + TERM - GUARD)
    for name, at, resumed in (("a", host.now(true), True), ("b", host.now(true), False)):
        lease = Lease(name, TERM, MARGIN)
        lease.resume(held, at)
        assert lease.may_send(at) is resumed
    lease = Lease("a", TERM, MARGIN)
    lease.resume(held, late)
    assert not lease.may_send(late)


def test_clock_that_was_set_makes_nobody_wait_less_nor_hold_longer() -> None:
    then = Instant(boot=Micros(0), wall=Micros(0))
    ahead = Instant(boot=Micros(5), wall=Micros(3600))
    behind = Instant(boot=Micros(5), wall=Micros(-3600))
    assert (ahead.least_since(then), ahead.most_since(then)) == (5, 3600)
    assert (behind.least_since(then), behind.most_since(then)) == (-3600, 5)
    assert Held(record=Record(holder="a"), began=then).record.token == 0


class Race:
    """Two hosts on a record that ran out; what they do, at which second. Checked each second."""

    def __init__(self) -> None:
        self.play = TwoHosts()
        self.play.hosts = [a_host(self.play.store, name) for name in "ab"]
        self.begun = 0

    def at(self, second: int, name: str, *parts: str) -> None:
        """Let time go by, then let one host do parts of a step."""
        self.play.pass_time(self.begun + second * SECOND - self.play.true)
        number = "ab".index(name)
        for part in parts:
            if part == "step":
                self.play.whole_step(number)
            elif part == "read":
                self.play.begin(number)
                self.play.go_on(number)
            else:
                self.play.end(number, True, True)

    def start(self) -> None:
        """From here on seconds are counted."""
        self.begun = self.play.true

    def holder(self) -> str:
        return "".join(h.lease.name for h in self.play.hosts if holds(h, self.play.true))


@pytest.fixture
def race() -> Race:
    return Race()


def run_out(race: Race) -> None:
    """Both have seen the same record as long as it takes."""
    race.play.both_live(1)
    race.play.pass_time(TERM + MARGIN + SECOND)
    race.start()


def test_who_was_overwritten_while_settling_never_held(race: Race) -> None:
    run_out(race)
    race.at(0, "a", "read")
    race.at(0, "b", "read")
    race.at(1, "a", "write")
    race.at(2, "a", "step")
    race.at(4, "b", "write")
    for second in range(9, 60, 5):
        race.at(second, "b", "step")
    assert race.holder() == "b"


def test_claim_written_late_does_not_settle(race: Race) -> None:
    run_out(race)
    race.at(0, "a", "read")
    for second in range(1, 41, 5):
        race.at(second, "b", "step")
    assert race.holder() == "b"
    race.at(40, "a", "write")
    for second in range(41, 80, 2):
        race.at(second, "a", "step")
    assert race.holder() == "", "the holder is cut off, and nobody follows at once"


def test_lease_that_ended_is_not_renewed_into_a_claim(race: Race) -> None:
    race.play.settle(0)
    race.start()
    race.at(0, "b", "step")
    race.at(69, "b", "read")
    race.at(70, "a", "step")
    race.at(72, "b", "write")
    for second in range(77, 110, 5):
        race.at(second, "b", "step")
    assert race.holder() == "b"


def test_lease_given_back_late_does_not_start_a_second_holder(race: Race) -> None:
    """What its former holder writes lands on the record of the next one, who is cut off then."""
    race.play.settle(0)
    free = race.play.hosts[0].lease.given_back(race.play.hosts[0].now(race.play.true))
    race.start()
    for second in range(0, 120, 5):
        race.at(second, "b", "step")
    assert race.holder() == "b"
    race.play.store.record = free
    for second in range(120, 150, 2):
        race.at(second, "a", "step")
    assert race.holder() == ""
    for second in range(150, 260, 5):
        race.at(second, "a", "step")
    assert race.holder() == "a"
