"""Reading a day's story from its log: which lines it must hold, and in which order."""

import re
from collections.abc import Sequence


def told(log: str, *wanted: str) -> list[str]:
    """Return the first line of each kind, in order; the kinds are regular expressions.

    Each is looked for after the one before it. Raises AssertionError naming the first that is
    missing there, and whether it stands earlier in the log.
    """
    lines = log.splitlines()
    found: list[str] = []
    place = 0
    for kind in wanted:
        here = next((n for n in range(place, len(lines)) if re.search(kind, lines[n])), None)
        if here is None:
            before = [line for line in lines[:place] if re.search(kind, line)]
            after = found[-1] if found else "the beginning"
            raise AssertionError(f"no line like {kind!r} after {after!r}; before: {before[-3:]}")
        found.append(lines[here])
        place = here + 1
    return found


def times(lines: Sequence[str]) -> list[str]:
    """Return the wall times, HH:MM:SS, at which lines were logged."""
    return [line.split()[1].partition(".")[0] for line in lines]


def tags(log: str) -> set[str]:
    """Return every tag the log holds."""
    return set(re.findall(r"^[^\[]*\[([A-Z]+)\]", log, re.MULTILINE))
