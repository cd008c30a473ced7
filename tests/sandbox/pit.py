"""A trading pit with levers: one real account and matching, prices put there by the test.

Latencies are zero unless a test sets them, so an order works the instant it is handed in.
"""

from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from typing import Any

from config import pack
from domain.books import Action
from domain.rules import RulePack
from domain.session import instant
from domain.units import Day, Micros, Paise, Symbol, Units, seconds
from sandbox.account import Account
from sandbox.facts import facts
from sandbox.kinds import (
    NFO,
    STRAIGHT,
    Answer,
    InstrumentLine,
    Level,
    ModifyIn,
    No,
    OrderIn,
    OrderLine,
    OrderOut,
    PriceKind,
    PriceOut,
    Shown,
    Twist,
)
from sandbox.market import master
from sandbox.market.line import Line
from sandbox.market.market import Market
from sandbox.matching import Matching
from sandbox.params import LatencyParams, Lognormal, SandboxParams
from sandbox.truth import Payload, Truth
from sandbox.venue import Venue
from sandbox.writes import Timeline, Writes

DAY = Day("2026-11-19")
CALL = Symbol("NIFTY23NOV2626000CE")
PUT = Symbol("NIFTY23NOV2626000PE")
SPOT = Paise(2_600_000)
PROMPT = LatencyParams(
    place_ms=Lognormal(median=0), modify_ms=Lognormal(median=0), cancel_ms=Lognormal(median=0)
)


@cache
def rules() -> RulePack:
    return pack.load()


def at(wall: str, day: Day = DAY) -> Micros:
    return instant(day, wall)


def settings(**changes: Any) -> SandboxParams:
    return replace(SandboxParams(latency=PROMPT), **changes)


def an_order(**changes: Any) -> OrderIn:
    fields: dict[str, Any] = {
        "symbol": CALL,
        "exchange": NFO,
        "action": Action.SELL,
        "quantity": 65,
        "kind": PriceKind.LIMIT,
        "price": 15_000,
        "strategy": "test",
    }
    return OrderIn(**{**fields, **changes})


def levels(*steps: tuple[int, int]) -> tuple[Level, ...]:
    return tuple(Level(Paise(price), Units(units), 1) for price, units in steps)


class PinnedLine(Line):
    """A line whose updates a test appends; its price reference is pinned too."""

    def __init__(self, instrument: InstrumentLine, open_at: Micros, price: Paise) -> None:
        super().__init__(instrument, open_at, price)
        self.reference_p: int = price
        self.newest = self.before

    def make(self, minute: int, last: PriceOut) -> list[PriceOut]:
        return []

    def theory(self, at: Micros) -> Paise:
        return Paise(self.reference_p)

    def at(self, at: Micros) -> PriceOut:
        return self.newest

    def reference(self, at: Micros) -> Paise:
        return Paise(self.reference_p)


class Pit:
    """One day in which nothing happens but what the test says."""

    def __init__(
        self,
        params: SandboxParams | None = None,
        day: Day = DAY,
        halt: tuple[Micros, Micros] | None = None,
    ) -> None:
        params = params or settings()
        dated = rules().override(*params.rules)
        day_facts = facts(dated, params.broker, day)
        found = master.synthetic(params.market, dated, day)
        self.lines = {
            symbol: PinnedLine(line, day_facts.open, Paise(15_000) if line.expiry else SPOT)
            for symbol, line in found.items()
        }
        market = Market(self.lines, day_facts.open, day_facts.close, halt)
        self.venue = Venue(params, day_facts, market)
        self.truth = Truth()
        self.account = Account(self.venue, self.truth, lambda s: self.lines[s].newest.ltp)
        self.matching = Matching(self.venue, self.account)
        self.timeline = Timeline()
        self.writes = Writes(self.venue, self.account, self.matching, self.timeline, 0)
        self.now = day_facts.open + seconds(60)

    def sleep(self, span_s: float) -> None:
        """Let time pass; acts that fall due happen."""
        until = Micros(self.now + seconds(span_s))
        while (due := self.timeline.next_at()) is not None and due <= until:
            self.now, act = self.timeline.take()
            act(self.now)
        self.now = until

    def show(
        self,
        bids: Iterable[tuple[int, int]] = (),
        asks: Iterable[tuple[int, int]] = (),
        *,
        printed: tuple[int, int] | None = None,
        symbol: Symbol = CALL,
    ) -> None:
        """Update a symbol a second later: its book, and what traded (price, units)."""
        self.sleep(1)
        line = self.lines[symbol]
        before = line.newest
        shown = Shown(levels(*bids), levels(*asks))
        price, size = printed or (before.ltp, 0)
        line.newest = PriceOut(
            at=Micros(self.now),
            symbol=symbol,
            exchange=NFO,
            ltp=Paise(price),
            ltt=Micros(self.now) if printed else before.ltt,
            volume=Units(before.volume + size),
            last_quantity=Units(size) if printed else before.last_quantity,
            open=before.open or Paise(price),
            high=Paise(max(before.high, price)),
            low=Paise(min(before.low or price, price)),
            prev_close=before.prev_close,
            oi=Units(0),
            bid=shown.bids[0].price if shown.bids else Paise(0),
            ask=shown.asks[0].price if shown.asks else Paise(0),
            shape=0,
            lot=line.instrument.lot,
            tick=line.instrument.tick,
            shown=shown,
        )
        self.matching.price(line.newest)

    def place(self, **changes: Any) -> Answer:
        twist: Twist = changes.pop("twist", STRAIGHT)
        deferred = self.writes.place(Micros(self.now), an_order(**changes), twist)
        self.sleep(0)
        return deferred.result()

    def orderid(self, **changes: Any) -> str:
        """Place an order that must be taken; return its id."""
        answer = self.place(**changes)
        assert not isinstance(answer, No), answer
        return answer.orderid

    def modify(self, orderid: str, **changes: int) -> Answer:
        order = self.order(orderid)
        change = ModifyIn(orderid=orderid, quantity=Units(changes.pop("quantity", order.quantity)))
        for name, value in changes.items():
            change = ModifyIn(**{**_fields(change), name: value})
        deferred = self.writes.modify(Micros(self.now), change)
        self.sleep(0)
        return deferred.result()

    def cancel(self, orderid: str, twist: Twist = STRAIGHT) -> Answer:
        deferred = self.writes.cancel(Micros(self.now), orderid, twist)
        self.sleep(0)
        return deferred.result()

    def order(self, orderid: str) -> OrderLine:
        return self.account.book.orders[orderid]

    def fills(self, orderid: str) -> list[tuple[int, int]]:
        """What an order traded, as (price, units)."""
        trades = self.account.book.trades
        return [(t.price, t.quantity) for t in trades if t.orderid == orderid]

    def state(self, orderid: str) -> tuple[str, int]:
        order = self.order(orderid)
        return str(order.status), order.filled

    def pushed(self) -> list[tuple[str, str, int]]:
        """The order updates so far, as (change, status, price); the list is emptied."""
        outs = [out for out in self.account.outs if isinstance(out, OrderOut)]
        self.account.outs.clear()
        return [(str(out.change), str(out.order.status), out.price) for out in outs]

    def rows(self, kind: type[Payload]) -> list[Payload]:
        return [row.payload for row in self.truth.rows if isinstance(row.payload, kind)]


def _fields(change: ModifyIn) -> dict[str, Any]:
    return {
        "orderid": change.orderid,
        "quantity": change.quantity,
        "price": change.price,
        "trigger": change.trigger,
    }
