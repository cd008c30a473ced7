"""Where actors live: each in a thread of its own, or (`pump.py`) in the pump's hands."""

import logging
from functools import partial
from typing import Any, Protocol

import pykka

from actors.post_office import PostOffice

log = logging.getLogger(__name__)

Maker = partial[Any]
"""An actor's class with its arguments: it can be built again."""


class Stage(Protocol):
    """Where actors live."""

    def put(self, addresses: tuple[str, ...], maker: Maker) -> None:
        """Build an actor, bring it to life and let every address mean it."""

    def is_alive(self, address: str) -> bool:
        """Whether an actor of this address lives."""

    def stop(self, address: str, within_s: float) -> bool:
        """Let an actor say its last words; whether it did in time."""


class ThreadStage:
    """Each actor in a thread of its own."""

    def __init__(self, post: PostOffice) -> None:
        self._post = post
        self._refs: dict[str, pykka.ActorRef[Any]] = {}

    def put(self, addresses: tuple[str, ...], maker: Maker) -> None:
        """Start an actor. Any thread."""
        ref = maker.func.start(*maker.args, **maker.keywords)  # type: ignore[attr-defined]  # a class
        for address in addresses:
            self._refs = {**self._refs, address: ref}
            self._post.register(address, ref)

    def is_alive(self, address: str) -> bool:
        """Whether the actor's loop still runs. Any thread."""
        ref = self._refs.get(address)
        return ref is not None and ref.is_alive()

    def stop(self, address: str, within_s: float) -> bool:
        """Stop an actor and wait for its last words, real seconds. Not from an actor's thread."""
        ref = self._refs.get(address)
        if ref is None or not ref.is_alive():
            return True
        try:
            ref.stop(block=True, timeout=within_s)
        except pykka.Timeout:
            log.warning("%s did not stop within %.1f s", address, within_s)
            return False
        return True
