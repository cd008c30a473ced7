"""What the page needs to have a lever pulled: somebody who knows how, and what comes of it."""

from enum import IntEnum
from typing import Protocol

import msgspec

from domain.levers import Lever

LEVERS: dict[str, tuple[Lever, str]] = {
    "freeze": (Lever.FREEZE, ""),
    "flatten": (Lever.FLATTEN, ""),
    "halt": (Lever.HALT, ""),
    "resume": (Lever.CLEAR, "FREEZE"),
    "clear": (Lever.CLEAR, ""),
    "ack-foreign": (Lever.ACK_FOREIGN, ""),
}
"""By the last part of the path: the lever, and the latch it is about."""


class Outcome(IntEnum):
    """What came of a lever, as an HTTP status."""

    DONE = 200
    SIGNALLED = 202
    WRONG = 400
    REFUSED = 409
    BUSY = 429
    IMPOSSIBLE = 500
    GONE = 503
    UNANSWERED = 504


class Pulled(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it, in words; the mode and the latches of the agent afterwards, if it said."""

    outcome: Outcome
    text: str
    mode: str = ""
    latches: tuple[str, ...] = ()


class Levers(Protocol):
    """Whoever passes a lever on to the agent."""

    def pull(self, lever: Lever, latch: str) -> Pulled:
        """Pull it and wait for what comes of it, some seconds at most. In a thread that may wait.

        `latch` is the one to clear. Never raises what a caller or a disk can cause.
        """
