"""The lanes: worker threads that carry calls to the server, exits in lanes of their own.

Three workers carry exits (P0), one carries cancels of entries and entries (P1, P2), four carry
reads, of which one carries those of the books alone, so that they never wait behind a read that
hangs. Three take the rest: the server spaces its calls to the broker, and a slow broker is still
busy with one answer when the next call may begin. A write is sent once. A read is asked again,
later, on failures that prove nothing.
"""

import logging
import random
import threading
from collections.abc import Callable
from http import HTTPStatus
from typing import Protocol, TypeVar

from broker import scripts
from broker.asks import HttpAnswer, HttpAsk
from broker.complaints import Complaints
from broker.governor import Governor, Pacer
from broker.queues import ReadJob, ReadQueue, WriteJob, WriteQueue
from domain import clock
from domain.calls import ApiSeen, Read, ReadReply, Write, WriteReply
from domain.params import BrokerParams
from domain.units import SECOND

log = logging.getLogger(__name__)

EXIT_WORKERS = 3
BULK_WORKERS = 3
CLOSED = "the lanes are closed"
DIED = "the worker carrying it died"

Reply = TypeVar("Reply")


class Session(Protocol):
    """One connection, used by one thread; `broker.http.HttpSession` in life."""

    def warm(self) -> None:
        """Get ready for a first request."""

    def post(self, ask: HttpAsk) -> HttpAnswer:
        """Send one POST. Blocks until an answer or a time-out; never asks twice."""

    def close(self) -> None:
        """Drop the connection."""


class Transport(Protocol):
    """Opens sessions; `broker.http.Http` in life."""

    def session(self) -> Session:
        """Return a session for the calling thread."""


class Lanes:
    """The broker as the actors see it (`broker.port.Broker`). Any thread may call.

    `mode` is the one the server was found in, `analyze` or `live`: an answer in the other is
    NONSENSE. `speed` is how many seconds of market time pass in one of ours. `rng` draws the jitter
    of a wait after 429. Callbacks run in a worker's thread and must only tell; `on_death` is told
    the name of a worker that died and was replaced. `refusal` is asked in a worker's thread, right
    before a write leaves, why it may not; it must not wait.
    """

    def __init__(  # noqa: PLR0913 - what it carries by, and who is told of it
        self,
        transport: Transport,
        params: BrokerParams,
        mode: str,
        rng: random.Random,
        *,
        speed: float = 1,
        on_api: Callable[[ApiSeen], None] | None = None,
        on_death: Callable[[str], None] = lambda _: None,
        refusal: Callable[[Write], str] = lambda _: "",
    ) -> None:
        self._transport = transport
        self._params = params
        self._mode = mode
        self._rng = rng
        self._speed = speed
        self._on_api = on_api
        self._on_death = on_death
        self._refusal = refusal
        self._writes = WriteQueue(Governor(params))
        self._reads = ReadQueue(Pacer(params.read_rate_per_s), self._writes.governor)
        self._complaints = Complaints()
        self._lock = threading.Lock()
        self._changed = {
            name: threading.Condition(self._lock) for name in ("exit", "entry", "read")
        }
        self._threads: set[threading.Thread] = set()  # noqa: TID251 - the workers owned here
        self._is_closing = False
        self.deaths = 0

    def start(self) -> None:
        """Start the worker threads."""
        for number in range(EXIT_WORKERS):
            self._spawn(f"exit-{number}", lambda: self._carry_writes(exits=True))
        self._spawn("entry-0", lambda: self._carry_writes(exits=False))
        self._spawn("read-0", lambda: self._carry_reads(bulk=False))
        for number in range(BULK_WORKERS):
            self._spawn(f"bulk-{number}", lambda: self._carry_reads(bulk=True))

    def write(self, call: Write, done: Callable[[WriteReply], None]) -> None:
        """Queue an order write; `done` is called exactly once, also when nothing was sent."""
        job = WriteJob(call, done)
        with self._lock:
            is_open = not self._is_closing
            if is_open:
                self._writes.add(job, clock.now())
                # Waking one could wake one whose timed wait has just ended, and nobody else.
                self._changed["exit" if job.is_exit else "entry"].notify_all()
        if not is_open:
            job.finish(scripts.not_sent(call, CLOSED))

    def read(self, call: Read, done: Callable[[ReadReply], None]) -> None:
        """Queue a read job; `done` is called exactly once."""
        job = ReadJob(call, done, self._params.read_retries)
        if not self._queue(job):
            job.finish(scripts.unread(call, CLOSED))

    def close(self, within_s: float) -> bool:
        """Take nothing more, answer what waits, let what is under way finish for `within_s`.

        Returns whether every worker ended. A call still under way is answered whenever it ends.
        """
        with self._lock:
            self._is_closing = True
            writes, reads = self._writes.clear(), self._reads.clear()
            for changed in self._changed.values():
                changed.notify_all()
        for write in writes:
            write.finish(scripts.not_sent(write.call, CLOSED))
        for read in reads:
            read.finish(scripts.unread(read.call, CLOSED))
        deadline = clock.machine() + within_s * SECOND
        for thread in tuple(self._threads):
            thread.join(max(0.0, (deadline - clock.machine()) / SECOND))
        return not any(thread.is_alive() for thread in self._threads)

    def _spawn(self, name: str, work: Callable[[], None]) -> None:
        def live() -> None:
            try:
                work()
            finally:
                self._threads.discard(thread)
                if not self._is_closing:
                    self.deaths += 1
                    log.error("lane worker died and was replaced lane=%s", name)
                    self._spawn(name, work)
                    self._on_death(name)

        thread = threading.Thread(  # noqa: TID251 - the lanes own their workers
            target=live, name=f"lane-{name}", daemon=True
        )
        with self._lock:
            if not self._is_closing:
                self._threads.add(thread)
                thread.start()

    def _carry_writes(self, *, exits: bool) -> None:
        session = self._transport.session()
        job: WriteJob | None = None
        try:
            session.warm()
            while (job := self._next_write(exits=exits)) is not None:
                reply = self._written(job, session)
                self._look(job, reply)
                job.finish(reply)
        finally:
            session.close()
            if job is not None:
                job.finish(scripts.lost(job.call, DIED))

    def _carry_reads(self, *, bulk: bool) -> None:
        session = self._transport.session()
        job: ReadJob | None = None
        try:
            while (job := self._next_read(bulk=bulk)) is not None:
                self._step(job, session)
        finally:
            session.close()
            if job is not None:
                job.finish(scripts.unread(job.call, DIED))

    def _next_write(self, *, exits: bool) -> WriteJob | None:
        changed = self._changed["exit" if exits else "entry"]
        with self._lock:
            while not self._is_closing:
                at, machine = clock.now(), clock.machine()
                job = self._writes.take(at, machine, exits=exits)
                if job is not None:
                    return job
                changed.wait(self._writes.pause_s(at, machine, self._speed, exits=exits))
        return None

    def _next_read(self, *, bulk: bool) -> ReadJob | None:
        with self._lock:
            while not self._is_closing:
                at = clock.now()
                job = self._reads.take(at, bulk=bulk)
                if job is not None:
                    return job
                self._changed["read"].wait(self._reads.pause_s(at, self._speed, bulk=bulk))
        return None

    def _written(self, job: WriteJob, session: Session) -> WriteReply:
        if job.is_late(clock.machine()):
            return scripts.not_sent(job.call, "too late to be sent")
        if refused := self._refusal(job.call):
            return scripts.not_sent(job.call, refused)
        reply, answer = self._drive(scripts.write(job.call, self._mode), session)
        if answer is not None:
            self._report(reply.route, answer, reply.orderid)
        return reply

    def _drive(
        self, script: scripts.Script[Reply], session: Session
    ) -> tuple[Reply, HttpAnswer | None]:
        answer: HttpAnswer | None = None
        try:
            ask = next(script)
            while True:
                answer = session.post(ask)
                self._slow_down(ask, answer)
                ask = script.send(answer)
        except StopIteration as end:
            return end.value, answer

    def _look(self, job: WriteJob, reply: WriteReply) -> None:
        """Tell a human of an exit that the server keeps waiting."""
        with self._lock:
            text = self._writes.overdue(job, reply, clock.now())
        if text:
            log.error("%s", text)

    def _slow_down(self, ask: HttpAsk, answer: HttpAnswer) -> None:
        if answer.status != 429:
            return
        log.warning("server refused for rate route=%s", ask.route)
        with self._lock:
            self._writes.governor.refused(
                clock.now(), ask.route, self._rng.random(), answer.retry_after_s
            )

    def _step(self, job: ReadJob, session: Session) -> None:
        if job.ask is None:
            job.begin()
        if job.ask is not None and job.reply is None:
            ask = job.ask
            answer = session.post(ask)
            self._report(ask.route, answer)
            job.answered(answer, clock.now())
        if job.reply is not None:
            self._complain(job.call, job.reply)
            job.finish(job.reply)
        elif not self._queue(job):
            job.finish(scripts.unread(job.call, CLOSED))

    def _complain(self, call: Read, reply: ReadReply) -> None:
        with self._lock:
            line = self._complaints.hear(call, reply, clock.now())
        if line is not None:
            log.log(line.level, "%s", line.text)

    def _queue(self, job: ReadJob) -> bool:
        with self._lock:
            if self._is_closing:
                return False
            self._reads.add(job)
            self._changed["read"].notify_all()
            return True

    def _report(self, route: str, answer: HttpAnswer, orderid: str = "") -> None:
        if self._on_api is None:
            return
        status = answer.status or 0
        self._on_api(
            ApiSeen(
                route=route, at=clock.now(), status=status, text=_phrase(answer), orderid=orderid
            )
        )


def _phrase(answer: HttpAnswer) -> str:
    if answer.status is None:
        return f"no answer ({answer.fault})"
    try:
        return HTTPStatus(answer.status).phrase
    except ValueError:
        return ""
