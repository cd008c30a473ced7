"""How soon a short is bought back by the exit ladder, beside one limit order that waits.

    python -m bench.ladder [--scenarios 1000]

Each scenario (`bench/ladder_book.py`) is played twice in virtual time against the paper exchange's
core, on the same prices and with the same latencies, and in both a short is to be left at the same
instant:

  ladder  the agent's order path as it is: OrderActor, ReconcileActor, the order journal; its stop
          rests, and is cancelled or climbs
  single  one BUY LIMIT at that instant, one step above the best ask (else the last price), and no
          other order before or after it; its sender knows the price and reads nothing

Time to flat runs from that instant to the last true trade; the cost is what was paid per unit above
the ask, else the last price, of that instant. A short that is not flat after 120 s counts as one
that took longer than any other. No figure is printed, and the exit code is 1, if a scenario did not
open its short, bought too much or broke a rule of the exchange's checker.
"""

import argparse
import logging
import random
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from math import ceil, inf
from pathlib import Path

from actors.base import Actor
from actors.post_office import Post
from actors.pump import PumpStage
from bench.ladder_book import BEGIN, INDEX, LOT, OPTION, TICK, Book, Kind, draw, tape
from config.settings import Settings, load
from domain.books import Action, PriceType
from domain.contracts import Chain, Contract, Side
from domain.exits import rung, stop_plan
from domain.orders import EntryKey, Ticket
from domain.params import StopParams
from domain.session import DayPlan
from domain.units import MINUTE, SECOND, Micros, Paise, Units, floor_tick
from journal.orders import NAME, JournalReader
from messages.control import Pulse, RecoveryDone
from messages.orders import ExitPosition, FeedTrusted, PlaceEntry, PlanDay, StrategyReady
from research.dealer import Desk as Dealing
from research.dealer import Habits
from research.mischief import Mischief, Plan
from research.order_agent import LifePorts, LifeSystem
from research.order_world import OrderWorld
from sandbox.checker import Terms, judge
from sandbox.exchange import Exchange, Setup
from sandbox.kinds import NFO, OrderIn, PriceKind
from sandbox.params import SandboxParams
from sandbox.truth import Row, Traded, Truth

WITHIN_S = 120
SOLD_AT = Micros(BEGIN + 4 * SECOND)
STRATEGY = "bench"
STOP = StopParams(limit_offset_p=300, limit_offset_bps=800)
LARGE_BPS = 2000
"""How far above its price a short's stop rests, so that only some leaps go through it."""


class Wrong(Exception):
    """A scenario did not go as both subjects need it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """How one subject left one short: seconds (inf: not within the time), paise a unit above."""

    kind: Kind
    seconds: float
    cost: float


class HolderActor(Actor):
    """In the strategy's place: sells one short and later wishes to leave it."""

    def __init__(self, address: str, post: Post, *, dealing: Dealing, book: Book) -> None:
        super().__init__(address, post)
        self._dealing = dealing
        self._book = book
        self._is_ready = False

    def on_receive(self, message: object) -> None:
        """Hear one message; what it does not know it ignores."""
        match message:
            case RecoveryDone(at=at):
                self._is_ready = True
                chain, plan = self._dealing.chain, self._dealing.plan
                self._tell(PlanDay(at=at, plan=plan, chain=chain))
                self._tell(StrategyReady(at=at))
                self._tell(FeedTrusted(at=at, entries=True, reason="", is_blind=False))
            case Pulse(at=at) if self._is_ready and SOLD_AT <= at < SOLD_AT + SECOND:
                self._tell(self._entry(at))
            case Pulse(at=at) if at >= self._book.leaves_at:
                leave = ExitPosition(at=at, strategy=STRATEGY, symbol=OPTION, reason="bench")
                self._tell(leave)
            case _:
                pass

    def _entry(self, at: Micros) -> PlaceEntry:
        last = self._dealing.last(OPTION)
        ticket = Ticket(
            symbol=OPTION,
            exchange=NFO,
            action=Action.SELL,
            quantity=Units(self._book.lots * LOT),
            pricetype=PriceType.LIMIT,
            price=_low(last),
            trigger=Paise(0),
            strategy=STRATEGY,
        )
        return PlaceEntry(
            at=at,
            key=EntryKey(strategy=STRATEGY, slot="CE", symbol=OPTION, minute=at, attempt=0),
            side=Side.CE,
            ticket=ticket,
            stop=stop_plan(last + last * LARGE_BPS // 10_000, STOP, Paise(TICK)),
            last=last,
            reason="bench",
        )

    def _tell(self, message: object) -> None:
        self.post.tell("order", message)


class HolderSystem(LifeSystem):
    """The order path of the cast, and a holder."""

    book: Book

    def __init__(self, settings: Settings, ports: LifePorts, stage: PumpStage) -> None:
        super().__init__(settings, ports, stage)
        holder = partial(HolderActor, "strategy", ports.post, dealing=ports.dealing, book=self.book)
        self._makers = {**self._makers, "strategy": holder}


def ladder(book: Book, settings: Settings, folder: Path) -> Left:
    """Leave by the agent's order path."""
    truth = Truth()
    exchange = _exchange(book, settings, truth)
    plan = DayPlan(
        day=exchange.day,
        open=Micros(BEGIN - 5 * MINUTE),
        close=Micros(BEGIN + 300 * MINUTE),
        last_entry=Micros(BEGIN + 200 * MINUTE),
        force_close=Micros(BEGIN + 200 * MINUTE),
        square_off=None,
        quiet=None,
    )
    mischief = Mischief(Plan(until=BEGIN), random.Random(book.number))  # noqa: S311 - repeats
    world = OrderWorld(exchange, BEGIN, settings, folder, mischief)
    dealing = Dealing(
        chain=_chain(exchange),
        plan=plan,
        last=lambda symbol: exchange.quote(world.timeline.now(), symbol).ltp,
        habits=Habits(),
    )
    system = type("BookSystem", (HolderSystem,), {"book": book})
    world.prepare(str(book.number), dealing, system, has_pushes=bool(book.number % 2))
    world.follow(truth)
    world.boot()
    world.run_to(_end(book))
    journal = JournalReader(folder / NAME).rows(plan.day)
    broken = judge(truth.rows, journal, Terms(until=_end(book), detection_s=7)).invariants_broken
    if broken or world.broken:
        raise Wrong(f"scenario {book.number}: {[*broken, *world.broken]}")
    return _left(book, truth.rows)


def single(book: Book, settings: Settings) -> Left:
    """Leave by one limit order."""
    truth = Truth()
    exchange = _exchange(book, settings, truth)
    exchange.advance(SOLD_AT)
    sale = _low(exchange.quote(SOLD_AT, OPTION).ltp)
    exchange.place(SOLD_AT, _order(book, Action.SELL, sale))
    at = book.leaves_at
    exchange.advance(at)
    price = rung(0, 0, _reference(exchange, at), settings.exit, Paise(TICK))
    exchange.place(at, _order(book, Action.BUY, price))
    exchange.advance(_end(book))
    return _left(book, truth.rows)


def _exchange(book: Book, settings: Settings, truth: Truth) -> Exchange:
    params = replace(settings.room(SandboxParams), seed=book.number)
    return Exchange(Setup(params, tape(book)), settings.rules, truth)


def _chain(exchange: Exchange) -> Chain:
    line = exchange.instrument(OPTION, NFO)
    assert line is not None
    assert line.expiry is not None
    contract = Contract(
        symbol=line.symbol,
        exchange=NFO,
        underlying=line.name,
        expiry=line.expiry,
        strike=line.strike,
        side=Side(line.kind),
        lot=line.lot,
        tick=line.tick,
        freeze=line.freeze,
    )
    return Chain(
        underlying=INDEX,
        index_exchange="NSE_INDEX",
        expiry=line.expiry,
        atm=line.strike,
        contracts=(contract,),
    )


def _order(book: Book, action: Action, price: Paise) -> OrderIn:
    return OrderIn(
        symbol=OPTION,
        exchange=NFO,
        action=action,
        quantity=Units(book.lots * LOT),
        kind=PriceKind.LIMIT,
        price=price,
    )


def _low(last: Paise) -> Paise:
    """Return a price at which a sale in a quiet book is filled at once."""
    return floor_tick(last * 95 // 100, Paise(TICK))


def _reference(exchange: Exchange, at: Micros) -> Paise:
    quote = exchange.quote(at, OPTION)
    return quote.ask or quote.ltp


def _end(book: Book) -> Micros:
    return Micros(book.leaves_at + WITHIN_S * SECOND)


def _left(book: Book, rows: Sequence[Row]) -> Left:
    """Read off the truth when the short was gone, and for how much."""
    trades = [(row.at, row.payload) for row in rows if isinstance(row.payload, Traded)]
    sold = sum(trade.quantity for _, trade in trades if trade.action is Action.SELL)
    bought = [(at, trade) for at, trade in trades if trade.action is Action.BUY]
    units = sum(trade.quantity for _, trade in bought)
    if sold != book.lots * LOT or units > sold or any(at < book.leaves_at for at, _ in bought):
        raise Wrong(f"scenario {book.number}: {sold} units sold, {units} bought")
    if units < sold:
        return Left(kind=book.kind, seconds=inf, cost=inf)
    paid = sum(trade.quantity * trade.price for _, trade in bought) / units
    return Left(
        kind=book.kind,
        seconds=(bought[-1][0] - book.leaves_at) / SECOND,
        cost=paid - _price_then(book),
    )


def _price_then(book: Book) -> int:
    """Return the ask, else the last price, of the instant at which the short was to be left."""
    ticks = tape(book).lines[OPTION]
    place = max(n for n, at in enumerate(ticks.at) if at <= book.leaves_at)
    return ticks.ask[place] or ticks.ltp[place]


def play(number: int) -> tuple[Left, Left]:
    """Play one scenario with both subjects; in a process of a pool."""
    logging.disable(logging.CRITICAL)
    settings = load("sandbox", rooms={"sandbox": SandboxParams()})
    book = draw(number)
    with tempfile.TemporaryDirectory(prefix="ladder-") as folder:
        return ladder(book, settings, Path(folder)), single(book, settings)


def row(name: str, pairs: Sequence[tuple[Left, Left]]) -> str:
    """Return one line: how many were flat in time, p50 and p99 of seconds and cost, and a ratio."""
    cells = [f"{name:<16}{len(pairs):>6}"]
    for subject in (0, 1):
        some = [pair[subject] for pair in pairs]
        flat = [left for left in some if left.seconds < inf]
        spans = [left.seconds for left in some]
        costs = [left.cost for left in flat]
        cells.append(
            f"{len(flat) * 100 / len(some):>8.1f}%{_shown(spans, 0.5):>8}{_shown(spans, 0.99):>8}"
            f"{_shown(costs, 0.5, 0):>7}{_shown(costs, 0.99, 0):>7}"
        )
    both = [percentile([pair[n].seconds for pair in pairs], 0.5) for n in (0, 1)]
    cells.append(f"{both[0] / both[1]:>8.2f}" if max(both) < inf and both[1] else f"{'-':>8}")
    return "".join(cells)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that `share` of all do not exceed; inf of none."""
    ordered = sorted(values)
    return ordered[max(0, ceil(share * len(ordered)) - 1)] if ordered else inf


def _shown(values: Sequence[float], share: float, digits: int = 1) -> str:
    found = percentile(values, share)
    return f"{found:.{digits}f}" if found < inf else "never" if values else "-"


HEAD = (
    f"{'':<22}{'ladder':^38}{'single limit':^38}\n"
    f"{'scenarios':<16}{'n':>6}"
    + f"{'flat':>9}{'p50 s':>8}{'p99 s':>8}{'p50 p':>7}{'p99 p':>7}" * 2
    + f"{'p50 x':>8}"
)


def main() -> int:
    """Play the scenarios and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--scenarios", type=int, default=1000)
    options = parser.parse_args()
    with ProcessPoolExecutor() as pool:
        try:
            pairs = list(pool.map(play, range(options.scenarios), chunksize=10))
        except Wrong as wrong:
            print(wrong, file=sys.stderr)
            return 1
    print(f"{HEAD}\n{row('all', pairs)}")
    for kind in Kind:
        some = [pair for pair in pairs if pair[0].kind is kind]
        if some:
            print(row(kind, some))
    print(f"flat: within {WITHIN_S} s; p: paise a unit above the ask, else the last price")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
