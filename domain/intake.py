"""What comes in from all sources: vetted, counted, and the authoritative part made fit for bars."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from msgspec.structs import replace

from domain.canaries import Beat, Canaries
from domain.contracts import Chain
from domain.exchange_time import ExchangeTime
from domain.market import Pair, Quote, Source, Tick
from domain.params import FeedParams
from domain.repairs import Repairs
from domain.session import DayPlan
from domain.sightings import Sightings
from domain.units import Micros, Paise, Symbol, seconds
from domain.volume import VolumeLedger

Batches = dict[Symbol, list[Tick]]


class Spot(NamedTuple):
    """A price of the index, and when it arrived."""

    price: Paise
    at: Micros


class Hole(NamedTuple):
    """A symbol traded while its own subscription did not deliver.

    `since` is its last tick before, None if there was none.
    """

    symbol: Symbol
    since: Micros | None
    until: Micros


class Intake:
    """One day's ticks on their way in. Mutable, owned by FeedActor.

    Every source feeds health; only the authoritative one feeds bars and moves the volume baseline.
    """

    def __init__(self, plan: DayPlan, index: Pair, params: FeedParams, at: Micros) -> None:
        self.ledger = VolumeLedger(plan.open, params.rebase_ticks)
        self.canaries = Canaries(plan, index)
        self.sightings = {source: Sightings() for source in Source}
        self.beats = {source: Beat() for source in Source}
        self.repairs = {source: Repairs() for source in Source}
        self.spots: dict[Source, Spot] = {}
        self.prev_close = Paise(0)
        self.ticks = 0
        self.last_tick_at: Micros | None = None
        self._index = index
        self._params = params
        self._times = ExchangeTime(params.exchange_time)
        self._limits: Mapping[Symbol, Micros] = {}
        self._polled = 0
        self._repaired: list[Symbol] = []
        self._holes: list[Hole] = []
        self.ledger.follow(index[0], at)

    def choose(self, chain: Chain, limits: Mapping[Symbol, Micros], at: Micros) -> None:
        """Follow the day's contracts; `limits` say when the last tick of each is stale.

        Again with more of them: the others stay what they are.
        """
        self.canaries.choose(chain)
        canary = seconds(self._params.fresh_canary_s)
        for contract in chain.contracts:
            self.ledger.follow(contract.symbol, at)
        atm = {contract.symbol: canary for contract in chain.atm_pair()}
        self._limits = {**limits, **atm}
        for source in (Source.PRIMARY, Source.BACKUP):
            self.sightings[source].expect(self._limits, at)

    def take(self, ticks: Iterable[Tick], authoritative: Source) -> Batches:
        """Count ticks in; return those of the authoritative source by symbol, fit for bars."""
        batches: Batches = {}
        for tick in ticks:
            has_traded = False
            if tick.source is authoritative:
                accepted = self.ledger.accept(tick)
                if accepted is None:
                    continue
                has_traded = accepted.volume > 0
                exch_at = self._times.of(tick)
                if exch_at != tick.exch_at:
                    accepted = replace(accepted, exch_at=exch_at)
                batches.setdefault(tick.symbol, []).append(accepted)
            elif not self.ledger.admits(tick):
                continue
            self._count(tick, has_traded=has_traded)
        return batches

    def poll(self, pairs: Iterable[Pair], at: Micros) -> None:
        """Expect of REST what it is asked for, and nothing else."""
        asked = {symbol: self._limits[symbol] for symbol, _ in pairs if symbol in self._limits}
        self.sightings[Source.REST].expect(asked, at)

    def quoted(self, quotes: Iterable[Quote]) -> None:
        """Remember what the index's quote says, whoever has the say."""
        for quote in quotes:
            if quote.symbol == self._index[0]:
                self.spots[Source.REST] = Spot(quote.ltp, quote.got_at)
                self.prev_close = quote.prev_close or self.prev_close

    def repaired(self) -> tuple[Symbol, ...]:
        """Return who delivers again since this was asked last."""
        repaired, self._repaired = tuple(self._repaired), []
        return repaired

    def holes(self) -> tuple[Hole, ...]:
        """Return what symbols that did not deliver had missed, since this was asked last."""
        holes, self._holes = tuple(self._holes), []
        return holes

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

    def _count(self, tick: Tick, *, has_traded: bool) -> None:
        self.ticks += 1
        self.last_tick_at = tick.recv_at
        source, at = tick.source, tick.recv_at
        sightings, repairs = self.sightings[source], self.repairs[source]
        before, was_ill = sightings.newest(tick.symbol), tick.symbol in repairs.ill
        if sightings.ticked(tick.symbol, at):
            if was_ill and has_traded:
                self._holes.append(Hole(tick.symbol, before, at))
            if repairs.ticked(tick.symbol, has_volume=tick.cum_volume is not None):
                self._repaired.append(tick.symbol)
        elif tick.symbol == self._index[0]:
            self.spots[source] = Spot(tick.ltp, at)
            # An index has no volume to show; any price of it proves its subscription.
            if repairs.ticked(tick.symbol, has_volume=True):
                self._repaired.append(tick.symbol)
        # Polled prices beat when they change, not when they are read (`RestLadder.moved`).
        if source is not Source.REST and self.canaries.has(tick.symbol, at):
            self.beats[source].tick(at)
