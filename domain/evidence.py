"""What a valid snapshot of the broker's books proves about our orders.

Trades are believed, rows of the order book move states, silence proves nothing but after
`orders.unknown_s` and two reads. An end (cancelled, rejected) needs two reads apart.
"""

from collections import defaultdict
from dataclasses import dataclass, field

import msgspec

from domain import events as ev
from domain.blotter import Blotter
from domain.books import Books, OrderPush, OrderRow, Status, TradeRow
from domain.fingerprint import candidates, weak_candidates
from domain.orders import Order, Pending, Purpose, State, Ticket
from domain.params import OrderParams, ReconcileParams
from domain.positions import Phase
from domain.units import MINUTE, Micros, Symbol, Units, seconds

CANCEL_PATIENCE = seconds(5)
"""How long an acknowledged cancel may take to show before it is asked again (0-3 s were seen)."""

BOUNDS_FOR = seconds(30)
"""How long the broker's own position, once believed, bounds what an exit may buy."""

WHOLE_DAY = Micros(24 * 60 * MINUTE)

READS = 2
"""How many snapshots an absence or an end must be seen in."""

BARE_GAPS = 3
"""How many times `orders.confirm_gap_s` a refusal must be seen for that comes without a reason."""

_ENDED = {Status.CANCELLED: State.CANCELLED, Status.REJECTED: State.REJECTED}
_WORKING = {Status.TRIGGER_PENDING: State.TRIGGER_PENDING, Status.OPEN: State.OPEN}


@dataclass
class Memory:
    """What earlier reads and pushes showed. Not durable: after a restart it is gathered again."""

    ended: dict[str, Micros] = field(default_factory=dict)
    rested: dict[str, Micros] = field(default_factory=dict)
    opened: dict[str, int] = field(default_factory=dict)
    vague: set[str] = field(default_factory=set)
    absent: dict[str, list[Micros]] = field(default_factory=lambda: defaultdict(list))
    pushed_reason: dict[str, str] = field(default_factory=dict)

    pushed: set[tuple[str, Status, int]] = field(default_factory=set)
    odd: set[str] = field(default_factory=set)
    net: dict[Symbol, int] | None = None
    net_at: Micros = Micros(0)

    def saw(self, books: Books) -> None:
        """Remember what the broker holds by the last believed books; `net` None: not known now."""
        self.net_at, self.net = books.got_at, defaultdict(int)
        for row in books.positions:
            if row.product == "MIS":
                self.net[row.symbol] += row.net

    def forget(self, at: Micros) -> None:
        """Let what the broker holds bound nothing any more once it was read too long ago.

        A read that fails does not make it unknown: our own fills are known by such reads alone.
        """
        if at >= self.net_at + BOUNDS_FOR:
            self.net = None

    def broker_short(self, symbol: Symbol) -> Units | None:
        """Return how much the broker is short; None: not known, so that it bounds nothing."""
        return None if self.net is None else Units(max(0, -self.net.get(symbol, 0)))

    def is_met(self, order: Order) -> bool:
        """Whether a stop-limit was met beyond doubt: it traded, or two reads show it open."""
        return order.filled > 0 or self.opened.get(order.intent, 0) >= READS

    def is_news(self, push: OrderPush) -> bool:
        """Whether a push says something that none said before."""
        said = push.orderid, push.status, int(push.filled)
        is_new = said not in self.pushed
        self.pushed.add(said)
        return is_new

    def is_absent(self, intent: str, apart: Micros) -> bool:
        """Whether an order in flight was missing in two snapshots begun after it was sent."""
        reads = self.absent.get(intent, [])
        return len(reads) >= READS and reads[-1] - reads[0] >= apart


class Weighing:
    """One valid snapshot held against the ledger; everything it proves is recorded."""

    def __init__(
        self,
        books: Books,
        blotter: Blotter,
        memory: Memory,
        params: OrderParams,
        reading: ReconcileParams,
    ) -> None:
        self._books = books
        self._blotter = blotter
        self._memory = memory
        self._params = params
        self._reading = reading
        self._at = books.got_at
        self._trades: dict[str, list[TradeRow]] = defaultdict(list)
        for trade in books.trades:
            self._trades[trade.orderid].append(trade)

    def run(self) -> None:
        """Record adoptions, fills, states and strangers, in this order."""
        rows = {row.orderid: row for row in self._books.orders}
        ledger = self._blotter.ledger
        for intent in tuple(ledger.orders):
            if not ledger.orders[intent].orderid:
                self._search(ledger.orders[intent])
        for intent in tuple(ledger.orders):
            orderid = ledger.orders[intent].orderid
            if orderid:
                self._fill(ledger.orders[intent], rows.get(orderid))
            if orderid in rows:
                self._row(ledger.orders[intent], rows[orderid])
        self._strangers()
        self._memory.saw(self._books)
        self._blotter.see_book(self._books.orders, self._books.unread)

    def _search(self, order: Order) -> None:
        """Look for an order whose id never came. A late find reopens what was given up."""
        if order.state is State.PLANNED or order.sent_at is None:
            return
        ledger = self._blotter.ledger
        # Once our own clock jumped, no stamp says whether a row was placed before a sending.
        skew = WHOLE_DAY if ledger.has_jumped else seconds(self._params.match_skew_s)
        known = ledger.known_ids()
        rows = tuple(map(self._by_its_trades, self._books.orders))
        found = candidates(order, rows, known, skew)
        if found:
            self._adopt(order, found)
        elif _may_have_filled(order) and (weak := _weak(order, rows, known, skew)):
            self._adopt(order, weak)
            self._finding("ADOPTED_WEAK", order, weak[0].orderid)
        elif order.state.is_in_flight and self._shows_absence(order, order.sent_at):
            reads = self._memory.absent[order.intent]
            reads.append(self._books.asked_at)
            given_up = order.sent_at + seconds(self._params.unknown_s)
            is_over = sum(read >= given_up for read in reads) >= READS
            if is_over and order.state is State.UNKNOWN:
                self._move(order, State.NOT_PLACED, reason="absent from the books")

    def _by_its_trades(self, row: OrderRow) -> OrderRow:
        """Return a row as complete whose status is a word of the broker's own, if it all traded."""
        traded = sum(trade.quantity for trade in self._trades.get(row.orderid, []))
        is_whole = row.status is Status.UNKNOWN and 0 < row.quantity == traded
        return msgspec.structs.replace(row, status=Status.COMPLETE) if is_whole else row

    def _shows_absence(self, order: Order, sent_at: Micros) -> bool:
        """Whether not finding an order means anything.

        The read must have begun late enough, and no row that cannot be read may be this order.
        """
        if self._books.asked_at < sent_at + seconds(self._reading.settle_s):
            return False
        known = self._blotter.ledger.known_ids() | set(order.baseline)
        return not any(
            row.orderid not in known and row.symbol in {"", order.ticket.symbol}
            for row in self._books.unread
        )

    def _adopt(self, order: Order, found: tuple[OrderRow, ...]) -> None:
        if order.state.is_terminal:
            self._finding("REVIVED", order, found[0].orderid)
        self._move(order, State.ACKED, orderid=found[0].orderid, reason="adopted")
        for extra in found[1:]:
            adopted = self._blotter.ledger.orders[order.intent]
            self._blotter.duplicate(adopted, extra.orderid, self._at)

    def _fill(self, order: Order, row: OrderRow | None) -> None:
        trades = [t for t in self._trades.get(order.orderid, []) if _is_of(t, order)]
        is_odd = len(trades) < len(self._trades.get(order.orderid, []))
        if is_odd and order.orderid not in self._memory.odd:
            self._memory.odd.add(order.orderid)
            self._blotter.alarm("ODD_TRADES", order.intent, order.orderid, self._at)
        filled = Units(sum(t.quantity for t in trades))
        if filled > order.filled:
            value = sum(t.quantity * t.price for t in trades)
            seen = ev.FillsSeen(at=self._at, intent=order.intent, filled=filled, value=value)
            self._blotter.record(seen)
            order = self._blotter.ledger.orders[order.intent]
            if filled > max(order.ticket.quantity, row.quantity if row else 0):
                said = f"{filled} of {order.ticket.quantity} units"
                self._blotter.alarm("OVERFILLED", order.intent, said, self._at)
        if order.state is not State.FILLED and self._is_whole(order, row):
            if order.state.is_terminal:
                self._finding("REVIVED", order, "filled")
            self._move(order, State.FILLED)
        elif order.filled and order.state in {State.ACKED, State.TRIGGER_PENDING}:
            self._move(order, State.OPEN, pending=order.pending)

    def _is_whole(self, order: Order, row: OrderRow | None) -> bool:
        """Whether the trades make up the whole order, by our numbers and by the book's.

        A modification may have changed the quantity while the order filled: the larger one counts,
        unless the book calls the smaller one complete, twice.
        """
        whole = max(order.ticket.quantity, order.target.quantity if order.target else 0)
        if row is None:
            return order.filled >= whole
        if row.status is not Status.COMPLETE or order.filled < row.quantity:
            return order.filled >= max(row.quantity, whole)
        return order.filled >= whole or self._is_seen_twice(order)

    def _row(self, order: Order, row: OrderRow) -> None:
        if order.state is State.FILLED and row.quantity <= order.filled:
            return  # the order book may lag behind the trades
        if row.status in _WORKING:
            self._memory.ended.pop(order.intent, None)
            if order.state.is_terminal:
                self._finding("REVIVED", order, row.status.value)
            self._living(order, row)
        elif row.status in _ENDED and not order.state.is_terminal:
            self._ending(order, row)
        elif row.status is Status.UNKNOWN and not order.state.is_terminal:
            self._living(order, row)

    def _living(self, order: Order, row: OrderRow) -> None:
        """Take the state a working row shows; its numbers too, once no request is in the air."""
        state = self._where(order, row)
        pending = self._pending(order, row)
        after = order.asked_at is None or self._books.asked_at > order.asked_at
        can_tell = after and pending is Pending.NONE
        ticket = _as_read(order, row) if can_tell else order.ticket
        if (state, pending, ticket) != (order.state, order.pending, order.ticket):
            changed = ticket if ticket != order.ticket else None
            self._move(order, state, pending=pending, ticket=changed)

    def _where(self, order: Order, row: OrderRow) -> State:
        """Return where a working row shows an order; one that was met never rests again.

        But a row can carry another row's status: untraded and read resting twice, it was not met. A
        word of the broker's own moves nothing.
        """
        memory = self._memory
        if row.status is Status.UNKNOWN:
            memory.vague.add(order.intent)
            return order.state
        memory.vague.discard(order.intent)
        shown = _WORKING[row.status]
        if shown is State.OPEN:
            memory.rested.pop(order.intent, None)
            memory.opened[order.intent] = memory.opened.get(order.intent, 0) + 1
            return shown
        memory.opened.pop(order.intent, None)
        if order.state is not State.OPEN:
            return shown
        first = memory.rested.setdefault(order.intent, self._books.got_at)
        again = self._books.asked_at >= first + seconds(self._params.confirm_gap_s)
        return shown if again and not order.filled else State.OPEN

    def _pending(self, order: Order, row: OrderRow) -> Pending:
        """Return the request still in the air, now that the order was read alive.

        A change that is seen carried out needs no answer.
        """
        since = order.pending_since
        if since is None or self._books.asked_at <= since:
            return order.pending
        if order.pending is Pending.MODIFY and _shows(order, row):
            return Pending.NONE
        if order.pending in {Pending.MODIFY_UNKNOWN, Pending.CANCEL_UNKNOWN}:
            return Pending.NONE
        if order.pending is Pending.CANCEL and self._books.asked_at > since + CANCEL_PATIENCE:
            return Pending.NONE
        return order.pending

    def _ending(self, order: Order, row: OrderRow) -> None:
        # A row may carry another row's status, which brings no reason along.
        is_bare = row.status is Status.REJECTED and not row.reason
        is_seen_twice = self._is_seen_twice(order, BARE_GAPS if is_bare else 1)
        pushed = self._memory.pushed_reason.get(order.orderid)
        told = row.status is Status.REJECTED and pushed is not None
        if told or is_seen_twice:
            reason = row.reason or pushed or row.status.value
            self._move(order, _ENDED[row.status], reason=reason)
            if self._is_missed(order):
                self._finding("STOP_MISSING", order, f"{order.orderid} is {row.status}: {reason}")

    def _is_missed(self, order: Order) -> bool:
        """Whether this was a stop that nobody asked to end, and its short is still there."""
        leg = self._blotter.ledger.legs.get(order.leg)
        if order.purpose is not Purpose.STOP or order.pending is not Pending.NONE:
            return False
        return leg is not None and leg.phase is Phase.PROTECT and leg.short > 0

    def _is_seen_twice(self, order: Order, gaps: int = 1) -> bool:
        """Whether an end is shown again, and nothing else since, by a read apart from the first."""
        first = self._memory.ended.setdefault(order.intent, self._books.got_at)
        return self._books.asked_at >= first + gaps * seconds(self._params.confirm_gap_s)

    def _strangers(self) -> None:
        """Note ids that are nobody's we know; while one of ours is in flight, look-alikes wait."""
        ledger = self._blotter.ledger
        known = ledger.known_ids()
        waiting = {o.ticket.symbol for o in ledger.live() if o.state.is_in_flight}
        foreign: dict[Symbol, set[str]] = defaultdict(set)
        for row in self._books.orders:
            if row.orderid not in known:
                foreign[row.symbol].add(row.orderid)
        for symbol in sorted((foreign.keys() | ledger.externals.keys()) - waiting):
            ids, net = foreign.get(symbol, set()), self._net_of_others(symbol)
            if ids or net != ledger.externals[symbol]:
                seen = ev.ExternalSeen(
                    at=self._at, symbol=symbol, orderids=tuple(sorted(ids)), net=net
                )
                self._blotter.record(seen)

    def _net_of_others(self, symbol: Symbol) -> int:
        own = self._blotter.ledger.own_ids()
        return sum(
            trade.action.sign * trade.quantity
            for trade in self._books.trades
            if trade.symbol == symbol and trade.product == "MIS" and trade.orderid not in own
        )

    def _move(self, order: Order, state: State, **changes: object) -> None:
        self._blotter.move(order, state, self._at, **changes)

    def _finding(self, kind: str, order: Order, detail: str) -> None:
        self._blotter.find(kind, order.intent, detail, self._at)


def _weak(
    order: Order, rows: tuple[OrderRow, ...], known: set[str], skew: Micros
) -> tuple[OrderRow, ...]:
    """Return the one row that may be this order; two of them prove nothing."""
    found = weak_candidates(order, rows, known, skew)
    return found if len(found) == 1 else ()


def _shows(order: Order, row: OrderRow) -> bool:
    """Whether a row has the numbers an order was asked to take, and they are other ones."""
    target = order.target
    if target is None or target == order.ticket:
        return False
    shown = row.quantity, row.price, row.trigger or target.trigger
    return shown == (target.quantity, target.price, target.trigger)


def _is_of(trade: TradeRow, order: Order) -> bool:
    """Whether a trade is one that an order may have made: its id alone does not say so."""
    wire = order.ticket
    return (trade.symbol, trade.action) == (wire.symbol, wire.action)


def _may_have_filled(order: Order) -> bool:
    """Whether a filled row that only resembles an order may be it: in flight, or an entry given up.

    What buys back and was given up is not looked for so: a human's own purchase looks the same.
    """
    is_watched = order.state is State.NOT_PLACED or order.may_appear
    return order.state.is_in_flight or (order.purpose is Purpose.ENTRY and is_watched)


def _as_read(order: Order, row: OrderRow) -> Ticket:
    """Return our ticket with the book's quantity, price and trigger.

    What the book does not show (0) is kept: many brokers drop a trigger once it was met. Some show
    the average as the price of an order that is filling: then only a price we asked for is taken.
    """
    ticket, price = order.ticket, row.price
    if order.filled and (order.target is None or price != order.target.price):
        price = ticket.price
    return msgspec.structs.replace(
        ticket,
        quantity=row.quantity,
        price=price or ticket.price,
        trigger=row.trigger or ticket.trigger,
    )
