"""Two hosts and one record: whatever clocks, pauses and the network do, never two of them trade.

The machine plays hosts in true time. A host's clocks have an offset of their own and run a little
wrong; one of them may stand while the host is paused. A step is cut into its parts, so that a pause
or the other host may come between reading and writing; a write may fail, or land and seem to fail.
"""

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from domain.lease import GUARD, SETTLE, STEP, Held, Instant, Lease, Record, Stand
from domain.units import SECOND, Micros, seconds

TERM, MARGIN = seconds(60), seconds(8)
"""A margin as small as the proof allows: one that is larger hides what is wrong."""

RENEW = seconds(5)
PATIENCE = TERM + MARGIN + SETTLE + 4 * RENEW


MOVES = ("read", "write", "1", "4", "6", "16")
"""Pieces of a step, and seconds between them."""


@dataclass
class Store:
    """The record on the storage both share."""

    record: Record | None = None


@dataclass
class Host:
    """One host: its lease, its clocks, and how far its step is. `ppm` is how wrong they run."""

    lease: Lease
    store: Store
    offset: int = 0
    ppm: int = 0
    boot_lag: int = 0
    wall_shift: int = 0
    began: Instant | None = None
    to_write: Record | None = None
    sent_at: int = -(10**12)
    """When it last could send, in true time."""

    def now(self, true: int) -> Instant:
        run = true + true * self.ppm // 10**6 + self.offset
        return Instant(boot=Micros(run - self.boot_lag), wall=Micros(run + self.wall_shift))

    def read(self, true: int) -> None:
        self.began = self.now(true)
        self.to_write = None

    def judge(self, true: int) -> None:
        """The answer of the read is there; it shows what stands there now."""
        assert self.began is not None
        self.to_write = self.lease.read(self.store.record, self.began, self.now(true))
        if self.to_write is None:
            self.began = None

    def write(self, true: int, *, lands: bool, is_told: bool) -> None:
        assert self.to_write is not None
        if lands:
            self.store.record = self.to_write
        if is_told and lands:
            self.lease.wrote(self.to_write, self.now(true))
        else:
            self.lease.failed(self.now(true))
        self.to_write = self.began = None

    def step(self, true: int) -> None:
        """A whole step without anything in between."""
        self.read(true)
        self.judge(true)
        if self.to_write is not None:
            self.write(true, lands=True, is_told=True)


def a_host(
    store: Store, name: str = "a", *, hasty: bool = True, offset: int = 0, ppm: int = 0
) -> Host:
    return Host(Lease(name, TERM, MARGIN, is_hasty=hasty), store, offset=offset, ppm=ppm)


class TwoHosts(RuleBasedStateMachine):
    """Never do two hosts trade, nor one before what the other sent has come to its end."""

    def __init__(self) -> None:
        super().__init__()
        self.true = 0
        self.store = Store()
        self.hosts: list[Host] = []
        self.paused: set[int] = set()

    @initialize(
        clocks=st.tuples(*[st.integers(-(10**9), 10**9)] * 2),
        ppm=st.tuples(*[st.integers(-4000, 4000)] * 2),
        hasty=st.tuples(st.booleans(), st.booleans()),
        begun=st.booleans(),
    )
    def build(self, clocks: Any, ppm: Any, hasty: Any, begun: bool) -> None:
        self.hosts = [
            a_host(self.store, name, hasty=hasty[n], offset=clocks[n], ppm=ppm[n])
            for n, name in enumerate("ab")
        ]
        if begun:
            self.settle(0)

    def settle(self, number: int) -> None:
        """Let one host get it, so that most runs have something to lose."""
        for _ in range(PATIENCE * 11 // RENEW // 10):
            self.pass_time(RENEW)
            self.hosts[number].step(self.true)

    def pass_time(self, span: int) -> None:
        """Let time go by in small pieces, and note who could send."""
        end = self.true + span
        while self.true < end:
            self.true = min(end, self.true + SECOND)
            self.note()

    def note(self) -> None:
        """See who can send: nobody while what another one sent may still be under way."""
        for host, other in zip(self.hosts, reversed(self.hosts), strict=True):
            if host.lease.may_send(host.now(self.true)):
                ended = other.sent_at + GUARD * 995 // 1000
                assert self.true >= ended, (host.lease.name, self.true - other.sent_at)
                host.sent_at = self.true

    @rule(tenths=st.integers(1, 100))
    def wait(self, tenths: int) -> None:
        self.pass_time(tenths * SECOND // 10)

    @rule(span=st.sampled_from([20, 29, 31, 50, 67, 69, 100, 200]))
    def wait_long(self, span: int) -> None:
        self.pass_time(span * SECOND)

    @rule(number=st.integers(0, 1))
    def whole_step(self, number: int) -> None:
        host = self.hosts[number]
        if host.began is None:
            host.step(self.true)

    @rule(number=st.integers(0, 1), times=st.integers(2, 30))
    def live(self, number: int, times: int) -> None:
        """One host steps as it should for a while; the other does not."""
        for _ in range(times):
            self.whole_step(number)
            self.pass_time(RENEW)

    @rule(times=st.integers(2, 30))
    def both_live(self, times: int) -> None:
        for _ in range(times):
            for number in (0, 1):
                self.whole_step(number)
            self.pass_time(RENEW)

    @rule(moves=st.lists(st.tuples(st.integers(0, 1), st.sampled_from(MOVES)), max_size=16))
    def race(self, moves: list[tuple[int, str]]) -> None:
        """Both step at once, in pieces, after a record nobody renewed has run out."""
        self.both_live(1)
        self.pass_time(TERM + MARGIN + SECOND)
        for number, move in moves:
            if move.isdecimal():
                self.pass_time(int(move) * SECOND)
            elif move == "read":
                self.begin(number)
                self.go_on(number)
            else:
                self.end(number, True, True)

    @rule(number=st.integers(0, 1), pause=st.integers(0, 200))
    def dawdle(self, number: int, pause: int) -> None:
        """One host writes long after it read, and the other lives meanwhile."""
        self.whole_step(number)
        self.begin(number)
        self.go_on(number)
        self.live(1 - number, 1 + pause // 5)
        self.end(number, True, True)

    @rule(number=st.integers(0, 1))
    def begin(self, number: int) -> None:
        if self.hosts[number].began is None:
            self.hosts[number].read(self.true)

    @rule(number=st.integers(0, 1))
    def go_on(self, number: int) -> None:
        host = self.hosts[number]
        if host.began is not None and host.to_write is None:
            host.judge(self.true)

    @rule(number=st.integers(0, 1), lands=st.booleans(), is_told=st.booleans())
    def end(self, number: int, lands: bool, is_told: bool) -> None:
        host = self.hosts[number]
        if host.to_write is not None:
            host.write(self.true, lands=lands, is_told=is_told)

    @rule(number=st.integers(0, 1))
    def partition(self, number: int) -> None:
        host = self.hosts[number]
        host.lease.failed(host.now(self.true))
        host.began = host.to_write = None

    @rule(number=st.integers(0, 1), span=st.sampled_from([20, 35, 70, 300]), boot=st.booleans())
    def suspend(self, number: int, span: int, boot: bool) -> None:
        """One host's processes stand, and with them one of its two clocks."""
        host = self.hosts[number]
        before = host.sent_at
        self.pass_time(span * SECOND)
        host.sent_at = before
        if boot:
            host.boot_lag += span * SECOND
        else:
            host.wall_shift -= span * SECOND
        self.note()

    @rule(number=st.integers(0, 1), span=st.integers(-7200, 7200))
    def set_wall(self, number: int, span: int) -> None:
        self.hosts[number].wall_shift += span * SECOND

    @rule(number=st.integers(0, 1))
    def restart(self, number: int) -> None:
        """The process is killed; the next one finds what the last renewal left in its folder."""
        host = self.hosts[number]
        held = host.lease.held
        host.lease = Lease(host.lease.name, TERM, MARGIN, is_hasty=True)
        if held is not None:
            host.lease.resume(held, host.now(self.true))
        host.began = host.to_write = None

    @rule(number=st.integers(0, 1), late=st.integers(0, 100))
    def give_back(self, number: int, late: int) -> None:
        """What is given back may be written much later."""
        host = self.hosts[number]
        record = host.lease.given_back(host.now(self.true))
        if record is not None and host.began is None:
            self.pass_time(GUARD)
            self.pass_time(late * SECOND)
            self.store.record = record

    @invariant()
    def never_two(self) -> None:
        self.note()

    @invariant()
    @precondition(lambda self: self.hosts)
    def who_enters_may_send(self) -> None:
        for host in self.hosts:
            now = host.now(self.true)
            assert host.lease.may_send(now) or not host.lease.may_enter(now)


TestTwoHosts = TwoHosts.TestCase
TestTwoHosts.settings = settings(max_examples=300, stateful_step_count=30, deadline=None)


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
    store.record = first.lease.given_back(first.now(true))
    assert store.record is not None
    assert (store.record.holder, store.record.is_free) == ("a", True)
    assert not holds(first, true)
    third.step(true)
    assert third.lease.stand is Stand.WAITS
    second.step(true)
    assert second.lease.stand is Stand.SETTLES
    true = lived(second, true, TERM + 2 * RENEW)
    assert holds(second, true)


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
