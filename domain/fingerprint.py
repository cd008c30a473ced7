"""How an order is recognised without a client order id: its price, and what was known before it.

OpenAlgo has no idempotency key and refuses unknown fields, so identity is made of three things: the
ids known when the intent was committed (the baseline), a limit price nobody used today with the
same numbers (the fingerprint), and at most one outstanding intent per symbol and side.
"""

from collections.abc import Iterable

import msgspec

from domain.books import Action, OrderRow, Status
from domain.orders import WAITS, Order, Ticket
from domain.units import Micros, Paise, Symbol, Units

Numbers = tuple[Symbol, Action, str, Units, Paise, Paise]


def numbers(ticket: Ticket) -> Numbers:
    """Return what identifies an order: symbol, action, product, units, trigger, price."""
    return (
        ticket.symbol,
        ticket.action,
        ticket.product,
        ticket.quantity,
        ticket.trigger,
        ticket.price,
    )


def row_numbers(row: OrderRow) -> Numbers:
    """Return the same of a row of the order book."""
    return (row.symbol, row.action, row.product, row.quantity, row.trigger, row.price)


def fingerprinted(
    ticket: Ticket, used: Iterable[Numbers], tick: Paise, ticks: int
) -> tuple[Ticket, int] | None:
    """Return the ticket with the first free price, and how many ticks it was moved; None if none.

    SELL moves down, BUY moves up, never less willing to fill. `used` are the numbers of every
    order of today, anyone's. The worked example of `execution.md` 3: SELL 12695, then 12690.
    """
    taken = set(used)
    for k in range(ticks):
        moved = msgspec.structs.replace(
            ticket, price=Paise(ticket.price + ticket.action.sign * k * tick)
        )
        if moved.price > 0 and numbers(moved) not in taken:
            return moved, k
    return None


def candidates(
    order: Order, rows: Iterable[OrderRow], known: set[str], skew: Micros
) -> tuple[OrderRow, ...]:
    """Return rows that are this order beyond doubt: not known before, and every number equal.

    `known` are the ids already told apart. A time stamp only excludes: more than `skew` away from
    the sending, the row is another's.
    """
    known = known | set(order.baseline)
    mine = numbers(order.ticket)
    return tuple(
        row
        for row in rows
        if row.orderid not in known
        and (row_numbers(row) == mine or _is_met(row, order.ticket))
        and not _is_far(row, order, skew)
    )


def weak_candidates(
    order: Order, rows: Iterable[OrderRow], known: set[str], skew: Micros
) -> tuple[OrderRow, ...]:
    """Return rows that may be this order, filled: all but price and trigger is equal.

    Some brokers overwrite the price by the average, which is never worse than the limit, and drop
    the trigger once it was met. A row that shows a limit beside its average shows its own, and is
    another's.
    """
    known = known | set(order.baseline)
    *mine, trigger, _ = numbers(order.ticket)
    return tuple(
        row
        for row in rows
        if row.status is Status.COMPLETE
        and row.orderid not in known
        and list(row_numbers(row)[:4]) == mine
        and (row.trigger == trigger or _dropped_trigger(row, order.ticket))
        and row.price in {0, row.average or row.price}
        and _is_no_worse(row.average or row.price, order.ticket)
        and not _is_far(row, order, skew)
    )


def _is_met(row: OrderRow, ticket: Ticket) -> bool:
    """Whether a row is this ticket, filled, without the trigger that it met."""
    whole = row_numbers(row)[:4] == numbers(ticket)[:4] and row.price == ticket.price
    return whole and row.status is Status.COMPLETE and _dropped_trigger(row, ticket)


def _dropped_trigger(row: OrderRow, ticket: Ticket) -> bool:
    """Whether a row is a stop-limit that was met; a LIMIT never had a trigger and is another's."""
    return row.trigger == 0 and ticket.trigger > 0 and row.pricetype == ticket.pricetype


def _is_no_worse(average: Paise, ticket: Ticket) -> bool:
    return average > 0 and (average - ticket.price) * ticket.action.sign <= 0


def _is_far(row: OrderRow, order: Order, skew: Micros) -> bool:
    if row.placed_at is None or order.sent_at is None:
        return False
    # What waits for a human is placed when he approves it.
    is_later = row.placed_at - order.sent_at > skew and order.reason not in WAITS
    return is_later or order.sent_at - row.placed_at > skew
