"""The main loop's own watch over those who keep the promise: order, reconcile and watchdog."""

from actors.post_office import Post
from actors.rollcall import RollCall
from actors.system import System
from domain import clock
from domain.liveness import VITAL, Terms, is_fed
from messages.control import Alive

WATCHDOG = "watchdog"

EACH_SECOND = Terms(every_s=1, silent_s=15)


class Vigil:
    """Asks them each second whether they answer from their inboxes. Owned by the main thread."""

    def __init__(self, system: System, post: Post) -> None:
        self._system = system
        self._roll = RollCall("main", post, lambda _: EACH_SECOND)
        self._has_begun = False

    def look(self) -> str:
        """Ask again; return why nobody watches over the cast any more, '' while somebody does."""
        if not self._system.is_alive(WATCHDOG):
            return "the watchdog is dead"
        living = [address for address in VITAL if self._system.is_alive(address)]
        stuck = self._roll.call(living, clock.machine())
        return "the watchdog does not answer" if WATCHDOG in stuck else ""

    def hear(self, echo: Alive) -> None:
        """Take an answer."""
        self._roll.hear(echo)
        self._has_begun = self._has_begun or None not in self._ages()

    @property
    def is_fed(self) -> bool:
        """Whether the service manager may be told that this process lives."""
        return is_fed(self._ages(), has_begun=self._has_begun)

    def _ages(self) -> list[float | None]:
        return [self._roll.age_s(address) for address in VITAL]
