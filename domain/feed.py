"""The feed of one day: which source has the say, what reaches the bars, what has to be done.

Pure: things heard go in, effects come out, and FeedActor carries them out. Nothing here decides
that a source is to be left or returned to; that is the watchdog's policy (`feed_health`).
"""

import random
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from domain.authority import Authority, Outage
from domain.calls import History, Quotes, ReadReply, StreamChange, StreamState
from domain.contracts import Chain
from domain.feed_effects import (
    AskHistory,
    Deliver,
    Effects,
    Lost,
    Missed,
    Poll,
    Regained,
    Say,
)
from domain.intake import Intake, Spot
from domain.market import Pair, Source, Tick
from domain.params import FeedParams
from domain.polling import Near, Polling, symbols_to_poll
from domain.session import DayPlan
from domain.sources import Upstream
from domain.units import Micros, Symbol, rupees, seconds

CONNECT_FROM = "09:00"
REST_SPOT_EVERY = seconds(10)
REFUSALS_EVERY = seconds(60)

CIRCUITS_PCT = (10, 15, 20)
"""Moves of the index that halt the market (NSE circuit-breaker page); 50 bps away is near."""

STREAMS = (Source.PRIMARY, Source.BACKUP)
"""In the order in which they are preferred."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What a feed is built for: the day, its index, the settings, the streams there are."""

    plan: DayPlan
    index: Pair
    params: FeedParams
    sources: tuple[Source, ...] = (Source.PRIMARY,)


class Feed:
    """Everything FeedActor knows of one day. Mutable, owned by it."""

    def __init__(self, frame: Frame, chance: random.Random, at: Micros) -> None:
        plan, index, params = frame.plan, frame.index, frame.params
        self.intake = Intake(plan, index, params, at)
        self.authority = Authority(plan.open, at)
        self.upstreams = {
            source: Upstream(source, self.intake, params, chance)
            for source in STREAMS
            if source in frame.sources
        }
        self.polling = Polling(params, plan, index)
        self.jumped_at: Micros | None = None
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

    @property
    def spot(self) -> Spot | None:
        """The index as the authoritative source shows it."""
        return self.intake.spots.get(self.authority.source)

    def is_near_circuit(self) -> bool:
        """Whether the index is so near a limit that the market may have been halted."""
        close = self.intake.prev_close
        newest = self._newest_spot
        if newest is None or not close:
            return False
        moved_bps = abs(newest.price - close) * 10_000 // close
        return any(abs(moved_bps - pct * 100) <= 50 for pct in CIRCUITS_PCT)

    @property
    def _newest_spot(self) -> Spot | None:
        return max(self.intake.spots.values(), key=lambda spot: spot.at, default=None)

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
        """Take the day's contracts in; again with more of them: those are subscribed too."""
        self._chain = chain
        self.intake.choose(chain, limits, at)
        pairs = self._pairs()
        return tuple(e for each in self.upstreams.values() for e in each.subscribe(pairs))

    def arrived(self, ticks: Iterable[Tick]) -> Effects:
        """Take what a stream brought."""
        before = {source: upstream.newest for source, upstream in self.upstreams.items()}
        silent_since = self.authority.silent_since(before.get(self.authority.source))
        batches = self.intake.take(ticks, self.authority.source)
        effects: Effects = ()
        for source, upstream in self.upstreams.items():
            newest = upstream.newest
            if newest is not None and newest != before[source]:
                upstream.ticked(newest)
                if source is self.authority.source:
                    effects += self._found(silent_since, newest) + self._regain(newest)
        effects += tuple(
            Say(f"Repaired: {symbol} delivers again") for symbol in self.intake.repaired()
        )
        effects += tuple(
            Missed(hole.symbol, hole.since or self._plan.open, hole.until)
            for hole in self.intake.holes()
        )
        return effects + tuple(Deliver(s, tuple(batch)) for s, batch in batches.items())

    def moved(self, change: StreamChange) -> Effects:
        """Take a change of a stream's connection."""
        upstream = self.upstreams[change.source]
        if change.state is StreamState.CONNECTING:
            return ()
        if change.state is StreamState.READY:
            return upstream.ready(change)
        is_open = self._is_open(change.at)
        broke = upstream.broke(change, is_open=is_open)
        if broke is None:
            return ()
        reason, said = broke
        if change.source is not self.authority.source or not is_open:
            return said
        return self._lose(self.authority.silent_since(upstream.newest), reason) + said

    def polled(self, reply: ReadReply, epoch: int, asked_at: Micros) -> Effects:
        """Take the answer to a poll; one that is not waited for any more is dropped."""
        if not self.polling.is_answer(asked_at):
            return ()
        if not isinstance(reply, Quotes) or not reply.quotes:
            self.polling.failed()
            return ()
        at = max(quote.got_at for quote in reply.quotes)
        quotes, has_moved = self.polling.take(reply.quotes, self.intake.canaries, at)
        self.intake.quoted(quotes)
        if self.authority.source is not Source.REST or epoch != self.authority.epoch:
            return ()
        if not self.polling.is_moving(at):
            return ()
        effects: Effects = ()
        if has_moved:
            self.intake.beats[Source.REST].tick(at)
            effects = self._verify() + self._regain(at)
        batches = self.intake.take(self.intake.polled(quotes, epoch), Source.REST)
        return effects + tuple(Deliver(s, tuple(batch)) for s, batch in batches.items())

    def read_rows(self, reply: ReadReply) -> None:
        """Take the broker's bars of a canary; a read that failed proves nothing."""
        if isinstance(reply, History):
            arbiters = {symbol for symbol, _ in self.intake.canaries.arbiters(reply.asked_at)}
            self.polling.ladder.judge_rows(reply, arbiters)

    def select(self, source: Source, reason: str, at: Micros) -> Effects:
        """Make a source authoritative; one that is already, or does not exist, is left alone."""
        is_known = source is Source.REST or source in self.upstreams
        if not is_known or not self.authority.choose(source, self._epoch + 1, at):
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
        elif source is Source.BACKUP:
            said = (Say(f"Going over to the backup WebSocket: {reason}", warn=True),)
        else:
            said = (Say(f"Back to {source.tag}: {reason}"),)
        if self.authority.is_lost:
            return said
        return (*said, Regained(source, self._epoch, at, at))

    def reopen(self, reason: str, at: Micros, source: Source = Source.PRIMARY) -> Effects:
        """Connect a stream again; a connection under way is left alone, and is no failure."""
        upstream = self.upstreams.get(source)
        if upstream is None:
            return ()
        is_new = upstream.connection.reopen(at)
        answer = "reconnecting" if is_new else "reconnect is under way"
        return (Say(f"{_sentence(reason)}, {answer}", warn=True),)

    def overflowed(self, count: int, at: Micros) -> Effects:
        """Take note that ticks were dropped before they reached us: a gap for every symbol."""
        said = Say(f"The lane of prices was full: {count} ticks were dropped", warn=True)
        return (*self._gap("the lane of prices was full", at, at), said)

    def jumped(self, reason: str, at: Micros, since: Micros) -> Effects:
        """Take note that the clock jumped or the process slept: a gap, and no silence before it.

        `since` is when the clock was last looked at before: ticks from after waking may be here
        already.
        """
        lost = self._gap(reason, min(at, since), at)
        self.jumped_at = at
        self.authority.rechosen(at)
        self.polling.jumped(at)
        for upstream in self.upstreams.values():
            upstream.connection.jumped(at)
        return (*lost, Say(_sentence(reason), warn=True))

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
        own = frozenset(self._own.values())
        for source, upstream in self.upstreams.items():
            effects += upstream.elapse(self._plan.open, at)
            if source is not self.authority.source and upstream.stands_idle(at):
                upstream.connection.reopen(at)
            effects += upstream.prove(self._plan.open, own, at)
        effects += self._judge(at) + self._ask(own, at, machine)
        return effects + self._tell_spot(at) + self._tell_refusals(at)

    def _ask(self, own: frozenset[Symbol], at: Micros, machine: Micros) -> Effects:
        """Poll as soon as the stream is silent, so that REST can be proved before it is used.

        After `hedge_s` our own symbols too: a server that has older quotes of just these is stale
        before it is chosen. As movement they do not count, that is the canaries' to show.
        """
        is_used = self.authority.source is Source.REST
        if not is_used and not self.authority.is_lost:
            return ()
        canaries = self.intake.canaries
        rows = self.polling.rows_to_ask(canaries, at, is_used=is_used)
        asked: Effects = tuple(AskHistory(pair) for pair in rows)
        if not self.polling.is_due(at, machine):
            return asked
        strikes = self._params.rest_strikes if is_used else 0
        newest = self._newest_spot
        is_hedged = is_used or self._silence(at) >= seconds(self._params.hedge_s)
        near = Near(newest.price if newest else None, strikes)
        pairs = symbols_to_poll(self._index, self._chain, own if is_hedged else (), near)
        self.polling.ask(at, machine)
        self.intake.poll(pairs, at)
        return (*asked, Poll(self.authority.epoch, at, pairs))

    def _is_open(self, at: Micros) -> bool:
        return self._plan.open <= at < self._plan.close

    def _connect_if_due(self, at: Micros) -> Effects:
        if not self._plan.at(CONNECT_FROM) <= at < self._plan.close:
            return ()
        effects: Effects = ()
        for source, upstream in self.upstreams.items():
            if upstream.connection.is_due(at):
                self._epoch += 1
                effects += upstream.connect(self._epoch, self._pairs(), at)
                if self.authority.source is source:
                    self.authority.renew(self._epoch)
        return effects

    def _pairs(self) -> tuple[Pair, ...]:
        """Every symbol to subscribe, the canaries first."""
        contracts = self._chain.contracts if self._chain else ()
        canaries = self.intake.canaries.symbols
        options = sorted(contracts, key=lambda contract: contract.symbol not in canaries)
        return (self._index, *((c.symbol, c.exchange) for c in options))

    def _silence(self, at: Micros) -> Micros:
        newest = self.intake.beats[self.authority.source].newest
        return Micros(at - self.authority.silent_since(newest))

    def _judge(self, at: Micros) -> Effects:
        is_rest = self.authority.source is Source.REST
        limit_s = self._params.rest_still_s if is_rest else self._params.gap_taint_s
        silence = self._silence(at)
        if silence <= seconds(limit_s):
            return ()
        return self._lose(Micros(at - silence), f"no canary ticks for {limit_s} s")

    def _found(self, since: Micros, until: Micros) -> Effects:
        """Lose what was missed before a canary tick, though nobody looked while it was silent."""
        limit_s = self._params.gap_taint_s
        if until - since <= seconds(limit_s) or not self._is_open(until):
            return ()
        return self._lose(since, f"no canary ticks for {limit_s} s")

    def _gap(self, reason: str, since: Micros, at: Micros) -> Effects:
        """Lose what came of the session since then, or since the last canary tick."""
        if not self._is_open(at):
            return ()
        first = min(since, at - self._silence(at))
        return self._lose(Micros(max(first, self._plan.open)), reason)

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
        spot, source = self.spot, self.authority.source
        every = REST_SPOT_EVERY if source is Source.REST else seconds(self._params.spot_log_s)
        if spot is None or self.authority.is_lost or at - self._spot_at < every:
            return ()
        self._spot_at = at
        return (Say(f"{self._index[0]}: {rupees(spot.price)} [{source.tag}]"),)

    def _tell_refusals(self, at: Micros) -> Effects:
        told_at, told = self._refusals
        refused = Counter({str(why): n for why, n in self.intake.ledger.refused.items()})
        refused += self.polling.ladder.dropped
        if at - told_at < REFUSALS_EVERY or refused.total() == told:
            return ()
        self._refusals = (at, refused.total())
        counts = " ".join(f"{reason}={count}" for reason, count in sorted(refused.items()))
        return (Say(f"Ticks were refused: {counts}", warn=True),)


def _sentence(reason: str) -> str:
    """Begin with a capital and leave names such as WebSocket alone."""
    return reason[:1].upper() + reason[1:]
