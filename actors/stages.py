"""Where actors live: each in a thread of its own, or (`pump.py`) in the pump's hands."""

import logging
from functools import partial
from typing import Any, Protocol

import pykka

from actors.base import SPARED, Actor
from actors.post_office import PostOffice
from domain.quarantine import Quarantine

log = logging.getLogger(__name__)

Maker = partial[Any]
"""An actor's class with its arguments: it can be built again."""


class Stage(Protocol):
    """Where actors live."""

    def put(self, addresses: tuple[str, ...], maker: Maker) -> None:
        """Build an actor, bring it to life and let every address mean it."""

    def is_alive(self, address: str) -> bool:
        """Whether an actor of this address lives."""

    def abandon(self, address: str) -> None:
        """Give an actor up that lives and does not answer: all its addresses mean nobody."""

    def stuck(self, address: str) -> int:
        """Return how many actors of this address were given up and still hang."""

    def stop(self, address: str, within_s: float) -> bool:
        """Let an actor say its last words; whether it did in time."""


class Abandoned:
    """Actors that were given up, by address, until they end. One thread."""

    def __init__(self) -> None:
        self._actors: dict[str, list[Actor]] = {}

    def add(self, address: str, actor: Actor) -> None:
        """Give an actor up."""
        actor.abandon()
        self._actors.setdefault(address, []).append(actor)

    def count(self, address: str) -> int:
        """Return how many of this address still hang."""
        hanging = [
            each for each in self._actors.get(address, ()) if not each.actor_stopped.is_set()
        ]
        self._actors[address] = hanging
        return len(hanging)


class ThreadStage:
    """Each actor in a thread of its own."""

    def __init__(self, post: PostOffice) -> None:
        self._post = post
        self._actors: dict[str, Actor] = {}
        self._quarantine = Quarantine(*SPARED)
        self._abandoned = Abandoned()

    def put(self, addresses: tuple[str, ...], maker: Maker) -> None:
        """Start an actor. Any thread."""
        actor: Actor = maker()
        actor.quarantine = self._quarantine
        actor.go_live()
        for address in addresses:
            self._actors = {**self._actors, address: actor}
            self._post.register(address, actor.actor_ref)

    def is_alive(self, address: str) -> bool:
        """Whether the actor's loop still runs. Any thread."""
        actor = self._actors.get(address)
        return actor is not None and actor.actor_ref.is_alive()

    def abandon(self, address: str) -> None:
        """Give up an actor whose thread hangs. In the watchdog's thread."""
        actor = self._actors[address]
        self._abandoned.add(address, actor)
        for each in [name for name, other in self._actors.items() if other is actor]:
            self._actors = {name: a for name, a in self._actors.items() if name != each}
            self._post.forget(each)

    def stuck(self, address: str) -> int:
        """Return how many actors of this address hang. In the watchdog's thread."""
        return self._abandoned.count(address)

    def stop(self, address: str, within_s: float) -> bool:
        """Stop an actor and wait for its last words, real seconds. Not from an actor's thread."""
        actor = self._actors.get(address)
        if actor is None or not actor.actor_ref.is_alive():
            return True
        try:
            actor.actor_ref.stop(block=True, timeout=within_s)
        except pykka.Timeout:
            log.warning("%s did not stop within %.1f s", address, within_s)
            return False
        return True
