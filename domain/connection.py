"""One stream's connection: when to open it, when an attempt has failed, when to try again."""

import random
from enum import Enum, auto

from domain.canaries import HOLE
from domain.units import MINUTE, SECOND, Micros

LONGEST_WAIT_S = 60
MANY = 10
"""The so manieth reconnect in a row is worth a page."""

PROOF = MINUTE
"""After this long of canary ticks the next failure counts as a first one again."""

ANSWERED = MINUTE
"""After this long of prices without answers to the subscriptions a new socket is tried; the next
one is given twice as long, and so on: prices without repairs are better than none."""


class _State(Enum):
    IDLE = auto()
    OPENING = auto()
    LIVE = auto()
    WAITING = auto()


class Connection:
    """Opens without limit, one attempt at a time. Mutable, owned by FeedActor.

    Attempt n = 0, 1, 2... waits `min(2^n, 60)` seconds times a jitter from [0.75, 1], drawn from
    the stream handed in. A socket is no proof: an attempt succeeds with its first canary tick.
    `row` counts the reconnects since a minute of canary ticks, `fruitless` the attempts in session
    since the last one, `unanswered` the sockets in a row whose subscriptions were not answered.
    """

    def __init__(self, first_tick: Micros, chance: random.Random) -> None:
        self.epoch = 0
        self.opened = 0
        self.row = 0
        self.fruitless = 0
        self.unanswered = 0
        self._was_answered = False
        self._is_closed = False
        self._first_tick = first_tick
        self._chance = chance
        self._state = _State.IDLE
        self._since = Micros(0)
        self._attempt = 0
        self._steady: tuple[Micros, Micros] = (Micros(0), Micros(0))

    @property
    def is_ready(self) -> bool:
        """Whether all was subscribed on a connection that was not given up."""
        return self._was_answered and self._state in {_State.OPENING, _State.LIVE}

    @property
    def is_live(self) -> bool:
        """Whether a canary ticked since it was opened."""
        return self._state is _State.LIVE

    def is_due(self, at: Micros) -> bool:
        """Whether to open the connection now."""
        return self._state is _State.IDLE or (self._state is _State.WAITING and at >= self._since)

    def open(self, epoch: int, at: Micros) -> None:
        """Note that it is being opened as `epoch`."""
        self.epoch = epoch
        self.opened += 1
        self.row += self.opened > 1
        self._was_answered = False
        self._is_closed = False
        self._enter(_State.OPENING, at)

    def ready(self, epoch: int) -> bool:
        """Note that all was subscribed; return whether that is news."""
        is_news = epoch == self.epoch and not self._was_answered
        if is_news:
            self._was_answered = True
            self.unanswered = 0
        return is_news

    def broke(self, epoch: int, at: Micros, *, is_open: bool = True, slowly: bool = False) -> bool:
        """Note that it was refused or closed; return whether it was this connection.

        `is_open`: the session is. `slowly`: trying again soon would not help.
        """
        if epoch != self.epoch or self._state in {_State.IDLE, _State.WAITING}:
            return False
        self._is_closed = True
        if is_open and self._state is _State.OPENING:
            self.fruitless += 1
        self._wait(at)
        if slowly:
            self._since = Micros(at + LONGEST_WAIT_S * SECOND)
        return True

    def ticked(self, at: Micros) -> None:
        """Note a canary tick of this connection. One that was given up lives on by it."""
        if self._is_closed:
            return
        since, newest = self._steady
        if self._state is not _State.LIVE or at - newest > HOLE:
            since = at
        self._steady = (since, at)
        if self._state is not _State.LIVE:
            self._enter(_State.LIVE, at)
        self.fruitless = 0
        if at - since >= PROOF:
            self._attempt = self.row = 0

    def is_mute(self, opens_at: Micros, at: Micros) -> bool:
        """Whether an attempt brought no canary tick in time; before the open nothing has to."""
        since = max(self._since, opens_at)
        return self._state is _State.OPENING and at - since >= self._first_tick

    def is_unanswered(self, at: Micros) -> bool:
        """Whether canaries tick, but for too long not all subscriptions were answered."""
        is_open = self._state is _State.LIVE and not self._was_answered
        return is_open and at - self._since >= ANSWERED << min(self.unanswered, 6)

    def renew(self, at: Micros) -> None:
        """Give a connection up although it ticks: nothing it brings makes it live on."""
        self.unanswered += 1
        self._is_closed = True
        self._wait(at)

    def reopen(self, at: Micros) -> bool:
        """Give the connection up and try again; an attempt under way is left alone."""
        if self._state is not _State.LIVE:
            return False
        self._wait(at)
        return True

    def give_up(self, at: Micros) -> None:
        """Count the attempt as failed."""
        self.fruitless += 1
        self._wait(at)

    def jumped(self, at: Micros) -> None:
        """Wait no longer than ever: the clock was set to `at`."""
        self._since = min(self._since, Micros(at + LONGEST_WAIT_S * SECOND))

    def _wait(self, at: Micros) -> None:
        wait_s = min(2**self._attempt, LONGEST_WAIT_S)
        # 2^6 is above the longest wait already.
        self._attempt = min(self._attempt + 1, 6)
        jitter = self._chance.randint(750_000, SECOND)
        self._enter(_State.WAITING, Micros(at + wait_s * jitter))

    def _enter(self, state: _State, since: Micros) -> None:
        self._state = state
        self._since = since
