"""A question whose answer may never come: whoever carries it may die with it."""

from domain.units import Micros


class Asking:
    """One question at a time. An answer overdue is waited for no longer, nor taken when it comes.

    One asked at an instant the clock was set back from is overdue. Instants are market time: the
    time-outs of the lanes shrink when the sandbox makes it faster.
    """

    def __init__(self, within: Micros) -> None:
        self._within = within
        self._number = 0
        self._asked_at: Micros | None = None

    def is_out(self, at: Micros) -> bool:
        """Whether an answer is still waited for."""
        if self._asked_at is not None and not 0 <= at - self._asked_at < self._within:
            self._asked_at = None
        return self._asked_at is not None

    def begin(self, at: Micros) -> int:
        """Note that a question goes out; return its number, which the answer has to name."""
        self._asked_at = at
        self._number += 1
        return self._number

    def is_answer(self, number: int) -> bool:
        """Return whether this is the answer that is waited for, and wait no longer."""
        if self._asked_at is None or number != self._number:
            return False
        self._asked_at = None
        return True
