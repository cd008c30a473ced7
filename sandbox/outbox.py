"""Frames waiting for one socket. A slow socket is conflated per symbol, never waited for."""

from collections import deque

from domain.units import Symbol

LIMIT = 4096


class Outbox:
    """A queue that, once too long, keeps only the latest price of each symbol.

    Everything that is not a price is kept, in order. `conflated` counts the frames given up.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._frames: deque[tuple[Symbol | None, bytes]] = deque()
        self._full_at = limit
        self.conflated = 0

    def __len__(self) -> int:
        return len(self._frames)

    def put(self, frame: bytes, symbol: Symbol | None = None) -> None:
        """Add a frame; `symbol` says whose price it is."""
        self._frames.append((symbol, frame))
        if len(self._frames) > self._full_at:
            self._conflate()

    def take(self) -> list[bytes]:
        """Return what waits and forget it."""
        frames = [frame for _, frame in self._frames]
        self._frames.clear()
        self._full_at = self._limit
        return frames

    def _conflate(self) -> None:
        seen: set[Symbol] = set()
        kept: deque[tuple[Symbol | None, bytes]] = deque()
        for symbol, frame in reversed(self._frames):
            if symbol is None or symbol not in seen:
                kept.appendleft((symbol, frame))
            if symbol is not None:
                seen.add(symbol)
        self.conflated += len(self._frames) - len(kept)
        self._frames = kept
        # As long as nothing is taken, the next pass comes after as many frames again.
        self._full_at = len(kept) + self._limit
