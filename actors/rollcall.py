"""Asks actors whether they answer from their inboxes, and says who does not. In one thread."""

from collections.abc import Callable, Iterable

from actors.post_office import Post
from domain.liveness import Liveness, Terms, terms_of
from domain.units import Micros
from messages.control import Alive, SayAlive


class RollCall:
    """Calls the living one by one; who alone hears the answers is `who`. Mutable."""

    def __init__(self, who: str, post: Post, terms: Callable[[str], Terms] = terms_of) -> None:
        self._who = who
        self._post = post
        self._liveness = Liveness(terms)

    def call(self, living: Iterable[str], machine: Micros) -> tuple[str, ...]:
        """Ask whom it is time to ask; return who has not answered for too long."""
        for address in self._liveness.look(living, machine):
            asked = SayAlive(who=self._who, asked=self._liveness.asking)
            self._post.tell(address, asked)
        return self._liveness.stuck()

    def hear(self, echo: Alive) -> None:
        """Take an answer."""
        self._liveness.hear(echo.address, echo.asked)

    def forget(self, address: str) -> None:
        """Expect nothing more of an actor that is gone."""
        self._liveness.forget(address)

    def age_s(self, address: str) -> float | None:
        """Return how many seconds ago an actor proved that it answers; None before it did."""
        return self._liveness.age_s(address)
