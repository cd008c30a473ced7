"""A server that refuses for rate, in virtual time: exits first, whatever else is wished for."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import pytest

from broker.asks import HttpAnswer, HttpAsk
from broker.governor import PENALTY
from domain.calls import ModifyOrder, Outcome, PlaceOrder, Priority, Write, WriteReply
from domain.params import BrokerParams
from domain.units import SECOND, Micros
from research.lanes import RATE_LIMITED, VirtualLanes
from research.timeline import Timeline
from tests.broker.build import AT, a_cancel, a_limit, a_place, an_answer

SEEDS = 60
AGAIN = SECOND
"""The desk sends an exit again a second after it provably did not leave."""


@dataclass
class Job:
    """One write the desk wished for: since when it waits, and every time it was on the wire."""

    write: Write
    since: Micros
    posted: list[Micros] = field(default_factory=list)
    taken_at: Micros | None = None

    @property
    def is_exit(self) -> bool:
        return self.write.priority is Priority.EXIT


class Day:
    """Half a minute of writes against a limiter that others use up as well."""

    def __init__(self, seed: int) -> None:
        self.timeline = Timeline(AT)
        self.jobs: dict[str, Job] = {}
        self.refusals: list[tuple[Micros, Micros]] = []
        self._rng = random.Random(seed)
        self._bucket: list[Micros] = []
        lanes_rng = random.Random(seed + 1)
        self._lanes = VirtualLanes(self.timeline, self._carry, BrokerParams(), "analyze", lanes_rng)

    def play(self) -> "Day":
        """Draw bursts of exits among entries and cancels, and requests of others."""
        for n in range(self._rng.randrange(20, 80)):
            at = Micros(AT + self._rng.randrange(10 * SECOND))
            self.timeline.later(at, partial(self._wish, n))
        for _ in range(self._rng.randrange(120)):
            at = Micros(AT + self._rng.randrange(10 * SECOND))
            self.timeline.later(at, lambda: self._bucket.append(self.timeline.now()))
        while (at_ := self.timeline.next_at()) is not None and at_ < AT + 60 * SECOND:
            self.timeline.move(at_)
            action = self.timeline.take()
            assert action is not None
            action()
        return self

    def _wish(self, n: int) -> None:
        ref = f"o{n}"
        exit_ = a_place(a_limit(), Priority.EXIT, ref)
        change = ModifyOrder(ref=ref, orderid="1", ticket=a_limit(), priority=Priority.EXIT)
        entry, cancel = a_place(ref=ref), a_cancel(ref=ref)
        write = self._rng.choice((exit_, change, entry, cancel))
        self.jobs[ref] = Job(write, self.timeline.now())
        self._lanes.write(write, lambda reply: self._told(ref, reply))

    def _told(self, ref: str, reply: WriteReply) -> None:
        job = self.jobs[ref]
        if reply.outcome is Outcome.DONE:
            job.taken_at = self.timeline.now()
        elif job.is_exit:
            again = Micros(self.timeline.now() + AGAIN)
            self.timeline.later(again, lambda: self._send(ref))

    def _send(self, ref: str) -> None:
        self._lanes.write(self.jobs[ref].write, lambda reply: self._told(ref, reply))

    def _carry(self, ask: HttpAsk, then: Callable[[HttpAnswer], None]) -> None:
        at = self.timeline.now()
        for job in self._waiting(ask):
            job.posted.append(at)
            break
        self._bucket = [sent for sent in self._bucket if sent > at - SECOND]
        is_full = len(self._bucket) >= 10
        wait = Micros(at + self._rng.randrange(10_000, 900_000))
        if is_full:
            self.refusals.append((at, wait))
        else:
            self._bucket.append(at)
        body = {"status": "success", "orderid": "26112166700552", "mode": "analyze"}
        answer = an_answer(status=RATE_LIMITED) if is_full else an_answer(body)
        self.timeline.later(wait, lambda: then(answer))

    def _waiting(self, ask: HttpAsk) -> list[Job]:
        """Return the jobs this ask may be: of its route and kind, the longest waiting first."""
        is_buy = b"BUY" in str(ask.body).encode()
        found = [j for j in self.jobs.values() if _route(j.write) == ask.route and not j.taken_at]
        if ask.route == "placeorder":
            found = [j for j in found if j.is_exit is is_buy]
        return sorted(found, key=lambda job: (len(job.posted), job.since))


def _route(write: Write) -> str:
    if isinstance(write, PlaceOrder):
        return "placeorder"
    return "modifyorder" if isinstance(write, ModifyOrder) else "cancelorder"


def cap(day: Day, at: Micros) -> int:
    """How many writes a second may hold: half of them for a while after a refusal was heard."""
    heard = [told for _, told in day.refusals if told < at < told + PENALTY]
    return 4 if heard else 8


@pytest.mark.incident("INC-50")
def test_exits_never_wait_behind_entries_under_429() -> None:
    """A second has room for every exit that waits before anything else may leave in it.

    Refusals halve the pace and stop entries, and every exit is taken once the server takes any.
    """
    refusals = crowded = 0
    for seed in range(SEEDS):
        day = Day(seed).play()
        refusals += len(day.refusals)
        jobs = tuple(day.jobs.values())
        exits = [job for job in jobs if job.is_exit]
        assert all(job.taken_at is not None for job in exits), seed
        for other in (job for job in jobs if not job.is_exit):
            for at in other.posted:
                ahead = sum(j.since < at and not any(p <= at for p in j.posted) for j in exits)
                left = sum(at - SECOND < p <= at for job in jobs for p in job.posted)
                crowded += ahead > 0
                assert left + ahead <= cap(day, at), (seed, at)
            if other.write.priority is Priority.ENTRY:
                off = [told for _, told in day.refusals if told < other.since]
                assert not any(p < told + PENALTY for told in off for p in other.posted), seed
    assert refusals > SEEDS
    assert crowded
