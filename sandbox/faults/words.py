"""How the values of a script are read. Each reader returns the value, or raises NotAllowed."""

import re
from collections.abc import Callable, Collection
from typing import Any

from domain.session import instant
from domain.units import Day, Micros
from sandbox.faults import universe

WALL = 'a time in quotes, "HH:MM" or "HH:MM:SS"'
COUNTS = "a list of whole numbers from 1 up"
CHOICES = (
    "a list of symbols or of spot, future, options, calls, puts, atm_ce, atm_pe, atm_ce+2, "
    "atm_pe-1, subscribed:3, traded, ours"
)
_WALL = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?")

Read = Callable[[object, Day], Any]


class NotAllowed(Exception):
    """A value cannot be used; `allowed` says what could, `value` what of it was wrong."""

    def __init__(self, allowed: str, value: object = None) -> None:
        super().__init__(allowed)
        self.allowed = allowed
        self.value = value


def truth(value: object, day: Day) -> bool:
    """Read true or false."""
    del day
    if not isinstance(value, bool):
        raise NotAllowed("true or false")
    return value


def whole(least: int, most: int) -> Read:
    """Return a reader of whole numbers."""

    def read(value: object, day: Day) -> int:
        del day
        if not is_whole(value, least) or int(str(value)) > most:
            raise NotAllowed(f"a whole number from {least} to {most}")
        return int(str(value))

    return read


def number(least: float, most: float) -> Read:
    """Return a reader of numbers, NaN excluded."""

    def read(value: object, day: Day) -> float:
        del day
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise NotAllowed(f"a number from {least:g} to {most:g}")
        if not least <= value <= most:
            raise NotAllowed(f"a number from {least:g} to {most:g}")
        return float(value)

    return read


def one_of(*allowed: object) -> Read:
    """Return a reader of a closed set."""

    def read(value: object, day: Day) -> object:
        del day
        if isinstance(value, bool) or value not in allowed:
            raise NotAllowed(", ".join(map(str, allowed)))
        return value

    return read


def several_of(*allowed: str) -> Read:
    """Return a reader of a list of words."""

    def read(value: object, day: Day) -> frozenset[str]:
        del day
        if not isinstance(value, list) or not value or not all(each in allowed for each in value):
            raise NotAllowed(f"a list of {', '.join(allowed)}")
        return frozenset(value)

    return read


def counts(value: object, day: Day) -> frozenset[int]:
    """Read a list of numbers from 1 up."""
    del day
    if not isinstance(value, list) or not value or not all(map(is_whole, value)):
        raise NotAllowed(COUNTS)
    return frozenset(value)


def wall(value: object, day: Day) -> Micros:
    """Read a time of the day."""
    if not isinstance(value, str) or not _WALL.fullmatch(value):
        raise NotAllowed(WALL, value)
    return instant(day, value)


def window(value: object, day: Day) -> tuple[Micros, Micros]:
    """Read two times, the second after the first."""
    if not isinstance(value, list) or len(value) != 2:
        raise NotAllowed('two times such as ["11:00", "11:04"]')
    begin, end = (wall(each, day) for each in value)
    if begin >= end:
        raise NotAllowed("a window that ends after it begins")
    return begin, end


def median_and_sigma(value: object, day: Day) -> tuple[float, float]:
    """Read a lognormal: its median in seconds and the sigma of its logarithm."""
    text = "median in seconds from 0.001 to 130 and sigma from 0 to 3, such as [2, 0.9]"
    if not isinstance(value, list) or len(value) != 2:
        raise NotAllowed(text)
    try:
        return number(0.001, 130)(value[0], day), number(0, 3)(value[1], day)
    except NotAllowed:
        raise NotAllowed(text) from None


def symbols(value: object, day: Day) -> tuple[str, ...]:
    """Read a choice of symbols, in the words of `universe.py`."""
    del day
    if not isinstance(value, list) or not value:
        raise NotAllowed(CHOICES)
    for each in value:
        if not universe.is_word(each):
            raise NotAllowed(CHOICES, each)
    return tuple(value)


def one_symbol(value: object, day: Day) -> str:
    """Read one word that chooses symbols."""
    return symbols([value], day)[0]


def is_whole(value: object, least: int = 1) -> bool:
    """Whether a value is a whole number from `least` up."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def listed(words: Collection[str]) -> str:
    """Return words as a problem names them."""
    return ", ".join(words)
