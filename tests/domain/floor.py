"""One symbol's way from the wire to the strategy: feed, bars and series, played second by second.

A clean tape is what really happened. Streams bring it while they are up and not mute, REST is asked
when the feed says so, history answers from the tape when the bars ask. All objects are those of the
actors; only the messages between them are missing.
"""

import random
from collections.abc import Iterable
from dataclasses import dataclass, field

from domain.bars import BarBuilder, Change, Finished, Revised, Terms
from domain.calls import Quotes, StreamState
from domain.feed import Feed, Frame
from domain.feed_effects import Connect, Deliver, Effect, Lost, Poll, Regained
from domain.market import Bar, HistoryBar, Source, Tick, minute_of
from domain.params import FeedParams, HistoryParams
from domain.series import Series
from domain.swings import SwingDetector, SwingEvent
from domain.units import MINUTE, SECOND, Micros, Paise, seconds
from domain.volume import VolumeLedger
from tests.domain.feeding import INDEX, change
from tests.domain.tape import (
    CALL,
    NIFTY,
    OPEN,
    Trade,
    a_chain,
    a_plan,
    a_row,
    a_tick,
    an_index_tick,
    at,
    row_of,
    ticks_of,
    truths,
)
from tests.domain.wares import a_quote

PLAN = a_plan()
FEED = FeedParams(exchange_time="trust")
STREAMS = (Source.PRIMARY, Source.BACKUP)
PULSES = 15 * SECOND
AFTER = Micros(2 * SECOND)
"""Bars hear the time every 15 s, two seconds after the minute."""


def history_of(tape: Iterable[Trade], now: Micros) -> list[HistoryBar]:
    """What a broker answers: the minutes that are over, and the forming one drawn last."""
    done = [row_of(truth) for truth in truths(tape) if truth.minute + MINUTE <= now]
    return [*done, a_row(minute_of(now))]


def swings_of(bars: Iterable[Bar]) -> list[SwingEvent]:
    detector = SwingDetector()
    return [event for bar in bars for event in detector.step(bar)]


def clean_bars(tape: Iterable[Trade]) -> tuple[Bar, ...]:
    """The bars of a tape told by one stream, in order."""
    ledger = VolumeLedger(OPEN, FEED.rebase_ticks)
    ledger.follow(CALL, at("09:00"))
    ledger.connected(Source.PRIMARY, 1, at("09:00"))
    builder = BarBuilder(CALL, PLAN, Terms(began=at("09:00"), tick=Paise(5)))
    builder.add(tick for tick in map(ledger.accept, ticks_of(tape)) if tick is not None)
    builder.elapse(PLAN.close)
    return builder.whole().bars


@dataclass
class Line:
    """A stream: whether its server takes connections, whether it speaks, and how much it told."""

    epoch: int | None = None
    is_refusing: bool = False
    is_mute: bool = False
    told: int = 0


@dataclass
class Floor:
    """Feed, bars and what a strategy ate of them.

    `baseline` is the cumulative volume from which the feed counts, `increments` what it counted.
    """

    tape: list[Trade]
    began: Micros = field(default_factory=lambda: at("09:05"))
    is_backup_there: bool = False

    def __post_init__(self) -> None:
        self.now = self.began
        self.sources = STREAMS if self.is_backup_there else STREAMS[:1]
        self.lines = {source: Line() for source in self.sources}
        self.baseline: int | None = None
        self.increments = 0
        self.restart_bars()
        self.restart_feed()

    def restart_feed(self, former: Feed | None = None) -> None:
        """Begin with a new feed and new connections; one that follows another knows its fate."""
        epoch = former.newest_epoch + 10 if former else 0
        lost_since = Micros(self.now - 5 * SECOND) if former else None
        self.feed = Feed(Frame(PLAN, INDEX, FEED, self.sources), random.Random(7), self.now)
        chain = a_chain(0)
        self.feed.choose(chain, {c.symbol: seconds(300) for c in chain.contracts}, self.now)
        effects = self.feed.begin(self.now, lost_since, epoch)
        self.hear(effects)

    def restart_bars(self) -> None:
        """Begin with new bars."""
        terms = Terms(began=self.now, tick=Paise(5), history=HistoryParams(retry_s=60))
        self.builder = BarBuilder(CALL, PLAN, terms)
        self.series = Series(CALL)
        self._ask()

    def play(self, until: int) -> "Floor":
        """Let the seconds pass: prices, then the pulse."""
        while self.now < until:
            self.now = Micros(self.now + SECOND)
            for source, line in self.lines.items():
                ticks = self._batch(source, line)
                if ticks:
                    self.hear(self.feed.arrived(ticks))
            self.hear(self.feed.pulse(self.now, self.now))
            if (self.now - AFTER) % PULSES == 0:
                self._bars_changed(self.builder.elapse(self.now))
                self._ask()
        return self

    def select(self, source: Source) -> None:
        """Give the say to a source, as the watchdog does."""
        self.hear(self.feed.select(source, "drawn", self.now))

    def drop(self, source: Source) -> None:
        """Close a connection from the other side."""
        line = self.lines[source]
        if line.epoch is not None:
            closed = change(StreamState.CLOSED, self.now, line.epoch, code=1006, source=source)
            line.epoch = None
            self.hear(self.feed.moved(closed))

    @property
    def eaten(self) -> tuple[Bar, ...]:
        """What a strategy was given."""
        return self.series.eaten

    def hear(self, effects: Iterable[Effect]) -> None:
        """Carry out what the feed wants, as FeedActor and BarActor do."""
        effects = tuple(effects)
        for effect in effects:
            match effect:
                case Deliver(symbol=symbol, ticks=ticks) if symbol == CALL:
                    self._count(ticks)
                    self._bars_changed(self.builder.add(ticks))
                case Lost(since=since):
                    self._bars_changed(self.builder.feed_gap(since, None))
                case Regained(source=source, since=since, until=until):
                    polled = None if source is Source.REST else until
                    self._bars_changed(self.builder.feed_gap(since, until))
                    self._bars_changed(self.builder.feed_polled(until, polled))
                case Poll():
                    self._polled(effect)
                case _:
                    pass
        self._connected(effects)

    def _count(self, ticks: tuple[Tick, ...]) -> None:
        if self.baseline is None:
            self.baseline = (ticks[0].cum_volume or 0) - ticks[0].volume
        self.increments += sum(tick.volume for tick in ticks)

    def _connected(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Connect):
                line = self.lines[effect.source]
                line.epoch = None if line.is_refusing else effect.epoch
                state = StreamState.REFUSED if line.is_refusing else StreamState.READY
                moved = change(state, self.now, effect.epoch, source=effect.source)
                self.hear(self.feed.moved(moved))

    def _batch(self, source: Source, line: Line) -> list[Tick]:
        """The index each second, and what was traded since the last; lost while nobody listens."""
        first, line.told = line.told, sum(1 for trade in self.tape if trade.at < self.now)
        if line.epoch is None or line.is_mute or self.now < OPEN:
            return []
        told = enumerate(self.tape[first : line.told], first)
        ticks = [self._tick(trade, seq, source, line.epoch) for seq, trade in told]
        index = an_index_tick(self.now, self._spot(), epoch=line.epoch, source=source)  # type: ignore[arg-type]  # by name
        return [*ticks, index]

    def _tick(self, trade: Trade, seq: int, source: Source, epoch: int) -> Tick:
        recv = Micros(trade.at + SECOND // 20)
        stamp = Micros(trade.at)
        known = {"seq": seq, "source": source, "epoch": epoch, "exch": stamp}
        return a_tick(recv, trade.price, trade.cum, **known)  # type: ignore[arg-type]  # by name

    def _spot(self) -> int:
        return 2_600_000 + 5 * (self.now // SECOND % 7)

    def _polled(self, poll: Poll) -> None:
        known = [trade for trade in self.tape if trade.at < self.now]
        quotes = [a_quote(self.now, symbol=NIFTY, exchange="NSE_INDEX", ltp=self._spot(), volume=0)]
        if known and (CALL, "NFO") in poll.pairs:
            quotes.append(a_quote(self.now, ltp=known[-1].price, volume=known[-1].cum))
        reply = Quotes(quotes=tuple(quotes), missing=())
        self.hear(self.feed.polled(reply, poll.epoch, poll.asked_at))

    def _ask(self) -> None:
        if self.builder.wanted(self.now):
            rows = history_of(self.tape, self.now)
            self._bars_changed(self.builder.backfill(rows, self.now))

    def _bars_changed(self, changes: Iterable[Change]) -> None:
        for each in changes:
            match each:
                case Finished(bar=bar, settled=settled):
                    self.series.closed(bar, settled)
                case Revised(since=since, bars=bars, settled=settled):
                    self.series.backfilled(since, bars, settled)
