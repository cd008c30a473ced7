"""Messages that kill: what killed an actor twice is not handed to it a third time."""

from typing import Any

import msgspec

from domain.units import Micros

TWICE = 2

MOST = 100
"""So many messages are remembered at most; an actor that died of more has other troubles."""


class Quarantine:
    """What killed whom, and how often. Outlives the actors.

    Two messages are the same if all but the instant at which they were told is equal: whoever was
    rebuilt is told the same fact anew. `spared` are kinds nobody can live without. Each address is
    asked for by its own thread alone.
    """

    def __init__(self, *spared: type[Any]) -> None:
        self.has_any = False
        self._spared = spared
        self._deaths: dict[tuple[str, object], int] = {}

    def killed(self, address: str, message: object) -> bool:
        """Take that a message killed an actor; return whether it is kept away from now on."""
        if isinstance(message, self._spared):
            return False
        key = (address, _told_at_no_time(message))
        deaths = self._deaths.pop(key, 0) + 1
        self._deaths = {**dict(list(self._deaths.items())[-MOST + 1 :]), key: deaths}
        is_kept = deaths >= TWICE
        self.has_any = self.has_any or is_kept
        return is_kept

    def holds(self, address: str, message: object) -> bool:
        """Whether a message is kept away from an actor."""
        if not self.has_any or isinstance(message, self._spared):
            return False
        return self._deaths.get((address, _told_at_no_time(message)), 0) >= TWICE


def _told_at_no_time(message: object) -> object:
    if isinstance(message, msgspec.Struct) and "at" in message.__struct_fields__:
        return msgspec.structs.replace(message, at=Micros(0))
    return message
