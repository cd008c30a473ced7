"""What the plug-ins of some brokers make of a true answer (`sandbox.md` 8, `broker_profile`).

Applied between book and answer, never to truth. A word here is a broker's own, not OpenAlgo's.
"""

from collections.abc import Sequence

from domain.units import Micros, seconds
from sandbox.api.answers import Answer, Refused, success
from sandbox.api.spelling import rupees
from sandbox.kinds import OrderLine, Status

Quirks = frozenset[str]
Row = dict[str, object]

SETTLING = seconds(1)
"""How long a new order is in a state of the broker's own that OpenAlgo has no word for."""

UNMAPPED = "An error occurred while processing the order book"
FIXED_KIND = "Order type cannot be changed"
_FILLS = ("average_price", "filled_quantity", "pending_quantity")


def statuses(quirks: Quirks, orders: Sequence[OrderLine], now: Micros) -> list[str]:
    """Return the status each row shows, oldest first; Refused where that stumbles.

    `zerodha_leak`: a state without a word repeats the row before, and in the first row it is an
    error. `dhan_vocab`: the broker's own words pass through.
    """
    told: list[str] = []
    for order in orders:
        is_new = order.status.is_live and now - order.placed_at < SETTLING
        if is_new and "zerodha_leak" in quirks:
            if not told:
                raise Refused(500, UNMAPPED)
            told.append(told[-1])
        else:
            told.append(_dhan(order, is_new=is_new) if "dhan_vocab" in quirks else order.status)
    return told


def dressed(quirks: Quirks, order: OrderLine, row: Row) -> Row:
    """Return a row of the order book as the plug-in fills it in."""
    if "angel_price_is_avg" in quirks and order.filled:
        row["price"] = rupees(order.average)
    if "no_fill_qty" in quirks:
        for name in _FILLS:
            row.pop(name, None)
    return row


def forgiven(quirks: Quirks, route: str, answer: Answer) -> Answer:
    """Return what becomes of an error that the server met upstream.

    `fyers_empty`: no positions. `shoonya_empty`: a session that expired has no orders either.
    """
    if "fyers_empty" in quirks and route == "positionbook" and answer.status >= 400:
        return success({"data": []})
    if "shoonya_empty" in quirks and answer.status == 403:
        if route == "positionbook":
            return success({"data": []})
        if route == "orderbook":
            return success({"data": {"orders": [], "statistics": {}}})
    return answer


def pushed_status(quirks: Quirks, status: Status) -> str:
    """Return the status that an order update shows."""
    is_dhan = "dhan_vocab" in quirks and status is Status.TRIGGER_PENDING
    return "trigger_pending" if is_dhan else status


def _dhan(order: OrderLine, *, is_new: bool) -> str:
    if order.status is Status.COMPLETE:
        return "TRADED"
    if order.status is not Status.OPEN:
        return "TRANSIT" if is_new else order.status
    if order.filled:
        return "PART_TRADED"
    return "TRANSIT" if is_new else "PENDING"
