"""Listening in on what bars are told."""

from collections.abc import Callable, Sequence

from actors.post_office import Post
from domain.market import Tick
from messages.market import TicksSeen

Take = Callable[[Sequence[Tick]], None]
"""Takes ticks, in the feed's thread; must not block."""


class Ear:
    """Takes what is told to bars; what is no tick is let go. In the feed's thread."""

    def __init__(self, take: Take) -> None:
        self._take = take

    def tell(self, message: object) -> None:
        """Take the ticks of a message."""
        if isinstance(message, TicksSeen):
            self._take(message.ticks)


class Tapped:
    """A post that also hands on the ticks that bars are told. Any thread."""

    def __init__(self, post: Post, take: Take) -> None:
        self._post = post
        self._ear = Ear(take)

    def tell(self, address: str, message: object) -> None:
        """Put a message into the inbox of `address`."""
        self._ear.tell(message)
        self._post.tell(address, message)

    def tell_all(self, prefix: str, message: object) -> None:
        """Tell everybody with an address that starts with `prefix`, once each."""
        self._post.tell_all(prefix, message)
