"""Order writes on their way: checked at the door, delayed, then put into effect.

`sandbox.md` 4 (Accept, Modify, Cancel) and 5. The door refuses at once; everything else is answered
when the exchange has acted, `latency.*_ms` later. Order updates leave at that same instant, so the
first frame may overtake the answer, as on OpenAlgo (seen).
"""

from collections.abc import Callable
from functools import partial
from heapq import heappop, heappush

import msgspec

from domain.books import Action
from domain.session import local
from domain.units import SECOND, Micros, Paise, Symbol, Units
from sandbox import accept, refusals, rms
from sandbox.accept import Arrival
from sandbox.account import Account
from sandbox.kinds import (
    STRAIGHT,
    Answer,
    Change,
    Done,
    ModifyIn,
    No,
    OrderIn,
    OrderLine,
    Origin,
    PriceKind,
    Status,
    Twist,
    line_of,
)
from sandbox.market.draws import Stream
from sandbox.matching import Matching
from sandbox.params import Lognormal
from sandbox.venue import Venue

MODIFIED = "Order modified successfully"
CANCELLED = "Order cancelled successfully"
Act = Callable[[Micros], None]
Effect = Callable[[Micros], Answer]


class Deferred:
    """The answer to a write that becomes known at `ready_at`.

    A refusal that needs no exchange is ready at the instant of the call.
    """

    def __init__(self, ready_at: Micros, answer: Answer | None = None) -> None:
        self.ready_at = ready_at
        self._answer = answer

    def settle(self, answer: Answer) -> None:
        """Fill the answer in. For the exchange only."""
        self._answer = answer

    def result(self) -> Answer:
        """Return the answer; LookupError before `advance(ready_at)` has run."""
        if self._answer is None:
            raise LookupError(f"not answered before {self.ready_at}")
        return self._answer


class Timeline:
    """Acts that wait for their instant; two at one instant keep the order of their adding."""

    def __init__(self) -> None:
        self._heap: list[tuple[Micros, int, Act]] = []
        self._added = 0

    def add(self, at: Micros, act: Act) -> None:
        """Let `act` happen at `at`."""
        self._added += 1
        heappush(self._heap, (at, self._added, act))

    def next_at(self) -> Micros | None:
        """Return the instant of the next act, if one waits."""
        return self._heap[0][0] if self._heap else None

    def take(self) -> tuple[Micros, Act]:
        """Remove the next act and return it with its instant."""
        at, _, act = heappop(self._heap)
        return at, act


class Writes:
    """Places, modifies and cancels for one account on one day."""

    def __init__(
        self, venue: Venue, account: Account, matching: Matching, timeline: Timeline, serial: int
    ) -> None:
        self._venue = venue
        self._params = venue.params
        self._facts = venue.facts
        self._account = account
        self._matching = matching
        self._timeline = timeline
        self._serial = serial
        """Numbers every draw; starts behind those of an earlier life of the day."""

    def place(self, at: Micros, order: OrderIn, twist: Twist = STRAIGHT) -> Deferred:
        """Take a new order. One that comes `late` is not answered before it is there."""
        text = accept.at_once(self._arrival(at, order))
        if text:
            return self._refuse(at, "place", "", text)
        line = line_of(order, self._orderid(at), at)
        deferred = self._later(at, "place", self._params.latency.place_ms)
        if twist is not STRAIGHT:
            line = msgspec.structs.replace(line, placed_at=Micros(line.placed_at + twist.late))
        self._timeline.add(
            Micros(deferred.ready_at + twist.late),
            lambda due: deferred.settle(self._enter(due, order, line, twist)),
        )
        return deferred

    def modify(self, at: Micros, change: ModifyIn, twist: Twist = STRAIGHT) -> Deferred:
        """Change a live order to absolute values; 0 keeps a price or trigger (seen)."""
        order = self._account.book.orders.get(change.orderid)
        if order is None:
            return Deferred(at, No(status=404, text=refusals.unknown_order(change.orderid)))
        if not order.status.is_live:
            return self._refuse(at, "modify", order.orderid, refusals.not_modifiable(order.status))
        target = _target(order, change)
        text = accept.at_once_changed(self._arrival(at, target), order)
        if text:
            return self._refuse(at, "modify", order.orderid, text)
        deferred = self._later(at, "modify", self._params.latency.modify_ms)
        done = Done(orderid=order.orderid, message=MODIFIED)
        self._act(deferred, twist, done, lambda due: self._alter(due, change.orderid, target))
        return deferred

    def cancel(self, at: Micros, orderid: str, twist: Twist = STRAIGHT) -> Deferred:
        """End a live order."""
        order = self._account.book.orders.get(orderid)
        if order is None:
            return Deferred(at, No(status=404, text=refusals.unknown_order(orderid)))
        if not order.status.is_live:
            return self._refuse(at, "cancel", orderid, refusals.not_cancellable(order.status))
        deferred = self._later(at, "cancel", self._params.latency.cancel_ms)
        done = Done(orderid=orderid, message=CANCELLED)
        self._act(deferred, twist, done, lambda due: self._end(due, orderid))
        return deferred

    def square_off(self, at: Micros) -> None:
        """Let the risk desk end what is intraday, now and over the next seconds."""
        rms.cancel_intraday(self._account, at)
        for closing in rms.closings(self._account, at, self._params.rms_spread_s):
            self._timeline.add(closing.at, partial(self._close, closing))

    def human(self, at: Micros, symbol: Symbol, action: Action, lots: int) -> bool:
        """Let the account's owner trade at the touch; False where nothing is taken now."""
        contract = self._venue.master[symbol]
        order = OrderIn(
            symbol=symbol,
            exchange=contract.exchange,
            action=action,
            quantity=Units(lots * contract.lot),
            kind=PriceKind.LIMIT,
        )
        if not self._facts.is_open(at) or self._venue.market.is_halted(at):
            return False
        last = self._venue.last(symbol, at)
        bp = self._params.matching.market_protection_bp
        line = msgspec.structs.replace(line_of(order, self._orderid(at), at), origin=Origin.HUMAN)
        line = accept.protected(line, last.ltp, self._facts.tick, bp)
        self._account.accept(at, line)
        self._matching.enter(last, at, line.orderid)
        return True

    def close(self, at: Micros) -> None:
        """End the day's orders with the day."""
        rms.cancel_all(self._account, at)

    def _act(self, deferred: Deferred, twist: Twist, done: Done, effect: Effect) -> None:
        """Let a write come into effect, with its answer or `late` after having said `done`."""
        if not twist.late:
            self._timeline.add(deferred.ready_at, lambda due: deferred.settle(effect(due)))
            return
        self._timeline.add(deferred.ready_at, lambda _: deferred.settle(done))
        self._timeline.add(Micros(deferred.ready_at + twist.late), partial(_quietly, effect))

    def _enter(self, at: Micros, order: OrderIn, line: OrderLine, twist: Twist) -> Answer:
        last = self._venue.last(line.symbol, at)
        if line.kind is PriceKind.MARKET:
            line = self._protected(line, last.ltp)
        text = accept.at_once(self._arrival(at, order)) or self._late(at, line, last.ltp)
        if not text:
            self._account.accept(at, line)
            if twist.lots is not None:
                self._cap(at, line, twist)
            if line.status is Status.OPEN:
                self._matching.enter(last, at, line.orderid)
        elif self._params.reject_style == "analyze":
            self._account.refuse(at, "place", "", text)
            return No(status=400, text=text)
        else:
            self._account.reject(at, line, text)
        return Done(orderid=line.orderid)

    def _cap(self, at: Micros, line: OrderLine, twist: Twist) -> None:
        lot = self._venue.master[line.symbol].lot
        self._matching.caps[line.orderid] = min((twist.lots or 0) * lot, line.quantity - lot)
        due = Micros(at + twist.rejected_after)
        self._timeline.add(due, partial(self._reject_rest, line.orderid))

    def _reject_rest(self, orderid: str, at: Micros) -> None:
        order = self._account.book.orders[orderid]
        if not order.status.is_live:
            return
        cap = self._matching.caps[orderid]
        if order.status is Status.TRIGGER_PENDING or (cap and not order.filled):
            self._timeline.add(Micros(at + SECOND), partial(self._reject_rest, orderid))
            return
        reason = refusals.REST_REJECTED
        ended = msgspec.structs.replace(order, status=Status.REJECTED, reason=reason)
        self._account.change(at, ended, Change.REJECTED)

    def _alter(self, at: Micros, orderid: str, target: OrderIn) -> Answer:
        before = self._account.book.orders[orderid]
        text = "" if before.status.is_live else refusals.not_modifiable(before.status)
        text = text or accept.at_once_changed(self._arrival(at, target), before)
        after = msgspec.structs.replace(
            before,
            quantity=target.quantity,
            price=target.price,
            trigger=target.trigger,
            modifies=before.modifies + 1,
            status=Status.COMPLETE if target.quantity == before.filled else before.status,
        )
        last = self._venue.last(before.symbol, at)
        text = text or self._late(at, after, last.ltp)
        if text:
            self._account.refuse(at, "modify", orderid, text)
            return No(status=400, text=text)
        self._account.change(at, after, None)
        self._matching.requeue(last, at, before)
        return Done(orderid=orderid, message=MODIFIED)

    def _end(self, at: Micros, orderid: str) -> Answer:
        order = self._account.book.orders[orderid]
        if not order.status.is_live:
            text = refusals.not_cancellable(order.status)
            self._account.refuse(at, "cancel", orderid, text)
            return No(status=400, text=text)
        ended = msgspec.structs.replace(order, status=Status.CANCELLED)
        self._account.change(at, ended, Change.CANCELLED)
        return Done(orderid=orderid, message=CANCELLED)

    def _close(self, closing: rms.Closing, _due: Micros) -> None:
        last = self._venue.last(closing.symbol, closing.at)
        order = rms.closing_order(
            self._account,
            closing,
            self._orderid(closing.at),
            last.ltp,
            (self._facts.tick, self._params.matching.market_protection_bp),
        )
        if order is not None:
            self._account.accept(closing.at, order)
            self._matching.enter(last, closing.at, order.orderid)

    def _late(self, at: Micros, order: OrderLine, ltp: Paise) -> str:
        """Return why the exchange refuses an order when it gets there, or ''."""
        text = accept.on_arrival(order, ltp)
        if not text and order.status is Status.OPEN:
            text = self._matching.band(at, order)
        return text or self._unaffordable(order)

    def _unaffordable(self, order: OrderLine) -> str:
        book = self._account.book
        needed = self._account.reserve(order)
        available = self._account.left_of(book.available + book.reserve_of(order.orderid))
        return refusals.no_margin(needed, available) if needed > available else ""

    def _protected(self, line: OrderLine, ltp: Paise) -> OrderLine:
        bp = self._params.matching.market_protection_bp
        if self._facts.market_orders == "allow":
            bp = accept.WHOLE
        return accept.protected(line, ltp, self._facts.tick, bp)

    def _arrival(self, at: Micros, order: OrderIn) -> Arrival:
        found = self._venue.master.get(order.symbol)
        contract = found if found and found.exchange == order.exchange else None
        is_halted = self._venue.market.is_halted(at)
        return Arrival(at, order, contract, self._facts, self._account.book, is_halted)

    def _orderid(self, at: Micros) -> str:
        """Return 14 digits, the day and a drawn number: not monotonic, as on OpenAlgo (seen).

        A live broker counts.
        """
        if self._params.profile == "live_quirks":
            self._serial += 1
            return f"{local(at):%y%m%d}{self._serial:09d}"
        stream = Stream(self._params.seed, "orderid", self._facts.day)
        while True:
            self._serial += 1
            orderid = f"{local(at):%y%m%d}{stream.words(self._serial)[0] % 10**8:08d}"
            if orderid not in self._account.book.orders:
                return orderid

    def _later(self, at: Micros, route: str, latency: Lognormal) -> Deferred:
        self._serial += 1
        if not latency.median:
            return Deferred(at)
        stream = Stream(self._params.seed, "latency", route)
        drawn_ms = stream.lognormal(latency.median, latency.sigma, self._serial)
        return Deferred(Micros(at + int(min(drawn_ms, latency.cap) * 1000)))

    def _refuse(self, at: Micros, route: str, orderid: str, text: str) -> Deferred:
        self._account.refuse(at, route, orderid, text)
        return Deferred(at, No(status=400, text=text))


def _quietly(effect: Effect, at: Micros) -> None:
    effect(at)


def _target(order: OrderLine, change: ModifyIn) -> OrderIn:
    """Return an order as the modification wants it; kind and side stay (seen)."""
    return OrderIn(
        symbol=order.symbol,
        exchange=order.exchange,
        action=order.action,
        quantity=change.quantity or order.quantity,
        kind=order.kind,
        product=order.product,
        price=change.price or order.price,
        trigger=change.trigger or order.trigger,
        strategy=order.strategy,
    )
