"""How fast the server may be written to and read, as pure objects over market time.

Exchanges count orders, modifications and cancels together per calendar second (NSE/INVG/67858,
threshold 10); a calendar second is one of the rolling seconds counted here, so one rule holds both.
Per minute and per day everything is counted, and only what is no exit waits.
"""

from collections import deque

from domain.calls import Priority
from domain.params import BrokerParams
from domain.units import MINUTE, SECOND, Micros, seconds

PENALTY = seconds(10)
"""How long the cap is halved and entries are off after a 429."""

EXIT_PATIENCE = seconds(2)
"""How long an exit may wait before a human is told (`execution.md` 14)."""

DAY = Micros(24 * 60 * MINUTE)
KOLKATA = seconds(5.5 * 3600)

_WAIT_AT_LEAST = seconds(1.0)
_JITTER = seconds(0.3)
_WAIT_AT_MOST = seconds(5)


class Governor:
    """Says when an order write may leave. One thread at a time; instants are market time.

    No rolling second `[t, t + 1 s)` holds more than `order_rate_per_s` writes, and of those at most
    `order_rate_per_s - exit_reserve` are no exits. What is no exit waits as well while the last
    minute, or the day in Asia/Kolkata, holds as many writes as it may. After a 429 its route waits,
    the cap is halved and entries are off for a while.
    """

    def __init__(self, params: BrokerParams) -> None:
        self._cap = params.order_rate_per_s
        self._share = max(1, params.order_rate_per_s - params.exit_reserve)
        self._exits: list[Micros] = []
        self._others: list[Micros] = []
        self._long = _LongRun(params.rate_per_minute, params.rate_per_day)
        self._routes: dict[str, Micros] = {}
        self._penalty_until = Micros(0)

    def next_slot(
        self, at: Micros, priority: Priority, route: str = "", waiting: int = 0
    ) -> Micros:
        """Return the first instant from `at` on when this write may leave; it takes nothing.

        `waiting` is the number of exits that wait already: room is left for them, so that no exit
        waits because of something less urgent. If they fill the cap, ask again at what is returned.
        """
        self._clamp(at)
        changes = {self._routes.get(route, at), self._penalty_until, at}
        changes.update(Micros(sent + SECOND) for sent in (*self._exits, *self._others))
        if priority is not Priority.EXIT:
            free_at = self._long.free_at(at)
            changes = {max(free_at, instant) for instant in changes}
        slots = sorted(instant for instant in changes if instant >= at)
        free = (slot for slot in slots if self._is_free(slot, priority, route, waiting))
        return next(free, Micros(slots[-1] + SECOND))

    def take(self, at: Micros, priority: Priority) -> None:
        """Count a write that leaves now."""
        self._clamp(at)
        self._exits = [sent for sent in self._exits if sent > at - SECOND]
        self._others = [sent for sent in self._others if sent > at - SECOND]
        (self._exits if priority is Priority.EXIT else self._others).append(at)
        self._long.take(at)

    def refused(self, at: Micros, route: str, draw: float, retry_after_s: int = 0) -> None:
        """Take a 429: the route waits 1.0 to 1.3 s, by a `draw` from [0, 1), or as it was told."""
        told = min(seconds(retry_after_s), _WAIT_AT_MOST)
        wait = max(_WAIT_AT_LEAST + int(draw * _JITTER), told)
        self._routes[route] = Micros(max(self._routes.get(route, at), at + wait))
        self._penalty_until = Micros(at + PENALTY)

    def _is_free(self, at: Micros, priority: Priority, route: str, waiting: int) -> bool:
        is_calm = at >= self._penalty_until
        if at < self._routes.get(route, at):
            return False
        if priority is Priority.ENTRY and not is_calm:
            return False
        cap = self._cap if is_calm else max(1, self._cap // 2)
        exits, others = _since(self._exits, at), _since(self._others, at)
        if priority is Priority.EXIT:
            return exits + others < cap
        return others < min(self._share, cap) and exits + others + waiting < cap

    def _clamp(self, at: Micros) -> None:
        """Once a clock was set back, what was sent counts as sent now and no wait grows."""
        self._exits = [min(sent, at) for sent in self._exits]
        self._others = [min(sent, at) for sent in self._others]
        self._long.clamp(at)
        ahead = [route for route, until in self._routes.items() if until > at + _WAIT_AT_MOST]
        self._routes.update(dict.fromkeys(ahead, Micros(at + _WAIT_AT_MOST)))
        self._penalty_until = min(self._penalty_until, Micros(at + PENALTY))


class _LongRun:
    """Counts every write of the last minute and of the day."""

    def __init__(self, per_minute: int, per_day: int) -> None:
        self._per_minute = per_minute
        self._per_day = per_day
        self._minute: deque[Micros] = deque()
        self._day: tuple[Micros, int] = (Micros(0), 0)

    def free_at(self, at: Micros) -> Micros:
        """Return from when on something that is no exit may leave."""
        begun, count = self._day
        if begun == _midnight(at) and count >= self._per_day:
            return Micros(begun + DAY)
        left = [sent for sent in self._minute if sent > at - MINUTE]
        surplus = len(left) - self._per_minute
        return Micros(left[surplus] + MINUTE) if surplus >= 0 else at

    def take(self, at: Micros) -> None:
        """Count a write that leaves now."""
        while self._minute and self._minute[0] <= at - MINUTE:
            self._minute.popleft()
        self._minute.append(at)
        begun, count = self._day
        midnight = _midnight(at)
        self._day = (midnight, count + 1 if begun == midnight else 1)

    def clamp(self, at: Micros) -> None:
        """Once a clock was set back, what was sent counts as sent now."""
        if self._minute and self._minute[-1] > at:
            self._minute = deque(min(sent, at) for sent in self._minute)


class ExitWaits:
    """Since when each exit waits to be taken by the server, refusals for rate between or not."""

    def __init__(self) -> None:
        self._since: dict[str, Micros] = {}
        self._told: set[str] = set()

    def queued(self, ref: str, at: Micros) -> None:
        """Take an exit that is to leave, for the first time or again."""
        self._since.setdefault(ref, at)

    def answered(self, ref: str, at: Micros, *, is_refused: bool) -> float | None:
        """Return the seconds an exit has waited, once it is too long by now; else None.

        `is_refused`: for rate, so it goes on waiting; it will be queued again.
        """
        waited = at - self._since.get(ref, at)
        is_news = waited > EXIT_PATIENCE and ref not in self._told
        if is_refused:
            self._told |= {ref} if is_news else set()
        else:
            self._since.pop(ref, None)
            self._told.discard(ref)
        return waited / SECOND if is_news else None


class Pacer:
    """Spaces the reads of each route evenly, at most `rate_per_s` a second of market time."""

    def __init__(self, rate_per_s: int) -> None:
        self._gap = -(-SECOND // rate_per_s)
        self._free: dict[str, Micros] = {}

    def next_slot(self, at: Micros, route: str) -> Micros:
        """Return the first instant from `at` on when this route may be read."""
        free = min(self._free.get(route, at), Micros(at + self._gap))  # a clock set back frees
        self._free[route] = free
        return max(at, free)

    def take(self, at: Micros, route: str) -> None:
        """Count a read that leaves now."""
        self._free[route] = Micros(at + self._gap)


def _midnight(at: Micros) -> Micros:
    """Return when the day of an instant began in Asia/Kolkata, which knows no summer time."""
    return Micros((at + KOLKATA) // DAY * DAY - KOLKATA)


def _since(sent: list[Micros], at: Micros) -> int:
    return sum(1 for instant in sent if instant > at - SECOND)
