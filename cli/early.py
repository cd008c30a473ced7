"""Signals that come before anybody acts on them, as while a start waits for its journal."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from domain import clock
from domain.levers import Lever
from domain.switch import Taps


@dataclass(slots=True)
class Early:
    """Keeps SIGUSR1 for the agent that is being started; SIGUSR2 has nothing to show. Main thread.

    Unheard, either of them would end the process.
    """

    _taps: Taps = field(default_factory=Taps)
    _levers: set[Lever] = field(default_factory=set)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Hear them wherever no agent and no night does."""
        before = (
            (signal.SIGUSR1, signal.signal(signal.SIGUSR1, self._tap)),
            (signal.SIGUSR2, signal.signal(signal.SIGUSR2, signal.SIG_IGN)),
        )
        try:
            yield
        finally:
            for number, handler in before:
                signal.signal(number, handler)

    def hand_on(self) -> None:
        """Give what was asked for to the agent, which hears signals by now: twice is FLATTEN."""
        taps = 2 if Lever.FLATTEN in self._levers else len(self._levers)
        self._levers.clear()
        for _ in range(taps):
            signal.raise_signal(signal.SIGUSR1)

    def _tap(self, number: int, frame: Any) -> None:
        del number, frame
        self._levers.add(self._taps.tap(clock.machine()))
