"""What comes in from all sources: vetted, counted, and the authoritative part made fit for bars."""

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from domain.canaries import Beat, Canaries
from domain.contracts import Chain
from domain.exchange_time import ExchangeTime
from domain.market import Pair, Quote, Source, Tick
from domain.params import FeedParams
from domain.session import DayPlan
from domain.sightings import Sightings
from domain.units import Micros, Paise, Symbol, seconds
from domain.volume import VolumeLedger

Batches = dict[Symbol, list[Tick]]


class Intake:
    """One day's ticks on their way in. Mutable, owned by FeedActor.

    Every source feeds health; only the authoritative one feeds bars and moves the volume baseline.
    """

    def __init__(self, plan: DayPlan, index: Pair, params: FeedParams, at: Micros) -> None:
        self.ledger = VolumeLedger(plan.open, params.rebase_ticks)
        self.canaries = Canaries(plan, index[0])
        self.sightings = Sightings()
        self.beats = {source: Beat() for source in Source}
        self.ticks = 0
        self.last_tick_at: Micros | None = None
        self.spot: Paise | None = None
        self._index = index
        self._params = params
        self._times = ExchangeTime(params.exchange_time)
        self._polled = 0
        self.ledger.follow(index[0], at)

    def choose(self, chain: Chain, limits: Mapping[Symbol, Micros], at: Micros) -> None:
        """Follow the day's contracts; `limits` say when the last tick of each is stale."""
        self.canaries.choose(chain)
        canary = seconds(self._params.fresh_canary_s)
        for contract in chain.contracts:
            self.ledger.follow(contract.symbol, at)
        atm = {contract.symbol: canary for contract in chain.atm_pair()}
        self.sightings.expect({**limits, **atm})

    def take(self, ticks: Iterable[Tick], authoritative: Source) -> Batches:
        """Count ticks in; return those of the authoritative source by symbol, fit for bars."""
        batches: Batches = {}
        for tick in ticks:
            if tick.source is authoritative:
                accepted = self.ledger.accept(tick)
                if accepted is None:
                    continue
                exch_at = self._times.of(tick)
                if exch_at != tick.exch_at:
                    accepted = replace(accepted, exch_at=exch_at)
                batches.setdefault(tick.symbol, []).append(accepted)
            elif not self.ledger.admits(tick):
                continue
            self._count(tick)
        return batches

    def polled(self, quotes: Iterable[Quote], epoch: int) -> tuple[Tick, ...]:
        """Return quotes as ticks; they have no exchange time, and their volume is the day's."""
        return tuple(self._tick(quote, epoch) for quote in quotes)

    def _tick(self, quote: Quote, epoch: int) -> Tick:
        self._polled += 1
        return Tick(
            symbol=quote.symbol,
            exchange=quote.exchange,
            source=Source.REST,
            epoch=epoch,
            seq=self._polled,
            recv_at=quote.got_at,
            exch_at=None,
            ltp=quote.ltp,
            low=quote.ltp,
            high=quote.ltp,
            cum_volume=quote.volume,
        )

    def _count(self, tick: Tick) -> None:
        self.ticks += 1
        self.last_tick_at = tick.recv_at
        self.sightings.ticked(tick.symbol, tick.recv_at)
        if tick.symbol == self._index[0]:
            self.spot = tick.ltp
        # Polled prices beat when they change, not when they are read (`Polling.moved`).
        if tick.source is not Source.REST and self.canaries.has(tick.symbol, tick.recv_at):
            self.beats[tick.source].tick(tick.recv_at)
