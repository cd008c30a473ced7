"""Feed, bars and watchdog under the pump, on a scripted market: what reaches a strategy at last.

The market is one made-up tape per symbol. The stream delivers it unless it is mute or closed, the
broker draws history and quotes from it, and a reader eats what the bar actors tell, as a strategy
does. Whatever happened in between, the reader must end up with the bars of the tape.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from actors.bar import BarActor
from actors.base import Actor
from actors.feed import FeedActor, FeedPorts
from actors.pump import Pump
from actors.watchdog import WatchdogActor
from broker.port import Stream
from domain import clock
from domain.calls import (
    History,
    Quotes,
    Read,
    ReadHistory,
    ReadQuotes,
    ReadReply,
    StreamChange,
    StreamState,
    Write,
    WriteReply,
)
from domain.feed_watch import Policy
from domain.market import Bar, HistoryBar, Pair, Source, Tick, minute_of
from domain.params import (
    BarParams,
    ExitParams,
    FeedParams,
    HistoryParams,
    UniverseParams,
    WatchdogParams,
)
from domain.series import Fed, Series
from domain.units import MINUTE, SECOND, Micros, Symbol
from messages.control import Begin, ChainChosen, Pulse, RecoveryDone
from messages.market import BarClosed, BarsBackfilled, StreamMoved, TicksArrived
from messages.orders import FeedTrusted
from tests.domain.tape import CALL, NIFTY, Trade, a_chain, a_plan, a_row, a_tick, at, row_of, truths
from tests.domain.wares import a_quote

CHAIN = a_chain(0, 50)
OPTIONS = tuple(contract.symbol for contract in CHAIN.contracts)
INDEX: Pair = (NIFTY, "NSE_INDEX")
LONGEST = {NIFTY: 1, CALL: 9}
"""The longest wait between two trades, in seconds."""


def exchange_of(symbol: Symbol) -> str:
    return "NSE_INDEX" if symbol == NIFTY else "NFO"


def a_tape(symbol: Symbol, since: Micros, until: Micros) -> list[Trade]:
    """A walk: the index trades every second, one call every few seconds, the others rarely."""
    chance = random.Random(f"{symbol} 7")
    now, price, cum = since, 2_600_000 if symbol == NIFTY else 15_000, 0
    tape = []
    while now < until:
        tape.append(Trade(now, price, cum))
        price = max(5, price + 5 * chance.randint(-3, 3))
        cum += 0 if symbol == NIFTY else 65 * chance.randint(0, 3)
        now = Micros(now + chance.randint(1, LONGEST.get(symbol, 200)) * SECOND)
    return tape


@dataclass
class Hands:
    """A clock moved by hand."""

    at: Micros

    def now(self) -> Micros:
        return self.at

    def machine(self) -> Micros:
        return self.at


@dataclass
class Reader:
    """Eats one symbol's bars as a detector does."""

    series: Series
    eaten: list[Bar] = field(default_factory=list)
    rebuilds: int = 0

    def eat(self, fed: Fed) -> None:
        self.rebuilds += fed.rebuilt
        self.eaten = [*([] if fed.rebuilt else self.eaten), *fed.bars]


class Ear:
    """Stands in for everybody who is only told."""

    def __init__(self) -> None:
        self.heard: list[Any] = []

    def tell(self, message: Any) -> None:
        self.heard.append(message)


class Spare:
    """The stream of a second server, on the same tape. It ticks unless it is mute."""

    def __init__(self, moved: Callable[[StreamState, int, Source], None]) -> None:
        self.is_mute = False
        self.epoch: int | None = None
        self.subscribed: set[Symbol] = set()
        self._moved = moved

    def connect(self, epoch: int, symbols: tuple[Pair, ...]) -> None:
        self.epoch = epoch
        self.subscribed = {symbol for symbol, _ in symbols}
        self._moved(StreamState.READY, epoch, Source.BACKUP)

    def subscribe(self, symbols: tuple[Pair, ...]) -> None:
        self.subscribed |= {symbol for symbol, _ in symbols}

    def resubscribe(self, symbols: tuple[Pair, ...]) -> None:
        self.subscribe(symbols)

    def close(self) -> None:
        self.epoch = None


class Market:
    """The whole stand; also the stream, the broker and the spawner of its actors."""

    def __init__(self, began: str, tape_until: str = "10:30", *, has_backup: bool = False) -> None:
        self.spare = Spare(self._moved) if has_backup else None
        self.hands = Hands(at(began))
        self.pump = Pump()
        symbols = (NIFTY, *OPTIONS)
        self.tapes = {s: a_tape(s, at("09:15"), at(tape_until)) for s in symbols}
        self.readers = {s: Reader(Series(s)) for s in symbols}
        self.is_mute = False
        self.is_refusing = False
        self.is_rest_frozen = False
        self.spawned: list[str] = []
        self.opened = 0
        self._epoch: int | None = None
        self._subscribed: set[Symbol] = set()
        self._played = dict.fromkeys(symbols, 0)
        self._seq = 0
        self._late: list[Callable[[], None]] = []
        self.ears = {a: Ear() for a in ("order", "journal", "monitor", "main", "reconcile")}
        for address, ear in self.ears.items():
            self.pump.register(address, ear)
        self.pump.register("strategy", self)
        clock.use(self.hands)
        for address in ("feed", "watchdog"):
            self.spawn(address)
            self.pump.tell(address, Begin(at=self.hands.at))

    # The watchdog's spawner.

    def spawn(self, address: str) -> None:
        self.spawned.append(address)
        self.pump.register(address, self._built(address))

    def spawn_bars(self, symbols: tuple[Symbol, ...]) -> None:
        (symbol,) = symbols
        self.spawn(f"bar:{symbol}")

    def is_alive(self, address: str) -> bool:
        return self.pump.is_alive(address)

    def abandon(self, address: str) -> None:
        self.pump.take_off(address).abandon()

    def stuck(self, address: str) -> int:
        return 0

    def _built(self, address: str) -> Actor:
        feed = FeedParams()
        if address == "feed":
            streams: dict[Source, Stream] = {Source.PRIMARY: self}
            if self.spare is not None:
                streams[Source.BACKUP] = self.spare
            ports = FeedPorts(streams, self, random.Random(7))
            params = {"ports": ports, "params": feed, "universe": UniverseParams()}
            return FeedActor(address, self.pump, index=INDEX, **params)  # type: ignore[arg-type]  # by name
        if address == "watchdog":
            policy = Policy(feed=feed, watchdog=WatchdogParams(), exit=ExitParams(), is_paper=True)
            return WatchdogActor(
                address,
                self.pump,
                spawner=self,
                policy=policy,
                index=INDEX,
                group_size=1,
                deadline_s=20,
                chance=random.Random(7),
            )
        return BarActor(address, self.pump, broker=self, bars=BarParams(), history=HistoryParams())

    # The stream.

    def connect(self, epoch: int, symbols: tuple[Pair, ...]) -> None:
        self.opened += 1
        self._epoch = None if self.is_refusing else epoch
        self._subscribed = {symbol for symbol, _ in symbols}
        self._moved(StreamState.REFUSED if self.is_refusing else StreamState.READY, epoch)

    def subscribe(self, symbols: tuple[Pair, ...]) -> None:
        self._subscribed |= {symbol for symbol, _ in symbols}

    def resubscribe(self, symbols: tuple[Pair, ...]) -> None:
        self._subscribed |= {symbol for symbol, _ in symbols}

    def close(self) -> None:
        self._epoch = None

    def drop(self) -> None:
        """Close the connection from the other side."""
        if self._epoch is not None:
            self._moved(StreamState.CLOSED, self._epoch)
        self._epoch = None

    def _moved(self, state: StreamState, epoch: int, source: Source = Source.PRIMARY) -> None:
        change = StreamChange(source=source, epoch=epoch, state=state, at=self.hands.at, code=1006)
        self._late.append(lambda: self.pump.tell("feed", StreamMoved(change=change)))

    # The broker.

    def read(self, call: Read, done: Callable[[ReadReply], None]) -> None:
        reply: ReadReply
        if isinstance(call, ReadHistory):
            bars = tuple(self._history(call.symbol))
            reply = History(symbol=call.symbol, bars=bars, asked_at=self.hands.at)
        else:
            assert isinstance(call, ReadQuotes)
            quotes = tuple(self._quote(symbol) for symbol, _ in call.symbols)
            reply = Quotes(quotes=quotes, missing=())
        self._late.append(lambda: done(reply))

    def write(self, call: Write, done: Callable[[WriteReply], None]) -> None:
        raise AssertionError("market data sends no orders")

    def _history(self, symbol: Symbol) -> list[HistoryBar]:
        tape = [trade for trade in self.tapes[symbol] if trade.at < self.hands.at]
        now = minute_of(self.hands.at)
        done = [row_of(truth) for truth in truths(tape) if truth.minute < now]
        return [*done, a_row(now)]

    def _quote(self, symbol: Symbol) -> Any:
        until = at("10:00") if self.is_rest_frozen else self.hands.at
        last = [trade for trade in self.tapes[symbol] if trade.at <= until][-1]
        return a_quote(
            self.hands.at,
            symbol=symbol,
            exchange=exchange_of(symbol),
            ltp=last.price,
            volume=last.cum,
            prev_close=0,
        )

    # The strategy.

    def tell(self, message: Any) -> None:
        match message:
            case BarClosed(bar=bar, settled=settled):
                reader = self.readers[bar.symbol]
                reader.eat(reader.series.closed(bar, settled))
            case BarsBackfilled(symbol=symbol, since=since, bars=bars, settled=settled):
                reader = self.readers[symbol]
                reader.eat(reader.series.backfilled(since, bars, settled))
            case _:
                pass

    # Time.

    def recover(self) -> None:
        done = RecoveryDone(at=self.hands.at, plan=a_plan(), chain=None)
        for address in ("feed", "watchdog"):
            self.pump.tell(address, done)
        self.pump.run()

    def choose(self) -> None:
        chosen = ChainChosen(at=self.hands.at, plan=a_plan(), chain=CHAIN)
        for address in ("feed", "watchdog"):
            self.pump.tell(address, chosen)
        self.pump.run()

    def play(self, until: str) -> "Market":
        """Let the seconds pass: prices, answers, then the pulse."""
        while self.hands.at < at(until):
            self.hands.at = Micros(self.hands.at + SECOND)
            self._deliver()
            self._answer()
            for address in ("feed", "watchdog"):
                self.pump.tell(address, Pulse(at=self.hands.at))
            if (self.hands.at - 2 * SECOND) % (15 * SECOND) == 0:
                self.pump.tell_all("bar:", Pulse(at=self.hands.at))
            self.pump.run()
        return self

    def _deliver(self) -> None:
        ticks: list[Tick] = []
        for symbol, tape in self.tapes.items():
            start = self._played[symbol]
            end = start
            while end < len(tape) and tape[end].at <= self.hands.at:
                end += 1
            self._played[symbol] = end
            if symbol in self._subscribed and self._epoch is not None and not self.is_mute:
                ticks += [self._tick(symbol, trade, self._epoch) for trade in tape[start:end]]
            spare = self.spare
            if spare and spare.epoch is not None and not spare.is_mute:
                ticks += [
                    self._tick(symbol, trade, spare.epoch, Source.BACKUP)
                    for trade in tape[start:end]
                    if symbol in spare.subscribed
                ]
        if ticks:
            self.pump.tell("feed", TicksArrived(ticks=tuple(ticks)))

    def _tick(
        self, symbol: Symbol, trade: Trade, epoch: int, source: Source = Source.PRIMARY
    ) -> Tick:
        self._seq += 1
        is_index = symbol == NIFTY
        return a_tick(
            Micros(trade.at),
            trade.price,
            None if is_index else trade.cum,
            symbol=symbol,
            exchange=exchange_of(symbol),
            source=source,
            epoch=epoch,
            seq=self._seq,
        )

    def _answer(self) -> None:
        self.pump.run()
        while self._late:
            late, self._late = self._late, []
            for each in late:
                each()
            self.pump.run()

    # What came of it.

    def wrong(self) -> dict[Symbol, list[int]]:
        """Minutes eaten that differ from the tape, by symbol; empty if all is well."""
        found: dict[Symbol, list[int]] = {}
        for symbol, reader in self.readers.items():
            truth = {t.minute: t.facts[1:6] for t in truths(self.tapes[symbol])}
            found[symbol] = [
                bar.minute
                for bar in reader.eaten
                if (bar.open, bar.high, bar.low, bar.close, bar.volume) != truth.get(bar.minute)
            ]
        return {symbol: minutes for symbol, minutes in found.items() if minutes}

    def missing(self, until: str) -> dict[Symbol, list[int]]:
        """Minutes of the tape before `until` that were not eaten, by symbol."""
        found: dict[Symbol, list[int]] = {}
        for symbol, reader in self.readers.items():
            eaten = {bar.minute for bar in reader.eaten}
            known = (t.minute for t in truths(self.tapes[symbol]) if t.minute + MINUTE <= at(until))
            found[symbol] = [minute for minute in known if minute not in eaten]
        return {symbol: minutes for symbol, minutes in found.items() if minutes}

    def trust(self) -> list[bool]:
        """What the order actor was told about entries."""
        return [m.entries for m in self.ears["order"].heard if isinstance(m, FeedTrusted)]
