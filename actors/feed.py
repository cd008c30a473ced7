"""FeedActor: one authoritative stream of prices out of several sources.

Hears:  Begin, RecoveryDone, ChainChosen, TicksArrived, TicksDropped, StreamMoved, QuotesPolled,
        HistoryRead, SelectSource, Reconnect, ClockJumped, OrderChanged, PositionChanged, Pulse
Tells:  bar:<symbol> <- TicksSeen, PricesMissed; bar:*, strategy, watchdog, journal <- FeedLost,
        FeedRestored; watchdog, monitor <- FeedHealth; order <- FactsWanted
Owns:   which source has the say, epochs, the shared volume baseline (domain.feed.Feed)
Dies:   restarted for ever; the minutes it missed are gaps and come back from history
"""

import logging
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import assert_never

from actors.base import Actor
from actors.post_office import Post
from actors.vitals import health_of, outage_of
from broker.port import Broker, Stream
from domain import clock
from domain.calls import Read, ReadHistory, ReadQuotes, ReadReply
from domain.conflation import conflated
from domain.contracts import Chain
from domain.feed import Feed, Frame
from domain.feed_effects import (
    AskHistory,
    Connect,
    Deliver,
    Effect,
    Effects,
    Lost,
    Missed,
    Poll,
    Regained,
    Resubscribe,
    Say,
    Subscribe,
)
from domain.market import Pair, Source
from domain.params import FeedParams, UniverseParams
from domain.positions import Phase
from domain.session import DayPlan
from domain.units import Day, Micros, seconds
from domain.universe import freshness
from messages.control import (
    Begin,
    ChainChosen,
    ClockJumped,
    Pulse,
    Reconnect,
    RecoveryDone,
    SelectSource,
)
from messages.market import (
    HistoryRead,
    PricesMissed,
    QuotesPolled,
    StreamMoved,
    TicksArrived,
    TicksDropped,
    TicksSeen,
)
from messages.orders import FactsWanted, OrderChanged, PositionChanged

log = logging.getLogger(__name__)

Price = TicksArrived | TicksDropped | StreamMoved
Answer = QuotesPolled | HistoryRead
Command = SelectSource | Reconnect | ChainChosen | ClockJumped
Fact = OrderChanged | PositionChanged
Heard = Price | Answer | Command | Fact | Begin | RecoveryDone | Pulse

MANY_TICKS = 8
"""More ticks of one symbol at once than a socket read brings: we lag, and few are told instead."""

LOST_INBOX = seconds(5)
"""How much an actor that died may have had waiting in its inbox."""


@dataclass(frozen=True, slots=True)
class FeedPorts:
    """What the feed speaks to; `chance` draws the jitter of its reconnects."""

    streams: Mapping[Source, Stream]
    broker: Broker
    chance: random.Random


class FeedActor(Actor):
    """Carry out what the day's `Feed` makes of what is heard."""

    def __init__(
        self,
        address: str,
        post: Post,
        *,
        ports: FeedPorts,
        params: FeedParams,
        universe: UniverseParams,
        index: Pair,
    ) -> None:
        super().__init__(address, post)
        self._ports = ports
        self._params = params
        self._universe = universe
        self._index = index
        self._lost_since: Micros | None = None
        self._former_epoch = 0
        self._feed: Feed | None = None
        self._day = Day("")

    def on_receive(self, message: Heard) -> None:
        """Handle one message. In the actor's thread."""
        match message:
            case Begin(at=at, restarted=restarted, epoch=epoch):
                self._lost_since = Micros(at - LOST_INBOX) if restarted else None
                self._former_epoch = epoch
            case RecoveryDone(at=at, plan=plan, chain=chain):
                self._begin(plan, chain, at)
            case _:
                if self._feed is not None:
                    self._carry_out(self._heard(self._feed, message))

    def _begin(self, plan: DayPlan, chain: Chain | None, at: Micros) -> None:
        if self._feed is None:
            frame = Frame(plan, self._index, self._params, tuple(self._ports.streams))
            self._feed = Feed(frame, self._ports.chance, at)
            self._day = plan.day
            chosen = self._choose(self._feed, chain, at) if chain else ()
            self._carry_out(chosen + self._feed.begin(at, self._lost_since, self._former_epoch))
            if self._lost_since is not None:
                self.post.tell("order", FactsWanted(who=self.address))

    def _heard(self, feed: Feed, message: Price | Answer | Command | Fact | Pulse) -> Effects:
        match message:
            case TicksArrived() | TicksDropped() | StreamMoved():
                return self._price(feed, message)
            case QuotesPolled() | HistoryRead():
                return self._answer(feed, message)
            case SelectSource() | Reconnect() | ChainChosen() | ClockJumped():
                return self._command(feed, message)
            case OrderChanged() | PositionChanged():
                self._own(feed, message)
                return ()
            case Pulse(at=at):
                effects = feed.pulse(at, clock.machine())
                self._tell_health(feed, at)
                return effects
            case _:
                assert_never(message)

    def _command(self, feed: Feed, message: Command) -> Effects:
        match message:
            case SelectSource(at=at, source=source, reason=reason):
                return feed.select(source, reason, at)
            case Reconnect(at=at, reason=reason, source=source):
                return feed.reopen(reason, at, source)
            case ChainChosen(at=at, chain=chain):
                return self._choose(feed, chain, at)
            case ClockJumped(at=at, since=since, reason=reason):
                return feed.jumped(reason, at, since)
            case _:
                assert_never(message)

    def _price(self, feed: Feed, message: Price) -> Effects:
        match message:
            case TicksArrived(ticks=ticks):
                return feed.arrived(ticks)
            case StreamMoved(change=change):
                return feed.moved(change)
            case TicksDropped(at=at, count=count):
                return feed.overflowed(count, at)
            case _:
                assert_never(message)

    def _answer(self, feed: Feed, message: Answer) -> Effects:
        match message:
            case QuotesPolled(epoch=epoch, asked_at=asked_at, reply=reply):
                return feed.polled(reply, epoch, asked_at)
            case HistoryRead(reply=reply):
                feed.read_rows(reply)
                return ()
            case _:
                assert_never(message)

    def _own(self, feed: Feed, fact: Fact) -> None:
        match fact:
            case OrderChanged(order=order):
                feed.own(order.intent, order.ticket.symbol, is_live=order.is_live)
            case PositionChanged(leg=leg):
                feed.own(f"leg {leg.leg}", leg.symbol, is_live=leg.phase is not Phase.DONE)
            case _:
                assert_never(fact)

    def _choose(self, feed: Feed, chain: Chain, at: Micros) -> Effects:
        limits = freshness(chain, self._universe.step_points, self._params)
        return feed.choose(chain, limits, at)

    def _carry_out(self, effects: Effects) -> None:
        for effect in effects:
            self._do(effect)

    def _do(self, effect: Effect) -> None:
        match effect:
            case Deliver(symbol=symbol, ticks=ticks):
                few = conflated(ticks) if len(ticks) > MANY_TICKS else ticks
                self.post.tell(f"bar:{symbol}", TicksSeen(symbol=symbol, ticks=few))
            case Missed(symbol=symbol, since=since, until=until):
                missed = PricesMissed(symbol=symbol, since=since, until=until)
                self.post.tell(f"bar:{symbol}", missed)
            case Connect() | Subscribe() | Resubscribe():
                self._stream(effect)
            case Poll() | AskHistory():
                self._read(effect)
            case Lost() | Regained():
                self._announce(effect)
            case Say(text=text):
                log.log(_level(effect), "%s", text)
            case _:
                assert_never(effect)

    def _stream(self, effect: Connect | Subscribe | Resubscribe) -> None:
        stream = self._ports.streams[effect.source]
        match effect:
            case Connect(epoch=epoch, pairs=pairs):
                stream.connect(epoch, pairs)
            case Subscribe(pairs=pairs):
                stream.subscribe(pairs)
            case Resubscribe(pairs=pairs):
                stream.resubscribe(pairs)
            case _:
                assert_never(effect)

    def _read(self, effect: Poll | AskHistory) -> None:
        match effect:
            case Poll(epoch=epoch, asked_at=asked_at, pairs=pairs):
                self._ask(
                    ReadQuotes(symbols=pairs),
                    lambda reply: QuotesPolled(epoch=epoch, asked_at=asked_at, reply=reply),
                )
            case AskHistory(pair=(symbol, exchange)):
                self._ask(
                    ReadHistory(symbol=symbol, exchange=exchange, day=self._day),
                    lambda reply: HistoryRead(symbol=symbol, reply=reply),
                )
            case _:
                assert_never(effect)

    def _ask(self, call: Read, answer: Callable[[ReadReply], Answer]) -> None:
        post, address = self.post, self.address
        self._ports.broker.read(call, lambda reply: post.tell(address, answer(reply)))

    def _announce(self, effect: Lost | Regained) -> None:
        message = outage_of(effect, clock.now())
        self.post.tell_all("bar:", message)
        for address in ("strategy", "watchdog", "journal"):
            self.post.tell(address, message)

    def _tell_health(self, feed: Feed, at: Micros) -> None:
        health = health_of(feed, at)
        for address in ("watchdog", "monitor"):
            self.post.tell(address, health)


def _level(line: Say) -> int:
    if line.again:
        return logging.DEBUG
    return logging.ERROR if line.alert else logging.WARNING if line.warn else logging.INFO
