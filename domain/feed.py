"""The feed of one day: which source has the say, what reaches the bars, what has to be done.

Pure: things heard go in, effects come out, and FeedActor carries them out. Nothing here decides
that a source is to be left or returned to; that is the watchdog's policy (`feed_health`).
"""

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from domain.authority import Authority, Outage
from domain.calls import Quotes, ReadReply, StreamChange, StreamState
from domain.connection import Connection
from domain.contracts import Chain
from domain.intake import Intake
from domain.market import Pair, Source, Tick
from domain.params import FeedParams
from domain.polling import Polling, symbols_to_poll
from domain.session import DayPlan
from domain.units import Micros, Symbol, rupees, seconds

CONNECT_FROM = "09:00"
REST_SPOT_EVERY = seconds(10)
REFUSALS_EVERY = seconds(60)


@dataclass(frozen=True, slots=True)
class Connect:
    """Open the primary stream anew with all of these symbols."""

    epoch: int
    pairs: tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class Subscribe:
    """Subscribe more symbols on the open stream."""

    pairs: tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class Poll:
    """Ask for these quotes once; the answer names `epoch` and `asked_at` again."""

    epoch: int
    asked_at: Micros
    pairs: tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class Deliver:
    """Ticks of one symbol, for its bars."""

    symbol: Symbol
    ticks: tuple[Tick, ...]


@dataclass(frozen=True, slots=True)
class Lost:
    """The authoritative source fell silent or closed."""

    source: Source
    epoch: int
    since: Micros
    reason: str


@dataclass(frozen=True, slots=True)
class Regained:
    """A source is authoritative and live; nothing came between `since` and `until`."""

    source: Source
    epoch: int
    since: Micros
    until: Micros


@dataclass(frozen=True, slots=True)
class Say:
    """One line of the day's story."""

    text: str
    warn: bool = False


Effect = Connect | Subscribe | Poll | Deliver | Lost | Regained | Say
Effects = tuple[Effect, ...]


class Feed:
    """Everything FeedActor knows of one day. Mutable, owned by it."""

    def __init__(
        self, plan: DayPlan, index: Pair, params: FeedParams, chance: random.Random, at: Micros
    ) -> None:
        self.intake = Intake(plan, index, params, at)
        self.authority = Authority(plan.open, at)
        self.connection = Connection(seconds(params.first_tick_s), chance)
        self.polling = Polling(params)
        self._plan = plan
        self._index = index
        self._params = params
        self._chain: Chain | None = None
        self._own: dict[str, Symbol] = {}
        self._epoch = 0
        self._is_verified = False
        self._spot_at = Micros(0)
        self._refusals: tuple[Micros, int] = (at, 0)

    @property
    def newest_epoch(self) -> int:
        """The epoch used last, by whichever source."""
        return self._epoch

    def begin(self, at: Micros, lost_since: Micros | None = None, epoch: int = 0) -> Effects:
        """Connect at once if it is time; `lost_since`: an earlier feed died with what it held.

        It used epochs up to `epoch`; what its connections still bring is refused.
        """
        self._epoch = epoch
        lost: Effects = ()
        if lost_since is not None and self._is_open(at):
            lost = self._lose(max(lost_since, self._plan.open), "the feed was restarted")
        return lost + self._connect_if_due(at)

    def choose(self, chain: Chain, limits: Mapping[Symbol, Micros], at: Micros) -> Effects:
        """Take the day's contracts in; again changes nothing."""
        if self._chain is not None:
            return ()
        self._chain = chain
        self.intake.choose(chain, limits, at)
        return (Subscribe(self._pairs()[1:]),) if self.connection.opened else ()

    def arrived(self, ticks: Iterable[Tick]) -> Effects:
        """Take what a stream brought."""
        beat = self.intake.beats[Source.PRIMARY]
        before = beat.newest
        batches = self.intake.take(ticks, self.authority.source)
        effects: Effects = ()
        if beat.newest is not None and beat.newest != before:
            self.connection.ticked(beat.newest)
            if self.authority.source is Source.PRIMARY:
                effects = self._regain(beat.newest)
        return effects + tuple(Deliver(s, tuple(batch)) for s, batch in batches.items())

    def moved(self, change: StreamChange) -> Effects:
        """Take a change of the primary's connection."""
        if change.state is StreamState.CONNECTING:
            return ()
        if change.state is StreamState.READY:
            return self._ready(change)
        if not self.connection.broke(change.epoch, change.at):
            return ()
        text = f"WebSocket {change.state} code={change.code} {change.text}".rstrip()
        lost: Effects = ()
        if self.authority.source is Source.PRIMARY and self._is_open(change.at):
            newest = self.intake.beats[Source.PRIMARY].newest
            lost = self._lose(self.authority.silent_since(newest), text)
        return (*lost, Say(text, warn=True))

    def polled(self, reply: ReadReply, epoch: int, asked_at: Micros) -> Effects:
        """Take the answer to a poll; one that is not waited for any more is dropped."""
        if not self.polling.is_answer(asked_at):
            return ()
        if not isinstance(reply, Quotes) or not reply.quotes:
            self.polling.failed()
            return ()
        has_moved = self.polling.moved(reply.quotes, self.intake.canaries.symbols)
        if self.authority.source is not Source.REST or epoch != self.authority.epoch:
            return ()
        at = max(quote.got_at for quote in reply.quotes)
        effects: Effects = ()
        if has_moved:
            self.intake.beats[Source.REST].tick(at)
            effects = self._verify() + self._regain(at)
        if self.polling.is_moving(at):
            batches = self.intake.take(self.intake.polled(reply.quotes, epoch), Source.REST)
            effects += tuple(Deliver(s, tuple(batch)) for s, batch in batches.items())
        return effects

    def select(self, source: Source, reason: str, at: Micros) -> Effects:
        """Make a source authoritative; one that is already is left alone."""
        if not self.authority.choose(source, self._epoch + 1, at):
            return ()
        self._epoch += 1
        self._is_verified = False
        said: Effects
        if source is Source.REST:
            self.intake.ledger.connected(source, self._epoch, at)
            said = (
                Say(_sentence(reason), warn=True),
                Say("WebSocket is not broadcasting, starting REST", warn=True),
            )
        else:
            said = (Say(f"Back to {source.tag}: {reason}"),)
        if self.authority.is_lost:
            return said
        return (*said, Regained(source, self._epoch, at, at))

    def reopen(self, reason: str, at: Micros) -> Effects:
        """Connect again; a connection under way is left alone, and is no failure."""
        is_new = self.connection.reopen(at)
        answer = "reconnecting" if is_new else "reconnect is under way"
        return (Say(f"{_sentence(reason)}, {answer}", warn=True),)

    def own(self, key: str, symbol: Symbol, *, is_live: bool) -> None:
        """Note that an order or a leg of ours is live in a symbol, or no longer."""
        self._own.pop(key, None)
        if is_live:
            self._own[key] = symbol

    def pulse(self, at: Micros, machine: Micros) -> Effects:
        """Do what has come due."""
        effects = self._connect_if_due(at)
        if not self._is_open(at):
            return effects
        if self.connection.is_mute(self._plan.open, at):
            self.connection.give_up(at)
            effects += (Say(f"No tick within {self._params.first_tick_s} s of connecting"),)
        effects += self._judge(at)
        if self._is_polling and self.polling.is_due(at, machine):
            self.polling.ask(at, machine)
            effects += (Poll(self.authority.epoch, at, self._polled()),)
        return effects + self._tell_spot(at) + self._tell_refusals(at)

    @property
    def _is_polling(self) -> bool:
        # REST is asked as soon as the stream is silent, so that it can be proved before it is used.
        return self.authority.source is Source.REST or self.authority.is_lost

    def _is_open(self, at: Micros) -> bool:
        return self._plan.open <= at < self._plan.close

    def _connect_if_due(self, at: Micros) -> Effects:
        is_time = self._plan.at(CONNECT_FROM) <= at < self._plan.close
        if not is_time or not self.connection.is_due(at):
            return ()
        self._epoch += 1
        self.connection.open(self._epoch, at)
        self.intake.ledger.connected(Source.PRIMARY, self._epoch, at)
        self.intake.sightings.resubscribed()
        if self.authority.source is Source.PRIMARY:
            self.authority.renew(self._epoch)
        return (Connect(self._epoch, self._pairs()),)

    def _pairs(self) -> tuple[Pair, ...]:
        """Every symbol to subscribe, the canaries first."""
        contracts = self._chain.contracts if self._chain else ()
        canaries = self.intake.canaries.symbols
        options = sorted(contracts, key=lambda contract: contract.symbol not in canaries)
        return (self._index, *((c.symbol, c.exchange) for c in options))

    def _polled(self) -> tuple[Pair, ...]:
        if self.authority.source is Source.REST:
            own = frozenset(self._own.values())
            return symbols_to_poll(self._index, self._chain, own, self._params.rest_strikes)
        return symbols_to_poll(self._index, self._chain, (), 0)

    def _ready(self, change: StreamChange) -> Effects:
        if not self.connection.ready(change.epoch):
            return ()
        said = Say(f"Connected: WebSocket symbols={change.subscribed} epoch={change.epoch}")
        if not change.refused:
            return (said,)
        return (said, Say(f"Not subscribed: {' '.join(change.refused)}", warn=True))

    def _judge(self, at: Micros) -> Effects:
        source = self.authority.source
        is_rest = source is Source.REST
        limit_s = self._params.rest_still_s if is_rest else self._params.gap_taint_s
        since = self.authority.silent_since(self.intake.beats[source].newest)
        if at - since <= seconds(limit_s):
            return ()
        return self._lose(since, f"no canary ticks for {limit_s} s")

    def _lose(self, since: Micros, reason: str) -> Effects:
        if not self.authority.lose(since):
            return ()
        return (Lost(self.authority.source, self.authority.epoch, since, reason),)

    def _regain(self, at: Micros) -> Effects:
        outage: Outage | None = self.authority.regain(at)
        if outage is None:
            return ()
        source, epoch = self.authority.source, self.authority.epoch
        return (Regained(source, epoch, outage.since, outage.until),)

    def _verify(self) -> Effects:
        if self._is_verified:
            return ()
        self._is_verified = True
        every_s = self._params.rest_poll_ms / 1000
        return (Say("Broker verified via REST"), Say(f"REST polling started every={every_s} s"))

    def _tell_spot(self, at: Micros) -> Effects:
        spot, source = self.intake.spot, self.authority.source
        every = REST_SPOT_EVERY if source is Source.REST else seconds(self._params.spot_log_s)
        if spot is None or self.authority.is_lost or at - self._spot_at < every:
            return ()
        self._spot_at = at
        return (Say(f"{self._index[0]}: {rupees(spot)} [{source.tag}]"),)

    def _tell_refusals(self, at: Micros) -> Effects:
        told_at, told = self._refusals
        refused = self.intake.ledger.refused
        if at - told_at < REFUSALS_EVERY or refused.total() == told:
            return ()
        self._refusals = (at, refused.total())
        counts = " ".join(f"{reason}={count}" for reason, count in sorted(refused.items()))
        return (Say(f"Ticks were refused: {counts}", warn=True),)


def _sentence(reason: str) -> str:
    """Begin with a capital and leave names such as WebSocket alone."""
    return reason[:1].upper() + reason[1:]
