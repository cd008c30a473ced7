"""How far a load is, told while it moves, when it is done, and when it does not get done.

A symbol whose bars have not reached the present gives no signals. That is usual for a minute or so
after any gap; once history was asked again as often as it is, the state has a name: WARMING.
"""

from dataclasses import dataclass

from domain.history import LATER
from domain.params import HistoryParams
from domain.session import show
from domain.units import Micros, seconds

EVERY = seconds(5)


@dataclass(frozen=True, slots=True)
class Load:
    """How many of the symbols have every bar they should have; before `settled` all of them do."""

    done: int
    total: int
    settled: Micros

    @property
    def is_complete(self) -> bool:
        """Whether nothing is waited for."""
        return self.done == self.total


@dataclass(frozen=True, slots=True)
class Said:
    """One line of the story; a warning while symbols are WARMING."""

    text: str
    is_warming: bool = False


class Progress:
    """Says when there is something to say of a load, and what. Mutable, owned by StrategyActor."""

    def __init__(self, params: HistoryParams) -> None:
        self._patience = seconds(params.settle_s + params.retries * params.retry_s)
        self._is_first = True
        self._is_warming = False
        self._since: Micros | None = None
        self._next = Micros(0)
        self._told = -1

    def is_due(self, at: Micros) -> bool:
        """Whether to look at all: each time while something is waited for, now and then else."""
        return self._is_first or self._since is not None or at >= self._next

    def line(self, load: Load, at: Micros) -> Said | None:
        """Return what is due at market time `at`."""
        if load.is_complete:
            return self._complete(load, at)
        if self._since is None:
            self._since = self._next = at
        if at < self._next:
            return None
        if at - self._since >= self._patience:
            return self._warming(load, at)
        return self._moving(load, at)

    def _complete(self, load: Load, at: Micros) -> Said | None:
        is_news = self._is_first or self._is_warming
        self._is_first = self._is_warming = False
        self._since, self._next = None, Micros(at + EVERY)
        return Said(f"history complete symbols={load.total}") if is_news else None

    def _warming(self, load: Load, at: Micros) -> Said:
        self._is_warming = True
        self._next = Micros(at + LATER)
        waiting = f"{load.total - load.done} of {load.total} symbols wait for history"
        return Said(f"WARMING: {waiting} from {show(load.settled)} on, no signals", is_warming=True)

    def _moving(self, load: Load, at: Micros) -> Said | None:
        if not self._is_first or load.done == self._told:
            return None
        self._told = load.done
        self._next = Micros(at + EVERY)
        return Said(f"history {load.done}/{load.total} symbols loaded")
