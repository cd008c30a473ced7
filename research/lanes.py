"""The broker's lanes in virtual time: the same queues, the same governor, the same scripts.

What differs from `broker/lanes.py` is only who carries a call: a slot instead of a thread.
"""

import logging
import random
from collections.abc import Callable
from typing import TypeVar

from broker import scripts
from broker.asks import HttpAnswer, HttpAsk
from broker.complaints import Complaints
from broker.governor import Governor, Pacer
from broker.lanes import BULK_WORKERS, EXIT_WORKERS
from broker.queues import ReadJob, ReadQueue, WriteJob, WriteQueue
from domain.calls import Read, ReadReply, Write, WriteReply
from domain.params import BrokerParams
from domain.units import SECOND, Micros
from research.timeline import Timeline

log = logging.getLogger("broker.lanes")
"""The lines of the lanes read alike, whoever carries the calls."""

Carry = Callable[[HttpAsk, Callable[[HttpAnswer], None]], None]
Reply = TypeVar("Reply")

RATE_LIMITED = 429


class VirtualLanes:
    """`broker.port.Broker` over a function that carries one HTTP exchange through virtual time."""

    def __init__(
        self, timeline: Timeline, carry: Carry, params: BrokerParams, mode: str, rng: random.Random
    ) -> None:
        self._timeline = timeline
        self._carry = carry
        self._params = params
        self._mode = mode
        self._rng = rng
        self._writes = WriteQueue(Governor(params))
        self._reads = ReadQueue(Pacer(params.read_rate_per_s), self._writes.governor)
        self._complaints = Complaints()
        self._free = {"exit": EXIT_WORKERS, "entry": 1, "read": 1, "bulk": BULK_WORKERS}
        self._wakes: set[Micros] = set()

    def write(self, call: Write, done: Callable[[WriteReply], None]) -> None:
        """Queue an order write."""
        self._writes.add(WriteJob(call, done), self._timeline.now())
        self._turn()

    def read(self, call: Read, done: Callable[[ReadReply], None]) -> None:
        """Queue a read job."""
        self._reads.add(ReadJob(call, done, self._params.read_retries))
        self._turn()

    def _turn(self) -> None:
        """Give every free slot what may leave now, and look again when something may."""
        at, machine = self._timeline.now(), self._timeline.machine()
        for exits in (True, False):
            slot = "exit" if exits else "entry"
            while self._free[slot] and (job := self._writes.take(at, machine, exits=exits)):
                self._send(job, slot)
        for bulk in (False, True):
            slot = "bulk" if bulk else "read"
            while self._free[slot] and (read := self._reads.take(at, bulk=bulk)):
                self._ask(read, slot)
        self._look_again(at)

    def _look_again(self, at: Micros) -> None:
        machine = self._timeline.machine()
        pauses = [self._writes.pause_s(at, machine, 1, exits=exits) for exits in (True, False)]
        pauses += [self._reads.pause_s(at, 1, bulk=bulk) for bulk in (True, False)]
        waits = [pause for pause in pauses if pause is not None and pause > 0]
        if not waits:
            return
        wake = Micros(at + max(1, round(min(waits) * SECOND)))
        if wake not in self._wakes:
            self._wakes.add(wake)
            self._timeline.later(wake, lambda: self._woken(wake))

    def _woken(self, wake: Micros) -> None:
        self._wakes.discard(wake)
        self._turn()

    def _send(self, job: WriteJob, slot: str) -> None:
        if job.is_late(self._timeline.machine()):
            job.finish(scripts.not_sent(job.call, "too late to be sent"))
            return
        self._free[slot] -= 1
        script = scripts.write(job.call, self._mode)

        def over(reply: WriteReply) -> None:
            self._free[slot] += 1
            text = self._writes.overdue(job, reply, self._timeline.now())
            if text:
                log.error("%s", text)
            job.finish(reply)
            self._turn()

        self._drive(script, script.send, None, over)

    def _drive(
        self,
        script: scripts.Script[Reply],
        step: Callable[..., HttpAsk],
        sent: HttpAnswer | None,
        over: Callable[[Reply], None],
    ) -> None:
        """Run a script of writes up to its next ask; continue when the answer is there."""
        try:
            ask = step(sent)
        except StopIteration as end:
            over(end.value)
            return

        def answered(answer: HttpAnswer) -> None:
            if answer.status == RATE_LIMITED:
                at, draw = self._timeline.now(), self._rng.random()
                self._writes.governor.refused(at, ask.route, draw, answer.retry_after_s)
            self._drive(script, step, answer, over)

        self._carry(ask, answered)

    def _ask(self, job: ReadJob, slot: str) -> None:
        if job.ask is None:
            job.begin()
        if job.ask is None or job.reply is not None:
            self._read_over(job)
            return
        self._free[slot] -= 1

        def answered(answer: HttpAnswer) -> None:
            self._free[slot] += 1
            job.answered(answer, self._timeline.now())
            self._read_over(job)
            self._turn()

        self._carry(job.ask, answered)

    def _read_over(self, job: ReadJob) -> None:
        if job.reply is not None:
            line = self._complaints.hear(job.call, job.reply, self._timeline.now())
            if line is not None:
                log.log(line.level, "%s", line.text)
            job.finish(job.reply)
        else:
            self._reads.add(job)
