"""How live orders meet the market: triggers, queue, partial fills. Pure: events in, effects out.

`sandbox.md` 4. Our orders take prices first and queue after; they never move the market.

| Order | Meets |
|---|---|
| marketable LIMIT | the displayed levels up to its price, at *their* prices; the rest queues |
| resting LIMIT | prints at its price, which eat the queue ahead and then it; prints through it, of
which it gets a share; a crossing quote, of its touch size. Always at its own price |
| SL | nothing until a print touches the trigger; then the price band, then a plain LIMIT |

Fills are whole lots, and no print fills more than itself: what is odd of a print or of a level
trades between others. The units a book displays can be taken once: what one order took is gone for
the next until the symbol's next update.
"""

from dataclasses import dataclass, field

import msgspec

from domain.books import Action
from domain.units import Micros, Paise, Symbol, Units
from sandbox import accept, refusals
from sandbox.account import Account
from sandbox.kinds import Change, Level, OrderLine, PriceKind, PriceOut, Shown, Status
from sandbox.market import depth
from sandbox.truth import Band
from sandbox.venue import Venue


@dataclass(slots=True)
class _Taken:
    """What of one displayed book our orders took already, by price."""

    at: Micros
    units: dict[Paise, int] = field(default_factory=dict)


class Matching:
    """The live orders of one account against one market."""

    def __init__(self, venue: Venue, account: Account) -> None:
        self._account = account
        self._params = venue.params.matching
        self._venue = venue
        self.caps: dict[str, int] = {}
        """How many units of some orders may trade at most."""
        self._queues: dict[str, int] = {}
        self._taken: dict[Symbol, _Taken] = {}

    def price(self, out: PriceOut) -> None:
        """Let an update of the market meet every live order of its symbol."""
        live = self._account.book.live(out.symbol)
        resting = [order for order in live if order.status is Status.OPEN]
        if out.is_print:
            for order in live:
                if order.status is Status.TRIGGER_PENDING and touched(order, out.ltp):
                    self._trigger(out, order)
        left = out.last_quantity if out.is_print else 0
        # Price first, then age: dicts keep the order of arrival and sorting is stable.
        for order in sorted(resting, key=lambda order: -order.action.sign * order.price):
            left -= self._print(out, order, left) if left else 0
            self._cross(out, self._account.book.orders[order.orderid])

    def restore(self, at: Micros) -> None:
        """Put the resting orders of an earlier life at the back of the queue now displayed."""
        for order in self._account.book.all_live():
            if order.status is Status.OPEN:
                self._queue(self._venue.last(order.symbol, at), order)

    def enter(self, out: PriceOut, at: Micros, orderid: str) -> None:
        """Let an order that has just become a LIMIT take what is displayed, then queue."""
        self._sweep(out, at, orderid)

    def requeue(self, out: PriceOut, at: Micros, before: OrderLine) -> None:
        """Place an order anew after a modification; only a quantity cut keeps its place."""
        order = self._account.book.orders[before.orderid]
        if order.status is not Status.OPEN:
            return
        if order.price != before.price or order.quantity > before.quantity:
            self._sweep(out, at, order.orderid)

    def band(self, at: Micros, order: OrderLine) -> str:
        """Return why the price band refuses an order now, or ''; a refusal is noted in truth."""
        found = self._venue.band(order.symbol, at)
        if found is None or not accept.beyond(order, found[1], found[2]):
            return ""
        reference, low, high = found
        self._account.note(
            at,
            Band(
                orderid=order.orderid,
                symbol=order.symbol,
                price=order.price,
                reference=reference,
                low=low,
                high=high,
            ),
        )
        return refusals.LPP

    def _trigger(self, out: PriceOut, order: OrderLine) -> None:
        if order.kind is PriceKind.SLM:
            order = accept.protected(order, out.ltp, self._venue.facts.tick)
        reason = self.band(out.at, order)
        met = msgspec.structs.replace(
            order,
            status=Status.REJECTED if reason else Status.OPEN,
            triggered=True,
            reason=reason,
        )
        self._account.change(out.at, met, Change.REJECTED if reason else Change.TRIGGERED)
        if not reason:
            self._sweep(out, out.at, order.orderid)

    def _sweep(self, out: PriceOut, at: Micros, orderid: str) -> None:
        shown = Shown() if self._venue.market.is_halted(at) else depth.shown(out)
        for level in self._opposite(shown, self._account.book.orders[orderid]):
            order = self._account.book.orders[orderid]
            room = self._room(order)
            if not room or not crosses(order, level.price):
                break
            units = min(room, self._free(out, level))
            if units:
                self._take(out, level, units)
                self._account.trade(at, orderid, Units(units), level.price)
        self._queue(out, self._account.book.orders[orderid])

    def _queue(self, out: PriceOut, order: OrderLine) -> None:
        shown = depth.shown(out)
        own = shown.bids if order.action is Action.BUY else shown.asks
        ahead = next((level.quantity for level in own if level.price == order.price), 0)
        self._queues[order.orderid] = whole(int(ahead * self._params.queue_factor), out.lot)

    def _print(self, out: PriceOut, order: OrderLine, left: int) -> int:
        """Give an order its part of a print; return how many units of it are used up."""
        queue = self._queues.get(order.orderid, 0)
        if out.ltp == order.price:
            eaten = min(queue, left)
            self._queues[order.orderid] = queue - eaten
            units = min(self._room(order), whole(left - eaten, out.lot))
        elif crosses(order, out.ltp):
            eaten = 0
            share = int(left * self._params.participation)
            share = whole(share + out.lot - 1, out.lot)
            units = min(self._room(order), share, whole(left, out.lot))
        else:
            return 0
        if units:
            self._account.trade(out.at, order.orderid, Units(units), order.price)
        return eaten + units

    def _cross(self, out: PriceOut, order: OrderLine) -> None:
        """Fill an order from a quote that has come to its price."""
        touch = self._opposite(depth.shown(out), order)[:1]
        room = self._room(order)
        if not touch or not room or not crosses(order, touch[0].price):
            return
        units = min(room, self._free(out, touch[0]))
        if units:
            self._take(out, touch[0], units)
            self._account.trade(out.at, order.orderid, Units(units), order.price)

    def _room(self, order: OrderLine) -> int:
        """Return how many units of an order may trade now."""
        cap = self.caps.get(order.orderid)
        return order.pending if cap is None else min(order.pending, max(0, cap - order.filled))

    def _opposite(self, shown: Shown, order: OrderLine) -> tuple[Level, ...]:
        """Return the levels an order would take, made worse by the extra slippage."""
        levels = shown.asks if order.action is Action.BUY else shown.bids
        tick = self._venue.facts.tick
        worse = order.action.sign * self._params.extra_slippage_ticks * tick
        if not worse:
            return levels
        return tuple(
            Level(Paise(max(tick, level.price + worse)), level.quantity, level.orders)
            for level in levels
        )

    def _free(self, out: PriceOut, level: Level) -> int:
        taken = self._taken.get(out.symbol)
        if taken is None or taken.at != out.at:
            return whole(level.quantity, out.lot)
        return whole(level.quantity - taken.units.get(level.price, 0), out.lot)

    def _take(self, out: PriceOut, level: Level, units: int) -> None:
        taken = self._taken.get(out.symbol)
        if taken is None or taken.at != out.at:
            taken = self._taken[out.symbol] = _Taken(out.at)
        taken.units[level.price] = taken.units.get(level.price, 0) + units


def touched(order: OrderLine, ltp: Paise) -> bool:
    """Return whether a print meets a trigger: BUY at or above it, SELL at or below."""
    return order.action.sign * (ltp - order.trigger) >= 0


def crosses(order: OrderLine, price: Paise) -> bool:
    """Return whether an order would trade at this price of the other side."""
    return order.action.sign * (order.price - price) >= 0


def whole(units: int, lot: int) -> int:
    """Return units cut down to whole lots."""
    return units // lot * lot
