"""Actors that show what happens to them. They wait on nothing but Events the test holds."""

import threading
from dataclasses import dataclass, field
from typing import Any

from actors.base import Actor
from actors.post_office import Post

LONG_S = 20.0
"""Patience with a loaded machine; nothing here takes a hundredth of it."""


@dataclass
class Notes:
    """What an actor lived through. `last_word`: after how many letters it was stopped."""

    heard: list[object] = field(default_factory=list)
    last_word: int | None = None
    thread: int = 0
    inbox: type = object


class Probe(Actor):
    """Notes what it hears. 'die' and 'die twice' kill it, 'wait' holds it until `gate` is set."""

    def __init__(
        self, address: str, post: Post, notes: Notes, *, gate: threading.Event | None = None
    ) -> None:
        super().__init__(address, post)
        self._notes = notes
        self._gate = gate or threading.Event()
        notes.inbox = type(self.actor_inbox)

    def on_receive(self, message: Any) -> None:
        self._notes.thread = threading.get_ident()
        self._notes.heard.append(message)
        if message in {"die", "die twice"}:
            raise ValueError(message)
        if message == "wait":
            assert self._gate.wait(LONG_S)

    def on_failure(self, *why: Any) -> None:
        super().on_failure(*why)
        if self._notes.heard[-1] == "die twice":
            raise ValueError

    def on_stop(self) -> None:
        self._notes.last_word = len(self._notes.heard)


class Box:
    """A listener that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def tell(self, message: Any) -> None:
        self.told.append(message)
