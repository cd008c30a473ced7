"""Addresses instead of references: an actor can die and come back without anybody noticing.

Pykka raises in the *sender* when a reference is dead and drops what was queued. Here a tell to a
dead or unknown address is counted and lost, which every receiver is built to survive.
"""

import queue
import threading
from collections import Counter
from typing import Any, Protocol, cast

import pykka


class Post(Protocol):
    """How an actor reaches the others. Any thread."""

    def tell(self, address: str, message: object) -> None:
        """Put a message into the inbox of `address`; never blocks, never raises."""

    def tell_all(self, prefix: str, message: object) -> None:
        """Tell everybody with an address that starts with `prefix`, once each."""


class Listener(Protocol):
    """Anything that takes messages without being an actor, such as run.py's main loop."""

    def tell(self, message: Any) -> None:
        """Take a message; must not block."""


class PostOffice:
    """The post of the threaded system: a table of addresses and a count of dead letters."""

    def __init__(self) -> None:
        self._boxes: dict[str, pykka.ActorRef[Any] | Listener] = {}
        self._lock = threading.Lock()
        self.dead_letters: Counter[str] = Counter()

    def register(self, address: str, box: "pykka.ActorRef[Any] | Listener") -> None:
        """Let `address` mean `box` from now on; the previous meaning is forgotten."""
        with self._lock:
            self._boxes = {**self._boxes, address: box}

    def forget(self, address: str) -> None:
        """Remove an address."""
        with self._lock:
            self._boxes = {a: b for a, b in self._boxes.items() if a != address}

    def tell(self, address: str, message: object) -> None:
        """Put a message into the inbox of `address`; a dead or unknown one is counted."""
        box = self._boxes.get(address)
        if box is None:
            self.dead_letters[address] += 1
            return
        try:
            box.tell(message)
        except pykka.ActorDeadError:
            self.dead_letters[address] += 1

    def waiting(self, address: str) -> int:
        """Return how many messages an actor has not looked at yet; 0 for everybody else."""
        box = self._boxes.get(address)
        if not isinstance(box, pykka.ActorRef):
            return 0
        return _depth(box)

    def depths(self) -> dict[str, int]:
        """Return what each actor has not looked at yet; addresses with a colon count together."""
        found: Counter[str] = Counter()
        boxes = {id(box): (address, box) for address, box in self._boxes.items()}
        for address, box in boxes.values():
            if isinstance(box, pykka.ActorRef):
                found[address.partition(":")[0]] += _depth(box)
        return dict(found)

    def tell_all(self, prefix: str, message: object) -> None:
        """Tell everybody with an address that starts with `prefix`, once each, oldest first."""
        told: set[int] = set()
        for address, box in self._boxes.items():
            if address.startswith(prefix) and id(box) not in told:
                told.add(id(box))
                self.tell(address, message)


def _depth(box: "pykka.ActorRef[Any]") -> int:
    inbox: queue.SimpleQueue[Any] = cast("Any", box.actor_inbox)
    return inbox.qsize()
