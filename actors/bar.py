"""BarActor: folds the ticks of a symbol, or of a few, into one-minute bars.

Hears:  Begin, BeginBars, TicksSeen, PricesMissed, FeedLost, FeedRestored, HistoryRead, WatchPrice,
        BarsWanted, Pulse
Tells:  strategy <- BarUpdated; strategy, journal <- BarClosed, BarsBackfilled
Owns:   the bars of the day, the one in progress, the session VWAP (domain.bars.BarBuilder)
Dies:   losing at most the current minute; history rebuilds it, and until then its bars are tainted
"""

import logging
from dataclasses import dataclass, field
from typing import assert_never

from msgspec.structs import replace

from actors.base import Actor
from actors.post_office import Post
from broker.port import Broker
from domain import clock
from domain.bars import BarBuilder, Change, Finished, Revised, Terms
from domain.calls import History, ReadHistory, ReadReply
from domain.market import Forming, Source
from domain.params import BarParams, HistoryParams
from domain.units import Day, Micros, Paise, Symbol, seconds
from domain.updates import Updates
from messages.control import Begin, Pulse
from messages.market import (
    BarClosed,
    BarsBackfilled,
    BarsWanted,
    BarUpdated,
    BeginBars,
    FeedLost,
    FeedRestored,
    HistoryRead,
    PricesMissed,
    TicksSeen,
    WatchPrice,
)

log = logging.getLogger(__name__)

Word = TicksSeen | PricesMissed | HistoryRead | WatchPrice | BarsWanted
Event = Pulse | FeedLost | FeedRestored
Heard = Word | Event | Begin | BeginBars

FIRST = 0
"""The rank of what money depends on now; the index has it too."""

INDEX_TICK = Paise(1)
"""An index is computed, not traded: any price will do."""

ANSWER_WITHIN = seconds(300)
"""How long an answer is waited for; a server takes half a minute for the whole load."""


@dataclass(slots=True)
class _Line:
    """One symbol: its bars, what was told of it, and the question that is out."""

    builder: BarBuilder
    call: ReadHistory
    rank: int
    updates: Updates = field(default_factory=Updates)
    asked_at: Micros | None = None


class BarActor(Actor):
    """Hand ticks, time and history to the builders; tell what changed."""

    def __init__(
        self,
        address: str,
        post: Post,
        *,
        broker: Broker,
        bars: BarParams,
        history: HistoryParams,
    ) -> None:
        super().__init__(address, post)
        self._broker = broker
        self._params = (bars, history)
        self._lines: dict[Symbol, _Line] = {}

    def on_receive(self, message: Heard) -> None:
        """Handle one message. In the actor's thread."""
        match message:
            case TicksSeen() | PricesMissed() | HistoryRead() | WatchPrice() | BarsWanted():
                line = self._lines.get(message.symbol)
                if line is not None:
                    self._hear(line, message)
            case Pulse() | FeedLost() | FeedRestored():
                for line in self._lines.values():
                    self._happens(line, message)
            case BeginBars():
                self._begin(message)
            case Begin():
                pass
            case _:
                assert_never(message)

    def _hear(self, line: _Line, message: Word) -> None:
        match message:
            case TicksSeen(ticks=ticks):
                self._tell(line, line.builder.add(ticks))
                self._tell_forming(line.updates.news(line.builder.forming))
            case PricesMissed(since=since, until=until):
                self._tell(line, line.builder.feed_gap(since, until))
            case HistoryRead(reply=reply):
                self._take(line, reply)
            case WatchPrice(on=on):
                line.updates.watch(on=on)
                self._rank(line, FIRST if on else line.rank)
            case BarsWanted(symbol=symbol):
                self.post.tell("strategy", _backfilled(symbol, line.builder.whole()))
            case _:
                assert_never(message)

    def _begin(self, wish: BeginBars) -> None:
        now = clock.now()
        bars, history = self._params
        ticks = {contract.symbol: contract.tick for contract in wish.contracts}
        for symbol, exchange in wish.symbols:
            if symbol not in self._lines:
                terms = Terms(
                    began=now,
                    tick=ticks.get(symbol, INDEX_TICK),
                    is_index=symbol not in ticks,
                    bars=bars,
                    history=history,
                )
                builder = BarBuilder(symbol, wish.plan, terms)
                call = _call(symbol, exchange, wish.plan.day, wish.rank)
                self._lines[symbol] = _Line(builder, call, wish.rank)
                self._ask(self._lines[symbol], now)

    def _happens(self, line: _Line, event: Event) -> None:
        builder = line.builder
        match event:
            case Pulse(at=at):
                self._tell(line, builder.elapse(at))
                self._tell_forming(line.updates.rest(builder.forming))
                self._ask(line, at)
            case FeedLost(since=since):
                self._tell(line, builder.feed_gap(since, None))
            case FeedRestored(source=source, since=since, until=until):
                self._tell(line, builder.feed_gap(since, until))
                polled_until = None if source is Source.REST else until
                self._tell(line, builder.feed_polled(until, polled_until))
            case _:
                assert_never(event)

    def _ask(self, line: _Line, at: Micros) -> None:
        """Ask history for what is missing, one question at a time; the lost one is asked again."""
        is_out = line.asked_at is not None and at - line.asked_at < ANSWER_WITHIN
        if is_out or not line.builder.wanted(at):
            return
        line.asked_at = at
        self._read_history(line.call)

    def _read_history(self, call: ReadHistory) -> None:
        post, address, symbol = self.post, self.address, call.symbol
        self._broker.read(
            call, lambda reply: post.tell(address, HistoryRead(symbol=symbol, reply=reply))
        )

    def _rank(self, line: _Line, rank: int) -> None:
        """Let a symbol with a position or an order come first; a question that waits overtakes."""
        is_better = rank < line.call.rank
        line.call = replace(line.call, rank=rank)
        if is_better and line.asked_at is not None:
            self._read_history(line.call)

    def _take(self, line: _Line, reply: ReadReply) -> None:
        asked_at, line.asked_at = line.asked_at, None
        if isinstance(reply, History):
            before = _findings(line.builder)
            self._tell(line, line.builder.backfill(reply.bars, reply.asked_at))
            for name, count in _findings(line.builder).items():
                if count > before[name]:
                    log.warning("%s %s n=%d", name, line.call.symbol, count)
        elif asked_at is not None:
            log.debug("history failed %s %s", line.call.symbol, reply)
            line.builder.postpone(asked_at)

    def _tell(self, line: _Line, changes: tuple[Change, ...]) -> None:
        for change in changes:
            message: BarClosed | BarsBackfilled
            match change:
                case Finished(bar, settled):
                    message = BarClosed(bar=bar, settled=settled)
                case Revised():
                    message = _backfilled(line.call.symbol, change)
                case _:
                    assert_never(change)
            self.post.tell("strategy", message)
            self.post.tell("journal", message)

    def _tell_forming(self, now: Forming | None) -> None:
        if now is not None:
            self.post.tell("strategy", BarUpdated(now=now))


def _findings(builder: BarBuilder) -> dict[str, int]:
    """Return what was found wrong in answers so far: bars disputed, rows bad, answers short."""
    return {
        "bar_mismatch": builder.mismatches,
        "history_bad_rows": builder.bad_rows,
        "history_short": builder.short_answers,
    }


def _call(symbol: Symbol, exchange: str, day: Day, rank: int) -> ReadHistory:
    return ReadHistory(symbol=symbol, exchange=exchange, day=day, rank=rank)


def _backfilled(symbol: Symbol, change: Revised) -> BarsBackfilled:
    return BarsBackfilled(
        symbol=symbol, since=change.since, bars=change.bars, settled=change.settled
    )
