"""Whether the exchange time on a tick may choose its minute.

Wire times are milliseconds, seconds or strings by plug-in, and OpenAlgo fills in its own clock
where a broker sent none. So a stamp is believed only after its source has been right for a while,
and it is never evidence of freshness.
"""

from dataclasses import dataclass, field
from typing import Literal

from domain.market import Source, Tick
from domain.units import SECOND, Micros, Symbol

PROOF_TICKS = 20
AHEAD = Micros(2 * SECOND)
BEHIND = Micros(5 * SECOND)


@dataclass(slots=True)
class _Record:
    """What one source showed in one epoch."""

    epoch: int
    proofs: int = 0
    newest: dict[Symbol, Micros] = field(default_factory=dict)


class ExchangeTime:
    """Judge stamps per source and epoch. Mutable, owned by FeedActor."""

    def __init__(self, policy: Literal["auto", "trust", "ignore"]) -> None:
        self._policy = policy
        self._records: dict[Source, _Record] = {}

    def of(self, tick: Tick) -> Micros | None:
        """Return the exchange time if it is trusted, else None.

        Trust, once earned, lasts the epoch: the burst after a freeze carries old stamps, and they
        are right. One from the future never is, and would close minutes that have not been.
        """
        stamp = tick.exch_at
        if stamp is None or self._policy == "ignore":
            return None
        is_ahead = stamp > tick.recv_at + AHEAD
        return stamp if self._is_trusted(tick, stamp) and not is_ahead else None

    def _is_trusted(self, tick: Tick, stamp: Micros) -> bool:
        if self._policy == "trust":
            return True
        record = self._records.get(tick.source)
        if record is None or record.epoch != tick.epoch:
            record = self._records[tick.source] = _Record(tick.epoch)
        if record.proofs >= PROOF_TICKS:
            return True
        self._judge(record, tick, stamp)
        return False

    def _judge(self, record: _Record, tick: Tick, stamp: Micros) -> None:
        is_near = -AHEAD <= tick.recv_at - stamp <= BEHIND
        is_forward = stamp >= record.newest.get(tick.symbol, stamp)
        record.proofs = record.proofs + 1 if is_near and is_forward else 0
        record.newest[tick.symbol] = stamp
