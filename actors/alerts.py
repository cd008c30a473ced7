"""AlertsActor: tells a human what he must know, once, without being asked.

Hears:  Begin, StatusShown, Paged, Pulse
Tells:  nobody; hands messages and its memory to a Pager, which sends and writes them
Owns:   which alarms hold (domain.alarm_watch), what was told of them (domain.alerting)
Dies:   losing next to nothing: the pager has its memory
"""

from typing import Protocol, assert_never

from msgspec.structs import replace

from actors.base import Actor
from actors.post_office import Post
from domain import clock
from domain.alarm_watch import AlarmWatch
from domain.alert_params import AlertParams
from domain.alerting import Alerting, Memory, Notice, begun
from domain.units import Micros
from messages.control import Begin, Pulse, StatusShown
from messages.orders import Paged

Heard = Begin | StatusShown | Paged | Pulse


class Pager(Protocol):
    """Where messages go. Called in the actor's thread; never waits, never raises."""

    def send(self, notice: Notice) -> None:
        """Send a message to a human, soon."""

    def keep(self, memory: Memory) -> None:
        """Keep this for the next life; the newest counts."""

    def recall(self) -> Memory:
        """Return what was kept last, also by the process before this one."""


class Nobody:
    """Stands at the address where there is no pager: what people would be told is no loss there."""

    def tell(self, message: object) -> None:
        """Take a message and forget it. Any thread."""


class AlertsActor(Actor):
    """Fold what the agent says of itself into messages."""

    def __init__(self, address: str, post: Post, *, pager: Pager, params: AlertParams) -> None:
        super().__init__(address, post)
        self._pager = pager
        self._params = params
        self._watch = AlarmWatch()
        self._alerting: Alerting | None = None
        self._kept: Memory | None = None

    def on_receive(self, message: Heard) -> None:
        """Take one fact in. In the actor's thread."""
        match message:
            case Pulse(at=at):
                self._look(at)
            case StatusShown(at=at, status=status):
                self._watch.show(status, at)
            case Paged(at=at, page=page):
                self._watch.page(page, at)
            case Begin(at=at, restarted=restarted):
                self._begin(at, is_new=not restarted)
            case _:
                assert_never(message)

    def on_stop(self) -> None:
        """Say what still waits to be said. In the actor's thread."""
        self._look(clock.now(), now=True)

    def _begin(self, at: Micros, *, is_new: bool) -> None:
        """Go on where the last life, or the actor before this one, left off."""
        kept = self._pager.recall()
        memory = begun(kept, at) if is_new else kept
        if memory != kept:
            self._pager.keep(memory)
        after = memory.life if is_new else ""
        self._watch = AlarmWatch(after, bad_ends=memory.bad_ends, bare=memory.bare)

    def _look(self, at: Micros, *, now: bool = False) -> None:
        if self._alerting is None:
            self._alerting = Alerting(self._pager.recall(), self._params, at)
        notice = self._alerting.fold(self._watch.look(at), at, now=now)
        memory = replace(self._alerting.memory, bare=self._watch.bare)
        # First what was told, then the telling: dying in between tells once less, not for ever.
        if memory != self._kept:
            self._kept = memory
            self._pager.keep(memory)
        if notice is not None:
            self._pager.send(notice)
