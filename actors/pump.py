"""The pump: the same actors, built and not started, served one message at a time in one thread.

Messages wait in the actors' real inboxes. Which inbox is served next is either the order in which
the messages were told (a whole day at full speed, the same every time) or drawn from a given random
stream (simulation). Within one inbox the order is kept, as Pykka promises.
"""

import random
import sys
from collections import Counter, deque
from typing import Any

import pykka

from actors.base import SPARED, Actor
from actors.post_office import Listener
from actors.stages import Abandoned, Maker
from domain.quarantine import Quarantine


class Pump:
    """Post office and stage in one: it delivers, and it makes dead actors dead as Pykka would."""

    def __init__(self, draw: random.Random | None = None) -> None:
        self._actors: dict[str, Actor] = {}
        self._listeners: dict[str, Listener] = {}
        self._due: deque[str] = deque()
        self._draw = draw
        self.dead_letters: Counter[str] = Counter()
        self.handled = 0

    def register(self, address: str, box: Actor | Listener) -> None:
        """Let `address` mean `box` from now on. An actor's address stays an actor's."""
        if isinstance(box, Actor):
            self._actors[address] = box
        else:
            self._listeners[address] = box

    def is_alive(self, address: str) -> bool:
        """Whether an actor is there and did not die."""
        actor = self._actors.get(address)
        return actor is not None and not actor.actor_stopped.is_set()

    def take_off(self, address: str) -> Actor:
        """Let every address of an actor mean nobody, and return it."""
        actor = self._actors[address]
        self._actors = {name: each for name, each in self._actors.items() if each is not actor}
        return actor

    def tell(self, address: str, message: object) -> None:
        """Put a message into an inbox; a dead or unknown address is counted."""
        actor = self._actors.get(address)
        if actor is not None:
            self._put(address, actor, message)
        elif address in self._listeners:
            self._listeners[address].tell(message)
        else:
            self.dead_letters[address] += 1

    def tell_all(self, prefix: str, message: object) -> None:
        """Tell everybody with an address that starts with `prefix`, once each, oldest first."""
        told: set[int] = set()
        for address, box in (*self._actors.items(), *self._listeners.items()):
            if address.startswith(prefix) and id(box) not in told:
                told.add(id(box))
                self.tell(address, message)

    def run(self) -> None:
        """Serve until every inbox is empty."""
        while self._due:
            self._serve(self._next())

    def stop(self, address: str) -> None:
        """Stop an actor as Pykka does: its last words first, its queue dropped."""
        actor = self._actors.get(address)
        if actor is not None and not actor.actor_stopped.is_set():
            actor._stop()  # noqa: SLF001 - what Pykka's own loop calls

    def _put(self, address: str, actor: Actor, message: object) -> None:
        try:
            actor.actor_ref.tell(message)
        except pykka.ActorDeadError:
            self.dead_letters[address] += 1
            return
        self._due.append(address)

    def _next(self) -> str:
        if self._draw is not None and len(self._due) > 1:
            self._due.rotate(-self._draw.randrange(len(self._due)))
        return self._due.popleft()

    def _serve(self, address: str) -> None:
        actor = self._actors.get(address)
        if actor is None or actor.actor_inbox.empty():
            return
        envelope: Any = actor.actor_inbox.get()
        if actor.actor_stopped.is_set():
            return
        self.handled += 1
        try:
            actor._handle_receive(envelope.message)  # noqa: SLF001 - pinned by a contract test
        except Exception:  # noqa: BLE001 - what Pykka's own loop does with a raising actor
            actor._handle_failure(*sys.exc_info())  # noqa: SLF001
            try:
                actor.on_failure(*sys.exc_info())
            except Exception:  # noqa: BLE001 - as above
                actor._handle_failure(*sys.exc_info())  # noqa: SLF001


class PumpStage:
    """Actors built and not started, in the pump's hands."""

    def __init__(self, pump: Pump) -> None:
        self._pump = pump
        self._quarantine = Quarantine(*SPARED)
        self._abandoned = Abandoned()

    def put(self, addresses: tuple[str, ...], maker: Maker) -> None:
        """Build an actor."""
        actor = maker()
        actor.quarantine = self._quarantine
        for address in addresses:
            self._pump.register(address, actor)

    def is_alive(self, address: str) -> bool:
        """Whether an actor is there and did not die."""
        return self._pump.is_alive(address)

    def abandon(self, address: str) -> None:
        """Give up an actor that is not served."""
        self._abandoned.add(address, self._pump.take_off(address))

    def stuck(self, address: str) -> int:
        """Return how many actors of this address were given up and not served since."""
        return self._abandoned.count(address)

    def stop(self, address: str, within_s: float) -> bool:
        """Stop an actor at once, and let its last words be heard."""
        del within_s
        self._pump.stop(address)
        self._pump.run()
        return True
