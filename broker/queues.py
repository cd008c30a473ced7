"""Calls waiting for a lane: who goes next and when. Pure; one thread at a time.

Instants named `at` are market time, `machine` is the time of this computer.
"""

from collections.abc import Callable

from broker import errors, scripts, wire_orders
from broker.asks import HttpAnswer, HttpAsk
from broker.governor import ExitWaits, Governor, Pacer
from broker.http import WRITES
from domain.calls import (
    Outcome,
    Priority,
    Read,
    ReadBooks,
    ReadChain,
    ReadHistory,
    ReadQuotes,
    ReadReply,
    Write,
    WriteReply,
)
from domain.reasons import remedy
from domain.units import SECOND, Micros

TOO_MANY = 429

READ_AGAIN_AFTER = Micros(2 * SECOND)
"""How long a failed read rests before it is asked again."""


class WriteJob:
    """One write and whom to tell. `finish` tells once, however often it is called."""

    def __init__(self, call: Write, done: Callable[[WriteReply], None]) -> None:
        self.call = call
        self.route = wire_orders.route(call)
        self.is_finished = False
        self._done = done

    @property
    def is_exit(self) -> bool:
        return self.call.priority is Priority.EXIT

    def is_late(self, machine: Micros) -> bool:
        """Whether the moment before which it had to be on the wire has passed."""
        return self.call.send_before is not None and machine >= self.call.send_before

    def finish(self, reply: WriteReply) -> None:
        """Tell the caller."""
        if not self.is_finished:
            self.is_finished = True
            self._done(reply)


class WriteQueue:
    """Order writes by priority, then by arrival, let out by the governor."""

    def __init__(self, governor: Governor) -> None:
        self.governor = governor
        self._jobs: list[WriteJob] = []
        self._waits = ExitWaits()

    def add(self, job: WriteJob, at: Micros) -> None:
        """Put a job behind those of its priority."""
        if job.is_exit:
            self._waits.queued(job.call.ref, at)
        self._jobs.append(job)
        self._jobs.sort(key=lambda each: each.call.priority)

    def take(self, at: Micros, machine: Micros, *, exits: bool) -> WriteJob | None:
        """Return the next job of a lane that may leave now, counted; a late one comes uncounted."""
        for job in self._of(exits=exits):
            if job.is_late(machine):
                self._jobs.remove(job)
                return job
            if self._slot(job, at) <= at:
                self._jobs.remove(job)
                self.governor.take(at, job.call.priority)
                return job
        return None

    def pause_s(self, at: Micros, machine: Micros, speed: float, *, exits: bool) -> float | None:
        """Return the real seconds until a lane should look again; None if nothing waits."""
        pauses: list[float] = []
        for job in self._of(exits=exits):
            pauses.append((self._slot(job, at) - at) / speed)
            if job.call.send_before is not None:
                pauses.append(job.call.send_before - machine)
        return max(0.0, min(pauses)) / SECOND if pauses else None

    def overdue(self, job: WriteJob, reply: WriteReply, at: Micros) -> str:
        """Return what to tell a human once an exit waited too long to be taken; '' otherwise."""
        is_refused = reply.outcome is Outcome.NOT_SENT and reply.status == TOO_MANY
        waited = self._waits.answered(job.call.ref, at, is_refused=is_refused)
        if not job.is_exit or waited is None:
            return ""
        return f"an exit waited {waited:.1f} s to be taken route={job.route}; {remedy('RATE')}"

    def clear(self) -> list[WriteJob]:
        """Return all jobs and forget them."""
        jobs, self._jobs = self._jobs, []
        return jobs

    def _of(self, *, exits: bool) -> list[WriteJob]:
        return [job for job in self._jobs if job.is_exit is exits]

    def _slot(self, job: WriteJob, at: Micros) -> Micros:
        waiting = sum(1 for each in self._jobs if each.is_exit)
        return self.governor.next_slot(at, job.call.priority, job.route, waiting)


class ReadJob:
    """One read on its way through its script; between two asks it waits in the queue again."""

    def __init__(self, call: Read, done: Callable[[ReadReply], None], retries: int) -> None:
        self.call = call
        self.rank = _rank(call)
        self.number = 0
        self.due = Micros(0)
        self.ask: HttpAsk | None = None
        self.reply: ReadReply | None = None
        self.is_finished = False
        self._script = scripts.read(call)
        self._done = done
        self._retries = retries
        self._tries = 0

    @property
    def route(self) -> str:
        return self.ask.route if self.ask is not None else scripts.first_route(self.call)

    @property
    def is_bulk(self) -> bool:
        """Whether one worker leaves its like alone: no exit goes on before the books are read."""
        return not isinstance(self.call, ReadBooks)

    def begin(self) -> None:
        """Find out the first ask."""
        self._run(lambda: next(self._script))

    def answered(self, answer: HttpAnswer, at: Micros) -> None:
        """Take an answer: ask the same again later, or go on to the next ask or the reply."""
        is_failure = errors.may_ask_again(answer)
        if self.ask is not None and self.ask.retry and is_failure and self._tries < self._retries:
            self._tries += 1
            self.due = Micros(at + READ_AGAIN_AFTER)
            return
        self._tries = 0
        self._run(lambda: self._script.send(answer))

    def finish(self, reply: ReadReply) -> None:
        """Tell the caller, once."""
        if not self.is_finished:
            self.is_finished = True
            self._done(reply)

    def _run(self, step: Callable[[], HttpAsk]) -> None:
        try:
            self.ask = step()
        except StopIteration as end:
            self.reply = end.value


class ReadQueue:
    """Reads by rank, then by arrival, each route evenly paced.

    What a read asks on a route of writes (whether orders wait for a human) is a write to the
    server: the governor counts it, and it waits its turn.
    """

    def __init__(self, pacer: Pacer, governor: Governor) -> None:
        self._pacer = pacer
        self._governor = governor
        self._jobs: list[ReadJob] = []
        self._arrived = 0

    def add(self, job: ReadJob) -> None:
        """Put a job behind those of its rank that came before it; one half done keeps its place."""
        self._arrived += 1
        job.number = job.number or self._arrived
        self._jobs.append(job)
        self._jobs.sort(key=lambda each: (each.rank, each.number))

    def take(self, at: Micros, *, bulk: bool) -> ReadJob | None:
        """Return the next job that may be asked now, counted; bulk reads only where allowed."""
        for job in self._of(bulk=bulk):
            if self._slot(job, at) <= at:
                self._jobs.remove(job)
                self._pacer.take(at, job.route)
                if job.route in WRITES:
                    self._governor.take(at, Priority.CANCEL)
                return job
        return None

    def pause_s(self, at: Micros, speed: float, *, bulk: bool) -> float | None:
        """Return the real seconds until a worker should look again; None if nothing waits."""
        slots = [self._slot(job, at) for job in self._of(bulk=bulk)]
        return (min(slots) - at) / speed / SECOND if slots else None

    def clear(self) -> list[ReadJob]:
        """Return all jobs and forget them."""
        jobs, self._jobs = self._jobs, []
        return jobs

    def _of(self, *, bulk: bool) -> list[ReadJob]:
        return [job for job in self._jobs if bulk or not job.is_bulk]

    def _slot(self, job: ReadJob, at: Micros) -> Micros:
        job.due = min(job.due, Micros(at + READ_AGAIN_AFTER))  # the clock may have been set back
        slot = max(job.due, self._pacer.next_slot(at, job.route))
        if job.route not in WRITES:
            return slot
        return max(slot, self._governor.next_slot(at, Priority.CANCEL, job.route))


def _rank(call: Read) -> tuple[int, int]:
    match call:
        case ReadBooks(urgent=True) | ReadQuotes(urgent=True):
            return (0, 0)
        case ReadBooks():
            return (1, 0)
        case ReadHistory(rank=rank):
            return (4, rank)
        case ReadChain():
            return (3, 0)
        case _:
            return (2, 0)
