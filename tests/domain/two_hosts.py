"""Two hosts and one record: whatever clocks, pauses and the network do, never two of them trade.

The machine plays hosts in true time. A host's clocks have an offset of their own and run a little
wrong; one of them may stand while the host is paused. A step is cut into its parts, so that a pause
or the other host may come between reading and writing; a write may fail, or land and seem to fail.
"""

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from domain.lease import GUARD, SETTLE, Instant, Lease, Record
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
