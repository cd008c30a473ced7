"""Worlds with a twist, for `Parts(world=...)`: a slow broker, a clock that freezegun holds."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

from broker.asks import Fault, HttpAnswer, HttpAsk
from domain import clock
from domain.session import instant
from domain.units import Micros, seconds
from research.timeline import Timeline
from research.world import World
from tests.tapes import DAY


class Movable(Protocol):
    """What `freeze_time` hands out."""

    def move_to(self, target_datetime: datetime) -> None: ...


Then = Callable[[HttpAnswer], None]
Routes = frozenset[str]
WRITES: Routes = frozenset({"placeorder", "modifyorder", "cancelorder"})


class LateWorld(World):
    """Answers of some routes come late: at once done, `late_s` later told, or lost for good.

    A lost answer is a time-out: nothing but the fault comes back.
    """

    def __init__(
        self,
        *args: Any,
        since: str,
        until: str,
        late_s: float,
        routes: Routes | None = None,
        is_lost: bool = False,
    ) -> None:
        super().__init__(*args)
        self._window = (instant(DAY, since), instant(DAY, until))
        self._late = seconds(late_s)
        self._routes = routes
        self._is_lost = is_lost
        self.delayed = 0

    def _carry(self, ask: HttpAsk, then: Then) -> None:
        since, until = self._window
        is_slow = since <= self.timeline.now() < until
        if not is_slow or (self._routes is not None and ask.route not in self._routes):
            super()._carry(ask, then)
            return
        self.delayed += 1

        def told(answer: HttpAnswer) -> None:
            heard = HttpAnswer(status=None, fault=Fault.TIMEOUT) if self._is_lost else answer
            self.timeline.later(Micros(self.timeline.now() + self._late), lambda: then(heard))

        super()._carry(ask, told)


class _FrozenTimeline(Timeline):
    """Moves freezegun's clock along with its own."""

    def __init__(self, start: Micros, frozen: Movable) -> None:
        super().__init__(start)
        self._frozen = frozen
        self.move(start)

    def move(self, at: Micros) -> None:
        super().move(at)
        self._frozen.move_to(clock.moment(self.now()))


class FrozenWorld(World):
    """The actors read the wall clock, as live; freezegun is what moves it."""

    def __init__(self, *args: Any, frozen: Movable) -> None:
        super().__init__(*args)
        self.timeline = self._site.timeline = _FrozenTimeline(self.timeline.now(), frozen)
        clock.use(clock.WallClock())
