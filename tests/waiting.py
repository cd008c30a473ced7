"""Patience: the one file of the project that may sleep."""

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")
PAUSE_S = 0.01


def until(condition: Callable[[], Found], within_s: float) -> Found:
    """Ask `condition` every 10 ms until it answers something true, and return that.

    Pauses are counted instead of reading a clock, so a frozen one does not make this wait for
    ever, and a slow machine gets more time, never less. What raises in `condition` comes through.
    """
    for _ in range(round(within_s / PAUSE_S)):
        if found := condition():
            return found
        time.sleep(PAUSE_S)
    found = condition()
    assert found, f"still not so after {within_s} s: {condition}"
    return found
