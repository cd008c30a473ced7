"""What a human can do to a running agent."""

from enum import StrEnum


class Lever(StrEnum):
    """The levers of `execution.md` 10.3. RESUME is CLEAR of the latch FREEZE."""

    FREEZE = "freeze"
    FLATTEN = "flatten"
    HALT = "halt"
    CLEAR = "clear"
    ACK_FOREIGN = "ack-foreign"
    RECONCILE = "reconcile"
