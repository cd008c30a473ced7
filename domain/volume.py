"""From the day's cumulative volume to what each tick added: one baseline per symbol, all sources.

The wire sends the day's quantity so far. The highest value accepted today is the baseline, shared
by every source, so that a switch neither loses nor doubles a trade. Increments are never negative
and never the whole cumulative by mistake.

What is told before the open may still be the day before's. An option has no pre-open session, so it
is not this day's volume; a future's auction is, and belongs to no minute. The first value told in
the session decides which it was.
"""

from collections import Counter, deque
from dataclasses import dataclass, field
from enum import StrEnum

from msgspec.structs import replace

from domain.market import Source, Tick
from domain.units import MINUTE, Micros, Symbol, Units

REBASE_AGE = Micros(2 * MINUTE)


class Refusal(StrEnum):
    """Why a tick was not taken."""

    PRICE = "price not positive"
    VOLUME = "negative volume"
    SYMBOL = "unknown symbol"
    EPOCH = "superseded epoch"


@dataclass(slots=True)
class _Account:
    """One symbol's baseline, when it got its values, and how many ticks in a row lie far below."""

    baseline: int
    moves: deque[tuple[Micros, int]] = field(default_factory=deque)
    low_streak: int = 0

    def move(self, at: Micros, cum: int) -> None:
        self.baseline = cum
        self.low_streak = 0
        self.moves.append((at, cum))
        self._forget(at)

    def lies_far_below(self, at: Micros, cum: int) -> bool:
        """Whether `cum` is under what the baseline was two minutes ago."""
        self._forget(at)
        then, value = self.moves[0]
        return then <= at - REBASE_AGE and cum < value

    def _forget(self, at: Micros) -> None:
        while len(self.moves) > 1 and self.moves[1][0] <= at - REBASE_AGE:
            self.moves.popleft()


class VolumeLedger:
    """Vet ticks and difference their volumes. Mutable, owned by FeedActor, one per day."""

    def __init__(self, opens_at: Micros, rebase_ticks: int) -> None:
        self.refused: Counter[Refusal] = Counter()
        self.rebased: Counter[Symbol] = Counter()
        self._opens_at = opens_at
        self._rebase_ticks = rebase_ticks
        self._followed: dict[Symbol, Micros] = {}
        self._sources: dict[Source, tuple[int, Micros]] = {}
        self._accounts: dict[Symbol, _Account] = {}
        self._early: dict[Symbol, int] = {}
        self._mute: set[Symbol] = set()

    def follow(self, symbol: Symbol, at: Micros) -> None:
        """Take ticks of `symbol` from now on; following it again changes nothing."""
        self._followed.setdefault(symbol, at)

    def connected(self, source: Source, epoch: int, at: Micros) -> None:
        """Take only ticks of this epoch from `source`; its earlier ones are superseded."""
        self._sources[source] = (epoch, at)

    def admits(self, tick: Tick) -> bool:
        """Return whether a tick may be looked at at all; a refusal is counted by its reason."""
        refusal = self._refusal(tick)
        if refusal is not None:
            self.refused[refusal] += 1
        return refusal is None

    def accept(self, tick: Tick) -> Tick | None:
        """Return the tick with `volume` and `gap` filled in, or None if it is refused.

        Only ticks of the authoritative source belong here: they move the baseline. An index has no
        volume, so its `cum_volume` is taken away and nothing is missing. So is a value of the day
        before, and its minute is a gap: its price is not of this day either.
        """
        if not self.admits(tick):
            return None
        if tick.exchange.endswith("_INDEX"):
            return replace(tick, cum_volume=None, volume=Units(0), gap=False)
        if tick.cum_volume is None:
            self._mute.add(tick.symbol)
            return replace(tick, volume=Units(0), gap=True)
        return self._counted(tick, tick.cum_volume)

    def _counted(self, tick: Tick, cum: int) -> Tick:
        if tick.recv_at < self._opens_at:
            self._early[tick.symbol] = cum
            self._mute.discard(tick.symbol)
            return replace(tick, volume=Units(0), gap=False)
        if cum == self._early.get(tick.symbol, 0) > 0:
            return replace(tick, cum_volume=None, volume=Units(0), gap=True)
        volume, gap = self._increment(tick, cum)
        if tick.symbol in self._mute:
            # It was traded at any time since prices came without it.
            self._mute.discard(tick.symbol)
            gap = True
        return replace(tick, volume=Units(volume), gap=gap)

    def _refusal(self, tick: Tick) -> Refusal | None:
        if tick.symbol not in self._followed:
            return Refusal.SYMBOL
        if self._sources.get(tick.source, (None, 0))[0] != tick.epoch:
            return Refusal.EPOCH
        if tick.ltp <= 0:
            return Refusal.PRICE
        if tick.cum_volume is not None and tick.cum_volume < 0:
            return Refusal.VOLUME
        return None

    def _increment(self, tick: Tick, cum: int) -> tuple[int, bool]:
        account = self._accounts.get(tick.symbol)
        if account is None:
            return self._open(tick, cum, self._early.pop(tick.symbol, None))
        if cum >= account.baseline:
            added = cum - account.baseline
            account.low_streak = 0
            if added:
                account.move(tick.recv_at, cum)
            return added, False
        return 0, self._is_rebased(account, tick, cum)

    def _open(self, tick: Tick, cum: int, early: int | None) -> tuple[int, bool]:
        """Start an account: all of the day's volume is ours only if we listened before the open.

        `early` is what was told before the open. More than that may count on from it or not.
        """
        account = _Account(cum)
        account.move(tick.recv_at, cum)
        self._accounts[tick.symbol] = account
        if early is not None and cum >= early:
            return cum - early, early > 0
        _, connected_at = self._sources[tick.source]
        since = max(connected_at, self._followed[tick.symbol])
        is_whole = since < self._opens_at and tick.symbol not in self._mute
        return (cum, False) if is_whole else (0, True)

    def _is_rebased(self, account: _Account, tick: Tick, cum: int) -> bool:
        """Count values far below; enough of them in a row are a counter that was reset."""
        if not account.lies_far_below(tick.recv_at, cum):
            account.low_streak = 0
            return False
        account.low_streak += 1
        if account.low_streak < self._rebase_ticks:
            return False
        account.moves.clear()
        account.move(tick.recv_at, cum)
        self.rebased[tick.symbol] += 1
        return True
