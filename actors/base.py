"""What every actor shares: an address, the post, and a last word when it dies."""

import logging
import queue
from types import TracebackType
from typing import Any

import pykka

from actors.post_office import Post
from domain import clock
from messages.control import ActorDied

log = logging.getLogger(__name__)


class Actor(pykka.ThreadingActor):
    """A shell with an address. A handler that does not understand its situation lets it die."""

    use_daemon_thread = True

    @staticmethod
    def _create_actor_inbox() -> "queue.SimpleQueue[Any]":
        """Use the queue written in C: it costs a tenth, and wakes a sleeping actor sooner."""
        return queue.SimpleQueue()

    def __init__(self, address: str, post: Post) -> None:
        super().__init__()
        self.address = address
        self.post = post

    def on_failure(
        self,
        exception_type: type[BaseException] | None,
        exception_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Leave what is needed behind and tell the watchdog. In the actor's thread."""
        del exception_type, traceback
        log.error("%s died error=%r", self.address, exception_value)
        try:
            self.leave_behind()
        finally:
            died = ActorDied(at=clock.now(), address=self.address, error=repr(exception_value))
            self.post.tell("watchdog", died)

    def leave_behind(self) -> None:
        """Let go of files and leave what the next of this address needs. In a dying actor."""

    def on_receive(self, message: Any) -> None:
        """Handle one message. In the actor's thread."""
        raise NotImplementedError
