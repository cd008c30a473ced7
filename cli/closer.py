"""The order path alone, in this process: what `run.py flatten` leaves every short with.

It is the agent's own: the same actors for orders and books, the same journal, the same ladder and
proof, without a feed and without a strategy. The calling thread tells the time.
"""

import logging
import os
import queue
import random
import signal
from typing import Any

from actors import stacks
from actors.feed import FeedPorts
from actors.post_office import PostOffice
from actors.stages import ThreadStage
from actors.system import Ports, System
from cli.agent import SIGNALS, STOP_S, lanes_of
from cli.reach import Reached
from cli.session import Session
from cli.switch import Switch
from domain import clock
from domain.levers import Lever
from domain.pulse import PulsePlan
from domain.session import DayPlan
from domain.units import SECOND, Micros, seconds
from messages.control import Begin, Ended, Pulse
from messages.orders import LeverPulled, PullLever

log = logging.getLogger(__name__)

CAST = ("monitor", "reconcile", "order")
"""Who is needed to leave: status, books, orders."""

LONGEST_WAIT_S = 0.25
NOT_PROVED, ESCALATED = 3, 70


class Closer:
    """Leaves everything and proves the book flat, or is told to stop. Main thread, once."""

    def __init__(self, session: Session, plan: DayPlan, reached: Reached) -> None:
        settings, server = session.settings, reached.server
        self._plan = plan
        self._follow = reached.follow
        self._speed = server.speed
        self._patience = seconds(settings.exit.proof_s)
        self._inbox: queue.SimpleQueue[Ended | LeverPulled | signal.Signals] = queue.SimpleQueue()
        self._post = PostOffice()
        self._post.register("main", self)
        chance = random.Random()  # noqa: S311 - jitter of waits, nothing is decided by it
        self._lanes = lanes_of(session, server, chance)
        ports = Ports(
            post=self._post,
            feed=FeedPorts(streams={}, broker=self._lanes, chance=chance),
            folder=session.folder,
            url=server.url,
            pid=os.getpid(),
        )
        self._system = System(settings, plan, ports, ThreadStage(self._post))
        self._switch = Switch(session.folder, self._post)
        self._pulses = PulsePlan(settings.bars.close_grace_ms)

    def tell(self, message: Ended | LeverPulled) -> None:
        """Hear an actor. Any thread."""
        self._inbox.put(message)

    def run(self) -> Ended:
        """Flatten until proved, interrupted, or nothing is to be hoped for after the close."""
        before = [(number, signal.signal(number, self._signalled)) for number in SIGNALS]
        try:
            self._lanes.start()
            self._system.enter(CAST)
            self._pull()
            return self._conduct()
        finally:
            self._system.stop(STOP_S)
            self._lanes.close(STOP_S)
            for number, handler in before:
                signal.signal(number, handler)

    def _pull(self) -> None:
        at = clock.now()
        self._post.tell("order", PullLever(at=at, lever=Lever.FLATTEN, reason="BY_HAND"))

    def _conduct(self) -> Ended:
        last = max(self._plan.close, Micros(clock.now() + self._patience))
        while True:
            self._follow()
            self._switch.look()
            self._tell_time()
            ended = self._hear() or self._lost(last)
            if ended is not None:
                return ended

    def _hear(self) -> Ended | None:
        try:
            message = self._inbox.get(timeout=self._wait_s())
        except queue.Empty:
            return None
        match message:
            case Ended():
                return message
            case LeverPulled():
                self._switch.answered(message)
            case signal.SIGUSR2:
                stacks.log_all()
            case signal.SIGUSR1:
                pass  # it asks for less than what is done
            case _:
                return Ended(at=clock.now(), code=NOT_PROVED, reason="interrupted")
        return None

    def _lost(self, last: Micros) -> Ended | None:
        """Return the end if nobody is left to do it, or the day is over."""
        at = clock.now()
        if not self._system.is_alive("order"):
            return Ended(at=at, code=ESCALATED, reason="the order actor is dead")
        if not self._system.is_alive("reconcile"):
            self._system.spawn("reconcile")
            self._post.tell("reconcile", Begin(at=at, restarted=True))
        if at >= last:
            return Ended(at=at, code=NOT_PROVED, reason="the day is over")
        return None

    def _tell_time(self) -> None:
        second = self._pulses.due(clock.now())
        if second is not None:
            for address in CAST:
                self._post.tell(address, Pulse(at=second))

    def _wait_s(self) -> float:
        now = clock.now()
        left_s = (self._pulses.next_after(now) - now) / SECOND / self._speed
        return min(LONGEST_WAIT_S, max(0.001, left_s))

    def _signalled(self, number: int, frame: Any) -> None:
        del frame
        self._inbox.put(signal.Signals(number))
