"""What every actor shares: an address, the post, an echo, and a last word when it dies.

An actor may be abandoned while its thread hangs: another one takes its address then. From that
moment nothing it tells reaches anybody, and its thread ends as soon as it wakes.
"""

import logging
import queue
import threading
from contextlib import suppress
from types import TracebackType
from typing import Any

import pykka

from actors.post_office import Post
from domain import clock
from domain.quarantine import Quarantine
from messages.control import ActorDied, Alive, Begin, Pulse, SayAlive

log = logging.getLogger(__name__)

SPARED = (Begin, Pulse)
"""Messages that are never kept away from an actor: without them it is none."""


class Outbox:
    """One actor's way to the post. Once it is shut, what goes there is lost. Any thread."""

    __slots__ = ("_post", "is_shut")

    def __init__(self, post: Post) -> None:
        self._post = post
        self.is_shut = False

    def tell(self, address: str, message: object) -> None:
        """Put a message into the inbox of `address`."""
        if not self.is_shut:
            self._post.tell(address, message)

    def tell_all(self, prefix: str, message: object) -> None:
        """Tell everybody with an address that starts with `prefix`, once each."""
        if not self.is_shut:
            self._post.tell_all(prefix, message)


class Actor(pykka.ThreadingActor):
    """A shell with an address. A handler that does not understand its situation lets it die.

    Whoever helps an actor is handed its own `post`, never the one it was built with: only what goes
    through its outbox ends with it. `quarantine` is the stage's, shared by all of its actors.
    """

    use_daemon_thread = True

    @staticmethod
    def _create_actor_inbox() -> "queue.SimpleQueue[Any]":
        """Use the queue written in C: it costs a tenth, and wakes a sleeping actor sooner."""
        return queue.SimpleQueue()

    def __init__(self, address: str, post: Post) -> None:
        super().__init__()
        self.address = address
        self.quarantine = Quarantine(*SPARED)
        self._outbox = Outbox(post)
        self.post: Post = self._outbox
        self._under_way: object = None

    def go_live(self) -> None:
        """Start the loop of an actor that was built, as Pykka's `start` does. Any thread."""
        pykka.ActorRegistry.register(self.actor_ref)
        self._start_actor_loop()

    def abandon(self) -> None:
        """Shut its outbox, and let the thread end when it wakes. Any thread but its own."""
        self._outbox.is_shut = True
        with suppress(pykka.ActorDeadError):
            self.actor_ref.tell(None)

    def on_start(self) -> None:
        """Name the thread, for whoever looks at stacks. In the actor's thread."""
        threading.current_thread().name = f"actor-{self.address}"

    def on_failure(
        self,
        exception_type: type[BaseException] | None,
        exception_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Leave what is needed behind and tell the watchdog. In the actor's thread."""
        del exception_type, traceback
        if self._outbox.is_shut:
            self.put_away()
            return
        log.error("%s died error=%r", self.address, exception_value)
        poison = ""
        try:
            if self.quarantine.killed(self.address, self._under_way):
                poison = type(self._under_way).__name__
            self.leave_behind()
        finally:
            error = repr(exception_value)
            died = ActorDied(at=clock.now(), address=self.address, error=error, poison=poison)
            self.post.tell("watchdog", died)

    def leave_behind(self) -> None:
        """Let go of files and leave what the next of this address needs. In a dying actor."""

    def put_away(self) -> None:
        """Let go of files; the next of this address lives already. In an abandoned actor."""

    def on_receive(self, message: Any) -> None:
        """Handle one message. In the actor's thread."""
        raise NotImplementedError

    def _handle_receive(self, message: Any) -> Any:
        """Echo, leave out what kills, hand on the rest. Pykka's loop and the pump call it."""
        if self._outbox.is_shut:
            self._go()
        elif isinstance(message, SayAlive):
            echo = Alive(address=self.address, asked=message.asked)
            self.post.tell(message.who, echo)
        elif self.quarantine.has_any and self.quarantine.holds(self.address, message):
            log.debug("%s is not handed %s", self.address, type(message).__name__)
        else:
            self._under_way = message
            super()._handle_receive(message)

    def _go(self) -> None:
        log.warning("%s woke after another one took its place; its thread ends", self.address)
        pykka.ActorRegistry.unregister(self.actor_ref)
        self.actor_stopped.set()
        self.put_away()
