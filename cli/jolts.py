"""Jumps of the clock as the main loop sees them, told before anybody hears the time after them."""

from actors.post_office import Post
from domain import clock
from domain.jumps import Clockwork
from messages.control import ClockJumped

TOLD = ("feed", "watchdog", "order")
"""The first two judge how old prices are, the last enters by its picture of the broker."""


class Jolts:
    """Looks at the clocks in every round of the loop. Mutable, owned by the main thread."""

    def __init__(self, post: Post) -> None:
        self._post = post
        self._clockwork = Clockwork()

    def look(self) -> None:
        """Tell of a jump since the last look, if there was one."""
        jump = self._clockwork.look(clock.wall(), clock.steady(), clock.now())
        if jump is None:
            return
        jumped = ClockJumped(at=clock.now(), since=jump.since, reason=jump.reason)
        for address in TOLD:
            self._post.tell(address, jumped)
